// Integers and conditions as WebAssembly.

import type { Imm, Width } from '../isa.ts';
import type { OpName } from '../wasm/opcodes.ts';
import { constantOperand, intType } from './arm.ts';
import type { Arm } from './arm.ts';
import type { Node } from './node.ts';
import { asSymbol } from './symbol.ts';

/** What the methods about integers and conditions are here: the interface's, on nodes. */
export interface IntegerPart {
  int(w: Width, value: Imm | number): Node;
  constant64(low: number, high: number): Node;
  bool(value: boolean): Node;
  add(a: Node, b: Node): Node;
  sub(a: Node, b: Node): Node;
  mul(a: Node, b: Node): Node;
  mulHigh(a: Node, b: Node, signed: boolean): Node;
  div(a: Node, b: Node, signed: boolean): Node;
  and(a: Node, b: Node): Node;
  or(a: Node, b: Node): Node;
  xor(a: Node, b: Node): Node;
  not(a: Node): Node;
  shl(a: Node, n: Node): Node;
  shr(a: Node, n: Node): Node;
  sar(a: Node, n: Node): Node;
  ror(a: Node, n: Node): Node;
  clz(a: Node): Node;
  reverseBits(a: Node): Node;
  reverseBytes(a: Node, unit: 16 | 32 | 64): Node;
  extend(a: Node, bits: 1 | 8 | 16 | 32 | 64, signed: boolean, w: Width): Node;
  crc32(accumulator: Node, value: Node, bytes: 1 | 2 | 4 | 8, castagnoli: boolean): Node;
  isZero(a: Node): Node;
  equal(a: Node, b: Node): Node;
  less(a: Node, b: Node, signed: boolean): Node;
  bit(a: Node, n: Imm | number): Node;
  invert(a: Node): Node;
  both(a: Node, b: Node): Node;
  either(a: Node, b: Node): Node;
}

/** An immediate as an integer of a type. */
export function immediate(arm: Arm, type: 'i32' | 'i64', value: Imm | number): Node {
  if (typeof value === 'number') return arm.constant(type, BigInt(value));
  const known = constantOperand(value);
  if (known !== undefined) {
    const low = BigInt(known.value);
    return arm.constant(
      type,
      known.kind === 'imm64' ? (BigInt(known.high) << 32n) | BigInt.asUintN(32, low) : low,
    );
  }
  const s = asSymbol(value);
  s.read = true;
  const word = type === 'i64' ? 'i64_load32_s' : 'i32_load';
  const op: OpName = s.kind === 'small' ? `${type}_load16_u` : s.kind === 'imm64' ? `${type}_load` : word;
  return arm.once(`${s.name}:${type}`, () =>
    arm.node(type, [], () => {
      arm.slot(s.at, op);
    }),
  );
}

/** Sign- or zero-extends the low bits. */
export function extend(arm: Arm, a: Node, bits: number, signed: boolean, to: 'i32' | 'i64'): Node {
  if (bits === 64)
    return a.type === 'i64' ? a : arm.unary(signed ? 'i64_extend_i32_s' : 'i64_extend_i32_u', 'i64', a);
  if (bits === 32) {
    if (a.type === 'i32')
      return to === 'i32' ? a : arm.unary(signed ? 'i64_extend_i32_s' : 'i64_extend_i32_u', 'i64', a);
    if (to === 'i32') return arm.unary('i32_wrap_i64', 'i32', a);
    return signed
      ? arm.unary('i64_extend32_s', 'i64', a)
      : arm.integer('and', a, arm.constant('i64', 0xffff_ffffn));
  }
  const narrow = to === 'i32' && a.type === 'i64' ? arm.unary('i32_wrap_i64', 'i32', a) : a;
  const wide = to === 'i64' && a.type === 'i32' ? arm.unary('i64_extend_i32_u', 'i64', narrow) : narrow;
  if (signed && bits !== 1) return arm.unary(`${to}_extend${bits as 8 | 16}_s`, to, wide);
  const low = arm.integer('and', wide, arm.constant(to, (1n << BigInt(bits)) - 1n));
  return signed ? arm.integer('sub', arm.constant(to, 0n), low) : low;
}

