// The GICv3's distributor and redistributor against QEMU's: the same random accesses and wires, the same answers. No CPU runs, so
// nothing is acknowledged. Differences that are kept out:
// - QEMU keeps eight bits of priority in GICD_IPRIORITYR and GICR_IPRIORITYR: only five-bit priorities are written.
// - QEMU's redistributor powers up asleep and forwards all the same: the scripts begin with one that sleeps.
// - GICD_TYPER of QEMU counts 32 interrupts too few (12.9), and its board has LPIs: GICD_TYPER, GICR_TYPER, GICR_CTLR are not read.

import { expect } from 'vitest';

import { gicV3 } from '@worldswitch/gic';
import { requireTool } from '@worldswitch/test-tools';
import { bench, random, requester } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { onQemu } from '../qtest.ts';
import type { LongCommand as Command } from '../qtest.ts';

const { describe, test } = requireTool('qemu-system-aarch64');

const gicd = 0x800_0000;
const gicr = 0x80a_0000;
const sgi = gicr + 0x1_0000;

/** A GIC of the same shape, which answers the same commands. */
function ours(): (command: Command) => number {
  const device = gicV3.create({ cpus: 1, listRegisters: 4 }, bench());
  const by = requester();
  return (command) => {
    if (command.kind === 'wire') {
      const { input, level } = command;
      (input < 256 ? device.inputs.spi(input) : device.inputs.ppi(0, input - 256 - 16)).set(level);
      return 0;
    }
    const [block, base] = command.at >= gicr ? [1, gicr] : [0, gicd];
    const offset = command.at - base;
    if (command.width === 8) {
      const out = { lo: 0, hi: 0 };
      if (command.kind === 'write')
        device.mmio[block]?.write64?.(
          offset,
          command.value % 2 ** 32,
          Math.floor(command.value / 2 ** 32),
          by,
        );
      else device.mmio[block]?.read64?.(offset, out, by);
      return out.lo + out.hi * 2 ** 32;
    }
    if (command.kind === 'read') return device.mmio[block]?.read(offset, command.width, by) ?? -1;
    device.mmio[block]?.write(offset, command.width, command.value, by);
    return 0;
  };
}

const write = (at: number, value: number): Command => ({ kind: 'write', at, width: 4, value: value >>> 0 });
const read = (at: number): Command => ({ kind: 'read', at, width: 4 });

/** The bitmaps: groups, set and clear of enables, pending, active. */
const bitmaps = [0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380];
const identification = [0xffd0, 0xffe4, 0xffe8, 0xfff0, 0xfffc];

const choices: readonly ((r: Random) => Command)[] = [
  (r) => write(gicd, r.word() & 0x7f),
  () => read(gicd),
  (r) => read(gicd + r.pick([0x008, 0x00c, 0x010, 0x800, 0x820, 0xf00, 0xf10, ...identification])),
  (r) => read(gicr + r.pick([0x004, 0x010, ...identification])),
  (r) => write(gicr + 0x014, r.word()),
  () => read(gicr + 0x014),
  (r) => write(gicd + r.pick(bitmaps) + 4 * r.below(10), r.word() & r.word()),
  (r) => write(gicd + r.pick(bitmaps) + 4 * r.below(10), r.word() & r.word()),
  (r) => write(sgi + r.pick(bitmaps), r.word() & r.word()),
  (r) => read(gicd + r.pick(bitmaps) + 4 * r.below(10)),
  (r) => read(gicd + r.pick(bitmaps) + 4 * r.below(10)),
  (r) => read(sgi + r.pick(bitmaps)),
  (r) => read(sgi + r.pick(bitmaps)),
  (r) => ({ kind: 'write', at: gicd + 0x400 + r.below(300), width: 1, value: 8 * r.below(32) }),
  (r) => ({ kind: 'read', at: gicd + 0x400 + r.below(300), width: 1 }),
  (r) => write(gicd + 0x400 + 4 * r.below(76), r.word() & 0xf8f8_f8f8),
  (r) => read(gicd + 0x400 + 4 * r.below(76)),
  (r) => write(sgi + 0x400 + 4 * r.below(8), r.word() & 0xf8f8_f8f8),
  (r) => read(sgi + 0x400 + 4 * r.below(8)),
  (r) => write(gicd + 0xc00 + 4 * r.below(20), r.word()),
  (r) => read(gicd + 0xc00 + 4 * r.below(20)),
  (r) => write(sgi + 0xc00 + 4 * r.below(2), r.word()),
  (r) => read(sgi + 0xc00 + 4 * r.below(2)),
  (r) => write(gicd + 0xd00 + 4 * r.below(10), r.word()),
  (r) => read(gicd + 0xd00 + 4 * r.below(10)),
  (r) => write(gicd + 0xe00 + 4 * r.below(20), r.word()),
  (r) => read(gicd + 0xe00 + 4 * r.below(20)),
  (r) => write(gicd + 0x6000 + 8 * r.below(300), r.word() & 0x80ff_ffff),
  (r) => read(gicd + 0x6000 + 4 * r.below(600)),
  (r) => ({
    kind: 'write',
    at: gicd + 0x6000 + 8 * r.below(300),
    width: 8,
    value: r.below(256) * 2 ** 32 + r.below(2 ** 24),
  }),
  (r) => ({ kind: 'read', at: gicd + 0x6000 + 8 * r.below(300), width: 8 }),
  (r) => ({ kind: 'wire', input: r.below(256), level: r.below(2) === 0 }),
  (r) => ({ kind: 'wire', input: 256 + 16 + r.pick([10, 11, 13, 14]), level: r.below(2) === 0 }),
];

/** A line per command, for the difference that a failure shows. */
function transcript(
  commands: readonly Command[],
  answers: readonly number[],
  last: number,
): readonly string[] {
  return commands.slice(Math.max(0, last - 15), last + 1).map((command, i) => {
    const what =
      command.kind === 'wire' ? `${command.input} ${command.level}` : `0x${command.at.toString(16)}`;
    const answer = answers[Math.max(0, last - 15) + i] ?? -1;
    return `${command.kind} ${what} 0x${(command.kind === 'write' ? command.value : answer).toString(16)}`;
  });
}

describe('the distributor and the redistributor', () => {
  for (let seed = 0; seed < 8; seed++) {
    test(`are QEMU's (seed ${seed})`, async () => {
      const r = random(seed);
      const gic = ours();
      const commands = [write(gicr + 0x014, 2), ...Array.from({ length: 4000 }, () => r.pick(choices)(r))];
      const answers = commands.map((command) => gic(command));
      expect(answers.filter((answer) => answer !== 0).length).toBeGreaterThan(500); // or there is nothing to compare
      const theirs = await onQemu(commands, 3);
      const at = answers.findIndex((answer, i) => theirs[i] !== answer);
      if (at < 0) return;
      expect(transcript(commands, answers, at)).toEqual(transcript(commands, theirs, at));
    });
  }
});
