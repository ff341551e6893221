// Assembly forms of vector instructions, one for each arrangement, and the numbers of their lanes.

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import type { Vec } from '../../semantics/values.ts';
import type { AsmForm } from '../../table/row.ts';

const SIZES = [8, 16, 32, 64] as const;
const LETTERS = ['b', 'h', 's', 'd'] as const;

/** Bits of a lane by the size field. */
export const laneBits = (size: number): LaneSize => SIZES[(size & 3) as 0 | 1 | 2 | 3];
/** The letter of a lane by the size field. */
export const laneLetter = (size: number): string => LETTERS[(size & 3) as 0 | 1 | 2 | 3];
/** Lanes of a register of 64 (Q = 0) or 128 bits. */
export const laneCount = (size: number, Q: number): number => (Q ? 128 : 64) / laneBits(size);
/** `4s`. */
export const arrangement = (size: number, Q: number): string => `${laneCount(size, Q)}${laneLetter(size)}`;

/** What a 64-bit vector instruction leaves in the upper half. */
export const fit = (b: Builder, value: Vec, Q: number): Vec => (Q ? value : b.lowHalf(value));

/** A form for each Q and each of these sizes: `*` stands for the arrangement, `#` for that of lanes twice as wide. */
export function arranged(
  text: string,
  sizes: readonly number[],
  set: Readonly<Record<string, number>> = {},
  only?: (size: number, Q: number) => boolean,
): AsmForm[] {
  return sizes.flatMap((size) =>
    [0, 1]
      .filter((Q) => only?.(size, Q) !== false && !(size === 3 && Q === 0 && text.includes('*')))
      .map((Q) => ({
        text: text
          .replaceAll('*', arrangement(size, Q))
          .replaceAll('#', `${64 / laneBits(size)}${laneLetter(size + 1)}`),
        set: { ...set, size, Q },
      })),
  );
}
