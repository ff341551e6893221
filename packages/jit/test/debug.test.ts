// Debug exceptions and performance monitors on both engines: the same exceptions at the same instructions, the same counts,
// the same interrupt.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { createRandom } from './random.ts';
import { createRig, RAM } from './rig.ts';
import type { Rig } from './rig.ts';

const DATA = RAM + 0x2_0000;
const VECTORS = RAM + 0x7_e000;
const MDE_KDE = 0xa000n;
const SS = 1n;

/** Writes code, one instruction a line. */
function code(rig: Rig, at: number, lines: readonly string[]): void {
  for (const [i, line] of lines.entries()) rig.code(at + 4 * i, assemble(line));
}

function sides(rig: Rig): readonly Rig['fast']['cpu'][] {
  return [rig.reference.cpu, rig.fast.cpu];
}

/** Sets registers of both CPUs as MSR would, with the OS lock clear. */
function program(rig: Rig, registers: Readonly<Record<string, bigint>>): void {
  for (const cpu of sides(rig)) {
    cpu.setRegister('OSLSR_EL1', 8n);
    for (const [name, value] of Object.entries(registers)) cpu.setRegister(name, value);
    cpu.debug.changed();
    cpu.pmu.changed();
  }
}

/**
 * Handlers that gather ESR, FAR and ELR in X20 to X22 and go on after the instruction; of a step exception with SS set again,
 * of a breakpoint or a watchpoint with it as it is.
 */
function handlers(rig: Rig): void {
  code(rig, VECTORS + 0x200, [
    'mrs x23, esr_el1',
    'eor x20, x23, x20, ror #7',
    'mrs x24, far_el1',
    'eor x21, x24, x21, ror #7',
    'mrs x24, elr_el1',
    'eor x22, x24, x22, ror #7',
    'lsr x23, x23, #26',
    'cmp x23, #0x33',
    'b.eq 24',
    'cmp x23, #0x15',
    'b.eq 12',
    'add x24, x24, #4',
    'msr elr_el1, x24',
    'eret',
    'mrs x24, spsr_el1',
    'orr x24, x24, #0x200000',
    'msr spsr_el1, x24',
    'eret',
  ]);
  // Interrupts: counted, and the overflow is cleared.
  code(rig, VECTORS + 0x280, [
    'add x25, x25, #1',
    'mrs x24, elr_el1',
    'eor x22, x24, x22, ror #7',
    'mrs x24, pmovsset_el0',
    'eor x26, x24, x26, ror #7',
    'msr pmovsclr_el0, x24',
    'eret',
  ]);
}

function start(rig: Rig, x: Readonly<Record<number, number | bigint>> = {}): void {
  for (const cpu of sides(rig)) {
    cpu.state.pc = BigInt(RAM);
    cpu.state.daif = 0;
    for (const [n, value] of Object.entries(x)) cpu.state.setX(Number(n), BigInt(value));
  }
}

const LOOP = ['add x0, x0, #1', 'add x1, x1, x0', 'str x1, [x9]', 'ldr x2, [x9, #8]', 'b -16'];

