// Saturating and pairwise operations on one register: SQABS, SQNEG, SUQADD, USQADD, CLS, SADDLP, SADALP, SQXTN, SQXTUN, UQXTN, SHLL
// (DDI 0487 C4.1.96, Advanced SIMD two-register miscellaneous and its scalar form).

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Int, Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arranged, arrangement, laneBits, laneCount, laneLetter } from './forms.ts';
import { mixedAdd, saturate, saturatingSub } from './lane-arithmetic.ts';
import { narrowed } from './two-registers.ts';

const ALL = [0, 1, 2, 3] as const;
const NARROW = [0, 1, 2] as const;
const code = (U: number, opcode: number): number => U * 32 + opcode;

/** An operation on a lane and the destination's lane. */
interface LaneOperation {
  readonly mnemonic: string;
  readonly sizes: readonly number[];
  /** Signedness of the lane and of the destination's. */
  readonly signed: readonly [boolean, boolean];
  readonly apply: (b: Builder, size: LaneSize, n: Int<64>, d: Int<64>) => Int<64>;
  readonly scalar?: true;
}

const negated: LaneOperation['apply'] = (b, size, n) => saturatingSub(true)(b, size, b.int(64, 0), n);
const operations: Readonly<Record<number, LaneOperation>> = {
  [code(0, 3)]: {
    mnemonic: 'suqadd',
    sizes: ALL,
    signed: [false, true],
    scalar: true,
    apply: (b, s, n, d) => mixedAdd(true)(b, s, d, n),
  },
  [code(1, 3)]: {
    mnemonic: 'usqadd',
    sizes: ALL,
    signed: [true, false],
    scalar: true,
    apply: (b, s, n, d) => mixedAdd(false)(b, s, d, n),
  },
  [code(0, 4)]: {
    mnemonic: 'cls',
    sizes: NARROW,
    signed: [true, true],
    // Leading bits equal to the sign, the sign not counted; the lane is sign-extended to 64.
    apply: (b, size, n) => b.sub(b.clz(b.xor(n, b.sar(n, b.int(64, 1)))), b.int(64, 65 - size)),
  },
  [code(0, 7)]: {
    mnemonic: 'sqabs',
    sizes: ALL,
    signed: [true, true],
    scalar: true,
    // Only a negative lane is negated, and only that can saturate: a zero or positive one is subtracted from itself doubled.
    apply: (b, size, n) => {
      const zero = b.int(64, 0);
      const below = b.less(n, zero, true);
      const up = saturatingSub(true)(b, size, zero, b.select(below, n, zero));
      return b.select(below, up, n);
    },
  },
  [code(1, 7)]: { mnemonic: 'sqneg', sizes: ALL, signed: [true, true], scalar: true, apply: negated },
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));

function run(b: Builder, operation: LaneOperation, size: LaneSize, count: number, n: Vec, d: Vec): Vec {
  const inputs = [
    { from: n, size, signed: operation.signed[0] },
    { from: d, size, signed: operation.signed[1] },
  ];
  return b.map(size, count, inputs, (x, y) => operation.apply(b, size, x, y));
}

const vector: AnyRow = row({
  name: 'Advanced SIMD two-register miscellaneous (saturating)',
  encoding: '0 Q U 01110 size:2 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.flatMap(({ operation, set }) =>
    arranged(`${operation.mnemonic} <Vd.*>, <Vn.*>`, operation.sizes, set),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) =>
    operations[code(s.U, s.opcode)]?.sizes.includes(s.size) === true && !(s.size === 3 && s.Q === 0),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, U, size, opcode }) {
    const operation = operations[code(U, opcode)];
    if (operation) b.setV(d, run(b, operation, laneBits(size), laneCount(size, Q), b.v(n), b.v(d)));
  },
});

const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar two-register miscellaneous (saturating)',
  encoding: '01 U 11110 size:2 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries
    .filter(({ operation }) => operation.scalar)
    .flatMap(({ operation, set }) =>
      ALL.map((size) => {
        const r = laneLetter(size).toUpperCase();
        return { text: `${operation.mnemonic} <${r}d>, <${r}n>`, set: { ...set, size } };
      }),
    ),
  split: ['U', 'size', 'opcode'],
  allocated: (s) => operations[code(s.U, s.opcode)]?.scalar === true,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { U, size, opcode }) {
    const operation = operations[code(U, opcode)];
    if (operation) b.setV(d, run(b, operation, laneBits(size), 1, b.v(n), b.v(d)));
  },
});

