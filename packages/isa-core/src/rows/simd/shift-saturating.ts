// Shifts by a constant that round or saturate: SRSHR, URSHR, SRSRA, URSRA, SQSHL, UQSHL, SQSHLU, RSHRN, SQSHRN and their kin (DDI 0487
// C4.1.96, Advanced SIMD shift by immediate and scalar shift by immediate).

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import { small, V } from '../../semantics/operands.ts';
import type { Imm, Vreg } from '../../semantics/operands.ts';
import type { Int } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arrangement, laneBits, laneCount, laneLetter } from './forms.ts';
import { plainRight, roundedRight, saturatingLeft } from './lane-arithmetic.ts';
import { saturateNarrow } from './narrowing.ts';
import { narrowed } from './two-registers.ts';

const sizeOf = (immh: number): number => (immh === 0 ? -1 : 31 - Math.clz32(immh));
const isSize =
  (size: number): ((f: { readonly immh: number }) => boolean) =>
  (f) =>
    sizeOf(f.immh) === size;
const amount = (size: number, left: boolean, f: { readonly immh: number; readonly immb: number }): number => {
  const all = (f.immh << 3) | f.immb;
  return left ? all - laneBits(size) : 2 * laneBits(size) - all;
};
const code = (U: number, opcode: number): number => U * 32 + opcode;
const ALL = [0, 1, 2, 3] as const;
const NARROW = [0, 1, 2] as const;

interface Operation {
  readonly mnemonic: string;
  readonly left: boolean;
  readonly signed: boolean;
  readonly accumulate?: true;
  /** All sizes have a scalar form; else only doublewords. */
  readonly anyScalar?: true;
  readonly apply: (b: Builder, size: LaneSize, x: Int<64>, by: Int<64>) => Int<64>;
}
const rounding = (mnemonic: string, signed: boolean, accumulate?: true): Operation => ({
  mnemonic,
  left: false,
  signed,
  apply: (b, _size, x, by) => roundedRight(b, x, by, signed),
  ...(accumulate && { accumulate }),
});
const leftwards = (mnemonic: string, from: boolean, to: boolean): Operation => ({
  mnemonic,
  left: true,
  signed: from,
  anyScalar: true,
  apply: (b, size, x, by) => saturatingLeft(b, size, x, by, from, to),
});
const operations: Readonly<Record<number, Operation>> = {
  [code(0, 4)]: rounding('srshr', true),
  [code(1, 4)]: rounding('urshr', false),
  [code(0, 6)]: rounding('srsra', true, true),
  [code(1, 6)]: rounding('ursra', false, true),
  [code(1, 12)]: leftwards('sqshlu', true, false),
  [code(0, 14)]: leftwards('sqshl', true, true),
  [code(1, 14)]: leftwards('uqshl', false, false),
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));

type Operands = Readonly<{ d: Vreg; n: Vreg; by: Imm }>;

function run(b: Builder, operation: Operation, size: LaneSize, count: number, { d, n, by }: Operands): void {
  const { signed, accumulate } = operation;
  const inputs = [b.v(n), b.v(d)].map((from) => ({ from, size, signed }));
  const shift = b.int(64, by);
  const value = b.map(size, count, accumulate ? inputs : inputs.slice(0, 1), (x, acc) => {
    const result = operation.apply(b, size, x, shift);
    return accumulate ? b.add(result, acc) : result;
  });
  b.setV(d, value);
}

const decodeShift = (
  size: number,
  f: {
    readonly U: number;
    readonly opcode: number;
    readonly immh: number;
    readonly immb: number;
    readonly Rd: number;
    readonly Rn: number;
  },
): Operands | undefined => {
  const operation = operations[code(f.U, f.opcode)];
  if (operation === undefined || sizeOf(f.immh) !== size) return undefined;
  return { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, operation.left, f)) };
};

const vector = ALL.map((size) =>
  row({
    name: `Advanced SIMD shift by immediate (rounding, saturating, ${laneLetter(size)})`,
    encoding: '0 Q U 011110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: entries.flatMap(({ operation, set }) =>
      [0, 1]
        .filter((Q) => size !== 3 || Q === 1)
        .map((Q) => ({
          text: `${operation.mnemonic} <Vd.${arrangement(size, Q)}>, <Vn.${arrangement(size, Q)}>, <${operation.left ? 'lshift' : 'rshift'}${size}>`,
          set: { ...set, Q },
          when: isSize(size),
        })),
    ),
    split: ['Q', 'U', 'opcode'],
    allocated: (s) => operations[code(s.U, s.opcode)] !== undefined && (size !== 3 || s.Q === 1),
    decode: (f) => decodeShift(size, f),
    execute(b, o, { Q, U, opcode }) {
      const operation = operations[code(U, opcode)];
      if (operation) run(b, operation, laneBits(size), laneCount(size, Q), o);
    },
  }),
);

