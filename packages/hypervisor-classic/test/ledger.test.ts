// The ledger looks on: a run without it makes no row and calls nobody, and is the same run, instruction by instruction.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { Ledger } from '@worldswitch/vmm';

import { tinyHost } from './tiny.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs with a ledger or without, and says all that the machine came to. */
async function run(ledger: Ledger | undefined) {
  const host = await tinyHost([{ append: 'bench poweroff' }]);
  host.keepLedger(ledger);
  host.machine.run(3_000_000);
  const half = host.machine.hash();
  expect(host.finish()).toBe('off');
  const [software] = host.machine.board.software;
  return {
    half,
    hash: host.machine.hash(),
    instructions: host.machine.instructions,
    now: host.machine.now,
    software: JSON.stringify(software?.counts),
    output: host.output(),
  };
}

describe('the ledger', () => {
  it('costs a run without it nothing, and changes nothing of one with it', async () => {
    const enter = vi.spyOn(Ledger.prototype, 'enter');
    const without = await run(undefined);
    expect(enter).not.toHaveBeenCalled();
    const ledger = new Ledger();
    const kept = await run(ledger);
    expect(ledger.length).toBeGreaterThan(3000);
    expect(enter).toHaveBeenCalledTimes(ledger.length);
    expect(kept).toEqual(without);
    expect(without.software).toContain('"instructions":');
  });

  it('begins and ends where it is told to', async () => {
    const host = await tinyHost([{ append: 'bench poweroff' }]);
    const ledger = new Ledger();
    host.machine.run(3_000_000);
    host.keepLedger(ledger);
    host.machine.run(3_000_000);
    host.keepLedger(undefined);
    const rows = ledger.length;
    host.finish();
    expect(rows).toBeGreaterThan(0);
    expect(ledger.length).toBe(rows);
  });

  it('would be missed by a watcher that executed something', async () => {
    const without = await run(undefined);
    // A ledger whose rows are written through the port, as a hypervisor without this one's place outside would.
    const host = await tinyHost([{ append: 'bench poweroff' }]);
    const { hypervisor } = host;
    const take = hypervisor.take.bind(hypervisor);
    hypervisor.take = (exception, port) => {
      port.work(1);
      return take(exception, port);
    };
    host.finish();
    expect(host.machine.instructions).not.toBe(without.instructions);
  });
});
