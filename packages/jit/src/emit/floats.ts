// Floating point. The host's arithmetic is Arm's where FPCR asks for nothing but the defaults, operands and result are finite
// and normal or zero, and the only flag that could rise (Inexact) is up already or provably stays down. All else is the
// reference engine's (DDI 0487 A1.5).

import type { Float1, Float2, FloatWidth, Imm, Rounding, Width } from '../isa.ts';
import type { TypeName } from '../wasm/opcodes.ts';
import { constantOperand, intType } from './arm.ts';
import type { Arm } from './arm.ts';
import { intEstimate, reciprocalEstimate, reciprocalExponent, reciprocalRootEstimate } from './estimates.ts';
import { select } from './flags.ts';
import { floatTools } from './float-tools.ts';
import { fused } from './fused.ts';
import { extend, immediate } from './integers.ts';
import { fromHalf, toHalf, toOddSingle } from './narrow.ts';
import { Unsupported } from './node.ts';
import type { FlagNodes, Node } from './node.ts';

/** The interface's methods about floating point, on nodes. */
export interface FloatPart {
  float1(op: Float1, a: Node): Node;
  float2(op: Float2, a: Node, b: Node): Node;
  float3(op: 'madd' | 'msub' | 'nmadd' | 'nmsub', a: Node, n: Node, m: Node): Node;
  floatCompare(a: Node, b: Node, signalling: boolean): FlagNodes;
  floatTest(op: 'eq' | 'ge' | 'gt', a: Node, b: Node): Node;
  floatToInt(a: Node, w: Width, signed: boolean, rounding: Rounding, fraction?: Imm | number): Node;
  intToFloat(a: Node, w: FloatWidth, signed: boolean, fraction?: Imm | number): Node;
  floatRound(a: Node, rounding: Rounding, exact: boolean): Node;
  floatConvert(a: Node, w: FloatWidth, rounding?: Rounding): Node;
  bits16(a: Node): Node;
  bits32(a: Node): Node;
  bits64(a: Node): Node;
  fromBits16(a: Node): Node;
  fromBits32(a: Node): Node;
  fromBits64(a: Node): Node;
  laneToFloat(lane: Node, w: FloatWidth): Node;
  floatToLane(a: Node): Node;
  intEstimate(op: 'urecpe' | 'ursqrte', a: Node): Node;
}

