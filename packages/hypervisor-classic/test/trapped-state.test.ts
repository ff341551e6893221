// A hypervisor saved at EL1 with a number changed, by trap-and-emulate with each shadow and by binary translation: it is refused with the
// field's name, or it runs on without a failure. `WORLDSWITCH_FUZZ=N` tries N changes of each.

import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { rtos, smp } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import type { MachineOptions } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';
import type { ShadowVariant } from '@worldswitch/vmm';

import { createHost, restoreHost } from '../src/index.ts';
import type { TrapHostDescription, VmImages } from '../src/index.ts';
import { tryAny } from './changed-states.ts';
import { at, copied } from './hostile-tree.ts';
import type { Tree } from './hostile-tree.ts';
import { tinyImages } from './tiny.ts';

const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const COUNT = asked > 0 ? asked : 8;
const PATIENCE = asked > 0 ? 3_600_000 : 120_000;

interface Saved {
  readonly description: TrapHostDescription;
  readonly images: VmImages;
  readonly options: () => MachineOptions;
  readonly saved: Plain;
}

async function savedOf(
  description: TrapHostDescription,
  images: VmImages,
  options: () => MachineOptions,
): Promise<Saved> {
  const host = createHost(description, images, options());
  host.machine.run(2_345_678);
  expect(host.machine.failure).toBeUndefined();
  return Promise.resolve({ description, images, options, saved: host.machine.save() });
}

/** Three VMs on two CPUs, with a disk and a network: two with the host's GICv3, one with a GICv2. */
async function trapped(shadow: ShadowVariant): Promise<Saved> {
  const net = { name: 'net', type: 'virtio-net' };
  const gic = { version: 3 } as const;
  const board = virt({ memory: '8M', virtio: [net] });
  const withDisk = virt({
    memory: '8M',
    gic,
    virtio: [
      { name: 'blk', type: 'virtio-blk' },
      { ...net, config: { mac: '52:54:00:00:00:02' } },
    ],
  });
  const kernel = readKernel(new Uint8Array(await readFile(rtos.image)), 'rtos', 0x4000_0000);
  const one = { kernel, append: 'rtos:2000,100' };
  return savedOf(
    {
      board: virt({ memory: '32M', cpus: 2, gic, virtio: [{ name: 'disk', type: 'virtio-blk' }, net] }),
      hypervisorMemory: 4 * 2 ** 20,
      technique: 'trap-and-emulate',
      shadow,
      vms: [
        { name: 'a', board: withDisk, disks: { blk: 'disk' } },
        { name: 'b', board },
        { name: 'c', board: virt({ memory: '8M', gic }), cap: 50 },
      ],
      scheduling: { slice: 0.0007 },
    },
    { a: one, b: one, c: one },
    () => ({
      disks: { disk: memoryDisk(new Uint8Array(65_536)) },
      networks: { net: userNetwork() },
    }),
  );
}

/** Two VMs on two CPUs, one with two vCPUs. */
async function translated(): Promise<Saved> {
  return savedOf(
    {
      board: virt({ memory: '72M', cpus: 2 }),
      technique: 'binary-translation',
      vms: [
        { name: 'a', board: virt({ memory: '32M' }) },
        { name: 'b', board: virt({ memory: '8M', cpus: 2 }) },
      ],
    },
    {
      a: await tinyImages('selftest poweroff'),
      b: { kernel: readKernel(new Uint8Array(await readFile(smp.image)), 'smp', 0x4000_0000) },
    },
    () => ({}),
  );
}

type Case = readonly [
  string,
  string,
  string,
  (old: number, part: Tree, own: Tree) => Plain | undefined,
  RegExp,
];
/** A saved SPSR_EL1 is the fifth of the registers of a vCPU that is on no CPU: halves. */
const SPSR = '8';
/** Virtual system registers, in halves. */
const [PMCR, PMCNTENSET] = ['PMCR_EL0', 'PMCNTENSET_EL0'].map((name) => String(2 * systemRegister(name))) as [
  string,
  string,
];

