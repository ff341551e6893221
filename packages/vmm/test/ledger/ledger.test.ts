import { describe, expect, it } from 'vitest';

import type { Plain } from '@worldswitch/platform';

import { ledgerColumns, plainLedger, readLedger } from '../../src/ledger/file.ts';
import { difference, Ledger } from '../../src/ledger/ledger.ts';
import type { ExitRow } from '../../src/ledger/ledger.ts';
import { perfettoTrace } from '../../src/ledger/perfetto.ts';

const row = (more: Partial<ExitRow> = {}): ExitRow => ({
  at: 5000,
  vm: 1,
  vcpu: 2,
  cause: 'hvc',
  syndrome: 0x5a00_0000,
  handler: 'psci',
  instructions: 10,
  registers: 3,
  bytes: 24,
  memory: 1,
  transitions: 2,
  ...more,
});

describe('the exit ledger', () => {
  it('gives back what was entered, however many rows there are', () => {
    const ledger = new Ledger();
    for (let i = 0; i < 20_000; i++) ledger.enter(row({ at: i }));
    expect(ledger.length).toBe(20_000);
    for (const at of [0, 8191, 8192, 19_999]) expect(ledger.row(at)).toEqual(row({ at }));
    expect(() => ledger.row(20_000)).toThrow('no row 20000');
  });

  it('adds up by cause', () => {
    const ledger = new Ledger();
    ledger.enter(row({ cause: 'wfx' }));
    ledger.enter(row());
    ledger.enter(row({ bytes: 100 }));
    expect(ledger.totals().map(({ cause, exits, bytes }) => [cause, exits, bytes])).toEqual([
      ['hvc', 2, 124],
      ['wfx', 1, 24],
    ]);
    expect(ledger.totals(({ vm }) => vm === 7)).toEqual([]);
  });

  it('tells two runs apart by cause', () => {
    const [a, b] = [new Ledger(), new Ledger()];
    a.enter(row());
    b.enter(row());
    expect(difference(a, b)).toEqual([]);
    b.enter(row({ cause: 'smc' }));
    a.enter(row({ cause: 'hvc', memory: 2 }));
    expect(difference(a, b).map(({ cause }) => cause)).toEqual(['hvc', 'smc']);
  });

  it('becomes a trace with an event for each exit', () => {
    const ledger = new Ledger();
    ledger.enter(row());
    expect(perfettoTrace(ledger, 2).traceEvents).toEqual([
      expect.objectContaining({ name: 'hvc', ts: 5, dur: 0.02, pid: 1, tid: 2, ph: 'X' }),
    ]);
  });

  it('goes into a file and comes back', () => {
    const ledger = new Ledger();
    ledger.enter(row());
    ledger.enter(row({ cause: 'wfx', handler: 'scheduler', at: 1e15, syndrome: 0xffff_ffff }));
    const text = JSON.stringify(plainLedger(ledger));
    expect([...readLedger(JSON.parse(text) as Plain)]).toEqual([...ledger]);
    const broken = (change: (file: { names: unknown; rows: unknown[][] }) => void): (() => void) => {
      const file = JSON.parse(text) as { names: unknown; rows: unknown[][] };
      change(file);
      return () => readLedger(file as unknown as Plain);
    };
    expect(() => readLedger([])).toThrow('ledger must be a record');
    expect(broken((f) => f.rows[1]?.pop())).toThrow(`rows[1] must have ${ledgerColumns.length} elements`);
    expect(broken((f) => (f.names = ['hvc']))).toThrow('rows[0] has a handler without a name');
    expect(broken((f) => (f.rows[0] = [-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toThrow('rows[0][0]');
    expect(broken((f) => (f.rows[0] = [0, 0, 256, 0, 0, 0, 0, 0, 0, 0, 0]))).toThrow('a vCPU above 255');
  });
});