/** The methods. */
export function floatPart(arm: Arm): FloatPart {
  const tools = floatTools(arm);
  const {
    half,
    real,
    bitsOf,
    number,
    op2,
    op1,
    test,
    both,
    either,
    isZero,
    plainFpcr,
    demand,
    demandNormal,
    demandExact,
    normal,
  } = tools;
  const { promote, keep, exactProduct, sumError } = tools;

  const sum = (op: 'add' | 'sub', a: Node, b: Node): Node => {
    const r = keep(op2(op, keep(a), keep(b)));
    demandNormal(r, isZero(r));
    demandExact(isZero(sumError(a, op === 'add' ? b : op1('neg', b), r)));
    return r;
  };
  const product = (a: Node, b: Node): Node => {
    const r = keep(op2('mul', keep(a), keep(b)));
    demandNormal(r, both(isZero(r), either(isZero(a), isZero(b))));
    const exact =
      a.type === 'f64' ? exactProduct(a, b) : test('eq', promote(r), op2('mul', promote(a), promote(b)));
    demandExact(exact);
    return r;
  };
  const quotient = (a: Node, b: Node): Node => {
    const r = keep(op2('div', keep(a), keep(b)));
    demandNormal(r, both(isZero(r), isZero(a)));
    const back = test('eq', op2('mul', promote(r), promote(b)), promote(a));
    demandExact(a.type === 'f64' ? both(exactProduct(r, b), back) : back);
    return r;
  };
  const root = (a: Node): Node => {
    const r = keep(op1('sqrt', keep(a)));
    demandNormal(r, isZero(r));
    const back = test('eq', op2('mul', promote(r), promote(r)), promote(a));
    demandExact(a.type === 'f64' ? both(exactProduct(r, r), back) : back);
    return r;
  };
  const ordered = (a: Node, b: Node): void => {
    demand(both(test('eq', a, a), test('eq', b, b)));
  };
  const float2 = (op: Float2, x: Node, y: Node): Node => {
    const a = real(x);
    const b = real(y);
    plainFpcr();
    if (op === 'add' || op === 'sub') return bitsOf(sum(op, a, b));
    if (op === 'mul' || op === 'mulx') return bitsOf(product(a, b));
    if (op === 'nmul') return bitsOf(op1('neg', product(a, b)));
    if (op === 'div') return bitsOf(quotient(a, b));
    if (op === 'abd') return bitsOf(op1('abs', sum('sub', a, b)));
    // 2 - n * m, and half of 3 - n * m.
    const width = a.type as 'f32' | 'f64';
    if (op === 'recps') return bitsOf(fused(arm, tools, 'msub', number(width, 2), a, b));
    if (op === 'rsqrts')
      return bitsOf(op2('mul', fused(arm, tools, 'msub', number(width, 3), a, b), number(width, 0.5)));
    ordered(keep(a), keep(b));
    return bitsOf(op2(op.startsWith('max') ? 'max' : 'min', a, b));
  };

  const rounded = (a: Node, rounding: Rounding): Node => {
    if (rounding === 'odd') throw new Unsupported('rounding to odd');
    if (rounding === 'away') {
      // The fraction is exact; half or more of it counts as one.
      const whole = keep(op1('trunc', a));
      const type = a.type as 'f32' | 'f64';
      const fraction = op1('abs', op2('sub', a, whole));
      const up = test('ge', fraction, number(type, 0.5));
      const further = op2('add', whole, op2('copysign', number(type, 1), a));
      return select(arm, up, further, whole);
    }
    const names = { fpcr: 'nearest', even: 'nearest', plus: 'ceil', minus: 'floor', zero: 'trunc' } as const;
    return op1(names[rounding], a);
  };
  /** 2 to the power of minus or plus a number of fraction bits, as a double. */
  const scale = (fraction: Imm | number | undefined, down: boolean): Node | undefined => {
    if (fraction === undefined || fraction === 0) return undefined;
    if (typeof fraction !== 'number' && constantOperand(fraction)?.value === 0) return undefined;
    const n = immediate(arm, 'i64', fraction);
    const exponent = arm.integer(down ? 'sub' : 'add', arm.constant('i64', 1023n), n);
    return arm.unary('f64_reinterpret_i64', 'f64', arm.integer('shl', exponent, arm.constant('i64', 52n)));
  };

  const floatToInt: FloatPart['floatToInt'] = (x, w, signed, rounding, fraction) => {
    const a = promote(real(x));
    plainFpcr();
    const by = scale(fraction, false);
    const scaled = keep(by === undefined ? a : op2('mul', a, by));
    const whole = keep(rounded(scaled, rounding));
    const top = 2 ** (signed ? w - 1 : w);
    const low = signed ? test('ge', whole, number('f64', -top)) : test('ge', whole, number('f64', 0));
    demand(both(low, test('lt', whole, number('f64', top))));
    demandExact(test('eq', whole, scaled));
    return arm.unary(`${intType(w)}_trunc_sat_f64_${signed ? 's' : 'u'}`, intType(w), whole);
  };

  const intToFloat: FloatPart['intToFloat'] = (a, w, signed, fraction) => {
    if (w === 16) throw new Unsupported('half precision');
    const to: TypeName = w === 64 ? 'f64' : 'f32';
    const from = a.type as 'i32' | 'i64';
    const sign = signed ? 's' : 'u';
    plainFpcr();
    const r = keep(arm.unary(`${to}_convert_${from}_${sign}`, to, keep(a)));
    if (from === 'i64' || w === 32) {
      // Back again, which saturates at the top: 2^63 and 2^64 are then exact only by mistake, so they are excluded.
      const back = arm.unary(`${from}_trunc_sat_${to}_${sign}`, from, r);
      const same = arm.binary(`${from}_eq`, 'i32', back, a);
      const bits = (from === 'i64' ? 64 : 32) - (signed ? 1 : 0);
      demandExact(both(same, test('lt', r, number(to, 2 ** bits))));
    }
    const by = scale(fraction, true);
    if (by === undefined) return bitsOf(r);
    const factor = w === 64 ? by : arm.unary('f32_demote_f64', 'f32', by);
    return bitsOf(op2('mul', r, factor));
  };

  return {
    float1(op, a) {
      if (op === 'neg' || op === 'abs') return signBit(arm, a, op, a.half === true, half);
      if (op === 'recpe') return reciprocalEstimate(arm, tools, a);
      if (op === 'rsqrte') return reciprocalRootEstimate(arm, tools, a);
      if (op === 'recpx') return reciprocalExponent(arm, tools, a);
      const f = real(a);
      plainFpcr();
      return bitsOf(root(f));
    },
    float2,
    float3(op, a, n, m) {
      const [x, y, z] = [real(a), real(n), real(m)];
      plainFpcr();
      return bitsOf(fused(arm, tools, op, x, y, z));
    },
    floatCompare(x, y) {
      const [a, b] = [keep(real(x)), keep(real(y))];
      plainFpcr();
      ordered(a, b);
      const less = arm.unary('i64_extend_i32_u', 'i64', test('lt', a, b));
      const different = arm.unary('i64_extend_i32_u', 'i64', test('ne', a, b));
      return arm.floatFlags(less, different, test('ge', a, b));
    },
    floatTest(op, x, y) {
      const [a, b] = [keep(real(x)), keep(real(y))];
      plainFpcr();
      ordered(a, b);
      return test(op, a, b);
    },
    floatToInt,
    intToFloat,
    floatRound(x, rounding, exact) {
      const a = keep(real(x));
      plainFpcr();
      demand(test('eq', a, a));
      const r = keep(rounded(a, rounding));
      if (exact) demandExact(test('eq', r, a));
      return bitsOf(r);
    },
    floatConvert(x, w, rounding) {
      if (w === 16) return toHalf(arm, tools, x);
      if (x.half === true)
        return bitsOf(w === 64 ? promote(fromHalf(arm, tools, x)) : fromHalf(arm, tools, x));
      if (rounding === 'odd') return toOddSingle(arm, tools, x);
      if (rounding !== undefined && rounding !== 'fpcr') throw new Unsupported('floatConvert');
      const a = keep(real(x));
      plainFpcr();
      if ((a.type === 'f64') === (w === 64)) throw new Unsupported('floatConvert');
      const to = w === 64 ? arm.unary('f64_promote_f32', 'f64', a) : arm.unary('f32_demote_f64', 'f32', a);
      const r = keep(to);
      demand(w === 64 ? test('eq', a, a) : either(normal(r), both(isZero(r), isZero(a))));
      if (w === 32) demandExact(test('eq', promote(r), a));
      return bitsOf(r);
    },
    bits16: (a) => a,
    bits32: (a) => a,
    bits64: (a) => a,
    fromBits16: (a) => half(arm.integer('and', a, arm.constant('i32', 0xffffn))),
    fromBits32: (a) => a,
    fromBits64: (a) => a,
    laneToFloat(lane, w) {
      if (w === 64) return lane;
      const low = extend(arm, lane, w === 32 ? 32 : 16, false, 'i32');
      return w === 16 ? half(low) : low;
    },
    floatToLane: (a) => extend(arm, a, a.type === 'i64' ? 64 : 32, false, 'i64'),
    intEstimate: (op, a) => intEstimate(arm, tools, op, a),
  };
}

/** FNEG and FABS touch the sign alone, of NaNs too. */
function signBit(arm: Arm, a: Node, op: 'neg' | 'abs', isHalf: boolean, half: (n: Node) => Node): Node {
  const type = a.type as 'i32' | 'i64';
  const sign = isHalf ? 0x8000n : type === 'i64' ? 1n << 63n : 1n << 31n;
  const mask = arm.constant(type, op === 'neg' ? sign : sign - 1n);
  const r = arm.integer(op === 'neg' ? 'xor' : 'and', a, mask);
  return isHalf ? half(r) : r;
}
