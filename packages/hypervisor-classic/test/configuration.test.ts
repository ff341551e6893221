// Hosts that cannot be: each is one error that names the field and says what to do, before anything runs. What is accepted boots.

import { describe, expect, it } from 'vitest';

import { ConfigurationError, rawKernel, virt } from '@worldswitch/machine';

import { createHost } from '../src/index.ts';
import type { Host, HostDescription, VmImages } from '../src/index.ts';

/** B . */
const kernel = rawKernel(Uint8Array.from([0, 0, 0, 0x14]), 0x4020_0000);

function made(count: number, more: Partial<HostDescription> = {}, board: object = {}): Host {
  const names = Array.from({ length: count }, (_, i) => `vm${i}`);
  const images: VmImages = Object.fromEntries(names.map((name) => [name, { kernel }]));
  return createHost(
    {
      board: virt({ memory: (more.hypervisorMemory ?? 16 * 2 ** 20) + count * 8 * 2 ** 20 }),
      vms: names.map((name) => ({ name, board: { ...virt({ memory: '8M' }), ...board } })),
      ...more,
    },
    images,
  );
}

describe('a host', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'more VMs than there are VMIDs',
      () => made(255),
      /^vms: must be 254 VMs at most, but are 255.*more hosts/,
    ],
    [
      'too little memory of its own',
      () => made(120, { hypervisorMemory: 4 * 2 ** 20 }),
      /^hypervisorMemory: is 4 MiB, but 120 VMs need 6 MiB .*give it more/,
    ],
    [
      'devices above memory',
      () => made(1, { board: virt({ memory: '64M', ramBase: 0x20_0000 } as never) }),
      /^board\./,
    ],
    [
      'another frequency',
      () => made(1, {}, { timer: { frequency: 1e6 } }),
      /^vms\[0\]\.board\.timer\.frequency: must be 62500000/,
    ],
    [
      'too little memory for what it boots',
      () => made(1, {}, { memory: '4M' }),
      /^vms\[0\]\.memory: 4 MiB hold the kernel but not/,
    ],
    ['memory beyond 2^40', () => made(1, {}, { ramBase: 2 ** 40 }), /^vms\[0\]\.board\./],
    [
      'a CPU interface that is no page',
      () => made(1, {}, { gic: { cpuInterface: 0x0801_0800 } }),
      /^vms\[0\]\.board\.gic/,
    ],
  ])('with %s is refused', (_, make, message) => {
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(message);
  });

  it('with as many VMs as its memory is said to be enough for boots', () => {
    const { machine } = made(98, { hypervisorMemory: 4 * 2 ** 20 });
    machine.run(3_000_000);
    expect(machine.failure, machine.report()).toBeUndefined();
  });
});
