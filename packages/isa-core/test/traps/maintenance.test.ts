// Break-before-make as software sees it: a translation that changed without a TLBI stays until one takes it, and every TLBI takes what
// its scope says: regime, Security state, VMID, ASID, address, on this CPU or on all (DDI 0487 D8.14, D8.17, C5.5).

import { describe, expect, test } from 'vitest';

import { RAM } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { A, el1, PAGE, scopes, VA } from './operations.ts';
import type { Where } from './operations.ts';
import { apply, trapMachine } from './rig.ts';

const RW = 0x8000_0000n;
const NS = 0x531n;
const B = RAM + 0x10_1000;
/** Level 2 table of the gibibyte of PAGE, a level 3 table for it, and stage 2's. */
const LEVEL2 = RAM + 0x1f_f000;
const LEVEL3 = RAM + 0x1f_d000;
const STAGE2 = RAM + 0x1f_a000;

function poke(m: Machine, at: number, value: bigint): void {
  const host = m.cpu.bus.host(at as Parameters<typeof m.cpu.bus.host>[0]);
  new DataView(m.cpu.memory.buffer).setBigUint64(host, value, true);
}

const settings = ({ secure, vmid = 0n, asid = 0n }: Where): Record<string, bigint> => ({
  SCR_EL3: secure === true ? NS & ~1n : NS,
  VTTBR_EL2: (vmid << 48n) | BigInt(STAGE2),
  VTCR_EL2: 0x8000_0000n | 25n | (1n << 6n) | (2n << 16n),
  HCR_EL2: RW | 1n,
  TCR_EL1: 25n | (1n << 23n) | (2n << 32n),
  TTBR0_EL1: (asid << 48n) | BigInt(RAM + 0x1f_e000),
});

function map(m: Machine, to: number, { global = true }: Where): void {
  poke(m, LEVEL2 + 8, BigInt(LEVEL3) | 3n);
  poke(m, LEVEL3, BigInt(to) | 0x703n | (global ? 0n : 0x800n));
}

function fresh(where: Where): Machine {
  const m = trapMachine();
  // Stage 2 maps RAM to itself.
  poke(m, STAGE2 + 8, BigInt(RAM) | 0x7fdn);
  for (const [at, value] of [
    [A, 0xaan],
    [B, 0xbbn],
  ] as const)
    poke(m, at, value);
  apply(m, settings(where));
  map(m, A, where);
  return m;
}

const load = (m: Machine, where: Where): bigint => {
  apply(m, settings(where));
  m.enter(where.el);
  m.setX(0, PAGE);
  m.run('ldr x1, [x0]');
  return m.x(1);
};

/** Executes a TLBI at a level and with the settings of `where`; X0 is the operand. */
function invalidate(m: Machine, operation: string, operand: bigint, by: Where): void {
  apply(m, settings(by));
  m.enter(by.el);
  m.setX(0, operand);
  const before = m.cpu.counters.exceptions;
  m.run(`tlbi ${operation}`);
  if (m.cpu.counters.exceptions !== before) throw new Error(`TLBI ${operation} was not executed`);
}

const named = (where: Where): string =>
  JSON.stringify(where, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));

describe('a stale translation', () => {
  test.each(
    scopes.map((row) => [`${row[0]} at ${named(row[2])} and an entry of ${named(row[3])}`, row] as const),
  )('%s', (_name, [operation, operand, by, entry, gone]) => {
    for (const form of [operation, operation.replace(/(?=,|$)/, 'is')]) {
      const m = fresh(entry);
      expect(load(m, entry)).toBe(0xaan);
      map(m, B, entry);
      expect(load(m, entry), 'stays').toBe(0xaan);
      invalidate(m, form, operand, by);
      expect(load(m, entry), form).toBe(gone ? 0xbbn : 0xaan);
    }
  });

  test('of a page whose descriptor is broken stays too, and is a Translation fault after the TLBI', () => {
    const m = fresh(el1);
    load(m, el1);
    poke(m, LEVEL3, 0n);
    expect(load(m, el1)).toBe(0xaan);
    invalidate(m, 'vae1, x0', VA, el1);
    load(m, el1);
    expect(m.exceptionClass()).toBe(0x25);
  });

  test('that gives less than the descriptor does is no fault: the walk is made again', () => {
    const m = fresh(el1);
    poke(m, LEVEL3, BigInt(A) | 0x783n);
    expect(load(m, el1)).toBe(0xaan);
    poke(m, LEVEL3, BigInt(A) | 0x703n);
    m.run('str x0, [x0]');
    expect(m.cpu.counters.exceptions).toBe(0);
  });
});

