// DDI 0487 D8.2: address ranges, start levels, table bases, and translation with stage 1 off.

import { describe, expect, test } from 'vitest';

import { Access, createControls, MmuFault, parFromResult, Regime } from '../src/index.ts';
import type { GranuleShift } from '../src/index.ts';
import { createRig, EVERYTHING, go, KERNEL_DATA, P, stage1, stage2 } from './rig.ts';

const USER_CODE = P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute;

/** Start levels by granule and input size, as the manual's tables list them. */
const START: readonly [GranuleShift, number, number, number][] = [
  [12, 25, 30, 2],
  [12, 31, 39, 1],
  [12, 40, 48, 0],
  [14, 25, 25, 3],
  [14, 26, 36, 2],
  [14, 37, 47, 1],
  [14, 48, 48, 0],
  [16, 25, 29, 3],
  [16, 30, 42, 2],
  [16, 43, 48, 1],
];

describe.each(START)('granule 2^%i, %i to %i bits', (granule, from, to, level) => {
  test.each(Array.from({ length: to - from + 1 }, (_, i) => from + i))(
    `%i bits start at level ${level}`,
    (inputBits) => {
      const rig = createRig();
      const tables = stage1(rig, { granule, inputBits });
      const page = 2 ** granule;
      const top = 2 ** inputBits - page;
      tables.map({ va: top, pa: 0x7_0000_0000, size: page, permissions: KERNEL_DATA });
      const seen: number[] = [];
      rig.walker.observer = { fetched: (_s, l) => seen.push(l) };
      expect(go(rig, top + 0x123)).toBe(true);
      expect(rig.out.pa).toBe(0x7_0000_0123);
      expect(seen).toEqual([0, 1, 2, 3].slice(level));
      rig.walker.observer = undefined;
      // One address beyond the range.
      expect(go(rig, 2 ** inputBits)).toBe(false);
      expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
    },
  );
});

describe('TxSZ', () => {
  test.each([
    [15, {}, false],
    [16, {}, true],
    [39, {}, true],
    [40, {}, false],
    [63, {}, false],
    [48, { ttst: true }, true],
    [49, { ttst: true }, false],
  ])('T0SZ %i with %o: allowed %s', (txsz, features, allowed) => {
    const rig = createRig(features);
    const tables = stage1(rig, { inputBits: 48 });
    // A root full of blocks or pages of level 3: whatever the start level is, the first descriptor ends the walk.
    for (let i = 0; i < 512; i++) rig.memory.write64(tables.root + i * 8, txsz > 42 ? 0x403 : 0x401, 0);
    rig.controls.el1.tcrLo = txsz;
    go(rig, 0);
    if (!allowed) expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
    else if (txsz < 25) expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
    else expect(rig.out.fault).toBe(MmuFault.None);
    expect(rig.walker.counters.stage1References).toBe(allowed ? 1 : 0);
  });

  test('52-bit addresses with the 64 KiB granule are FEAT_LVA', () => {
    for (const lva of [false, true]) {
      const rig = createRig({ lva });
      const tables = stage1(rig, { granule: 16, inputBits: 52 });
      tables.map({ va: 2 ** 52 - 65536, pa: 0x10000, size: 65536, permissions: KERNEL_DATA });
      expect(go(rig, 2 ** 52 - 1)).toBe(lva);
      if (lva) expect(rig.out.pa).toBe(0x1ffff);
    }
  });
});

