// Integer operations on three registers of one kind (DDI 0487 C4.1.96, Advanced SIMD three same).

import type { Builder, LaneOp2, LaneSize } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arranged, fit, laneBits } from './forms.ts';

type Lanes = (b: Builder, size: LaneSize, n: Vec, m: Vec, d: Vec) => Vec;
interface Operation {
  readonly mnemonic: string;
  readonly apply: Lanes;
  /** Sizes that are allocated. */
  readonly sizes: readonly number[];
  /** The result takes the elements of n, then of m, in pairs. */
  readonly pairs?: true;
}

const ALL = [0, 1, 2, 3] as const;
const NARROW = [0, 1, 2] as const;

const plain = (mnemonic: string, op: LaneOp2, sizes: readonly number[] = ALL): Operation => ({
  mnemonic,
  sizes,
  apply: (b, size, n, m) => b.lanes2(op, size, n, m),
});
const pairwise = (mnemonic: string, op: LaneOp2, sizes: readonly number[] = NARROW): Operation => ({
  ...plain(mnemonic, op, sizes),
  pairs: true,
});

/** U and opcode as one number. */
const code = (U: number, opcode: number): number => U * 32 + opcode;

const operations: Readonly<Record<number, Operation>> = {
  [code(0, 6)]: plain('cmgt', 'gts'),
  [code(1, 6)]: plain('cmhi', 'gtu'),
  [code(0, 7)]: plain('cmge', 'ges'),
  [code(1, 7)]: plain('cmhs', 'geu'),
  [code(0, 12)]: plain('smax', 'maxs', NARROW),
  [code(1, 12)]: plain('umax', 'maxu', NARROW),
  [code(0, 13)]: plain('smin', 'mins', NARROW),
  [code(1, 13)]: plain('umin', 'minu', NARROW),
  [code(0, 16)]: plain('add', 'add'),
  [code(1, 16)]: plain('sub', 'sub'),
  [code(0, 17)]: plain('cmtst', 'tst'),
  [code(1, 17)]: plain('cmeq', 'eq'),
  [code(0, 18)]: {
    mnemonic: 'mla',
    sizes: NARROW,
    apply: (b, s, n, m, d) => b.lanes2('add', s, d, b.lanes2('mul', s, n, m)),
  },
  [code(1, 18)]: {
    mnemonic: 'mls',
    sizes: NARROW,
    apply: (b, s, n, m, d) => b.lanes2('sub', s, d, b.lanes2('mul', s, n, m)),
  },
  [code(0, 19)]: plain('mul', 'mul', NARROW),
  [code(0, 20)]: pairwise('smaxp', 'maxs'),
  [code(1, 20)]: pairwise('umaxp', 'maxu'),
  [code(0, 21)]: pairwise('sminp', 'mins'),
  [code(1, 21)]: pairwise('uminp', 'minu'),
  [code(0, 23)]: pairwise('addp', 'add', ALL),
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));

/** Even (0) or odd (1) elements of `n` followed by those of `m`, of registers of 64 or 128 bits. */
function everySecond(b: Builder, size: LaneSize, Q: number, n: Vec, m: Vec, odd: number): Vec {
  const bytes = size / 8;
  const half = (Q ? 16 : 8) / 2;
  const indices = Array.from({ length: 16 }, (_, i) => {
    if (!Q && i >= 8) return 0;
    const within = i % half;
    const element = Math.floor(within / bytes) * 2 + odd;
    return (i < half ? 0 : 16) + element * bytes + (within % bytes);
  });
  return b.shuffle(n, m, indices);
}

function compute(b: Builder, operation: Operation, size: LaneSize, Q: number, n: Vec, m: Vec, d: Vec): Vec {
  if (!operation.pairs) return operation.apply(b, size, n, m, d);
  return operation.apply(b, size, everySecond(b, size, Q, n, m, 0), everySecond(b, size, Q, n, m, 1), d);
}

