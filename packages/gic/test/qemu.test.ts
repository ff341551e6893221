// The GICv2 against QEMU's: the same random accesses and wires, the same answers. Differences that are kept out or allowed:
// - QEMU has no GICC_AIAR, GICC_AEOIR, GICC_AHPPIR (IHI 0048B 4.4.10 to 4.4.12).
// - GICC_IAR of QEMU gives 1022 also for a Group 1 interrupt of insufficient priority; 1023 is right (4.4.4).
// - GICC_HPPIR of QEMU regards the priority mask and not the groups' enables (4.4.8).
// - QEMU compares whole priorities with the running one: with two binary points, or one that changes, that preempts where group
//   priorities are equal (3.3.3). So either both groups have their smallest binary points, or there is one group.
// - A shared interrupt made active by GICD_ISACTIVER stays so in QEMU when a virtual interrupt deactivates it: private ones here.
// - Ending what is not active, or in another order, is UNPREDICTABLE: interrupts are ended in order, once.

import { expect } from 'vitest';

import { gicV2 } from '@worldswitch/gic';
import { requireTool } from '@worldswitch/test-tools';
import { bench, random, requester } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { onQemu } from './qtest.ts';
import type { Command } from './qtest.ts';

const { describe, test } = requireTool('qemu-system-aarch64');

/** Where QEMU's virt board has the four blocks. */
const d = 0x800_0000;
const c = 0x801_0000;
const h = 0x803_0000;
const v = 0x804_0000;
const bases = [d, c, h, v];

/** A GIC of the same shape, which answers the same commands. */
function ours(): (command: Command) => number {
  const device = gicV2.create({ cpus: 1, priorityBits: 8, listRegisters: 4 }, bench());
  const by = requester();
  return (command) => {
    if (command.kind === 'wire') {
      const { input, level } = command;
      (input < 256 ? device.inputs.spi(input) : device.inputs.ppi(0, input - 256 - 16)).set(level);
      return 0;
    }
    const block = bases.findLastIndex((base) => command.at >= base);
    const offset = command.at - (bases[block] ?? 0);
    if (command.kind === 'read') return device.mmio[block]?.read(offset, command.width, by) ?? -1;
    device.mmio[block]?.write(offset, command.width, command.value, by);
    return 0;
  };
}

const bit = (r: Random): number => (1 << r.below(32)) >>> 0;
const write = (at: number, value: number): Command => ({ kind: 'write', at, width: 4, value: value >>> 0 });
const read = (at: number): Command => ({ kind: 'read', at, width: 4 });

/** How a script is made. */
interface Plan {
  readonly begin: (r: Random) => readonly Command[];
  /** Draws a command; `end` ends the interrupt taken last. */
  readonly draw: (r: Random) => Command | 'end';
  /** The CPU interface that takes interrupts. */
  readonly at: number;
  /** EOImode. */
  readonly split: boolean;
  /** One group and any binary points; else two groups, and the smallest. */
  readonly oneGroup: boolean;
}

/** Accesses to the distributor and the CPU interface; half of the scripts vary the mask, half read GICC_HPPIR. */
function physical(seed: number): Plan {
  const [masks, split, oneGroup] = [(seed & 1) !== 0, (seed & 2) !== 0, (seed & 4) !== 0];
  const shown = [0x080, 0x100, 0x200, 0x280, 0x300, 0x400, 0x800, 0xc00, 0xf10];
  const choices: readonly ((r: Random, word: number) => Command | 'end')[] = [
    (r) => write(c + 0x000, 3 | (r.below(8) << 2)),
    (r) => (masks ? write(c + 0x004, r.pick([0xf0, 0xff, 0x80, 0xa0])) : read(c + 0x018)),
    (r) => write(c + r.pick([0x008, 0x01c]), r.below(8)),
    (r, word) => write(d + 0x100 + 4 * word, r.word()),
    (r, word) => write(d + 0x180 + 4 * word, bit(r)),
    (r, word) => write(d + 0x200 + 4 * word, bit(r)),
    (r, word) => write(d + 0x280 + 4 * word, bit(r)),
    (r) => ({ kind: 'write', at: d + 0x400 + r.below(76), width: 1, value: r.below(256) }),
    (r) => write(d + 0xc00 + 4 * r.below(6), r.word() & 0xaaaa_aaaa),
    (r) => write(d + 0xf00, (2 << 24) | r.below(16)),
    (r) => write(d + 0xf00, 0x0001_0000 | r.below(16)),
    () => read(c + 0x00c),
    () => read(c + 0x00c),
    (r) => read(c + r.pick([0x014, 0x000, 0x004, 0x008, 0x01c])),
    () => 'end',
    () => 'end',
    (r, word) => read(d + r.pick(shown) + 4 * word),
    (r, word) => read(d + r.pick(shown) + 4 * word),
    (r) => ({ kind: 'wire', input: r.below(40), level: r.below(2) === 0 }),
    (r) => ({ kind: 'wire', input: 256 + 16 + r.pick([10, 11, 13, 14]), level: r.below(2) === 0 }),
  ];
  return {
    at: c,
    split,
    oneGroup,
    begin: (r) => [
      write(d, 3),
      ...[0, 1, 2].map((word) => write(d + 0x080 + 4 * word, oneGroup ? 0 : r.word())),
      write(c, split ? 0x203 : 3),
      write(c + 4, 0xff),
    ],
    draw: (r) => r.pick(choices)(r, r.below(3)),
  };
}

