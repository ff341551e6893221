// `worldswitch compare`: the same guest on several systems, side by side.

import { Option } from 'commander';
import type { Command } from 'commander';

import { costProfileNames, virt } from '@worldswitch/machine';
import type { CostProfileName, MachineConfig } from '@worldswitch/machine';

import { CliError } from '../errors.ts';
import { checkWritable, readNamed, writeNamed } from '../files.ts';
import { guestNames, namedGuest, refuseHypervisors } from '../guests.ts';
import type { Typed } from '../session.ts';
import { printsTheSame } from './consoles.ts';
import { equivalenceOf } from './equivalence.ts';
import { ledgersOf, ledgerText, traceText } from './ledgers.ts';
import { reportJson, reportLines } from './report.ts';
import { runOn } from './run.ts';
import type { SystemResult } from './run.ts';
import { SHADOW_HELP } from './shadow.ts';
import { HARDWARE, namedSystems, native, systems } from './system.ts';
import type { SystemKind } from './system.ts';
import { parseTraps, trapNames, USUAL_TRAPS } from './traps.ts';
import type { TrapChoice } from './traps.ts';

interface CompareOptions {
  readonly systems?: string;
  readonly smp: string;
  readonly gic: string;
  readonly memory?: string;
  readonly append?: string;
  readonly input?: string;
  readonly inputAfter?: string;
  readonly until?: string;
  readonly instructions: string;
  readonly events: string;
  readonly timing?: CostProfileName;
  readonly traps?: readonly TrapChoice[];
  readonly ledger?: string;
  readonly trace?: string;
  readonly json?: string;
}

const say = (line: string): void => {
  process.stderr.write(`worldswitch: ${line}\n`);
};

/** The systems that are named, in the order of the table; those that can run every board where none is. */
function chosenSystems(text: string | undefined, board: MachineConfig): readonly SystemKind[] {
  if (text === undefined) return systems;
  const named = namedSystems(text);
  // Before the others of them have run.
  for (const kind of named) {
    const why = kind.refuses(board);
    if (why !== undefined) throw new CliError(`--systems: ${kind.name} cannot run this board: ${why}`);
  }
  return named;
}

function whole(option: string, text: string, [low, high]: readonly [number, number]): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < low || n > high)
    throw new CliError(`${option} ${text}: must be a whole number, ${low} to ${high}`);
  return n;
}

/** Debian's shell does not end by itself. */
const ENDS: Readonly<Record<string, Typed>> = {
  debian: { after: 'Debian is up', bytes: new TextEncoder().encode('poweroff -f\n') },
  'debian-cloud': { after: 'Debian is up', bytes: new TextEncoder().encode('poweroff -f\n') },
};

/** What `compare` is when nothing is said. */
const DEFAULTS: CompareOptions = { smp: '1', gic: '2', instructions: '20000000000', events: '10000' };

/** How many times the wanted events are looked at where the console shows that there is a difference. */
const SEARCH = 100;
const BEYOND = 1000;

