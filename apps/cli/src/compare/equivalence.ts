// Whether a guest does the same on a system as natively, by its architectural events: runs of their own, in which time moves at
// events alone.

import { compareGuests, nativeGuest } from '@worldswitch/machine';
import type { Equivalence } from '@worldswitch/machine';

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

/** A difference in lines. */
export function differenceLines({ system, difference }: Equivalence): readonly string[] {
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
        ]),
    '',
  ];
}
