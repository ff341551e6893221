// Scalar floating-point arithmetic of one, two and three sources (DDI 0487 C4.1.96: Floating-point data-processing).

import type { Builder, Float2, Float3, Rounding } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Float, FloatWidth } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { isSingleOrDouble, precisions, widthOf } from './forms.ts';

interface Operation1 {
  readonly mnemonic: string;
  readonly apply: <W extends FloatWidth>(b: Builder, a: Float<W>) => Float<W>;
}

const frint = (mnemonic: string, rounding: Rounding, exact = false): Operation1 => ({
  mnemonic,
  apply: (b, a) => b.floatRound(a, rounding, exact),
});

/** By `opcode`. */
const oneSource: Readonly<Record<number, Operation1>> = {
  0b000000: { mnemonic: 'fmov', apply: (_, a) => a },
  0b000001: { mnemonic: 'fabs', apply: (b, a) => b.float1('abs', a) },
  0b000010: { mnemonic: 'fneg', apply: (b, a) => b.float1('neg', a) },
  0b000011: { mnemonic: 'fsqrt', apply: (b, a) => b.float1('sqrt', a) },
  0b001000: frint('frintn', 'even'),
  0b001001: frint('frintp', 'plus'),
  0b001010: frint('frintm', 'minus'),
  0b001011: frint('frintz', 'zero'),
  0b001100: frint('frinta', 'away'),
  0b001110: frint('frintx', 'fpcr', true),
  0b001111: frint('frinti', 'fpcr'),
};

const floatOneSource: AnyRow = row({
  name: 'Floating-point data-processing (1 source)',
  encoding: '0 0 0 11110 ftype:2 1 opcode:6 10000 Rn:5 Rd:5',
  asm: Object.entries(oneSource).flatMap(([opcode, { mnemonic }]) =>
    precisions(`${mnemonic} <Fd>, <Fn>`, { opcode: Number(opcode) }),
  ),
  gate: 'fp',
  split: ['ftype', 'opcode'],
  allocated: ({ ftype, opcode }) => isSingleOrDouble(ftype) && opcode in oneSource,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { ftype, opcode }) {
    const a = b.f(n, widthOf(ftype));
    b.setF(d, oneSource[opcode]?.apply(b, a) ?? a);
  },
});

/** By `opcode`, in order. */
const twoSources: readonly Float2[] = ['mul', 'div', 'add', 'sub', 'max', 'min', 'maxnm', 'minnm', 'nmul'];

const floatTwoSources: AnyRow = row({
  name: 'Floating-point data-processing (2 source)',
  encoding: '0 0 0 11110 ftype:2 1 Rm:5 opcode:4 10 Rn:5 Rd:5',
  asm: twoSources.flatMap((op, opcode) => precisions(`f${op} <Fd>, <Fn>, <Fm>`, { opcode })),
  gate: 'fp',
  split: ['ftype', 'opcode'],
  allocated: ({ ftype, opcode }) => isSingleOrDouble(ftype) && opcode < twoSources.length,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { ftype, opcode }) {
    const w = widthOf(ftype);
    b.setF(d, b.float2(twoSources[opcode] ?? 'add', b.f(n, w), b.f(m, w)));
  },
});

/** By `o1:o0`. */
const threeSources: readonly Float3[] = ['madd', 'msub', 'nmadd', 'nmsub'];

const floatThreeSources: AnyRow = row({
  name: 'Floating-point data-processing (3 source)',
  encoding: '0 0 0 11111 ftype:2 o1 Rm:5 o0 Ra:5 Rn:5 Rd:5',
  asm: threeSources.flatMap((op, code) =>
    precisions(`f${op} <Fd>, <Fn>, <Fm>, <Fa>`, { o1: code >> 1, o0: code & 1 }),
  ),
  gate: 'fp',
  split: ['ftype', 'o1', 'o0'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm), a: V(f.Ra) }),
  execute(b, { d, n, m, a }, { ftype, o1, o0 }) {
    const w = widthOf(ftype);
    const op = threeSources[o1 * 2 + o0] ?? 'madd';
    b.setF(d, b.float3(op, b.f(a, w), b.f(n, w), b.f(m, w)));
  },
});

/** The rows of this file. */
export const floatArithmetic: readonly AnyRow[] = [floatOneSource, floatTwoSources, floatThreeSources];
