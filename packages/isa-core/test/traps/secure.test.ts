// The Secure state and EL3 (DDI 0487 D1.1, D8.3 "Secure and Non-secure address spaces", SCR_EL3): which address space an access goes
// to, what may be executed, and where aborts go.

import { describe, expect, test } from 'vitest';

import { Fault } from '@worldswitch/platform';
import type { Transaction } from '@worldswitch/platform';

import { RAM, UNMAPPED } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { translationOperations } from './operations.ts';
import { apply, execute, trapMachine } from './rig.ts';
import type { Settings } from './rig.ts';

const NS = 0x531n;
const SECURE: Settings = { SCR_EL3: NS & ~1n };
const NON_SECURE: Settings = { SCR_EL3: NS };
const TABLE = RAM + 0x1f_e000;
const LEVEL2 = RAM + 0x1f_f000;
/** A device, and where a page of it is mapped. */
const DEVICE = 0x900_0000;
const PAGE = UNMAPPED;

function poke(m: Machine, at: number, value: bigint): void {
  const host = m.cpu.bus.host(at as Parameters<typeof m.cpu.bus.host>[0]);
  new DataView(m.cpu.memory.buffer).setBigUint64(host, value, true);
}

/** Records whether accesses to the device are Secure, which reads as its own address. */
function watched(m: Machine): boolean[] {
  const seen: boolean[] = [];
  const { bus } = m.cpu;
  const answer = (at: number, by: Transaction): number => {
    seen.push(by.secure);
    by.fault = Fault.None;
    return at;
  };
  bus.read = (at, _width, by) => answer(at, by);
  bus.write = (at, _width, _value, by) => void answer(at, by);
  return seen;
}

describe('the physical address space', () => {
  test('without translation is that of the state; EL3 is Secure', () => {
    for (const [el, settings, secure] of [
      [1, NON_SECURE, false],
      [2, NON_SECURE, false],
      [1, SECURE, true],
      [3, NON_SECURE, true],
      [3, SECURE, true],
    ] as const) {
      const m = trapMachine();
      const seen = watched(m);
      apply(m, { ...settings, SCTLR_EL1: 0x30d0_1980n, SCTLR_EL2: 0x30c5_1830n, SCTLR_EL3: 0x30c5_1830n });
      m.enter(el);
      m.setX(0, DEVICE);
      m.run('ldr w1, [x0]', 'str w1, [x0]');
      expect(seen, `EL${String(el)}`).toEqual([secure, secure]);
    }
  });

  test('with it is what NS of the descriptor says, in the Secure state alone', () => {
    for (const [el, settings, ns, secure] of [
      [1, SECURE, 0n, true],
      [1, SECURE, 0x20n, false],
      [3, NON_SECURE, 0n, true],
      [3, NON_SECURE, 0x20n, false],
      [1, NON_SECURE, 0n, false],
      [1, NON_SECURE, 0x20n, false],
      [2, NON_SECURE, 0n, false],
    ] as const) {
      const m = trapMachine();
      const seen = watched(m);
      // 2 MiB of Device memory (AttrIndx 1 is zero).
      poke(m, LEVEL2 + 8, BigInt(DEVICE) | 0x405n | ns);
      apply(m, settings);
      m.enter(el);
      m.setX(0, PAGE);
      m.run('ldr w1, [x0]', 'str w1, [x0]');
      expect(seen, `EL${String(el)}, NS ${String(ns)}`).toEqual([secure, secure]);
    }
  });

  test('a table that is Non-secure makes all below it so', () => {
    const m = trapMachine();
    const seen = watched(m);
    poke(m, LEVEL2 + 8, BigInt(DEVICE) | 0x405n);
    poke(m, TABLE + 8 * 4, BigInt(LEVEL2) | 3n | (1n << 63n));
    apply(m, SECURE);
    m.enter(1);
    m.setX(0, PAGE);
    m.run('ldr w1, [x0]');
    expect(seen).toEqual([false]);
  });
});

