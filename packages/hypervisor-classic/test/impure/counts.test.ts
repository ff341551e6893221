// What rewriting saves: exactly the exits of the instructions that are done in line.

import { describe, expect, it } from 'vitest';

import { compareGuests } from '@worldswitch/machine';

import { alone } from '../../src/binary-translation/translate.ts';
import { Arena, branch } from '../../src/impure/arena.ts';
import { observedGuest, rewriteKernel } from '../../src/index.ts';
import { AT, executed, hostFor, kernelOf, natively, OFF, ran } from './programs.ts';

const TIMES = 60;
const RAM = 0x4000_0000;

/** Masks, unmasks, and moves registers: at 8 to 28 of each round there is something to do in line; TLBI is not. */
const loop = `movz x1, #${TIMES}
  movz x9, #5
  msr daifset, #2
  mrs x2, sp_el0
  msr tpidr_el1, x9
  mrs x3, tpidr_el1
  msr elr_el1, x3
  msr daifclr, #2
  tlbi vmalle1
  sub x1, x1, #1
  cbnz x1, ${AT + 8}
  ${OFF}`;
const IN_LINE = 6;

const sitesOf = (kernel: ReturnType<typeof kernelOf>) =>
  new Set(rewriteKernel(kernel, 'fix-up', RAM).rewriting.fixUps.map(({ at }) => at));

describe('exits of a kernel with fix-ups', () => {
  it('are fewer by exactly the instructions that are done in line', () => {
    const kernel = kernelOf(loop);
    const sites = sitesOf(kernel);
    expect(sites.size).toBe(IN_LINE);
    const done = executed(kernel, sites);
    expect(done).toBe(IN_LINE * TIMES);
    const [pure, impure] = [ran(kernel), ran(kernel, 'fix-up')];
    expect([pure.end, impure.end]).toEqual(['off', 'off']);
    expect(pure.all - impure.all).toBe(done);
    expect(impure.exits('tlbi vmalle1')).toBe(TIMES);
    expect(impure.machine.cpu.state.x(3)).toBe(5n);
  });

  it('are fewer by less where one of them is not rewritten', () => {
    const kernel = kernelOf(loop);
    // All but the second of a round.
    const some = kernelOf(loop, [
      { at: AT, size: 12 },
      { at: AT + 16, size: 100 },
    ]);
    const [pure, impure] = [ran(kernel), ran(some, 'fix-up')];
    expect(sitesOf(some).size).toBe(IN_LINE - 1);
    expect(pure.all - impure.all).toBe((IN_LINE - 1) * TIMES);
    expect(impure.exits('mrs SP_EL0')).toBe(TIMES);
  });

  it('are as many with traps, and those of what does not trap besides', () => {
    const loads = `movz x1, #${TIMES}\n movz x2, #0x4030, lsl #16\n ldtr x3, [x2]\n msr daifset, #2
      sub x1, x1, #1\n cbnz x1, ${AT + 8}\n ${OFF}`;
    const kernel = kernelOf(loads);
    const [pure, impure] = [ran(kernel), ran(kernel, 'trap')];
    expect(impure.end).toBe('off');
    expect(impure.all - pure.all).toBe(TIMES);
    expect(impure.exits('unprivileged')).toBe(TIMES);
    // Neither a fetch nor a class without a syndrome: the immediate says what it is.
    expect(impure.exits('msr DAIFSet')).toBe(TIMES);
  });
});

describe('the code behind the vectors', () => {
  const pad = (from: number, to: number): string => '\n nop'.repeat((to - from) / 4);
  const boot = `movz x1, #0x4020, lsl #16
    movk x1, #0x0800
    msr vbar_el1, x1
    movz x9, #${TIMES}
    svc #1
    msr daifset, #2
    sub x9, x9, #1
    cbnz x9, ${AT + 16}
    ${OFF}`;
  // It calls something, which asks for the syndrome, and is asked for it itself.
  const entry = `mrs x4, elr_el1\n bl ${AT + 0x100c}\n eret`;
  const called = `mrs x5, esr_el1\n ret`;
  const text = `${boot}${pad(44, 0xa00)}\n${entry}${pad(0xa0c, 0x100c)}\n${called}`;

  it('is done in line once they are set, and nothing else is', () => {
    const kernel = kernelOf(text);
    const [pure, impure] = [ran(kernel), ran(kernel, 'vectors')];
    expect([pure.end, impure.end]).toEqual(['off', 'off']);
    expect(rewriteKernel(kernel, 'vectors', RAM).rewriting.changes).toEqual([]);
    expect(impure.host.hypervisor.rewritten?.counts.added).toBe(2);
    expect(pure.all - impure.all).toBe(2 * TIMES);
    expect(impure.exits('msr DAIFSet')).toBe(TIMES);
    expect(impure.machine.cpu.state.x(5)).toBe(0x5600_0001n);
  });

  it('is emulated where the guest has not said where they are', () => {
    const never = kernelOf(text.replace('msr vbar_el1, x1', 'nop').replace('svc #1', 'nop'));
    const { end, host } = ran(never, 'vectors');
    expect([end, host.hypervisor.rewritten?.counts.added]).toEqual(['off', 0]);
  });
});

