// Loads and stores of a pair of registers (DDI 0487 C4.1.88, Load/store register pair). A pair is one access, so that a fault in
// its second half leaves nothing behind.
//
// CONSTRAINED UNPREDICTABLE: with both destinations the same register, the first element stays in a general register and the second
// in a vector register; with write-back and the base among the registers, the written-back address stays. This is what
// QEMU does.

import type { Builder } from '../../semantics/builder.ts';
import { imm, signExtend, V, X, XSP } from '../../semantics/operands.ts';
import type { Gpr, Imm } from '../../semantics/operands.ts';
import { intLayout, vecLayout } from '../../semantics/values.ts';
import type { Int, Width } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow, AsmForm } from '../../table/row.ts';

/** mode: 0 non-temporal, 1 post-indexed, 2 offset, 3 pre-indexed. */
const modes = [
  { mode: 0, hint: 'n', address: '[<Xn|SP>{, <@opt>}]' },
  { mode: 1, hint: '', address: '[<Xn|SP>], <@>' },
  { mode: 2, hint: '', address: '[<Xn|SP>{, <@opt>}]' },
  { mode: 3, hint: '', address: '[<Xn|SP>, <@>]!' },
] as const;

const forms = (offset: string, registers: readonly (readonly [number, string])[]): AsmForm[] =>
  registers.flatMap(([opc, letter]) =>
    modes.flatMap(({ mode, hint, address }) =>
      (['st', 'ld'] as const).map((verb, L) => ({
        text: `${verb}${hint}p <${letter}t>, <${letter}t2>, ${address.replace('@', offset)}`,
        set: { opc, mode, L },
      })),
    ),
  );

/** The address of the access, and what is written back, if anything. */
const address = (
  b: Builder,
  n: Gpr,
  i: Imm,
  mode: number,
): { va: Int<64>; moved: Int<64>; writeBack: boolean } => {
  const base = b.address(n);
  const moved = b.add(base, b.int(64, i));
  return { va: mode === 1 ? base : moved, moved, writeBack: (mode & 1) === 1 };
};

/** The second register first: the first one wins where they are the same. */
const setPair = <W extends Width>(
  b: Builder,
  t: Gpr,
  u: Gpr,
  [first, second]: readonly [Int<W>, Int<W>],
): void => {
  b.setX(u, second);
  b.setX(t, first);
};

/** opc: 0 W, 1 LDPSW, 2 X. There is no STPSW (it is STGP of FEAT_MTE) and no LDNPSW. */
const isPair = ({
  opc,
  mode,
  L,
}: {
  readonly opc: number;
  readonly mode: number;
  readonly L: number;
}): boolean => opc === 0 || opc === 2 || (opc === 1 && L === 1 && mode !== 0);

/** binutils has no name for LDPSW with the same register twice, or with its base among the registers that it writes back over. */
const isOrderly = (f: {
  readonly mode: number;
  readonly Rt: number;
  readonly Rt2: number;
  readonly Rn: number;
}): boolean => f.Rt !== f.Rt2 && (f.mode === 2 || f.Rn === 31 || (f.Rn !== f.Rt && f.Rn !== f.Rt2));

const pair = row({
  name: 'Load/store register pair',
  encoding: 'opc:2 101 0 0 mode:2 L imm7:7 Rt2:5 Rn:5 Rt:5',
  asm: [
    ...forms('simm7', [
      [0, 'W'],
      [2, 'X'],
    ]),
    { text: 'ldpsw <Xt>, <Xt2>, [<Xn|SP>], <simm7>', set: { opc: 1, mode: 1, L: 1 }, when: isOrderly },
    { text: 'ldpsw <Xt>, <Xt2>, [<Xn|SP>{, <simm7opt>}]', set: { opc: 1, mode: 2, L: 1 }, when: isOrderly },
    { text: 'ldpsw <Xt>, <Xt2>, [<Xn|SP>, <simm7>]!', set: { opc: 1, mode: 3, L: 1 }, when: isOrderly },
  ],
  split: ['opc', 'mode', 'L'],
  allocated: isPair,
  decode: (f) =>
    isPair(f)
      ? { t: X(f.Rt), u: X(f.Rt2), n: XSP(f.Rn), i: imm(signExtend(f.imm7, 7) * (f.opc === 2 ? 8 : 4)) }
      : undefined,
  execute(b, { t, u, n, i }, { opc, mode, L }) {
    const { va, moved, writeBack } = address(b, n, i, mode);
    if (L === 1) {
      if (opc === 0) setPair(b, t, u, b.loadPair(va, intLayout(32)));
      else setPair(b, t, u, b.loadPair(va, opc === 2 ? intLayout(64) : intLayout(64, 4, true)));
    } else if (opc === 0) b.storePair(va, intLayout(32), b.x(t, 32), b.x(u, 32));
    else b.storePair(va, intLayout(64), b.x(t, 64), b.x(u, 64));
    if (writeBack) b.setX(n, moved);
  },
});

const pairBytes = [4, 8, 16] as const;

const pairVector = row({
  name: 'Load/store register pair (SIMD&FP)',
  encoding: 'opc:2 101 1 0 mode:2 L imm7:7 Rt2:5 Rn:5 Rt:5',
  asm: forms('vsimm7', [
    [0, 'S'],
    [1, 'D'],
    [2, 'Q'],
  ]),
  gate: 'fp',
  split: ['opc', 'mode', 'L'],
  allocated: (s) => s.opc !== 3,
  decode: (f) =>
    f.opc === 3
      ? undefined
      : { t: V(f.Rt), u: V(f.Rt2), n: XSP(f.Rn), i: imm(signExtend(f.imm7, 7) * (4 << f.opc)) },
  execute(b, { t, u, n, i }, { opc, mode, L }) {
    const { va, moved, writeBack } = address(b, n, i, mode);
    const as = vecLayout(pairBytes[opc] ?? 16);
    if (L === 1) {
      const [first, second] = b.loadPair(va, as);
      b.setV(t, first);
      b.setV(u, second);
    } else b.storePair(va, as, b.v(t), b.v(u));
    if (writeBack) b.setX(n, moved);
  },
});

/** All of them. */
export const pairRows: readonly AnyRow[] = [pair, pairVector];
