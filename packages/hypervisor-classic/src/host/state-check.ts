// What of a saved hypervisor, by any technique, must agree with what else of it: who has which memory, and who is on which CPU.

import { StateError } from '@worldswitch/platform';
import { PAGE, PageAllocator } from '@worldswitch/vmm';
import type { PageAllocatorState, VmClockState } from '@worldswitch/vmm';

import type { HypervisorSetup } from './setup.ts';
import type { HostState } from './state.ts';

/** Bytes of buffers of drivers. */
const [DISK_BUFFER, FRAME_BUFFER] = [16 * PAGE, PAGE / 2];

/** Throws a `StateError` where something does not hold. */
export function must(holds: boolean, path: string, what: string): void {
  if (!holds) throw new StateError(path, `must ${what}`);
}

/** A range of the hypervisor's memory that something has. */
export interface Claim {
  readonly at: number;
  readonly size: number;
  readonly path: string;
}

/** What drivers have. */
export function deviceClaims({ disks, nic }: HostState['devices'], path: string): readonly Claim[] {
  const claims: Claim[] = [];
  for (const [name, disk] of Object.entries(disks)) {
    const own = `${path}devices.disks.${name}`;
    claims.push({ at: disk.queue.page, size: PAGE, path: `${own}.queue.page` });
    claims.push({ at: disk.buffer, size: DISK_BUFFER, path: `${own}.buffer` });
  }
  if (nic === null) return claims;
  const own = `${path}devices.nic`;
  claims.push({ at: nic.receive.page, size: PAGE, path: `${own}.receive.page` });
  claims.push({ at: nic.transmit.page, size: PAGE, path: `${own}.transmit.page` });
  for (const list of ['buffers', 'outgoing'] as const)
    nic[list].forEach((at, i) => claims.push({ at, size: FRAME_BUFFER, path: `${own}.${list}[${i}]` }));
  return claims;
}

/** Memory of the hypervisor's: everything was handed out, to one owner each. */
export function checkClaims(
  { memory }: HypervisorSetup,
  state: PageAllocatorState,
  claims: readonly Claim[],
): void {
  const pages = new PageAllocator(memory.base, memory.size / PAGE, state);
  for (const { at, size, path: own } of claims) {
    must(at % Math.min(size, PAGE) === 0, own, `be a multiple of ${Math.min(size, PAGE)}`);
    must(pages.owns(at - (at % PAGE), size), own, 'be memory that was handed out');
  }
  const sorted = [...claims].sort((a, b) => a.at - b.at);
  sorted.forEach(({ at, path: own }, i) => {
    const before = sorted[i - 1];
    if (before) must(at >= before.at + before.size, own, `not overlap ${before.path}`);
  });
}

/** A VM's clock runs, and began before now. */
export function checkClock({ paused, offset }: VmClockState, seen: number, path: string): void {
  must(paused === null, `${path}.clock.paused`, 'be null');
  must(offset >= 0 && offset <= seen, `${path}.clock.offset`, 'be between 0 and now');
}

/** A vCPU, as its VM has it. */
export interface SavedVcpu {
  readonly on: boolean;
  readonly waiting: boolean;
  readonly path: string;
}

/** Who is on which CPU: the CPUs and the scheduler say the same. */
export function checkCpus(
  { scheduler, cpus }: Pick<HostState, 'scheduler' | 'cpus'>,
  vcpus: readonly SavedVcpu[],
  seen: number,
  path: string,
): void {
  cpus.forEach(({ loaded, running, fresh, since }, i) => {
    const own = `${path}cpus[${i}]`;
    const here = running === null || (running === loaded && scheduler.entries[running]?.on === i);
    must(here, `${own}.running`, 'be the vCPU that is loaded and scheduled here');
    must(!fresh || running !== null, `${own}.fresh`, 'be false where no vCPU runs');
    must(
      loaded === null || cpus.findIndex((cpu) => cpu.loaded === loaded) === i,
      `${own}.loaded`,
      'be on no other CPU',
    );
    must(since <= seen, `${own}.since`, 'not be later than now');
  });
  vcpus.forEach(({ on, waiting, path: own }, id) => {
    const entry = scheduler.entries[id];
    must(entry?.runnable === (on && !waiting), own, 'be runnable where it is on and does not wait');
    const running = entry?.on ?? null;
    must(
      running === null || cpus[running]?.running === id,
      `${path}scheduler.entries[${id}].on`,
      'be the CPU that runs it',
    );
  });
}