describe('a guest that is rewritten', () => {
  const compared = (text: string) => {
    const kernel = kernelOf(text);
    return compareGuests(
      () => natively(kernel),
      () => observedGuest('rewritten', hostFor(kernel, 'fix-up')),
    );
  };

  it('does the same as on the bare machine, and the words that are others are counted', () => {
    const result = compared(loop);
    expect(result.difference).toBeUndefined();
    expect(result.rewritten).toBe(IN_LINE);
    expect(result.end).toBe('off');
  });

  it('sees it where it reads its own text', () => {
    const { difference } = compared(`adr x5, ${AT + 8}\n ldr w7, [x5]\n msr daifset, #2\n ${OFF}`);
    expect(difference?.what.join()).toMatch(/^X7: 0xd50342df, on rewritten 0x1[47]/);
  });
});

describe('text that the guest changes', () => {
  const MRS = 0xd538_4103; // mrs x3, sp_el0
  // Farther away than fix-ups are long, so that a branch that is copied leads to none of them.
  const PLACE = AT + 0x400;
  const program = (word: string, flush: string) => `${word}
    movz x5, #0x4020, lsl #16
    movk x5, #${PLACE & 0xffff}
    str w2, [x5]
    dc cvau, x5
    dsb ish
    ${flush}
    dsb ish
    isb
    movz x4, #77
    msr sp_el0, x4
    movz x1, #${TIMES}
    b ${PLACE}`;
  const rest = `nop\n sub x1, x1, #1\n cbnz x1, ${PLACE}\n ${OFF}`;
  const whole = (first: string, words: number, flush: string) =>
    kernelOf(`${program(first, flush)}${'\n nop'.repeat(0x400 / 4 - 12 - words)}\n${rest}`);
  const given = `movz w2, #${MRS >>> 16}, lsl #16\n movk w2, #${MRS & 0xffff}`;

  it('is rewritten again when its cache is invalidated', () => {
    const run = ran(whole(given, 2, 'ic ivau, x5'), 'fix-up');
    expect([run.end, run.machine.cpu.state.x(3)]).toEqual(['off', 77n]);
    expect([run.exits('mrs SP_EL0'), run.host.hypervisor.rewritten?.counts.added]).toEqual([0, 1]);
  });

  it('traps by itself otherwise', () => {
    const run = ran(whole(given, 2, 'nop'), 'fix-up');
    expect([run.end, run.machine.cpu.state.x(3)]).toEqual(['off', 77n]);
    expect([run.exits('mrs SP_EL0'), run.host.hypervisor.rewritten?.counts.added]).toEqual([TIMES, 0]);
  });

  it('is unclear where a copied branch would be the one of another instruction with a new distance', () => {
    const arena = new Arena(AT - 0x1_0000, 0x1_0000);
    const [first, second] = [MRS, 0xd538_4104].map((word, i) => {
      const fixUp = arena.add(AT + 0x100 * i, word, alone(word));
      if (fixUp === undefined) throw new Error('there is room');
      return fixUp;
    });
    const word = (of: typeof first): number => branch(of?.site ?? 0, arena.base + (of?.at ?? 0));
    expect(arena.behind(AT, word(first))).toBe(first);
    expect(arena.behind(AT + 0x800, word(first))).toBe(first);
    const moved = AT + 0x900;
    expect(arena.behind(moved, branch(moved, arena.base + (second?.at ?? 0)))).toBe(second);
    // As far behind the first as the second fix-up is behind the first's.
    expect(arena.behind(AT + (second?.at ?? 0) - (first?.at ?? 0), word(first))).toBe('unclear');
  });

  it.each(['trap', 'fix-up'] as const)('is right where what was rewritten is copied: %s', (how) => {
    // The instruction that is copied is the first one.
    const copied = `mrs x3, sp_el0\n adr x2, ${AT}\n ldr w2, [x2]`;
    const run = ran(whole(copied, 3, 'ic ivau, x5'), how);
    expect([run.end, run.machine.cpu.state.x(3)]).toEqual(['off', 77n]);
  });
});

describe('where the fix-ups are', () => {
  // Tables of 39 bits at 0x4100_0000: the text is where it was, in a block of 2 MiB. The one before the memory would be the fix-ups'.
  const program = (beside: string) => `movz x0, #0x4100, lsl #16
    movz x1, #0x4100, lsl #16
    movk x1, #0x1003
    str x1, [x0, #8]
    movz x2, #0x4020, lsl #16
    movk x2, #0x0701
    movz x5, #0x4100, lsl #16
    movk x5, #0x1000
    str x2, [x5, #8]
    ${beside}
    msr ttbr0_el1, x0
    movz x1, #25
    movk x1, #0x80, lsl #16
    msr tcr_el1, x1
    movz x1, #0xff
    msr mair_el1, x1
    movz x3, #5
    movz x1, #0x1985
    movk x1, #0x30d0, lsl #16
    msr sctlr_el1, x1
    isb
    msr tpidr_el1, x3
    mrs x4, tpidr_el1
    ${OFF}`;

  it('the guest has nothing, and sees nothing', () => {
    const run = ran(kernelOf(program('nop')), 'fix-up');
    expect([run.end, run.machine.cpu.state.x(4), run.exits('refused')]).toEqual(['off', 5n, 0]);
  });

  it('or is refused where it has code of its own there', () => {
    const own = `movk x1, #0x2003\n str x1, [x0]\n movk x5, #0x2000\n str x2, [x5, #0xff8]`;
    const run = ran(kernelOf(program(own)), 'fix-up');
    expect([run.end, run.machine.cpu.state.x(4), run.exits('refused')]).toEqual(['off', 0n, 1]);
  });
});
