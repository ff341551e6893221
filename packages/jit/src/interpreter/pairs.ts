// Pairs of instructions that compilers often write one after the other: an arm of their own saves a dispatch.

import type { Variant } from '../emit/case.ts';

/** One variant with what pairs are chosen by. */
interface Half {
  readonly row: string;
  readonly split: Readonly<Record<string, number>>;
  readonly constants: Readonly<Record<string, number>>;
  readonly general: boolean;
}

const half = (v: Variant): Half => ({
  row: v.entry.row.name,
  split: v.entry.split,
  constants: v.constants,
  general: Object.keys(v.constants).length === 0,
});

type Test = (h: Half) => boolean;
const SP = 31;
const ZERO = 32;

/** CMP. */
const compares: Test = ({ row, split, constants }) => {
  const subtracts = split['S'] === 1 && split['op'] === 1 && constants['d'] === ZERO;
  if (row === 'ADD/SUB (immediate)') return subtracts;
  const plain = constants['by'] === 0 && constants['n'] === undefined && split['shift'] === 0;
  return row === 'ADD/SUB (shifted register)' && subtracts && plain;
};
/** TST, and SUBS by an immediate. */
const tests: Test = ({ row, split, constants, general }) => {
  if (row === 'ADD/SUB (immediate)') return general && split['S'] === 1 && split['op'] === 1;
  if (row === 'Logical (immediate)') return split['opc'] === 3 && constants['d'] === ZERO;
  const plain = constants['d'] === ZERO && constants['by'] === 0 && constants['n'] === undefined;
  return (
    row === 'Logical (shifted register)' &&
    plain &&
    split['opc'] === 3 &&
    split['N'] === 0 &&
    split['shift'] === 0
  );
};
/** All but MI, PL, VS and VC, which compilers seldom ask for. */
const conditional: Test = ({ row, split }) => {
  const { cond = 15 } = split;
  return row === 'B.cond' && cond < 14 && (cond & 12) !== 4;
};
const equality: Test = ({ row, split }) => row === 'B.cond' && (split['cond'] ?? 15) < 2;
const compareAndBranch: Test = ({ row }) => row === 'CBZ/CBNZ';

const immediate: Test = ({ row }) => row === 'Load/store register (unsigned immediate)';
const words = (h: Half, opc: number): boolean => (h.split['size'] ?? 0) >= 2 && h.split['opc'] === opc;
const loads: Test = (h) => immediate(h) && (words(h, 1) || (h.split['size'] === 0 && h.split['opc'] === 1));
const wordLoads: Test = (h) => immediate(h) && words(h, 1);
const wordStores: Test = (h) => immediate(h) && words(h, 0);

const onStack: Test = ({ row, split, constants }) =>
  row === 'Load/store register pair' && split['opc'] === 2 && constants['n'] === SP;
const restores: Test = (h) => onStack(h) && h.split['L'] === 1;
const saves: Test = (h) => onStack(h) && h.split['L'] === 0 && h.split['mode'] !== 0;

const page: Test = ({ row }) => row === 'ADRP';
const adds: Test = ({ row, split, general }) =>
  row === 'ADD/SUB (immediate)' && general && split['sf'] === 1 && split['op'] === 0 && split['S'] === 0;
const moves: Test = ({ row, split, constants }) =>
  row === 'Logical (shifted register)' &&
  constants['n'] === ZERO &&
  split['opc'] === 1 &&
  split['N'] === 0 &&
  split['shift'] === 0;
const links: Test = ({ row, split }) => row === 'B/BL' && split['link'] === 1;
const returns: Test = ({ row, split }) => row === 'BR/BLR/RET' && split['opc'] === 2;

const list: readonly (readonly [Test, Test])[] = [
  [compares, conditional],
  [tests, equality],
  [loads, compareAndBranch],
  [wordLoads, wordLoads],
  [wordStores, wordStores],
  [restores, restores],
  [saves, saves],
  [restores, returns],
  [saves, adds],
  [page, adds],
  [page, wordLoads],
  [adds, adds],
  [moves, moves],
  [moves, links],
];

/** The pairs among the variants of the hot loop, as indices into `variants`. */
export function pairsAmong(variants: readonly Variant[]): (readonly [number, number])[] {
  const halves = variants.map(half);
  const indicesOf = (test: Test): number[] => halves.flatMap((h, i) => (test(h) ? [i] : []));
  return list.flatMap(([first, second]) => {
    const seconds = indicesOf(second);
    return indicesOf(first).flatMap((a) => seconds.map((b) => [a, b] as const));
  });
}
