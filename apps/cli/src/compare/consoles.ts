// What guests print, compared with what the bare machine's prints.

import type { SystemResult } from './run.ts';
import { grouped } from './table.ts';

type Printed = Pick<SystemResult, 'console'>;

/** The console without what differs by time: numbers. */
const words = (text: string): string => text.replace(/\d+/g, '#').replace(/ +/g, ' ');
const linesOf = ({ console }: Printed): readonly string[] => console.split(/\r?\n/);

/** Whether two consoles have the same lines, in whatever order parallel parts of the guest came to say them. */
export function sameLines(a: Printed, b: Printed): boolean {
  const [x, y] = [a, b].map(({ console }) => [...new Set(words(console).split(/\r?\n/))].sort().join('\n'));
  return x === y;
}

/** Whether a guest prints what it prints natively, but for what may differ. */
export function printsTheSame(result: Printed, native: Printed, timeless: boolean): boolean {
  return timeless ? result.console === native.console : sameLines(result, native);
}

/** That, in a cell of the table. */
export function consoleCell(
  result: SystemResult,
  native: SystemResult | undefined,
  timeless: boolean,
): string {
  if (native === undefined || native === result) return `${grouped(result.console.length)} bytes`;
  if (result.console === native.console) return 'equal';
  if (timeless) return 'different';
  if (words(result.console) === words(native.console)) return 'equal but for times';
  return sameLines(result, native) ? 'same lines, other order' : 'different';
}

const MOST = 6;

/** Lines that one has and the other has not, in its order. */
function only(a: Printed, b: Printed, timeless: boolean): readonly string[] {
  const key = timeless ? (line: string): string => line : words;
  const there = new Set(linesOf(b).map(key));
  return linesOf(a).filter((line) => !there.has(key(line)));
}

/** The first lines that differ, in lines. */
export function consoleLines(
  result: SystemResult,
  native: SystemResult | undefined,
  timeless: boolean,
): readonly string[] {
  if (native === undefined || native === result || printsTheSame(result, native, timeless)) return [];
  const [mine, its] = [only(native, result, timeless), only(result, native, timeless)];
  const count = Math.max(mine.length, its.length);
  const shown = Array.from({ length: Math.min(count, MOST) }, (_, i) => [
    ...(mine[i] === undefined ? [] : [`  natively: ${mine[i]}`]),
    ...(its[i] === undefined ? [] : [`  there:    ${its[i]}`]),
  ]).flat();
  return [
    `${result.system} prints ${count === 1 ? 'a line' : `${grouped(count)} lines`} otherwise than the bare machine:`,
    ...shown,
    ...(count > MOST ? [`  and ${grouped(count - MOST)} more`] : []),
    '',
  ];
}
