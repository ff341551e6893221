// Memory types that walks report: MAIR by AttrIndx, SCTLR_ELx.C and I, HCR_EL2.CD (DDI 0487 D8.5).

import { describe, expect, test } from 'vitest';

import { Access, MmuFault, Permission, Regime, SCTLR } from '../src/index.ts';
import { createRig, go, stage1, stage2 } from './rig.ts';
import type { Rig } from './rig.ts';

const DATA = Permission.PrivilegedRead | Permission.PrivilegedWrite | Permission.PrivilegedExecute;
const REGIMES = [
  ['EL1&0', Regime.EL10],
  ['EL2', Regime.EL2],
  ['EL3', Regime.EL3],
] as const;
const registersOf = (rig: Rig, regime: Regime): typeof rig.controls.el1 =>
  regime === Regime.EL10 ? rig.controls.el1 : regime === Regime.EL2 ? rig.controls.el2 : rig.controls.el3;

describe.each(REGIMES)('%s', (_name, regime) => {
  test('every AttrIndx selects its byte of MAIR', () => {
    const rig = createRig();
    const tables = stage1(rig, { regime });
    const bytes = [0xff, 0x00, 0x04, 0x44, 0xaa, 0x0c, 0xbb, 0xee];
    const registers = registersOf(rig, regime);
    registers.mairLo = bytes.slice(0, 4).reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    registers.mairHi = bytes.slice(4).reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    bytes.forEach((_, index) => {
      tables.map({
        va: 0x1000 * (index + 1),
        pa: 0x8000,
        size: 4096,
        permissions: DATA,
        attributes: { index },
      });
    });
    expect(
      bytes.map((_, index) => {
        expect(go(rig, 0x1000 * (index + 1))).toBe(true);
        return rig.out.attributes;
      }),
    ).toEqual(bytes);
  });

  test('the output size is that of PS, or IPS', () => {
    for (const [ps, bits] of [
      [0, 32],
      [1, 36],
      [2, 40],
      [3, 42],
      [4, 44],
    ] as const) {
      const rig = createRig({ paBits: 48 });
      const tables = stage1(rig, { regime });
      tables.map({ va: 0x1000, pa: 2 ** bits - 4096, size: 4096, permissions: DATA });
      tables.map({ va: 0x2000, pa: 2 ** bits, size: 4096, permissions: DATA });
      const registers = registersOf(rig, regime);
      if (regime === Regime.EL10) registers.tcrHi = (registers.tcrHi & ~7) | ps;
      else registers.tcrLo = (registers.tcrLo & ~0x70000) | (ps << 16);
      expect(go(rig, 0x1000)).toBe(true);
      expect(go(rig, 0x2000)).toBe(false);
      expect(rig.out).toMatchObject({ fault: MmuFault.AddressSize, level: 3 });
    }
  });

  test('TG0 selects the granule', () => {
    for (const granule of [12, 14, 16] as const) {
      const rig = createRig();
      const size = 2 ** granule;
      stage1(rig, { regime, granule }).map({ va: size, pa: 4 * size, size, permissions: DATA });
      expect(go(rig, size + 8)).toBe(true);
      expect(rig.out).toMatchObject({ pa: 4 * size + 8, stage1Shift: granule });
      expect(go(rig, 2 * size)).toBe(false);
    }
  });

  test('SCTLR_ELx.C and I: without them Normal memory is Non-cacheable, for data and for fetches, and Device what it was', () => {
    for (const [bits, data, fetch] of [
      [SCTLR.C | SCTLR.I, 0xff, 0xff],
      [SCTLR.C, 0xff, 0x44],
      [SCTLR.I, 0x44, 0xff],
      [0, 0x44, 0x44],
    ] as const) {
      const rig = createRig();
      const tables = stage1(rig, { regime });
      const registers = registersOf(rig, regime);
      registers.sctlr = SCTLR.M | bits;
      registers.mairLo = 0x04ff;
      tables.map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: DATA });
      tables.map({ va: 0x2000, pa: 0x9000, size: 4096, permissions: DATA, attributes: { index: 1 } });
      expect(go(rig, 0x1000)).toBe(true);
      expect(rig.out).toMatchObject({ attributes: data, shareability: data === 0x44 ? 2 : 3 });
      expect(go(rig, 0x1000, Access.Execute)).toBe(true);
      expect(rig.out).toMatchObject({ attributes: fetch, dataAttributes: data });
      expect(go(rig, 0x2000)).toBe(true);
      expect(rig.out.attributes).toBe(4);
    }
  });
});

test('HCR_EL2.CD makes data of stage 2 Non-cacheable and leaves fetches alone', () => {
  const rig = createRig();
  stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: DATA });
  rig.controls.el1.mairLo = 0xff;
  stage2(rig).map({ va: 0, pa: 0, size: 2 ** 30, permissions: 63 });
  rig.controls.hcrHi = 1;
  expect(go(rig, 0x1000)).toBe(true);
  expect(rig.out.attributes).toBe(0x44);
  expect(go(rig, 0x1000, Access.Execute)).toBe(true);
  expect(rig.out.attributes).toBe(0xff);
});
