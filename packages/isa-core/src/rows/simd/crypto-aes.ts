// AESE, AESD, AESMC, AESIMC (DDI 0487 C7.2, J1 shared/functions/crypto; FIPS 197 5.1 and 5.3): a register is the state, byte
// 4 c + r its row r of column c.

import type { Builder } from '../../semantics/builder.ts';
import { imm64, V } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** Twice `a` in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
const doubled = (a: number): number => ((a << 1) ^ (a & 0x80 ? 0x11b : 0)) & 0xff;

/** The S-box (FIPS 197 5.1.1): the inverse in GF(2^8), and an affine map of its bits. */
function substitution(): Uint8Array {
  // Powers of the generator 3: the inverse of 3^i is 3^(255 - i).
  const powers = [1];
  for (let i = 1; i < 255; i++) {
    const last = powers[i - 1] ?? 0;
    powers.push(doubled(last) ^ last);
  }
  const box = new Uint8Array(256);
  const affine = (a: number): number => {
    const twice = a | (a << 8);
    return (twice ^ (twice >> 4) ^ (twice >> 5) ^ (twice >> 6) ^ (twice >> 7) ^ 0x63) & 0xff;
  };
  box[0] = affine(0);
  powers.forEach((power, i) => {
    box[power] = affine(powers[(255 - i) % 255] ?? 0);
  });
  return box;
}

const SBOX = substitution();
const INVERSE_SBOX: Uint8Array = SBOX.reduce((inverse, to, from) => {
  inverse[to] = from;
  return inverse;
}, new Uint8Array(256));

/** 16 bytes of a table as a constant. */
function constant(b: Builder, bytes: Uint8Array): Vec {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const half = (at: number): ReturnType<typeof imm64> =>
    imm64(view.getInt32(at, true), view.getInt32(at + 4, true));
  return b.vconst(half(0), half(8));
}

/** Every byte through a table of 256: four look-ups of 64. */
function substituted(b: Builder, box: Uint8Array, a: Vec): Vec {
  const quarter = b.splat(8, b.int(64, 64));
  let index = a;
  let result = b.vzero();
  for (let at = 0; at < 256; at += 64) {
    if (at > 0) index = b.lanes2('sub', 8, index, quarter);
    const table = [0, 16, 32, 48].map((i) => constant(b, box.subarray(at + i)));
    result = b.tableLookup(table, index, result);
  }
  return result;
}

/** Byte `i` of ShiftRows() is byte 5 i of the state, of InvShiftRows() byte 13 i, modulo 16. */
const shiftedRows = (b: Builder, a: Vec, step: 5 | 13): Vec =>
  b.shuffle(
    a,
    a,
    Array.from({ length: 16 }, (_, i) => (i * step) & 15),
  );

/** Every column rotated by `n` rows. */
const rotated = (b: Builder, a: Vec, n: number): Vec =>
  b.shuffle(
    a,
    a,
    Array.from({ length: 16 }, (_, i) => (i & 12) | ((i + n) & 3)),
  );

/** Twice every byte in GF(2^8). */
function twice(b: Builder, a: Vec): Vec {
  const carries = b.lanes2('gts', 8, b.vzero(), a);
  return b.vxor(b.lanes2('add', 8, a, a), b.vand(carries, b.splat(8, b.int(64, 0x1b))));
}

/** MixColumns(): row r becomes 2 r + 3 (r + 1) + (r + 2) + (r + 3). */
function mixedColumns(b: Builder, a: Vec): Vec {
  const next = rotated(b, a, 1);
  const sum = b.vxor(a, next);
  return b.vxor(b.vxor(twice(b, sum), next), rotated(b, sum, 2));
}

/** InvMixColumns() is MixColumns() after adding 4 (r + (r + 2)) to every row r. */
function unmixedColumns(b: Builder, a: Vec): Vec {
  const sum = b.vxor(a, rotated(b, a, 2));
  return mixedColumns(b, b.vxor(a, twice(b, twice(b, sum))));
}

interface Operation {
  readonly mnemonic: string;
  readonly apply: (b: Builder, n: Vec, d: () => Vec) => Vec;
}
const operations: readonly Operation[] = [
  { mnemonic: 'aese', apply: (b, n, d) => substituted(b, SBOX, shiftedRows(b, b.vxor(d(), n), 5)) },
  { mnemonic: 'aesd', apply: (b, n, d) => substituted(b, INVERSE_SBOX, shiftedRows(b, b.vxor(d(), n), 13)) },
  { mnemonic: 'aesmc', apply: mixedColumns },
  { mnemonic: 'aesimc', apply: unmixedColumns },
];

/** Cryptographic AES. */
export const aesRows: readonly AnyRow[] = [
  row({
    name: 'AES',
    encoding: '01001110 00 10100 001 opcode:2 10 Rn:5 Rd:5',
    feature: 'crypto',
    gate: 'fp',
    asm: operations.map(({ mnemonic }, opcode) => ({
      text: `${mnemonic} <Vd.16b>, <Vn.16b>`,
      set: { opcode },
    })),
    split: ['opcode'],
    decode: (f) => ({ d: V(f.Rd), n: V(f.Rn) }),
    execute(b, { d, n }, { opcode }) {
      const operation = operations[opcode];
      if (operation !== undefined)
        b.setV(
          d,
          operation.apply(b, b.v(n), () => b.v(d)),
        );
    },
  }),
];
