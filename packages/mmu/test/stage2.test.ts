// DDI 0487 D8.2.3, D8.6: stage 2 alone and under stage 1: geometry, faults, attributes, reference counts.

import { describe, expect, test } from 'vitest';

import {
  Access,
  createTranslation,
  faultStatusCode,
  hpfarFromFault,
  MmuFault,
  Regime,
} from '../src/index.ts';
import type { GranuleShift } from '../src/index.ts';
import { createRig, EVERYTHING, go, KERNEL_DATA, P, stage1, stage2 } from './rig.ts';
import type { Rig } from './rig.ts';

/** Granule, VTCR_EL2.SL0, first level, and the input sizes that go with it on 48 bits of physical address. */
const SL0: readonly [GranuleShift, number, number, number, number][] = [
  [12, 0, 2, 25, 34],
  [12, 1, 1, 31, 43],
  [12, 2, 0, 40, 48],
  [14, 0, 3, 25, 29],
  [14, 1, 2, 26, 40],
  [14, 2, 1, 37, 48],
  [16, 0, 3, 25, 33],
  [16, 1, 2, 30, 46],
  [16, 2, 1, 43, 48],
];
const TG0: Readonly<Record<number, number>> = { 12: 0, 14: 2, 16: 1 };

/** Stage 2 registers with a root of 16 tables in which nothing is mapped. */
function bare(granule: GranuleShift, sl0: number, t0sz: number, paBits = 48): Rig {
  const rig = createRig({ paBits });
  rig.controls.vtcr = t0sz | (sl0 << 6) | ((TG0[granule] ?? 0) << 14) | (5 << 16);
  rig.controls.vttbrLo = 0x1000_0000;
  rig.controls.hcrLo = 1;
  return rig;
}

describe('SL0 and T0SZ', () => {
  test.each(SL0)('granule 2^%i, SL0=%i', (granule, sl0, level, from, to) => {
    for (let t0sz = 0; t0sz < 64; t0sz++) {
      const rig = bare(granule, sl0, t0sz);
      const good = 64 - t0sz >= from && 64 - t0sz <= to;
      expect(go(rig, 0)).toBe(false);
      expect(rig.out).toMatchObject({ fault: MmuFault.Translation, stage: 2, level: good ? level : 0 });
      expect(rig.walker.counters.stage2References).toBe(good ? 1 : 0);
    }
  });

  test.each([12, 14, 16] as const)('granule 2^%i: SL0=3 is reserved', (granule) => {
    for (let t0sz = 0; t0sz < 64; t0sz++) {
      const rig = bare(granule, 3, t0sz);
      go(rig, 0);
      expect(rig.walker.counters.stage2References).toBe(0);
    }
  });

  test.each([
    [12, 2, 42, 42, false],
    [12, 2, 44, 44, true],
    [14, 2, 40, 40, false],
    [14, 2, 42, 42, true],
    [16, 2, 42, 43, false],
    [16, 2, 44, 44, true],
  ] as const)(
    'granule 2^%i, SL0=%i on %i bits of physical address',
    (granule, sl0, paBits, inputBits, good) => {
      const rig = bare(granule, sl0, 64 - inputBits, paBits);
      go(rig, 0);
      expect(rig.walker.counters.stage2References).toBe(good ? 1 : 0);
    },
  );

  test('an input size beyond the physical address size', () => {
    const rig = bare(12, 1, 64 - 42, 40);
    go(rig, 0);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, stage: 2, level: 0 });
  });
});

describe('concatenated tables', () => {
  test.each([
    [12, 34, 2],
    [12, 40, 1],
    [12, 43, 1],
    [14, 40, 2],
    [14, 29, 3],
    [16, 33, 3],
    [16, 42, 2],
  ] as const)('granule 2^%i, %i bits from level %i', (granule, inputBits, startLevel) => {
    const rig = createRig();
    const tables = stage2(rig, { granule, inputBits, startLevel });
    const page = 2 ** granule;
    // The last page of every concatenated table.
    for (let i = 1; i <= 16; i++) {
      const ipa = Math.floor((2 ** inputBits * i) / 16 / page) * page - page;
      tables.map({ va: ipa, pa: 0x2_0000_0000 + i * page, size: page, permissions: EVERYTHING });
      expect(go(rig, ipa + 5)).toBe(true);
      expect(rig.out.pa).toBe(0x2_0000_0000 + i * page + 5);
    }
    expect(rig.out.stage2Shift).toBe(granule);
    expect(go(rig, 2 ** inputBits)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, stage: 2, level: 0, ipa: 2 ** inputBits });
  });
});