describe('SCR_EL3.SIF', () => {
  /** Executes in a page that is Secure or not. The exception class, if any. */
  const fetched = (el: number, settings: Settings, ns: boolean): number | undefined => {
    const m = trapMachine();
    // The gibibyte of the code, Non-secure.
    poke(m, TABLE + 8, BigInt(RAM) | 0x701n | (ns ? 0x20n : 0n));
    apply(m, settings);
    return execute(m, el, 'nop')?.ec;
  };
  const SIF: Settings = { SCR_EL3: (NS & ~1n) | 0x200n };

  test('forbids the Secure state to execute from Non-secure memory', () => {
    expect(fetched(1, SIF, true)).toBe(0x21);
    expect(fetched(3, SIF, true)).toBe(0x21);
    expect(fetched(1, SIF, false)).toBeUndefined();
    expect(fetched(3, SIF, false)).toBeUndefined();
    expect(fetched(1, SECURE, true)).toBeUndefined();
    expect(fetched(1, { SCR_EL3: NS | 0x200n }, true)).toBeUndefined();
    expect(fetched(2, { SCR_EL3: NS | 0x200n }, true)).toBeUndefined();
  });

  test('is a Permission fault of the level of the descriptor', () => {
    const m = trapMachine();
    poke(m, TABLE + 8, BigInt(RAM) | 0x721n);
    apply(m, SIF);
    expect(execute(m, 1, 'nop')).toEqual({ el: 1, ec: 0x21, iss: 0x0d });
  });
});

describe('External aborts go to EL3', () => {
  test.each([0, 1, 2, 3])('from EL%i with SCR_EL3.EA', (el) => {
    for (const ea of [0n, 8n]) {
      const m = trapMachine();
      // 2 MiB where nothing answers, for EL0 too.
      poke(m, LEVEL2 + 8, BigInt(DEVICE) | 0x445n);
      apply(m, { SCR_EL3: NS | ea });
      m.enter(el);
      m.setX(0, PAGE);
      m.run('ldr w1, [x0]');
      const target = ea === 8n ? 3 : Math.max(el, 1);
      expect(m.cpu.state.el).toBe(target);
      expect(m.exceptionClass(target)).toBe(target === el ? 0x25 : 0x24);
      expect(Number(m.cpu.register(`ESR_EL${String(target)}`) & 0x3fn)).toBe(0x10);
      expect(m.cpu.register(`FAR_EL${String(target)}`)).toBe(BigInt(PAGE));
    }
  });

  test('of a walk too, also of AT; what translates badly does not', () => {
    for (const [descriptor, instruction, ec, status] of [
      [BigInt(DEVICE) | 3n, 'ldr x1, [x0]', 0x24, 0x17],
      [BigInt(DEVICE) | 3n, 'at s1e1r, x0', 0x24, 0x17],
      [0n, 'at s1e1r, x0', undefined, 0],
    ] as const) {
      const m = trapMachine();
      poke(m, LEVEL2 + 8, descriptor);
      apply(m, { SCR_EL3: NS | 8n });
      m.enter(1);
      m.setX(0, PAGE);
      m.run(instruction);
      expect(m.cpu.state.el).toBe(ec === undefined ? 1 : 3);
      if (ec === undefined) {
        // Translation fault of level 2, in PAR_EL1.
        expect(m.cpu.register('PAR_EL1')).toBe(0x80dn);
        continue;
      }
      expect(m.exceptionClass(3)).toBe(ec);
      expect(Number(m.cpu.register('ESR_EL3') & 0x3fn)).toBe(status);
    }
  });

  test('HPFAR_EL2 is of faults that EL2 takes', () => {
    const m = trapMachine();
    const STAGE2 = RAM + 0x1f_a000;
    poke(m, STAGE2 + 8, BigInt(RAM) | 0x7fdn);
    // Stage 2 of the device's gibibyte: a table where nothing answers.
    poke(m, STAGE2, BigInt(DEVICE) | 3n);
    poke(m, LEVEL2 + 8, BigInt(DEVICE) | 0x405n);
    const vm = {
      HCR_EL2: 0x8000_0001n,
      VTTBR_EL2: BigInt(STAGE2),
      VTCR_EL2: 0x8002_0059n,
      TCR_EL1: 0x2_0080_0019n,
    };
    apply(m, { ...vm, SCR_EL3: NS | 8n, HPFAR_EL2: 0x70n });
    m.enter(1);
    m.setX(0, PAGE);
    m.run('ldr x1, [x0]');
    expect([m.cpu.state.el, m.exceptionClass(3)]).toEqual([3, 0x24]);
    expect(m.cpu.register('HPFAR_EL2')).toBe(0x70n);
    apply(m, { SCR_EL3: NS });
    m.enter(1);
    m.run('ldr x1, [x0]');
    expect([m.cpu.state.el, m.exceptionClass(2)]).toEqual([2, 0x24]);
    expect(m.cpu.register('HPFAR_EL2')).toBe(BigInt(DEVICE) >> 8n);
  });
});