describe('both engines agree', () => {
  it('on a breakpoint that is armed while its page runs', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, LOOP);
    start(rig, { 9: DATA });
    expect(rig.run(1000)).toEqual([]);
    program(rig, { MDSCR_EL1: MDE_KDE, DBGBVR2_EL1: BigInt(RAM + 4), DBGBCR2_EL1: 0x1e7n });
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeGreaterThan(20);
    program(rig, { DBGBCR2_EL1: 0n });
    const before = rig.fast.cpu.counters.exceptions;
    const steps = rig.fast.engine.counters.steps;
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeLessThanOrEqual(before + 1);
    // What is not armed costs nothing.
    expect(rig.fast.engine.counters.steps).toBeLessThan(steps + 30);
  });

  it('on a watchpoint, whose page alone leaves the fast path', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, LOOP);
    start(rig, { 9: DATA });
    program(rig, { MDSCR_EL1: MDE_KDE, DBGWVR1_EL1: BigInt(DATA + 8), DBGWCR1_EL1: 0x1fffn });
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeGreaterThan(20);
    const { steps } = rig.fast.engine.counters;
    for (const cpu of sides(rig)) cpu.state.setX(9, BigInt(DATA + 0x1000));
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.engine.counters.steps).toBeLessThan(steps + 30);
  });

  it('on an access that begins before the page of a watchpoint', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, LOOP);
    start(rig, { 9: DATA + 0xffc - 8 });
    program(rig, { MDSCR_EL1: MDE_KDE, DBGWVR1_EL1: BigInt(DATA + 0x1000), DBGWCR1_EL1: 0x3fn });
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeGreaterThan(20);
  });

  it('on a breakpoint of a context, which software enters and leaves', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, ['eor x3, x3, #1', 'msr contextidr_el1, x3', 'add x0, x0, #1', 'add x0, x0, #1', 'b -16']);
    start(rig);
    program(rig, { MDSCR_EL1: MDE_KDE, DBGBVR4_EL1: 1n, DBGBCR4_EL1: 0x2001e7n });
    expect(rig.run(1000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeGreaterThan(20);
  });

  it('on software step, which clears PSTATE.D here and there', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, [
      'add x0, x0, #1',
      'msr daifset, #0x8',
      'ldxr x1, [x9]',
      'msr daifclr, #0x8',
      'ldxr x1, [x9]',
      'add x0, x0, #1',
      'b -24',
    ]);
    start(rig, { 9: DATA });
    program(rig, { MDSCR_EL1: MDE_KDE | SS });
    expect(rig.run(2000)).toEqual([]);
    expect(rig.fast.cpu.counters.exceptions).toBeGreaterThan(50);
  });

  it('on the instruction after which a counter overflows', () => {
    const rig = createRig();
    handlers(rig);
    code(rig, RAM, LOOP);
    start(rig, { 9: DATA });
    const seen = sides(rig).map((cpu, i) => {
      const at: number[] = [];
      const engine = i === 0 ? rig.reference.engine : rig.fast.engine;
      cpu.pmuInterrupt = (level) => {
        at.push(level ? engine.executed : -engine.executed);
        cpu.setPin('irq', level);
      };
      return at;
    });
    program(rig, {
      PMEVTYPER0_EL0: 8n,
      PMEVCNTR0_EL0: 0xffff_fe00n,
      PMEVTYPER1_EL0: 0x11n,
      PMEVCNTR1_EL0: 0xffff_ffffn - 3000n,
      PMCCNTR_EL0: 0xffff_ffffn - 0x1234n,
      PMCNTENSET_EL0: 0x8000_0003n,
      PMINTENSET_EL1: 0x8000_0003n,
      PMCR_EL0: 1n,
    });
    expect(rig.run(10_000)).toEqual([]);
    expect(rig.fast.cpu.state.x(25)).toBe(3n);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.[0]).toBe(512);
  });

  it('however a run is cut', () => {
    const counts = [1, 7, 100, 10_000].map((part) => {
      const rig = createRig();
      handlers(rig);
      code(rig, RAM, [...LOOP.slice(0, 4), 'svc #0', 'b -20']);
      start(rig, { 9: DATA });
      program(rig, {
        PMEVTYPER0_EL0: 8n,
        PMEVTYPER1_EL0: 0x11n,
        PMEVTYPER2_EL0: 9n,
        PMCNTENSET_EL0: 7n,
        PMCR_EL0: 1n,
      });
      for (let done = 0; done < 10_000; done += part)
        expect(rig.run(Math.min(part, 10_000 - done))).toEqual([]);
      return [0, 1, 2].map((n) => rig.fast.cpu.register(`PMEVCNTR${n}_EL0`));
    });
    expect(new Set(counts.map(String)).size).toBe(1);
    expect(counts[0]?.[1]).toBe(10_000n);
    expect(counts[0]?.[2]).toBe(BigInt(1 + Math.floor((10_000 - 5) / 18)));
  });
});

