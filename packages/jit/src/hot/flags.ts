// NZCV in a compiled region: not the flags but what set them, so that most are never computed. AddWithCarry() and
// ConditionHolds() of DDI 0487 J1 on the operands.

import { constantOperand } from '../emit/arm.ts';
import { select as selectNode } from '../emit/flags.ts';
import type { FlagPart } from '../emit/flags.ts';
import { extend, immediate } from '../emit/integers.ts';
import type { FlagNodes, Node } from '../emit/node.ts';
import type { Cond } from '../isa.ts';
import type { HotArm } from './arm.ts';

/**
 * What set the flags last: bits 3:0 say what `a` and `b` are. With `guarded`, they count only where `guard` is not zero, and
 * NZCV is in bits 11:8 otherwise (CCMP).
 */
export const Kind = {
  /** In memory, as the region before left them. */
  memory: 0,
  /** `a` is NZCV, 0 to 15. */
  nzcv: 1,
  /** Subtraction and addition of `a` and `b`, which are zero-extended. */
  sub64: 2,
  sub32: 3,
  add64: 4,
  add32: 5,
  /** N and Z of `a`, C and V clear. */
  logical64: 6,
  logical32: 7,
  /** FCMP of numbers: `a` is 1 if less, `b` is 1 if not equal. */
  float: 8,
  guarded: 16,
} as const;

/** Flags as a value of the semantics. */
export interface HotFlags {
  readonly kind: number;
  readonly a: Node;
  readonly b: Node | undefined;
  readonly guard: Node | undefined;
}

const asHot = (f: FlagNodes): HotFlags => f as unknown as HotFlags;
const isFlags = (v: object): boolean => 'kind' in v;
const asFlags = (f: HotFlags): FlagNodes => f as unknown as FlagNodes;

/** One of the eight conditions, by the upper three bits of its number, on unguarded flags of a known kind. */
function holdsPlain(arm: HotArm, f: HotFlags, which: number): Node {
  const yes = arm.constant('i32', 1n);
  const no = arm.constant('i32', 0n);
  const not = (n: Node): Node => arm.unary('i32_eqz', 'i32', n);
  if (which === 7) return yes;
  if (f.kind === Kind.nzcv) return holdsNibble(arm, f.a, which);
  if (f.kind === Kind.float) {
    const less = arm.unary('i32_wrap_i64', 'i32', f.a);
    const different = arm.unary('i32_wrap_i64', 'i32', f.b ?? f.a);
    const greater = arm.binary('i32_gt_u', 'i32', different, less);
    return [not(different), not(less), less, no, greater, not(less), greater][which] ?? yes;
  }
  const narrow = (f.kind & 1) === 1;
  const type = narrow ? 'i32' : 'i64';
  const value = (n: Node): Node => (narrow ? arm.unary('i32_wrap_i64', 'i32', n) : n);
  const a = value(f.a);
  const zero = arm.constant(type, 0n);
  const test = (op: 'eq' | 'ge_u' | 'gt_u' | 'lt_u' | 'lt_s' | 'ge_s' | 'gt_s', x: Node, y: Node): Node =>
    arm.binary(`${type}_${op}`, 'i32', x, y);
  if (f.kind >= Kind.logical64) {
    const isZero = arm.unary(`${type}_eqz`, 'i32', a);
    return (
      [isZero, no, test('lt_s', a, zero), no, no, test('ge_s', a, zero), test('gt_s', a, zero)][which] ?? yes
    );
  }
  const b = value(f.b ?? f.a);
  const xor = (x: Node, y: Node): Node => arm.integer('xor', x, y);
  if (f.kind <= Kind.sub32) {
    if (which === 0) return test('eq', a, b);
    if (which === 1) return test('ge_u', a, b);
    if (which === 4) return test('gt_u', a, b);
    if (which === 5) return test('ge_s', a, b);
    if (which === 6) return test('gt_s', a, b);
    const r = arm.integer('sub', a, b);
    if (which === 2) return test('lt_s', r, zero);
    return test('lt_s', arm.integer('and', xor(a, b), xor(a, r)), zero);
  }
  const r = arm.integer('add', a, b);
  const overflow = arm.integer('and', xor(a, r), xor(b, r));
  const isZero = arm.unary(`${type}_eqz`, 'i32', r);
  const carry = test('lt_u', r, a);
  const same = test('ge_s', xor(r, overflow), zero);
  if (which === 0) return isZero;
  if (which === 1) return carry;
  if (which === 2) return test('lt_s', r, zero);
  if (which === 3) return test('lt_s', overflow, zero);
  if (which === 4) return arm.binary('i32_and', 'i32', carry, not(isZero));
  return which === 5 ? same : arm.binary('i32_and', 'i32', same, not(isZero));
}

/** The same on NZCV in the lowest bits of an i64. */
function holdsNibble(arm: HotArm, bits: Node, which: number): Node {
  const n = arm.unary('i32_wrap_i64', 'i32', bits);
  const bit = (at: number): Node =>
    arm.integer('and', arm.integer('shr_u', n, arm.constant('i32', BigInt(at))), arm.constant('i32', 1n));
  const not = (x: Node): Node => arm.unary('i32_eqz', 'i32', x);
  const and = (x: Node, y: Node): Node => arm.binary('i32_and', 'i32', x, y);
  const same = (): Node => arm.binary('i32_eq', 'i32', bit(3), bit(0));
  const list = [
    (): Node => bit(2),
    (): Node => bit(1),
    (): Node => bit(3),
    (): Node => bit(0),
    (): Node => and(bit(1), not(bit(2))),
    same,
    (): Node => and(same(), not(bit(2))),
  ];
  return list[which]?.() ?? arm.constant('i32', 1n);
}

