// Conversions to and from half precision, and to single precision with rounding to odd: integer arithmetic on the bits, where
// operand and result are normal numbers or zero (DDI 0487 J1, shared/functions/float: FPConvert, FPRoundCV).

import type { Arm } from './arm.ts';
import { select } from './flags.ts';
import type { FloatTools } from './float-tools.ts';
import type { Node } from './node.ts';

/** FPCR.AHP: the alternative format, which has no infinities. */
const AHP = 0x0400_0000;

/** Leaves if halves are of the alternative format. */
function ieeeHalves(arm: Arm): void {
  arm.stepIf(
    arm.node('i32', [], () => {
      arm.frame.loadWord('fpcr');
      arm.code.i32(AHP);
      arm.code.op('i32_and');
    }),
  );
}

/** A half as `f32`: exact. A denormal one is no special case, since its bits mean the same under a larger exponent. */
export function fromHalf(arm: Arm, tools: FloatTools, bits: Node): Node {
  const i32 = (n: number): Node => arm.constant('i32', BigInt(n));
  ieeeHalves(arm);
  tools.plainFpcr();
  const magnitude = arm.integer('and', bits, i32(0x7fff));
  // Not infinite, no NaN.
  tools.demand(arm.binary('i32_lt_u', 'i32', magnitude, i32(0x7c00)));
  const small = arm.unary('f32_reinterpret_i32', 'f32', arm.integer('shl', magnitude, i32(13)));
  const sign = arm.integer('shl', arm.integer('shr_u', bits, i32(15)), i32(31));
  const scaled = tools.op2('mul', small, tools.number('f32', 2 ** 112));
  return tools.op2('copysign', scaled, arm.unary('f32_reinterpret_i32', 'f32', sign));
}

/** What the bits of one format become in a narrower one. */
interface Narrowing {
  /** Bits of the fraction that are lost. */
  readonly lost: bigint;
  /** What a number's exponent field loses, in the place of the result's field. */
  readonly bias: bigint;
  /** The smallest magnitude that is normal in the result, and the first that rounds to infinity. */
  readonly from: bigint;
  readonly below: bigint;
}

const singleToHalf: Narrowing = {
  lost: 13n,
  bias: 112n << 10n,
  from: 0x3880_0000n,
  below: 0x477f_f000n,
};
const doubleToHalf: Narrowing = {
  lost: 42n,
  bias: 1008n << 10n,
  from: 0x3f10_0000_0000_0000n,
  below: 0x40ef_fe00_0000_0000n,
};
/** By rounding to odd, which never reaches infinity. */
const doubleToSingle: Narrowing = {
  lost: 29n,
  bias: 896n << 23n,
  from: 0x3810_0000_0000_0000n,
  below: 0x47f0_0000_0000_0000n,
};

/** The magnitude of `bits` in the narrower format, to nearest even or to odd. Leaves where it is not normal or zero. */
function narrowed(arm: Arm, tools: FloatTools, bits: Node, how: Narrowing, odd: boolean): Node {
  const type = bits.type as 'i32' | 'i64';
  const c = (n: bigint): Node => arm.constant(type, n);
  const { lost, bias, from, below } = how;
  const magnitude = tools.keep(arm.integer('and', bits, c(type === 'i64' ? (1n << 63n) - 1n : 0x7fff_ffffn)));
  const isZero = arm.unary(`${type}_eqz`, 'i32', magnitude);
  const isNormal = arm.binary(`${type}_lt_u`, 'i32', arm.integer('sub', magnitude, c(from)), c(below - from));
  tools.demand(tools.either(isNormal, isZero));
  const rest = tools.keep(arm.integer('and', magnitude, c((1n << lost) - 1n)));
  tools.demandExact(arm.unary(`${type}_eqz`, 'i32', rest));
  const cut = arm.integer('shr_u', magnitude, c(lost));
  let result: Node;
  if (odd) {
    const sticky = arm.binary(`${type}_ne`, 'i32', rest, c(0n));
    result = arm.integer('or', cut, type === 'i64' ? arm.unary('i64_extend_i32_u', 'i64', sticky) : sticky);
  } else {
    // Half of the last place less one, and one more where the last place is odd.
    const last = arm.integer('and', cut, c(1n));
    const half = arm.integer('add', last, c((1n << (lost - 1n)) - 1n));
    result = arm.integer('shr_u', arm.integer('add', magnitude, half), c(lost));
  }
  const unbiased = select(arm, isZero, c(0n), arm.integer('sub', result, c(bias)));
  return type === 'i64' ? arm.unary('i32_wrap_i64', 'i32', unbiased) : unbiased;
}

/** The sign of `bits` in bit `to` of an i32. */
function signAt(arm: Arm, bits: Node, to: bigint): Node {
  const type = bits.type as 'i32' | 'i64';
  const sign = arm.integer('shr_u', bits, arm.constant(type, type === 'i64' ? 63n : 31n));
  const low = type === 'i64' ? arm.unary('i32_wrap_i64', 'i32', sign) : sign;
  return arm.integer('shl', low, arm.constant('i32', to));
}

/** The bits of a single or double as those of a half. */
export function toHalf(arm: Arm, tools: FloatTools, bits: Node): Node {
  ieeeHalves(arm);
  tools.plainFpcr();
  const how = bits.type === 'i64' ? doubleToHalf : singleToHalf;
  return tools.half(arm.integer('or', narrowed(arm, tools, bits, how, false), signAt(arm, bits, 15n)));
}

/** The bits of a double as those of a single, rounded to odd (FCVTXN). */
export function toOddSingle(arm: Arm, tools: FloatTools, bits: Node): Node {
  tools.plainFpcr();
  return arm.integer('or', narrowed(arm, tools, bits, doubleToSingle, true), signAt(arm, bits, 31n));
}
