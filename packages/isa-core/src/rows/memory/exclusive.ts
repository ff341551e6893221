// Exclusive loads and stores, and load-acquire and store-release (DDI 0487 C4.1.88, Load/store exclusive and ordered). The machine
// interleaves its CPUs, so that acquire and release have nothing to do.
//
// CONSTRAINED UNPREDICTABLE: fields that should be ones are ignored; STXR's status may overwrite its own data or base register,
// whose old values are used. This is what QEMU does.

import { X, XSP } from '../../semantics/operands.ts';
import { intLayout } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow, AsmForm } from '../../table/row.ts';
import { bytesOf } from './transfer.ts';

const suffixes = ['b', 'h', '', ''] as const;
const letterOf = (size: number): string => (size === 3 ? 'X' : 'W');

/** One form for each size. A form that fixes the should-be-one fields comes first; the second prints the rest. */
const forms = (
  mnemonic: string,
  operands: string,
  sizes: readonly number[],
  set: AsmForm['set'],
): AsmForm[] =>
  sizes.map((size) => ({
    text: `${mnemonic}${suffixes[size] ?? ''} ${operands.replaceAll('@', letterOf(size))}`,
    set: { size, ...set },
  }));
const SIZES = [0, 1, 2, 3] as const;

/** The same with the register fields that an instruction ignores: all ones when assembled, anything when printed. */
const ignoring = (ignored: AsmForm['set'], list: readonly AsmForm[]): AsmForm[] => [
  ...list.map((form) => ({ ...form, set: { ...form.set, ...ignored } })),
  ...list,
];

const loadExclusive = row({
  name: 'LDXR, LDAXR',
  encoding: 'size:2 001000 0 1 0 Rs:5 o0 Rt2:5 Rn:5 Rt:5',
  asm: ignoring({ Rs: 31, Rt2: 31 }, [
    ...forms('ldxr', '<@t>, [<Xn|SP>]', SIZES, { o0: 0 }),
    ...forms('ldaxr', '<@t>, [<Xn|SP>]', SIZES, { o0: 1 }),
  ]),
  split: ['size'],
  decode: (f) => ({ t: X(f.Rt), n: XSP(f.Rn) }),
  execute(b, { t, n }, { size }) {
    const va = b.address(n);
    if (size === 3) b.setX(t, b.loadExclusive(va, intLayout(64)));
    else b.setX(t, b.loadExclusive(va, intLayout(32, bytesOf(size))));
  },
});

const storeExclusive = row({
  name: 'STXR, STLXR',
  encoding: 'size:2 001000 0 0 0 Rs:5 o0 Rt2:5 Rn:5 Rt:5',
  asm: ignoring({ Rt2: 31 }, [
    ...forms('stxr', '<Ws>, <@t>, [<Xn|SP>]', SIZES, { o0: 0 }),
    ...forms('stlxr', '<Ws>, <@t>, [<Xn|SP>]', SIZES, { o0: 1 }),
  ]),
  split: ['size'],
  decode: (f) => ({ s: X(f.Rs), t: X(f.Rt), n: XSP(f.Rn) }),
  execute(b, { s, t, n }, { size }) {
    const va = b.address(n);
    if (size === 3) b.setX(s, b.storeExclusive(va, intLayout(64), b.x(t, 64)));
    else b.setX(s, b.storeExclusive(va, intLayout(32, bytesOf(size)), b.x(t, 32)));
  },
});

/** Sizes of pairs: 2 is two words, 3 two doublewords. */
const isPairSize = ({ size }: { readonly size: number }): boolean => size >= 2;

const loadExclusivePair = row({
  name: 'LDXP, LDAXP',
  encoding: 'size:2 001000 0 1 1 Rs:5 o0 Rt2:5 Rn:5 Rt:5',
  asm: ignoring({ Rs: 31 }, [
    ...forms('ldxp', '<@t>, <@t2>, [<Xn|SP>]', [2, 3], { o0: 0 }),
    ...forms('ldaxp', '<@t>, <@t2>, [<Xn|SP>]', [2, 3], { o0: 1 }),
  ]),
  split: ['size'],
  allocated: isPairSize,
  decode: (f) => (isPairSize(f) ? { t: X(f.Rt), u: X(f.Rt2), n: XSP(f.Rn) } : undefined),
  execute(b, { t, u, n }, { size }) {
    const va = b.address(n);
    if (size === 3) {
      const [first, second] = b.loadExclusivePair(va, intLayout(64));
      b.setX(t, first);
      b.setX(u, second);
    } else {
      const [first, second] = b.loadExclusivePair(va, intLayout(32));
      b.setX(t, first);
      b.setX(u, second);
    }
  },
});

const storeExclusivePair = row({
  name: 'STXP, STLXP',
  encoding: 'size:2 001000 0 0 1 Rs:5 o0 Rt2:5 Rn:5 Rt:5',
  asm: [
    ...forms('stxp', '<Ws>, <@t>, <@t2>, [<Xn|SP>]', [2, 3], { o0: 0 }),
    ...forms('stlxp', '<Ws>, <@t>, <@t2>, [<Xn|SP>]', [2, 3], { o0: 1 }),
  ],
  split: ['size'],
  allocated: isPairSize,
  decode: (f) => (isPairSize(f) ? { s: X(f.Rs), t: X(f.Rt), u: X(f.Rt2), n: XSP(f.Rn) } : undefined),
  execute(b, { s, t, u, n }, { size }) {
    const va = b.address(n);
    if (size === 3) b.setX(s, b.storeExclusivePair(va, intLayout(64), b.x(t, 64), b.x(u, 64)));
    else b.setX(s, b.storeExclusivePair(va, intLayout(32), b.x(t, 32), b.x(u, 32)));
  },
});

const acquireRelease = row({
  name: 'LDAR, STLR',
  encoding: 'size:2 001000 1 L 0 Rs:5 1 Rt2:5 Rn:5 Rt:5',
  asm: [
    ...ignoring({ Rs: 31, Rt2: 31 }, forms('stlr', '<@t>, [<Xn|SP>]', SIZES, { L: 0 })),
    // binutils has no name for LDAR with other values in the fields that should be ones, but for the top bit of Rs in all but LDARH.
    ...forms('ldar', '<@t>, [<Xn|SP>]', SIZES, { L: 1, Rs: 31, Rt2: 31 }),
    ...forms('ldar', '<@t>, [<Xn|SP>]', [0, 2, 3], { L: 1, Rs: 15, Rt2: 31 }),
  ],
  split: ['size', 'L'],
  decode: (f) => ({ t: X(f.Rt), n: XSP(f.Rn) }),
  execute(b, { t, n }, { size, L }) {
    const va = b.address(n);
    const how = { aligned: true, ordered: true } as const;
    if (size === 3) {
      if (L === 1) b.setX(t, b.load(va, intLayout(64), how));
      else b.store(va, intLayout(64), b.x(t, 64), how);
    } else if (L === 1) b.setX(t, b.load(va, intLayout(32, bytesOf(size)), how));
    else b.store(va, intLayout(32, bytesOf(size)), b.x(t, 32), how);
  },
});

/** All of them. */
export const exclusiveRows: readonly AnyRow[] = [
  loadExclusive,
  storeExclusive,
  loadExclusivePair,
  storeExclusivePair,
  acquireRelease,
];
