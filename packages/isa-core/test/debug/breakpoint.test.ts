// Breakpoints (DDI 0487 D2.8): addresses, contexts, links, enables and where the exception goes.

import { describe, expect, test } from 'vitest';

import { RAM, USER } from '../reference/machine.ts';
import { Class, debugMachine, KDE, MDE, program, syndromeOf } from './help.ts';

/** Enabled at EL1 and EL0, BAS 1111, of a type, linked to a breakpoint. */
const control = (type = 0, link = 0): bigint => 0x1e7n | (BigInt(link) << 16n) | (BigInt(type) << 20n);
const HERE = BigInt(RAM);

describe('an address', () => {
  test('is hit before the instruction has done anything', () => {
    const m = debugMachine({ DBGBVR0_EL1: HERE + 4n, DBGBCR0_EL1: control() });
    m.run('mov x0, #1', 'mov x0, #2');
    expect(m.x(0)).toBe(1n);
    expect(syndromeOf(m)).toBe(((Class.breakpointSame << 26) | (1 << 25) | 0x22) >>> 0);
    expect(m.cpu.register('ELR_EL1')).toBe(HERE + 4n);
    expect(m.cpu.register('FAR_EL1')).toBe(0n);
  });

  test('in EL0 is of a lower level', () => {
    const m = debugMachine({ DBGBVR3_EL1: BigInt(USER), DBGBCR3_EL1: control() });
    m.enter(0);
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.breakpoint);
  });

  test.each([
    ['PMC names EL0', { DBGBCR0_EL1: control() & ~2n }],
    ['E is clear', { DBGBCR0_EL1: control() & ~1n }],
    ['BAS leaves the first byte out', { DBGBCR0_EL1: control() & ~0x20n }],
    ['the type is reserved', { DBGBCR0_EL1: control(4) }],
    ['MDE is clear', { MDSCR_EL1: KDE }],
    ['KDE is clear', { MDSCR_EL1: MDE }],
    ['the OS lock is set', { OSLSR_EL1: 0xan }],
    ['the OS double lock is set', { OSDLR_EL1: 1n }],
    ['the next word is meant', { DBGBVR0_EL1: HERE + 4n }],
    ['bit 48 differs', { DBGBVR0_EL1: HERE | (1n << 48n) }],
  ])('is not hit where %s', (_, registers) => {
    const m = debugMachine({ DBGBVR0_EL1: HERE, DBGBCR0_EL1: control(), ...registers });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.none);
    expect(m.x(0)).toBe(1n);
  });

  test('is not hit at EL1 while PSTATE.D is set, and at EL0 it does not matter', () => {
    const m = debugMachine({ DBGBVR0_EL1: HERE, DBGBCR0_EL1: control() });
    m.cpu.state.daif = 8;
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.none);
    program(m, { DBGBVR0_EL1: BigInt(USER) + 4n, MDSCR_EL1: MDE });
    m.enter(0);
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.breakpoint);
  });

  test('DBGPRCR_EL1.CORENPDRQ overrides the OS double lock', () => {
    const m = debugMachine({ DBGBVR0_EL1: HERE, DBGBCR0_EL1: control(), OSDLR_EL1: 1n, DBGPRCR_EL1: 1n });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.breakpointSame);
  });

  test('comes after the instruction abort and before the illegal state', () => {
    const m = debugMachine({ DBGBVR0_EL1: BigInt(USER), DBGBCR0_EL1: control() });
    m.cpu.state.il = 1;
    m.enter(0);
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.breakpoint);
    expect(m.cpu.register('SPSR_EL1') & (1n << 20n)).toBe(1n << 20n);
  });
});

