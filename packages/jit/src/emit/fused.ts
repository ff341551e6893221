// Fused multiply-add: one rounding, from the host's own where it has that, or else from operations that round each.

import type { Float3 } from '../isa.ts';
import { hostFused } from '../wasm/relaxed.ts';
import type { Arm } from './arm.ts';
import type { FloatTools } from './float-tools.ts';
import type { Node } from './node.ts';

/** `a` and `n` * `m` in single or double precision, as numbers. */
export function fused(arm: Arm, t: FloatTools, op: Float3, a: Node, n: Node, m: Node): Node {
  const negate = (x: Node, yes: boolean): Node => (yes ? t.op1('neg', x) : x);
  const factor = negate(n, op === 'msub' || op === 'nmadd');
  const addend = negate(a, op === 'nmadd' || op === 'nmsub');
  if (arm.frame.fuses) return fusedByHost(arm, t, addend, factor, m);
  return a.type === 'f64' ? fusedDouble(arm, t, addend, factor, m) : fusedSingle(arm, t, addend, factor, m);
}

/** By relaxed SIMD. Only what is seldom needed is computed in another way: whether a zero, or any result while IXC is down, is exact. */
function fusedByHost(arm: Arm, t: FloatTools, a: Node, n: Node, m: Node): Node {
  const type = a.type as 'f32' | 'f64';
  const [x, y, z] = [t.keep(n), t.keep(m), t.keep(a)];
  const operation = (p: Node, q: Node, s: Node): Node =>
    arm.node(type, [p, q, s], () => {
      const push = (node: Node) => (): void => {
        arm.push(node);
      };
      hostFused(arm.code, type, push(p), push(q), push(s));
    });
  const r = t.keep(operation(x, y, z));
  const ordinary = t.normal(r);
  const zero = t.both(
    t.isZero(r),
    type === 'f64' ? exactZero(t, x, y, z) : t.isZero(singleSum(t, x, y, z).s),
  );
  ordinary.uses++;
  zero.uses++;
  arm.check(() => {
    const { code } = arm;
    arm.push(ordinary);
    code.op('i32_eqz');
    code.if();
    arm.push(zero);
    code.op('i32_eqz');
    code.brSeldom(arm.frame.step);
    code.end();
  });
  if (type === 'f32') {
    const { p, addend, s } = singleSum(t, x, y, z);
    t.demandExact(t.both(t.isZero(t.sumError(p, addend, s)), t.test('eq', t.promote(r), s)));
    return r;
  }
  // The product's lost part is a number where the product is not small. Other exact results are left to the reference engine.
  const p = t.op2('mul', x, y);
  const low = operation(x, y, t.op1('neg', p));
  const large = t.test('gt', t.op1('abs', p), t.number('f64', 2 ** -900));
  const lossless = t.both(t.isZero(low), t.isZero(t.sumError(p, z, t.op2('add', p, z))));
  t.demandExact(t.either(t.either(t.isZero(x), t.isZero(y)), t.both(large, lossless)));
  return r;
}

/** A sum of doubles that is zero is so exactly: what cancels is a multiple of a number that is not too small, or nothing. */
function exactZero(t: FloatTools, x: Node, y: Node, z: Node): Node {
  const large = t.test('gt', t.op1('abs', z), t.number('f64', 2 ** -900));
  return t.either(large, t.both(t.either(t.isZero(x), t.isZero(y)), t.isZero(z)));
}

/** The exact product of singles, the addend, and their sum, which is zero only where it is exact. */
function singleSum(
  t: FloatTools,
  x: Node,
  y: Node,
  z: Node,
): { readonly p: Node; readonly addend: Node; readonly s: Node } {
  const p = t.op2('mul', t.promote(x), t.promote(y));
  const addend = t.promote(z);
  return { p, addend, s: t.op2('add', p, addend) };
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
  t.demandNormal(r, t.both(t.isZero(r), t.isZero(s)));
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
  t.demandNormal(r, t.isZero(r));
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
