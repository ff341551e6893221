// Floating point of the reference engine: the soft-float library on the bits, under FPCR and into FPSR.

import {
  compare,
  convert,
  float1,
  float2,
  float3,
  fromInt,
  intEstimate,
  roundToIntegral,
  test,
  toInt,
} from '../float/index.ts';
import type { Builder } from '../semantics/builder.ts';
import { constantOf } from './registers.ts';
import type { Transaction } from './transaction.ts';
import { big, bool, flags, float, floatOf, int32, int64, intOf, num, wide, widthOf } from './values.ts';

type FloatPart = Pick<
  Builder,
  | 'float1'
  | 'float2'
  | 'float3'
  | 'floatCompare'
  | 'floatTest'
  | 'floatToInt'
  | 'intToFloat'
  | 'floatRound'
  | 'floatConvert'
  | 'bits16'
  | 'bits32'
  | 'bits64'
  | 'fromBits16'
  | 'fromBits32'
  | 'fromBits64'
  | 'laneToFloat'
  | 'floatToLane'
  | 'intEstimate'
>;

/** The methods about floating point. */
export const floatPart = ({ env }: Transaction): FloatPart => ({
  float1: (op, a) => {
    const { width, bits } = float(a);
    return floatOf(width, float1(op, width, bits, env));
  },
  float2: (op, a, b) => {
    const { width, bits } = float(a);
    return floatOf(width, float2(op, width, bits, float(b).bits, env));
  },
  float3: (op, a, n, m) => {
    const { width, bits } = float(a);
    return floatOf(width, float3(op, width, bits, float(n).bits, float(m).bits, env));
  },
  floatCompare: (a, b, signalling) =>
    flags(compare(float(a).width, float(a).bits, float(b).bits, signalling, env)),
  floatTest: (op, a, b) => bool(test(op, float(a).width, float(a).bits, float(b).bits, env)),
  floatToInt: (a, w, signed, rounding, fraction = 0) =>
    intOf(w, toInt(float(a).width, float(a).bits, w, signed, rounding, Number(constantOf(fraction)), env)),
  intToFloat: (a, w, signed, fraction = 0) =>
    floatOf(w, fromInt(widthOf(a), wide(a), w, signed, Number(constantOf(fraction)), env)),
  floatRound: (a, rounding, exact) => {
    const { width, bits } = float(a);
    return floatOf(width, roundToIntegral(width, bits, rounding, exact, env));
  },
  floatConvert: (a, w, rounding = 'fpcr') =>
    floatOf(w, convert(float(a).width, w, float(a).bits, rounding, env)),
  bits16: (a) => int32(Number(float(a).bits)),
  bits32: (a) => int32(Number(float(a).bits)),
  bits64: (a) => int64(float(a).bits),
  fromBits16: (a) => floatOf(16, BigInt(num(a) & 0xffff)),
  fromBits32: (a) => floatOf(32, BigInt(num(a))),
  fromBits64: (a) => floatOf(64, big(a)),
  laneToFloat: (lane, w) => floatOf(w, BigInt.asUintN(w, big(lane))),
  floatToLane: (a) => int64(float(a).bits),
  intEstimate: (op, a) => int64(BigInt(intEstimate(op, Number(BigInt.asUintN(32, big(a)))))),
});