describe('two entries that overlap', () => {
  test('are no TLB conflict: a page keeps the one that it was used with', () => {
    const m = fresh(el1);
    expect(load(m, el1)).toBe(0xaan);
    // A block in the place of the table, and no TLBI.
    poke(m, LEVEL2 + 8, BigInt(RAM) | 0x701n);
    expect(load(m, el1)).toBe(0xaan);
    m.setX(0, PAGE + 0x10_1000);
    m.run('ldr x1, [x0]');
    expect(m.x(1)).toBe(0xbbn);
    // One TLBI by an address of the block takes both.
    invalidate(m, 'vae1, x0', VA, el1);
    m.setX(0, PAGE + 0x10_0000);
    m.run('ldr x1, [x0]');
    expect(m.x(1)).toBe(0xaan);
  });

  test('the Contiguous bit is a hint that nothing is made of: descriptors that disagree are each what they say', () => {
    const m = fresh(el1);
    for (let i = 0; i < 16; i++) {
      poke(m, LEVEL3 + 8 * i, BigInt(i % 2 === 0 ? A : B) | 0x703n | (i < 8 ? 1n << 52n : 0n));
    }
    for (let i = 0; i < 16; i++) {
      m.enter(1);
      m.setX(0, PAGE + 4096 * i);
      m.run('ldr x1, [x0]');
      expect(m.x(1)).toBe(i % 2 === 0 ? 0xaan : 0xbbn);
    }
  });
});

describe('broadcast', () => {
  /** Two CPUs with the same stale entry; the first invalidates. Which still have it. */
  const stale = (operation: string, hcr: bigint, by: Where): boolean[] => {
    const machines = [fresh(el1), fresh(el1)];
    const cpus = machines.map(({ cpu }) => cpu);
    for (const cpu of cpus) cpu.peers = cpus;
    for (const m of machines) {
      load(m, el1);
      map(m, B, el1);
    }
    const [first] = machines;
    if (first === undefined) return [];
    apply(first, { ...settings(by), HCR_EL2: RW | 1n | hcr });
    first.enter(by.el);
    first.setX(0, VA);
    first.run(`tlbi ${operation}`);
    return machines.map((m) => load(m, el1) === 0xaan);
  };

  test.each(['vmalle1', 'vae1, x0', 'vaae1, x0', 'vale1, x0', 'vaale1, x0'])('%s', (operation) => {
    const shared = operation.replace(/(?=,|$)/, 'is');
    expect(stale(operation, 0n, el1)).toEqual([false, true]);
    expect(stale(shared, 0n, el1)).toEqual([false, false]);
  });

  test('HCR_EL2.FB makes those of EL1 broadcast, and not those of EL2', () => {
    expect(stale('vae1, x0', 1n << 9n, el1)).toEqual([false, false]);
    expect(stale('vmalle1', 1n << 9n, el1)).toEqual([false, false]);
    expect(stale('vmalle1', 1n << 9n, { el: 2 })).toEqual([false, true]);
  });
});

describe("EL2's operations where EL2 is not enabled", () => {
  test.each(['tlbi alle2', 'tlbi vae2, x0', 'tlbi vale2is, x0', 'at s1e2r, x0', 'at s1e2w, x0'])(
    '%s is UNDEFINED at EL3 in the Secure state',
    (instruction) => {
      for (const [scr, undefinedThere] of [
        [NS & ~1n, true],
        [NS, false],
      ] as const) {
        const m = fresh(el1);
        apply(m, { SCR_EL3: scr });
        m.enter(3);
        m.setX(0, RAM);
        const before = m.cpu.counters.exceptions;
        m.run(instruction);
        expect(m.cpu.counters.exceptions - before).toBe(undefinedThere ? 1 : 0);
        if (undefinedThere) expect(m.exceptionClass(3)).toBe(0);
      }
    },
  );
});
