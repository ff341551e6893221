// The guest that probes for virtualisation: natively and by each technique, line by line.

import { readFile } from 'node:fs/promises';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { probe } from '@worldswitch/guests';
import { compareGuests, createMachine, nativeGuest, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';

import { LowerHalf } from '../src/binary-translation/lower-half.ts';
import { createHost, holeOf, holes, observedGuest } from '../src/index.ts';

type Technique = 'trap-and-emulate' | 'binary-translation';
const board = virt({ memory: '64M' });
const HOST = 96 * 2 ** 20;

async function images(append = 'probe:resources'): Promise<BootImages> {
  const image = new Uint8Array(await readFile(probe.image));
  return { kernel: readKernel(image, 'probe', 0x4000_0000), append };
}

/** Runs it to its end; its lines, by the probes' names. */
function printed(build: (output: (device: string, byte: number) => void) => Machine): Map<string, string> {
  let text = '';
  const machine = build((_device, byte) => {
    text += String.fromCharCode(byte);
  });
  while (machine.run(5_000_000) === 'budget' && machine.instructions < 400e6) continue;
  expect(text, machine.report()).toMatch(/probe: end\r?\n$/);
  return new Map(text.split(/\r?\n/).map((line) => [line.split(': ')[0] ?? '', line]));
}

async function natively(): Promise<Map<string, string>> {
  const guest = await images();
  return printed((output) => {
    const machine = createMachine(board, { output });
    machine.load(guest);
    return machine;
  });
}

async function virtually(technique?: Technique): Promise<Map<string, string>> {
  const guest = { guest: await images() };
  const description = { board: { ...board, memory: HOST }, vms: [{ name: 'guest', board }] };
  return printed((output) => {
    if (technique === undefined) return createHost(description, guest, { output }).machine;
    return createHost({ ...description, technique }, guest, { output }).machine;
  });
}

/** Names of the probes whose lines differ. */
const different = (a: Map<string, string>, b: Map<string, string>): string[] => {
  expect([...b.keys()]).toEqual([...a.keys()]);
  return [...a].filter(([name, line]) => b.get(name) !== line).map(([name]) => name);
};

/** What trap-and-emulate shows otherwise, by the hole that it is. */
const HOLES: Readonly<Record<string, RegExp>> = {
  'unprivileged access':
    /^case unprivileged(-EL1[ht]\/(touched-)?(ldtr|sttr)\w*\/kernel(-ro)?(-upper)?|-EL1[ht]\/memory(-upper)?|\/base-sp-kernel)$/,
  'exclusive store behind a trap': /^case exclusive\/mrs-between$/,
  'monitors for EL0': /^case resource\/pmuserenr-written-EL[01]$/,
};

/** User code is not translated. */
const USER = ['case resource/pmuserenr-written-EL0'];

describe('the guest that probes for virtualisation', () => {
  const native = natively();

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('sees with the extensions what it sees on the bare machine', async () => {
    expect((await native).size).toBeGreaterThan(900);
    expect(different(await native, await virtually())).toEqual([]);
  }, 120_000);

  it('sees translated what it sees on the bare machine, but for what user code reads of a hole', async () => {
    expect(different(await native, await virtually('binary-translation'))).toEqual(USER);
  }, 120_000);

  it('sees by trap-and-emulate all but the holes that theory says', async () => {
    const differ = different(await native, await virtually('trap-and-emulate'));
    expect(differ.filter((name) => !Object.values(HOLES).some((hole) => hole.test(name)))).toEqual([]);
    for (const { name } of holes)
      expect(
        differ.some((line) => HOLES[name]?.test(line)),
        name,
      ).toBe(true);
    expect(differ.length).toBe(46);
  }, 120_000);

  it('would see LDTR as it is where the kernel has pages of its own', async () => {
    vi.spyOn(LowerHalf.prototype, 'note').mockReturnValue();
    const differ = different(await native, await virtually('binary-translation'));
    expect(differ).toContain('case unprivileged-EL1h/ldtr/kernel');
    expect(
      differ.filter((name) => !HOLES['unprivileged access']?.test(name) && !name.startsWith('case resource')),
    ).toEqual([]);
  }, 120_000);

  it('parts from the bare machine, by trap-and-emulate, at an instruction that is named as a hole', async () => {
    const guest = await images('');
    const { difference } = compareGuests(
      () => {
        const machine = createMachine(board, {});
        machine.load(guest);
        return nativeGuest('native', machine);
      },
      () => {
        const description = { board: { ...board, memory: HOST }, vms: [{ name: 'guest', board }] };
        return observedGuest(
          'trap-and-emulate',
          createHost({ ...description, technique: 'trap-and-emulate' }, { guest }),
        );
      },
    );
    expect(difference?.culprit?.text, JSON.stringify(difference)).toMatch(/^ldtr x0, \[x1\]/);
    expect(holeOf(difference?.culprit?.word ?? 0)?.name).toBe('unprivileged access');
  }, 120_000);
});

describe('holes', () => {
  it.each([
    [0xf840_0823, 'unprivileged access'],
    [0x3800_0800, 'unprivileged access'],
    [0xc800_7c23, 'exclusive store behind a trap'],
    [0x8822_fc23, 'exclusive store behind a trap'],
    // LDR, LDXR, STLR, MRS of other registers.
    [0xd53b_9e00, 'monitors for EL0'],
    [0xf940_0020, undefined],
    [0xc85f_7c20, undefined],
    [0xc89f_fc20, undefined],
    [0xd538_4240, undefined],
    [0xd53b_9d00, undefined],
  ])('%i is %s', (word, name) => {
    expect(holeOf(word)?.name).toBe(name);
  });
});
