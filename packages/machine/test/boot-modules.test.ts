// What a boot loader tells a guest besides its command line: further images and nodes in /chosen, and seeds.

import { describe, expect, test } from 'vitest';

import { createMachine, flatten, rawKernel, unflatten, virt } from '../src/index.ts';
import type { BootImages, Machine } from '../src/index.ts';

const MIB = 1024 * 1024;
const kernel = rawKernel(new Uint8Array(64).fill(0x55), 0x4020_0000);
const first = new Uint8Array(3 * MIB).fill(1);
const second = new Uint8Array(100).fill(2);

const hypervisor: BootImages = {
  kernel,
  initrd: new Uint8Array(5000).fill(3),
  modules: [
    { name: 'first', bytes: first },
    { name: 'second', bytes: second },
  ],
  chosen: (place) => ({
    properties: { 'xen,xen-bootargs': 'console=dtuart' },
    children: ['first', 'second'].map((name) => ({
      name: `module@${place(name).start.toString(16)}`,
      properties: { reg: [{ u64: place(name).start }, { u64: place(name).size }] },
    })),
  }),
};

/** Bytes at an address of a machine's memory. */
function memoryAt(machine: Machine, at: number, length: number): Uint8Array {
  const { ram, config } = machine.board;
  return ram.bytes.slice(at - config.ramBase, at - config.ramBase + length);
}

/** The tree that a machine was started with. */
function treeOf(machine: Machine): ReturnType<typeof unflatten> {
  const at = Number(machine.cpu.state.x(0));
  const size = new DataView(memoryAt(machine, at, 8).buffer).getUint32(4);
  return unflatten(memoryAt(machine, at, size), 'tree');
}

const chosenOf = (machine: Machine): ReturnType<typeof unflatten> | undefined =>
  treeOf(machine).children?.find((n) => n.name === 'chosen');

describe('modules', () => {
  test('lie behind the initrd on 2 MiB boundaries, where /chosen says', () => {
    const machine = createMachine(virt({ memory: '64M' }));
    machine.load(hypervisor);
    const chosen = chosenOf(machine);
    expect(chosen?.children?.map((n) => n.name)).toEqual(['module@42200000', 'module@42600000']);
    const reg = chosen?.children?.[0]?.properties['reg'] as Uint8Array;
    expect([...reg]).toEqual([0, 0, 0, 0, 0x42, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x30, 0, 0]);
    expect(Buffer.compare(memoryAt(machine, 0x4220_0000, first.length), first)).toBe(0);
    expect(memoryAt(machine, 0x4260_0000, second.length)).toEqual(second);
    expect(Number(machine.cpu.state.x(0))).toBe(0x4280_0000);
  });

  test("nodes are added to a user's own tree too, beside those that it has", () => {
    const machine = createMachine(virt({ memory: '64M' }));
    const own = { name: 'own', properties: {} };
    const tree = flatten({
      name: '',
      properties: {},
      children: [{ name: 'chosen', properties: { kept: 'yes' }, children: [own] }],
    });
    machine.load({ ...hypervisor, tree });
    const chosen = chosenOf(machine);
    expect(chosen?.children?.map((n) => n.name)).toEqual(['own', 'module@42200000', 'module@42600000']);
    expect(Object.keys(chosen?.properties ?? {})).toContain('kept');
    expect(Object.keys(chosen?.properties ?? {})).toContain('xen,xen-bootargs');
  });

  test('are loaded again by a reset', () => {
    const machine = createMachine(virt({ memory: '64M' }));
    machine.load(hypervisor);
    machine.board.ram.bytes.fill(0);
    machine.reset();
    expect(memoryAt(machine, 0x4260_0000, second.length)).toEqual(second);
  });

  test.each<[string, BootImages, RegExp]>([
    [
      'a name twice',
      { ...hypervisor, modules: [...(hypervisor.modules ?? []), { name: 'first', bytes: second }] },
      /first: is the name of two modules/,
    ],
    ['a name that is none', { ...hypervisor, modules: [] }, /first: is not among the modules/],
    [
      'more than memory',
      {
        ...hypervisor,
        modules: [
          { name: 'first', bytes: new Uint8Array(40 * MIB) },
          { name: 'second', bytes: second },
        ],
      },
      /memory: 64 MiB hold/,
    ],
  ])('%s', (_name, images, message) => {
    expect(() => {
      createMachine(virt({ memory: '64M' })).load(images);
    }).toThrow(message);
  });
});

describe('seeds', () => {
  const seeds = (seed?: number): readonly unknown[] => {
    const machine = createMachine(virt({ memory: '64M', seed }));
    machine.load({ kernel });
    const { properties = {} } = chosenOf(machine) ?? {};
    return [properties['rng-seed'], properties['kaslr-seed']];
  };

  test('are 32 and 8 bytes, the same for the same seed', () => {
    const [rng, kaslr] = seeds() as Uint8Array[];
    expect([rng?.length, kaslr?.length]).toEqual([32, 8]);
    expect(seeds(1)).toEqual([rng, kaslr]);
  });
  test('are others for another seed', () => {
    const all = [1, 2, 3, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map((seed) => JSON.stringify(seeds(seed)));
    expect(new Set(all).size).toBe(all.length);
  });
  test('0 gives none', () => {
    expect(seeds(0)).toEqual([undefined, undefined]);
  });
});