describe('two ranges', () => {
  const UPPER = -(2 ** 39);

  function both(): ReturnType<typeof createRig> {
    const rig = createRig();
    const low = stage1(rig, { inputBits: 39 });
    const high = stage1(rig, { inputBits: 39, upper: true });
    low.map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    high.map({ va: UPPER + 0x1000, pa: 0x9000, size: 4096, permissions: KERNEL_DATA });
    return rig;
  }

  test('bit 55 selects TTBR0 or TTBR1', () => {
    const rig = both();
    expect(go(rig, 0x1008)).toBe(true);
    expect(rig.out.pa).toBe(0x8008);
    expect(go(rig, UPPER + 0x1008)).toBe(true);
    expect(rig.out.pa).toBe(0x9008);
    // The hole between them.
    expect(go(rig, 2 ** 39)).toBe(false);
    expect(go(rig, UPPER - 4096)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
  });

  test('EPD0 and EPD1 stop walks of their range', () => {
    const rig = both();
    rig.controls.el1.tcrLo |= 1 << 7;
    expect([go(rig, 0x1000), go(rig, UPPER + 0x1000)]).toEqual([false, true]);
    rig.controls.el1.tcrLo ^= (1 << 7) | (1 << 23);
    expect([go(rig, 0x1000), go(rig, UPPER + 0x1000)]).toEqual([true, false]);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
  });

  test('TBI0 and TBI1 ignore the top byte of their range', () => {
    const rig = both();
    const low = 0x5a00_0000_0000_1000n;
    const high = 0x5aff_ff80_0000_1000n;
    expect([go(rig, low), go(rig, high)]).toEqual([false, false]);
    rig.controls.el1.tcrHi |= 1 << 5;
    expect([go(rig, low), go(rig, high)]).toEqual([true, false]);
    rig.controls.el1.tcrHi ^= (1 << 5) | (1 << 6);
    expect([go(rig, low), go(rig, high)]).toEqual([false, true]);
    expect(rig.out.pa).toBe(0x9000);
    // Bits below the top byte still count.
    expect(go(rig, 0x5aef_ff80_0000_1000n)).toBe(false);
  });

  test('HPD0 and HPD1 switch hierarchical permissions off in their range', () => {
    for (const upper of [false, true]) {
      const rig = createRig({ hpds: true });
      const base = upper ? -(2 ** 48) : 0;
      const tables = stage1(rig, { upper });
      tables.map({ va: base, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
      const [lo = 0, hi = 0] = rig.memory.words.get(tables.root) ?? [];
      rig.memory.write64(tables.root, lo, hi | (1 << 30)); // APTable: read-only
      const hpd = [1 << 9, 1 << 10].map((bit) => {
        rig.controls.el1.tcrHi = (rig.controls.el1.tcrHi & 7) | bit;
        return go(rig, base, Access.Write);
      });
      expect(hpd).toEqual([!upper, upper]);
    }
  });

  test('E0PD keeps EL0 out of a range', () => {
    const rig = createRig({ e0pd: true });
    const tables = stage1(rig);
    tables.map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: USER_CODE });
    rig.request.unprivileged = true;
    expect(go(rig, 0x1000)).toBe(true);
    rig.controls.el1.tcrHi |= 1 << 24; // E0PD1
    expect(go(rig, 0x1000)).toBe(true);
    rig.controls.el1.tcrHi |= 1 << 23;
    expect(go(rig, 0x1000)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 0 });
    rig.request.unprivileged = false;
    expect(go(rig, 0x1000)).toBe(true);
  });

  test('each range has its own granule, with its own encoding', () => {
    for (const [low, high] of [
      [12, 14],
      [14, 16],
      [16, 12],
    ] as const) {
      const rig = createRig();
      const a = stage1(rig, { granule: low });
      const b = stage1(rig, { granule: high, upper: true });
      a.map({ va: 0, pa: 0x10000, size: 2 ** low, permissions: KERNEL_DATA });
      b.map({ va: -(2 ** 48), pa: 0x20000, size: 2 ** high, permissions: KERNEL_DATA });
      expect(go(rig, 0xabc)).toBe(true);
      expect([rig.out.pa, rig.out.stage1Shift]).toEqual([0x10abc, low]);
      expect(go(rig, -(2 ** 48))).toBe(true);
      expect([rig.out.pa, rig.out.stage1Shift]).toEqual([0x20000, high]);
    }
  });

  test('an unimplemented granule is taken as the smallest', () => {
    const rig = createRig({ granule16k: false });
    const tables = stage1(rig);
    tables.map({ va: 0, pa: 0x10000, size: 4096, permissions: KERNEL_DATA });
    rig.controls.el1.tcrLo |= 2 << 14;
    expect(go(rig, 0)).toBe(true);
    rig.controls.el1.tcrLo |= 3 << 14;
    expect(go(rig, 0)).toBe(true);
  });
});

describe('EL2 and EL3', () => {
  test.each([Regime.EL2, Regime.EL3])('regime %i has one range; TBI is bit 20', (regime) => {
    const rig = createRig();
    const tables = stage1(rig, { regime, inputBits: 39 });
    tables.map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.ns).toBe(regime === Regime.EL2);
    expect(go(rig, -4096)).toBe(false);
    expect(go(rig, 0x5a00_0000_0000_1000n)).toBe(false);
    const registers = regime === Regime.EL2 ? rig.controls.el2 : rig.controls.el3;
    registers.tcrLo |= 1 << 20;
    expect(go(rig, 0x5a00_0000_0000_1000n)).toBe(true);
    expect(go(rig, 0x5aff_ffff_ffff_1000n)).toBe(false);
  });
});

