// A CPU that is saved in the middle of a step, with counters running, goes on as it would have; states that cannot be are refused.

import { describe, expect, test } from 'vitest';

import { CpuLayout, cpuCodec } from '../../src/cpu/index.ts';
import { createStepper, referenceEngine } from '../../src/reference/index.ts';
import { assemble } from '../../src/syntax/index.ts';
import { machine, RAM } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { debugMachine, KDE, program, SPSR_SS, SS, syndromeOf } from './help.ts';

const codec = cpuCodec();
/** Another machine in the state of the first. Its RAM holds no code. */
function copy(m: Machine): Machine {
  const other = machine();
  other.cpu.restore(codec.parse(m.cpu.save(), codec.version));
  return other;
}

test('a step that is pending is taken after a restore, and says what was stepped', () => {
  const m = debugMachine({ MDSCR_EL1: SS | KDE });
  m.cpu.state.daif = 8;
  m.cpu.setRegister('SPSR_EL1', SPSR_SS | 5n);
  m.run('eret');
  m.setX(0, RAM + 0x1_0000);
  m.run('ldxr x1, [x0]');
  const other = copy(m);
  for (const one of [m, other]) createStepper(one.cpu).step();
  expect(syndromeOf(other)).toBe(syndromeOf(m));
  expect(syndromeOf(m)).toBe(((0x33 << 26) | (1 << 25) | (1 << 24) | (1 << 6) | 0x22) >>> 0);
});

test('counters and their interrupt go on after a restore', () => {
  const m = machine();
  program(m, {
    PMEVTYPER0_EL0: 8n,
    PMEVCNTR0_EL0: 0xffff_fff0n,
    PMCNTENSET_EL0: 0x8000_0001n,
    PMINTENSET_EL1: 1n,
    PMCR_EL0: 9n,
  });
  m.cpu.pmu.changed();
  const loop = assemble('b 0');
  new DataView(m.cpu.memory.buffer).setUint32(0x1_0000, loop, true);
  m.cpu.state.pc = BigInt(RAM);
  referenceEngine(m.cpu).run(10);
  const other = copy(m);
  new DataView(other.cpu.memory.buffer).setUint32(0x1_0000, loop, true);
  const levels: boolean[] = [];
  other.cpu.pmuInterrupt = (level) => levels.push(level);
  for (const one of [m, other]) referenceEngine(one.cpu).run(5);
  expect(levels).toEqual([]);
  for (const one of [m, other]) referenceEngine(one.cpu).run(60);
  expect(levels).toEqual([true]);
  for (const name of ['PMEVCNTR0_EL0', 'PMCCNTR_EL0', 'PMOVSSET_EL0'])
    expect(other.cpu.register(name), name).toBe(m.cpu.register(name));
  expect(m.cpu.register('PMCCNTR_EL0')).toBe(1n);
  expect(other.cpu.save().block).toEqual(m.cpu.save().block);
  // What is restored with the line high drives it no second time.
  const third = copy(m);
  third.cpu.pmuInterrupt = (level) => levels.push(level);
  referenceEngine(third.cpu).run(1);
  expect(levels).toEqual([true]);
});

describe('a state is refused', () => {
  test.each([
    ['stepped', CpuLayout.stepped, 3],
    ['cycleDivider', CpuLayout.cycleDivider, 64],
  ])('whose %s cannot be', (name, at, value) => {
    const saved = machine().cpu.save();
    new DataView(saved.block.buffer).setUint32(at, value, true);
    expect(() => codec.parse(saved, codec.version)).toThrow(name);
  });
});
