// MOVI, MVNI, ORR, BIC with a modified immediate (DDI 0487 C4.1.96; shared/functions/vector/AdvSIMDExpandImm).

import { imm64, V } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { fit } from './forms.ts';

/** What is written: MOVI and MVNI, or ORR and BIC. FMOV (cmode 15, but for op 0 and 1 with floats) is elsewhere. */
interface ImmediateFields {
  readonly op: number;
  readonly cmode: number;
  readonly imm8: number;
}

/** AdvSIMDExpandImm() of everything but FMOV, before MVNI's inversion. */
function expanded({ op, cmode, imm8 }: ImmediateFields): bigint {
  const value = BigInt(imm8);
  const twice = (word: bigint): bigint => word | (word << 32n);
  if (cmode < 8) return twice(value << BigInt(8 * (cmode >> 1)));
  if (cmode < 12) {
    const half = value << BigInt(8 * ((cmode >> 1) & 1));
    return twice(half | (half << 16n));
  }
  if (cmode < 14) return twice(cmode === 12 ? (value << 8n) | 0xffn : (value << 16n) | 0xffffn);
  let bytes = 0n;
  for (let i = 0n; i < 8n; i++) {
    if (op === 0) bytes |= value << (8n * i);
    else if (((value >> i) & 1n) !== 0n) bytes |= 0xffn << (8n * i);
  }
  return bytes;
}

/** ORR and BIC have odd cmodes below 12. */
const isLogical = (cmode: number): boolean => cmode < 12 && (cmode & 1) === 1;

/** The value that the instruction uses: MVNI and BIC invert it. */
function operandOf(f: ImmediateFields): readonly [number, number] {
  const inverted = f.op === 1 && f.cmode < 14;
  const value = BigInt.asUintN(64, inverted ? ~expanded(f) : expanded(f));
  return [Number(value & 0xffff_ffffn) | 0, Number(value >> 32n) | 0];
}

/** A form by its split fields. */
interface Form {
  readonly text: string;
  readonly set: { readonly Q: number; readonly op: number; readonly cmode: number };
  readonly inputOnly?: true;
}

const words = (mnemonic: string, op: number, low: number): Form[] =>
  [0, 1].flatMap((Q) => [
    ...[0, 2, 4, 6].map((c) => ({
      text: `${mnemonic} <Vd.${Q ? '4s' : '2s'}>, <vimm8>${c === 0 ? '' : `, lsl #${4 * c}`}`,
      set: { Q, op, cmode: c + low },
    })),
    ...[8, 10].map((c) => ({
      text: `${mnemonic} <Vd.${Q ? '8h' : '4h'}>, <vimm8>${c === 8 ? '' : ', lsl #8'}`,
      set: { Q, op, cmode: c + low },
    })),
  ]);
/** A shift of zero, which is written by people only. */
const unshifted = (mnemonic: string, op: number, low: number): Form[] =>
  ['2s', '4h', '4s', '8h'].map((arrangement, i) => ({
    text: `${mnemonic} <Vd.${arrangement}>, <vimm8>, lsl #0`,
    set: { Q: i >> 1, op, cmode: (i & 1) * 8 + low },
    inputOnly: true,
  }));
const ones = (mnemonic: string, op: number): Form[] =>
  [0, 1].flatMap((Q) =>
    [12, 13].map((cmode) => ({
      text: `${mnemonic} <Vd.${Q ? '4s' : '2s'}>, <vimm8>, msl #${cmode === 12 ? 8 : 16}`,
      set: { Q, op, cmode },
    })),
  );

/** All of them, but FMOV. */
export const immediateRows: readonly AnyRow[] = [
  row({
    name: 'MOVI/MVNI/ORR/BIC (vector, immediate)',
    encoding: '0 Q op 0111100000 abc:3 cmode:4 0 1 defgh:5 Rd:5',
    gate: 'fp',
    asm: [
      ...words('movi', 0, 0),
      ...words('mvni', 1, 0),
      ...words('orr', 0, 1),
      ...words('bic', 1, 1),
      ...unshifted('movi', 0, 0),
      ...unshifted('mvni', 1, 0),
      ...unshifted('orr', 0, 1),
      ...unshifted('bic', 1, 1),
      ...ones('movi', 0),
      ...ones('mvni', 1),
      { text: 'movi <Vd.8b>, <vimm8>', set: { Q: 0, op: 0, cmode: 14 } },
      { text: 'movi <Vd.16b>, <vimm8>', set: { Q: 1, op: 0, cmode: 14 } },
      { text: 'movi <Dd>, <vmask>', set: { Q: 0, op: 1, cmode: 14 } },
      { text: 'movi <Vd.2d>, <vmask>', set: { Q: 1, op: 1, cmode: 14 } },
    ],
    split: ['Q', 'op', 'cmode'],
    allocated: (s) => s.cmode !== 15,
    decode(f) {
      const [low, high] = operandOf({ op: f.op, cmode: f.cmode, imm8: (f.abc << 5) | f.defgh });
      return { d: V(f.Rd), i: imm64(low, high) };
    },
    execute(b, { d, i }, { Q, op, cmode }) {
      const value = b.vconst(i, i);
      if (!isLogical(cmode)) b.setV(d, fit(b, value, Q));
      else b.setV(d, fit(b, op ? b.vand(b.v(d), value) : b.vor(b.v(d), value), Q));
    },
  }),
];
