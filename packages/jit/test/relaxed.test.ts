// Fused multiply-adds by relaxed SIMD, which Node 20 has behind a flag: bits and flags are the reference engine's, as without.

import { setFlagsFromString } from 'node:v8';

import { describe, expect, it } from 'vitest';

import { assemble, CpuLayout } from '@worldswitch/isa-core';

import { hostFuses } from '../src/wasm/relaxed.ts';
import { createRandom } from './random.ts';
import { createRig, eager, RAM } from './rig.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd');
const here = hostFuses(new WebAssembly.Memory({ initial: 1 }));

const ROUNDS = 3000;
const IXC = 0x10n;
const instructions = ['fmadd', 'fmsub', 'fnmadd', 'fnmsub'] as const;
const extremes = [0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 1.5, 3];

describe.skipIf(!here).each([
  ['interpreted', {}],
  ['compiled', eager],
] as const)('%s [needs relaxed SIMD that fuses]', (_, mode) => {
  describe.each([64, 32] as const)('%i bits', (width) => {
    const rig = createRig(mode);
    const random = createRandom(0xf0a + width);
    const view = new DataView(new ArrayBuffer(8));
    const least = width === 64 ? -1074 : -149;
    const most = width === 64 ? 1023 : 127;
    const bits = (n: number): bigint => {
      if (width === 64) view.setFloat64(0, n);
      else view.setFloat32(4, n);
      return width === 64 ? view.getBigUint64(0) : BigInt(view.getUint32(4));
    };
    /** Of any size, or near one end of the range when multiplied; small integers, whose results are exact; what is no number. */
    const operand = (): number => {
      const mantissa = 1 + random.next() / 2 ** 32 + (random.next() & 0xfffff) / 2 ** 52;
      const sign = random.below(2) === 0 ? 1 : -1;
      switch (random.below(6)) {
        case 0:
          return extremes[random.below(extremes.length)] ?? 0;
        case 1:
          return sign * random.below(100);
        case 2:
          return sign * mantissa * 2 ** (least + random.below(most - least));
        case 3:
          return sign * mantissa * 2 ** (Math.round(least / 2) + random.below(40) - 20);
        default:
          return sign * mantissa * 2 ** (random.below(40) - 20);
      }
    };

    it.each(instructions)('%s', (name) => {
      const r = width === 64 ? 'd' : 's';
      rig.code(RAM, assemble(`${name} ${r}0, ${r}1, ${r}2, ${r}3`));
      for (let i = 0; i < ROUNDS; i++) {
        const [a, b] = [operand(), operand()];
        const near = a * b * (random.below(2) === 0 ? 1 : -1);
        const c = random.below(3) === 0 ? near : operand();
        const fpsr = random.below(2) === 0 ? IXC : 0n;
        for (const { cpu } of [rig.reference, rig.fast]) {
          cpu.state.pc = BigInt(RAM);
          [a, b, c].forEach((n, k) => {
            cpu.state.u64[(CpuLayout.v + 16 * (k + 1)) >> 3] = bits(n);
          });
          cpu.fpsr = fpsr;
        }
        expect(rig.run(1), `${String(a)} ${String(b)} ${String(c)}`).toEqual([]);
      }
    });

    it('asks nobody about ordinary numbers', () => {
      const r = width === 64 ? 'd' : 's';
      rig.code(RAM, assemble(`fmadd ${r}0, ${r}1, ${r}2, ${r}3`));
      const before = rig.fast.engine.counters.steps;
      for (let i = 0; i < 200; i++) {
        for (const { cpu } of [rig.reference, rig.fast]) {
          cpu.state.pc = BigInt(RAM);
          [1 + i / 3, 2 - i / 7, 1000 * i + 1 / 3].forEach((n, k) => {
            cpu.state.u64[(CpuLayout.v + 16 * (k + 1)) >> 3] = bits(n);
          });
          cpu.fpsr = IXC;
        }
        expect(rig.run(1)).toEqual([]);
      }
      expect(rig.fast.engine.counters.steps).toBe(before);
    });
  });
});
