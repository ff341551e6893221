// `--lock-step`: which runs can go in lock-step with the reference engine, and what is said of a difference.

import { LockStep } from '@worldswitch/machine';
import type { Difference, Machine, MachineConfig, MachineOptions } from '@worldswitch/machine';

import { CliError } from './errors.ts';
import type { RunOptions } from './options/run-options.ts';

/** Throws a `CliError` for what two machines cannot both have. */
export function checkLockStep(o: RunOptions): void {
  if (o.lockStep === undefined) return;
  const cards = [o.nic, o.net, o.netdev].flatMap((given) => given ?? []).filter((card) => card !== undefined);
  const shared =
    (o.drive ?? []).length > 0
      ? 'the file of a --drive'
      : cards.some((card) => card.hub !== undefined || card.outside === true || card.cable !== undefined)
        ? 'a --nic that leads outside, or to another card'
        : undefined;
  if (shared !== undefined)
    throw new CliError(`--lock-step runs two machines, and they cannot share ${shared}`);
}

/** The pair of a session, if one is wanted. */
export function lockStepOf(
  every: number | undefined,
  config: MachineConfig,
  machine: Machine,
  outside: Pick<MachineOptions, 'disks' | 'networks'>,
): LockStep | undefined {
  return every === undefined ? undefined : new LockStep(config, machine, { every, outside });
}

/** What came of it, in lines. */
export function lockStepLines({ compared, difference }: LockStep): readonly string[] {
  return difference === undefined
    ? [`worldswitch: in lock-step with the reference engine: ${compared} comparisons, all equal`]
    : differenceLines(difference);
}

function differenceLines({ after, within, culprit, what }: Difference): readonly string[] {
  const where = culprit ?? `one of the ${within} instructions that came then`;
  return [
    `worldswitch: the engines differ after ${after} instructions: ${where}`,
    ...what.map((line) => `  ${line}`),
  ];
}
