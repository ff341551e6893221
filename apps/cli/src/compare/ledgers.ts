// The ledgers of a comparison, in files: as they are, to be compared later, and as a trace for Perfetto.

import type { Plain } from '@worldswitch/platform';
import { plainLedger, readLedger, perfettoTrace } from '@worldswitch/vmm';
import type { Ledger } from '@worldswitch/vmm';

import { CliError } from '../errors.ts';
import { readNamed } from '../files.ts';
import type { SystemResult } from './run.ts';

/** A system's ledger. */
export interface NamedLedger {
  readonly system: string;
  readonly ledger: Ledger;
}

/** Those of the systems that have one. */
export const ledgersOf = (results: readonly SystemResult[]): readonly NamedLedger[] =>
  results.flatMap(({ system, ledger }) => (ledger === undefined ? [] : [{ system, ledger }]));

/** The file of `--ledger`: names once, and a list of numbers for each exit (`ledgerColumns`). */
export function ledgerText(guest: string, ledgers: readonly NamedLedger[]): string {
  const systems = ledgers.map(({ system, ledger }) => ({ system, ...plainLedger(ledger) }));
  return `${JSON.stringify({ schema: 1, guest, systems })}\n`;
}

/** The file of `--trace`: a process for each VM of each system, a thread for each vCPU. Times are virtual. */
export function traceText(ledgers: readonly NamedLedger[]): string {
  const traceEvents = ledgers.flatMap(({ system, ledger }, i) => {
    const { traceEvents: events } = perfettoTrace(ledger);
    const shifted = events.map((event) => ({ ...event, pid: event.pid + 1000 * i }));
    const processes = [...new Set(shifted.map(({ pid }) => pid))].map((pid) => ({
      name: 'process_name',
      ph: 'M',
      pid,
      args: { name: `${system}, VM ${pid % 1000}` },
    }));
    return [...processes, ...shifted];
  });
  return `${JSON.stringify({ displayTimeUnit: 'ns', traceEvents })}\n`;
}

/** Reads what `ledgerText` made. Throws a `CliError` of one line for a file that is none. */
export async function readLedgers(path: string): Promise<readonly NamedLedger[]> {
  const bytes = await readNamed(path, 'ledger');
  let file: { schema?: unknown; systems?: unknown } | null;
  try {
    file = JSON.parse(new TextDecoder().decode(bytes)) as typeof file;
  } catch {
    throw new CliError(`ledger ${path}: is not JSON`);
  }
  if (file?.schema !== 1 || !Array.isArray(file.systems))
    throw new CliError(`ledger ${path}: is no file that worldswitch compare --ledger writes`);
  return (file.systems as readonly Readonly<Record<string, Plain>>[]).map((one, i) => {
    try {
      const { system, ...plain } = one;
      if (typeof system !== 'string') throw new Error(`systems[${i}] has no name`);
      return { system, ledger: readLedger(plain, `systems[${i}]`) };
    } catch (thrown) {
      throw new CliError(`ledger ${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  });
}
