// DDI 0487 D8.15: each fault of a stage 1 walk, at each level and granule, with its fault status code.

import { describe, expect, test } from 'vitest';

import { Access, faultStatusCode, MmuFault, parFromResult, Regime } from '../src/index.ts';
import type { GranuleShift } from '../src/index.ts';
import { createRig, go, KERNEL_DATA, stage1 } from './rig.ts';
import type { Rig } from './rig.ts';

/** The levels that a 48-bit walk has, and those of them that may hold blocks. */
const GRANULES: readonly { granule: GranuleShift; levels: number[]; blocks: number[] }[] = [
  { granule: 12, levels: [0, 1, 2, 3], blocks: [1, 2] },
  { granule: 14, levels: [0, 1, 2, 3], blocks: [2] },
  { granule: 16, levels: [1, 2, 3], blocks: [2] },
];
const VA = 0x1234_5678_9000 - 0x8000;

/** A rig with one page mapped, and the place of each descriptor of its walk. */
function mapped(
  granule: GranuleShift,
  regime: Regime = Regime.EL10,
): { rig: Rig; places: Map<number, number> } {
  const rig = createRig();
  const tables = stage1(rig, { granule, regime });
  const page = Math.floor(VA / 65536) * 65536;
  tables.map({ va: page, pa: 0x4_0000_0000, size: 65536, permissions: KERNEL_DATA });
  const places = new Map<number, number>();
  rig.walker.observer = { fetched: (_stage, level, pa) => places.set(level, pa) };
  expect(go(rig, VA)).toBe(true);
  rig.walker.observer = undefined;
  return { rig, places };
}

const put = (rig: Rig, place: number | undefined, lo: number, hi = 0): void => {
  rig.memory.write64(place ?? -1, lo, hi);
};

function expectFault(rig: Rig, fault: MmuFault, level: number, fsc: number): void {
  expect(go(rig, VA)).toBe(false);
  expect(rig.out).toMatchObject({ fault, level, stage: 1, s1ptw: false, write: false });
  expect(faultStatusCode(rig.out)).toBe(fsc);
  const par = { lo: 0, hi: 0 };
  parFromResult(rig.out, par);
  expect(par).toEqual({ lo: 0x801 | (fsc << 1), hi: 0 });
}

describe.each(GRANULES)('granule 2^$granule', ({ granule, levels, blocks }) => {
  for (const regime of [Regime.EL10, Regime.EL2, Regime.EL3]) {
    test.each(levels)(`regime ${regime}: invalid descriptor at level %i`, (level) => {
      const { rig, places } = mapped(granule, regime);
      put(rig, places.get(level), 0xffff_fffe, 0xffff_ffff);
      expectFault(rig, MmuFault.Translation, level, 0x04 + level);
    });
  }

  test.each(levels)('a block descriptor at level %i', (level) => {
    const { rig, places } = mapped(granule);
    put(rig, places.get(level), 0x0000_0401, 0);
    if (blocks.includes(level)) {
      expect(go(rig, VA)).toBe(true);
      expect(rig.out.level).toBe(level);
    } else {
      expectFault(rig, MmuFault.Translation, level, 0x04 + level);
    }
  });

  test.each(levels)('an address beyond IPS in the descriptor of level %i', (level) => {
    const { rig, places } = mapped(granule);
    // 44 bits are implemented; TCR_EL1.IPS says so too.
    put(rig, places.get(level), 0x0000_0403, 1 << 12);
    expectFault(rig, MmuFault.AddressSize, level, level);
  });

  test.each(blocks)('an address beyond a smaller IPS in a block of level %i', (level) => {
    const { rig, places } = mapped(granule);
    rig.controls.el1.tcrHi = 1; // 36 bits
    put(rig, places.get(level), 0x0000_0401, 1 << 4);
    expectFault(rig, MmuFault.AddressSize, level, level);
    put(rig, places.get(level), 0x0000_0401, ((1 << 3) >> 3) << 2);
    expect(go(rig, VA)).toBe(true);
  });

  test.each([...blocks, 3])('access flag clear at level %i', (level) => {
    const { rig, places } = mapped(granule);
    put(rig, places.get(level), level === 3 ? 0x3 : 0x1);
    expectFault(rig, MmuFault.AccessFlag, level, 0x08 + level);
  });

  test.each([...blocks, 3])('no permission at level %i', (level) => {
    const { rig, places } = mapped(granule);
    put(rig, places.get(level), level === 3 ? 0x403 : 0x401);
    rig.request.unprivileged = true;
    expectFault(rig, MmuFault.Permission, level, 0x0c + level);
  });

  test.each(levels)('an External abort on the fetch of level %i', (level) => {
    const { rig, places } = mapped(granule);
    rig.memory.broken.add(places.get(level) ?? -1);
    expectFault(rig, MmuFault.ExternalAbort, level, 0x14 + level);
  });

  test('a table base beyond IPS is an address size fault of level 0', () => {
    const { rig } = mapped(granule);
    rig.controls.el1.ttbr0Hi = 1 << 12;
    expectFault(rig, MmuFault.AddressSize, 0, 0);
  });

  test('an unaligned access to Device memory', () => {
    const { rig, places } = mapped(granule);
    put(rig, places.get(3), 0x407); // AttrIndx 1
    expect(go(rig, VA)).toBe(true);
    rig.request.unaligned = true;
    expectFault(rig, MmuFault.Alignment, 3, 0x21);
    expect(go(rig, VA, Access.Execute)).toBe(true);
    put(rig, places.get(3), 0x403);
    expect(go(rig, VA)).toBe(true);
  });

  test('the access flag is looked at before permissions, and address size before both', () => {
    const { rig, places } = mapped(granule);
    rig.request.unprivileged = true;
    put(rig, places.get(3), 0x3);
    expectFault(rig, MmuFault.AccessFlag, 3, 0x0b);
    put(rig, places.get(3), 0x3, 1 << 12);
    expectFault(rig, MmuFault.AddressSize, 3, 0x03);
  });
});

test('WnR follows the access', () => {
  const { rig, places } = mapped(12);
  put(rig, places.get(3), 0);
  const wnr = (access: Access): boolean => {
    go(rig, VA, access);
    return rig.out.write;
  };
  expect(wnr(Access.Read)).toBe(false);
  expect(wnr(Access.Write)).toBe(true);
  expect(wnr(Access.Maintenance)).toBe(true);
  // A read of the location would have faulted as well.
  expect(wnr(Access.ReadWrite)).toBe(false);
  put(rig, places.get(3), 0x483); // privileged read-only
  expect(wnr(Access.ReadWrite)).toBe(true);
});

test('faults that no walk makes have codes too', () => {
  const { rig } = mapped(12);
  rig.out.fault = MmuFault.TlbConflict;
  expect(faultStatusCode(rig.out)).toBe(0x30);
  rig.out.fault = MmuFault.UnsupportedUpdate;
  expect(faultStatusCode(rig.out)).toBe(0x31);
  rig.out.fault = MmuFault.None;
  expect(faultStatusCode(rig.out)).toBe(0);
});
