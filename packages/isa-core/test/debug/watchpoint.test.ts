// Watchpoints (DDI 0487 D2.9): which bytes, which accesses, and what the exception says.

import { describe, expect, test } from 'vitest';

import { DATA, RAM, READ_ONLY, USER } from '../reference/machine.ts';
import { Class, debugMachine, syndromeOf } from './help.ts';

const AT = RAM + DATA;
/** Enabled at EL1 and EL0; loads and stores unless given; BAS; MASK. */
const control = ({ lsc = 3, bas = 0xff, mask = 0 } = {}): bigint =>
  7n | (BigInt(lsc) << 3n) | (BigInt(bas) << 5n) | (BigInt(mask) << 24n);

/** Watches `at` and runs an instruction with the address in X0. True if the watchpoint was hit. */
function hit(at: number, how: Parameters<typeof control>[0], address: number, instruction: string): boolean {
  const m = debugMachine({ DBGWVR0_EL1: BigInt(at), DBGWCR0_EL1: control(how) });
  m.setX(0, address);
  m.run(instruction);
  return m.exceptionClass() === Class.watchpointSame;
}

describe('bytes', () => {
  test.each([
    ['a doubleword', AT, {}, 'ldrb w1, [x0]', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['a byte', AT, { bas: 0x10 }, 'ldrb w1, [x0]', [4]],
    ['half a doubleword, by a word', AT + 4, { bas: 0x0f }, 'ldrb w1, [x0]', [4, 5, 6, 7]],
    ['the upper BAS of a word means nothing', AT + 4, { bas: 0xf1 }, 'ldrb w1, [x0]', [4]],
    ['a wider access reaches it', AT, { bas: 1 }, 'ldr x1, [x0]', [-7, -6, -5, -4, -3, -2, -1, 0]],
    ['a mask', AT, { mask: 4 }, 'ldrb w1, [x0]', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]],
    ['a reserved mask', AT, { mask: 2 }, 'ldrb w1, [x0]', []],
    ['bytes with a gap', AT, { bas: 0x81 }, 'ldrb w1, [x0]', [0, 7]],
  ] as const)('%s', (_, at, how, instruction, offsets) => {
    const found: number[] = [];
    for (let i = -8; i < 24; i++) if (hit(at, how, AT + i, instruction)) found.push(i);
    expect(found).toEqual(offsets);
  });

  test('of an access that begins in the page before', () => {
    const page = AT + 0x1000;
    expect(hit(page, { bas: 1 }, page - 4, 'ldr x1, [x0]')).toBe(true);
    expect(hit(page, { bas: 1 }, page - 8, 'ldr x1, [x0]')).toBe(false);
  });

  test('whatever the tag of the address', () => {
    const m = debugMachine({
      DBGWVR0_EL1: BigInt(AT),
      DBGWCR0_EL1: control(),
      TCR_EL1: 25n | (1n << 23n) | (1n << 37n),
    });
    m.setX(0, BigInt(AT) | (0x5an << 56n));
    m.run('ldr x1, [x0]');
    expect(m.exceptionClass()).toBe(Class.watchpointSame);
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(AT) | (0x5an << 56n));
  });
});