test('EL2: HPD is bit 24, and counts with FEAT_HPDS alone', () => {
  for (const hpds of [false, true]) {
    const rig = createRig({ hpds });
    const tables = stage1(rig, { regime: Regime.EL2 });
    tables.map({ va: 0, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const [lo = 0, hi = 0] = rig.memory.words.get(tables.root) ?? [];
    rig.memory.write64(tables.root, lo, hi | (1 << 30));
    expect(go(rig, 0, Access.Write)).toBe(false);
    rig.controls.el2.tcrLo |= 1 << 24;
    expect(go(rig, 0, Access.Write)).toBe(hpds);
  }
});

test('features beyond Armv8.0 are off unless asked for', () => {
  expect(createControls().features).toEqual({
    paBits: 44,
    granule4k: true,
    granule16k: true,
    granule64k: true,
    el2: true,
    asid16: true,
    vmid16: false,
    hpds: false,
    hafdbs: 0,
    xnx: false,
    lva: false,
    ttst: false,
    e0pd: false,
    s2fwb: false,
  });
});

describe('the table base', () => {
  test('bits below the alignment of the first table are ignored', () => {
    const rig = createRig();
    const tables = stage1(rig, { inputBits: 31 }); // two entries: 16 bytes
    tables.map({ va: 2 ** 30, pa: 2 ** 30, size: 2 ** 30, permissions: KERNEL_DATA });
    rig.controls.el1.ttbr0Lo |= 0xf;
    expect(go(rig, 2 ** 30)).toBe(true);
  });

  test('a small first table need not be a page', () => {
    const rig = createRig();
    const tables = stage1(rig, { inputBits: 32 });
    rig.memory.write64(0x5_0040 + 24, 0xc000_0401, 0);
    rig.controls.el1.ttbr0Lo = 0x5_0040;
    expect(go(rig, 0xc000_0000)).toBe(true);
    expect(rig.out.pa).toBe(0xc000_0000);
    expect(tables.start).toBe(1);
  });

  test('52-bit physical addresses: TTBR bits 5:2 and descriptor bits 15:12', () => {
    const rig = createRig({ paBits: 52 });
    rig.request.regime = Regime.EL10;
    const tables = stage1(rig, { granule: 16, inputBits: 42, largePhysical: true });
    const pa = 0xa_1234_5678_0000;
    tables.map({ va: 0x10000, pa, size: 65536, permissions: KERNEL_DATA });
    expect(go(rig, 0x1abcd)).toBe(true);
    expect(rig.out.pa).toBe(pa + 0xabcd);
    const par = { lo: 0, hi: 0 };
    parFromResult(rig.out, par);
    expect(par.hi).toBe(0xff0a_1234);
    // The same table 3 * 2^48 higher.
    const [lo = 0, hi = 0] = rig.memory.words.get(tables.root) ?? [];
    rig.memory.write64(tables.root + 3 * 2 ** 48, lo, hi);
    rig.memory.words.delete(tables.root);
    expect(go(rig, 0x1abcd)).toBe(false);
    rig.controls.el1.ttbr0Lo |= 3 << 2;
    expect(go(rig, 0x1abcd)).toBe(true);
  });
});

test('SCTLR.EE: tables are big-endian', () => {
  const rig = createRig();
  const tables = stage1(rig, { inputBits: 32 });
  rig.memory.write64(tables.root, 0, 0x0104_0040); // 0x40000401 with its bytes reversed
  rig.controls.el1.sctlr |= 1 << 25;
  expect(go(rig, 0x123)).toBe(true);
  expect(rig.out.pa).toBe(0x4000_0123);
});

describe('stage 1 off', () => {
  test('data is Device-nGnRnE and flat', () => {
    const rig = createRig();
    expect(go(rig, 0x1234_5678, Access.Write)).toBe(true);
    expect(rig.out).toMatchObject({
      pa: 0x1234_5678,
      attributes: 0,
      shareability: 2,
      permissions: 63,
      global: true,
    });
    expect(rig.walker.counters.stage1References).toBe(0);
    rig.request.unaligned = true;
    expect(go(rig, 0x1234_5679)).toBe(false);
    expect(rig.out.fault).toBe(MmuFault.Alignment);
  });

  test('the address space is that of the security state', () => {
    const rig = createRig();
    const ns = [Regime.EL10, Regime.EL2, Regime.EL20, Regime.EL3].map((regime) => {
      rig.request.regime = regime;
      expect(go(rig, 0x1000)).toBe(true);
      expect(rig.out.contiguous).toBe(false);
      return rig.out.ns;
    });
    expect(ns).toEqual([true, true, true, false]);
    rig.controls.secure = true;
    rig.request.regime = Regime.EL10;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.ns).toBe(false);
  });

  test('fetches are Normal: Write-Through with SCTLR.I, else Non-cacheable', () => {
    const rig = createRig();
    expect(go(rig, 0x1000, Access.Execute)).toBe(true);
    expect(rig.out).toMatchObject({ attributes: 0x44, dataAttributes: 0, shareability: 2 });
    rig.controls.el1.sctlr = 1 << 12;
    expect(go(rig, 0x1000, Access.Execute)).toBe(true);
    expect(rig.out).toMatchObject({ attributes: 0xaa, dataAttributes: 0 });
  });

  test('an address beyond the physical size is an address size fault of level 0', () => {
    const rig = createRig({ paBits: 40 });
    expect(go(rig, 2 ** 40 - 1)).toBe(true);
    expect(go(rig, 2 ** 40)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.AddressSize, level: 0, stage: 1 });
    expect(go(rig, -4096)).toBe(false);
  });

  test('TBI still applies', () => {
    const rig = createRig();
    expect(go(rig, 0x7700_0000_0000_1000n)).toBe(false);
    rig.controls.el1.tcrHi = 1 << 5;
    expect(go(rig, 0x7700_0000_0000_1000n)).toBe(true);
    expect(rig.out.pa).toBe(0x1000);
  });

  test('HCR_EL2.DC: stage 1 is off, its memory Normal Write-Back, and stage 2 is on', () => {
    const rig = createRig();
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const tables = stage2(rig);
    tables.map({ va: 0x1000, pa: 0x9000, size: 4096, permissions: EVERYTHING });
    rig.controls.hcrLo = 1 << 12;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out).toMatchObject({ pa: 0x9000, attributes: 0xff, shareability: 3 });
    // Secure EL1 knows no EL2 here.
    rig.controls.secure = true;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.pa).toBe(0x8000);
  });

  test('HCR_EL2.TGE: stage 1 of EL1&0 is off', () => {
    const rig = createRig();
    stage1(rig).map({ va: 0x1000, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    rig.controls.hcrLo = 1 << 27;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.pa).toBe(0x1000);
  });
});

