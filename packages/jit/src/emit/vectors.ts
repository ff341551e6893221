// Vectors: 128-bit values and their lanes.

import type { Imm, LaneInput, LaneOp1, LaneOp2, LaneSize, Width } from '../isa.ts';
import type { OpName } from '../wasm/opcodes.ts';
import { constantOperand, intType } from './arm.ts';
import type { Arm } from './arm.ts';
import { extend, immediate } from './integers.ts';
import { Unsupported } from './node.ts';
import type { Node } from './node.ts';

/** The interface's methods about vectors, on nodes. */
export interface VectorPart {
  vzero(): Node;
  vconst(low: Imm, high: Imm): Node;
  lowHalf(a: Node): Node;
  lanes2(op: LaneOp2, size: LaneSize, a: Node, b: Node): Node;
  lanes1(op: LaneOp1, size: LaneSize, a: Node): Node;
  laneShift(op: 'shl' | 'shr' | 'sar', size: LaneSize, a: Node, amount: Imm | number): Node;
  vand(a: Node, b: Node): Node;
  vor(a: Node, b: Node): Node;
  vxor(a: Node, b: Node): Node;
  splat(size: LaneSize, a: Node): Node;
  lane(size: LaneSize, a: Node, index: Imm | number, signed: boolean, w: Width): Node;
  withLane(size: LaneSize, a: Node, index: Imm | number, value: Node): Node;
  shuffle(a: Node, b: Node, indices: readonly number[]): Node;
  extract(a: Node, b: Node, start: Imm | number): Node;
  tableLookup(table: readonly Node[], index: Node, otherwise: Node): Node;
  map(
    size: LaneSize,
    count: number,
    inputs: readonly (LaneInput & { from: unknown })[],
    each: (...lanes: Node[]) => Node,
  ): Node;
  saturated(c: Node): void;
}

const shapes = { 8: 'i8x16', 16: 'i16x8', 32: 'i32x4', 64: 'i64x2' } as const;
/** The bytes of a vector. */
const bytesOf = (v: bigint): number[] =>
  Array.from({ length: 16 }, (_, i) => Number((v >> BigInt(8 * i)) & 0xffn));
/** A vector constant with the same value in all lanes. */
const repeated = (size: LaneSize, value: bigint): number[] =>
  Array.from({ length: 16 }, (_, i) =>
    Number((BigInt.asUintN(size, value) >> BigInt((i * 8) % size)) & 0xffn),
  );

/** A vector constant. */
function constantVector(arm: Arm, bytes: readonly number[]): Node {
  const push = (): void => {
    arm.code.bytes16('v128_const', bytes);
  };
  return { type: 'v128', push, uses: 0, local: -1 };
}

/** A lane with a number known when the case is made. */
function fixedLane(arm: Arm, size: LaneSize, a: Node, index: number, signed: boolean, w: Width): Node {
  const type = intType(w);
  const sign = size < 32 ? (signed ? '_s' : '_u') : '';
  const lane = arm.node(size === 64 ? 'i64' : 'i32', [a], () => {
    arm.push(a);
    arm.code.lane(`${shapes[size]}_extract_lane${sign}` as OpName, index);
  });
  return extend(arm, lane, size === 64 ? (w === 64 ? 64 : 32) : 32, signed, type);
}

/** A vector with one lane replaced by the low bits of an integer. */
function replaceLane(arm: Arm, size: LaneSize, a: Node, index: number, value: Node): Node {
  const v = extend(arm, value, size === 64 ? 64 : 32, false, size === 64 ? 'i64' : 'i32');
  return arm.node('v128', [a, v], () => {
    arm.push(a);
    arm.push(v);
    arm.code.lane(`${shapes[size]}_replace_lane`, index);
  });
}

/** Stores vectors side by side in the scratch registers. */
function spill(arm: Arm, ...vectors: readonly Node[]): void {
  for (const v of vectors) arm.force(v);
  for (const [i, v] of vectors.entries()) {
    arm.frame.pushBase();
    arm.push(v);
    arm.code.memory('v128_store', scratch(arm) + 16 * i, true);
  }
}
/** Memory offset of the first scratch register. */
const scratch = (arm: Arm): number => arm.frame.at('v') + 32 * 16;

const log2 = (size: LaneSize): bigint => BigInt(Math.log2(size / 8));
/** Byte offset of a lane whose number is an operand. */
const laneOffset = (arm: Arm, size: LaneSize, index: Imm): Node =>
  arm.integer('shl', immediate(arm, 'i32', index), arm.constant('i32', log2(size)));

/** Pushes the address of a byte of the scratch registers, less their own offset. */
function pushScratch(arm: Arm, offset: Node): void {
  arm.push(offset);
  arm.frame.addBase();
}

