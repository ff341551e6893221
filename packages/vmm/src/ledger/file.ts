// A ledger as plain data, for files: names once, and a row of numbers for each exit.

import { list, record, StateError, text, uint } from '@worldswitch/platform';
import type { Plain, Shape } from '@worldswitch/platform';

import { Ledger } from './ledger.ts';

/** The numbers of a row, in order; `cause` and `handler` are indices of names. */
export const ledgerColumns = [
  'at',
  'vm',
  'vcpu',
  'cause',
  'syndrome',
  'handler',
  'instructions',
  'registers',
  'bytes',
  'memory',
  'transitions',
] as const;

/** A ledger as plain data. */
export type PlainLedger = Readonly<{
  names: readonly string[];
  rows: readonly (readonly number[])[];
}>;

const MOST_ROWS = 1 << 26;

const shape: Shape<PlainLedger> = record<PlainLedger>({
  names: list(text(200), 0, 65_536),
  rows: list(list(uint(), ledgerColumns.length), 0, MOST_ROWS),
});

/** A ledger as plain data. */
export function plainLedger(ledger: Ledger): PlainLedger {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  const number = (name: string): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, names.length);
    return names.push(name) - 1;
  };
  const rows = Array.from(ledger, (row) =>
    ledgerColumns.map((column) => {
      const value = row[column];
      return typeof value === 'string' ? number(value) : value;
    }),
  );
  return { names, rows };
}

/** The ledger that `plainLedger` described. Throws a `StateError` for what is none. */
export function readLedger(from: Plain | undefined, path = 'ledger'): Ledger {
  const { names, rows } = shape.check(from, path);
  const ledger = new Ledger();
  rows.forEach((row, i) => {
    const at = (column: (typeof ledgerColumns)[number]): number => row[ledgerColumns.indexOf(column)] ?? 0;
    const name = (column: 'cause' | 'handler'): string => {
      const found = names[at(column)];
      if (found === undefined) throw new StateError(`${path}.rows[${i}]`, `has a ${column} without a name`);
      return found;
    };
    if (at('vcpu') > 255) throw new StateError(`${path}.rows[${i}]`, 'has a vCPU above 255');
    ledger.enter({
      at: at('at'),
      vm: at('vm'),
      vcpu: at('vcpu'),
      cause: name('cause'),
      syndrome: at('syndrome'),
      handler: name('handler'),
      instructions: at('instructions'),
      registers: at('registers'),
      bytes: at('bytes'),
      memory: at('memory'),
      transitions: at('transitions'),
    });
  });
  return ledger;
}
