// What control registers do besides trapping: byte order, alignment of data and of SP at every level, identification as EL1 sees it.

import { describe, expect, test } from 'vitest';

import { DATA, machine, RAM, USER } from '../reference/machine.ts';
import { apply, execute, trapMachine } from './rig.ts';

const LEVELS = [0, 1, 2, 3] as const;
/** SCTLR of the regime of a level, as `trapMachine` has it. */
const SCTLR = ['SCTLR_EL1', 'SCTLR_EL1', 'SCTLR_EL2', 'SCTLR_EL3'] as const;
const BASE = [0x34d5_db85n, 0x34d5_db85n, 0x30c5_1835n, 0x30c5_1835n] as const;

describe('SCTLR_ELx.EE, and SCTLR_EL1.E0E', () => {
  test.each(LEVELS)('at EL%i', (el) => {
    const m = trapMachine();
    const bit = el === 0 ? 24n : 25n;
    m.setData(0, 0x1122_3344_5566_7788n);
    expect(execute(m, el, 'ldr x1, [x0]')).toBeUndefined();
    expect(m.x(1)).toBe(0x1122_3344_5566_7788n);
    // EE is the tables' byte order too: translation is off for it.
    const off = el === 0 ? 0n : 1n;
    apply(m, { [SCTLR[el]]: (BASE[el] & ~off) | (1n << bit) });
    expect(execute(m, el, 'ldr x1, [x0]')).toBeUndefined();
    expect(m.x(1)).toBe(0x8877_6655_4433_2211n);
    expect(execute(m, el, 'ldrh w1, [x0]')).toBeUndefined();
    expect(m.x(1)).toBe(0x8877n);
    m.setX(2, 0x1234);
    expect(execute(m, el, 'str x2, [x0]')).toBeUndefined();
    expect(m.data(0)).toBe(0x3412_0000_0000_0000n);
  });
});

describe('SCTLR_ELx.A', () => {
  test.each(LEVELS)('checks the alignment of data at EL%i', (el) => {
    for (const checked of [false, true]) {
      const m = trapMachine();
      apply(m, { [SCTLR[el]]: BASE[el] | (checked ? 2n : 0n) });
      const target = Math.max(el, 1);
      const taken = execute(m, el, 'ldr x1, [x0, #4]!');
      expect(taken).toEqual(checked ? { el: target, ec: el === 0 ? 0x24 : 0x25, iss: 0x21 } : undefined);
      if (checked) {
        expect(m.cpu.register(`FAR_EL${String(target)}`)).toBe(BigInt((el === 0 ? USER : RAM) + DATA + 4));
      }
    }
  });
});

describe('SCTLR_ELx.SA, and SCTLR_EL1.SA0', () => {
  test.each(LEVELS)('checks SP at EL%i', (el) => {
    const bit = el === 0 ? 0x10n : 8n;
    for (const checked of [false, true]) {
      const m = trapMachine();
      const base = BASE[el] & ~0x18n;
      apply(m, { [SCTLR[el]]: checked ? base | bit : base });
      m.enter(el);
      m.setX(31, (el === 0 ? USER : RAM) + DATA + 8);
      const before = m.cpu.counters.exceptions;
      m.run('ldr x1, [sp]');
      expect(m.cpu.counters.exceptions - before).toBe(checked ? 1 : 0);
      if (checked) expect(m.exceptionClass(Math.max(el, 1))).toBe(0x26);
    }
  });
});

describe('identification', () => {
  const id = { MIDR_EL1: 0x411f_d070n, MPIDR_EL1: 0x8000_0003n };

  test('EL1 reads VPIDR_EL2 and VMPIDR_EL2, the others and Secure EL1 the registers themselves', () => {
    const m = machine({ el2: true, el3: true }, { id });
    m.enter(2);
    m.run('mrs x1, vpidr_el2', 'mrs x2, vmpidr_el2');
    expect([m.x(1), m.x(2)]).toEqual([id.MIDR_EL1, id.MPIDR_EL1]);
    apply(m, { VPIDR_EL2: 0x1234n, VMPIDR_EL2: 0x8000_5678n });
    const seen = (el: number): bigint[] => {
      m.enter(el);
      m.run('mrs x1, midr_el1', 'mrs x2, mpidr_el1');
      return [m.x(1), m.x(2)];
    };
    expect(seen(1)).toEqual([0x1234n, 0x8000_5678n]);
    expect(seen(2)).toEqual([id.MIDR_EL1, id.MPIDR_EL1]);
    expect(seen(3)).toEqual([id.MIDR_EL1, id.MPIDR_EL1]);
    apply(m, { SCR_EL3: 0x530n });
    expect(seen(1)).toEqual([id.MIDR_EL1, id.MPIDR_EL1]);
  });

  test('CSSELR_EL1 selects what CCSIDR_EL1 shows', () => {
    const m = machine({}, { cacheSizes: [0x11n, 0x22n, 0x33n] });
    for (const [select, size] of [
      [0, 0x11n],
      [1, 0x22n],
      [2, 0x33n],
      [5, 0n],
    ] as const) {
      m.setX(1, select);
      m.run('msr csselr_el1, x1', 'mrs x2, ccsidr_el1');
      expect(m.x(2)).toBe(size);
    }
  });

  test('RVBAR and RMR are of the highest level, and UNDEFINED of the others', () => {
    for (const features of [
      { el2: false, el3: false },
      { el2: true, el3: false },
      { el2: true, el3: true },
      { el2: false, el3: true },
    ]) {
      const highest = features.el3 ? 3 : features.el2 ? 2 : 1;
      for (const level of [1, 2, 3]) {
        for (const name of ['rvbar', 'rmr']) {
          const m = machine(features);
          m.cpu.resetVector = 0x4000n;
          m.enter(highest);
          const before = m.cpu.counters.exceptions;
          m.run(`mrs x1, ${name}_el${String(level)}`);
          expect(m.cpu.counters.exceptions - before).toBe(level === highest ? 0 : 1);
          if (level === highest) expect(m.x(1)).toBe(name === 'rmr' ? 1n : 0x4000n);
          else expect(m.exceptionClass(highest)).toBe(0);
        }
      }
    }
  });

  test('CNTFRQ_EL0 is written by the highest level alone', () => {
    for (const el of [1, 2, 3]) {
      const m = trapMachine();
      const taken = execute(m, el, 'msr cntfrq_el0, x3');
      expect(taken).toEqual(el === 3 ? undefined : { el, ec: 0, iss: 0 });
    }
    expect(execute(trapMachine({ el2: true }), 2, 'msr cntfrq_el0, x3')).toBeUndefined();
  });
});