describe('a context', () => {
  test('alone matches every instruction of it', () => {
    const m = debugMachine({
      DBGBVR4_EL1: 0x1234_5677n,
      DBGBCR4_EL1: control(2),
      CONTEXTIDR_EL1: 0x1234_5677n,
    });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.breakpointSame);
  });

  test('is compared by the last two breakpoints alone', () => {
    const m = debugMachine({ DBGBVR3_EL1: 5n, DBGBCR3_EL1: control(2), CONTEXTIDR_EL1: 5n });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.none);
  });

  test('that is written takes effect on the next instruction', () => {
    const m = debugMachine({ DBGBVR4_EL1: 7n, DBGBCR4_EL1: control(2) });
    m.setX(1, 7);
    m.run('msr contextidr_el1, x1', 'mov x0, #1');
    expect(m.cpu.register('ELR_EL1')).toBe(HERE + 4n);
    expect(m.exceptionClass()).toBe(Class.breakpointSame);
  });

  test.each([
    [7n, true],
    [8n, false],
  ])('that an address is linked to: %s', (id, hit) => {
    const m = debugMachine({
      DBGBVR1_EL1: HERE + 4n,
      DBGBCR1_EL1: control(1, 5),
      DBGBVR5_EL1: 7n,
      DBGBCR5_EL1: control(3),
      CONTEXTIDR_EL1: id,
    });
    m.run('mov x0, #1', 'mov x0, #2');
    expect(m.x(0)).toBe(hit ? 1n : 2n);
    expect(m.exceptionClass()).toBe(hit ? Class.breakpointSame : Class.none);
  });

  test.each([
    ['is not linked', { DBGBCR5_EL1: control(2) }],
    ['is disabled', { DBGBCR5_EL1: control(3) & ~1n }],
    ['is an address', { DBGBCR5_EL1: control(1) }],
    ['is not there', { DBGBCR1_EL1: control(1, 9) }],
  ])('does not match by a link when what it names %s', (_, registers) => {
    const m = debugMachine({
      DBGBVR1_EL1: HERE,
      DBGBCR1_EL1: control(1, 5),
      DBGBVR5_EL1: 7n,
      DBGBCR5_EL1: control(3),
      ...registers,
    });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.none);
  });

  test.each([
    [8, 0x12_0000_0009n, true],
    [8, 0x13_0000_0009n, false],
    [10, 0x12_0000_0009n, true],
    [10, 0x12_0000_0008n, false],
    [10, 0x13_0000_0009n, false],
  ])('with a VMID: type %i, value %i', (type, value, hit) => {
    const registers = { CONTEXTIDR_EL1: 9n, VTTBR_EL2: 0x12n << 48n };
    const m = debugMachine({ ...registers, DBGBVR4_EL1: value, DBGBCR4_EL1: control(type) }, { el2: true });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(hit ? Class.breakpointSame : Class.none);
  });

  test('a VMID without EL2 is reserved', () => {
    const m = debugMachine({ DBGBVR4_EL1: 0n, DBGBCR4_EL1: control(8) });
    m.run('mov x0, #1');
    expect(m.exceptionClass()).toBe(Class.none);
  });
});

describe('the exception goes', () => {
  const hit = { DBGBVR0_EL1: HERE, DBGBCR0_EL1: control(), MDSCR_EL1: MDE };
  test.each([
    ['MDCR_EL2.TDE', { MDCR_EL2: 0x100n }],
    ['HCR_EL2.TGE', { HCR_EL2: (1n << 27n) | (1n << 31n) }],
  ])('to EL2 by %s, whatever KDE and PSTATE.D say of EL1', (_, registers) => {
    const m = debugMachine({ ...hit, ...registers }, { el2: true });
    m.cpu.state.daif = 15;
    m.run('mov x0, #1');
    expect(m.exceptionClass(2)).toBe(Class.breakpoint);
  });

  test('from EL2 to EL2 only with TDE, KDE and PSTATE.D clear', () => {
    for (const [tde, kde, masked, taken] of [
      [true, true, false, true],
      [false, true, false, false],
      [true, false, false, false],
      [true, true, true, false],
    ] as const) {
      const m = debugMachine(
        {
          DBGBVR0_EL1: HERE,
          DBGBCR0_EL1: 0x1e1n | (1n << 13n) | (3n << 14n),
          MDSCR_EL1: MDE | (kde ? KDE : 0n),
          MDCR_EL2: tde ? 0x100n : 0n,
        },
        { el2: true },
      );
      m.cpu.state.daif = masked ? 8 : 0;
      m.enter(2);
      m.run('mov x0, #1');
      expect(m.exceptionClass(2)).toBe(taken ? Class.breakpointSame : Class.none);
    }
  });

  test('nowhere in the Secure state with MDCR_EL3.SDD', () => {
    for (const sdd of [false, true]) {
      const m = debugMachine(
        { ...hit, MDSCR_EL1: MDE | KDE, MDCR_EL3: sdd ? 1n << 16n : 0n, SCR_EL3: 0n },
        { el3: true },
      );
      m.run('mov x0, #1');
      expect(m.exceptionClass()).toBe(sdd ? Class.none : Class.breakpointSame);
    }
  });
});

test('BRK needs no enable, and HLT and DCPS are UNDEFINED', () => {
  const m = debugMachine({ OSLSR_EL1: 0xan, MDSCR_EL1: 0n });
  m.run('brk #7');
  expect(syndromeOf(m)).toBe(((0x3c << 26) | (1 << 25) | 7) >>> 0);
  for (const undefinedOne of ['hlt #1', 'dcps1', 'dcps2', 'dcps3', 'drps']) {
    m.cpu.setRegister('ESR_EL1', 0n);
    m.run(undefinedOne);
    expect(syndromeOf(m), undefinedOne).toBe(1 << 25);
  }
});
