// Moving elements: DUP, INS, UMOV, SMOV (DDI 0487 C4.1.96, Advanced SIMD copy and scalar copy).

import { small, V, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arrangement, fit, laneBits, laneLetter } from './forms.ts';

/** imm5 holds a one at the size's bit and the index above it. Four forms of fields, by the size. */
const sizeOf = (imm5: number): number => (imm5 === 0 ? 4 : 31 - Math.clz32(imm5 & -imm5));
const indexOf = (imm5: number): number => imm5 >> (sizeOf(imm5) + 1);
const isSize =
  (size: number): ((f: { readonly imm5: number }) => boolean) =>
  (f) =>
    sizeOf(f.imm5) === size;
const SIZES = [0, 1, 2, 3] as const;

/** One row for each size keeps the size a constant of the case. */
const forSizes = (make: (size: number) => AnyRow): AnyRow[] => SIZES.map(make);

const duplicateElement = forSizes((size) =>
  row({
    name: `DUP (element, ${laneLetter(size)})`,
    encoding: '0 Q 001110000 imm5:5 0 0000 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [0, 1]
      .filter((Q) => size !== 3 || Q === 1)
      .map((Q) => ({
        text: `dup <Vd.${arrangement(size, Q)}>, <Vn.${laneLetter(size)}[imm5]>`,
        set: { Q },
        when: isSize(size),
      })),
    split: ['Q'],
    allocated: (s) => size !== 3 || s.Q === 1,
    decode: (f) =>
      sizeOf(f.imm5) === size ? { d: V(f.Rd), n: V(f.Rn), i: small(indexOf(f.imm5)) } : undefined,
    execute(b, { d, n, i }, { Q }) {
      const bits = laneBits(size);
      b.setV(d, fit(b, b.splat(bits, b.lane(bits, b.v(n), i, false, 64)), Q));
    },
  }),
);

const duplicateScalar = forSizes((size) =>
  row({
    name: `DUP (element, scalar, ${laneLetter(size)})`,
    encoding: '01 011110000 imm5:5 0 0000 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [
      {
        text: `mov <${laneLetter(size).toUpperCase()}d>, <Vn.${laneLetter(size)}[imm5]>`,
        when: isSize(size),
      },
    ],
    decode: (f) =>
      sizeOf(f.imm5) === size ? { d: V(f.Rd), n: V(f.Rn), i: small(indexOf(f.imm5)) } : undefined,
    execute(b, { d, n, i }) {
      const bits = laneBits(size);
      b.setV(d, b.withLane(bits, b.vzero(), 0, b.lane(bits, b.v(n), i, false, 64)));
    },
  }),
);

const duplicateGeneral = forSizes((size) =>
  row({
    name: `DUP (general, ${laneLetter(size)})`,
    encoding: '0 Q 001110000 imm5:5 0 0001 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [0, 1]
      .filter((Q) => size !== 3 || Q === 1)
      .map((Q) => ({ text: `dup <Vd.${arrangement(size, Q)}>, <${size === 3 ? 'X' : 'W'}n>`, set: { Q } }))
      // The bits above the size's do not matter; they are zero when assembled.
      .flatMap((form) => [
        { ...form, set: { ...form.set, imm5: 1 << size } },
        { ...form, when: isSize(size) },
      ]),
    split: ['Q'],
    allocated: (s) => size !== 3 || s.Q === 1,
    decode: (f) => (sizeOf(f.imm5) === size ? { d: V(f.Rd), n: X(f.Rn) } : undefined),
    execute(b, { d, n }, { Q }) {
      b.setV(d, fit(b, b.splat(laneBits(size), b.x(n, 64)), Q));
    },
  }),
);

const insertGeneral = forSizes((size) =>
  row({
    name: `INS (general, ${laneLetter(size)})`,
    encoding: '01001110000 imm5:5 0 0011 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [{ text: `mov <Vd.${laneLetter(size)}[imm5]>, <${size === 3 ? 'X' : 'W'}n>`, when: isSize(size) }],
    decode: (f) =>
      sizeOf(f.imm5) === size ? { d: V(f.Rd), n: X(f.Rn), i: small(indexOf(f.imm5)) } : undefined,
    execute(b, { d, n, i }) {
      b.setV(d, b.withLane(laneBits(size), b.v(d), i, b.x(n, 64)));
    },
  }),
);

const insertElement = forSizes((size) =>
  row({
    name: `INS (element, ${laneLetter(size)})`,
    encoding: '01101110000 imm5:5 0 imm4:4 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [{ text: `mov <Vd.${laneLetter(size)}[imm5]>, <Vn.${laneLetter(size)}[imm4]>`, when: isSize(size) }],
    decode: (f) =>
      sizeOf(f.imm5) === size
        ? { d: V(f.Rd), n: V(f.Rn), to: small(indexOf(f.imm5)), from: small(f.imm4 >> size) }
        : undefined,
    execute(b, { d, n, to, from }) {
      const bits = laneBits(size);
      b.setV(d, b.withLane(bits, b.v(d), to, b.lane(bits, b.v(n), from, false, 64)));
    },
  }),
);

const toGeneral = forSizes((size) =>
  row({
    name: `UMOV/SMOV (${laneLetter(size)})`,
    encoding: '0 Q 001110000 imm5:5 0 01 unsigned 1 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: [
      ...(size === 2
        ? [{ text: 'mov <Wd>, <Vn.s[imm5]>', set: { Q: 0, unsigned: 1 }, when: isSize(size) }]
        : size === 3
          ? [{ text: 'mov <Xd>, <Vn.d[imm5]>', set: { Q: 1, unsigned: 1 }, when: isSize(size) }]
          : [
              {
                text: `umov <Wd>, <Vn.${laneLetter(size)}[imm5]>`,
                set: { Q: 0, unsigned: 1 },
                when: isSize(size),
              },
            ]),
      { text: `smov <Wd>, <Vn.${laneLetter(size)}[imm5]>`, set: { Q: 0, unsigned: 0 }, when: isSize(size) },
      { text: `smov <Xd>, <Vn.${laneLetter(size)}[imm5]>`, set: { Q: 1, unsigned: 0 }, when: isSize(size) },
    ],
    split: ['Q', 'unsigned'],
    allocated: (s) => (s.unsigned ? (s.Q === 1) === (size === 3) : size < 2 || (size === 2 && s.Q === 1)),
    decode: (f) =>
      sizeOf(f.imm5) === size ? { d: X(f.Rd), n: V(f.Rn), i: small(indexOf(f.imm5)) } : undefined,
    execute(b, { d, n, i }, { Q, unsigned }) {
      const bits = laneBits(size);
      if (Q) b.setX(d, b.lane(bits, b.v(n), i, unsigned === 0, 64));
      else b.setX(d, b.lane(bits, b.v(n), i, unsigned === 0, 32));
    },
  }),
);

/** All of them. */
export const copyRows: readonly AnyRow[] = [
  ...duplicateElement,
  ...duplicateScalar,
  ...duplicateGeneral,
  ...insertGeneral,
  ...insertElement,
  ...toGeneral,
];
