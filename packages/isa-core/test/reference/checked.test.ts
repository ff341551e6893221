// Checked system registers: wherever an access goes straight to the cell, the handler would have done just that, at every level and
// under every control that may trap it (DDI 0487 D1.13).

import { expect, test } from 'vitest';

import { Layout } from '../../src/cpu/layout.ts';
import { checkedRegister } from '../../src/cpu/sysregs/checked.ts';
import { systemRegisters } from '../../src/cpu/sysregs/table.ts';
import { HCR } from '../../src/cpu/sysregs/traps.ts';
import { referenceEvaluator } from '../../src/reference/index.ts';
import { decode } from '../../src/table/index.ts';
import { machine } from './machine.ts';

const MRS = 0xd520_0000;
const MSR = 0xd500_0000;
const VALUE = 0x0123_4567_89ab_cdefn;

/** Controls that traps of checked registers look at: each alone, all, and none. */
const UCT = 1n << 15n;
const DZE = 1n << 14n;
const controls: readonly (readonly [string, bigint])[] = [
  ...[HCR.TID1, HCR.TID2, HCR.TID3, HCR.TVM, HCR.TRVM, HCR.TDZ, HCR.TGE].map(
    (bit) => ['HCR_EL2', bit] as const,
  ),
  ['SCTLR_EL1', UCT],
  ['SCTLR_EL1', DZE],
  ['CPTR_EL2', 1n << 31n],
  ['CPTR_EL3', 1n << 31n],
  ['SCR_EL3', 1n],
];
const settings = [[], controls, ...controls.map((one) => [one])];

const registers = systemRegisters.filter(({ checked }) => checked !== undefined);

test('are many', () => {
  expect(registers.length).toBeGreaterThan(60);
  expect(registers.filter(({ id }) => (checkedRegister(id)?.write ?? -1) >= 0).length).toBeGreaterThan(6);
});

for (const [el2, el3] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const) {
  test(`are what their handlers make of them ${el2 ? 'with' : 'without'} EL2, ${el3 ? 'with' : 'without'} EL3`, () => {
    const { cpu } = machine({ el2, el3 });
    const { state } = cpu;
    const evaluator = referenceEvaluator(cpu);
    const reset = state.bytes.slice();
    const wrong: string[] = [];
    let direct = 0;
    /** One access: the state after it. */
    const access = (word: number, from: Uint8Array, accessTraps: number): Buffer => {
      state.bytes.set(from);
      state.setWord(Layout.accessTraps, accessTraps);
      const instruction = decode(word);
      if (instruction === undefined) throw new Error(word.toString(16));
      evaluator.step(instruction);
      // What is derived comes from the controls again.
      cpu.contextChanged();
      return Buffer.from(state.bytes);
    };
    for (const setting of settings) {
      for (const el of [0, 1, ...(el2 ? [2] : []), ...(el3 ? [3] : [])]) {
        state.bytes.set(reset);
        for (const { cell, checked, writable } of registers) {
          if (checked?.identification !== true && checked?.write === true)
            state.setCell(cell, VALUE & writable);
        }
        for (const [name, bit] of setting) {
          if ((name.endsWith('2') && !el2) || (name.endsWith('3') && !el3)) continue;
          cpu.setRegister(name, cpu.register(name) | bit);
        }
        state.setMode(el, el === 0 ? 0 : 1, cpu.spCells);
        state.setX(1, VALUE);
        cpu.contextChanged();
        const before = state.bytes.slice();
        const derived = state.word(Layout.accessTraps);
        for (const { id, name } of registers) {
          for (const opcode of [MRS, MSR]) {
            const word = (opcode | (id << 5) | 1) >>> 0;
            const found = access(word, before, derived);
            const wanted = access(word, before, -1);
            const bit = checkedRegister(id)?.[opcode === MRS ? 'read' : 'write'] ?? -1;
            if (bit >= 0 && ((derived >>> bit) & 1) === 0) direct++;
            if (!found.equals(wanted))
              wrong.push(`${opcode === MRS ? 'MRS' : 'MSR'} ${name} at EL${String(el)}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(direct).toBeGreaterThan(500);
  });
}
