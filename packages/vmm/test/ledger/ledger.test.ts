import { describe, expect, it } from 'vitest';

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
    for (let i = 0; i < 3000; i++) ledger.enter(row({ at: i }));
    expect(ledger.length).toBe(3000);
    expect(ledger.row(2999)).toEqual(row({ at: 2999 }));
    expect(() => ledger.row(3000)).toThrow('no row 3000');
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
});
