// The exclusive monitor (DDI 0487 B2.12).

import { expect, test } from 'vitest';

import { DATA, machine, RAM, READ_ONLY, UNMAPPED } from './machine.ts';

const at = (offset = 0): number => RAM + DATA + offset;

test('a store after a load of the same bytes succeeds, and the next fails', () => {
  const m = machine();
  m.setX(9, at());
  m.setX(1, 5);
  m.run('ldxr x0, [x9]', 'stxr w2, x1, [x9]', 'stxr w3, x1, [x9]');
  expect([m.data(0), m.x(2), m.x(3)]).toEqual([5n, 0n, 1n]);
});

test('a store fails if memory no longer holds what was loaded', () => {
  const m = machine();
  m.setX(9, at());
  m.setX(1, 5);
  m.run('ldxr x0, [x9]', 'str x1, [x9]', 'stxr w2, x9, [x9]');
  expect([m.data(0), m.x(2)]).toEqual([5n, 1n]);
});

test('a store of another size or address fails', () => {
  const m = machine();
  m.setX(9, at());
  m.setX(10, at(8));
  m.run('ldxr x0, [x9]', 'stxr w2, w1, [x9]', 'ldxr x0, [x9]', 'stxr w3, x1, [x10]');
  expect([m.x(2), m.x(3)]).toEqual([1n, 1n]);
});

test('CLREX and exception return close the monitor', () => {
  const m = machine();
  m.setX(9, at());
  m.run('ldxr x0, [x9]', 'clrex', 'stxr w2, x9, [x9]');
  expect(m.x(2)).toBe(1n);
  m.cpu.setRegister('ELR_EL1', BigInt(RAM + 0x800));
  m.cpu.setRegister('SPSR_EL1', 5n);
  m.run('ldxr x0, [x9]', 'eret');
  expect(m.cpu.state.pc).toBe(BigInt(RAM + 0x800));
  m.run('stxr w2, x9, [x9]');
  expect(m.x(2)).toBe(1n);
});

test('pairs move 128 bits at once', () => {
  const m = machine();
  m.setX(9, at(16));
  m.setData(16, 1n);
  m.setData(24, 2n);
  m.run('ldxp x0, x1, [x9]', 'stxp w2, x1, x0, [x9]');
  expect([m.x(0), m.x(1), m.x(2), m.data(16), m.data(24)]).toEqual([1n, 2n, 0n, 2n, 1n]);
});

test('an unaligned exclusive or acquiring access faults', () => {
  for (const instruction of ['ldxr x0, [x9]', 'stxr w0, x1, [x9]', 'ldar w0, [x9]', 'stlrh w0, [x9]']) {
    const m = machine();
    m.setX(9, at(1));
    m.run(instruction);
    expect(m.cpu.register('ESR_EL1') & 0x3fn, instruction).toBe(0x21n);
  }
});

test('a store that may not be made faults even if the monitor is closed', () => {
  for (const address of [UNMAPPED, READ_ONLY + DATA]) {
    const m = machine();
    m.setX(9, address);
    m.run('stxr w0, x1, [x9]');
    expect(m.exceptionClass()).toBe(0x25);
  }
});
