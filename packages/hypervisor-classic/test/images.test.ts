// The images of architecture cases in a VM and on the bare machine: every line says what an exception, a trap, a TLB, an interrupt or a
// timer did, and all are equal. `arch` drives a GICv2 alone.

import { readFile } from 'node:fs/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { arch, interrupts, smp } from '@worldswitch/guests';
import type { Guest } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine, MachineConfig } from '@worldswitch/machine';
import { VirtualGic } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

interface Case {
  readonly guest: Guest;
  readonly cpus: number;
  readonly version: 2 | 3;
}

const CASES: readonly Case[] = [
  { guest: arch, cpus: 1, version: 2 },
  { guest: smp, cpus: 4, version: 2 },
  { guest: smp, cpus: 4, version: 3 },
  { guest: interrupts, cpus: 1, version: 2 },
  { guest: interrupts, cpus: 1, version: 3 },
];

type Technique = 'trap-and-emulate' | 'binary-translation';
/** The second takes a minute, as each change of translation empties its cache. */
const TECHNIQUES: readonly Technique[] =
  (process.env['WORLDSWITCH_ALL'] ?? '') === ''
    ? ['trap-and-emulate']
    : ['trap-and-emulate', 'binary-translation'];

/** Cases of `arch` that are otherwise where the kernel is at EL0, each for its reason. */
const EITHER: readonly RegExp[] = [
  // A kernel that is debugged runs from its own text, where LDTR is an access like its others.
  /^case debug\/watchpoint\/as-el0/,
];
const OTHERWISE: Readonly<Record<Technique, readonly RegExp[]>> = {
  // LDTR and STTR, as the theory says: they do not trap, and the kernel is at EL0 itself.
  // Nor does a read of PMUSERENR_EL0 at EL0.
  'trap-and-emulate': [
    ...EITHER,
    /^case monitors\/user-enable\/EL1:/,
    /^case stage1\/privileged-\d\/(ldtr|sttr)\/EL1:/,
  ],
  'binary-translation': EITHER,
};

const boardOf = ({ cpus, version }: Case): MachineConfig => virt({ memory: '128M', cpus, gic: { version } });

async function imagesOf({ guest }: Case): Promise<BootImages> {
  return { kernel: readKernel(new Uint8Array(await readFile(guest.image)), guest.name, 0x4000_0000) };
}

/** Runs a machine until it stops by itself; what was printed. */
function printed(build: (output: (device: string, byte: number) => void) => Machine, most = 150e6): string {
  let text = '';
  const machine = build((_device, byte) => {
    text += String.fromCharCode(byte);
  });
  while (machine.run(1_000_000) === 'budget' && machine.instructions < most) continue;
  return text + (machine.failure === undefined ? '' : machine.report());
}

async function native(one: Case): Promise<string> {
  const images = await imagesOf(one);
  return printed((output) => {
    const machine = createMachine(boardOf(one), { output });
    machine.load(images);
    return machine;
  });
}

async function virtual(one: Case, most?: number, technique?: Technique): Promise<string> {
  const images = await imagesOf(one);
  const board = boardOf(one);
  const description = { board: { ...board, memory: '160M' }, vms: [{ name: 'guest', board }] };
  return printed((output) => {
    if (technique === undefined) return createHost(description, { guest: images }, { output }).machine;
    return createHost({ ...description, technique }, { guest: images }, { output }).machine;
  }, most);
}

describe('an image of cases', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(CASES)(
    '$guest.name with $cpus CPUs and a GICv$version prints in a VM what it prints on the bare machine',
    async (one) => {
      const alone = await native(one);
      expect(alone).toMatch(/: end\r?\n/);
      expect(await virtual(one)).toBe(alone);
    },
    300_000,
  );

  it.each(TECHNIQUES)(
    'of arch prints by %s what it prints on the bare machine, but for what that cannot do or has not',
    async (technique) => {
      const [one] = CASES;
      const known = OTHERWISE[technique];
      if (one === undefined) throw new Error('there is no case');
      const [alone, there] = [await native(one), await virtual(one, undefined, technique)].map(
        (text) => new Set(text.split(/\r?\n/)),
      );
      expect(there).toContain('arch: end');
      const differ = [...(alone ?? [])].filter((line) => there?.has(line) === false);
      expect(differ.filter((line) => !known.some((each) => each.test(line)))).toEqual([]);
      // None of the exceptions to the rule is idle.
      expect(known.filter((each) => !differ.some((line) => each.test(line)))).toEqual([]);
      expect((alone?.size ?? 0) - differ.length).toBeGreaterThan(940);
    },
    300_000,
  );

  it.each([
    ['the level of its timer is not followed', 'follow', undefined],
    ['nothing looks at the level while the guest does not exit', 'mayWithdraw', false],
  ] as const)(
    'of arch waits for ever where %s',
    async (_, part, result) => {
      vi.spyOn(VirtualGic.prototype, part).mockReturnValue(result);
      const text = await virtual({ guest: arch, cpus: 1, version: 2 }, 12e6);
      expect(text).toContain('case ');
      expect(text).not.toContain(': end');
    },
    300_000,
  );
});
