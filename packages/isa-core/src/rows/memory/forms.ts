// The mnemonics of loads and stores by their size and opc fields, from which the assembly forms of each addressing mode follow.

import type { AsmForm } from '../../table/row.ts';

interface Mnemonic {
  readonly size: number;
  readonly opc: number;
  /** What follows `ldr`, `str`, `ldur`, `sttr` …: `b`, `sh` … */
  readonly suffix: string;
  readonly store: boolean;
  readonly register: string;
}

const int = (size: number, opc: number, suffix: string): Mnemonic => ({
  size,
  opc,
  suffix,
  store: opc === 0,
  register: size === 3 || opc === 2 ? '<Xt>' : '<Wt>',
});
const vector = (size: number, opc: number, letter: string): Mnemonic => ({
  size,
  opc,
  suffix: '',
  store: (opc & 1) === 0,
  register: `<${letter}t>`,
});

/** General registers. */
const ints: readonly Mnemonic[] = [
  int(0, 0, 'b'),
  int(0, 1, 'b'),
  int(0, 2, 'sb'),
  int(0, 3, 'sb'),
  int(1, 0, 'h'),
  int(1, 1, 'h'),
  int(1, 2, 'sh'),
  int(1, 3, 'sh'),
  int(2, 0, ''),
  int(2, 1, ''),
  int(2, 2, 'sw'),
  int(3, 0, ''),
  int(3, 1, ''),
];
/** SIMD and floating-point registers. */
const vectors: readonly Mnemonic[] = [
  vector(0, 0, 'B'),
  vector(0, 1, 'B'),
  vector(0, 2, 'Q'),
  vector(0, 3, 'Q'),
  vector(1, 0, 'H'),
  vector(1, 1, 'H'),
  vector(2, 0, 'S'),
  vector(2, 1, 'S'),
  vector(3, 0, 'D'),
  vector(3, 1, 'D'),
];

/** The forms of one addressing mode: `verbs` is what the mnemonics of a load and of a store begin with. */
const formsOf =
  (mnemonics: readonly Mnemonic[]) =>
  (verbs: readonly [string, string], address: string, more: Omit<AsmForm, 'text' | 'set'> = {}): AsmForm[] =>
    mnemonics.map(({ size, opc, suffix, store, register }) => ({
      text: `${verbs[store ? 1 : 0]}${suffix} ${register}, ${address}`,
      set: { size, opc },
      ...more,
    }));

/** Forms of loads and stores of general registers. */
export const intForms: ReturnType<typeof formsOf> = formsOf(ints);
/** Forms of loads and stores of SIMD and floating-point registers. */
export const vectorForms: ReturnType<typeof formsOf> = formsOf(vectors);
