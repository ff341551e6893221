// Whether a guest does the same on a system as natively, by its architectural events: runs of their own, in which time moves at
// events alone.

import { holeOf } from '@worldswitch/hypervisor-classic';
import { compareGuests, nativeGuest } from '@worldswitch/machine';
import type { Equivalence } from '@worldswitch/machine';

import type { SystemResult } from './run.ts';
import { native } from './system.ts';
import type { ComparedGuest, SystemKind } from './system.ts';

/** What is compared. */
export interface EventWishes {
  /** Events that are compared at most. */
  readonly events: number;
  readonly progress?: (events: number) => void;
}

/** Compares a system with the bare machine; undefined for the bare machine itself, and where it cannot be. */
export function equivalenceOf(
  kind: SystemKind,
  guest: ComparedGuest,
  { events, progress }: EventWishes,
): Equivalence | undefined {
  const { observe } = kind;
  if (observe === undefined || events === 0 || (guest.board.cpus ?? 1) > 1) return undefined;
  return compareGuests(
    () => nativeGuest('native', native.build(guest, {}).machine),
    () => observe(guest),
    { most: events, progress },
  );
}

const WIDTH = 130;

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ' ');

/** What came of it, in a cell of the table. */
export function equivalenceCell(found: Equivalence | undefined): string {
  if (found === undefined) return '-';
  const { difference, events } = found;
  if (difference === undefined) return `${grouped(events)} equal`;
  return `differ after ${grouped(events)}`;
}

/** Words of the guest's text that are not its own, in a cell of the table. */
export const rewrittenCell = (found: Equivalence | undefined): string =>
  found?.rewritten === undefined ? '-' : `${grouped(found.rewritten)} differ`;

/** Of a system and what it came to. */
type Compared = Pick<SystemResult, 'system' | 'equivalence'>;

/** What theory says of the instruction with which a system parts from the bare machine. */
function holeLines(system: string, word: number | undefined, all: readonly Compared[]): readonly string[] {
  // Others run the guest's kernel at EL1, or another text.
  const hole = system.startsWith('trap-and-emulate') && word !== undefined ? holeOf(word) : undefined;
  if (hole === undefined) return [];
  const translated = all.find((one) => one.system.startsWith('binary-translation'));
  const equal =
    translated?.equivalence?.difference === undefined ? translated?.equivalence?.events : undefined;
  return [
    `  a hole of trap-and-emulate, by theory: ${hole.name}. A sensitive instruction that is not privileged (Popek and Goldberg, theorem 1):`,
    ...wrapped(`${hole.instructions}: ${hole.reason}.`),
    ...wrapped(
      `Binary translation: ${hole.translated}.` +
        (equal === undefined ? '' : ` It passes: ${grouped(equal)} events equal here.`),
    ),
  ];
}

/** Text in lines of a screen's width. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > WIDTH) lines.push(`    ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A difference in lines. */
export function differenceLines(
  { system, equivalence }: Compared,
  all: readonly Compared[],
): readonly string[] {
  const difference = equivalence?.difference;
  if (difference === undefined) return [];
  const { event, native: mine, other, what, culprit } = difference;
  return [
    `${system} does not do what the bare machine does, after ${grouped(event)} equal architectural events:`,
    `  natively: ${mine}`,
    `  there:    ${other}`,
    ...what.map((line) => `  ${line}`),
    ...(culprit === undefined
      ? []
      : [
          `  the instruction: ${culprit.text} at PC ${culprit.pc}, ${grouped(culprit.after)} instructions after the last equal event`,
          ...culprit.what.map((line) => `    ${line}`),
          ...holeLines(system, culprit.word, all),
        ]),
    '',
  ];
}
