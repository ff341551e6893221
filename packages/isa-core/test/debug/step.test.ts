// Software step (DDI 0487 D2.11): the state machine, what the syndrome says, and what an exception leaves in SPSR_ELx.

import { describe, expect, test } from 'vitest';

import { createStepper } from '../../src/reference/index.ts';
import { RAM, USER } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { Class, debugMachine, KDE, program, SPSR_SS, SS, syndromeOf } from './help.ts';

const ISV = 1 << 24;
const EX = 1 << 6;
/** A syndrome of a step exception. */
const step = (ec: number, iss: number): number => ((ec << 26) | (1 << 25) | 0x22 | iss) >>> 0;

/** A machine whose EL1 steps EL0, returned there with SPSR_EL1.SS as given. */
function stepping(ss: boolean): Machine {
  const m = debugMachine({ MDSCR_EL1: SS });
  enterEl0(m, ss);
  return m;
}
/** Returns from EL1 to EL0, to where `run` goes on. */
function enterEl0(m: Machine, ss: boolean): void {
  m.enter(1);
  m.cpu.setRegister('SPSR_EL1', ss ? SPSR_SS : 0n);
  m.cpu.setRegister('ELR_EL1', BigInt(USER) + 0x8000n);
  m.run('eret');
}
const spsrSs = (m: Machine, el = 1): boolean => (m.cpu.register(`SPSR_EL${String(el)}`) & SPSR_SS) !== 0n;

describe('after an exception return with SS set', () => {
  test('one instruction is executed, then the exception is taken', () => {
    const m = stepping(true);
    expect(m.cpu.state.ss).toBe(1);
    m.run('mov x0, #1', 'mov x0, #2');
    expect(m.x(0)).toBe(1n);
    expect(syndromeOf(m)).toBe(step(Class.step, ISV));
    expect(spsrSs(m)).toBe(false);
    expect(m.cpu.state.ss).toBe(0);
  });

  test('an exclusive load is told', () => {
    for (const load of ['ldxr x1, [x0]', 'ldaxrb w1, [x0]', 'ldxp x1, x2, [x0]']) {
      const m = stepping(true);
      m.setX(0, USER + 0x1_0000);
      m.run(load, 'nop');
      expect(syndromeOf(m), load).toBe(step(Class.step, ISV | EX));
    }
    const m = stepping(true);
    m.setX(0, USER + 0x1_0000);
    m.run('stxr w1, x2, [x0]', 'nop');
    expect(syndromeOf(m)).toBe(step(Class.step, ISV));
  });

  test('an SVC is stepped: the exception comes when its handler returns', () => {
    const m = stepping(true);
    m.run('svc #0');
    expect(m.exceptionClass()).toBe(Class.svc);
    expect(spsrSs(m)).toBe(false);
    enterEl0(m, false);
    m.run('mov x0, #1');
    expect(syndromeOf(m)).toBe(step(Class.step, 0));
    expect(m.x(0)).toBe(0n);
  });

  test.each(['brk #1', 'ldr x1, [xzr]', 'hlt #1', 'msr vbar_el1, x0'])('%s leaves SS set in SPSR', (line) => {
    const m = stepping(true);
    m.setX(0, 0);
    m.run(line.replace('[xzr]', '[x0]'));
    expect(m.exceptionClass()).not.toBe(Class.step);
    expect(spsrSs(m)).toBe(true);
  });

  test('an interrupt leaves SS set in SPSR', () => {
    const m = stepping(true);
    m.cpu.setPin('irq', true);
    expect(m.cpu.poll()).toBe(true);
    expect(spsrSs(m)).toBe(true);
  });
});

describe('after an exception return with SS clear', () => {
  test('the exception is taken at once, and says that nothing was stepped', () => {
    const m = stepping(false);
    m.run('mov x0, #1');
    expect(m.x(0)).toBe(0n);
    expect(syndromeOf(m)).toBe(step(Class.step, 0));
  });

  test('it comes before all else: a PC that nothing can be fetched from does not matter', () => {
    const m = stepping(false);
    m.cpu.state.pc = 3n;
    createStepper(m.cpu).step();
    expect(m.exceptionClass()).toBe(Class.step);
    expect(m.cpu.register('ELR_EL1')).toBe(3n);
  });
});

describe('SPSR_ELx.SS is ignored', () => {
  test.each([
    ['MDSCR_EL1.SS is clear', { MDSCR_EL1: 0n }],
    ['the OS lock is set', { OSLSR_EL1: 0xan }],
    ['debug exceptions are enabled where the return comes from', { MDSCR_EL1: SS | KDE }],
  ])('where %s', (_, registers) => {
    const m = debugMachine({ MDSCR_EL1: SS });
    m.cpu.state.daif = 8;
    program(m, registers);
    if ((m.cpu.register('MDSCR_EL1') & KDE) !== 0n) {
      // Enabled at EL1 with SS set means that every instruction there is pending: begin in the middle.
      m.cpu.state.daif = 0;
      m.cpu.state.ss = 1;
    }
    enterEl0(m, true);
    expect(m.cpu.state.el).toBe(0);
    expect(m.cpu.state.ss).toBe(0);
  });
});

describe('at the level that handles it', () => {
  test('PSTATE.D holds it back, and what clears D makes it pending', () => {
    const m = debugMachine({ MDSCR_EL1: SS | KDE });
    m.cpu.state.daif = 8;
    m.run('mov x0, #1', 'msr daifclr, #0x8', 'mov x0, #2');
    expect(m.x(0)).toBe(1n);
    expect(syndromeOf(m)).toBe(step(Class.stepSame, 0));
    expect(m.cpu.register('ELR_EL1')).toBe(BigInt(RAM) + 8n);
  });

  test('an exception return steps one instruction of the same level', () => {
    const m = debugMachine({ MDSCR_EL1: SS | KDE });
    m.cpu.state.daif = 8;
    m.cpu.setRegister('SPSR_EL1', SPSR_SS | 5n);
    m.run('eret');
    m.run('mov x0, #1', 'mov x0, #2');
    expect(m.x(0)).toBe(1n);
    expect(syndromeOf(m)).toBe(step(Class.stepSame, ISV));
  });

  test('a step of EL1 by EL2', () => {
    const m = debugMachine({ MDSCR_EL1: SS, MDCR_EL2: 0x100n }, { el2: true });
    m.enter(2);
    m.cpu.setRegister('SPSR_EL2', SPSR_SS | 0x3c5n);
    m.run('eret');
    expect(m.cpu.state.el).toBe(1);
    m.run('msr daifclr, #0x8', 'mov x0, #2');
    expect(m.x(0)).toBe(0n);
    expect(syndromeOf(m, 2)).toBe(step(Class.step, ISV));
  });

  test('an exception from EL0 to EL1, both stepped by EL2, is a step', () => {
    const m = debugMachine({ MDSCR_EL1: SS, MDCR_EL2: 0x100n }, { el2: true });
    m.enter(2);
    m.cpu.setRegister('SPSR_EL2', SPSR_SS);
    m.run('eret');
    m.run('svc #0');
    expect(m.cpu.state.el).toBe(1);
    m.run('mov x0, #1');
    expect(m.x(0)).toBe(0n);
    expect(syndromeOf(m, 2)).toBe(step(Class.step, ISV));
  });
});
