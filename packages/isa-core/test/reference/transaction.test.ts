// One instruction is one transaction: an instruction that faults has changed nothing (DDI 0487 D1.3.4, preferred return address).

import { describe, expect, test } from 'vitest';

import { DATA, LAST, machine, RAM, READ_ONLY, UNMAPPED, USER, VECTORS } from './machine.ts';

describe('an instruction that faults changes nothing but what the exception says', () => {
  test('LDP whose second half is unmapped leaves both registers and the base', () => {
    const m = machine();
    const edge = UNMAPPED - 8;
    m.setX(0, 1);
    m.setX(1, 2);
    m.setX(2, edge);
    m.run('ldp x0, x1, [x2], #16');
    expect([m.x(0), m.x(1), m.x(2)]).toEqual([1n, 2n, BigInt(edge)]);
    expect(m.cpu.state.pc).toBe(BigInt(VECTORS + 0x200));
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(UNMAPPED));
    expect(m.exceptionClass()).toBe(0x25);
  });

  test('STP whose second half is unmapped stores nothing', () => {
    const m = machine();
    const last = UNMAPPED - LAST - DATA - 8;
    m.setX(2, UNMAPPED);
    m.setX(0, 0x1111);
    m.run('stp x0, x0, [x2, #-8]!');
    expect([m.x(2), m.data(last)]).toEqual([BigInt(UNMAPPED), 0n]);
    expect(m.cpu.register('FAR_EL1')).toBe(BigInt(UNMAPPED));
    m.setX(2, UNMAPPED);
    m.run('stp x0, x0, [x2, #-16]!');
    expect([m.x(2), m.data(last)]).toEqual([BigInt(UNMAPPED - 16), 0x1111n]);
  });

  test('a store to read-only memory with write-back leaves the base', () => {
    const m = machine();
    m.setData(0, 7n);
    m.setX(0, 9);
    m.setX(1, READ_ONLY + DATA);
    m.run('str x0, [x1], #8');
    expect(m.x(1)).toBe(BigInt(READ_ONLY + DATA));
    expect(m.data(0)).toBe(7n);
    expect(m.cpu.register('ELR_EL1')).toBe(BigInt(RAM));
  });

  test('a load into its own base, with the base written back, leaves the written-back address', () => {
    const m = machine();
    m.setData(0, 0x1234n);
    m.setX(1, RAM + DATA);
    m.run('ldr x1, [x1], #8');
    expect(m.x(1)).toBe(BigInt(RAM + DATA + 8));
  });

  test('BLR X30 jumps to the old X30 and links', () => {
    const m = machine();
    m.setX(30, RAM + 0x400);
    m.run('blr x30');
    expect(m.cpu.state.pc).toBe(BigInt(RAM + 0x400));
    expect(m.x(30)).toBe(BigInt(RAM + 4));
  });
});

describe('loads and stores', () => {
  test('sign- and zero-extend, and clear the upper half of the register', () => {
    const m = machine();
    m.setData(0, 0xffff_ffff_8000_80f0n);
    m.setX(9, RAM + DATA);
    m.run('ldrsb w0, [x9]', 'ldrsb x1, [x9]', 'ldrh w2, [x9]', 'ldrsw x3, [x9]', 'ldr w4, [x9]');
    expect([0, 1, 2, 3, 4].map((n) => m.x(n))).toEqual([
      0xffff_fff0n,
      0xffff_ffff_ffff_fff0n,
      0x80f0n,
      0xffff_ffff_8000_80f0n,
      0x8000_80f0n,
    ]);
  });

  test('an unaligned access across a page works, and faults under SCTLR_EL1.A', () => {
    const m = machine();
    m.setX(9, RAM + DATA + 0xffd);
    m.setX(0, 0x1122_3344_5566_7788n);
    m.run('str x0, [x9]', 'ldr x1, [x9]');
    expect(m.x(1)).toBe(0x1122_3344_5566_7788n);
    m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | 2n);
    m.cpu.contextChanged();
    m.run('ldr x2, [x9]');
    expect(m.cpu.register('ESR_EL1') & 0x3fn).toBe(0x21n);
  });

  test('big-endian data: SCTLR_EL1.E0E turns each element round at EL0', () => {
    const m = machine();
    m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | (1n << 24n));
    m.cpu.contextChanged();
    m.enter(0);
    m.setData(0, 0x1122_3344_5566_7788n);
    m.setX(9, USER + DATA);
    m.run('ldr x0, [x9]', 'ldp w1, w2, [x9]', 'ldrh w3, [x9]', 'stp w1, w2, [x9, #8]');
    expect([0, 1, 2, 3].map((n) => m.x(n))).toEqual([
      0x8877_6655_4433_2211n,
      0x8877_6655n,
      0x4433_2211n,
      0x8877n,
    ]);
    expect(m.data(8)).toBe(0x1122_3344_5566_7788n);
  });

  test('LDTR at EL1 has the permissions of EL0', () => {
    const m = machine();
    m.setX(9, RAM + DATA);
    m.run('ldtr x0, [x9]');
    expect(m.exceptionClass()).toBe(0x25);
    expect(m.cpu.register('ESR_EL1') & 0x3fn).toBe(0x0dn);
  });

  test('SP as a base must be aligned', () => {
    const m = machine();
    m.setX(31, RAM + DATA + 8);
    m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | 8n);
    m.cpu.contextChanged();
    m.run('ldr x0, [sp]');
    expect(m.exceptionClass()).toBe(0x26);
  });

  test('PRFM of an unmapped address does nothing', () => {
    const m = machine();
    m.setX(9, UNMAPPED);
    m.run('prfm pldl1keep, [x9]');
    expect(m.cpu.state.pc).toBe(BigInt(RAM + 4));
  });

  test('with FP trapped a SIMD load is an FP access trap, whatever its address', () => {
    const m = machine();
    m.cpu.setRegister('CPACR_EL1', 0n);
    m.cpu.contextChanged();
    m.setX(9, UNMAPPED);
    m.run('ldr q0, [x9]');
    expect(m.exceptionClass()).toBe(0x07);
  });
});
