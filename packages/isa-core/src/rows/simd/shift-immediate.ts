// Shifts by a constant: SHL, SSHR, USHR, SSRA, USRA, SLI, SRI, SHRN, SSHLL, USHLL (DDI 0487 C4.1.96).

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import { small, V } from '../../semantics/operands.ts';
import type { Imm } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arrangement, fit, laneBits, laneLetter } from './forms.ts';
import { narrowed } from './two-registers.ts';

/** immh:immb: the size is the highest bit of immh; a left shift is what is above it, a right one what is missing to twice it. */
const sizeOf = (immh: number): number => (immh === 0 ? -1 : 31 - Math.clz32(immh));
const all = (f: { readonly immh: number; readonly immb: number }): number => (f.immh << 3) | f.immb;
const isSize =
  (size: number): ((f: { readonly immh: number }) => boolean) =>
  (f) =>
    sizeOf(f.immh) === size;

interface Operation {
  readonly mnemonic: string;
  readonly left?: true;
  readonly apply: (b: Builder, size: LaneSize, n: Vec, by: Imm, d: Vec) => Vec;
}

const right =
  (op: 'shr' | 'sar'): Operation['apply'] =>
  (b, size, n, by) =>
    b.laneShift(op, size, n, by);
const accumulate =
  (op: 'shr' | 'sar'): Operation['apply'] =>
  (b, size, n, by, d) =>
    b.lanes2('add', size, d, b.laneShift(op, size, n, by));
/** What the shift does not fill keeps the destination's bits. */
const insert =
  (op: 'shr' | 'shl'): Operation['apply'] =>
  (b, size, n, by, d) => {
    const filled = b.laneShift(op, size, b.lanes1('not', 64, b.vzero()), by);
    return b.vor(b.laneShift(op, size, n, by), b.vand(d, b.lanes1('not', 64, filled)));
  };

const code = (U: number, opcode: number): number => U * 32 + opcode;
const operations: Readonly<Record<number, Operation>> = {
  [code(0, 0)]: { mnemonic: 'sshr', apply: right('sar') },
  [code(1, 0)]: { mnemonic: 'ushr', apply: right('shr') },
  [code(0, 2)]: { mnemonic: 'ssra', apply: accumulate('sar') },
  [code(1, 2)]: { mnemonic: 'usra', apply: accumulate('shr') },
  [code(1, 8)]: { mnemonic: 'sri', apply: insert('shr') },
  [code(0, 10)]: { mnemonic: 'shl', left: true, apply: (b, size, n, by) => b.laneShift('shl', size, n, by) },
  [code(1, 10)]: { mnemonic: 'sli', left: true, apply: insert('shl') },
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 5, opcode: Number(key) & 31 },
}));

const amount = (size: number, left: boolean, f: { readonly immh: number; readonly immb: number }): number =>
  left ? all(f) - laneBits(size) : 2 * laneBits(size) - all(f);

const SIZES = [0, 1, 2, 3] as const;

const vector = SIZES.map((size) =>
  row({
    name: `Advanced SIMD shift by immediate (${laneLetter(size)})`,
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
    decode(f) {
      const operation = operations[code(f.U, f.opcode)];
      if (operation === undefined || sizeOf(f.immh) !== size) return undefined;
      return { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, operation.left === true, f)) };
    },
    execute(b, { d, n, by }, { Q, U, opcode }) {
      const operation = operations[code(U, opcode)];
      if (operation) b.setV(d, fit(b, operation.apply(b, laneBits(size), b.v(n), by, b.v(d)), Q));
    },
  }),
);

const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar shift by immediate',
  encoding: '01 U 111110 immh:4 immb:3 opcode:5 1 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.map(({ operation, set }) => ({
    text: `${operation.mnemonic} <Dd>, <Dn>, <${operation.left ? 'lshift' : 'rshift'}3>`,
    set,
  })),
  split: ['U', 'opcode'],
  allocated: (s) => operations[code(s.U, s.opcode)] !== undefined,
  decode(f) {
    const operation = operations[code(f.U, f.opcode)];
    if (operation === undefined || sizeOf(f.immh) !== 3) return undefined;
    return { d: V(f.Rd), n: V(f.Rn), by: small(amount(3, operation.left === true, f)) };
  },
  execute(b, { d, n, by }, { U, opcode }) {
    const operation = operations[code(U, opcode)];
    if (operation) b.setV(d, b.lowHalf(operation.apply(b, 64, b.v(n), by, b.v(d))));
  },
});

const WIDE = [0, 1, 2] as const;

const narrowing = WIDE.map((size) =>
  row({
    name: `SHRN (${laneLetter(size)})`,
    encoding: '0 Q 0 011110 immh:4 immb:3 10000 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [0, 1].map((Q) => ({
      text: `shrn${Q ? '2' : ''} <Vd.${arrangement(size, Q)}>, <Vn.${arrangement(size + 1, 1)}>, <rshift${size}>`,
      set: { Q },
      when: isSize(size),
    })),
    split: ['Q'],
    decode: (f) =>
      sizeOf(f.immh) === size ? { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, false, f)) } : undefined,
    execute(b, { d, n, by }, { Q }) {
      const shifted = b.laneShift('shr', laneBits(size + 1), b.v(n), by);
      b.setV(d, narrowed(b, laneBits(size), shifted, b.v(d), Q));
    },
  }),
);

const lengthening = WIDE.map((size) =>
  row({
    name: `SSHLL/USHLL (${laneLetter(size)})`,
    encoding: '0 Q U 011110 immh:4 immb:3 10100 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [0, 1].flatMap((U) =>
      [0, 1].flatMap((Q) => {
        const registers = `<Vd.${arrangement(size + 1, 1)}>, <Vn.${arrangement(size, Q)}>`;
        const letter = U ? 'u' : 's';
        return [
          { text: `${letter}xtl${Q ? '2' : ''} ${registers}`, set: { Q, U, immb: 0, immh: 1 << size } },
          {
            text: `${letter}shll${Q ? '2' : ''} ${registers}, <lshift${size}>`,
            set: { Q, U },
            when: isSize(size),
          },
        ];
      }),
    ),
    split: ['Q', 'U'],
    decode: (f) =>
      sizeOf(f.immh) === size ? { d: V(f.Rd), n: V(f.Rn), by: small(amount(size, true, f)) } : undefined,
    execute(b, { d, n, by }, { Q, U }) {
      const bits = laneBits(size);
      const count = 64 / bits;
      const wide = b.map(
        laneBits(size + 1),
        count,
        [{ from: b.v(n), size: bits, signed: U === 0, first: Q * count }],
        (x) => x,
      );
      b.setV(d, b.laneShift('shl', laneBits(size + 1), wide, by));
    },
  }),
);

/** All of them. */
export const shiftImmediateRows: readonly AnyRow[] = [...vector, scalar, ...narrowing, ...lengthening];
