// Estimates of reciprocals and of reciprocal square roots for ordinary numbers: integer arithmetic, as the architecture defines them
// (DDI 0487 J1, shared/functions/float: RecipEstimate, RecipSqrtEstimate, FPRecipEstimate, FPRSqrtEstimate, FPRecpX).

import type { Arm } from './arm.ts';
import { select } from './flags.ts';
import type { FloatTools } from './float-tools.ts';
import type { Node } from './node.ts';

/** RecipEstimate() of 256 to 511. */
function recipEstimate(arm: Arm, a: Node): Node {
  const i32 = (n: number): Node => arm.constant('i32', BigInt(n));
  const divisor = arm.integer('or', arm.integer('shl', a, i32(1)), i32(1));
  const quotient = arm.binary('i32_div_u', 'i32', i32(2 ** 19), divisor);
  return arm.integer('shr_u', arm.integer('add', quotient, i32(1)), i32(1));
}

/**
 * RecipSqrtEstimate() of 128 to 511: half of the smallest `b` with `centre * b * b` not below 2^28. Its root is an integer only
 * where the quotient is exact, so rounding does not matter.
 */
function recipSqrtEstimate(arm: Arm, tools: FloatTools, a: Node): Node {
  const i32 = (n: number): Node => arm.constant('i32', BigInt(n));
  const low = arm.integer('or', arm.integer('shl', a, i32(1)), i32(1));
  const high = arm.integer('shl', arm.integer('or', a, i32(1)), i32(1));
  const centre = select(arm, arm.binary('i32_lt_u', 'i32', a, i32(256)), low, high);
  const real = arm.unary('f64_convert_i32_u', 'f64', centre);
  const root = tools.op1('ceil', tools.op1('sqrt', tools.op2('div', tools.number('f64', 2 ** 28), real)));
  return arm.integer('shr_u', arm.unary('i32_trunc_sat_f64_u', 'i32', root), i32(1));
}

/** The fields of a number. */
interface Fields {
  readonly type: 'i32' | 'i64';
  /** Bits of the fraction. */
  readonly places: bigint;
  /** The exponent field of infinities. */
  readonly special: bigint;
  readonly sign: bigint;
}
const fieldsOf = (bits: Node): Fields =>
  bits.type === 'i64'
    ? { type: 'i64', places: 52n, special: 2047n, sign: 1n << 63n }
    : { type: 'i32', places: 23n, special: 255n, sign: 1n << 31n };

/** The topmost `count` bits of the fraction as an i32, below a leading one. */
function leading(arm: Arm, bits: Node, { type, places }: Fields, count: bigint): Node {
  const top = arm.integer('shr_u', bits, arm.constant(type, places - count));
  const low = type === 'i64' ? arm.unary('i32_wrap_i64', 'i32', top) : top;
  const one = 1n << count;
  return arm.integer('or', arm.integer('and', low, arm.constant('i32', one - 1n)), arm.constant('i32', one));
}

/** A number of an exponent field and an estimate's eight bits after its leading one. */
function assembled(arm: Arm, exponent: Node, estimate: Node, { type, places }: Fields): Node {
  const low = arm.integer('and', estimate, arm.constant('i32', 0xffn));
  const wide = type === 'i64' ? arm.unary('i64_extend_i32_u', 'i64', low) : low;
  const fraction = arm.integer('shl', wide, arm.constant(type, places - 8n));
  return arm.integer('or', arm.integer('shl', exponent, arm.constant(type, places)), fraction);
}

/** FRECPE where operand and result are normal. */
export function reciprocalEstimate(arm: Arm, tools: FloatTools, bits: Node): Node {
  const f = fieldsOf(bits);
  const c = (n: bigint): Node => arm.constant(f.type, n);
  const magnitude = arm.integer('and', bits, c(f.sign - 1n));
  const exponent = tools.keep(arm.integer('shr_u', magnitude, c(f.places)));
  // From 1 to the largest whose reciprocal is normal.
  const less = arm.integer('sub', exponent, c(1n));
  tools.demand(arm.binary(`${f.type}_lt_u`, 'i32', less, c(f.special - 3n)));
  const estimate = recipEstimate(arm, leading(arm, bits, f, 8n));
  const result = assembled(arm, arm.integer('sub', c(f.special - 2n), exponent), estimate, f);
  return arm.integer('or', result, arm.integer('and', bits, c(f.sign)));
}

/** FRSQRTE of positive normal numbers. */
export function reciprocalRootEstimate(arm: Arm, tools: FloatTools, bits: Node): Node {
  const f = fieldsOf(bits);
  const c = (n: bigint): Node => arm.constant(f.type, n);
  // With the sign above it: a negative number's is too large.
  const exponent = tools.keep(arm.integer('shr_u', bits, c(f.places)));
  const less = arm.integer('sub', exponent, c(1n));
  tools.demand(arm.binary(`${f.type}_lt_u`, 'i32', less, c(f.special - 1n)));
  const odd = arm.integer('and', exponent, c(1n));
  const isOdd = arm.binary(`${f.type}_ne`, 'i32', odd, c(0n));
  const scaled = tools.keep(select(arm, isOdd, leading(arm, bits, f, 7n), leading(arm, bits, f, 8n)));
  // Half of three times the bias, less one, less the exponent.
  const bias = (f.special - 1n) / 2n;
  const exponents = arm.integer('sub', c(3n * bias - 1n), exponent);
  return assembled(arm, arm.integer('shr_u', exponents, c(1n)), recipSqrtEstimate(arm, tools, scaled), f);
}

/** FRECPX of what is no NaN. */
export function reciprocalExponent(arm: Arm, tools: FloatTools, bits: Node): Node {
  const f = fieldsOf(bits);
  const c = (n: bigint): Node => arm.constant(f.type, n);
  tools.plainFpcr();
  const magnitude = tools.keep(arm.integer('and', bits, c(f.sign - 1n)));
  tools.demand(arm.binary(`${f.type}_le_u`, 'i32', magnitude, c(f.special << f.places)));
  const exponent = tools.keep(arm.integer('shr_u', magnitude, c(f.places)));
  const inverted = arm.integer('xor', exponent, c(f.special));
  const isDenormal = arm.unary(`${f.type}_eqz`, 'i32', exponent);
  const result = arm.integer('shl', select(arm, isDenormal, c(f.special - 1n), inverted), c(f.places));
  return arm.integer('or', result, arm.integer('and', bits, c(f.sign)));
}

/** URECPE and URSQRTE of a lane of 32 bits. */
export function intEstimate(arm: Arm, tools: FloatTools, op: 'urecpe' | 'ursqrte', a: Node): Node {
  const i32 = (n: bigint): Node => arm.constant('i32', n);
  const scaled = tools.keep(arm.integer('shr_u', arm.unary('i32_wrap_i64', 'i32', a), i32(23n)));
  const estimate = op === 'urecpe' ? recipEstimate(arm, scaled) : recipSqrtEstimate(arm, tools, scaled);
  const isSmall = arm.binary('i32_lt_u', 'i32', scaled, i32(op === 'urecpe' ? 256n : 128n));
  const result = select(arm, isSmall, i32(-1n), arm.integer('shl', estimate, i32(23n)));
  return arm.unary('i64_extend_i32_u', 'i64', result);
}