/** A list register that a hypervisor could write: 20 to 23 are physical interrupts. */
function listRegister(r: Random, oneGroup: boolean): Command {
  const i = r.below(4);
  const id = r.pick([1 + i, 28 + i, 40 + i]); // no ID in two list registers at once
  const kind = id > 15 && r.below(3) === 0 ? (1 << 31) | ((20 + i) << 10) : r.below(2) << 19;
  const group = oneGroup ? 0 : r.below(2);
  return write(h + 0x100 + 4 * i, kind | id | (r.below(32) << 23) | (r.below(4) << 28) | (group << 30));
}

/** Accesses to the virtual interface and its control block. */
function virtual(seed: number): Plan {
  const [split, oneGroup] = [(seed & 2) !== 0, (seed & 4) !== 0];
  const choices: readonly ((r: Random) => Command | 'end')[] = [
    (r) => write(h + 0x000, 1 | (r.below(128) << 1)),
    (r) => write(v + 0x000, 3 | (r.below(8) << 2)),
    (r) => write(v + 0x004, r.pick([0xf8, 0xff, 0x80])),
    (r) => write(v + r.pick([0x008, 0x01c]), 3 + r.below(5)),
    (r) => write(h + 0x008, 0xf800_0003 | (r.below(64) << 18) | (r.below(2) << 2) | (split ? 0x200 : 0)),
    (r) => listRegister(r, oneGroup),
    (r) => listRegister(r, oneGroup),
    (r) => listRegister(r, oneGroup),
    () => read(v + 0x00c),
    () => read(v + 0x00c),
    (r) => read(v + r.pick([0x000, 0x004, 0x008, 0x014, 0x01c])),
    (r) => read(h + r.pick([0x000, 0x004, 0x008, 0x010, 0x020, 0x030, 0x0f0])),
    (r) => read(h + 0x100 + 4 * r.below(4)),
    (r) => read(d + r.pick([0x200, 0x300])),
    () => write(d + 0x300, 0xf0_0000),
    () => 'end',
    () => 'end',
  ];
  return {
    at: v,
    split,
    oneGroup,
    begin: () => [write(d, 3), write(h, 1), write(v, split ? 0x203 : 3), write(v + 4, 0xff)],
    draw: (r) => r.pick(choices)(r),
  };
}

const binaryPoints = new Set([c + 0x008, c + 0x01c, v + 0x008, v + 0x01c, h + 0x008]);

/** Draws commands while our GIC runs them. */
function script(seed: number, plan: Plan): { commands: readonly Command[]; answers: readonly number[] } {
  const r = random(seed);
  const gic = ours();
  const commands: Command[] = [];
  const answers: number[] = [];
  const taken: number[] = [];
  const play = (command: Command): void => {
    const answer = gic(command);
    if (command.kind === 'read' && command.at === plan.at + 0x00c && (answer & 0x3ff) < 1020)
      taken.push(answer);
    commands.push(command);
    answers.push(answer);
  };
  for (const each of plan.begin(r)) play(each);
  while (commands.length < 4000) {
    const drawn = plan.draw(r);
    if (drawn !== 'end') {
      const point = drawn.kind === 'write' && binaryPoints.has(drawn.at);
      if (point && (taken.length > 0 || !plan.oneGroup)) continue;
      const control = plan.split && drawn.kind === 'write' && drawn.at === plan.at;
      play(control ? { ...drawn, value: drawn.value | 0x200 } : drawn);
      continue;
    }
    const id = taken.pop();
    if (id === undefined) continue;
    play(write(plan.at + 0x010, id));
    if (plan.split) play(write(plan.at + 0x1000, id));
  }
  return { commands, answers };
}

/** A line per command, for the difference that a failure shows. */
function transcript(
  commands: readonly Command[],
  answers: readonly number[],
  last: number,
): readonly string[] {
  return commands.slice(0, last + 1).flatMap((command, i) => {
    if (i < last - 15) return [];
    const what =
      command.kind === 'wire' ? `${command.input} ${command.level}` : `0x${command.at.toString(16)}`;
    const value = command.kind === 'write' ? command.value : (answers[i] ?? -1);
    return [`${command.kind} ${what} 0x${value.toString(16)}`];
  });
}

async function compare(seed: number, plan: Plan): Promise<void> {
  const { commands, answers } = script(seed, plan);
  const theirs = await onQemu(commands);
  const isTaken = (answer: number, i: number): boolean => {
    const command = commands[i];
    return command?.kind === 'read' && command.at === plan.at + 0x00c && (answer & 0x3ff) < 1020;
  };
  expect(answers.filter(isTaken).length).toBeGreaterThan(50); // or there is nothing to compare
  const at = answers.findIndex(
    (answer, i) => theirs[i] !== answer && !(theirs[i] === 1022 && answer === 1023),
  );
  if (at < 0) return;
  expect(transcript(commands, answers, at)).toEqual(transcript(commands, theirs, at));
}

describe('the distributor and the CPU interface', () => {
  for (let seed = 0; seed < 16; seed++) {
    test(`are QEMU's (seed ${seed})`, () => compare(seed, physical(seed)));
  }
});

describe('list registers and the virtual CPU interface', () => {
  for (let seed = 0; seed < 16; seed++) {
    test(`are QEMU's (seed ${seed})`, () => compare(seed, virtual(seed)));
  }
});
