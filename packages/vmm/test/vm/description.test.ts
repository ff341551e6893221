import { describe, expect, it } from 'vitest';

import { checkConfig, virt } from '@worldswitch/machine';

import { checkVms } from '../../src/vm/description.ts';
import type { VmDescription } from '../../src/vm/description.ts';

const MIB = 1024 * 1024;
const room = {
  config: checkConfig(virt({ el2: true, cpus: 2, memory: '512M' })),
  from: 0x4000_0000 + 16 * MIB,
};
const vm = (more: Partial<VmDescription> = {}): VmDescription => ({
  name: 'a',
  board: virt({ memory: '128M' }),
  ...more,
});
const check = (...vms: VmDescription[]) => checkVms(vms, room);

describe('a host and its VMs', () => {
  it('places memory one behind the other', () => {
    const [a, b] = check(vm(), vm({ name: 'b', share: 512 }));
    expect([a?.base, b?.base]).toEqual([room.from, room.from + 128 * MIB]);
    expect(b?.weight).toEqual({ priority: 100, share: 512, cap: 100, affinity: 3 });
  });

  it('leaves the GIC to techniques that emulate it whole', () => {
    const other = vm({ board: virt({ memory: '128M', gic: { version: 3 } }) });
    const [checked] = checkVms([other], { ...room, technique: 'trap-and-emulate' });
    expect([checked?.board.gic.version, checked?.technique]).toEqual([3, 'trap-and-emulate']);
  });

  it.each<[string, VmDescription[], RegExp]>([
    ['no VM', [], /^vms: /],
    ['a vCPU count of 0', [vm({ board: virt({ cpus: 0 }) })], /^vms\[0\]\.board\.cpus: must be 1 to 8/],
    [
      'overlapping memory',
      [vm(), vm({ name: 'b', at: '0x4200_0000' })],
      /^vms\[1\]\.at: overlaps the memory of vms\[0\]/,
    ],
    [
      'more memory than there is',
      [vm({ board: virt({ memory: '512M' }) })],
      /^vms\[0\]\.board\.memory: .*496 MiB left/,
    ],
    [
      'an unknown device',
      [vm({ board: { devices: [{ name: 'x', type: 'vax', at: 0 }] } })],
      /^vms\[0\]\.board\.devices\[0\]\.type: no device is called "vax"/,
    ],
    [
      'an interrupt taken twice',
      [
        vm({
          board: {
            devices: [
              { name: 'x', type: 'pl011', at: 0x900_0000, interrupts: { irq: 1 } },
              { name: 'y', type: 'pl011', at: 0x901_0000, interrupts: { irq: 1 } },
            ],
          },
        }),
      ],
      /^vms\[0\]\.board\.devices\[1\]\.interrupts\.irq: SPI 1 is taken by x/,
    ],
    [
      'a level that it cannot have',
      [vm({ board: virt({ el2: true }) })],
      /^vms\[0\]\.board\.el2: must be false/,
    ],
    [
      'another GIC',
      [vm({ board: virt({ gic: { version: 3 } }) })],
      /^vms\[0\]\.board\.gic\.version: must be 2/,
    ],
    ["memory below the hypervisor's", [vm({ at: 0x4000_0000 })], /^vms\[0\]\.at: must be 0x41000000 or more/],
    [
      'two network cards with one address',
      ['a', 'b'].map((name) =>
        vm({ name, board: virt({ memory: '64M', virtio: [{ name: 'net', type: 'virtio-net' }] }) }),
      ),
      /^vms\[1\]\.board\.devices\[\d\]\.config\.mac: must be another than 52:54:00:12:34:56/,
    ],
    [
      'a disk without one of the host behind it',
      [vm({ board: virt({ memory: '64M', virtio: [{ name: 'disk', type: 'virtio-blk' }] }) })],
      /^vms\[0\]\.disks\.disk: is missing/,
    ],
    ['a name twice', [vm(), vm()], /^vms\[1\]\.name: "a" is the name/],
    [
      'a share of nothing',
      [vm({ share: 0 })],
      /^vms\[0\]\.share: must be a whole number of 1 to 65536, but is 0/,
    ],
    [
      'a CPU that the host has not',
      [vm({ cpus: [2] })],
      /^vms\[0\]\.cpus\[0\]: must be a CPU of the host, 0 to 1/,
    ],
  ])('refuses %s by the name of the field', (_what, vms, message) => {
    expect(() => check(...vms)).toThrow(message);
  });
});
