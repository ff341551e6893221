// What the scalar floating-point rows share: the field `ftype` and the assembly forms that go with it (DDI 0487 C4.1.96).

/** An assembly form that holds for some values of fields. */
export interface Form {
  readonly text: string;
  readonly set: Readonly<Record<string, number>>;
}

/** The width that `ftype` stands for in Armv8.0: halves are only converted. */
export const widthOf = (ftype: number): 32 | 64 => (ftype === 1 ? 64 : 32);
/** True for the values of `ftype` that arithmetic has: single and double. */
export const isSingleOrDouble = (ftype: number): boolean => ftype < 2;

/** The forms of single and of double precision: `<F` in the text stands for `<S` and `<D`. */
export const precisions = (text: string, set: Readonly<Record<string, number>> = {}): readonly Form[] => [
  { text: text.replaceAll('<F', '<S'), set: { ...set, ftype: 0 } },
  { text: text.replaceAll('<F', '<D'), set: { ...set, ftype: 1 } },
];

/** The forms of a 32-bit and of a 64-bit general register: `<R` in the text stands for `<W` and `<X`. */
export const registers = (forms: readonly Form[]): readonly Form[] =>
  forms.flatMap(({ text, set }) => [
    { text: text.replaceAll('<R', '<W'), set: { ...set, sf: 0 } },
    { text: text.replaceAll('<R', '<X'), set: { ...set, sf: 1 } },
  ]);
