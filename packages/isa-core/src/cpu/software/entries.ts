// Where calls of software begin in its page (DDI 0487 D1.4 for the vectors).

import { SoftwareEntry } from '@worldswitch/platform';
import type { Exception } from '@worldswitch/platform';

const KINDS = ['synchronous', 'irq', 'fiq', 'serror'] as const;
const GROUPS = ['current-sp0', 'current-spx', 'lower-a64', 'lower-a32'] as const;
/** By vector. */
export const exceptions: readonly Exception[] = GROUPS.flatMap((from) =>
  KINDS.map((kind) => Object.freeze({ kind, from })),
);

/** True where calls begin. */
export const isEntry = (offset: number): boolean =>
  offset === SoftwareEntry.boot ||
  offset === SoftwareEntry.task ||
  (offset < SoftwareEntry.boot && offset % 0x80 === 0);

/** An entry in words. */
export function describeEntry(offset: number): string {
  const exception = exceptions[offset >>> 7];
  if (offset === SoftwareEntry.boot) return 'its power-on entry';
  return exception === undefined || offset > SoftwareEntry.boot
    ? 'its task entry'
    : `its vector 0x${offset.toString(16)} (${exception.kind}, ${exception.from})`;
}
