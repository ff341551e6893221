// ZIP, UZP, TRN, EXT, TBL, TBX (DDI 0487 C4.1.96).

import type { Builder } from '../../semantics/builder.ts';
import { small, V } from '../../semantics/operands.ts';
import type { Vreg } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arranged, fit, laneBits, laneCount } from './forms.ts';

const KINDS = ['', 'uzp1', 'trn1', 'zip1', '', 'uzp2', 'trn2', 'zip2'] as const;

/** The source element of lane `i`: elements of n, then of m. */
function source(kind: number, count: number, i: number): number {
  const second = kind >> 2;
  if ((kind & 3) === 1) return i * 2 + second;
  if ((kind & 3) === 2) return (i & 1) * count + (i & ~1) + second;
  return (i & 1) * count + (i >> 1) + second * (count / 2);
}

const permute: AnyRow = row({
  name: 'ZIP/UZP/TRN',
  encoding: '0 Q 001110 size:2 0 Rm:5 0 kind:3 10 Rn:5 Rd:5',
  gate: 'fp',
  asm: KINDS.flatMap((mnemonic, kind) =>
    mnemonic === '' ? [] : arranged(`${mnemonic} <Vd.*>, <Vn.*>, <Vm.*>`, [0, 1, 2, 3], { kind }),
  ),
  split: ['Q', 'size', 'kind'],
  allocated: (s) => (s.kind & 3) !== 0 && !(s.size === 3 && s.Q === 0),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { Q, size, kind }) {
    const bytes = laneBits(size) / 8;
    const count = laneCount(size, Q);
    const indices = Array.from({ length: 16 }, (_, i) => {
      if (!Q && i >= 8) return 0;
      const element = source(kind, count, Math.floor(i / bytes));
      return (element < count ? element * bytes : 16 + (element - count) * bytes) + (i % bytes);
    });
    b.setV(d, fit(b, b.shuffle(b.v(n), b.v(m), indices), Q));
  },
});

const extract: AnyRow = row({
  name: 'EXT',
  encoding: '0 Q 101110000 Rm:5 0 imm4:4 0 Rn:5 Rd:5',
  gate: 'fp',
  asm: [
    { text: 'ext <Vd.8b>, <Vn.8b>, <Vm.8b>, <extindex>', set: { Q: 0 } },
    { text: 'ext <Vd.16b>, <Vn.16b>, <Vm.16b>, <extindex>', set: { Q: 1 } },
  ],
  split: ['Q'],
  decode: (f) =>
    f.Q === 0 && f.imm4 > 7 ? undefined : { d: V(f.Rd), n: V(f.Rn), m: V(f.Rm), at: small(f.imm4) },
  execute(b, { d, n, m, at }, { Q }) {
    if (Q) b.setV(d, b.extract(b.v(n), b.v(m), at));
    else {
      // The two low halves side by side.
      const both = b.shuffle(b.v(n), b.v(m), [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
      b.setV(d, b.lowHalf(b.extract(both, b.vzero(), at)));
    }
  },
});

const tables = (b: Builder, t: readonly Vreg[]): Vec[] => t.map((r) => b.v(r));

const lookup: AnyRow = row({
  name: 'TBL/TBX',
  encoding: '0 Q 001110000 Rm:5 0 len:2 op 00 Rn:5 Rd:5',
  gate: 'fp',
  asm: ['tbl', 'tbx'].flatMap((mnemonic, op) =>
    ['8b', '16b'].flatMap((t, Q) =>
      [0, 1, 2, 3].map((len) => ({
        text: `${mnemonic} <Vd.${t}>, <{Vn.16b}*${len + 1}>, <Vm.${t}>`,
        set: { Q, op, len },
      })),
    ),
  ),
  split: ['Q', 'len', 'op'],
  decode: (f) => ({
    d: V(f.Rd),
    m: V(f.Rm),
    t0: V(f.Rn),
    t1: V((f.Rn + 1) & 31),
    t2: V((f.Rn + 2) & 31),
    t3: V((f.Rn + 3) & 31),
  }),
  execute(b, { d, m, t0, t1, t2, t3 }, { Q, len, op }) {
    const found = b.tableLookup(
      tables(b, [t0, t1, t2, t3].slice(0, len + 1)),
      b.v(m),
      op ? b.v(d) : b.vzero(),
    );
    b.setV(d, fit(b, found, Q));
  },
});

/** All of them. */
export const permuteRows: readonly AnyRow[] = [permute, extract, lookup];
