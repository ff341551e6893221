// Floating point. The host's arithmetic is Arm's where FPCR asks for nothing but the defaults, operands and result are finite
// and normal or zero, and the only flag that could rise (Inexact) is up already or provably stays down. All else is the
// reference engine's (DDI 0487 A1.5).

import type { Float1, Float2, FloatWidth, Imm, Rounding, Width } from '../isa.ts';
import type { OpName, TypeName } from '../wasm/opcodes.ts';
import { constantOperand, intType } from './arm.ts';
import type { Arm } from './arm.ts';
import { extend, immediate } from './integers.ts';
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

/** FPCR bits with which the host's arithmetic is not Arm's: RMode, FZ, FZ16 and the trap enables. DN only matters for NaNs. */
const FPCR_SPECIAL = 0x01c8_9f00;
/** FPSR.IXC. */
const IXC = 0x10;

/** The methods. */
export function floatPart(arm: Arm): FloatPart {
  const { code, frame } = arm;
  const half = (n: Node): Node => {
    n.half = true;
    return n;
  };
  /** The value as `f32` or `f64`. */
  const real = (n: Node): Node => {
    if (n.half === true) throw new Unsupported('half precision');
    if (n.float !== undefined) return n.float;
    return n.type === 'i64'
      ? arm.unary('f64_reinterpret_i64', 'f64', n)
      : arm.unary('f32_reinterpret_i32', 'f32', n);
  };
  /** The bits of an `f32` or `f64`. */
  const bitsOf = (f: Node): Node => {
    const bits =
      f.type === 'f64'
        ? arm.unary('i64_reinterpret_f64', 'i64', f)
        : arm.unary('i32_reinterpret_f32', 'i32', f);
    bits.float = f;
    return bits;
  };
  const number = (type: 'f32' | 'f64', value: number): Node => ({
    type,
    push: () => {
      if (type === 'f64') code.f64(value);
      else code.f32(value);
    },
    uses: 0,
    local: -1,
    constant: 0n,
  });
  const op2 = (op: string, a: Node, b: Node): Node => arm.binary(`${a.type}_${op}` as OpName, a.type, a, b);
  const op1 = (op: string, a: Node): Node => arm.unary(`${a.type}_${op}` as OpName, a.type, a);
  const test = (op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Node, b: Node): Node =>
    arm.binary(`${a.type}_${op}` as OpName, 'i32', a, b);
  const both = (a: Node, b: Node): Node => arm.binary('i32_and', 'i32', a, b);
  const either = (a: Node, b: Node): Node => arm.binary('i32_or', 'i32', a, b);
  const not = (a: Node): Node => arm.unary('i32_eqz', 'i32', a);
  const isZero = (a: Node): Node => test('eq', a, number(a.type as 'f32', 0));

  /** Leaves if FPCR asks for something special. */
  const plainFpcr = (): void => {
    arm.once('fpcr', () => {
      const special = arm.node('i32', [], () => {
        frame.loadWord('fpcr');
        code.i32(FPCR_SPECIAL);
        code.op('i32_and');
      });
      arm.stepIf(special);
      return special;
    });
  };
  /** Leaves unless `ok` holds. */
  const demand = (ok: Node): void => {
    arm.stepIf(not(ok));
  };
  /** Leaves unless FPSR.IXC is up or the result is exact; the latter is only computed when needed. */
  const demandExact = (needs: readonly Node[], exact: Node): void => {
    for (const n of needs) n.uses++;
    exact.uses++;
    arm.check(() => {
      for (const n of needs) arm.force(n);
      frame.loadWord('fpsr');
      code.i32(IXC);
      code.ops('i32_and', 'i32_eqz');
      code.if();
      arm.push(exact);
      code.op('i32_eqz');
      code.brIf(frame.step);
      code.end();
    });
  };
  /** True if a number is finite and normal. */
  const normal = (f: Node): Node => {
    const bits = bitsOf(f);
    const type = bits.type as 'i32' | 'i64';
    const one = arm.constant(type, type === 'i64' ? 1n << 53n : 1n << 24n);

    const shifted = arm.integer('sub', arm.integer('shl', bits, arm.constant(type, 1n)), one);
    return arm.binary(
      `${type}_lt_u`,
      'i32',
      shifted,
      arm.constant(type, type === 'i64' ? 0xffc0_0000_0000_0000n : 0xfe00_0000n),
    );
  };
  const promote = (a: Node): Node => (a.type === 'f64' ? a : arm.unary('f64_promote_f32', 'f64', a));
  /** A value that everything below may use again. */
  const keep = (n: Node): Node => {
    n.uses += 2;
    arm.check(() => {
      arm.force(n);
    });
    return n;
  };
  /** True if the sum of `a` and `b`, rounded to `s`, is exact (Knuth's TwoSum). */
  const exactSum = (a: Node, b: Node, s: Node): Node => {
    const part = op2('sub', s, a);
    const error = op2('add', op2('sub', a, op2('sub', s, part)), op2('sub', b, part));
    return isZero(error);
  };
  /** True if a product of `f64` is certainly exact: both factors have 26 significant bits or less. */
  const exactProduct = (a: Node, b: Node): Node => {
    const low = (n: Node): Node => arm.integer('and', bitsOf(n), arm.constant('i64', 0x7ff_ffffn));
    return arm.unary('i64_eqz', 'i32', arm.integer('or', low(a), low(b)));
  };

  const sum = (op: 'add' | 'sub', a: Node, b: Node): Node => {
    const r = keep(op2(op, keep(a), keep(b)));
    demand(either(normal(r), isZero(r)));
    demandExact([], exactSum(a, op === 'add' ? b : op1('neg', b), r));
    return r;
  };
  const product = (a: Node, b: Node): Node => {
    const r = keep(op2('mul', keep(a), keep(b)));
    demand(either(normal(r), both(isZero(r), either(isZero(a), isZero(b)))));
    const exact =
      a.type === 'f64' ? exactProduct(a, b) : test('eq', promote(r), op2('mul', promote(a), promote(b)));
    demandExact([], exact);
    return r;
  };
  const quotient = (a: Node, b: Node): Node => {
    const r = keep(op2('div', keep(a), keep(b)));
    demand(either(normal(r), both(isZero(r), isZero(a))));
    const back = test('eq', op2('mul', promote(r), promote(b)), promote(a));
    demandExact([], a.type === 'f64' ? both(exactProduct(r, b), back) : back);
    return r;
  };
  const root = (a: Node): Node => {
    const r = keep(op1('sqrt', keep(a)));
    demand(either(normal(r), isZero(r)));
    const back = test('eq', op2('mul', promote(r), promote(r)), promote(a));
    demandExact([], a.type === 'f64' ? both(exactProduct(r, r), back) : back);
    return r;
  };
  const ordered = (a: Node, b: Node): void => {
    demand(both(test('eq', a, a), test('eq', b, b)));
  };
  const fused = (op: 'madd' | 'msub' | 'nmadd' | 'nmsub', a: Node, n: Node, m: Node): Node => {
    if (a.type === 'f64') throw new Unsupported('float3 64');
    // The product of two singles is exact as a double; the sum is rounded to odd, so that rounding it again is right.
    const negate = (x: Node, yes: boolean): Node => (yes ? op1('neg', x) : x);
    const p = keep(op2('mul', negate(promote(n), op === 'msub' || op === 'nmadd'), promote(m)));
    const addend = keep(negate(promote(a), op === 'nmadd' || op === 'nmsub'));
    const s = keep(op2('add', p, addend));
    const part = keep(op2('sub', s, p));
    const error = keep(op2('add', op2('sub', p, op2('sub', s, part)), op2('sub', addend, part)));
    const i64 = (x: bigint): Node => arm.constant('i64', x);
    const bits = bitsOf(s);
    // Towards zero when the error points there, then odd.
    const against = arm.binary('i64_lt_s', 'i32', arm.integer('xor', bitsOf(error), bits), i64(0n));
    const truncated = arm.integer('sub', bits, arm.unary('i64_extend_i32_u', 'i64', against));
    const odd = arm.integer('or', truncated, i64(1n));
    const exact = keep(isZero(error));
    const rounded = arm.node('i64', [bits, odd, exact], () => {
      arm.push(bits);
      arm.push(odd);
      arm.push(exact);
      code.op('select');
    });
    const r = keep(arm.unary('f32_demote_f64', 'f32', arm.unary('f64_reinterpret_i64', 'f64', rounded)));
    demand(either(normal(r), both(isZero(r), isZero(s))));
    demandExact([], both(exact, test('eq', promote(r), s)));
    return r;
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
    if (op === 'recps' || op === 'rsqrts') throw new Unsupported(`float2 ${op}`);
    ordered(keep(a), keep(b));
    return bitsOf(op2(op.startsWith('max') ? 'max' : 'min', a, b));
  };

  const rounded = (a: Node, rounding: Rounding): Node => {
    if (rounding === 'odd' || rounding === 'away') throw new Unsupported(`rounding ${rounding}`);
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
    demandExact([], test('eq', whole, scaled));
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
      demandExact([], both(same, test('lt', r, number(to, 2 ** bits))));
    }
    const by = scale(fraction, true);
    if (by === undefined) return bitsOf(r);
    const factor = w === 64 ? by : arm.unary('f32_demote_f64', 'f32', by);
    return bitsOf(op2('mul', r, factor));
  };

  return {
    float1(op, a) {
      if (op === 'neg' || op === 'abs') return signBit(arm, a, op, a.half === true, half);
      const f = real(a);
      if (op !== 'sqrt') throw new Unsupported(`float1 ${op}`);
      plainFpcr();
      return bitsOf(root(f));
    },
    float2,
    float3(op, a, n, m) {
      const [x, y, z] = [real(a), real(n), real(m)];
      plainFpcr();
      return bitsOf(fused(op, x, y, z));
    },
    floatCompare(x, y) {
      const [a, b] = [keep(real(x)), keep(real(y))];
      plainFpcr();
      ordered(a, b);
      const less = arm.unary('i64_extend_i32_u', 'i64', test('lt', a, b));
      const different = arm.unary('i64_extend_i32_u', 'i64', test('ne', a, b));
      return {
        n: arm.integer('sub', arm.constant('i64', 0n), less),
        z: different,
        c: test('ge', a, b),
        v: arm.constant('i64', 0n),
      };
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
      if (exact) demandExact([], test('eq', r, a));
      return bitsOf(r);
    },
    floatConvert(x, w, rounding) {
      if (w === 16 || (rounding !== undefined && rounding !== 'fpcr')) throw new Unsupported('floatConvert');
      const a = keep(real(x));
      plainFpcr();
      if ((a.type === 'f64') === (w === 64)) throw new Unsupported('floatConvert');
      const to = w === 64 ? arm.unary('f64_promote_f32', 'f64', a) : arm.unary('f32_demote_f64', 'f32', a);
      const r = keep(to);
      demand(w === 64 ? test('eq', a, a) : either(normal(r), both(isZero(r), isZero(a))));
      if (w === 32) demandExact([], test('eq', promote(r), a));
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
    intEstimate(op) {
      throw new Unsupported(op);
    },
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
