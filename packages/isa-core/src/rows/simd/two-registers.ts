// Integer operations on one register, across its lanes, and pairs (DDI 0487 C4.1.96: two-register miscellaneous, across lanes,
// scalar pairwise).

import type { Builder, LaneOp2, LaneSize } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Int, Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arranged, fit, laneBits, laneCount, laneLetter } from './forms.ts';

interface Operation {
  readonly mnemonic: string;
  readonly sizes: readonly number[];
  readonly apply: (b: Builder, size: LaneSize, n: Vec) => Vec;
  /** Written after the registers. */
  readonly zero?: true;
}

const ALL = [0, 1, 2, 3] as const;
const code = (U: number, opcode: number): number => U * 32 + opcode;

/** Reverses the elements of `size` bits in every `unit` bits. */
function reversed(b: Builder, unit: number, size: LaneSize, n: Vec): Vec {
  const bytes = size / 8;
  const group = unit / 8;
  const indices = Array.from({ length: 16 }, (_, i) => {
    const within = i % group;
    return i - within + (group - bytes - (within - (within % bytes))) + (within % bytes);
  });
  return b.shuffle(n, n, indices);
}

const compareZero = (mnemonic: string, op: LaneOp2, swapped = false): Operation => ({
  mnemonic,
  sizes: ALL,
  zero: true,
  apply: (b, size, n) => (swapped ? b.lanes2(op, size, b.vzero(), n) : b.lanes2(op, size, n, b.vzero())),
});

const operations: Readonly<Record<number, Operation>> = {
  [code(0, 0)]: { mnemonic: 'rev64', sizes: [0, 1, 2], apply: (b, s, n) => reversed(b, 64, s, n) },
  [code(1, 0)]: { mnemonic: 'rev32', sizes: [0, 1], apply: (b, s, n) => reversed(b, 32, s, n) },
  [code(0, 1)]: { mnemonic: 'rev16', sizes: [0], apply: (b, s, n) => reversed(b, 16, s, n) },
  [code(1, 4)]: { mnemonic: 'clz', sizes: [0, 1, 2], apply: (b, s, n) => b.lanes1('clz', s, n) },
  [code(0, 5)]: { mnemonic: 'cnt', sizes: [0], apply: (b, s, n) => b.lanes1('cnt', s, n) },
  [code(0, 8)]: compareZero('cmgt', 'gts'),
  [code(1, 8)]: compareZero('cmge', 'ges'),
  [code(0, 9)]: compareZero('cmeq', 'eq'),
  [code(1, 9)]: compareZero('cmle', 'ges', true),
  [code(0, 10)]: compareZero('cmlt', 'gts', true),
  [code(0, 11)]: { mnemonic: 'abs', sizes: ALL, apply: (b, s, n) => b.lanes1('abs', s, n) },
  [code(1, 11)]: { mnemonic: 'neg', sizes: ALL, apply: (b, s, n) => b.lanes1('neg', s, n) },
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));
const find = (s: {
  readonly U: number;
  readonly opcode: number;
  readonly size: number;
}): Operation | undefined => {
  const operation = operations[code(s.U, s.opcode)];
  return operation?.sizes.includes(s.size) ? operation : undefined;
};

const miscellaneous: AnyRow = row({
  name: 'Advanced SIMD two-register miscellaneous (integer)',
  encoding: '0 Q U 01110 size:2 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.flatMap(({ operation, set }) =>
    arranged(`${operation.mnemonic} <Vd.*>, <Vn.*>${operation.zero ? ', <zero>' : ''}`, operation.sizes, set),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) => find(s) !== undefined && !(s.size === 3 && s.Q === 0),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, s) {
    const operation = find(s);
    if (operation) b.setV(d, fit(b, operation.apply(b, laneBits(s.size), b.v(n)), s.Q));
  },
});

/** The scalar forms, of 64 bits. */
const SCALAR = [code(0, 8), code(1, 8), code(0, 9), code(1, 9), code(0, 10), code(0, 11), code(1, 11)];
const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar two-register miscellaneous (integer)',
  encoding: '01 U 11110 11 10000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries
    .filter(({ set }) => SCALAR.includes(code(set.U, set.opcode)))
    .map(({ operation, set }) => ({
      text: `${operation.mnemonic} <Dd>, <Dn>${operation.zero ? ', <zero>' : ''}`,
      set,
    })),
  split: ['U', 'opcode'],
  allocated: (s) => SCALAR.includes(code(s.U, s.opcode)),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, s) {
    const operation = operations[code(s.U, s.opcode)];
    if (operation) b.setV(d, b.lowHalf(operation.apply(b, 64, b.v(n))));
  },
});

const notRbit: AnyRow = row({
  name: 'NOT/RBIT (vector)',
  encoding: '0 Q 101110 0 reverse 10000 00101 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: ['mvn', 'rbit'].flatMap((mnemonic, reverse) =>
    ['8b', '16b'].map((t, Q) => ({ text: `${mnemonic} <Vd.${t}>, <Vn.${t}>`, set: { Q, reverse } })),
  ),
  split: ['Q', 'reverse'],
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, reverse }) {
    b.setV(d, fit(b, b.lanes1(reverse ? 'rbit' : 'not', 8, b.v(n)), Q));
  },
});