describe('faults', () => {
  const IPA = 0x912_3456_7000;

  function mapped(): { rig: Rig; places: Map<number, number> } {
    const rig = createRig();
    const tables = stage2(rig, { inputBits: 44, startLevel: 0 });
    tables.map({ va: IPA, pa: 0x5000, size: 4096, permissions: EVERYTHING });
    const places = new Map<number, number>();
    rig.walker.observer = { fetched: (_s, level, pa) => places.set(level, pa) };
    expect(go(rig, IPA)).toBe(true);
    rig.walker.observer = undefined;
    return { rig, places };
  }

  const cases = [
    { name: 'invalid', lo: 0, hi: 0, fault: MmuFault.Translation, fsc: 4, levels: [0, 1, 2, 3] },
    {
      name: 'a block at level 0, a reserved one at 3',
      lo: 0x401,
      hi: 0,
      fault: MmuFault.Translation,
      fsc: 4,
      levels: [0, 3],
    },
    { name: 'address size', lo: 3, hi: 1 << 12, fault: MmuFault.AddressSize, fsc: 0, levels: [0, 1, 2, 3] },
    { name: 'access flag', lo: 3, hi: 0, fault: MmuFault.AccessFlag, fsc: 8, levels: [3] },
    { name: 'access flag of a block', lo: 1, hi: 0, fault: MmuFault.AccessFlag, fsc: 8, levels: [1, 2] },
    { name: 'permission', lo: 0x403, hi: 0, fault: MmuFault.Permission, fsc: 12, levels: [3] },
    { name: 'permission of a block', lo: 0x401, hi: 0, fault: MmuFault.Permission, fsc: 12, levels: [1, 2] },
  ];
  for (const { name, lo, hi, fault, fsc, levels } of cases) {
    test.each(levels)(`${name}, level %i`, (level) => {
      const { rig, places } = mapped();
      rig.memory.write64(places.get(level) ?? -1, lo, hi);
      expect(go(rig, IPA + 0x10, Access.Write)).toBe(false);
      expect(rig.out).toMatchObject({ fault, level, stage: 2, s1ptw: false, ipa: IPA + 0x10, write: true });
      expect(faultStatusCode(rig.out)).toBe(fsc + level);
      const hpfar = { lo: 0, hi: 0 };
      hpfarFromFault(rig.out, hpfar);
      expect(hpfar).toEqual({ lo: 0x1234_5670, hi: 0x9 });
    });
  }

  test('External aborts, and a table base beyond VTCR_EL2.PS', () => {
    const { rig, places } = mapped();
    rig.memory.broken.add(places.get(2) ?? -1);
    expect(go(rig, IPA)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.ExternalAbort, level: 2, stage: 2 });
    rig.controls.vttbrHi = 1 << 12; // 2^44, the first address too large
    rig.controls.vttbrLo = 0;
    expect(go(rig, IPA)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.AddressSize, level: 0, stage: 2 });
  });

  test('memory that stage 2 makes Device faults on unaligned accesses, as a fault of stage 2', () => {
    const rig = createRig();
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    rig.request.unaligned = true;
    expect(go(rig, 0x1001)).toBe(true);
    two.map({ va: 0x8000, pa: 0x8000, size: 4096, permissions: EVERYTHING, attributes: { memAttr: 1 } });
    expect(go(rig, 0x1001)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Alignment, stage: 2, ipa: 0x8001 });
  });

  test('the alignment that Device memory wants comes before permissions', () => {
    const rig = createRig();
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    two.map({
      va: 0x8000,
      pa: 0x8000,
      size: 4096,
      permissions: P.PrivilegedRead | P.UnprivilegedRead,
      attributes: { memAttr: 1 },
    });
    expect(go(rig, 0x1000, Access.Write)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Permission, stage: 2 });
    rig.request.unaligned = true;
    expect(go(rig, 0x1001, Access.Write)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Alignment, stage: 2 });
  });
});

