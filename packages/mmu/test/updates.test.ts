// DDI 0487 D8.4.5, D8.4.6 (FEAT_HAFDBS): access flag and dirty state kept by hardware.

import { describe, expect, test } from 'vitest';

import { Access, createWalker, MmuFault, Regime } from '../src/index.ts';
import { createRig, EVERYTHING, go, KERNEL_DATA, P, stage1, stage2 } from './rig.ts';

const VA = 0x40_0000;
const AF = 1 << 10;
const READ_ONLY = 1 << 7;
const DBM = 1 << 19;
const HA = 1 << 7;
const HD = 1 << 8;

/** One page with its access flag clear, read-only unless dirty, and TCR_EL1.HA and HD. */
function clean(hafdbs: 0 | 1 | 2 = 2): {
  rig: ReturnType<typeof createRig>;
  lo: () => number;
  place: number;
} {
  const rig = createRig({ hafdbs });
  const tables = stage1(rig);
  const attributes = { accessed: false, extraHi: DBM };
  tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: P.PrivilegedRead, attributes });
  rig.controls.el1.tcrHi |= HA | HD;
  const place = tables.find(VA)?.pa ?? 0;
  return { rig, place, lo: () => rig.memory.words.get(place)?.[0] ?? 0 };
}

test('reading sets the access flag and no more', () => {
  const { rig, lo } = clean();
  expect(go(rig, VA)).toBe(true);
  expect(lo() & (AF | READ_ONLY)).toBe(AF | READ_ONLY);
  // The entry does not allow writes: the first one walks again.
  expect(rig.out.permissions & P.PrivilegedWrite).toBe(0);
});

test('writing clears AP[2]', () => {
  const { rig, lo } = clean();
  expect(go(rig, VA, Access.Write)).toBe(true);
  expect(lo() & (AF | READ_ONLY)).toBe(AF);
  expect(rig.out.permissions & P.PrivilegedWrite).not.toBe(0);
});

test('a write that is refused dirties nothing', () => {
  const { rig, lo } = clean();
  rig.request.unprivileged = true;
  expect(go(rig, VA, Access.Write)).toBe(false);
  expect(rig.out.fault).toBe(MmuFault.Permission);
  expect(lo() & READ_ONLY).toBe(READ_ONLY);
});

test('without HD, or with FEAT_HAFDBS of 1, there is no dirty state', () => {
  for (const level of [1, 2] as const) {
    const { rig } = clean(level);
    if (level === 2) rig.controls.el1.tcrHi &= ~HD;
    expect(go(rig, VA, Access.Write)).toBe(false);
    expect(rig.out.fault).toBe(MmuFault.Permission);
  }
});

test('without the feature or HA the access flag faults', () => {
  expect(go(clean(0).rig, VA)).toBe(false);
  const { rig } = clean();
  rig.controls.el1.tcrHi &= ~HA;
  expect(go(rig, VA)).toBe(false);
  expect(rig.out.fault).toBe(MmuFault.AccessFlag);
});

test('AT leaves descriptors alone', () => {
  const { rig, lo } = clean();
  rig.request.noUpdate = true;
  expect(go(rig, VA, Access.Write)).toBe(true);
  expect(lo() & (AF | READ_ONLY)).toBe(READ_ONLY);
});

test('big-endian tables are written as such', () => {
  const { rig, lo, place } = clean();
  for (const [pa, [low, high]] of [...rig.memory.words]) {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, low, true);
    view.setUint32(4, high, true);
    rig.memory.write64(pa, view.getUint32(4), view.getUint32(0));
  }
  rig.controls.el1.sctlr |= 1 << 25;
  expect(lo()).not.toBe(0);
  expect(go(rig, VA)).toBe(true);
  expect((rig.memory.words.get(place)?.[1] ?? 0) & 0x40000).toBe(0x40000); // bit 10, byte-reversed
});

