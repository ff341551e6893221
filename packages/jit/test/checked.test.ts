// Checked system registers in the loop: no step where nothing traps, and the trap where one does.

import { expect, it } from 'vitest';

import { assemble, CpuLayout } from '@worldswitch/isa-core';

import { createRig, RAM } from './rig.ts';

const rig = createRig();

/** Executes one instruction at a level on both engines: how many steps the loop asked for. */
function steps(text: string, el: number): number {
  for (const { cpu } of [rig.reference, rig.fast]) {
    cpu.state.setMode(el, el === 0 ? 0 : 1, cpu.spCells);
    cpu.modeChanged();
    cpu.state.pc = BigInt(RAM);
  }
  rig.code(RAM, assemble(text));
  const before = rig.fast.engine.counters.steps;
  expect(rig.run(1), text).toEqual([]);
  return rig.fast.engine.counters.steps - before;
}

it.each([
  'mrs x0, ctr_el0',
  'mrs x0, dczid_el0',
  'mrs x0, midr_el1',
  'mrs x0, id_aa64pfr0_el1',
  'mrs x0, sctlr_el1',
  'mrs x0, ttbr1_el1',
  'mrs x0, esr_el1',
  'msr esr_el1, x1',
  'msr far_el1, x1',
  'msr spsr_el1, x1',
  'msr vbar_el1, x2',
])('%s at EL1 is no step', (text) => {
  for (const { cpu } of [rig.reference, rig.fast]) {
    cpu.state.setX(1, 0x1234_5678_9abc_def0n);
    cpu.state.setX(2, cpu.register('VBAR_EL1'));
  }
  expect(steps(text, 1)).toBe(0);
});

it('takes no bits that a register has not', () => {
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.setX(1, 0xffff_ffff_ffff_ffffn);
  steps('msr esr_el1, x1', 1);
  expect(rig.fast.cpu.register('ESR_EL1')).toBe(0xffff_ffffn);
  steps('msr vbar_el1, x1', 1);
  expect(rig.fast.cpu.register('VBAR_EL1')).toBe(0xffff_ffff_ffff_f800n);
});

it('traps CTR_EL0 at EL0 by SCTLR_EL1.UCT', () => {
  const trapped = (): number => {
    const before = rig.fast.cpu.counters.exceptions;
    steps('mrs x0, ctr_el0', 0);
    return rig.fast.cpu.counters.exceptions - before;
  };
  // EL0 may execute where AP[1] says so.
  for (const { cpu, view, ram } of [rig.reference, rig.fast]) {
    const at = ram.byteOffset + 0x7f000 + 8;
    view.setBigUint64(at, view.getBigUint64(at, true) | 0x40n, true);
    cpu.tlb.reset();
  }
  expect(trapped()).toBe(1);
  for (const { cpu } of [rig.reference, rig.fast]) {
    cpu.setRegister('SCTLR_EL1', cpu.register('SCTLR_EL1') | (1n << 15n));
    cpu.contextChanged();
  }
  expect(trapped()).toBe(0);
  expect(rig.fast.cpu.state.word(CpuLayout.el)).toBe(0);
});
