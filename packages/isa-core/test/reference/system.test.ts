// System instructions: who may execute them, and what they do (DDI 0487 C5).

import { describe, expect, test } from 'vitest';

import { DATA, machine, RAM, UNMAPPED, USER } from './machine.ts';
import type { Machine } from './machine.ts';

const UNKNOWN = 0x00;
const TRAPPED = 0x18;

/** Sets bits of SCTLR_EL1. */
const allow = (m: Machine, bits: bigint): void => {
  m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | bits);
  m.cpu.contextChanged();
};
const UMA = 1n << 9n;
const DZE = 1n << 14n;
const UCI = 1n << 26n;

describe('PSTATE', () => {
  test('DAIFSet, DAIFClr and DAIF', () => {
    const m = machine();
    m.run('msr daifclr, #0xf', 'msr daifset, #0x3', 'mrs x0, daif');
    expect(m.x(0)).toBe(0xc0n);
    m.setX(1, 0x200);
    m.run('msr daif, x1', 'mrs x0, daif');
    expect(m.x(0)).toBe(0x200n);
  });

  test('DAIF at EL0 is trapped unless SCTLR_EL1.UMA', () => {
    for (const instruction of ['mrs x0, daif', 'msr daif, x0', 'msr daifset, #0x2']) {
      const m = machine();
      m.enter(0);
      m.run(instruction);
      expect(m.exceptionClass(), instruction).toBe(TRAPPED);
    }
    const m = machine();
    allow(m, UMA);
    m.cpu.state.daif = 0;
    m.enter(0);
    m.run('msr daifset, #0x2', 'mrs x0, daif');
    expect(m.x(0)).toBe(0x80n);
  });

  test('NZCV moves through bits 31:28', () => {
    const m = machine();
    m.setX(0, 0x1_9fff_ffffn);
    m.run('msr nzcv, x0', 'mrs x1, nzcv');
    expect(m.x(1)).toBe(0x9000_0000n);
  });

  test('CurrentEL', () => {
    const m = machine();
    m.run('mrs x0, currentel');
    expect(m.x(0)).toBe(4n);
    m.enter(0);
    m.run('mrs x0, currentel');
    expect(m.exceptionClass()).toBe(UNKNOWN);
  });

  test('SPSel exchanges the stack pointers; SP_EL0 is a register only where it is not the stack pointer', () => {
    const m = machine();
    m.setX(31, 0x1000);
    m.setX(0, 0x2000);
    m.run(
      'msr sp_el0, x0',
      'mrs x1, sp_el0',
      'msr spsel, #0x0',
      'mov x2, sp',
      'msr spsel, #0x1',
      'mov x3, sp',
    );
    expect([m.x(1), m.x(2), m.x(3)]).toEqual([0x2000n, 0x2000n, 0x1000n]);
    m.run('msr spsel, #0x0', 'mrs x4, sp_el0');
    expect(m.exceptionClass()).toBe(UNKNOWN);
  });

  test('FPCR keeps what Armv8.0 has of it, and is trapped like the registers that it rules', () => {
    const m = machine();
    m.setX(0, 0xffff_ffff_ffff_ffffn);
    m.run('msr fpcr, x0', 'mrs x1, fpcr', 'msr fpsr, x0', 'mrs x2, fpsr');
    expect([m.x(1), m.x(2)]).toEqual([0x07c0_0000n, 0xf800_009fn]);
    m.cpu.setRegister('CPACR_EL1', 0n);
    m.cpu.contextChanged();
    m.run('mrs x1, fpcr');
    expect(m.exceptionClass()).toBe(0x07);
  });
});