describe('IMPLEMENTATION DEFINED registers', () => {
  test('are those of the part: the firmware of a Cortex-A57 may join the coherency domain', () => {
    const m = trapMachine();
    m.enter(3);
    m.setX(1, 0x40);
    m.run('msr s3_1_c15_c2_1, x1', 'mrs x2, s3_1_c15_c2_1');
    expect(m.x(2)).toBe(0x40n);
  });

  test('of another part are UNDEFINED', () => {
    const m = machine({}, { id: { MIDR_EL1: 0x410f_d0c0n } });
    m.run('mrs x2, s3_1_c15_c2_1');
    expect(m.exceptionClass()).toBe(0);
  });

  test('L2CTLR_EL1 has the number of CPUs', () => {
    const [m, other] = [trapMachine(), trapMachine()];
    m.cpu.peers = [m.cpu, other.cpu];
    m.setX(1, 0xffff_ffff);
    m.run('mrs x2, s3_1_c11_c0_2', 'msr s3_1_c11_c0_2, x1', 'mrs x3, s3_1_c11_c0_2');
    expect([m.x(2), m.x(3)]).toEqual([0x100_0000n, 0xfdff_ffffn]);
  });
});

describe("EL2's registers without EL2", () => {
  test('are zero at EL3, and what is written is ignored; two are those of EL1', () => {
    const m = machine({ el3: true }, { id: { MIDR_EL1: 0x1234n, MPIDR_EL1: 0x5678n } });
    m.enter(3);
    m.setX(1, 0xffff_ffff_ffffn);
    for (const name of ['hcr_el2', 'vttbr_el2', 'sctlr_el2', 'esr_el2', 'cptr_el2', 'vtcr_el2', 'far_el2']) {
      m.run(`msr ${name}, x1`, `mrs x2, ${name}`);
      expect(m.x(2), name).toBe(0n);
    }
    m.run('msr vpidr_el2, x1', 'mrs x2, vpidr_el2', 'msr vmpidr_el2, x1', 'mrs x3, vmpidr_el2');
    expect([m.x(2), m.x(3)]).toEqual([0x1234n, 0x5678n]);
    m.run('msr sp_el1, x1', 'mrs x2, sp_el1');
    expect(m.x(2)).toBe(0xffff_ffff_ffffn);
    expect(m.cpu.counters.exceptions).toBe(0);
  });
});

describe('stack pointers', () => {
  test('SP_ELx is the stack pointer of its level, which the level above sets', () => {
    for (const el of [0, 1, 2]) {
      const m = trapMachine();
      m.enter(el + 1);
      m.setX(1, 0x1230);
      m.run(`msr sp_el${String(el)}, x1`);
      m.enter(el);
      m.run('mov x2, sp', 'add sp, sp, #0x10');
      expect(m.x(2)).toBe(0x1230n);
      m.enter(el + 1);
      m.run(`mrs x3, sp_el${String(el)}`);
      expect(m.x(3)).toBe(0x1240n);
    }
  });
});

describe('PMCCFILTR_EL0', () => {
  const bit = (n: number): bigint => 1n << BigInt(n);
  test.each([
    // level, Secure, filter, counted
    [0, false, 0n, true],
    [0, false, bit(30), false],
    [0, false, bit(28), false],
    [0, false, bit(28) | bit(30), true],
    [0, true, bit(28), true],
    [1, false, 0n, true],
    [1, false, bit(31), false],
    [1, false, bit(29), false],
    [1, false, bit(29) | bit(31), true],
    [1, true, bit(29), true],
    [2, false, 0n, false],
    [2, false, bit(27), true],
    [3, false, 0n, true],
    [3, false, bit(26), false],
    [3, false, bit(26) | bit(31), true],
  ] as const)('PMCCFILTR_EL0 filters cycles: EL%i, Secure: %s, %s', (el, secure, filter, counted) => {
    const m = trapMachine();
    apply(m, {
      SCR_EL3: secure ? 0x530n : 0x531n,
      MDCR_EL3: bit(17),
      PMCCFILTR_EL0: filter,
      PMCNTENSET_EL0: bit(31),
      PMCR_EL0: 1n,
    });
    m.enter(el);
    m.cpu.pmu.begin();
    m.cpu.pmu.changed();
    const before = m.cpu.register('PMCCNTR_EL0');
    m.run('nop', 'nop');
    m.cpu.settle();
    expect(m.cpu.register('PMCCNTR_EL0') - before).toBe(counted ? 2n : 0n);
  });
});
