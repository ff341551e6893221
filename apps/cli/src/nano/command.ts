// `worldswitch nano`: single operations on each technique, beside what was published of theirs on x86.

import { Option } from 'commander';
import type { Command } from 'commander';

import { costProfileNames } from '@worldswitch/machine';
import type { CostProfileName } from '@worldswitch/machine';

import { CliError } from '../errors.ts';
import { checkWritable, writeNamed } from '../files.ts';
import { measureNano, nanoImages } from './measure.ts';
import { nanoJson, nanoLines } from './report.ts';
import { nanoSystems } from './systems.ts';
import type { NanoSystem } from './systems.ts';

interface NanoOptions {
  readonly systems?: string;
  readonly timing: CostProfileName;
  readonly json?: string;
}

/** The systems that are named, in the order of the table; a technique names all of its systems. */
function chosen(text: string | undefined): readonly NanoSystem[] {
  if (text === undefined) return nanoSystems;
  const names = text.split(',').map((name) => name.trim());
  const matches = (name: string, { name: own, technique }: NanoSystem): boolean =>
    own === name || technique === name;
  const wrong = names.find((name) => !nanoSystems.some((system) => matches(name, system)));
  if (wrong !== undefined)
    throw new CliError(
      `--systems: there is no system "${wrong}"; there are ${nanoSystems.map(({ name }) => name).join(', ')}`,
    );
  return nanoSystems.filter((system) => names.some((name) => matches(name, system)));
}

async function nano({ systems, timing, json }: NanoOptions): Promise<void> {
  const kinds = chosen(systems);
  await checkWritable(json, '--json');
  const images = await nanoImages();
  const runs = kinds.map((system) => {
    process.stderr.write(`worldswitch: nano on ${system.name}\n`);
    return measureNano(system, images, { timing });
  });
  if (json !== '-') process.stdout.write(`${nanoLines(runs, timing).join('\n')}\n`);
  if (json === undefined) return;
  const text = `${nanoJson(runs, timing)}\n`;
  if (json === '-') process.stdout.write(text);
  else await writeNamed(json, '--json', text);
}

/** Adds the command. */
export function addNano(program: Command): void {
  program
    .command('nano')
    .description('what single operations cost by each technique, beside the published figures of x86')
    .option(
      '--systems <names>',
      `some of ${nanoSystems.map(({ name }) => name).join(',')}, or techniques; all when absent`,
    )
    .addOption(
      new Option('--timing <profile>', 'the cost profile of the cycles')
        .choices([...costProfileNames])
        .default('cortex-a57'),
    )
    .option('--json <file>', 'the same for programs; - is standard output, instead of the table')
    .exitOverride()
    .action(nano);
}