describe('system registers', () => {
  test('a plain register at its level, and UNDEFINED below', () => {
    const m = machine();
    m.setX(0, 0x1234);
    m.run('msr tpidr_el1, x0', 'mrs x1, tpidr_el1', 'msr tpidr_el0, x0');
    expect(m.x(1)).toBe(0x1234n);
    m.enter(0);
    m.run('mrs x2, tpidr_el0');
    expect(m.x(2)).toBe(0x1234n);
    m.run('msr tpidrro_el0, x0');
    expect(m.exceptionClass()).toBe(UNKNOWN);
    m.enter(0);
    m.run('mrs x3, tpidr_el1');
    expect(m.exceptionClass()).toBe(UNKNOWN);
  });

  test('an encoding that nobody has is UNDEFINED', () => {
    const m = machine();
    m.run('mrs x0, s3_0_c15_c15_7');
    expect(m.exceptionClass()).toBe(UNKNOWN);
    m.run('msr s2_0_c15_c8_0, x0');
    expect(m.exceptionClass()).toBe(UNKNOWN);
  });
});

describe('cache maintenance', () => {
  test('DC ZVA zeroes the block around its address', () => {
    const m = machine();
    for (let i = 0; i < 192; i += 8) m.setData(i, 0x55n);
    m.setX(0, RAM + DATA + 100);
    m.run('dc zva, x0');
    expect([m.data(56), m.data(64), m.data(120), m.data(128)]).toEqual([0x55n, 0n, 0n, 0x55n]);
  });

  test('at EL0 it needs SCTLR_EL1.DZE, and the others UCI', () => {
    const tried: Record<string, bigint> = {
      'dc zva, x0': DZE,
      'dc cvau, x0': UCI,
      'dc civac, x0': UCI,
      'ic ivau, x0': UCI,
    };
    for (const [instruction, bit] of Object.entries(tried)) {
      const m = machine();
      m.enter(0);
      m.setX(0, USER + DATA);
      m.run(instruction);
      expect(m.exceptionClass(), instruction).toBe(TRAPPED);
      m.enter(1);
      allow(m, bit);
      m.enter(0);
      m.run(instruction);
      expect(m.cpu.state.el, instruction).toBe(0);
    }
  });

  test('by address it faults where nothing is mapped', () => {
    const m = machine();
    m.setX(0, UNMAPPED);
    m.run('dc cvac, x0');
    expect(m.exceptionClass()).toBe(0x25);
    expect(m.cpu.register('ESR_EL1') & (1n << 8n)).toBe(1n << 8n);
  });

  test('DC IVAC is UNDEFINED at EL0', () => {
    const m = machine();
    m.enter(0);
    m.setX(0, USER + DATA);
    m.run('dc ivac, x0');
    expect(m.exceptionClass()).toBe(UNKNOWN);
  });

  test('HCR_EL2.TPC and TDZ trap EL1 to EL2', () => {
    for (const [instruction, bit] of [
      ['dc civac, x0', 1n << 23n],
      ['dc zva, x0', 1n << 28n],
    ] as const) {
      const m = machine({ el2: true });
      m.cpu.setRegister('HCR_EL2', (1n << 31n) | bit);
      m.cpu.contextChanged();
      m.enter(1);
      m.setX(0, RAM + DATA);
      m.run(instruction);
      expect(m.cpu.state.el, instruction).toBe(2);
      expect(m.exceptionClass(2), instruction).toBe(TRAPPED);
    }
  });
});

describe('instructions that are nothing here', () => {
  test('hints and barriers', () => {
    const m = machine();
    const lines = [
      'nop',
      'yield',
      'paciasp',
      'autiasp',
      'bti c',
      'esb',
      'csdb',
      'xpaclri',
      'dsb sy',
      'dmb ishld',
      'isb',
    ];
    m.setX(30, 0x1234);
    m.run(...lines);
    expect(m.cpu.state.pc).toBe(BigInt(RAM + 4 * lines.length));
    expect(m.x(30)).toBe(0x1234n);
  });

  test('DRPS, DCPS1, HLT and SYSL are UNDEFINED', () => {
    for (const instruction of [
      'drps',
      'dcps1',
      'dcps3 #0x1',
      'hlt #0x0',
      'sysl x0, #3, C7, C1, #0',
      'udf #0',
    ]) {
      const m = machine();
      m.run(instruction);
      expect(m.exceptionClass(), instruction).toBe(UNKNOWN);
      expect(m.cpu.register('ELR_EL1'), instruction).toBe(BigInt(RAM));
    }
  });
});
