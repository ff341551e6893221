// A saved hypervisor with a number changed: it is refused with the field's name, or it runs on without a failure. `WORLDSWITCH_FUZZ=N` tries
// N changes.

import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { rtos } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import type { MachineOptions } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { createHost, restoreHost } from '../src/index.ts';
import type { HostDescription, VmImages } from '../src/index.ts';
import { tryAny } from './changed-states.ts';
import { at, copied } from './hostile-tree.ts';
import type { Tree } from './hostile-tree.ts';

const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const COUNT = asked > 0 ? asked : 40;

const board = virt({ memory: '16M', virtio: [{ name: 'net', type: 'virtio-net' }] });
const withDisk = virt({
  memory: '16M',
  virtio: [
    { name: 'blk', type: 'virtio-blk' },
    { name: 'net', type: 'virtio-net', config: { mac: '52:54:00:00:00:02' } },
  ],
});
const description: HostDescription = {
  board: virt({
    memory: '48M',
    cpus: 2,
    virtio: [
      { name: 'disk', type: 'virtio-blk' },
      { name: 'net', type: 'virtio-net' },
    ],
  }),
  hypervisorMemory: 4 * 2 ** 20,
  vms: [
    { name: 'a', board: withDisk, disks: { blk: 'disk' } },
    { name: 'b', board },
    { name: 'c', board: virt({ memory: '8M' }), cap: 50 },
  ],
  scheduling: { slice: 0.0007 },
};
const options = (): MachineOptions => ({
  disks: { disk: memoryDisk(new Uint8Array(65_536)) },
  networks: { net: userNetwork() },
});

let images: VmImages;
let saved: Plain;

beforeAll(async () => {
  const kernel = readKernel(new Uint8Array(await readFile(rtos.image)), 'rtos', 0x4000_0000);
  const one = { kernel, append: 'rtos:2000,100' };
  images = { a: one, b: one, c: one };
  const host = createHost(description, images, options());
  host.machine.run(2_345_678);
  expect(host.machine.failure).toBeUndefined();
  saved = host.machine.save();
}, 120_000);

const CASES: readonly (readonly [string, string, string, (old: number, own: Tree) => Plain, RegExp])[] = [
  ['a VMID of another VM', 'vms.1.stage2', 'vmid', () => 1, /vms\[1\]\.stage2\.vmid/],
  ['tables of another shape', 'vms.0.stage2', 'ipaBits', () => 39, /vms\[0\]\.stage2 /],
  [
    'tables of another VM',
    'vms.1.stage2',
    'root',
    (_, own) => at(own, 'vms.0.stage2')['root'] ?? 0,
    /overlap/,
  ],
  ['tables that nobody has', 'vms.0.stage2', 'root', (old) => old + 0x10_0000, /vms\[0\]\.stage2\.root/],
  ['a map of its own elsewhere', 'map', '0', (old) => old + 0x10_0000, /map/],
  ['a map with other controls', 'map', '2', (old) => old + 1, /map/],
  ['a queue in free memory', 'devices.disks.disk.queue', 'page', (old) => old + 0x10_0000, /queue\.page/],
  ['a queue in a buffer', 'devices.nic.receive', 'page', () => -1, /receive\.page/],
  ['a buffer in a VM', 'devices.nic.buffers', '3', () => 0x4100_0000, /buffers\[3\]/],
  ['a timer that is nowhere', 'vms.0.vcpus.0.timer', 'loaded', (old) => !old, /timer\.loaded/],
  [
    'list registers that are nowhere',
    'vms.1.gic.flight.vcpus.0',
    'cpu',
    (old) => (old === 0 ? 1 : 0),
    /vms\[1\]/,
  ],
  ['one that runs and waits', 'vms.2.vcpus.0', 'waiting', (old) => !old, /vms\[2\]\.vcpus\[0\]/],
  ['FP of nobody', 'float.cpus.0', 'vcpu', () => 77, /float\.cpus\[0\]\.vcpu/],
  ['a clock that stands', 'vms.0.clock', 'paused', () => 5, /clock\.paused/],
  ['a clock of the future', 'vms.0.clock', 'offset', () => 2 ** 50, /clock\.offset/],
  ['a charge of the future', 'cpus.0', 'since', () => 2 ** 50, /cpus\[0\]\.since/],
  ['no card', 'devices', 'nic', () => null, /devices\.nic/],
];

describe('a saved hypervisor', () => {
  it.each(CASES)('with %s is refused', (_, where, name, change, field) => {
    const { all, own } = copied(saved);
    const part = at(own, where);
    part[name] = change(part[name] as number, own);
    const restore = (): unknown => restoreHost(description, images, all, options());
    expect(restore).toThrow(StateError);
    expect(restore).toThrow(field);
  });

  it('whose guest would go on at EL2 is refused', () => {
    for (const mode of [8, 9, 13, 0x10]) {
      const { all, own } = copied(saved);
      const context = at(own, 'vms.2.vcpus.0.context');
      const system = context['system'] as number[];
      // ELR_EL2 and SPSR_EL2 are the first: halves.
      system[2] = mode;
      expect(() => restoreHost(description, images, all, options())).toThrow(/context must be at EL0 or EL1/);
    }
  });

  it(
    'with any number changed is refused, or runs on',
    () => {
      const restore = (all: Plain) => restoreHost(description, images, all, options());
      const [refused, ran] = tryAny(saved, restore, COUNT);
      expect(refused).toBeGreaterThan(COUNT / 8);
      expect(ran).toBeGreaterThan(COUNT / 8);
    },
    asked > 0 ? 3_600_000 : 120_000,
  );
});
