// Every system register against the description of its fields: bits that hold a value, bits that read as one, and bits that are RES0
// or read-only, whatever is written. Timers and the GIC's registers are their banks' business.

import { describe, expect, test } from 'vitest';

import { systemRegisters } from '../../src/cpu/index.ts';
import type { SystemRegisterEntry } from '../../src/cpu/index.ts';
import { describeRegister, registerFields } from '../../src/cpu/sysregs/fields/index.ts';
import type { RegisterField } from '../../src/cpu/sysregs/fields/index.ts';
import type { Machine } from '../reference/machine.ts';
import { trapMachine } from '../traps/rig.ts';
import { EXCEPTIONS, isBanked } from './exceptions.ts';

const ONES = 0xffff_ffff_ffff_ffffn;
const mask = ({ high, low }: RegisterField): bigint => ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
const bitsOf = (fields: readonly RegisterField[], ...kinds: readonly RegisterField['kind'][]): bigint =>
  fields.filter(({ kind }) => kinds.includes(kind)).reduce((sum, field) => sum | mask(field), 0n);

/** A machine at its highest level, which is the register's where only the highest has it. EL3 takes HCR_EL2.HCD's place. */
function machineFor({ name }: SystemRegisterEntry): Machine {
  const own = /^R(?:MR|VBAR)_EL(\d)$/.exec(name)?.[1];
  const m = trapMachine({ el2: own !== '1', el3: name !== 'HCR_EL2' && (own ?? '3') === '3' });
  m.enter(m.cpu.highestEl);
  return m;
}
const write = (m: Machine, { id }: SystemRegisterEntry, value: bigint): void => {
  m.cpu.callHandler('msr', [BigInt(id), value]);
};
const read = (m: Machine, { id }: SystemRegisterEntry): bigint =>
  m.cpu.callHandler('mrs', [BigInt(id)]) ?? -1n;

const own = systemRegisters.filter(({ name }) => !isBanked(name));

describe('the description', () => {
  test('has every register of the table', () => {
    expect(
      systemRegisters.filter(({ name }) => registerFields(name) === undefined).map(({ name }) => name),
    ).toEqual([]);
  });

  test.each(systemRegisters.map((entry) => [entry.name, entry] as const))(
    '%s: fields are in order and do not overlap',
    (name) => {
      let next = 64;
      for (const { high, low } of registerFields(name) ?? []) {
        expect(high).toBeLessThan(next);
        expect(low).toBeLessThanOrEqual(high);
        next = low;
      }
    },
  );

  test('reads a value', () => {
    const fields = describeRegister('HCR_EL2', (1n << 27n) | (1n << 40n) | 1n) ?? [];
    const set = fields.filter(({ value }) => value !== 0n).map(({ name, value }) => [name, value]);
    expect(set).toEqual([
      ['TGE', 1n],
      ['VM', 1n],
      ['RES0', 1n << 40n],
    ]);
    expect(describeRegister('DBGBCR3_EL1', 0x1e5n)?.find(({ name }) => name === 'BAS')?.value).toBe(15n);
    expect(describeRegister('NO_SUCH_EL1', 0n)).toBeUndefined();
  });
});

describe('what is written', () => {
  const plain = own.filter(
    ({ name, minRead, minWrite }) => minRead < 4 && minWrite < 4 && EXCEPTIONS[name] === undefined,
  );
  test.each(plain.map((entry) => [entry.name, entry] as const))('%s', (name, entry) => {
    const fields = registerFields(name) ?? [];
    const held = bitsOf(fields, 'acts', 'held', 'reports');
    const ones = bitsOf(fields, 'res1');
    const described = fields.reduce((sum, field) => sum | mask(field), 0n);
    const m = machineFor(entry);
    write(m, entry, ONES);
    // Bits without a field may hold what is written, and mean nothing.
    expect(read(m, entry) & described).toBe(held | ones);
    write(m, entry, 0n);
    expect(read(m, entry)).toBe(ones);
  });

  const readOnly = own.filter(({ minRead, minWrite }) => minRead < 4 && minWrite > 3);
  test.each(readOnly.map((entry) => [entry.name, entry] as const))('%s is read-only', (_name, entry) => {
    const m = machineFor(entry);
    const before = read(m, entry);
    const exceptions = m.cpu.counters.exceptions;
    write(m, entry, ~before & ONES);
    expect(m.cpu.counters.exceptions).toBe(exceptions + 1);
    m.enter(m.cpu.highestEl);
    expect(read(m, entry)).toBe(before);
  });

  test('PMCR_EL0 holds what are no commands', () => {
    const entry = own.find(({ name }) => name === 'PMCR_EL0');
    if (entry === undefined) throw new RangeError('no PMCR_EL0');
    const m = machineFor(entry);
    write(m, entry, ONES);
    expect(read(m, entry) & 0xffff_ffff_0000_07ffn).toBe(0x79n);
    write(m, entry, 0n);
    expect(read(m, entry) & 0xffff_ffff_0000_07ffn).toBe(0n);
  });

  test('the exceptions are registers of the table', () => {
    const names = new Set(own.map(({ name }) => name));
    expect(Object.keys(EXCEPTIONS).filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('at reset', () => {
  test.each(own.filter(({ minRead }) => minRead < 4).map((entry) => [entry.name, entry] as const))(
    '%s has its RES1 bits',
    (name, entry) => {
      const ones = bitsOf(registerFields(name) ?? [], 'res1');
      expect(read(machineFor(entry), entry) & ones).toBe(ones);
    },
  );
});