/** Whether a condition holds for NZCV that is known. */
function holdsFor(nzcv: number, which: number): boolean {
  const [n, z, c, v] = [(nzcv & 8) !== 0, (nzcv & 4) !== 0, (nzcv & 2) !== 0, (nzcv & 1) !== 0];
  return [z, c, n, v, c && !z, n === v, n === v && !z, true][which] ?? true;
}

/** A condition, by its number, on flags of a known kind. */
function holds(arm: HotArm, f: HotFlags, condition: number): Node {
  const which = condition >> 1;
  const plain = holdsPlain(arm, { ...f, kind: f.kind & 15 }, which);
  let result = plain;
  if (f.guard !== undefined && which !== 7) {
    const otherwise = holdsFor((f.kind >> 8) & 15, which);
    // The guard is any number but zero, the condition is 0 or 1.
    const open = arm.unary('i32_eqz', 'i32', arm.unary('i32_eqz', 'i32', f.guard));
    result = otherwise
      ? arm.binary('i32_or', 'i32', plain, arm.unary('i32_eqz', 'i32', f.guard))
      : arm.binary('i32_and', 'i32', plain, open);
  }
  return (condition & 1) === 1 && condition !== 15 ? arm.unary('i32_eqz', 'i32', result) : result;
}

/** NZCV as an i64 from 0 to 15. */
export function nibbleOf(arm: HotArm, f: HotFlags): Node {
  const plain = { ...f, kind: f.kind & 15 };
  const bit = (which: number, at: bigint): Node =>
    arm.integer('shl', holdsPlain(arm, plain, which), arm.constant('i32', at));
  let bits: Node;
  if (plain.kind === Kind.nzcv) bits = f.a;
  else {
    const nz = arm.integer('or', bit(2, 3n), bit(0, 2n));
    const all = arm.integer('or', nz, arm.integer('or', bit(1, 1n), bit(3, 0n)));
    bits = arm.unary('i64_extend_i32_u', 'i64', all);
  }
  if (f.guard === undefined) return bits;
  return selectNode(arm, f.guard, bits, arm.constant('i64', BigInt((f.kind >> 8) & 15)));
}

/** The methods. */
export function hotFlagPart(arm: HotArm): FlagPart {
  const wide = (n: Node): Node => (n.type === 'i64' ? n : extend(arm, n, 32, false, 'i64'));
  const narrow = (n: Node): number => (n.type === 'i64' ? 0 : 1);
  const flags = (kind: number, a: Node, b?: Node): FlagNodes =>
    asFlags({ kind, a: wide(a), b: b && wide(b), guard: undefined });
  const type = (n: Node): 'i32' | 'i64' => n.type as 'i32' | 'i64';
  return {
    adds: (a, b) => [arm.integer('add', a, b), flags(Kind.add64 + narrow(a), a, b)],
    subs: (a, b) => [arm.integer('sub', a, b), flags(Kind.sub64 + narrow(a), a, b)],
    addCarry(a, b) {
      const carry = holds(arm, arm.currentFlags(), 2);
      const s = arm.integer('add', a, b);
      const t = type(a);
      const r = arm.integer('add', s, t === 'i64' ? arm.unary('i64_extend_i32_u', 'i64', carry) : carry);
      const zero = arm.constant(t, 0n);
      const c = arm.binary(
        'i32_or',
        'i32',
        arm.binary(`${t}_lt_u`, 'i32', s, a),
        arm.binary(`${t}_lt_u`, 'i32', r, s),
      );
      const xor = (x: Node, y: Node): Node => arm.integer('xor', x, y);
      const v = arm.binary(`${t}_lt_s`, 'i32', arm.integer('and', xor(a, r), xor(b, r)), zero);
      const shifted = (n: Node, at: bigint): Node => arm.integer('shl', n, arm.constant('i32', at));
      const n = shifted(arm.binary(`${t}_lt_s`, 'i32', r, zero), 3n);
      const z = shifted(arm.unary(`${t}_eqz`, 'i32', r), 2n);
      const bits = arm.integer('or', arm.integer('or', n, z), arm.integer('or', shifted(c, 1n), v));
      return [r, flags(Kind.nzcv, bits)];
    },
    logical: (a) => flags(Kind.logical64 + narrow(a), a),
    nzcv: (value) => flags(Kind.nzcv, immediate(arm, 'i64', value)),
    nzcvFrom: (value) =>
      flags(
        Kind.nzcv,
        arm.integer('and', arm.integer('shr_u', value, arm.constant('i64', 28n)), arm.constant('i64', 15n)),
      ),
    nzcvBits: () => arm.integer('shl', nibbleOf(arm, arm.currentFlags()), arm.constant('i64', 28n)),
    setFlags: (f) => {
      arm.setFlags(asHot(f));
    },
    holds: (c: Cond) => holds(arm, arm.currentFlags(), constantOperand(c)?.value ?? 14),
    select(c, yes, no) {
      if (!isFlags(yes)) return selectNode(arm, c, yes as Node, no as Node);
      const [f, other] = [asHot(yes as FlagNodes), asHot(no as FlagNodes)];
      const known = other.kind === Kind.nzcv ? other.a.constant : undefined;
      if (f.guard === undefined && f.kind !== Kind.nzcv && known !== undefined) {
        return asFlags({ ...f, kind: f.kind | Kind.guarded | (Number(known & 15n) << 8), guard: c });
      }
      const bits = selectNode(arm, c, nibbleOf(arm, f), nibbleOf(arm, other));
      return flags(Kind.nzcv, bits);
    },
  };
}