/** Runs a guest on systems and prints them side by side. */
export async function compare(name: string, given: Partial<CompareOptions> = {}): Promise<void> {
  const o: CompareOptions = { ...DEFAULTS, ...given };
  const cpus = whole('--smp', o.smp, [1, 8]);
  const gic = whole('--gic', o.gic, [2, 3]) === 3 ? 3 : 2;
  const kinds = chosenSystems(o.systems, { cpus, gic: { version: gic } });
  const most = whole('--instructions', o.instructions, [1, Number.MAX_SAFE_INTEGER]);
  const events = whole('--events', o.events, [0, Number.MAX_SAFE_INTEGER]);
  if (!(name in guestNames))
    throw new CliError(`no guest is called "${name}"; there are ${Object.keys(guestNames).join(', ')}`);
  refuseHypervisors(name);
  const traps = o.traps ?? [];
  if (traps.length > 0 && !kinds.some((kind) => kind.name === HARDWARE))
    throw new CliError(`--traps: ${HARDWARE} is not among the systems`);
  for (const option of ['json', 'ledger', 'trace'] as const) await checkWritable(o[option], `--${option}`);
  const guest = await namedGuest(name, { append: o.append, xenAppend: undefined, cpus, say });
  if (guest.images === undefined) throw new CliError(`${name} has nothing to boot`);
  const typed = [...(guest.typed ?? [])];
  const end = ENDS[name];
  if (o.input !== undefined)
    typed.push({ bytes: await readNamed(o.input, '--input'), after: o.inputAfter ?? end?.after });
  else if (end) typed.push(end);
  const board = {
    ...virt({ memory: o.memory ?? guest.memory ?? '256M', cpus, gic: { version: gic } }),
    ...(o.timing !== undefined && { timing: o.timing }),
  };
  const results: SystemResult[] = [];
  // Those behind one that differs are looked at beyond the event at which it did.
  let wanted = events;
  for (const kind of kinds) {
    for (const choice of [undefined, ...(kind.name === HARDWARE ? traps : [])]) {
      say(`${name} on ${kind.name}: ${choice === undefined ? kind.about : `traps ${choice.text}`}`);
      const compared = { name, board, images: guest.images, traps: choice };
      const result = runOn(kind, compared, { typed, until: o.until ?? guest.until, most });
      let equivalence = equivalenceOf(kind, compared, { events: wanted });
      const [first] = results;
      // What is printed otherwise comes of an event: the first that differs is looked for beyond those that were wanted.
      const isHidden = equivalence !== undefined && equivalence.difference === undefined;
      if (
        isHidden &&
        first?.system === native.name &&
        !printsTheSame(result, first, guest.timeless === true)
      ) {
        say(`${name} on ${kind.name}: prints something else; looks for the first event that differs`);
        equivalence = equivalenceOf(kind, compared, { events: SEARCH * events });
      }
      if (equivalence?.difference) wanted = Math.max(wanted, equivalence.events + BEYOND);
      results.push({ ...result, ...(equivalence && { equivalence }) });
    }
  }
  const ledgers = ledgersOf(results);
  if (o.ledger !== undefined) await writeNamed(o.ledger, '--ledger', ledgerText(name, ledgers));
  if (o.trace !== undefined) await writeNamed(o.trace, '--trace', traceText(ledgers));
  if (o.json !== '-') process.stdout.write(`${reportLines(name, results, guest.timeless).join('\n')}\n`);
  if (o.json !== undefined) {
    const text = `${reportJson(name, results)}\n`;
    if (o.json === '-') process.stdout.write(text);
    else await writeNamed(o.json, '--json', text);
  }
  if (results.some(({ end: how }) => how === 'dead')) process.exitCode = 1;
}

/** Adds the command. */
export function addCompare(program: Command): void {
  program
    .command('compare')
    .description('runs the same guest on several systems and prints them side by side')
    .argument('[guest]', Object.keys(guestNames).join(', '), 'tiny')
    .option(
      '--systems <names>',
      `some of ${systems.map(({ name }) => name).join(',')}; these when absent. The last two may have :SHADOW, how their shadow tables follow the guest's: ${SHADOW_HELP}. Besides there are rewritten:trap, rewritten:fix-up and rewritten:vectors, trap-and-emulate of a kernel that is rewritten before it runs. Or all, with each kind of shadow tables once`,
    )
    .option('--smp <n>', 'CPUs of the guest', DEFAULTS.smp)
    .option('--gic <version>', '2 or 3', DEFAULTS.gic)
    .option('-m, --memory <size>', "the guest's memory, such as 512M")
    .option('--append <text>', "the guest's command line")
    .option('--input <file>', 'typed into the console')
    .option('--input-after <text>', 'when this was printed')
    .option('--until <text>', 'ends a run when this is printed')
    .option('--instructions <n>', 'ends a run after so many', DEFAULTS.instructions)
    .addOption(
      new Option(
        '--timing <profile>',
        'cycles by a cost profile, those of the hypervisor too; virtual time is cycles',
      ).choices([...costProfileNames]),
    )
    .option(
      '--traps <names>',
      `one more column with these controls of ${HARDWARE} (usually ${USUAL_TRAPS}): ${Object.keys(trapNames).join(', ')}; may be repeated`,
      (text: string, before: readonly TrapChoice[] | undefined) => [...(before ?? []), parseTraps(text)],
    )
    .option('--ledger <file>', 'write a row for each exit, for worldswitch ledger diff')
    .option('--trace <file>', 'write the exits as a trace for Perfetto (ui.perfetto.dev)')
    .option(
      '--events <n>',
      'architectural events to compare with the bare machine; 0 is none',
      DEFAULTS.events,
    )
    .option('--json <file>', 'the same for programs; - is standard output, instead of the table')
    .exitOverride()
    .action(compare);
}