const CASES: readonly Case[] = [
  ['a vCPU that goes on at EL1', 'vms.1.vcpus.0.live', SPSR, () => 5, /vms\[1\]\.vcpus\[0\]\.live/],
  ['a vCPU that goes on in AArch32', 'vms.2.vcpus.0.live', SPSR, () => 0x10, /vms\[2\]\.vcpus\[0\]\.live/],
  [
    'a root of another VM',
    'vms.1.shadow.halves.0',
    'root',
    (_, __, own) => at(own, 'vms.0.shadow.halves.0')['root'],
    /overlap/,
  ],
  [
    'a table of another VM',
    'vms.1.shadow.halves.0.tables',
    '1',
    (_, __, own) => at(own, 'vms.0.shadow.halves.0.tables')['1'],
    /overlap/,
  ],
  ['a root that nobody has', 'vms.0.shadow.halves.1', 'root', (old) => old + 0x10_0000, /root/],
  [
    "a leaf outside of the VM's memory",
    'vms.0.shadow.halves.0.leaves',
    '2',
    () => 0x5000_0000,
    /halves\[0\]\.leaves/,
  ],
  [
    'the ASID of another VM',
    'vms.1.shadow.spaces.0',
    'asid',
    (_, __, own) => at(own, 'vms.0.shadow.spaces.0')['asid'],
    /spaces\[0\]\.asid must not be that of vms\[0\]/,
  ],
  ['an ASID that nobody gave out', 'vms.1.shadow.spaces.0', 'asid', () => 60_000, /spaces\[0\]\.asid/],
  ['an ASID of the future', 'vms.1.shadow.spaces.0', 'generation', () => 9, /spaces\[0\]\.generation/],
  ['a CPU with the roots of nobody', 'space.loaded.0', 'ttbr1', (old) => old + 4096, /loaded\[0\]\.ttbr1/],
  ['the hypervisor’s own root in a shadow', 'space', 'root', (_, own) => own['empty'], /overlap/],
  [
    'a queue in a table',
    'devices.disks.disk.queue',
    'page',
    (_, __, own) => at(own, 'space')['table'],
    /overlap/,
  ],
  ['a buffer in a VM', 'devices.nic.buffers', '3', () => 0x4100_0000, /buffers\[3\]/],
  ['a vCPU on two CPUs', 'cpus.0', 'loaded', (_, __, own) => at(own, 'cpus.1')['loaded'], /cpus\[0\]/],
  ['one that runs and waits', 'vms.2.vcpus.0', 'waiting', (old) => !old, /vms\[2\]\.vcpus\[0\]/],
  ['controls of nobody', 'hardware.0', '3', () => 77, /hardware\[0\]/],
  ['an interrupt controller of another kind', 'vms.1', 'gic', (_, __, own) => at(own, 'vms.0')['gic'], /gic/],
  ['a CPU interface at EL3', 'vms.0.gic.gic.cpu.0', 'world', () => 2, /cpu\[0\]\.world must be 0/],
  ['a priority of six bits', 'vms.2.gic.gic.cpu.0', 'priorityMask', () => 4, /priorityMask/],
  ['a binary point that is none', 'vms.2.gic.gic.cpu.0.binaryPoint', '2', () => 0, /binaryPoint/],
  ['a list register', 'vms.0.gic.gic.cpu.0', 'listHigh', () => [1], /listHigh/],
  ['more interrupts', 'vms.0.gic.gic', 'route', () => [0], /route/],
  ['a clock that stands', 'vms.0.clock', 'paused', () => 5, /clock\.paused/],
  ['a clock of the future', 'vms.0.clock', 'offset', () => 2 ** 50, /clock\.offset/],
  ['a charge of the future', 'cpus.0', 'since', () => 2 ** 50, /cpus\[0\]\.since/],
  ['a counter that there is not', 'vms.1.vcpus.0.system', PMCNTENSET, () => 0x40, /vcpus\[0\]\.system/],
  ['counters that nobody asked for', 'vms.1.vcpus.0.monitors', 'armed', () => 1, /monitors\.armed/],
  [
    'counters of a vCPU that is elsewhere',
    'vms.2.vcpus.0.monitors',
    'armed',
    (_, __, own) => {
      const away = at(own, 'vms.2.vcpus.0.system');
      away[PMCR] = 1;
      away[PMCNTENSET] = 0x8000_0000;
      return 0x8000_0000;
    },
    /vcpus\[0\]\.monitors\.armed must be none/,
  ],
  ['a kernel that is not translated', 'kernels', '0', () => ({}), /kernels/],
  ['a translation cache for it', 'space.kernels', '0', () => ({}), /space\.kernels/],
];

