// Debug registers (DDI 0487 D17.3): what software sees of locks, claim tags and the debug communication channel, and what traps it.

import { describe, expect, test } from 'vitest';

import { machine } from '../reference/machine.ts';
import { debugMachine, program } from './help.ts';

const TRAPPED = 0x18;

describe('the OS lock', () => {
  test('is set after reset, and OSLAR_EL1 sets and clears it', () => {
    const m = machine();
    m.run('mrs x0, oslsr_el1');
    expect(m.x(0)).toBe(0xan);
    m.setX(1, 0);
    m.run('msr oslar_el1, x1', 'mrs x0, oslsr_el1');
    expect(m.x(0)).toBe(8n);
    m.setX(1, 1);
    m.run('msr oslar_el1, x1', 'mrs x0, oslsr_el1');
    expect(m.x(0)).toBe(0xan);
  });

  test("lets software write the external debugger's bits of MDSCR_EL1", () => {
    const m = machine();
    m.setX(1, 0xffff_ffff);
    m.run('msr mdscr_el1, x1', 'mrs x0, mdscr_el1');
    expect(m.x(0)).toBe(0x6ce0_f041n);
    m.setX(1, 0);
    m.run('msr oslar_el1, x1', 'msr mdscr_el1, x1', 'mrs x0, mdscr_el1');
    expect(m.x(0)).toBe(0x6ce0_4040n);
  });

  test('hides OSECCR_EL1 when it is clear', () => {
    const m = machine();
    m.setX(1, 5);
    m.run('msr oseccr_el1, x1', 'mrs x0, oseccr_el1');
    expect(m.x(0)).toBe(5n);
    program(m, { OSLSR_EL1: 8n });
    m.run('mrs x0, oseccr_el1');
    expect(m.x(0)).toBe(0n);
  });
});

test('claim tags: SET says which there are, CLR says which are set', () => {
  const m = machine();
  m.setX(1, 0xf5);
  m.setX(2, 0x50);
  m.run(
    'msr dbgclaimset_el1, x1',
    'mrs x3, dbgclaimset_el1',
    'msr dbgclaimclr_el1, x2',
    'mrs x4, dbgclaimclr_el1',
  );
  expect(m.x(3)).toBe(0xffn);
  expect(m.x(4)).toBe(0xa5n);
});

test('the channel: what is written waits for a debugger that is not there', () => {
  const m = debugMachine();
  m.setX(1, 0x1122_3344);
  m.run('mrs x0, mdccsr_el0', 'msr dbgdtrtx_el0, x1', 'mrs x2, mdccsr_el0', 'mrs x3, osdtrtx_el1');
  expect([m.x(0), m.x(2), m.x(3)]).toEqual([0n, 1n << 29n, 0x1122_3344n]);
  m.setX(1, 0x5566_7788_99aa_bbccn);
  m.run('msr dbgdtr_el0, x1', 'mrs x2, osdtrrx_el1', 'mrs x3, osdtrtx_el1', 'mrs x4, dbgdtr_el0');
  expect([m.x(2), m.x(3)]).toEqual([0x5566_7788n, 0x99aa_bbccn]);
  expect(m.x(4)).toBe(0x99aa_bbcc_5566_7788n);
  program(m, { MDSCR_EL1: 1n << 30n });
  m.run('mrs x0, mdccsr_el0', 'mrs x1, dbgdtrrx_el0', 'mrs x2, mdccsr_el0');
  expect([m.x(0), m.x(1), m.x(2)]).toEqual([1n << 30n, 0x5566_7788n, 0n]);
});