const pairs: AnyRow = row({
  name: 'SADDLP/UADDLP/SADALP/UADALP',
  encoding: '0 Q U 01110 size:2 10000 00 accumulate 10 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: [0, 1].flatMap((U) =>
    [0, 1].flatMap((accumulate) =>
      NARROW.flatMap((size) =>
        [0, 1].map((Q) => ({
          text: `${U ? 'u' : 's'}ad${accumulate ? 'a' : 'd'}lp <Vd.${size === 2 && Q === 0 ? '1d' : arrangement(size + 1, Q)}>, <Vn.${arrangement(size, Q)}>`,
          set: { Q, U, size, accumulate },
        })),
      ),
    ),
  ),
  split: ['Q', 'U', 'size', 'accumulate'],
  allocated: (s) => s.size !== 3,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, U, size, accumulate }) {
    const bits = laneBits(size);
    const wide = laneBits(size + 1);
    const from = b.v(n);
    const signed = U === 0;
    const halves = [0, 1].map((first) => ({ from, size: bits, signed, first, step: 2 as const }));
    const inputs = accumulate ? [...halves, { from: b.v(d), size: wide, signed }] : halves;
    const sums = b.map(wide, laneCount(size, Q) / 2, inputs, (x, y, acc) => {
      const sum = b.add(x, y);
      return accumulate ? b.add(sum, acc) : sum;
    });
    b.setV(d, sums);
  },
});

/** SQXTUN, SQXTN, UQXTN: by U and opcode. */
const EXTRACTS = [
  { mnemonic: 'sqxtun', U: 1, opcode: 18, from: true, to: false },
  { mnemonic: 'sqxtn', U: 0, opcode: 20, from: true, to: true },
  { mnemonic: 'uqxtn', U: 1, opcode: 20, from: false, to: false },
] as const;
const extractOf = (s: {
  readonly U: number;
  readonly opcode: number;
}): (typeof EXTRACTS)[number] | undefined => EXTRACTS.find((e) => e.U === s.U && e.opcode === s.opcode);

/** Narrows lanes of twice `size`, saturating; from lanes of 64 unsigned bits the comparison is unsigned. */
export function saturateNarrow(b: Builder, size: LaneSize, x: Int<64>, from: boolean, to: boolean): Int<64> {
  if (from || size !== 32) return saturate(b, x, size, to);
  const limit = b.constant64(-1, 0);
  const over = b.less(limit, x, false);
  b.saturated(over);
  return b.select(over, limit, x);
}

function extracted(b: Builder, size: LaneSize, count: number, n: Vec, from: boolean, to: boolean): Vec {
  const wide = (size * 2) as LaneSize;
  return b.map(wide, count, [{ from: n, size: wide, signed: from }], (x) =>
    saturateNarrow(b, size, x, from, to),
  );
}

const extractNarrow: AnyRow = row({
  name: 'SQXTUN/SQXTN/UQXTN',
  encoding: '0 Q U 01110 size:2 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: EXTRACTS.flatMap(({ mnemonic, U, opcode }) =>
    NARROW.flatMap((size) =>
      [0, 1].map((Q) => ({
        text: `${mnemonic}${Q ? '2' : ''} <Vd.${arrangement(size, Q)}>, <Vn.${arrangement(size + 1, 1)}>`,
        set: { Q, U, size, opcode },
      })),
    ),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) => extractOf(s) !== undefined && s.size !== 3,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, s) {
    const how = extractOf(s);
    if (how === undefined) return;
    const bits = laneBits(s.size);
    b.setV(d, narrowed(b, bits, extracted(b, bits, 64 / bits, b.v(n), how.from, how.to), b.v(d), s.Q));
  },
});

const extractScalar: AnyRow = row({
  name: 'SQXTUN/SQXTN/UQXTN (scalar)',
  encoding: '01 U 11110 size:2 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: EXTRACTS.flatMap(({ mnemonic, U, opcode }) =>
    NARROW.map((size) => ({
      text: `${mnemonic} <${laneLetter(size).toUpperCase()}d>, <${laneLetter(size + 1).toUpperCase()}n>`,
      set: { U, size, opcode },
    })),
  ),
  split: ['U', 'size', 'opcode'],
  allocated: (s) => extractOf(s) !== undefined && s.size !== 3,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, s) {
    const how = extractOf(s);
    if (how === undefined) return;
    const bits = laneBits(s.size);
    const value = extracted(b, bits, 1, b.v(n), how.from, how.to);
    b.setV(d, b.withLane(bits, b.vzero(), 0, b.lane(bits, value, 0, false, 64)));
  },
});

const shiftLong: AnyRow = row({
  name: 'SHLL',
  encoding: '0 Q 101110 size:2 10000 10011 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: NARROW.flatMap((size) =>
    [0, 1].map((Q) => ({
      text: `shll${Q ? '2' : ''} <Vd.${arrangement(size + 1, 1)}>, <Vn.${arrangement(size, Q)}>, #${laneBits(size)}`,
      set: { Q, size },
    })),
  ),
  split: ['Q', 'size'],
  allocated: (s) => s.size !== 3,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, size }) {
    const bits = laneBits(size);
    const count = 64 / bits;
    const input = { from: b.v(n), size: bits, signed: false, first: Q * count };
    b.setV(
      d,
      b.map(laneBits(size + 1), count, [input], (x) => b.shl(x, b.int(64, bits))),
    );
  },
});

/** All of them. */
export const narrowingRows: readonly AnyRow[] = [
  vector,
  scalar,
  pairs,
  extractNarrow,
  extractScalar,
  shiftLong,
];
