// Fused multiply-add: one rounding, from operations that round each.

import type { Float3 } from '../isa.ts';
import type { Arm } from './arm.ts';
import type { FloatTools } from './float-tools.ts';
import type { Node } from './node.ts';

/** `a` and `n` * `m` in single or double precision, as numbers. */
export function fused(arm: Arm, t: FloatTools, op: Float3, a: Node, n: Node, m: Node): Node {
  const negate = (x: Node, yes: boolean): Node => (yes ? t.op1('neg', x) : x);
  const factor = negate(n, op === 'msub' || op === 'nmadd');
  const addend = negate(a, op === 'nmadd' || op === 'nmsub');
  return a.type === 'f64' ? fusedDouble(arm, t, addend, factor, m) : fusedSingle(arm, t, addend, factor, m);
}

/** The sum `s` with lost part `error`, rounded to odd instead: rounding it again is then rounding once. */
function roundedToOdd(arm: Arm, t: FloatTools, s: Node, error: Node): Node {
  const { code } = arm;
  const i64 = (x: bigint): Node => arm.constant('i64', x);
  const bits = t.bitsOf(s);
  // Towards zero when the error points there, then odd.
  const against = arm.binary('i64_lt_s', 'i32', arm.integer('xor', t.bitsOf(error), bits), i64(0n));
  const truncated = arm.integer('sub', bits, arm.unary('i64_extend_i32_u', 'i64', against));
  const odd = arm.integer('or', truncated, i64(1n));
  const exact = t.isZero(error);
  const chosen = arm.node('i64', [bits, odd, exact], () => {
    arm.push(bits);
    arm.push(odd);
    arm.push(exact);
    code.op('select');
  });
  return arm.unary('f64_reinterpret_i64', 'f64', chosen);
}

/** The product of two singles is exact as a double, and a double holds the sum's odd rounding. */
function fusedSingle(arm: Arm, t: FloatTools, a: Node, n: Node, m: Node): Node {
  const p = t.keep(t.op2('mul', t.promote(n), t.promote(m)));
  const addend = t.keep(t.promote(a));
  const s = t.keep(t.op2('add', p, addend));
  const error = t.keep(t.sumError(p, addend, s));
  const r = t.keep(arm.unary('f32_demote_f64', 'f32', roundedToOdd(arm, t, s, error)));
  t.demand(t.either(t.normal(r), t.both(t.isZero(r), t.isZero(s))));
  t.demandExact(t.both(t.isZero(error), t.test('eq', t.promote(r), s)));
  return r;
}

/** Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums": for operands far from both ends of the range. */
function fusedDouble(arm: Arm, t: FloatTools, a: Node, n: Node, m: Node): Node {
  const keep = (x: Node): Node => t.keep(x);
  const constant = (x: number): Node => t.number('f64', x);
  const x = keep(n);
  const y = keep(m);
  const z = keep(a);
  const nothing = keep(t.either(t.isZero(x), t.isZero(y)));
  for (const factor of [x, y]) {
    const size = t.op1('abs', factor);
    const moderate = t.both(t.test('lt', size, constant(2 ** 300)), t.test('gt', size, constant(2 ** -300)));
    t.demand(t.either(moderate, t.both(nothing, t.test('lt', size, constant(Infinity)))));
  }
  t.demand(t.test('lt', t.op1('abs', z), constant(2 ** 900)));
  const high = keep(t.op2('mul', x, y));
  const low = keep(productError(t, x, y, high));
  const middle = keep(t.op2('add', z, low));
  const middleError = keep(t.sumError(z, low, middle));
  const top = keep(t.op2('add', high, middle));
  const topError = keep(t.sumError(high, middle, top));
  const rest = keep(t.op2('add', middleError, topError));
  const restError = keep(t.sumError(middleError, topError, rest));
  const odd = keep(roundedToOdd(arm, t, rest, restError));
  const sum = t.op2('add', top, odd);
  // With a product of zero the parts lose its sign; the sum then is exact as it stands.
  const plain = t.op2('add', high, z);
  const r = keep(
    arm.node('f64', [plain, sum, nothing], () => {
      arm.push(plain);
      arm.push(sum);
      arm.push(nothing);
      arm.code.op('select');
    }),
  );
  t.demand(t.either(t.normal(r), t.isZero(r)));
  const exact = t.both(t.isZero(restError), t.isZero(t.sumError(top, odd, r)));
  t.demandExact(t.either(nothing, exact));
  return r;
}

/** What the product `p` of `a` and `b` lost by rounding (Dekker, with Veltkamp's splitting). */
function productError(t: FloatTools, a: Node, b: Node, p: Node): Node {
  const split = (x: Node): readonly [Node, Node] => {
    const scaled = t.keep(t.op2('mul', x, t.number('f64', 2 ** 27 + 1)));
    const high = t.keep(t.op2('sub', scaled, t.op2('sub', scaled, x)));
    return [high, t.keep(t.op2('sub', x, high))];
  };
  const [ah, al] = split(a);
  const [bh, bl] = split(b);
  const mul = (x: Node, y: Node): Node => t.op2('mul', x, y);
  const first = t.op2('sub', mul(ah, bh), p);
  return t.op2('add', t.op2('add', t.op2('add', first, mul(ah, bl)), mul(al, bh)), mul(al, bl));
}
