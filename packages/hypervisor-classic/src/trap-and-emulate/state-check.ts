// What of a hypervisor saved at EL1 must agree with what else of it: hostile states are refused whose parts contradict each other, as they
// would fail, or let guests reach each other or the hypervisor, long after they were restored.

import { PAGE } from '@worldswitch/vmm';
import type { ShadowState } from '@worldswitch/vmm';

import type { HypervisorSetup } from '../host/setup.ts';
import { checkClaims, checkClock, checkCpus, deviceClaims, must } from '../host/state-check.ts';
import type { Claim } from '../host/state-check.ts';
import { areArmed, areMonitors } from './monitor-state.ts';
import type { BootedState } from './state.ts';
import { guestMode } from './virtual-cpu.ts';

const page = (at: number, path: string): Claim => ({ at, size: PAGE, path });

/** The tables of a VM's shadow, and what the guest wrote to those that are its own. */
function shadowClaims({ halves, real }: ShadowState, path: string): readonly Claim[] {
  const claims = halves.flatMap(({ root, tables, borrowed }, i) => {
    const own = `${path}.halves[${i}]`;
    const guests = new Set(borrowed);
    const theirs = tables.flatMap((at, n) =>
      n % 2 === 1 && !guests.has(tables[n - 1] ?? -1) ? [page(at, `${own}.tables`)] : [],
    );
    return [page(root, `${own}.root`), ...theirs];
  });
  real.forEach((side, n) => {
    if (n % 4 === 3) claims.push(page(side, `${path}.real`));
  });
  return claims;
}

/** Memory of the hypervisor's: everything that was handed out, to one owner each. */
function checkMemory(setup: HypervisorSetup, s: BootedState, path: string): void {
  const { space, kernels, rewritten, vms, devices } = s;
  const own = [
    page(space.table, `${path}space.table`),
    page(space.root, `${path}space.root`),
    page(space.empty, `${path}space.empty`),
  ];
  // Of translated code, or of fix-ups.
  const translated = setup.translation !== undefined;
  const fixUps = rewritten !== null && rewritten.places.length > 0 ? [1] : [];
  const vcpus = translated ? setup.vms.map(({ vm }) => vm.board.cpus) : fixUps;
  const places = translated ? kernels.map((kernel) => kernel.places) : [rewritten?.places ?? []];
  must(
    space.kernels.length === vcpus.length && space.kernels.every(({ cpus }, vm) => cpus.length === vcpus[vm]),
    `${path}space.kernels`,
    'be there where kernels have code of the hypervisor’s',
  );
  let id = 0;
  space.kernels.forEach(({ table, cpus }, vm) => {
    own.push(page(table, `${path}space.kernels[${vm}].table`));
    for (const { cache, state } of cpus) {
      const where = translated ? `${path}kernels[${id}].places` : `${path}rewritten.places`;
      const here = places[id++] ?? [];
      const same = [cache.pa, cache.size, state.pa, state.size].every((one, i) => one === here[i]);
      must(same, where, 'be those of the address space');
      own.push({ at: cache.pa, size: cache.size, path: where });
      own.push({ at: state.pa, size: state.size, path: where });
    }
  });
  const shadows = vms.flatMap(({ shadow }, i) => shadowClaims(shadow, `${path}vms[${i}].shadow`));
  checkClaims(setup, s.pages, [...own, ...shadows, ...deviceClaims(devices, path)]);
}

/** No two address spaces have one ASID of this generation, as what a TLB has of the one would be found in the other. */
function checkAsids({ space: { asids, loaded }, vms }: BootedState, path: string): void {
  const taken = new Map<number, string>();
  vms.forEach(({ shadow }, i) => {
    shadow.spaces.forEach(({ asid, generation }, n) => {
      const own = `${path}vms[${i}].shadow.spaces[${n}]`;
      must(generation <= asids.generation, `${own}.generation`, 'be one that there was');
      if (generation !== asids.generation) return;
      must(asid >= 1 && asid < asids.next, `${own}.asid`, 'be one that was given out');
      const other = taken.get(asid);
      must(other === undefined, `${own}.asid`, `not be that of ${other ?? 'another'}`);
      taken.set(asid, own);
    });
  });
  must(asids.running.length === loaded.length, `${path}space.asids.running`, 'have one for each CPU');
}

/** What each CPU has loaded is the hypervisor's own, or a shadow's. */
function checkLoaded({ space, vms }: BootedState, path: string): void {
  const [lower, upper] = [new Set([space.empty]), new Set([space.root])];
  for (const { shadow } of vms) for (const half of shadow.halves) (half.upper ? upper : lower).add(half.root);
  space.loaded.forEach(({ ttbr0, ttbr1, hole }, i) => {
    const own = `${path}space.loaded[${i}]`;
    // A CPU that has not been started has nothing.
    if (hole === 512) return;
    must(lower.has(ttbr0), `${own}.ttbr0`, 'be a root of the lower half');
    must(upper.has(ttbr1), `${own}.ttbr1`, 'be a root of the upper half');
  });
}

/** Each VM's clock; no vCPU goes on at the hypervisor's level. */
function checkVms({ vms, timer }: BootedState, path: string): void {
  vms.forEach(({ clock, vcpus }, i) => {
    const own = `${path}vms[${i}]`;
    checkClock(clock, timer.seen, own);
    vcpus.forEach((vcpu, n) => {
      const path = `${own}.vcpus[${n}]`;
      must(guestMode(vcpu.live) === 0, `${path}.live`, 'go on at EL0');
      must(areMonitors(vcpu), `${path}.system`, 'have monitors that a guest can have');
      must(areArmed(vcpu), `${path}.monitors.armed`, 'be what its registers ask for');
    });
  });
}

/** Who is on which CPU, and whose its controls are. */
function checkPlaces({ scheduler, cpus, slices, vms, timer, hardware }: BootedState, path: string): void {
  const vcpus = vms.flatMap(({ vcpus: own }, vm) =>
    own.map(({ on, waiting, monitors }, n) => ({
      ...{ on, waiting, armed: monitors.armed },
      path: `${path}vms[${vm}].vcpus[${n}]`,
    })),
  );
  vcpus.forEach(({ armed, path: own }, id) => {
    const isLoaded = armed === 0 || cpus.some(({ loaded }) => loaded === id);
    must(isLoaded, `${own}.monitors.armed`, 'be none of a vCPU that is on no CPU');
  });
  checkCpus({ scheduler, cpus }, vcpus, timer.seen, path);
  const first = Math.min(...timer.set.map((at) => at ?? Infinity));
  must(
    slices.every((at) => at === null || at >= first),
    `${path}timer.set`,
    'come no later than the end of a slice',
  );
  hardware.forEach(([, , , entered = 0, stale = 0], i) => {
    must(entered <= vcpus.length, `${path}hardware[${i}]`, 'be of a vCPU that there is');
    must(stale <= 2, `${path}hardware[${i}]`, 'say whether controls must be looked at');
  });
}

/** Throws a `StateError` for a state whose parts contradict each other. */
export function checkTrapped(setup: HypervisorSetup, state: BootedState, path: string): void {
  const at = path === '' ? '' : `${path}.`;
  checkMemory(setup, state, at);
  checkAsids(state, at);
  checkLoaded(state, at);
  checkVms(state, at);
  checkPlaces(state, at);
}
