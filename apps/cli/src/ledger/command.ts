// `worldswitch ledger diff A B`: how the exits of two runs differ, by cause.

import type { Command } from 'commander';

import { difference } from '@worldswitch/vmm';
import type { CauseTotal } from '@worldswitch/vmm';

import { readLedgers } from '../compare/ledgers.ts';
import type { NamedLedger } from '../compare/ledgers.ts';
import { block, grouped } from '../compare/table.ts';
import type { Row } from '../compare/table.ts';
import { CliError } from '../errors.ts';

interface DiffOptions {
  readonly system?: string;
  readonly json?: boolean;
}

/** The ledger of the system that is asked for, or else the first. */
function chosen(path: string, all: readonly NamedLedger[], system: string | undefined): NamedLedger {
  const found = system === undefined ? all[0] : all.find((one) => one.system === system);
  if (found !== undefined) return found;
  if (system === undefined) throw new CliError(`ledger ${path}: has no system with exits`);
  const names = all.map((one) => one.system).join(', ');
  throw new CliError(`--system ${system}: ${path} has ${names === '' ? 'none' : names}`);
}

const signed = (n: number): string => (n > 0 ? `+${grouped(n)}` : n < 0 ? `-${grouped(-n)}` : '0');

type Cost = Exclude<keyof CauseTotal, 'cause'>;
const COSTS: readonly Cost[] = ['exits', 'instructions', 'registers', 'bytes', 'memory', 'transitions'];

/** A line for each cause that differs, and one of all causes. */
function rowsOf(before: NamedLedger, after: NamedLedger): readonly Row[] {
  const rows = difference(before.ledger, after.ledger);
  const cells = (of: (cost: Cost) => number): string[] => COSTS.map((cost) => signed(of(cost)));
  const each = rows.map(({ cause, before: a, after: b }): Row => [
    cause,
    `${grouped(a?.exits ?? 0)} to ${grouped(b?.exits ?? 0)}`,
    ...cells((cost) => (b?.[cost] ?? 0) - (a?.[cost] ?? 0)),
  ]);
  const sum = (ledger: NamedLedger['ledger'], cost: Cost): number =>
    ledger.totals().reduce((all, total) => all + total[cost], 0);
  return [
    ...each,
    [
      'all',
      `${grouped(before.ledger.length)} to ${grouped(after.ledger.length)}`,
      ...cells((cost) => sum(after.ledger, cost) - sum(before.ledger, cost)),
    ],
  ];
}

async function diff(first: string, second: string, o: DiffOptions): Promise<void> {
  const before = chosen(first, await readLedgers(first), o.system);
  const after = chosen(second, await readLedgers(second), o.system);
  if (o.json === true) {
    process.stdout.write(`${JSON.stringify(difference(before.ledger, after.ledger), undefined, 1)}\n`);
    return;
  }
  const same = difference(before.ledger, after.ledger).length === 0;
  const title = `${first} (${before.system}) to ${second} (${after.system})`;
  const lines = same
    ? [`${title}: the same exits at the same costs`]
    : block(title, rowsOf(before, after), ['cause', 'how many', ...COSTS]);
  process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
}

/** Adds the command. */
export function addLedger(program: Command): void {
  program
    .command('ledger')
    .description('files that compare --ledger wrote')
    .exitOverride()
    .command('diff')
    .description('how the exits of two runs differ, by cause')
    .argument('<before>')
    .argument('<after>')
    .option('--system <name>', 'whose exits, where a file has several; the first when absent')
    .option('--json', 'for programs')
    .exitOverride()
    .action(diff);
}
