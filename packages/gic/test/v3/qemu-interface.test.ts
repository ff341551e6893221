// The GICv3's CPU interfaces against QEMU's, by a program at all levels: the same random accesses, the same answers. Differences that
// are kept out or masked:
// - QEMU has 24 bits of interrupt ID: IDbits of ICC_CTLR_EL1 and ICV_CTLR_EL1 is masked. Its ICC_CTLR_EL3 shows the Non-secure state's
//   CBPR and EOImode in the Secure one's places (12.2), so it is written alone.
// - QEMU keeps eight bits of priority in the distributor: only five-bit priorities are written.
// - In QEMU an interrupt of a group that ICC_IGRPENn_EL1 disables hides those of the others (4.7.2): they stay enabled.
// - ICH_MISR_EL2.VGrp0D of QEMU is about the enable of Group 1 (12.4): ICH_HCR_EL2.VGrp0DIE stays clear.
// - QEMU also counts in ICH_HCR_EL2.EOIcount what a guest ends by priority drop alone (12.4): not read, nor its maintenance interrupt
//   enabled, where EOImode splits.
// - Ending what is not active, or in another order, is UNPREDICTABLE: interrupts are ended in order, once.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';
import { random, requester } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { onQemuCpu } from './bare-metal.ts';
import type { Level, Step } from './bare-metal.ts';
import { poweredUp } from './rig.ts';

const { describe, test } = requireTool('qemu-system-aarch64');

const gicd = 0x800_0000;
const gicr = 0x80a_0000;
const sgi = gicr + 0x1_0000;

/** `ICC_PE_STATE` at a level. */
const world: Readonly<Record<Level, number>> = { el3s: 3, el3ns: 2, s1: 1, ns2: 0, ns2fiq: 4, guest: 0 };
/** Interrupts on these pins would be taken at a level, whatever PSTATE says. */
const unmasked: Readonly<Partial<Record<Level, readonly string[]>>> = {
  ns2fiq: ['fiq0'],
  guest: ['irq0', 'fiq0'],
};

interface Model {
  /** Executes a step and answers; undefined where an interrupt would be taken instead. */
  readonly play: (step: Step) => bigint | undefined;
}

/** A GIC of the same shape. */
function ours(): Model {
  const rig = poweredUp({ cpus: 1, listRegisters: 4, security: true });
  const { bank, mmio } = rig.device;
  const system = (step: Step & { readonly name: string }): bigint => {
    const virtual = step.level === 'guest' && !step.name.includes('SGI');
    const register = bank.registers.indexOf(virtual ? step.name.replace('ICC', 'ICV') : step.name);
    if (step.kind === 'msr') {
      bank.write(0, register, Number(step.value & 0xffff_ffffn), Number(step.value >> 32n));
      return 0n;
    }
    const out = { lo: 0, hi: 0 };
    bank.read(0, register, out);
    return BigInt(out.lo) | (BigInt(out.hi) << 32n);
  };
  /** An interrupt that comes by a write of the mask must not come before the program is back at EL3. */
  const lowersMask = (step: Step): boolean =>
    step.level === 'ns2fiq' && step.kind === 'msr' && step.value > BigInt(rig.mrs('ICC_PMR_EL1'));
  return {
    play(step) {
      rig.msr('ICC_PE_STATE', world[step.level]);
      if (rig.pins().some((pin) => unmasked[step.level]?.includes(pin))) return undefined;
      if (lowersMask(step)) return undefined;
      if (step.kind === 'mrs' || step.kind === 'msr') return system(step);
      const by = requester({ secure: step.level.startsWith('el3') || step.level === 's1' });
      const [block, offset] = step.at >= gicr ? [1, step.at - gicr] : [0, step.at - gicd];
      if (step.kind === 'read') return BigInt(mmio[block]?.read(offset, step.width, by) ?? -1);
      mmio[block]?.write(offset, step.width, step.value, by);
      return 0n;
    },
  };
}

const write = (level: Level, at: number, value: number): Step => ({
  kind: 'write',
  level,
  at,
  width: 4,
  value: value >>> 0,
});
const read = (level: Level, at: number): Step => ({ kind: 'read', level, at, width: 4 });
const msr = (level: Level, name: string, value: bigint | number): Step => ({
  kind: 'msr',
  level,
  name,
  value: BigInt(value),
});
const mrs = (level: Level, name: string): Step => ({ kind: 'mrs', level, name });
const bit = (r: Random): number => (1 << r.below(32)) >>> 0;

/** How a script is made. */
interface Plan {
  readonly begin: (r: Random) => readonly Step[];
  /** Draws a step; `end` ends the interrupt taken last. */
  readonly draw: (r: Random) => Step | 'end';
  /** Where and whether by priority drop and deactivation interrupts are ended. */
  readonly end: (r: Random) => Level;
  readonly split: boolean;
}

const somewhere: readonly Level[] = ['el3s', 'el3ns', 's1', 'ns2'];
const shownRegisters = ['IAR0', 'IAR1', 'HPPIR0', 'HPPIR1'];
const plainRegisters = ['PMR', 'RPR', 'BPR0', 'BPR1', 'AP0R0', 'AP1R0', 'CTLR', 'IGRPEN0', 'IGRPEN1', 'SRE'];

