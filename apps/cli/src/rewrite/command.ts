// `worldswitch rewrite GUEST`: what impure virtualisation makes of a kernel before it runs: how many instructions of which kind, and each
// word that is another one.

import { Option } from 'commander';
import type { Command } from 'commander';

import { describeRewritten, IMPURE, instructionName, rewriteKernel } from '@worldswitch/hypervisor-classic';
import type { Impure, RewrittenKernel } from '@worldswitch/hypervisor-classic';
import { codeByElf, ConfigurationError, readKernel, unpacked } from '@worldswitch/machine';
import type { LoadedKernel } from '@worldswitch/machine';

import { block, grouped } from '../compare/table.ts';
import type { Row } from '../compare/table.ts';
import { CliError } from '../errors.ts';
import { readNamed } from '../files.ts';
import { namedGuest, refuseHypervisors } from '../guests.ts';

interface RewriteOptions {
  readonly with: Impure;
  readonly kernel?: string;
  readonly elf?: string;
  readonly words: string;
  readonly json?: boolean;
}

const RAM = 0x4000_0000;
const SHOWN = 40;

const say = (line: string): void => {
  process.stderr.write(`worldswitch: ${line}\n`);
};

/** Throws for a raw binary, of which nothing says where it goes. */
function kernelIn(bytes: Uint8Array, name: string): LoadedKernel {
  try {
    return readKernel(bytes, name, RAM);
  } catch (thrown) {
    // There is no --load here.
    if (thrown instanceof ConfigurationError)
      throw new CliError(thrown.message.replace(/; for a raw binary.*/, ''));
    throw thrown;
  }
}

async function kernelOf(name: string, o: RewriteOptions): Promise<LoadedKernel> {
  if (o.kernel !== undefined) {
    const bytes = await unpacked(await readNamed(o.kernel, '--kernel'), o.kernel);
    const kernel = kernelIn(bytes, o.kernel);
    if (o.elf === undefined) return kernel;
    return { ...kernel, code: codeByElf(await readNamed(o.elf, '--elf'), `--elf ${o.elf}`, kernel) };
  }
  if (o.elf !== undefined) throw new CliError(`--elf ${o.elf}: is for a kernel of your own, --kernel FILE`);
  refuseHypervisors(name);
  const { images } = await namedGuest(name, { append: undefined, xenAppend: undefined, cpus: 1, say });
  if (images?.kernel === undefined) throw new CliError(`${name} has no kernel`);
  return images.kernel;
}

type Column = 'fix-up' | 'trap' | 'left' | 'doubtful';
const COLUMNS: readonly Column[] = ['fix-up', 'trap', 'left', 'doubtful'];

/** By instruction: how many became what. */
function countsOf({ rewriting, left, doubtful }: RewrittenKernel): ReadonlyMap<string, Map<Column, number>> {
  const counts = new Map<string, Map<Column, number>>();
  const count = (word: number, column: Column): void => {
    const name = instructionName(word);
    const found = counts.get(name) ?? new Map<Column, number>();
    counts.set(name, found.set(column, (found.get(column) ?? 0) + 1));
  };
  for (const { before, with: how } of rewriting.changes) count(before, how);
  for (const { word } of left) count(word, 'left');
  for (const { word } of doubtful) count(word, 'doubtful');
  return counts;
}

const sum = (counts: ReadonlyMap<Column, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);

function lines(name: string, found: RewrittenKernel, words: number): readonly string[] {
  const { rewriting } = found;
  const counts = [...countsOf(found)].sort((a, b) => sum(b[1]) - sum(a[1]));
  const row = (title: string, of: (column: Column) => number): Row => [
    title,
    ...COLUMNS.map((column) => (of(column) === 0 ? '-' : grouped(of(column)))),
  ];
  const total = (column: Column): number => counts.reduce((all, [, one]) => all + (one.get(column) ?? 0), 0);
  const bytes = rewriting.ranges.reduce((all, { size }) => all + size, 0);
  const shown = rewriting.changes.slice(0, words);
  const more = rewriting.changes.length - shown.length;
  return [
    `${grouped(bytes)} bytes of code, ${rewriting.exact ? 'as its file says' : 'with constants among them: what is beside a word decides'}`,
    ...(rewriting.method === 'vectors'
      ? ['what is behind the exception vectors is rewritten when the kernel says where they are']
      : []),
    '',
    ...block(
      `${name}: sensitive instructions`,
      [...counts.map(([title, one]) => row(title, (column) => one.get(column) ?? 0)), row('all', total)],
      ['instruction', 'fix-up', 'trap', 'left', 'doubtful'],
    ),
    'address     before    after     before                       after',
    ...shown.map(describeRewritten),
    ...(more > 0 ? [`and ${grouped(more)} more: --words ${String(rewriting.changes.length)}`] : []),
  ];
}

function json(found: RewrittenKernel): string {
  const { rewriting, left, doubtful } = found;
  const plain = ({ at, word }: { readonly at: number; readonly word: number }) => ({ at, word });
  return JSON.stringify(
    {
      schema: 1,
      method: rewriting.method,
      exact: rewriting.exact,
      code: rewriting.ranges,
      fixUps: { ...rewriting.arena, count: rewriting.fixUps.length },
      changes: rewriting.changes,
      left: left.map(plain),
      doubtful: doubtful.map(plain),
    },
    undefined,
    1,
  );
}

async function rewrite(name: string, o: RewriteOptions): Promise<void> {
  const words = Number(o.words);
  if (!Number.isInteger(words) || words < 0) throw new CliError(`--words ${o.words}: must be a whole number`);
  const found = rewriteKernel(await kernelOf(name, o), o.with, RAM);
  const text = o.json === true ? json(found) : lines(o.kernel ?? name, found, words).join('\n');
  process.stdout.write(`${text}\n`);
}

/** Adds the command. */
export function addRewrite(program: Command): void {
  program
    .command('rewrite')
    .description('what impure virtualisation changes of a kernel before it runs')
    .argument('[guest]', 'a guest with a kernel', 'tiny')
    .addOption(new Option('--with <way>', 'trap, fix-up or vectors').choices([...IMPURE]).default('fix-up'))
    .option('--kernel <file>', 'a kernel instead')
    .option('--elf <file>', 'an ELF file of it, which says where its code is')
    .option('--words <n>', 'how many of the words that have changed to show', String(SHOWN))
    .option('--json', 'for programs: all of them')
    .exitOverride()
    .action(rewrite);
}
