// The dirty log of VMs that run, between two points, against images of their memory: what CPUs write, what devices of theirs write by
// DMA, and what the hypervisor writes for them.

import { readFile } from 'node:fs/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { memoryDisk } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import type { CpuPort, Pa } from '@worldswitch/platform';
import { Stage2Map } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import type { Host } from '../src/index.ts';
import { tinyImages } from './tiny.ts';

const PAGE = 4096;
const MIB = 2 ** 20;
const RAM = 0x4000_0000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a VM's memory is now, as a copy. */
function imageOf(host: Host, vm: number): Uint8Array {
  const window = host.machine.bus.memoryAt(RAM as Pa);
  const { base = 0, board } = host.setup.vms[vm]?.vm ?? {};
  const at = base - (window?.base ?? 0);
  return window?.memory.bytes.slice(at, at + (board?.memory ?? 0)) ?? new Uint8Array();
}

/** Pages that differ, as the VM numbers them. */
function changed(before: Uint8Array, after: Uint8Array): number[] {
  const pages: number[] = [];
  for (let at = 0; at < before.length; at += PAGE)
    if (Buffer.compare(before.subarray(at, at + PAGE), after.subarray(at, at + PAGE)) !== 0)
      pages.push(RAM + at);
  return pages;
}

/** Does something at the end of the next entry of the hypervisor. */
function inEntry(host: Host, act: (port: CpuPort) => void): void {
  const { hypervisor } = host;
  const take = hypervisor.take.bind(hypervisor);
  const seen = { done: false };
  hypervisor.take = (exception, port) => {
    const leave = take(exception, port);
    if (!seen.done) act(port);
    seen.done = true;
    return leave;
  };
  for (let n = 0; !seen.done && n < 1000; n++) host.machine.run(10_000);
  hypervisor.take = take;
  expect(seen.done).toBe(true);
}

/** Between two points of a run: pages that the log names and pages that changed; the log is started again in between. */
function between(host: Host, vm: number, from: number, instructions: number) {
  const { machine } = host;
  while (machine.instructions < from) machine.run(100_000);
  const map = host.hypervisor.vms[vm]?.stage2;
  let before: Uint8Array = new Uint8Array();
  let after: Uint8Array = new Uint8Array();
  let logged: number[] = [];
  inEntry(host, (port) => {
    map?.startLog(port);
    before = imageOf(host, vm);
  });
  const end = machine.instructions + instructions;
  while (machine.instructions < end) machine.run(100_000);
  inEntry(host, (port) => {
    logged = map?.takeLog(port) ?? [];
    after = imageOf(host, vm);
  });
  return { logged, changed: changed(before, after) };
}

async function tinyVm(): Promise<Host> {
  return createHost(
    { board: virt({ memory: 96 * MIB }), vms: [{ name: 'tiny', board: virt({ memory: '64M' }) }] },
    { tiny: await tinyImages('selftest bench poweroff') },
  );
}

/** A guest that has its devices write all over its memory, among others by lies in virtqueues. */
async function virtioVm(): Promise<Host> {
  const virtio = ['blk', 'rng'].map((kind) => ({ name: kind, type: `virtio-${kind}` }));
  const disk = memoryDisk(Uint8Array.from({ length: 65_536 }, (_, i) => (i * 7) & 255));
  return createHost(
    {
      board: virt({ memory: 160 * MIB, virtio: virtio.slice(0, 1) }),
      vms: [{ name: 'virtio', board: virt({ memory: '128M', virtio }), disks: { blk: 'blk' } }],
    },
    {
      virtio: {
        kernel: readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', RAM),
        append: `fuzz:virtio,3,${2 ** 30}`,
      },
    },
    { disks: { blk: disk } },
  );
}

const missing = (log: readonly number[], pages: readonly number[]): number[] => {
  const known = new Set(log);
  return pages.filter((page) => !known.has(page));
};

describe.each([
  ['tiny', tinyVm, 2e6, 4e6],
  ['devices', virtioVm, 3e6, 3e6],
] as const)('%s', (_name, make, from, instructions) => {
  it('names every page that changed, and hardly another', async () => {
    const { logged, changed: differ } = between(await make(), 0, from, instructions);
    expect(missing(logged, differ)).toEqual([]);
    expect(differ.length).toBeGreaterThan(10);
    // What is written with the value that it had is written all the same: nothing in an image shows it.
    expect(missing(differ, logged).length).toBeLessThan(10 + logged.length / 5);
  });
});

describe('the same check finds', () => {
  it('pages that devices write and nobody notes', async () => {
    vi.spyOn(Stage2Map.prototype, 'noteWrite').mockImplementation(() => undefined);
    const { logged, changed: differ } = between(await virtioVm(), 0, 3e6, 3e6);
    expect(missing(logged, differ)).not.toEqual([]);
  });

  it('pages of the CPU that stay writable', async () => {
    vi.spyOn(Stage2Map.prototype, 'startLog').mockImplementation(() => undefined);
    const { logged, changed: differ } = between(await tinyVm(), 0, 2e6, 4e6);
    expect(missing(logged, differ)).not.toEqual([]);
  });
});