/** The methods. */
export function integerPart(arm: Arm): IntegerPart {
  const zero = (a: Node): boolean => a.constant === 0n;
  const c = (like: Node, value: bigint): Node => arm.constant(like.type as 'i32' | 'i64', value);
  const shift = (op: 'shl' | 'shr_u' | 'shr_s' | 'rotr') => (a: Node, n: Node) =>
    zero(n) ? a : arm.integer(op, a, n);
  return {
    int: (w, value) => immediate(arm, intType(w), value),
    constant64: (low, high) => arm.constant('i64', (BigInt(high) << 32n) | BigInt(low >>> 0)),
    bool: (value) => arm.constant('i32', value ? 1n : 0n),
    add: (a, b) => (zero(b) ? a : zero(a) ? b : arm.integer('add', a, b)),
    sub: (a, b) => (zero(b) ? a : arm.integer('sub', a, b)),
    mul: (a, b) => arm.integer('mul', a, b),
    mulHigh: (a, b, signed) => mulHigh(arm, a, b, signed),
    div: (a, b, signed) => divide(arm, a, b, signed),
    and: (a, b) => arm.integer('and', a, b),
    or: (a, b) => (zero(a) ? b : zero(b) ? a : arm.integer('or', a, b)),
    xor: (a, b) => (zero(b) ? a : arm.integer('xor', a, b)),
    not: (a) => (zero(a) ? c(a, -1n) : arm.integer('xor', a, c(a, -1n))),
    shl: shift('shl'),
    shr: shift('shr_u'),
    sar: shift('shr_s'),
    ror: shift('rotr'),
    clz: (a) => arm.unary(a.type === 'i64' ? 'i64_clz' : 'i32_clz', a.type, a),
    reverseBits: (a) => swapBits(arm, reverseBytes(arm, a, a.type === 'i64' ? 64 : 32)),
    reverseBytes: (a, unit) => reverseBytes(arm, a, unit),
    extend: (a, bits, signed, w) => extend(arm, a, bits, signed, intType(w)),
    crc32: (accumulator, value, bytes, castagnoli) => crc32(arm, accumulator, value, bytes, castagnoli),
    isZero: (a) => arm.unary(a.type === 'i64' ? 'i64_eqz' : 'i32_eqz', 'i32', a),
    equal: (a, b) => arm.binary(a.type === 'i64' ? 'i64_eq' : 'i32_eq', 'i32', a, b),
    less: (a, b, signed) => arm.binary(`${a.type as 'i32' | 'i64'}_lt_${signed ? 's' : 'u'}`, 'i32', a, b),
    bit(a, n) {
      const type = a.type as 'i32' | 'i64';
      const low = arm.integer('and', arm.integer('shr_u', a, immediate(arm, type, n)), c(a, 1n));
      return type === 'i64' ? arm.unary('i32_wrap_i64', 'i32', low) : low;
    },
    invert: (a) => arm.unary('i32_eqz', 'i32', a),
    both: (a, b) => arm.binary('i32_and', 'i32', a, b),
    either: (a, b) => arm.binary('i32_or', 'i32', a, b),
  };
}

/** Division without WebAssembly's traps. */
function divide(arm: Arm, a: Node, b: Node, signed: boolean): Node {
  const { code } = arm;
  const type = a.type as 'i32' | 'i64';
  return arm.node(type, [a, b], () => {
    arm.force(a);
    arm.force(b);
    // By 0 is 0; by -1 is the negation, which would trap for the most negative number.
    arm.push(b);
    code.op(`${type}_eqz`);
    code.if(type);
    arm.constant(type, 0n).push();
    code.else();
    if (signed) {
      arm.push(b);
      arm.constant(type, -1n).push();
      code.op(`${type}_eq`);
      code.if(type);
      arm.constant(type, 0n).push();
      arm.push(a);
      code.op(`${type}_sub`);
      code.else();
    }
    arm.push(a);
    arm.push(b);
    code.op(`${type}_div_${signed ? 's' : 'u'}`);
    if (signed) code.end();
    code.end();
  });
}

