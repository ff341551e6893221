// LD1 to LD4, ST1 to ST4, LD1R to LD4R: structures of one to four elements (DDI 0487 C4.1.94, Advanced SIMD load/store).

import type { Builder } from '../../semantics/builder.ts';
import { imm, small, V, X, XSP } from '../../semantics/operands.ts';
import type { Gpr, Imm, Vreg } from '../../semantics/operands.ts';
import { intLayout, vecLayout } from '../../semantics/values.ts';
import type { Int, Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow, AsmForm } from '../../table/row.ts';
import { arrangement, laneBits, laneCount, laneLetter } from './forms.ts';

/** Registers of a list and elements of a structure, by the opcode of the multiple forms. */
const MULTIPLE: Readonly<Record<number, { readonly registers: number; readonly elements: number }>> = {
  0: { registers: 4, elements: 4 },
  2: { registers: 4, elements: 1 },
  4: { registers: 3, elements: 3 },
  6: { registers: 3, elements: 1 },
  7: { registers: 1, elements: 1 },
  8: { registers: 2, elements: 2 },
  10: { registers: 2, elements: 1 },
};

const list = (Rt: number): { t0: Vreg; t1: Vreg; t2: Vreg; t3: Vreg } => ({
  t0: V(Rt),
  t1: V((Rt + 1) & 31),
  t2: V((Rt + 2) & 31),
  t3: V((Rt + 3) & 31),
});
type List = ReturnType<typeof list>;
const registersOf = (o: List, count: number): Vreg[] => [o.t0, o.t1, o.t2, o.t3].slice(0, count);

const offset = (b: Builder, base: Int<64>, bytes: number): Int<64> =>
  bytes === 0 ? base : b.add(base, b.int(64, bytes));

/** Whole registers: LD1 and ST1 of several registers. */
function moveWhole(b: Builder, base: Int<64>, registers: readonly Vreg[], Q: number, load: boolean): void {
  const layout = vecLayout(Q ? 16 : 8);
  registers.forEach((r, i) => {
    const at = offset(b, base, i * (Q ? 16 : 8));
    if (load) b.setV(r, b.load(at, layout, ELEMENTS));
    else b.store(at, layout, b.v(r), ELEMENTS);
  });
}

/** A whole register is checked for the alignment of its elements; single elements have theirs. */
const ELEMENTS = {} as const;

/** Interleaved elements: element e of register r lies at (e * registers + r). */
function moveInterleaved(
  b: Builder,
  base: Int<64>,
  registers: readonly Vreg[],
  size: number,
  Q: number,
  load: boolean,
): void {
  const bits = laneBits(size);
  const layout = intLayout(64, (bits / 8) as 1 | 2 | 4 | 8);
  const values: Vec[] = registers.map((r) => (load ? b.vzero() : b.v(r)));
  for (let e = 0; e < laneCount(size, Q); e++) {
    registers.forEach((_, r) => {
      const at = offset(b, base, (e * registers.length + r) * (bits / 8));
      const value = values[r] ?? b.vzero();
      if (load) values[r] = b.withLane(bits, value, e, b.load(at, layout));
      else b.store(at, layout, b.lane(bits, value, e, false, 64));
    });
  }
  if (load)
    registers.forEach((r, i) => {
      b.setV(r, values[i] ?? b.vzero());
    });
}

/** Post-index: Rm 31 is the size of what was moved, else a register. */
function writeBack(
  b: Builder,
  o: { readonly n: Gpr; readonly m?: Gpr; readonly i?: Imm },
  base: Int<64>,
): void {
  if (o.m !== undefined) b.setX(o.n, b.add(base, b.x(o.m, 64)));
  else if (o.i !== undefined) b.setX(o.n, b.add(base, b.int(64, o.i)));
}

const MNEMONICS = ['st', 'ld'] as const;

/** The three addressing modes: none, post-index by the size, post-index by a register. */
type Mode = 'offset' | 'immediate' | 'register';
const MODES: readonly Mode[] = ['offset', 'immediate', 'register'];
const suffix = (mode: Mode, bytes: number): string =>
  mode === 'offset' ? '' : mode === 'immediate' ? `, #${bytes}` : ', <Xm>';