describe('AT at EL3', () => {
  test.each(translationOperations)('%s', (instruction) => {
    const [, level = '', kind = ''] = /^at s\d+e(\d)([rw])/.exec(instruction) ?? [];
    // The page: EL0 may read it, nobody may write it; EL2 and EL3 ignore AP[1].
    const m = trapMachine();
    poke(m, LEVEL2 + 8, BigInt(RAM) | 0x7c1n);
    const STAGE2 = RAM + 0x1f_a000;
    poke(m, STAGE2 + 8, BigInt(RAM) | 0x7fdn);
    apply(m, {
      ...NON_SECURE,
      HCR_EL2: 0x8000_0001n,
      VTTBR_EL2: BigInt(STAGE2),
      VTCR_EL2: 0x8002_0059n,
      TCR_EL1: 0x2_0080_0019n,
    });
    m.enter(3);
    m.setX(0, PAGE + 0x123);
    m.run(instruction);
    expect(m.cpu.counters.exceptions).toBe(0);
    const par = m.cpu.register('PAR_EL1');
    if (kind === 'w') {
      // A Permission fault of level 2, of stage 1.
      expect(par).toBe(0x81dn);
      return;
    }
    expect(par & 1n).toBe(0n);
    expect(par & 0xffff_ffff_f000n).toBe(BigInt(RAM));
    expect((par >> 9n) & 1n).toBe(level === '3' ? 0n : 1n);
    expect(Number(par >> 56n)).toBe(0xff);
  });

  test('S12E1 goes through stage 2, S1E1 does not', () => {
    const m = trapMachine();
    const STAGE2 = RAM + 0x1f_a000;
    poke(m, LEVEL2 + 8, 0x8000_0000n | 0x701n);
    poke(m, STAGE2 + 8, BigInt(RAM) | 0x7fdn);
    poke(m, STAGE2 + 16, 0xc000_0000n | 0x7fdn);
    apply(m, {
      ...NON_SECURE,
      HCR_EL2: 0x8000_0001n,
      VTTBR_EL2: BigInt(STAGE2),
      VTCR_EL2: 0x8002_0059n,
      TCR_EL1: 0x2_0080_0019n,
    });
    m.enter(3);
    for (const [instruction, pa] of [
      ['at s1e1r, x0', 0x8000_0000n],
      ['at s12e1r, x0', 0xc000_0000n],
    ] as const) {
      m.setX(0, PAGE);
      m.run(instruction);
      expect(m.cpu.register('PAR_EL1') & 0xffff_ffff_f001n).toBe(pa);
    }
  });

  test('in the Secure state S12E1 is S1E1', () => {
    const m = trapMachine();
    apply(m, { ...SECURE, HCR_EL2: 0x8000_0001n });
    expect(execute(m, 3, 'at s12e1r, x0')).toBeUndefined();
    // Secure memory: NS is 0.
    expect(m.cpu.register('PAR_EL1') & 0x201n).toBe(0n);
  });
});

describe('calls', () => {
  test.each([
    ['smc #0x5', 1, NON_SECURE, 3, 0x17],
    ['smc #0x5', 2, NON_SECURE, 3, 0x17],
    ['smc #0x5', 3, NON_SECURE, 3, 0x17],
    ['smc #0x5', 1, SECURE, 3, 0x17],
    ['hvc #0x5', 1, NON_SECURE, 2, 0x16],
    ['hvc #0x5', 2, NON_SECURE, 2, 0x16],
    ['hvc #0x5', 3, NON_SECURE, 3, 0x16],
    ['hvc #0x5', 1, SECURE, 1, 0x00],
    ['svc #0x5', 3, NON_SECURE, 3, 0x15],
    ['smc #0x5', 0, NON_SECURE, 1, 0x00],
    ['hvc #0x5', 0, NON_SECURE, 1, 0x00],
  ] as const)('%s at EL%i', (instruction, el, settings, target, ec) => {
    const m = trapMachine();
    apply(m, settings);
    expect(execute(m, el, instruction)).toEqual({ el: target, ec, iss: ec === 0 ? 0 : 5 });
  });
});