describe('stage 1 tables go through stage 2', () => {
  const VA = 0x40_0000;

  function nested(): { rig: Rig; two: ReturnType<typeof stage2>; tables: number[] } {
    const rig = createRig();
    const one = stage1(rig);
    one.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const tables: number[] = [];
    rig.walker.observer = { fetched: (_s, _l, pa) => tables.push(pa) };
    expect(go(rig, VA)).toBe(true);
    rig.walker.observer = undefined;
    const two = stage2(rig);
    // Guest memory lies 1 GiB higher.
    for (const pa of [...tables, 0x8000]) {
      const page = Math.floor(pa / 4096) * 4096;
      two.map({ va: page, pa: page + 2 ** 30, size: 4096, permissions: EVERYTHING });
    }
    for (const pa of tables) {
      const [lo = 0, hi = 0] = rig.memory.words.get(pa) ?? [];
      rig.memory.write64(pa + 2 ** 30, lo, hi);
      rig.memory.words.delete(pa);
    }
    return { rig, two, tables };
  }

  test('and are found where it says', () => {
    const { rig } = nested();
    expect(go(rig, VA + 8)).toBe(true);
    expect(rig.out).toMatchObject({ ipa: 0x8008, pa: 0x8008 + 2 ** 30 });
  });

  test.each([0, 1, 2, 3])('a table of level %i that stage 2 does not map', (level) => {
    const { rig, two, tables } = nested();
    const ipa = tables[level] ?? 0;
    two.unmap(Math.floor(ipa / 4096) * 4096, 4096);
    expect(go(rig, VA, Access.Write)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, stage: 2, s1ptw: true, ipa, write: true });
    expect(rig.out.level).toBeGreaterThan(0);
  });

  test('reading them needs S2AP read permission only', () => {
    const { rig, two, tables } = nested();
    const page = Math.floor((tables[3] ?? 0) / 4096) * 4096;
    two.map({ va: page, pa: page + 2 ** 30, size: 4096, permissions: P.PrivilegedRead | P.UnprivilegedRead });
    expect(go(rig, VA, Access.Write)).toBe(true);
    two.map({
      va: page,
      pa: page + 2 ** 30,
      size: 4096,
      permissions: P.PrivilegedWrite | P.UnprivilegedWrite,
    });
    expect(go(rig, VA, Access.Execute)).toBe(false);
    expect(rig.out).toMatchObject({
      fault: MmuFault.Permission,
      stage: 2,
      s1ptw: true,
      level: 3,
      ipa: tables[3],
    });
  });

  test('HCR_EL2.PTW refuses tables in memory that stage 2 makes Device', () => {
    const { rig, two, tables } = nested();
    const page = Math.floor((tables[2] ?? 0) / 4096) * 4096;
    const attributes = { memAttr: 1 };
    two.map({ va: page, pa: page + 2 ** 30, size: 4096, permissions: EVERYTHING, attributes });
    expect(go(rig, VA)).toBe(true);
    rig.controls.hcrLo |= 4;
    expect(go(rig, VA)).toBe(false);
    expect(rig.out).toMatchObject({
      fault: MmuFault.Permission,
      stage: 2,
      s1ptw: true,
      level: 3,
      ipa: tables[2],
    });
  });

  test('an External abort on one belongs to stage 1', () => {
    const { rig, tables } = nested();
    rig.memory.broken.add((tables[1] ?? 0) + 2 ** 30);
    expect(go(rig, VA)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.ExternalAbort, stage: 1, s1ptw: false, level: 1 });
  });

  test('only EL1&0 has a stage 2', () => {
    const { rig } = nested();
    rig.request.regime = Regime.EL2;
    expect(go(rig, VA)).toBe(true);
    expect(rig.out).toMatchObject({ pa: VA, stage2Shift: 0 });
  });
});

describe('references: (n + 1)(m + 1) - 1', () => {
  for (const granule of [12, 14, 16] as const) {
    for (const n of [1, 2, 3, 4]) {
      for (const m of [1, 2, 3, 4]) {
        const one = depth(granule, n);
        const two = depth(granule, m);
        // Stage 2 of the 16 KiB granule does not start at level 0.
        if (one === undefined || two === undefined || (granule === 14 && m === 4)) continue;
        test(`granule 2^${granule}: ${n} levels of stage 1 under ${m} of stage 2`, () => {
          const rig = createRig({ paBits: 48, ttst: true });
          // Tables and data below 32 MiB, so that the smallest stage 2 reaches them.
          const first = stage1(rig, { granule, inputBits: one });
          first.map({ va: 0, pa: 0x100_0000, size: 2 ** granule, permissions: KERNEL_DATA });
          const second = stage2(rig, { granule, inputBits: two, startLevel: 4 - m });
          second.map({ va: 0, pa: 0, size: 0x200_0000, permissions: EVERYTHING, maxShift: granule });
          expect(go(rig, 0x123)).toBe(true);
          expect(rig.out.pa).toBe(0x100_0123);
          expect(rig.walker.counters).toEqual({
            walks: 1,
            stage1References: n,
            stage2References: (n + 1) * m,
            faults: 0,
          });
          const { stage1References, stage2References } = rig.walker.counters;
          expect(stage1References + stage2References).toBe((n + 1) * (m + 1) - 1);
        });
      }
    }
  }
});