const scalar = ALL.map((size) =>
  row({
    name: `Advanced SIMD scalar shift by immediate (rounding, saturating, ${laneLetter(size)})`,
    encoding: '01 U 111110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: entries
      .filter(({ operation }) => size === 3 || operation.anyScalar)
      .map(({ operation, set }) => {
        const r = laneLetter(size).toUpperCase();
        return {
          text: `${operation.mnemonic} <${r}d>, <${r}n>, <${operation.left ? 'lshift' : 'rshift'}${size}>`,
          set,
          when: isSize(size),
        };
      }),
    split: ['U', 'opcode'],
    allocated: (s) => {
      const operation = operations[code(s.U, s.opcode)];
      return operation !== undefined && (size === 3 || operation.anyScalar === true);
    },
    decode: (f) => decodeShift(size, f),
    execute(b, o, { U, opcode }) {
      const operation = operations[code(U, opcode)];
      if (operation) run(b, operation, laneBits(size), 1, o);
    },
  }),
);

/** Narrowing right shifts: saturating from signed or unsigned to signed or unsigned, or plain (RSHRN). */
interface Narrowing {
  readonly mnemonic: string;
  readonly round: boolean;
  readonly from: boolean;
  readonly to: boolean;
  readonly saturating: boolean;
}
const narrowings: Readonly<Record<number, Narrowing>> = {
  [code(0, 17)]: { mnemonic: 'rshrn', round: true, from: false, to: false, saturating: false },
  [code(1, 16)]: { mnemonic: 'sqshrun', round: false, from: true, to: false, saturating: true },
  [code(1, 17)]: { mnemonic: 'sqrshrun', round: true, from: true, to: false, saturating: true },
  [code(0, 18)]: { mnemonic: 'sqshrn', round: false, from: true, to: true, saturating: true },
  [code(0, 19)]: { mnemonic: 'sqrshrn', round: true, from: true, to: true, saturating: true },
  [code(1, 18)]: { mnemonic: 'uqshrn', round: false, from: false, to: false, saturating: true },
  [code(1, 19)]: { mnemonic: 'uqrshrn', round: true, from: false, to: false, saturating: true },
};
const narrowingEntries = Object.entries(narrowings).map(([key, how]) => ({
  how,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));

function narrowLanes(
  b: Builder,
  how: Narrowing,
  size: LaneSize,
  count: number,
  { n, by }: Operands,
): ReturnType<Builder['v']> {
  const wide = (size * 2) as LaneSize;
  const shift = b.int(64, by);
  return b.map(wide, count, [{ from: b.v(n), size: wide, signed: how.from }], (x) => {
    const moved = (how.round ? roundedRight : plainRight)(b, x, shift, how.from);
    return how.saturating ? saturateNarrow(b, size, moved, how.from, how.to) : moved;
  });
}

const narrowVector = NARROW.map((size) =>
  row({
    name: `Advanced SIMD shift right narrow (${laneLetter(size)})`,
    encoding: '0 Q U 011110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: narrowingEntries.flatMap(({ how, set }) =>
      [0, 1].map((Q) => ({
        text: `${how.mnemonic}${Q ? '2' : ''} <Vd.${arrangement(size, Q)}>, <Vn.${arrangement(size + 1, 1)}>, <rshift${size}>`,
        set: { ...set, Q },
        when: isSize(size),
      })),
    ),
    split: ['Q', 'U', 'opcode'],
    allocated: (s) => narrowings[code(s.U, s.opcode)] !== undefined,
    decode: (f) =>
      sizeOf(f.immh) === size ? { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, false, f)) } : undefined,
    execute(b, o, { Q, U, opcode }) {
      const how = narrowings[code(U, opcode)];
      const bits = laneBits(size);
      if (how) b.setV(o.d, narrowed(b, bits, narrowLanes(b, how, bits, 64 / bits, o), b.v(o.d), Q));
    },
  }),
);

const narrowScalar = NARROW.map((size) =>
  row({
    name: `Advanced SIMD scalar shift right narrow (${laneLetter(size)})`,
    encoding: '01 U 111110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: narrowingEntries
      .filter(({ how }) => how.saturating)
      .map(({ how, set }) => ({
        text: `${how.mnemonic} <${laneLetter(size).toUpperCase()}d>, <${laneLetter(size + 1).toUpperCase()}n>, <rshift${size}>`,
        set,
        when: isSize(size),
      })),
    split: ['U', 'opcode'],
    allocated: (s) => narrowings[code(s.U, s.opcode)]?.saturating === true,
    decode: (f) =>
      sizeOf(f.immh) === size ? { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, false, f)) } : undefined,
    execute(b, o, { U, opcode }) {
      const how = narrowings[code(U, opcode)];
      const bits = laneBits(size);
      if (how === undefined) return;
      const value = narrowLanes(b, how, bits, 1, o);
      b.setV(o.d, b.withLane(bits, b.vzero(), 0, b.lane(bits, value, 0, false, 64)));
    },
  }),
);

/** All of them. */
export const shiftSaturatingRows: readonly AnyRow[] = [
  ...vector,
  ...scalar,
  ...narrowVector,
  ...narrowScalar,
];