/** The methods. */
export function vectorPart(arm: Arm): VectorPart {
  const { code } = arm;
  const binary = (op: OpName, a: Node, b: Node): Node => arm.binary(op, 'v128', a, b);
  const splatConstant = (size: LaneSize, value: bigint): Node => constantVector(arm, repeated(size, value));
  const known = (n: Imm | number): number | undefined =>
    typeof n === 'number' ? n : constantOperand(n)?.value;

  const lanes2 = (op: LaneOp2, size: LaneSize, a: Node, b: Node): Node => {
    const shape = shapes[size];
    if (op === 'tst') {
      return arm.unary(
        'v128_not',
        'v128',
        lanes2('eq', size, binary('v128_and', a, b), splatConstant(64, 0n)),
      );
    }
    if (op === 'mul' && size === 8) return multiplyBytes(a, b);
    if (size === 64 && (op === 'gtu' || op === 'geu')) {
      const sign = splatConstant(64, 1n << 63n);
      return binary(
        op === 'gtu' ? 'i64x2_gt_s' : 'i64x2_ge_s',
        binary('v128_xor', a, sign),
        binary('v128_xor', b, sign),
      );
    }
    if (
      size === 64 &&
      op !== 'add' &&
      op !== 'sub' &&
      op !== 'mul' &&
      op !== 'eq' &&
      op !== 'gts' &&
      op !== 'ges'
    ) {
      throw new Unsupported(`lanes2 ${op} 64`);
    }
    const names: Record<LaneOp2, string> = {
      add: 'add',
      sub: 'sub',
      mul: 'mul',
      eq: 'eq',
      gts: 'gt_s',
      ges: 'ge_s',
      gtu: 'gt_u',
      geu: 'ge_u',
      mins: 'min_s',
      maxs: 'max_s',
      minu: 'min_u',
      maxu: 'max_u',
      tst: '',
    };
    return binary(`${shape}_${names[op]}` as OpName, a, b);
  };

  const multiplyBytes = (a: Node, b: Node): Node => {
    const low = binary('i16x8_extmul_low_i8x16_u', a, b);
    const high = binary('i16x8_extmul_high_i8x16_u', a, b);
    return shuffle(low, high, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
  };

  const shuffle = (a: Node, b: Node, indices: readonly number[]): Node =>
    arm.node('v128', [a, b], () => {
      arm.push(a);
      arm.push(b);
      code.bytes16('i8x16_shuffle', indices);
    });

  const shiftBy = (op: 'shl' | 'shr_s' | 'shr_u', size: LaneSize, a: Node, by: Node): Node =>
    binary(`${shapes[size]}_${op}`, a, by);

  const reverseBits = (a: Node): Node => {
    let r = a;
    for (const [by, mask] of [
      [4n, 0x0fn],
      [2n, 0x33n],
      [1n, 0x55n],
    ] as const) {
      const n = arm.constant('i32', by);
      const m = splatConstant(8, mask);
      const down = binary('v128_and', shiftBy('shr_u', 8, r, n), m);
      r = binary('v128_or', down, shiftBy('shl', 8, binary('v128_and', r, m), n));
    }
    return r;
  };

  const map: VectorPart['map'] = (size, count, inputs, each) => {
    let result = splatConstant(64, 0n);
    for (let i = 0; i < count; i++) {
      const lanes = inputs.map((input) => {
        const index = (input.first ?? 0) + i * (input.step ?? 1);
        return fixedLane(arm, input.size, input.from as unknown as Node, index, input.signed, 64);
      });
      result = replaceLane(arm, size, result, i, each(...lanes));
    }
    return result;
  };

  return {
    vzero: () => splatConstant(64, 0n),
    vconst(low, high) {
      const [lo, hi] = [immediate(arm, 'i64', low), immediate(arm, 'i64', high)];
      if (lo.constant !== undefined && hi.constant !== undefined)
        return constantVector(arm, bytesOf(BigInt.asUintN(64, lo.constant) | (hi.constant << 64n)));
      return replaceLane(arm, 64, arm.unary('i64x2_splat', 'v128', lo), 1, hi);
    },
    lowHalf: (a) =>
      shuffle(a, splatConstant(64, 0n), [0, 1, 2, 3, 4, 5, 6, 7, 16, 16, 16, 16, 16, 16, 16, 16]),
    lanes2,
    lanes1(op, size, a) {
      if (op === 'not') return arm.unary('v128_not', 'v128', a);
      if (op === 'neg' || op === 'abs') return arm.unary(`${shapes[size]}_${op}`, 'v128', a);
      if (size === 8 && op === 'cnt') return arm.unary('i8x16_popcnt', 'v128', a);
      if (size === 8 && op === 'rbit') return reverseBits(a);
      if (op !== 'clz') throw new Unsupported(`lanes1 ${op} ${String(size)}`);
      return map(size, 128 / size, [{ from: a as never, size, signed: false }], (lane) =>
        arm.integer('sub', arm.unary('i64_clz', 'i64', lane), arm.constant('i64', BigInt(64 - size))),
      );
    },
    laneShift(op, size, a, amount) {
      const by = immediate(arm, 'i32', amount);
      const one = arm.constant('i32', 1n);
      if (op === 'shl') return shiftBy('shl', size, a, by);
      // Right shifts go up to the lane size, which WebAssembly takes for 0: in two steps.
      const wasm = op === 'shr' ? 'shr_u' : 'shr_s';
      return shiftBy(wasm, size, shiftBy(wasm, size, a, arm.integer('sub', by, one)), one);
    },
    vand: (a, b) => binary('v128_and', a, b),
    vor: (a, b) => binary('v128_or', a, b),
    vxor: (a, b) => binary('v128_xor', a, b),
    splat(size, a) {
      const value = size === 64 ? a : extend(arm, a, 32, false, 'i32');
      return arm.unary(`${shapes[size]}_splat`, 'v128', value);
    },
    lane(size, a, index, signed, w) {
      const n = known(index);
      if (n !== undefined) return fixedLane(arm, size, a, n, signed, w);
      const offset = laneOffset(arm, size, index as Imm);
      const type = intType(w);
      const suffix = size === w ? '' : `${String(Math.min(size, 64))}_${signed ? 's' : 'u'}`;
      const op = (size > w ? 'i32_load' : `${type}_load${suffix}`) as OpName;
      return arm.node(type, [a, offset], () => {
        if (a.place !== undefined && a.local < 0) {
          a.place.push();
          arm.push(offset);
          code.op('i32_add');
          code.memory(op, a.place.offset, true);
          return;
        }
        spill(arm, a);
        pushScratch(arm, offset);
        code.memory(op, scratch(arm), true);
      });
    },
    withLane(size, a, index, value) {
      const n = known(index);
      if (n !== undefined) return replaceLane(arm, size, a, n, value);
      const offset = laneOffset(arm, size, index as Imm);
      return arm.node('v128', [a, offset, value], () => {
        arm.force(value);
        spill(arm, a);
        pushScratch(arm, offset);
        arm.push(value);
        const op = value.type === 'i64' && size !== 64 ? `i64_store${String(size)}` : `${value.type}_store`;
        code.memory(op as OpName, scratch(arm), true);
        arm.frame.pushBase();
        code.memory('v128_load', scratch(arm), true);
      });
    },
    shuffle,
    extract(a, b, start) {
      const n = known(start);
      if (n !== undefined)
        return shuffle(
          a,
          b,
          Array.from({ length: 16 }, (_, i) => i + n),
        );
      const at = immediate(arm, 'i32', start);
      return arm.node('v128', [a, b, at], () => {
        spill(arm, a, b);
        pushScratch(arm, at);
        code.memory('v128_load', scratch(arm));
      });
    },
    tableLookup(table, index, otherwise) {
      let result: Node | undefined;
      for (const [i, t] of table.entries()) {
        const at = i === 0 ? index : binary('i8x16_sub', index, splatConstant(8, BigInt(16 * i)));
        const part = binary('i8x16_swizzle', t, at);
        result = result === undefined ? part : binary('v128_or', result, part);
      }
      const inside = lanes2('gtu', 8, splatConstant(8, BigInt(16 * table.length)), index);
      const looked = result ?? splatConstant(64, 0n);
      return arm.node('v128', [looked, otherwise, inside], () => {
        arm.push(looked);
        arm.push(otherwise);
        arm.push(inside);
        code.op('v128_bitselect');
      });
    },
    map,
    saturated(c) {
      const { frame } = arm;
      const fpsr = arm.once('saturated fpsr', () => {
        const n = arm.word64('fpsr');
        const local = { bits: n };
        const any: Node = { type: 'i32', push: () => undefined, uses: 2, local: -1 };
        arm.check(() => {
          any.local = code.freshLocal('i32');
          code.i32(0);
          code.set(any.local);
        });
        const value = arm.integer(
          'or',
          local.bits,
          arm.integer('shl', arm.unary('i64_extend_i32_u', 'i64', any), arm.constant('i64', 27n)),
        );
        arm.write(
          () => {
            frame.pushBase();
          },
          value,
          () => {
            code.memory('i64_store', frame.at('fpsr'), true);
          },
        );
        return any;
      });
      c.uses++;
      arm.check(() => {
        code.get(fpsr.local);
        arm.push(c);
        code.op('i32_or');
        code.set(fpsr.local);
      });
    },
  };
}
