// Directed test cases for floating point: every case of its rows, with all pairs of edges of its
// format, the modes of FPCR in turn.

import { Layout } from '../../src/cpu/layout.ts';
import { referenceEvaluator } from '../../src/reference/index.ts';
import { floatRows } from '../../src/rows/float/index.ts';
import { simdFloatRows } from '../../src/rows/simd-float/index.ts';
import { cases, decode, encodeFields, parseEncoding } from '../../src/table/index.ts';
import type { AnyRow, Case } from '../../src/table/index.ts';
import type { Place } from './batch.ts';
import type { TestCase } from './generate.ts';
import { Signal, TestHost } from './test-host.ts';

type Size = 16 | 32 | 64;
const FRACTION: Readonly<Record<Size, number>> = { 16: 10, 32: 23, 64: 52 };

/**
 * Zero, the smallest and the largest denormal, the smallest normal number and its neighbour, one and its neighbours, halfway
 * cases, the largest number, infinity, and NaNs; with both signs.
 */
const edgesOf = (size: Size): readonly bigint[] => {
  const f = BigInt(FRACTION[size]);
  const ones = (1n << f) - 1n;
  const top = (1n << (BigInt(size) - 1n - f)) - 1n;
  const bias = top >> 1n;
  const make = (exponent: bigint, fraction: bigint): bigint => (exponent << f) | fraction;
  const positive = [
    0n,
    1n,
    ones,
    make(1n, 0n),
    make(1n, 1n),
    make(bias, 0n),
    make(bias, 1n),
    make(bias - 1n, ones),
    make(bias - 1n, 0n),
    make(bias, 1n << (f - 1n)),
    make(bias + 1n, 1n << (f - 2n)),
    make(bias + (f > bias ? bias : f), 1n),
    make(top - 1n, ones),
    make(top - 2n, 0n),
    make(top, 0n),
    make(top, 1n),
    make(top, 1n << (f - 1n)),
    make(top, (1n << (f - 1n)) | 5n),
  ];
  return positive.flatMap((n) => [n, n | (1n << BigInt(size - 1))]);
};
const edges: Readonly<Record<Size, readonly bigint[]>> = {
  16: edgesOf(16),
  32: edgesOf(32),
  64: edgesOf(64),
};
const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  -1n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x0100_0001n,
  0x7fff_ffff_ffff_ffffn,
  1n << 63n,
  (1n << 53n) + 1n,
  0x7fff_ffbf_ffff_ffffn,
  0x00ff_ffffn,
];

const PAIRS = edges[32].length ** 2;
const rows: ReadonlySet<AnyRow> = new Set([...floatRows, ...simdFloatRows]);
/** The cases of the floating-point rows. */
const floatCases: readonly Case[] = cases.filter(({ row }) => rows.has(row));
/** How many test cases there are. */
export const floatEdgeCount: number = floatCases.length * PAIRS;

/** The format of what a case reads. */
const sourceSize = ({ row, split }: Case): Size => {
  const { ftype, sz, wide } = split;
  if (ftype === 3) return 16;
  if (row.name.startsWith('FCVTL')) return sz === 1 ? 32 : 16;
  return ftype === 1 || sz === 1 || wide === 1 || row.name.startsWith('FCVTXN') ? 64 : 32;
};
const readsIntegers = ({ row, split }: Case): boolean =>
  row.name.startsWith('SCVTF') ||
  (row.name.includes('fixed-point') && split['op'] === 0) ||
  split['opcode'] === 0b11101;

/** 128 bits of a list's elements from the one at `from` on. */
const filled = (list: readonly bigint[], from: number, size: Size): bigint => {
  let result = 0n;
  for (let at = 0; at < 128; at += size) {
    const element = list[(from + at / size) % list.length] ?? 0n;
    result |= BigInt.asUintN(size, element) << BigInt(at);
  }
  return result;
};

/** RMode, FZ, DN and AHP in turn, and not in step with the operands. */
const modes = (pair: number, first: number): number => ((pair + first * 5) % 32) << 22;

/** Makes test cases: `n` from 0 to `floatEdgeCount - 1`. */
export const floatEdgeTest = (): ((n: number, place: Place) => TestCase | undefined) => {
  const host = new TestHost();
  const evaluator = referenceEvaluator(host);
  const { state } = host;
  const setV = (register: number, value: bigint): void => {
    state.u64[Layout.v / 8 + 2 * register] = BigInt.asUintN(64, value);
    state.u64[Layout.v / 8 + 2 * register + 1] = value >> 64n;
  };
  return (n, place) => {
    const pair = Math.floor(n / floatCases.length);
    const tested = floatCases[n % floatCases.length];
    if (tested === undefined) return undefined;
    const encoding = parseEncoding(tested.row.encoding);
    const fields: Record<string, number> = {
      nzcv: pair,
      cond: pair,
      scale: 63 - (pair % 32),
      imm: 63 - (pair % 32),
    };
    Object.assign(fields, { H: pair & 1, imm8: pair, Rd: 0, Rn: 1, Rm: 2, Ra: 3 }, tested.split);
    const word = encodeFields(encoding, fields);
    const decoded = decode(word);
    if (decoded?.row !== tested.row) return undefined;
    const size = sourceSize(tested);
    const list = readsIntegers(tested) ? INTEGERS : edges[size];
    const first = pair % edges[size].length;
    const second = Math.floor(pair / edges[size].length);
    state.bytes.fill(0);
    host.windowAt = place.window;
    host.signal = Signal.none;
    state.pc = place.pc;
    state.setX(31, place.window + 128n);
    state.setX(1, INTEGERS[pair % INTEGERS.length] ?? 0n);
    setV(0, filled(edges[size], first + 2 * second, size));
    setV(1, filled(list, first, size));
    setV(2, filled(edges[size], second, size));
    setV(3, filled(edges[size], 3 * first + second, size));
    state.nzcv = (pair & 15) << 28;
    state.setWord(Layout.fpcr, modes(pair, Math.floor(pair / edges[size].length)));
    const before = host.save();
    evaluator.step(decoded);
    const name: string = tested.row.name;
    return { words: [word], rows: [name], before, after: host.save(), signal: host.signal, taken: false };
  };
};