describe('the Secure state', () => {
  test('NS of the last descriptor and NSTable choose the address space of data and tables', () => {
    const rig = createRig();
    const tables = stage1(rig, { regime: Regime.EL3 });
    tables.map({ va: 0, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const run = (): { ns: boolean; reads: boolean[] } => {
      rig.memory.secureReads.length = 0;
      expect(go(rig, 0)).toBe(true);
      return { ns: rig.out.ns, reads: [...rig.memory.secureReads] };
    };
    expect(run()).toEqual({ ns: false, reads: [true, true, true, true] });
    tables.edit(0, { lo: 1 << 5, hi: 0 }, { lo: 0, hi: 0 });
    expect(run().ns).toBe(true);
    tables.edit(0, { lo: 0, hi: 0 }, { lo: 1 << 5, hi: 0 });
    const [lo = 0, hi = 0] = rig.memory.words.get(tables.root) ?? [];
    rig.memory.write64(tables.root, lo, hi | (1 << 31));
    expect(run()).toEqual({ ns: true, reads: [true, false, false, false] });
  });

  test('Non-secure walks ignore both', () => {
    const rig = createRig();
    stage1(rig).map({ va: 0, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    rig.memory.secureReads.length = 0;
    expect(go(rig, 0)).toBe(true);
    expect(rig.out.ns).toBe(true);
    expect(rig.memory.secureReads).toEqual([false, false, false, false]);
  });
});

describe('PAR_EL1', () => {
  test('a translation: PA, ATTR, SH, NS', () => {
    const rig = createRig();
    const tables = stage1(rig);
    tables.map({ va: 0x1000, pa: 0x1_2345_6000, size: 4096, permissions: KERNEL_DATA });
    tables.map({ va: 0x2000, pa: 0x9000, size: 4096, permissions: KERNEL_DATA, attributes: { index: 3 } });
    const par = { lo: 0, hi: 0 };
    go(rig, 0x1abc);
    parFromResult(rig.out, par);
    expect(par).toEqual({ lo: 0x2345_6b80, hi: 0xff00_0001 });
    go(rig, 0x2000);
    parFromResult(rig.out, par);
    expect(par).toEqual({ lo: 0x9b00, hi: 0x0400_0000 });
  });

  test('stage 1 alone gives the IPA, while its tables are still found through stage 2', () => {
    const rig = createRig();
    const one = stage1(rig);
    const two = stage2(rig);
    one.map({ va: 0x1000, pa: 0x77_0000_0000, size: 4096, permissions: KERNEL_DATA });
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    expect(go(rig, 0x1000)).toBe(false);
    expect(rig.out).toMatchObject({ stage: 2, s1ptw: false, fault: MmuFault.Translation });
    rig.request.stage1Only = true;
    expect(go(rig, 0x1000)).toBe(true);
    expect(rig.out.pa).toBe(0x77_0000_0000);
    two.unmap(0, 2 ** 30);
    expect(go(rig, 0x1000)).toBe(false);
    const par = { lo: 0, hi: 0 };
    parFromResult(rig.out, par);
    // F, FST level 0 to 3 translation, PTW, S.
    expect(par.lo).toBe(0x801 | (faultLevel(rig.out.level) << 1) | (3 << 8));
  });
});

const faultLevel = (level: number): number => 4 + level;