const find = (s: {
  readonly U: number;
  readonly opcode: number;
  readonly size: number;
}): Operation | undefined => {
  const operation = operations[code(s.U, s.opcode)];
  return operation?.sizes.includes(s.size) ? operation : undefined;
};

const vector: AnyRow = row({
  name: 'Advanced SIMD three same (integer)',
  encoding: '0 Q U 01110 size:2 1 Rm:5 opcode:5 1 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.flatMap(({ operation, set }) =>
    arranged(`${operation.mnemonic} <Vd.*>, <Vn.*>, <Vm.*>`, operation.sizes, set),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) => find(s) !== undefined && !(s.size === 3 && s.Q === 0),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, s) {
    const operation = find(s);
    if (operation === undefined) return;
    b.setV(d, fit(b, compute(b, operation, laneBits(s.size), s.Q, b.v(n), b.v(m), b.v(d)), s.Q));
  },
});

/** Scalar forms of 64 bits: ADD, SUB and comparisons. */
const SCALAR = [
  code(0, 6),
  code(1, 6),
  code(0, 7),
  code(1, 7),
  code(0, 16),
  code(1, 16),
  code(0, 17),
  code(1, 17),
];
const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar three same (integer)',
  encoding: '01 U 11110 11 1 Rm:5 opcode:5 1 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries
    .filter(({ set }) => SCALAR.includes(code(set.U, set.opcode)))
    .map(({ operation, set }) => ({ text: `${operation.mnemonic} <Dd>, <Dn>, <Dm>`, set })),
  split: ['U', 'opcode'],
  allocated: (s) => SCALAR.includes(code(s.U, s.opcode)),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, s) {
    const operation = operations[code(s.U, s.opcode)];
    if (operation) b.setV(d, b.lowHalf(operation.apply(b, 64, b.v(n), b.v(m), b.v(d))));
  },
});

const LOGICAL = ['and', 'bic', 'orr', 'orn', 'eor', 'bsl', 'bit', 'bif'] as const;

function logic(b: Builder, which: number, n: Vec, m: Vec, d: Vec): Vec {
  const not = (a: Vec): Vec => b.lanes1('not', 64, a);
  /** `yes` where the mask is one, else `no`. */
  const choose = (mask: Vec, yes: Vec, no: Vec): Vec => b.vxor(no, b.vand(b.vxor(no, yes), mask));
  switch (which) {
    case 0:
      return b.vand(n, m);
    case 1:
      return b.vand(n, not(m));
    case 2:
      return b.vor(n, m);
    case 3:
      return b.vor(n, not(m));
    case 4:
      return b.vxor(n, m);
    case 5:
      return choose(d, n, m);
    case 6:
      return choose(m, n, d);
    default:
      return choose(m, d, n);
  }
}

const logical: AnyRow = row({
  name: 'Advanced SIMD three same (logical)',
  encoding: '0 Q U 01110 size:2 1 Rm:5 00011 1 Rn:5 Rd:5',
  gate: 'fp',
  asm: [
    ...[0, 1].map((Q) => ({
      text: `mov <Vd.${Q ? '16b' : '8b'}>, <Vn=Vm.${Q ? '16b' : '8b'}>`,
      set: { Q, U: 0, size: 2 },
      when: (f: { readonly Rn: number; readonly Rm: number }) => f.Rn === f.Rm,
    })),
    ...LOGICAL.flatMap((mnemonic, which) =>
      [0, 1].map((Q) => {
        const t = Q ? '16b' : '8b';
        return {
          text: `${mnemonic} <Vd.${t}>, <Vn.${t}>, <Vm.${t}>`,
          set: { Q, U: which >> 2, size: which & 3 },
        };
      }),
    ),
  ],
  split: ['Q', 'U', 'size'],
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { Q, U, size }) {
    b.setV(d, fit(b, logic(b, U * 4 + size, b.v(n), b.v(m), b.v(d)), Q));
  },
});

/** All of them. */
export const threeSame: readonly AnyRow[] = [vector, scalar, logical];
