// What of a saved hypervisor must agree with what else of it. Each part was checked alone; here hostile states are refused whose parts
// contradict each other: they would fail, or leak between VMs, long after they were restored.

import { Context, hostMapAt, PAGE } from '@worldswitch/vmm';

import type { HypervisorSetup } from '../host/setup.ts';
import { checkClaims, checkClock, checkCpus, deviceClaims, must } from '../host/state-check.ts';
import type { Claim } from '../host/state-check.ts';
import type { BootedState } from './state.ts';

/** Bits of a VM's physical addresses, the level at which its lookups begin then, and the bytes of its first table. */
export const IPA_BITS = 40;
const START = 1;
const ROOT = 2 * PAGE;
/** SPSR_EL2.M of EL0t, EL1t and EL1h in AArch64 state. */
const GUEST_MODES: readonly number[] = [0, 4, 5];

/** Memory of the hypervisor's, and its own map. */
function checkMemory(setup: HypervisorSetup, s: BootedState, path: string): void {
  const [low = 0, high = 0] = s.map;
  const own: Claim = { at: high * 2 ** 32 + low, size: PAGE, path: `${path}map` };
  const roots = s.vms.map(({ stage2 }, i) => ({
    at: stage2.root,
    size: ROOT,
    path: `${path}vms[${i}].stage2.root`,
  }));
  checkClaims(setup, s.pages, [own, ...roots, ...deviceClaims(s.devices, path)]);
  const { ttbr0, tcr, mair } = hostMapAt(own.at);
  const map = [...ttbr0, ...tcr, ...mair];
  must(
    s.map.every((word, i) => word === map[i]),
    `${path}map`,
    'be a map as the hypervisor makes it',
  );
}

/** Each VM's stage 2 is of the shape that all have, with its own VMID, and no vCPU goes on at the hypervisor's level. */
function checkVms(s: BootedState, path: string): void {
  s.vms.forEach(({ stage2, clock, vcpus }, i) => {
    const own = `${path}vms[${i}]`;
    must(stage2.vmid === i + 1, `${own}.stage2.vmid`, `be ${i + 1}`);
    must(
      stage2.ipaBits === IPA_BITS && stage2.paBits === IPA_BITS && stage2.start === START,
      `${own}.stage2`,
      `be of ${IPA_BITS} bits, from level ${START}`,
    );
    const most = 2 ** (IPA_BITS - 21);
    must(
      stage2.dirty.every(({ index }) => index < most),
      `${own}.stage2.dirty`,
      `be pages below 2^${IPA_BITS}`,
    );
    checkClock(clock, s.timer.seen, own);
    vcpus.forEach(({ context }, n) => {
      const word = { lo: 0, hi: 0 };
      new Context(context).get('SPSR_EL2', word);
      must(GUEST_MODES.includes(word.lo & 31), `${own}.vcpus[${n}].context`, 'be at EL0 or EL1');
    });
  });
}

/** Who is on which CPU: the CPUs, the vCPUs' timers and interrupts, the scheduler and FP say the same. */
function checkPlaces({ scheduler, cpus, float, vms, timer }: BootedState, path: string): void {
  const vcpus = vms.flatMap(({ vcpus: own, gic }, vm) =>
    own.map((vcpu, n) => ({
      vcpu,
      on: gic.flight.vcpus[n]?.cpu ?? 0,
      path: `${path}vms[${vm}].vcpus[${n}]`,
    })),
  );
  checkCpus(
    { scheduler, cpus },
    vcpus.map(({ vcpu, path: own }) => ({ on: vcpu.on, waiting: vcpu.waiting, path: own })),
    timer.seen,
    path,
  );
  vcpus.forEach(({ vcpu, on, path: own }, id) => {
    const place = cpus.findIndex(({ loaded }) => loaded === id);
    must(vcpu.timer.loaded === place >= 0, `${own}.timer.loaded`, 'say whether it is on a CPU');
    must(on === place + 1, own, 'have its list registers on the CPU on which it is');
    must(vcpu.timer.deadline === null || place < 0, `${own}.timer.deadline`, 'be null while it is on a CPU');
  });
  cpus.forEach(({ loaded }, i) => {
    const own = float.cpus[i];
    const is = own?.vcpu ?? null;
    must(is === null || is < vcpus.length, `${path}float.cpus[${i}].vcpu`, 'be a vCPU that there is');
    must(
      own?.used !== true || is === loaded,
      `${path}float.cpus[${i}].used`,
      'be of the vCPU that is on the CPU',
    );
  });
}

/** Each deadline has a CPU whose timer comes no later. */
function checkDeadlines(s: BootedState, path: string): void {
  const first = Math.min(...s.timer.set.map((at) => at ?? Infinity));
  const timers = s.vms.flatMap(({ vcpus }) => vcpus.map(({ timer }) => timer));
  const armed = [...s.slices, ...s.levels, ...timers.flatMap((t) => [t.deadline, t.physicalDeadline])];
  must(
    armed.every((at) => at === null || at >= first),
    `${path}timer.set`,
    'come no later than the first deadline',
  );
}

/** Throws a `StateError` for a state whose parts contradict each other. */
export function checkWhole(setup: HypervisorSetup, state: BootedState, path: string): void {
  const at = path === '' ? '' : `${path}.`;
  checkMemory(setup, state, at);
  checkVms(state, at);
  checkPlaces(state, at);
  checkDeadlines(state, at);
}