/** An input size of 25 to 48 bits that is looked up in so many levels. */
function depth(granule: GranuleShift, levels: number): number | undefined {
  const bits = granule + (granule - 3) * levels;
  if (granule === 16) return [undefined, 29, 42, 48, undefined][levels];
  return bits < 25 ? undefined : Math.min(bits, 48);
}

describe('attributes of both stages', () => {
  // Stage 1 as MAIR has it, stage 2's MemAttr, the result; HCR_EL2.CD beside it.
  test.each([
    [0xff, 0b1111, 0xff],
    [0xff, 0b0101, 0x44],
    [0xff, 0b1010, 0xbb],
    [0xff, 0b0111, 0x4f],
    [0xaa, 0b1111, 0xaa],
    [0x44, 0b1111, 0x44],
    [0xf4, 0b1010, 0xb4],
    [0xff, 0b0000, 0x00],
    [0xff, 0b0001, 0x04],
    [0xff, 0b0010, 0x08],
    [0xff, 0b0011, 0x0c],
    [0x00, 0b1111, 0x00],
    [0x04, 0b0000, 0x00],
    [0x04, 0b0011, 0x04],
    [0x0c, 0b0010, 0x08],
    [0xff, 0b0100, 0x44],
  ])('MAIR %i with MemAttr %i', (mair, memAttr, expected) => {
    const rig = createRig();
    rig.controls.el1.mairLo = mair;
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    two.map({ va: 0x8000, pa: 0x8000, size: 4096, permissions: EVERYTHING, attributes: { memAttr } });
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.attributes).toBe(expected);
    rig.controls.hcrHi = 1;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.attributes).toBe(expected < 0x10 ? expected : 0x44);
  });

  test.each([
    [0, 0, 0],
    [0, 3, 3],
    [3, 0, 3],
    [3, 2, 2],
    [2, 0, 2],
    [3, 3, 3],
    [1, 0, 0],
  ])('shareability %i with %i', (a, b, expected) => {
    const rig = createRig();
    stage1(rig).map({
      va: 0x1000,
      pa: 0x8000,
      size: 4096,
      permissions: KERNEL_DATA,
      attributes: { shareability: a },
    });
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING, attributes: { shareability: b } });
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.shareability).toBe(expected);
    rig.controls.hcrHi = 1; // Non-cacheable is Outer Shareable
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.shareability).toBe(2);
  });

  test('HCR_EL2.ID makes fetches Non-cacheable and leaves data alone', () => {
    const rig = createRig();
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA | P.PrivilegedExecute });
    rig.controls.hcrHi = 2;
    expect(go(rig, 0x1000, Access.Execute)).toBe(true);
    expect(rig.out).toMatchObject({ attributes: 0x44, dataAttributes: 0xff });
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.attributes).toBe(0xff);
  });

  test.each([
    [0xff, 0b0110, 0xff],
    [0x00, 0b0110, 0xff],
    [0xaa, 0b0110, 0xee],
    [0xff, 0b0101, 0x44],
    [0x04, 0b0101, 0x04],
    [0xaa, 0b0111, 0xaa],
    [0x04, 0b0111, 0x04],
    [0xff, 0b0001, 0x04],
  ])('FEAT_S2FWB: MAIR %i with MemAttr %i', (mair, memAttr, expected) => {
    const rig = createRig({ s2fwb: true });
    rig.controls.el1.mairLo = mair;
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING, attributes: { memAttr: 6 } });
    two.map({ va: 0x8000, pa: 0x8000, size: 4096, permissions: EVERYTHING, attributes: { memAttr } });
    rig.controls.hcrHi = 1 << 14;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.attributes).toBe(expected);
  });
});

test('translateIpa is stage 2 alone', () => {
  const rig = createRig();
  const two = stage2(rig);
  two.map({
    va: 0x20_0000,
    pa: 0x40_0000,
    size: 0x20_0000,
    permissions: P.PrivilegedRead | P.UnprivilegedRead,
  });
  const out = createTranslation();
  expect(rig.walker.translateIpa(0x20_1234, Access.Read, out)).toBe(true);
  expect(out).toMatchObject({ pa: 0x40_1234, level: 2, stage2Shift: 21 });
  expect(rig.walker.translateIpa(0x20_1234, Access.Write, out)).toBe(false);
  expect(out).toMatchObject({ fault: MmuFault.Permission, stage: 2, s1ptw: false });
  rig.controls.hcrLo = 0;
  expect(rig.walker.translateIpa(0x20_1234, Access.Write, out)).toBe(true);
  expect(out).toMatchObject({ pa: 0x20_1234, level: 0, stage2Shift: 0 });
});