const extractNarrow: AnyRow = row({
  name: 'XTN/XTN2',
  encoding: '0 Q 001110 size:2 10000 10010 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: [0, 1, 2].flatMap((size) => [
    {
      text: `xtn <Vd.${64 / laneBits(size)}${laneLetter(size)}>, <Vn.${64 / laneBits(size)}${laneLetter(size + 1)}>`,
      set: { Q: 0, size },
    },
    {
      text: `xtn2 <Vd.${128 / laneBits(size)}${laneLetter(size)}>, <Vn.${64 / laneBits(size)}${laneLetter(size + 1)}>`,
      set: { Q: 1, size },
    },
  ]),
  split: ['Q', 'size'],
  allocated: (s) => s.size !== 3,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, size }) {
    b.setV(d, narrowed(b, laneBits(size), b.v(n), b.v(d), Q));
  },
});

/** The low halves of lanes of `2 * size` bits, in the low half of the result or above what is there. */
export function narrowed(b: Builder, size: LaneSize, n: Vec, d: Vec, Q: number): Vec {
  const bytes = size / 8;
  const indices = Array.from({ length: 16 }, (_, i) => {
    const within = i % 8;
    const source = Math.floor(within / bytes) * 2 * bytes + (within % bytes);
    return Q && i < 8 ? 16 + i : source;
  });
  const both = b.shuffle(n, d, indices);
  return Q ? both : b.lowHalf(both);
}

const ACROSS: readonly (readonly [mnemonic: string, U: number, opcode: number, fold: 'add' | LaneOp2])[] = [
  ['addv', 0, 27, 'add'],
  ['smaxv', 0, 10, 'maxs'],
  ['umaxv', 1, 10, 'maxu'],
  ['sminv', 0, 26, 'mins'],
  ['uminv', 1, 26, 'minu'],
];

/** All lanes folded into lane 0 by halving: the upper half of what is left onto the lower. */
function folded(b: Builder, op: LaneOp2, size: LaneSize, count: number, n: Vec): Vec {
  let value = n;
  for (let left = count; left > 1; left /= 2) {
    value = b.lanes2(op, size, value, b.extract(value, value, ((left / 2) * size) / 8));
  }
  return value;
}

const across: AnyRow = row({
  name: 'Advanced SIMD across lanes (integer)',
  encoding: '0 Q U 01110 size:2 11000 opcode:5 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: ACROSS.flatMap(([mnemonic, U, opcode]) =>
    [0, 1, 2].flatMap((size) =>
      arranged(
        `${mnemonic} <${laneLetter(size).toUpperCase()}d>, <Vn.*>`,
        [size],
        { U, opcode },
        (s, Q) => s !== 2 || Q === 1,
      ),
    ),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) =>
    ACROSS.some(([, U, opcode]) => U === s.U && opcode === s.opcode) &&
    s.size !== 3 &&
    (s.size !== 2 || s.Q === 1),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, U, size, opcode }) {
    const op = ACROSS.find((a) => a[1] === U && a[2] === opcode)?.[3] ?? 'add';
    const bits = laneBits(size);
    const value = folded(b, op, bits, laneCount(size, Q), b.v(n));
    b.setV(d, b.withLane(bits, b.vzero(), 0, b.lane(bits, value, 0, false, 64)));
  },
});

const addLong: AnyRow = row({
  name: 'SADDLV/UADDLV',
  encoding: '0 Q U 01110 size:2 11000 00011 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: ['saddlv', 'uaddlv'].flatMap((mnemonic, U) =>
    [0, 1, 2].flatMap((size) =>
      arranged(
        `${mnemonic} <${laneLetter(size + 1).toUpperCase()}d>, <Vn.*>`,
        [size],
        { U },
        (s, Q) => s !== 2 || Q === 1,
      ),
    ),
  ),
  split: ['Q', 'U', 'size'],
  allocated: (s) => s.size !== 3 && (s.size !== 2 || s.Q === 1),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { Q, U, size }) {
    const value = b.v(n);
    let sum: Int<64> = b.int(64, 0);
    for (let i = 0; i < laneCount(size, Q); i++)
      sum = b.add(sum, b.lane(laneBits(size), value, i, U === 0, 64));
    b.setV(d, b.withLane(laneBits(size + 1), b.vzero(), 0, sum));
  },
});

const addPairScalar: AnyRow = row({
  name: 'ADDP (scalar)',
  encoding: '01 0 11110 11 11000 11011 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: [{ text: 'addp <Dd>, <Vn.2d>' }],
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }) {
    const value = b.v(n);
    const sum = b.add(b.lane(64, value, 0, false, 64), b.lane(64, value, 1, false, 64));
    b.setV(d, b.withLane(64, b.vzero(), 0, sum));
  },
});

/** All of them. */
export const twoRegisters: readonly AnyRow[] = [
  miscellaneous,
  scalar,
  notRbit,
  extractNarrow,
  across,
  addLong,
  addPairScalar,
];
