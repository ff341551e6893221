// Assembly forms of Advanced SIMD floating point: one for each arrangement.

import type { LaneOperation } from './lanes.ts';

/** An assembly form that holds for some values of fields. */
export interface Form {
  readonly text: string;
  readonly set: Readonly<Record<string, number>>;
}

/** The arrangements that `sz` and `Q` make. */
const arrangements = [
  { name: '2s', set: { sz: 0, Q: 0 } },
  { name: '4s', set: { sz: 0, Q: 1 } },
  { name: '2d', set: { sz: 1, Q: 1 } },
] as const;

/** The vector forms of an operation: `.T` in the operands stands for the arrangement, `.e` for the element's letter. */
export const vectorForms = (
  { mnemonic, only }: Pick<LaneOperation, 'mnemonic' | 'only'>,
  operands: string,
  set: Readonly<Record<string, number>>,
): readonly Form[] =>
  arrangements
    .filter((a) => only === undefined || a.set.sz === only)
    .map((a) => ({
      text: `${mnemonic} ${operands.replaceAll('.T', `.${a.name}`).replaceAll('.e', `.${a.name.charAt(1)}`)}`,
      set: { ...set, ...a.set },
    }));

/** The scalar forms of an operation: `<F` in the operands stands for `<S` and `<D`, `.e` for the element's letter. */
export const scalarForms = (
  { mnemonic, only }: Pick<LaneOperation, 'mnemonic' | 'only'>,
  operands: string,
  set: Readonly<Record<string, number>>,
): readonly Form[] =>
  ['s', 'd']
    .map((letter, sz) => ({
      text: `${mnemonic} ${operands.replaceAll('<F', `<${letter.toUpperCase()}`).replaceAll('.e', `.${letter}`)}`,
      set: { ...set, sz },
    }))
    .filter((form) => only === undefined || form.set.sz === only);