const multiple = (mode: Mode): AnyRow =>
  row({
    name: `LD1-LD4/ST1-ST4 (multiple structures, ${mode})`,
    encoding: (mode === 'offset'
      ? '0 Q 0011000 L 000000 opcode:4 size:2 Rn:5 Rt:5'
      : mode === 'immediate'
        ? '0 Q 0011001 L 0 11111 opcode:4 size:2 Rn:5 Rt:5'
        : '0 Q 0011001 L 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5') as '0 Q 0011001 L 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5',
    gate: 'fp',
    asm: multipleForms(mode),
    split: ['Q', 'L', 'opcode', 'size'],
    allocated: (s) => {
      const shape = MULTIPLE[s.opcode];
      return shape !== undefined && (shape.elements === 1 || s.size !== 3 || s.Q === 1);
    },
    decode(f) {
      const shape = MULTIPLE[f.opcode];
      if (shape === undefined || (mode === 'register' && f.Rm === 31)) return undefined;
      return {
        ...list(f.Rt),
        n: XSP(f.Rn),
        ...(mode === 'register' && { m: X(f.Rm) }),
        ...(mode === 'immediate' && { i: imm(shape.registers * (f.Q ? 16 : 8)) }),
      };
    },
    execute(b, o, { Q, L, opcode, size }) {
      const shape = MULTIPLE[opcode];
      if (shape === undefined) return;
      const base = b.address(o.n);
      const registers = registersOf(o, shape.registers);
      if (shape.elements === 1) moveWhole(b, base, registers, Q, L === 1);
      else moveInterleaved(b, base, registers, size, Q, L === 1);
      writeBack(b, o, base);
    },
  });

function multipleForms(mode: Mode): AsmForm[] {
  return Object.entries(MULTIPLE).flatMap(([opcode, { registers, elements }]) =>
    [0, 1].flatMap((Q) =>
      [0, 1, 2, 3]
        .filter((size) => elements === 1 || size !== 3 || Q === 1)
        .flatMap((size) =>
          MNEMONICS.map((mnemonic, L) => ({
            text: `${mnemonic}${elements} <{Vt.${size === 3 && Q === 0 ? '1d' : arrangement(size, Q)}}*${registers}>, [<Xn|SP>]${suffix(mode, registers * (Q ? 16 : 8))}`,
            set: { Q, L, opcode: Number(opcode), size },
          })),
        ),
    ),
  );
}

/** Where a single structure's element is: opcode, S and size give the lane size and with Q the index. */
interface Single {
  readonly size: number;
  readonly index: number;
}
function singleOf(f: {
  readonly Q: number;
  readonly S: number;
  readonly scale: number;
  readonly size: number;
}): Single | undefined {
  if (f.scale === 0) return { size: 0, index: (f.Q << 3) | (f.S << 2) | f.size };
  if (f.scale === 1)
    return (f.size & 1) === 0 ? { size: 1, index: (f.Q << 2) | (f.S << 1) | (f.size >> 1) } : undefined;
  if (f.scale === 2 && f.size === 0) return { size: 2, index: (f.Q << 1) | f.S };
  if (f.scale === 2 && f.size === 1 && f.S === 0) return { size: 3, index: f.Q };
  return undefined;
}
/** The lane size that split fields decide. */
const singleSize = (scale: number, size: number): number => (scale === 2 && (size & 1) === 1 ? 3 : scale);