test("the channel's interrupt follows TXfull and RXfull, as far as MDCCINT_EL1 lets it", () => {
  const m = debugMachine();
  const levels: boolean[] = [];
  m.cpu.debug.channelInterrupt = (level) => void levels.push(level);
  const level = (...lines: string[]): boolean | undefined => {
    m.run(...lines);
    return levels.at(-1);
  };
  const [TX, RX] = [1n << 29n, 1n << 30n];
  const enable = (value: bigint): boolean | undefined => {
    m.setX(9, value);
    return level('msr mdccint_el1, x9');
  };
  expect(enable(0n)).toBe(false);
  expect(enable(RX)).toBe(false);
  expect(enable(TX)).toBe(true);
  expect(level('msr dbgdtrtx_el0, x1')).toBe(false);
  // A debugger would empty it: software plays one while the OS lock is set.
  program(m, { MDSCR_EL1: RX });
  expect(levels.at(-1)).toBe(true);
  expect(enable(RX)).toBe(true);
  expect(level('mrs x1, dbgdtrrx_el0')).toBe(false);
  expect(enable(TX)).toBe(true);
  expect(level('msr dbgdtr_el0, x1')).toBe(false);
  m.cpu.reset({ pc: 0n, el: 1 });
  expect(levels.at(-1)).toBe(false);
});

test.each([
  ['dbgbvr0_el1', 0xffff_ffff_ffff_fffcn],
  ['dbgbvr5_el1', 0xffff_ffff_ffff_ffffn],
  ['dbgbcr0_el1', 0xff_e1e7n],
  ['dbgwvr3_el1', 0xffff_ffff_ffff_fffcn],
  ['dbgwcr3_el1', 0x1f1f_ffffn],
  ['osdlr_el1', 1n],
  ['dbgprcr_el1', 1n],
  ['mdccint_el1', 0x6000_0000n],
])('%s holds its fields', (name, fields) => {
  const m = machine();
  m.setX(1, 0xffff_ffff_ffff_ffffn);
  m.run(`msr ${name}, x1`, `mrs x0, ${name}`);
  expect(m.x(0)).toBe(fields);
});

test('there is no ROM table, and no external debugger in either Security state', () => {
  for (const [el3, status] of [
    [false, 0xan],
    [true, 0xaan],
  ] as const) {
    const m = machine({ el3 });
    m.run('mrs x0, mdrar_el1', 'mrs x1, dbgauthstatus_el1');
    expect([m.x(0), m.x(1)]).toEqual([0n, status]);
  }
});

describe('traps', () => {
  const TDE = 0x100n;
  test.each([
    ['mrs x0, dbgbvr0_el1', 'TDA', 0x200n],
    ['msr mdscr_el1, x0', 'TDA', 0x200n],
    ['mrs x0, mdccsr_el0', 'TDA', 0x200n],
    ['mrs x0, oslsr_el1', 'TDOSA', 0x400n],
    ['msr oslar_el1, x0', 'TDOSA', 0x400n],
    ['mrs x0, osdlr_el1', 'TDOSA', 0x400n],
    ['mrs x0, dbgprcr_el1', 'TDOSA', 0x400n],
    ['mrs x0, mdrar_el1', 'TDRA', 0x800n],
  ])('%s by MDCR_EL2.%s, and by TDE', (instruction, _, bit) => {
    for (const [mdcr, taken] of [
      [bit, true],
      [TDE, true],
      [0xe00n & ~bit, false],
    ] as const) {
      const m = machine({ el2: true });
      program(m, { MDCR_EL2: mdcr });
      m.run(instruction);
      expect(m.exceptionClass(2)).toBe(taken ? TRAPPED : 0);
    }
  });

  test.each([
    ['mrs x0, dbgbvr0_el1', 0x200n],
    ['mrs x0, oslsr_el1', 0x400n],
    ['mrs x0, mdrar_el1', 0x200n],
  ])('%s by MDCR_EL3', (instruction, bit) => {
    for (const mdcr of [bit, 0x640n & ~bit]) {
      const m = machine({ el3: true });
      program(m, { MDCR_EL3: mdcr });
      m.run(instruction);
      expect(m.exceptionClass(3)).toBe(mdcr === bit ? TRAPPED : 0);
    }
  });

  test('EL0 may use the channel unless MDSCR_EL1.TDCC', () => {
    for (const tdcc of [0n, 0x1000n]) {
      const m = debugMachine({ MDSCR_EL1: tdcc });
      m.enter(0);
      m.run('mrs x0, mdccsr_el0');
      expect(m.exceptionClass()).toBe(tdcc === 0n ? 0 : TRAPPED);
    }
  });
});