const TRANSLATED: readonly Case[] = [
  ['a cache elsewhere', 'kernels.1.places', '0', (old) => old - 4096, /kernels\[1\]\.places/],
  [
    'a cache in the tables',
    'space.kernels.0.cpus.0.cache',
    'pa',
    (_, __, own) => at(own, 'space')['table'],
    /kernels\[0\]/,
  ],
  [
    'the cache of another VM',
    'space.kernels.0.cpus.0.cache',
    'pa',
    (_, __, own) => at(own, 'space.kernels.1.cpus.0.cache')['pa'],
    /kernels\[0\]\.places must be those/,
  ],
  [
    'a cache of two vCPUs',
    '',
    'kernels',
    (_, own) => {
      const cache = at(own, 'kernels.1.places')['0'] ?? 0;
      at(own, 'kernels.2.places')['0'] = at(own, 'space.kernels.1.cpus.1.cache')['pa'] = cache;
      return own['kernels'];
    },
    /overlap/,
  ],
  [
    'the table of another VM',
    'space.kernels.0',
    'table',
    (_, __, own) => at(own, 'space.kernels.1')['table'],
    /overlap/,
  ],
  [
    'a cache that is smaller than what is in it',
    'kernels.0.places',
    '1',
    () => 4096,
    /kernels\[0\]\.cache\.next/,
  ],
  ['a kernel too few', 'kernels', 'length', (old) => old - 1, /kernels/],
  ['a VM without a translation cache', 'space.kernels', 'length', (old) => old - 1, /space\.kernels/],
  ['a vCPU without one', 'space.kernels.1.cpus', 'length', (old) => old - 1, /space\.kernels/],
  ['a unit that is longer', 'kernels.0.cache.units.3.words', 'length', (old) => old - 1, /units\[3\]/],
  ['instructions that are none', 'kernels.2.cache.units.3.origins', '0', () => 500, /units\[3\]/],
  ['a vCPU that goes on at EL1', 'vms.0.vcpus.0.live', SPSR, () => 5, /live/],
];

function refuses({ description, images, options, saved }: Saved, [, where, name, change, field]: Case): void {
  const { all, own } = copied(saved);
  const part = at(own, where);
  const next = change(part[name] as number, part, own);
  expect(next).not.toBeUndefined();
  part[name] = next as Plain;
  const restore = (): unknown => restoreHost(description, images, all, options());
  expect(restore).toThrow(StateError);
  expect(restore).toThrow(field);
}

const changed = ({ description, images, options, saved }: Saved): readonly [number, number] =>
  tryAny(saved, (all) => restoreHost(description, images, all, options()), COUNT);

const print = (name: string, [refused, ran]: readonly [number, number]): void => {
  if (asked > 0) process.stdout.write(`saved states, ${name}: ${refused} refused, ${ran} ran on\n`);
};

describe('a saved hypervisor by trap-and-emulate', () => {
  let saved: Saved;
  beforeAll(async () => {
    saved = await trapped('lazy');
  }, PATIENCE);

  it.each(CASES)('with %s is refused', (...one) => {
    refuses(saved, one);
  });

  it('goes on as it is', () => {
    const { machine } = restoreHost(
      saved.description,
      saved.images,
      copied(saved.saved).all,
      saved.options(),
    );
    machine.run(150_000);
    expect(machine.failure).toBeUndefined();
  });
});

/** The one with the most state, unless more is asked for. */
const variants = asked > 0 ? (['lazy', 'traced', 'bounded', 'real'] as const) : (['real'] as const);
describe.each(variants)('with a shadow that is %s', (shadow) => {
  it(
    'and any number changed it is refused, or runs on',
    async () => {
      const done = changed(await trapped(shadow));
      print(shadow, done);
      expect(Math.min(...done)).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

describe('a saved hypervisor by binary translation', () => {
  let saved: Saved;
  beforeAll(async () => {
    saved = await translated();
  }, PATIENCE);

  it.each(TRANSLATED)('with %s is refused', (...one) => {
    refuses(saved, one);
  });

  it(
    'with any number changed is refused, or runs on',
    () => {
      const done = changed(saved);
      print('binary translation', done);
      expect(Math.min(...done)).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
