// Scalar conversions: between formats, and to and from integers and fixed point (DDI 0487 C4.1.96; C7.2: FCVT, FCVTNS, SCVTF …).

import type { Rounding } from '../../semantics/builder.ts';
import { small, V, width, X } from '../../semantics/operands.ts';
import type { FloatWidth } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { isSingleOrDouble, precisions, registers, widthOf } from './forms.ts';

/** Width and register letter by `ftype`; 2 is unallocated. */
const formats: Readonly<Record<number, { readonly width: FloatWidth; readonly letter: string }>> = {
  0: { width: 32, letter: 'S' },
  1: { width: 64, letter: 'D' },
  3: { width: 16, letter: 'H' },
};

const convertFormat: AnyRow = row({
  name: 'FCVT',
  encoding: '0 0 0 11110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5',
  asm: Object.entries(formats).flatMap(([ftype, from]) =>
    Object.entries(formats)
      .filter(([opc]) => opc !== ftype)
      .map(([opc, to]) => ({
        text: `fcvt <${to.letter}d>, <${from.letter}n>`,
        set: { ftype: Number(ftype), opc: Number(opc) },
      })),
  ),
  gate: 'fp',
  split: ['ftype', 'opc'],
  allocated: ({ ftype, opc }) => ftype in formats && opc in formats && ftype !== opc,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { ftype, opc }) {
    b.setF(d, b.floatConvert(b.f(n, formats[ftype]?.width ?? 32), formats[opc]?.width ?? 32));
  },
});

/** FCVTxS and FCVTxU: by `rmode`; the fifth, to nearest away, has opcode 10x. */
const roundings: readonly (readonly [string, Rounding])[] = [
  ['n', 'even'],
  ['p', 'plus'],
  ['m', 'minus'],
  ['z', 'zero'],
];

const toInteger: AnyRow = row({
  name: 'FCVT<rounding><S|U> (scalar, integer)',
  encoding: 'sf 0 0 11110 ftype:2 1 rmode:2 away 0 unsigned 000000 Rn:5 Rd:5',
  asm: ['s', 'u'].flatMap((sign, unsigned) => [
    ...roundings.flatMap(([letter], rmode) =>
      registers(precisions(`fcvt${letter}${sign} <Rd>, <Fn>`, { rmode, away: 0, unsigned })),
    ),
    ...registers(precisions(`fcvta${sign} <Rd>, <Fn>`, { rmode: 0, away: 1, unsigned })),
  ]),
  gate: 'fp',
  split: ['sf', 'ftype', 'rmode', 'away', 'unsigned'],
  allocated: ({ ftype, rmode, away }) => isSingleOrDouble(ftype) && (away === 0 || rmode === 0),
  decode: (f) => ({ d: X(f.Rd), n: V(f.Rn) }),
  execute(b, { d, n }, { sf, ftype, rmode, away, unsigned }) {
    const rounding = away === 1 ? 'away' : (roundings[rmode]?.[1] ?? 'even');
    b.setX(d, b.floatToInt(b.f(n, widthOf(ftype)), width(sf), unsigned === 0, rounding));
  },
});

const fromInteger: AnyRow = row({
  name: 'SCVTF/UCVTF (scalar, integer)',
  encoding: 'sf 0 0 11110 ftype:2 1 00 01 unsigned 000000 Rn:5 Rd:5',
  asm: ['s', 'u'].flatMap((sign, unsigned) => registers(precisions(`${sign}cvtf <Fd>, <Rn>`, { unsigned }))),
  gate: 'fp',
  split: ['sf', 'ftype', 'unsigned'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({ d: V(f.Rd), n: X(f.Rn) }),
  execute(b, { d, n }, { sf, ftype, unsigned }) {
    b.setF(d, b.intToFloat(b.x(n, width(sf)), widthOf(ftype), unsigned === 0));
  },
});

/** Fixed point with a 32-bit register has at most 32 fraction bits: `scale` is 64 less their number. */
const scaleFits = (sf: number, scale: number): boolean => sf === 1 || scale >= 32;

const toFixed: AnyRow = row({
  name: 'FCVTZS/FCVTZU (scalar, fixed-point)',
  encoding: 'sf 0 0 11110 ftype:2 0 11 00 unsigned scale:6 Rn:5 Rd:5',
  asm: ['s', 'u'].flatMap((sign, unsigned) =>
    registers(precisions(`fcvtz${sign} <Rd>, <Fn>, <fbits>`, { unsigned })),
  ),
  gate: 'fp',
  split: ['sf', 'ftype', 'unsigned'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) =>
    scaleFits(f.sf, f.scale) ? { d: X(f.Rd), n: V(f.Rn), fraction: small(64 - f.scale) } : undefined,
  execute(b, { d, n, fraction }, { sf, ftype, unsigned }) {
    b.setX(d, b.floatToInt(b.f(n, widthOf(ftype)), width(sf), unsigned === 0, 'zero', fraction));
  },
});

const fromFixed: AnyRow = row({
  name: 'SCVTF/UCVTF (scalar, fixed-point)',
  encoding: 'sf 0 0 11110 ftype:2 0 00 01 unsigned scale:6 Rn:5 Rd:5',
  asm: ['s', 'u'].flatMap((sign, unsigned) =>
    registers(precisions(`${sign}cvtf <Fd>, <Rn>, <fbits>`, { unsigned })),
  ),
  gate: 'fp',
  split: ['sf', 'ftype', 'unsigned'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) =>
    scaleFits(f.sf, f.scale) ? { d: V(f.Rd), n: X(f.Rn), fraction: small(64 - f.scale) } : undefined,
  execute(b, { d, n, fraction }, { sf, ftype, unsigned }) {
    b.setF(d, b.intToFloat(b.x(n, width(sf)), widthOf(ftype), unsigned === 0, fraction));
  },
});

/** The rows of this file. */
export const floatConversions: readonly AnyRow[] = [
  convertFormat,
  toInteger,
  fromInteger,
  toFixed,
  fromFixed,
];