/** Instructions of random programs. X9 and X10 are data addresses, X11 to X15 values for the registers. */
const POOL: readonly string[] = [
  'add x0, x0, #3',
  'add x1, x1, x0, lsl #1',
  'ldr x2, [x9]',
  'str x1, [x9, #16]',
  'ldp x3, x4, [x9, #8]',
  'stp x0, x1, [x10]',
  'ldr w5, [x10, #4]',
  'strb w0, [x10, #9]',
  'ldxr x6, [x9]',
  'stxr w7, x1, [x9]',
  'ld1 {v0.16b, v1.16b}, [x10]',
  'st1 {v0.16b}, [x9]',
  'dc zva, x10',
  'cbz x0, 8',
  'tbz w0, #1, 8',
  'svc #1',
  'brk #2',
  'msr daifset, #0x8',
  'msr daifclr, #0x8',
  'msr mdscr_el1, x11',
  'msr mdscr_el1, x12',
  'msr contextidr_el1, x13',
  'msr contextidr_el1, xzr',
  'msr pmcr_el0, x14',
  'msr pmcr_el0, xzr',
  'msr pmcntenset_el0, x15',
  'msr pmcntenclr_el0, x13',
  'msr pmintenset_el1, x15',
  'msr pmevcntr0_el0, x16',
  'msr pmevcntr2_el0, x16',
  'msr pmswinc_el0, x15',
  'mrs x5, pmccntr_el0',
  'mrs x6, pmevcntr0_el0',
  'mrs x7, pmovsset_el0',
  'msr dbgbcr0_el1, x17',
  'msr dbgbcr0_el1, xzr',
  'msr dbgwcr0_el1, xzr',
  'msr dbgwcr0_el1, x18',
  'msr oslar_el1, xzr',
];

describe('random programs', () => {
  it.each(Array.from({ length: 16 }, (_, i) => i))('number %i', (seed) => {
    const random = createRandom(0x5eed + seed);
    const below = (limit: number): number => random.below(limit);
    const rig = createRig();
    handlers(rig);
    // Two pages of code, with a way between them.
    const lines = Array.from({ length: 60 }, () => POOL[below(POOL.length)] ?? 'nop');
    const at = RAM + 0x1000 - 4 * 30;
    code(rig, at, [...lines, 'b -240']);
    start(rig, {
      9: DATA,
      10: DATA + 0x1000 - 8 + 8 * below(3),
      11: MDE_KDE,
      12: MDE_KDE | (below(2) === 0 ? SS : 0n),
      13: BigInt(1 + below(3)),
      14: BigInt([1, 3, 5, 9, 65][below(5)] ?? 1),
      15: 0x8000_003fn,
      16: 0xffff_ffffn - BigInt(below(200)),
      17: 0x1e7n,
      18: 0x1fffn,
    });
    program(rig, {
      MDSCR_EL1: below(2) === 0 ? 0n : MDE_KDE,
      DBGBVR0_EL1: BigInt(at + 4 * below(60)),
      DBGBVR1_EL1: BigInt(at + 4 * below(60)),
      DBGBCR1_EL1: 0x1e7n | (5n << 16n) | (1n << 20n),
      DBGBVR5_EL1: 1n,
      DBGBCR5_EL1: 0x1e7n | (3n << 20n),
      DBGBVR4_EL1: 2n,
      DBGBCR4_EL1: below(3) === 0 ? 0x1e7n | (2n << 20n) : 0n,
      DBGWVR0_EL1: BigInt(DATA + 8 * below(4)),
      DBGWVR1_EL1: BigInt(DATA + 0x1000),
      DBGWCR1_EL1: 0x7n | (BigInt(1 + below(3)) << 3n) | (BigInt(1 << below(8)) << 5n),
      PMEVTYPER0_EL0: 8n,
      PMEVTYPER1_EL0: 0x1en,
      PMEVTYPER2_EL0: 0x11n,
      PMEVTYPER3_EL0: 0n,
      PMEVTYPER4_EL0: 9n,
      PMEVTYPER5_EL0: 0x0an,
    });
    for (const cpu of sides(rig)) {
      cpu.pmuInterrupt = (level) => {
        cpu.setPin('irq', level);
      };
      cpu.state.pc = BigInt(at);
    }
    for (let i = 0; i < 12; i++) {
      // A snapshot in between changes nothing.
      if (i === 6) rig.fast.cpu.restore(rig.fast.cpu.save());
      expect(rig.run(1 + below(700)), lines.join('\n')).toEqual([]);
    }
  });
});