const single = (mode: Mode): AnyRow =>
  row({
    name: `LD1-LD4/ST1-ST4 (single structure, ${mode})`,
    encoding: (mode === 'offset'
      ? '0 Q 0011010 L R 00000 scale:2 three S size:2 Rn:5 Rt:5'
      : mode === 'immediate'
        ? '0 Q 0011011 L R 11111 scale:2 three S size:2 Rn:5 Rt:5'
        : '0 Q 0011011 L R Rm:5 scale:2 three S size:2 Rn:5 Rt:5') as '0 Q 0011011 L R Rm:5 scale:2 three S size:2 Rn:5 Rt:5',
    gate: 'fp',
    asm: singleForms(mode),
    split: ['L', 'R', 'scale', 'three', 'size'],
    allocated: (s) => s.scale !== 3 && (s.scale !== 1 || (s.size & 1) === 0) && (s.scale !== 2 || s.size < 2),
    decode(f) {
      const at = singleOf(f);
      if (at === undefined || (mode === 'register' && f.Rm === 31)) return undefined;
      const count = f.three * 2 + f.R + 1;
      return {
        ...list(f.Rt),
        n: XSP(f.Rn),
        index: small(at.index),
        ...(mode === 'register' && { m: X(f.Rm) }),
        ...(mode === 'immediate' && { i: small((count * laneBits(at.size)) / 8) }),
      };
    },
    execute(b, o, { L, R, scale, three, size }) {
      const bits = laneBits(singleSize(scale, size));
      const layout = intLayout(64, (bits / 8) as 1 | 2 | 4 | 8);
      const base = b.address(o.n);
      registersOf(o, three * 2 + R + 1).forEach((r, i) => {
        const at = offset(b, base, (i * bits) / 8);
        if (L) b.setV(r, b.withLane(bits, b.v(r), o.index, b.load(at, layout)));
        else b.store(at, layout, b.lane(bits, b.v(r), o.index, false, 64));
      });
      writeBack(b, o, base);
    },
  });

function singleForms(mode: Mode): AsmForm[] {
  return [0, 1, 2, 3].flatMap((size) =>
    [1, 2, 3, 4].flatMap((count) =>
      MNEMONICS.map((mnemonic, L) => ({
        text: `${mnemonic}${count} <{Vt.${laneLetter(size)}}*${count}[single]>, [<Xn|SP>]${suffix(mode, (count * laneBits(size)) / 8)}`,
        set: { L, R: (count - 1) & 1, three: (count - 1) >> 1, scale: Math.min(size, 2) },
        when: (f: Readonly<Record<string, number>>) => singleSize(f['scale'] ?? 0, f['size'] ?? 0) === size,
      })),
    ),
  );
}

const replicate = (mode: Mode): AnyRow =>
  row({
    name: `LD1R-LD4R (${mode})`,
    encoding: (mode === 'offset'
      ? '0 Q 0011010 1 R 00000 11 three 0 size:2 Rn:5 Rt:5'
      : mode === 'immediate'
        ? '0 Q 0011011 1 R 11111 11 three 0 size:2 Rn:5 Rt:5'
        : '0 Q 0011011 1 R Rm:5 11 three 0 size:2 Rn:5 Rt:5') as '0 Q 0011011 1 R Rm:5 11 three 0 size:2 Rn:5 Rt:5',
    gate: 'fp',
    asm: replicateForms(mode),
    split: ['Q', 'R', 'three', 'size'],
    decode: (f) =>
      mode === 'register' && f.Rm === 31
        ? undefined
        : {
            ...list(f.Rt),
            n: XSP(f.Rn),
            ...(mode === 'register' && { m: X(f.Rm) }),
            ...(mode === 'immediate' && { i: small(((f.three * 2 + f.R + 1) * laneBits(f.size)) / 8) }),
          },
    execute(b, o, { Q, R, three, size }) {
      const bits = laneBits(size);
      const layout = intLayout(64, (bits / 8) as 1 | 2 | 4 | 8);
      const base = b.address(o.n);
      registersOf(o, three * 2 + R + 1).forEach((r, i) => {
        const value = b.splat(bits, b.load(offset(b, base, (i * bits) / 8), layout));
        b.setV(r, Q ? value : b.lowHalf(value));
      });
      writeBack(b, o, base);
    },
  });

function replicateForms(mode: Mode): AsmForm[] {
  return [1, 2, 3, 4].flatMap((count) =>
    [0, 1].flatMap((Q) =>
      [0, 1, 2, 3].map((size) => ({
        text: `ld${count}r <{Vt.${size === 3 && Q === 0 ? '1d' : arrangement(size, Q)}}*${count}>, [<Xn|SP>]${suffix(mode, (count * laneBits(size)) / 8)}`,
        set: { Q, size, R: (count - 1) & 1, three: (count - 1) >> 1 },
      })),
    ),
  );
}

/** All of them. */
export const structureRows: readonly AnyRow[] = MODES.flatMap((mode) => [
  multiple(mode),
  single(mode),
  replicate(mode),
]);