/** Bits 127:64 of a product, from four products of halves. */
function mulHigh(arm: Arm, a: Node, b: Node, signed: boolean): Node {
  const mask = arm.constant('i64', 0xffff_ffffn);
  const n32 = arm.constant('i64', 32n);
  const low = (n: Node): Node => arm.integer('and', n, mask);
  const high = (n: Node): Node => arm.integer('shr_u', n, n32);
  const mul = (x: Node, y: Node): Node => arm.integer('mul', x, y);
  const add = (x: Node, y: Node): Node => arm.integer('add', x, y);
  const [al, ah, bl, bh] = [low(a), high(a), low(b), high(b)];
  const middle = add(mul(ah, bl), high(mul(al, bl)));
  const other = add(mul(al, bh), low(middle));
  const unsigned = add(add(mul(ah, bh), high(middle)), high(other));
  if (!signed) return unsigned;
  const correction = (x: Node, y: Node): Node =>
    arm.integer('and', arm.integer('shr_s', x, arm.constant('i64', 63n)), y);
  return arm.integer('sub', arm.integer('sub', unsigned, correction(a, b)), correction(b, a));
}

/** Swaps neighbouring groups of bits. */
function swap(arm: Arm, a: Node, by: number, mask: bigint): Node {
  const type = a.type as 'i32' | 'i64';
  const m = arm.constant(type, mask);
  const n = arm.constant(type, BigInt(by));
  const down = arm.integer('and', arm.integer('shr_u', a, n), m);
  const up = arm.integer('shl', arm.integer('and', a, m), n);
  return arm.integer('or', down, up);
}

function reverseBytes(arm: Arm, a: Node, unit: 16 | 32 | 64): Node {
  const type = a.type as 'i32' | 'i64';
  let r = swap(arm, a, 8, 0x00ff_00ff_00ff_00ffn);
  if (unit >= 32) {
    if (type === 'i32') return arm.integer('rotr', r, arm.constant(type, 16n));
    r = swap(arm, r, 16, 0x0000_ffff_0000_ffffn);
  }
  return unit === 64 ? arm.integer('rotr', r, arm.constant(type, 32n)) : r;
}

/** Reverses the bits of every byte. */
function swapBits(arm: Arm, a: Node): Node {
  const nibbles = swap(arm, a, 4, 0x0f0f_0f0f_0f0f_0f0fn);
  const pairs = swap(arm, nibbles, 2, 0x3333_3333_3333_3333n);
  return swap(arm, pairs, 1, 0x5555_5555_5555_5555n);
}

/** Bit by bit: rare enough. */
function crc32(arm: Arm, accumulator: Node, value: Node, bytes: number, castagnoli: boolean): Node {
  const { code } = arm;
  return arm.node('i32', [accumulator, value], () => {
    const [crc, data, left] = [code.freshLocal('i32'), code.freshLocal('i64'), code.freshLocal('i32')];
    arm.push(value);
    code.set(data);
    arm.push(accumulator);
    code.set(crc);
    code.i32(8 * bytes);
    code.set(left);
    const again = code.loop();
    // crc = (crc >> 1) ^ (polynomial & -((crc ^ data) & 1))
    code.get(crc);
    code.i32(1);
    code.op('i32_shr_u');
    code.i32(0);
    code.get(crc);
    code.get(data);
    code.ops('i32_wrap_i64', 'i32_xor');
    code.i32(1);
    code.ops('i32_and', 'i32_sub');
    code.i32(castagnoli ? 0x82f6_3b78 : 0xedb8_8320);
    code.ops('i32_and', 'i32_xor');
    code.set(crc);
    code.get(data);
    code.i64(1n);
    code.op('i64_shr_u');
    code.set(data);
    code.get(left);
    code.i32(1);
    code.op('i32_sub');
    code.tee(left);
    code.brIf(again);
    code.end();
    code.get(crc);
  });
}
