// What of a saved hypervisor must agree with what else of it. Each part was checked alone; here hostile states are refused whose parts
// contradict each other: they would fail, or leak between VMs, long after they were restored.

import { StateError } from '@worldswitch/platform';
import { Context, hostMapAt, PAGE, PageAllocator } from '@worldswitch/vmm';

import type { HypervisorSetup } from '../host/setup.ts';
import type { BootedState } from './state.ts';

/** Bits of a VM's physical addresses, the level at which its lookups begin then, and the bytes of its first table. */
export const IPA_BITS = 40;
const START = 1;
const ROOT = 2 * PAGE;
/** Bytes of buffers of drivers. */
const [DISK_BUFFER, FRAME_BUFFER] = [16 * PAGE, PAGE / 2];
/** SPSR_EL2.M of EL0t, EL1t and EL1h in AArch64 state. */
const GUEST_MODES: readonly number[] = [0, 4, 5];

function must(holds: boolean, path: string, what: string): void {
  if (!holds) throw new StateError(path, `must ${what}`);
}

/** A range of the hypervisor's memory that something has. */
interface Claim {
  readonly at: number;
  readonly size: number;
  readonly path: string;
}

function claimsOf(s: BootedState, path: string): readonly Claim[] {
  const [low = 0, high = 0] = s.map;
  const claims: Claim[] = [{ at: high * 2 ** 32 + low, size: PAGE, path: `${path}map` }];
  s.vms.forEach(({ stage2 }, i) =>
    claims.push({ at: stage2.root, size: ROOT, path: `${path}vms[${i}].stage2.root` }),
  );
  for (const [name, disk] of Object.entries(s.devices.disks)) {
    const own = `${path}devices.disks.${name}`;
    claims.push({ at: disk.queue.page, size: PAGE, path: `${own}.queue.page` });
    claims.push({ at: disk.buffer, size: DISK_BUFFER, path: `${own}.buffer` });
  }
  const { nic } = s.devices;
  if (nic === null) return claims;
  const own = `${path}devices.nic`;
  claims.push({ at: nic.receive.page, size: PAGE, path: `${own}.receive.page` });
  claims.push({ at: nic.transmit.page, size: PAGE, path: `${own}.transmit.page` });
  for (const list of ['buffers', 'outgoing'] as const)
    nic[list].forEach((at, i) => claims.push({ at, size: FRAME_BUFFER, path: `${own}.${list}[${i}]` }));
  return claims;
}

/** Memory of the hypervisor's: everything that was handed out, to one owner each. */
function checkMemory({ memory }: HypervisorSetup, s: BootedState, path: string): void {
  const pages = new PageAllocator(memory.base, memory.size / PAGE, s.pages);
  const claims = claimsOf(s, path);
  for (const { at, size, path: own } of claims) {
    must(at % Math.min(size, PAGE) === 0, own, `be a multiple of ${Math.min(size, PAGE)}`);
    must(pages.owns(at - (at % PAGE), size), own, 'be memory that was handed out');
  }
  const sorted = [...claims].sort((a, b) => a.at - b.at);
  sorted.forEach(({ at, path: own }, i) => {
    const before = sorted[i - 1];
    if (before) must(at >= before.at + before.size, own, `not overlap ${before.path}`);
  });
  const { ttbr0, tcr, mair } = hostMapAt(claims[0]?.at ?? 0);
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
    must(clock.paused === null, `${own}.clock.paused`, 'be null');
    must(clock.offset >= 0 && clock.offset <= s.timer.seen, `${own}.clock.offset`, 'be between 0 and now');
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
  cpus.forEach(({ loaded, running, fresh }, i) => {
    const own = `${path}cpus[${i}]`;
    const here = running === null || (running === loaded && scheduler.entries[running]?.on === i);
    must(here, `${own}.running`, 'be the vCPU that is loaded and scheduled here');
    must(!fresh || running !== null, `${own}.fresh`, 'be false where no vCPU runs');
  });
  vcpus.forEach(({ vcpu, on, path: own }, id) => {
    const place = cpus.findIndex(({ loaded }) => loaded === id);
    const entry = scheduler.entries[id];
    must(vcpu.timer.loaded === place >= 0, `${own}.timer.loaded`, 'say whether it is on a CPU');
    must(on === place + 1, own, 'have its list registers on the CPU on which it is');
    must(vcpu.timer.deadline === null || place < 0, `${own}.timer.deadline`, 'be null while it is on a CPU');
    must(entry?.runnable === (vcpu.on && !vcpu.waiting), own, 'be runnable where it is on and does not wait');
    const running = entry?.on ?? null;
    must(
      running === null || cpus[running]?.running === id,
      `${path}scheduler.entries[${id}].on`,
      'be the CPU that runs it',
    );
  });
  cpus.forEach(({ loaded, since }, i) => {
    must(
      loaded === null || cpus.findIndex((cpu) => cpu.loaded === loaded) === i,
      `${path}cpus[${i}].loaded`,
      'be on no other CPU',
    );
    must(since <= timer.seen, `${path}cpus[${i}].since`, 'not be later than now');
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