describe('accesses', () => {
  test.each([
    ['ldr x1, [x0]', true, false],
    ['str x1, [x0]', false, true],
    ['ldp x1, x2, [x0]', true, false],
    ['stp x1, x2, [x0]', false, true],
    ['ldxr x1, [x0]', true, false],
    ['stxr w3, x1, [x0]', false, true],
    ['ld1 {v0.16b, v1.16b}, [x0]', true, false],
    ['st1 {v0.16b, v1.16b}, [x0]', false, true],
    ['dc zva, x0', false, true],
    ['dc ivac, x0', false, true],
    ['dc cvac, x0', false, false],
    ['dc civac, x0', false, false],
    ['ic ivau, x0', false, false],
    ['prfm pldl1keep, [x0]', false, false],
  ])('%s', (instruction, reads, writes) => {
    expect(hit(AT, { lsc: 1 }, AT, instruction)).toBe(reads);
    expect(hit(AT, { lsc: 2 }, AT, instruction)).toBe(writes);
    expect(hit(AT, { lsc: 0 }, AT, instruction)).toBe(false);
  });

  test('a block is zeroed as a whole or not at all', () => {
    const m = debugMachine({ DBGWVR0_EL1: BigInt(AT + 56), DBGWCR0_EL1: control({ bas: 0x80 }) });
    m.setData(0, 5n);
    m.setX(0, AT + 8);
    m.run('dc zva, x0');
    expect(m.data(0)).toBe(5n);
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(AT + 63));
  });

  test("LDTR and STTR are EL0's", () => {
    for (const [pac, taken] of [
      [2n, true],
      [1n, false],
    ] as const) {
      const m = debugMachine({
        DBGWVR0_EL1: BigInt(USER + DATA),
        DBGWCR0_EL1: (control() & ~6n) | (pac << 1n),
      });
      m.setX(0, USER + DATA);
      m.run('ldtr x1, [x0]');
      expect(m.exceptionClass()).toBe(taken ? Class.watchpointSame : Class.none);
    }
  });

  test('a store of several registers stores nothing', () => {
    const m = debugMachine({ DBGWVR0_EL1: BigInt(AT + 16), DBGWCR0_EL1: control() });
    m.setX(0, AT);
    m.setX(1, 1);
    m.run('movi v0.16b, #0xff', 'movi v1.16b, #0xff', 'st1 {v0.16b, v1.16b}, [x0]');
    expect(m.exceptionClass()).toBe(Class.watchpointSame);
    expect(m.data(0)).toBe(0n);
  });
});

describe('the exception', () => {
  test.each([
    ['ldr x1, [x0]', 0x22],
    ['str x1, [x0]', 0x62],
    ['dc zva, x0', 0x62],
    ['dc ivac, x0', 0x162],
  ])('of %s has WnR and CM', (instruction, iss) => {
    const m = debugMachine({ DBGWVR0_EL1: BigInt(AT), DBGWCR0_EL1: control() });
    m.setX(0, AT);
    m.run(instruction);
    expect(syndromeOf(m)).toBe(((Class.watchpointSame << 26) | (1 << 25) | iss) >>> 0);
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(AT));
    expect(m.cpu.register('ELR_EL1')).toBe(BigInt(RAM));
  });

  test('says in FAR the first byte that is watched', () => {
    const m = debugMachine({ DBGWVR0_EL1: BigInt(AT), DBGWCR0_EL1: control({ bas: 0x30 }) });
    m.setX(0, AT);
    m.run('ldr x1, [x0]');
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(AT + 4));
  });

  test('comes after a data abort', () => {
    const at = READ_ONLY + DATA;
    const m = debugMachine({ DBGWVR0_EL1: BigInt(at), DBGWCR0_EL1: control() });
    m.setX(0, at);
    m.run('str x1, [x0]');
    expect(m.exceptionClass()).toBe(0x25);
  });

  test('from EL0 is of a lower level', () => {
    const m = debugMachine({ DBGWVR3_EL1: BigInt(USER + DATA), DBGWCR3_EL1: control() });
    m.enter(0);
    m.setX(0, USER + DATA);
    m.run('ldr x1, [x0]');
    expect(m.exceptionClass()).toBe(Class.watchpoint);
  });

  test.each([
    [7n, Class.watchpointSame],
    [8n, Class.none],
  ])('of a watchpoint that is linked to a context, in %i', (id, taken) => {
    const m = debugMachine({
      DBGWVR0_EL1: BigInt(AT),
      DBGWCR0_EL1: control() | (1n << 20n) | (5n << 16n),
      DBGBVR5_EL1: 7n,
      DBGBCR5_EL1: 0x1e7n | (3n << 20n),
      CONTEXTIDR_EL1: id,
    });
    m.setX(0, AT);
    m.run('ldr x1, [x0]');
    expect(m.exceptionClass()).toBe(taken);
  });
});
