// What emitting floating point is made of: host arithmetic, and the conditions under which it is Arm's.

import type { OpName } from '../wasm/opcodes.ts';
import type { Arm } from './arm.ts';
import { Unsupported } from './node.ts';
import type { Node } from './node.ts';

/** FPCR bits with which the host's arithmetic is not Arm's: RMode, FZ, FZ16 and the trap enables. DN only matters for NaNs. */
const FPCR_SPECIAL = 0x01c8_9f00;

/** The tools of one arm. Numbers are nodes of type `f32` or `f64` here. */
export interface FloatTools {
  /** Marks a number of half precision. */
  readonly half: (n: Node) => Node;
  /** The value as `f32` or `f64`. */
  readonly real: (n: Node) => Node;
  /** The bits of an `f32` or `f64`. */
  readonly bitsOf: (f: Node) => Node;
  /** A constant. */
  readonly number: (type: 'f32' | 'f64', value: number) => Node;
  readonly op2: (op: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'copysign', a: Node, b: Node) => Node;
  readonly op1: (op: 'neg' | 'abs' | 'sqrt' | 'nearest' | 'ceil' | 'floor' | 'trunc', a: Node) => Node;
  readonly test: (op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Node, b: Node) => Node;
  readonly both: (a: Node, b: Node) => Node;
  readonly either: (a: Node, b: Node) => Node;
  /** True for both zeros. */
  readonly isZero: (a: Node) => Node;
  /** Leaves if FPCR asks for something special. */
  readonly plainFpcr: () => void;
  /** Leaves unless `ok` holds. */
  readonly demand: (ok: Node) => void;
  /** Leaves unless a result is normal or something else holds, which is only computed when needed. */
  readonly demandNormal: (result: Node, otherwise: Node) => void;
  /** Leaves unless FPSR.IXC is up or the result is exact, which is only computed when needed. */
  readonly demandExact: (exact: Node) => void;
  /** True for a finite number above the smallest normal one. */
  readonly normal: (f: Node) => Node;
  readonly promote: (a: Node) => Node;
  /** Puts a value into a local now. */
  readonly keep: (n: Node) => Node;
  /** True if a product of doubles is certainly exact. */
  readonly exactProduct: (a: Node, b: Node) => Node;
  /** What a sum lost by rounding. */
  readonly sumError: (a: Node, b: Node, s: Node) => Node;
}

/** Makes them. */
export function floatTools(arm: Arm): FloatTools {
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
  const op2: FloatTools['op2'] = (op, a, b) => arm.binary(`${a.type}_${op}` as OpName, a.type, a, b);
  const op1: FloatTools['op1'] = (op, a) => arm.unary(`${a.type}_${op}` as OpName, a.type, a);
  const test: FloatTools['test'] = (op, a, b) => arm.binary(`${a.type}_${op}` as OpName, 'i32', a, b);
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
  const demandExact = (exact: Node): void => {
    exact.uses++;
    arm.check(() => {
      arm.inexact();
      code.op('i32_eqz');
      code.if();
      arm.push(exact);
      code.op('i32_eqz');
      code.brSeldom(frame.step);
      code.end();
    });
  };
  /** True if a number is finite and normal. */
  const normal = (f: Node): Node => {
    const bits = bitsOf(f);
    const type = bits.type as 'i32' | 'i64';
    // The smallest normal number is left out: it may have been rounded up to, which is an underflow.
    const wide = type === 'i64';
    const above = arm.constant(type, wide ? (1n << 53n) + 1n : (1n << 24n) + 1n);
    const shifted = arm.integer('sub', arm.integer('shl', bits, arm.constant(type, 1n)), above);
    const limit = arm.constant(type, wide ? 0xffbf_ffff_ffff_ffffn : 0xfdff_ffffn);
    return arm.binary(`${type}_lt_u`, 'i32', shifted, limit);
  };
  const demandNormal = (result: Node, otherwise: Node): void => {
    const usual = normal(result);
    usual.uses++;
    otherwise.uses++;
    arm.check(() => {
      arm.push(usual);
      code.op('i32_eqz');
      code.if();
      arm.push(otherwise);
      code.op('i32_eqz');
      code.brSeldom(frame.step);
      code.end();
    });
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
  /** What the sum `s` of `a` and `b` lost by rounding (Knuth's TwoSum). */
  const sumError = (a: Node, b: Node, s: Node): Node => {
    const part = op2('sub', s, a);
    return op2('add', op2('sub', a, op2('sub', s, part)), op2('sub', b, part));
  };
  /** True if a product of `f64` is certainly exact: both factors have 26 significant bits or less. */
  const exactProduct = (a: Node, b: Node): Node => {
    const low = (n: Node): Node => arm.integer('and', bitsOf(n), arm.constant('i64', 0x7ff_ffffn));
    return arm.unary('i64_eqz', 'i32', arm.integer('or', low(a), low(b)));
  };

  return {
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
    promote,
    keep,
    exactProduct,
    sumError,
  };
}