/** Three groups, five worlds; half of the scripts with one Security state. */
function physical(seed: number): Plan {
  const split = (seed & 1) !== 0;
  const control = split ? 0x1c : 0;
  const block = (r: Random, offset: number): number => (r.below(2) === 0 ? sgi + offset : gicd + offset + 4);
  const mapped = ['el3s', 'ns2'] as const;
  const choices: readonly ((r: Random) => Step | 'end')[] = [
    (r) => mrs(r.pick(somewhere), `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs(r.pick(somewhere), `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs(r.pick(somewhere), `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs(r.pick(somewhere), `ICC_${r.pick(plainRegisters)}_EL1`),
    (r) => mrs(r.pick(somewhere), `ICC_${r.pick(plainRegisters)}_EL1`),
    (r) => mrs('ns2fiq', r.pick(['ICC_PMR_EL1', 'ICC_RPR_EL1'])),
    () => mrs('el3s', 'ICC_IGRPEN1_EL3'),
    (r) => msr(r.pick([...somewhere, 'ns2fiq' as const]), 'ICC_PMR_EL1', 16 * (8 + r.below(8))),
    (r) => msr(r.pick(somewhere), r.pick(['ICC_BPR0_EL1', 'ICC_BPR1_EL1']), r.below(8)),
    (r) => msr('el3s', 'ICC_CTLR_EL3', control | r.below(4)),
    (r) =>
      msr(
        r.pick(somewhere),
        r.pick(['ICC_SGI0R_EL1', 'ICC_SGI1R_EL1', 'ICC_ASGI1R_EL1']),
        (r.below(16) << 24) | 1,
      ),
    (r) => write(r.pick(mapped), block(r, r.pick([0x200, 0x200, 0x280])), bit(r)),
    (r) => write(r.pick(mapped), block(r, r.pick([0x100, 0x100, 0x180])), bit(r)),
    (r) => read(r.pick(mapped), block(r, r.pick([0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0xd00]))),
    (r) => read(r.pick(mapped), r.pick([sgi + 0x400 + 4 * r.below(8), gicd + 0x420 + 4 * r.below(8)])),
    (r) => ({
      kind: 'write',
      level: r.pick(mapped),
      at: r.pick([sgi + 0x400 + r.below(32), gicd + 0x420 + r.below(32)]),
      width: 1,
      value: 16 * r.below(16),
    }),
    (r) => read(r.pick(mapped), r.pick([gicd, gicd + 0xe08, sgi + 0xe00])),
    () => 'end',
    () => 'end',
  ];
  return {
    split,
    begin: (r) => [
      write('el3s', gicd, (seed & 8) !== 0 ? 0x43 : 0x37), // DS, or both states
      write('el3s', gicr + 0x14, 0),
      ...[sgi, gicd + 4].flatMap((base) => [
        write('el3s', base + 0x080, r.word()),
        write('el3s', base + 0xd00, r.word()),
        write('el3s', base + 0x100, 0xffff_ffff),
      ]),
      write('el3s', sgi + 0xe00, r.word()),
      write('el3s', gicd + 0xe08, r.word()),
      msr('el3s', 'ICC_CTLR_EL3', control),
      msr('el3s', 'ICC_PMR_EL1', 0xf8),
      msr('el3s', 'ICC_IGRPEN0_EL1', 1),
      msr('el3s', 'ICC_IGRPEN1_EL3', 3),
    ],
    draw: (r) => r.pick(choices)(r),
    end: (r) => r.pick(['el3s', 'el3ns']),
  };
}

/** A list register that a hypervisor could write: 20 to 23 are physical interrupts. */
function listRegister(r: Random): Step {
  const n = r.below(4);
  const id = BigInt(r.pick([1 + n, 28 + n, 40 + n, 9000 + n])); // no ID in two list registers at once
  const source = r.below(3) === 0 ? (1n << 61n) | (BigInt(20 + n) << 32n) : BigInt(r.below(2)) << 41n;
  const [state, group, priority] = [BigInt(r.below(4)), BigInt(r.below(2)), BigInt(8 * r.below(32))];
  return msr('el3ns', `ICH_LR${n}_EL2`, (state << 62n) | (group << 60n) | (priority << 48n) | source | id);
}

/** A guest and its hypervisor. */
function virtual(seed: number): Plan {
  const split = (seed & 1) !== 0;
  const hypervisor = ['HCR', 'MISR', 'EISR', 'ELRSR', 'VMCR', 'AP0R0', 'AP1R0', 'LR0', 'LR1', 'LR2', 'LR3'];
  const guests = plainRegisters.filter((name) => name !== 'SRE');
  const choices: readonly ((r: Random) => Step | 'end')[] = [
    (r) => msr('el3ns', 'ICH_HCR_EL2', 1 | (r.word() & (split ? 0xda : 0xde))),
    listRegister,
    listRegister,
    listRegister,
    (r) =>
      msr(
        'el3ns',
        'ICH_VMCR_EL2',
        0xf800_0003 + (r.below(64) << 18) + (r.below(2) << 4) + (split ? 0x200 : 0),
      ),
    (r) => mrs('el3ns', `ICH_${r.pick(split ? hypervisor.slice(1) : hypervisor)}_EL2`),
    (r) => mrs('el3ns', `ICH_${r.pick(split ? hypervisor.slice(1) : hypervisor)}_EL2`),
    (r) => mrs('guest', `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs('guest', `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs('guest', `ICC_${r.pick(shownRegisters)}_EL1`),
    (r) => mrs('guest', `ICC_${r.pick(guests)}_EL1`),
    (r) => msr('guest', 'ICC_PMR_EL1', r.word() & 0xff),
    (r) => msr('guest', r.pick(['ICC_BPR0_EL1', 'ICC_BPR1_EL1']), r.below(8)),
    (r) => msr('guest', 'ICC_CTLR_EL1', r.below(2) | (split ? 2 : 0)),
    (r) => msr('guest', r.pick(['ICC_IGRPEN0_EL1', 'ICC_IGRPEN1_EL1']), r.pick([0, 1, 1])),
    (r) => read('el3s', sgi + r.pick([0x200, 0x300])),
    () => write('el3s', sgi + 0x300, 0xf0_0000),
    () => 'end',
    () => 'end',
  ];
  return {
    split,
    begin: () => [
      write('el3s', sgi + 0x080, 0xffff_ffff),
      msr('el3ns', 'ICH_HCR_EL2', 1),
      msr('guest', 'ICC_PMR_EL1', 0xff),
      msr('guest', 'ICC_CTLR_EL1', split ? 2 : 0),
      msr('guest', 'ICC_IGRPEN0_EL1', 1),
      msr('guest', 'ICC_IGRPEN1_EL1', 1),
    ],
    draw: (r) => r.pick(choices)(r),
    end: () => 'guest',
  };
}

interface Script {
  readonly steps: readonly Step[];
  readonly answers: readonly bigint[];
  readonly taken: number;
}

/** Draws steps while our GIC runs them. */
function script(seed: number, plan: Plan): Script {
  const r = random(seed);
  const gic = ours();
  const steps: Step[] = [];
  const answers: bigint[] = [];
  const running: (readonly [id: number, group: '0' | '1'])[] = [];
  let taken = 0;
  const play = (step: Step): void => {
    const answer = gic.play(step);
    if (answer === undefined) return;
    steps.push(step);
    answers.push(answer);
    if (step.kind !== 'mrs' || !step.name.startsWith('ICC_IAR')) return;
    if (answer >= 1020n && answer < 1024n) return;
    taken++;
    running.push([Number(answer), step.name.startsWith('ICC_IAR0') ? '0' : '1']);
  };
  for (const each of plan.begin(r)) play(each);
  while (steps.length < 4000) {
    const drawn = plan.draw(r);
    if (drawn !== 'end') {
      play(drawn);
      continue;
    }
    const last = running.pop();
    if (last === undefined) continue;
    const level = plan.end(r);
    play(msr(level, `ICC_EOIR${last[1]}_EL1`, last[0]));
    if (plan.split) play(msr(level, 'ICC_DIR_EL1', last[0]));
  }
  return { steps, answers, taken };
}

const idBits = 0x3800n;
/** What of an answer is compared. */
const compared = (step: Step | undefined, answer: bigint | undefined): bigint =>
  step?.kind === 'mrs' && step.name.startsWith('ICC_CTLR') ? (answer ?? -1n) & ~idBits : (answer ?? -1n);

/** A line per step, for the difference that a failure shows. */
function transcript(steps: readonly Step[], answers: readonly bigint[], last: number): readonly string[] {
  const first = Math.max(0, last - 25);
  return steps.slice(first, last + 1).map((step, i) => {
    const what = 'name' in step ? step.name : `0x${step.at.toString(16)}`;
    const value = 'value' in step ? step.value : compared(step, answers[first + i]);
    return `${step.level} ${step.kind} ${what} 0x${value.toString(16)}`;
  });
}

async function compare(seed: number, plan: Plan): Promise<void> {
  const { steps, answers, taken } = script(seed, plan);
  expect(taken).toBeGreaterThan(40); // or there is nothing to compare
  const given = await onQemuCpu(steps);
  let next = 0;
  const theirs = steps.map((step) =>
    step.kind === 'mrs' || step.kind === 'read' ? (given[next++] ?? -1n) : 0n,
  );
  const at = steps.findIndex((step, i) => compared(step, answers[i]) !== compared(step, theirs[i]));
  if (at < 0) return;
  expect(transcript(steps, answers, at)).toEqual(transcript(steps, theirs, at));
}

describe('the physical CPU interface, at all levels', () => {
  for (let seed = 0; seed < 16; seed++) {
    test(`is QEMU's (seed ${seed})`, () => compare(seed, physical(seed)));
  }
});

describe("the virtual CPU interface and the hypervisor's", () => {
  for (let seed = 0; seed < 16; seed++) {
    test(`are QEMU's (seed ${seed})`, () => compare(seed, virtual(seed)));
  }
});
