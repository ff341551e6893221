// ERET from every level to every mode (DDI 0487 D1.3, "Illegal return events from AArch64 state"): which are legal, and what an
// illegal one leaves behind.

import { describe, expect, test } from 'vitest';

import { RAM, USER } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { apply, trapMachine } from './rig.ts';

const RW = 0x8000_0000n;
const TGE = 0x800_0000n;
const NS = 0x531n;

/** M[4:0] of AArch64, and the level. Every other value is illegal, AArch32's (M[4] set) among them. */
const MODES: ReadonlyMap<number, number> = new Map([
  [0b00000, 0],
  [0b00100, 1],
  [0b00101, 1],
  [0b01000, 2],
  [0b01001, 2],
  [0b01100, 3],
  [0b01101, 3],
]);

/** Executes an ERET at a level. NZCV, DAIF and an address come with the mode. */
function returned(m: Machine, from: number, mode: number, pstate = 0xa000_0240n): Machine {
  m.enter(from);
  const address = mode === 0 ? USER + 0x40 : RAM + 0x40;
  m.cpu.setRegister(`ELR_EL${String(from)}`, BigInt(address));
  m.cpu.setRegister(`SPSR_EL${String(from)}`, pstate | BigInt(mode));
  m.run('eret');
  return m;
}

const settings = [
  { name: 'Non-secure', scr: NS, hcr: RW, allowed: [0, 1, 2, 3] },
  { name: 'Non-secure with HCR_EL2.TGE', scr: NS, hcr: RW | TGE, allowed: [0, 2, 3] },
  { name: 'Secure', scr: NS & ~1n, hcr: RW, allowed: [0, 1, 3] },
  { name: 'Secure with HCR_EL2.TGE, which has no effect', scr: NS & ~1n, hcr: RW | TGE, allowed: [0, 1, 3] },
];

describe.each(settings)('$name', ({ scr, hcr, allowed }) => {
  test.each([1, 2, 3])('from EL%i', (from) => {
    if (!allowed.includes(from)) return;
    for (let mode = 0; mode < 32; mode++) {
      const m = trapMachine();
      apply(m, { SCR_EL3: scr, HCR_EL2: hcr });
      returned(m, from, mode);
      const target = MODES.get(mode);
      const legal = target !== undefined && target <= from && allowed.includes(target);
      const { state } = m.cpu;
      const is = [state.el, state.il, state.spSel];
      expect(is, `mode ${mode.toString(2)}`).toEqual(legal ? [target, 0, mode & 1] : [from, 1, 1]);
      // Flags and masks come from SPSR in any case, and the PC from ELR.
      expect([state.nzcv, state.daif]).toEqual([0xa000_0000, 9]);
      expect(state.pc).toBe(BigInt(mode === 0 ? USER + 0x40 : RAM + 0x40));
    }
  });
});

describe('SPSR_ELx', () => {
  test.each([1, 2, 3])('gives each of NZCV and DAIF back, at EL%i', (from) => {
    for (const bit of [31, 30, 29, 28, 9, 8, 7, 6]) {
      const m = trapMachine();
      apply(m, { SCR_EL3: NS, HCR_EL2: RW });
      returned(m, from, (from << 2) | 1, 1n << BigInt(bit));
      const { nzcv, daif } = m.cpu.state;
      expect((nzcv | (daif << 6)) >>> 0).toBe(2 ** bit);
    }
  });
});

describe('with fewer levels', () => {
  test('a level that is not implemented is an illegal target', () => {
    for (const [features, from, illegal] of [
      [{ el2: false, el3: true }, 3, 0b01001],
      [{ el2: false, el3: false }, 1, 0b01001],
      [{ el2: true, el3: false }, 2, 0b01101],
    ] as const) {
      const m = trapMachine(features);
      apply(m, features.el3 ? { SCR_EL3: NS } : {});
      expect(returned(m, from, illegal).cpu.state.il).toBe(1);
    }
  });
});

describe('after an illegal return', () => {
  test('every instruction is an Illegal Execution state exception, and its handler has IL clear', () => {
    for (const from of [1, 2, 3]) {
      const m = trapMachine();
      apply(m, { SCR_EL3: NS, HCR_EL2: RW });
      returned(m, from, 0b11111);
      m.run('nop');
      expect(m.cpu.state.el).toBe(from);
      expect(m.exceptionClass(from)).toBe(0x0e);
      expect(m.cpu.state.il).toBe(0);
      expect((m.cpu.register(`SPSR_EL${String(from)}`) >> 20n) & 1n).toBe(1n);
    }
  });
});

describe('SPSR_ELx.IL', () => {
  test('comes back with a legal return', () => {
    const m = trapMachine();
    apply(m, { SCR_EL3: NS, HCR_EL2: RW });
    m.enter(3);
    m.cpu.setRegister('ELR_EL3', BigInt(RAM));
    m.cpu.setRegister('SPSR_EL3', 0x10_0005n);
    m.run('eret');
    expect([m.cpu.state.el, m.cpu.state.il]).toEqual([1, 1]);
  });
});
