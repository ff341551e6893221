// `worldswitch bench`: which kernels, on which engines, how often.

import type { Command } from 'commander';

import { benchKernels } from '@worldswitch/guests';
import type { BenchKernel } from '@worldswitch/guests';

import { CliError } from '../errors.ts';
import { checkWritable, writeNamed } from '../files.ts';
import { onSignals, statusOf } from '../signals.ts';
import { runBoots } from './boots.ts';
import { chosenEngines } from './engines.ts';
import { json, table } from './report.ts';
import { disagreements } from './results.ts';
import type { ProfileCell, Results, WarmUpCell } from './results.ts';
import { profileOf, runRounds, WARM, warmUps } from './rounds.ts';
import type { RoundsOptions } from './rounds.ts';
import { work, WORKER } from './worker.ts';

interface BenchOptions {
  readonly engines?: string;
  readonly rounds?: number;
  readonly json?: string;
  readonly quick?: boolean;
  readonly el2?: boolean;
  readonly turns?: boolean;
  readonly profile?: boolean;
}

/** What may be named besides kernels. */
const DEBIAN = 'debian';
const WARM_UP = 'warmup';
const GROUPS = ['hot', 'vector', 'system'] as const;

const say = (line: string): void => {
  process.stderr.write(`worldswitch: ${line}\n`);
};

/** `--rounds 5`. */
function parseRounds(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 100)
    throw new CliError(`--rounds ${text}: must be a whole number, 1 to 100`);
  return n;
}

interface Wanted {
  readonly kernels: readonly BenchKernel[];
  readonly warm: boolean;
  readonly debian: boolean;
  readonly profile?: boolean;
}

/** What the words name: kernels, groups of them, `warmup`, `debian`; everything when there are none. */
export function wantedOf(words: readonly string[]): Wanted {
  if (words.length === 0) return { kernels: benchKernels, warm: true, debian: true };
  const isKnown = (word: string): boolean =>
    word === DEBIAN || word === WARM_UP || benchKernels.some((k) => k.name === word || k.group === word);
  for (const word of words) {
    if (!isKnown(word))
      throw new CliError(
        `no kernel is called "${word}"; there are ${benchKernels.map((k) => k.name).join(', ')}, ${WARM_UP}, ${DEBIAN}, and the groups ${GROUPS.join(', ')}`,
      );
  }
  return {
    kernels: benchKernels.filter((k) => words.includes(k.name) || words.includes(k.group)),
    warm: words.includes(WARM_UP),
    debian: words.includes(DEBIAN),
  };
}

async function measure(wanted: Wanted, options: RoundsOptions): Promise<Results> {
  const { engines, progress } = options;
  const rows = await runRounds(options);
  const warm: WarmUpCell[] = [];
  const kernel = benchKernels.find(({ name }) => name === WARM);
  if (wanted.warm && kernel !== undefined) {
    progress('warming up');
    for (const engine of engines) {
      if (engine.own === 'reference' || engine.own === 'timing' || engine.own === 'vm') continue;
      warm.push({ engine: engine.name, runs: await warmUps(engine, kernel, options) });
    }
  }
  const boots = wanted.debian ? await runBoots(engines, options) : [];
  const profiles = wanted.profile ? await profilesOf(wanted, options) : [];
  return { engines, rows, warmUps: warm, boots, profiles };
}

async function profilesOf({ kernels, debian }: Wanted, options: RoundsOptions): Promise<ProfileCell[]> {
  const cells: ProfileCell[] = [];
  for (const kernel of [...kernels, ...(debian ? [undefined] : [])]) {
    for (const engine of options.engines) {
      if (engine.own === undefined || engine.own === 'reference') continue;
      const what = kernel?.name ?? DEBIAN;
      options.progress(`where the time goes: ${what}`);
      cells.push({ what, engine: engine.name, shares: await profileOf(engine.own, engine, kernel, options) });
    }
  }
  return cells;
}

async function run(words: readonly string[], o: BenchOptions): Promise<void> {
  const wanted = { ...wantedOf(words), profile: o.profile === true };
  const engines = chosenEngines(o.engines, say);
  await checkWritable(o.json, '--json');
  const quick = o.quick === true;
  const rounds = o.rounds ?? (quick ? 1 : 3);
  const el2 = o.el2 === true;
  const stopping = new AbortController();
  const quiet = onSignals((signal) => {
    stopping.abort();
    process.exitCode = statusOf(signal);
  });
  const turns = o.turns === true;
  const options = { kernels: wanted.kernels, engines, rounds, quick, el2, turns, progress: say };
  try {
    const results = await measure(wanted, { ...options, stop: stopping.signal });
    await tell(results, o, { rounds, quick, el2, turns });
  } catch (thrown) {
    // What was running has ended with the command.
    if (!stopping.signal.aborted) throw thrown;
  } finally {
    quiet();
  }
}

async function tell(
  results: Results,
  o: BenchOptions,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const wrong = disagreements(results.rows);
  for (const line of wrong) say(line);
  const text = json(results, settings);
  if (o.json === '-') process.stdout.write(text);
  else process.stdout.write(`${table(results)}\n`);
  if (o.json !== undefined && o.json !== '-') await writeNamed(o.json, '--json', text);
  if (wrong.length > 0) process.exitCode = 1;
}

const HELP = `
Kernels:
${benchKernels.map((k) => `  ${k.name.padEnd(12)}${k.description}`).join('\n')}
  ${WARM_UP.padEnd(12)}what it costs until ${WARM} is at speed
  ${DEBIAN.padEnd(12)}Debian's kernel from power-on to its shell
  ${GROUPS.join(', ')}: all kernels of that kind

Examples:
  worldswitch bench                               everything: some ten minutes
  worldswitch bench --quick hot                   a first look
  worldswitch bench core fib --engines jit,qemu --rounds 5 --json core.json
  worldswitch bench hot debian --engines jit,vm --turns   what a VM costs

Times are processor time of the process that runs the guest, ratios those of the same round. Where
qemu-system-aarch64 is not installed its columns are absent. Exit status: 1 when results differ between engines.`;

/** Adds the command. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measures kernels on our engines and on QEMU, and compares')
    .argument('[kernels...]', 'which; all when none is named')
    .option(
      '--engines <names>',
      'jit, timing, vm (jit, in a VM of the hypervisor), interpreter, reference, qemu, qemu-icount, with commas between',
    )
    .option('--rounds <n>', 'how often, engine after engine: 3', parseRounds)
    .option('--quick', 'one round, a fifth of the work')
    .option('--el2', 'the kernels run at EL2')
    .option('--turns', 'our fast engines take turns of 20 ms in one process: for ratios among them')
    .option('--profile', 'one more run on each of our engines, to see where its time goes')
    .option('--json <file>', 'write the results as JSON; - is standard output')
    .addHelpText('after', HELP)
    .exitOverride()
    .action(run);
  program.command(WORKER, { hidden: true }).argument('<task>').exitOverride().action(work);
}