test('a port that cannot write gives an unsupported update, one that fails an External abort', () => {
  const { rig, place } = clean();
  const reader = createWalker(rig.controls, { read64: (pa, out) => rig.memory.read64(pa, out) });
  expect(reader.translate(rig.request, rig.out)).toBe(false);
  go(rig, 0);
  rig.request.vaLo = VA;
  expect(reader.translate(rig.request, rig.out)).toBe(false);
  expect(rig.out.fault).toBe(MmuFault.UnsupportedUpdate);
  const failing = createWalker(rig.controls, {
    read64: (pa, out) => rig.memory.read64(pa, out),
    write64: (pa) => (pa === place ? 1 : 0),
  });
  expect(failing.translate(rig.request, rig.out)).toBe(false);
  expect(rig.out).toMatchObject({ fault: MmuFault.ExternalAbort, level: 3 });
});

test.each([
  [0, 1 << 21, false, false],
  [1, 1 << 21, true, false],
  [1, 3 << 21, true, false],
  [2, 1 << 21, true, false],
  [2, 1 << 22, false, false],
  [2, 3 << 21, true, true],
] as const)('EL2: FEAT_HAFDBS %i with TCR_EL2 %i', (hafdbs, tcr, flag, dirty) => {
  const rig = createRig({ hafdbs });
  const tables = stage1(rig, { regime: Regime.EL2 });
  const attributes = { accessed: false, extraHi: DBM };
  tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: P.PrivilegedRead, attributes });
  rig.controls.el2.tcrLo |= tcr;
  expect([go(rig, VA), go(rig, VA, Access.Write)]).toEqual([flag, dirty]);
});

describe('stage 2', () => {
  test('must let the walker write, or it faults on the walk', () => {
    const { rig, lo, place } = clean();
    const two = stage2(rig);
    const page = Math.floor(place / 4096) * 4096;
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: EVERYTHING });
    two.map({ va: page, pa: page, size: 4096, permissions: P.PrivilegedRead | P.UnprivilegedRead });
    expect(go(rig, VA)).toBe(false);
    expect(rig.out).toMatchObject({
      fault: MmuFault.Permission,
      stage: 2,
      s1ptw: true,
      ipa: place,
      write: true,
    });
    two.map({ va: page, pa: page, size: 4096, permissions: EVERYTHING });
    expect(go(rig, VA)).toBe(true);
    expect(lo() & AF).toBe(AF);
  });

  test('keeps its own access flag and dirty state', () => {
    const rig = createRig({ hafdbs: 2 });
    const two = stage2(rig);
    const attributes = { accessed: false, extraHi: DBM };
    two.map({
      va: 0x5000,
      pa: 0x6000,
      size: 4096,
      permissions: P.PrivilegedRead | P.UnprivilegedRead,
      attributes,
    });
    expect(go(rig, 0x5000)).toBe(false);
    expect(rig.out).toMatchObject({ fault: MmuFault.AccessFlag, stage: 2 });
    rig.controls.vtcr |= (1 << 21) | (1 << 22);
    const lo = (): number => rig.memory.words.get(two.find(0x5000)?.pa ?? 0)?.[0] ?? 0;
    expect(go(rig, 0x5000)).toBe(true);
    expect(lo() & (AF | READ_ONLY)).toBe(AF);
    expect(go(rig, 0x5000, Access.Write)).toBe(true);
    expect(lo() & READ_ONLY).toBe(READ_ONLY); // S2AP[1]: written
  });
});

test('memory that was never clean is written back to by no one', () => {
  const rig = createRig({ hafdbs: 2 });
  const tables = stage1(rig);
  tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
  rig.controls.el1.tcrHi |= HA | HD;
  let writes = 0;
  const walker = createWalker(rig.controls, {
    read64: (pa, out) => rig.memory.read64(pa, out),
    write64: () => (writes++, 0),
  });
  rig.request.vaLo = VA;
  rig.request.access = Access.Write;
  expect(walker.translate(rig.request, rig.out)).toBe(true);
  expect(writes).toBe(0);
});
