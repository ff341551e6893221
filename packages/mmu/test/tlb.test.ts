// DDI 0487 D8.16, D8.17: tags, replacement, and the exact scope of each TLBI operation.

import { describe, expect, test } from 'vitest';

import {
  createControls,
  createTranslation,
  currentAsid,
  currentVmid,
  Regime,
  Tlb,
  TLBI_OPERATIONS,
  tlbContext,
  tlbiOperation,
} from '../src/index.ts';
import type { TranslationControls } from '../src/index.ts';
import { random } from './rig.ts';
import { ENTRIES, enter, HI, PAGE, registers, xt } from './tlb-rig.ts';
import type { Entry } from './tlb-rig.ts';

describe('TLBI', () => {
  const el1 = ENTRIES.filter((e) => e.regime === Regime.EL10 && e.secure !== true).map((e) => e.name);
  const own = el1.filter((name) => !name.startsWith('other vmid'));
  const cases: readonly [string, readonly [number, number], readonly string[]][] = [
    ['ALLE1', [0, 0], el1],
    ['ALLE2', [0, 0], ['EL2', 'EL2 other va']],
    ['ALLE3', [0, 0], ['EL3']],
    ['VMALLE1', [0, 0], own],
    ['VMALLS12E1', [0, 0], own],
    ['ASIDE1', [0, 5 << 16], own.filter((name) => name !== 'global' && name !== 'other asid')],
    ['ASIDE1', [0, 6 << 16], ['other asid']],
    ['VAE1', xt(PAGE, HI, 5), ['page']],
    ['VALE1', xt(PAGE, HI, 5), ['page']],
    ['VAE1', xt(PAGE, HI, 6), ['other asid']],
    ['VAE1', xt(PAGE, HI + 1, 99), ['global']],
    ['VAAE1', xt(PAGE, HI, 0), ['page', 'other asid']],
    ['VAALE1', xt(PAGE, HI, 0), ['page', 'other asid']],
    ['VAE1', xt(0x5540_0000, HI, 5), ['block']],
    ['VAAE1', xt(0x555f_f000, HI, 0), ['block']],
    ['VAAE1', xt(0x5560_0000, HI, 0), []],
    ['VAAE1', xt(PAGE, HI & 0xff_ffff, 0), ['page', 'other asid']],
    ['VAAE1', xt(PAGE, 0x0008_0000, 0), []],
    ['IPAS2E1', [0x98_7654, 0], ['ipa']],
    ['IPAS2LE1', [0x94_1234, 0], ['ipa block']],
    ['IPAS2E1', [0x98_0000, 0], []],
    ['VAE2', xt(PAGE, HI, 0), ['EL2']],
    ['VALE2', xt(PAGE + 0x1000, HI, 0), ['EL2 other va']],
    ['VAE3', xt(PAGE, HI, 0), ['EL3']],
    ['VALE3', xt(PAGE, HI, 0), ['EL3']],
  ];

  test.each(cases)('%s %o takes %o and nothing else', (name, [lo, hi], gone) => {
    for (const suffix of ['', 'IS', 'os']) {
      const tlb = new Tlb({ sets: 4, ways: 16 });
      const index = new Map(ENTRIES.map((e) => [e.name, enter(tlb, e)]));
      const dropped: number[] = [];
      let all = 0;
      tlb.listener = { dropped: (i) => dropped.push(i), droppedAll: () => all++ };
      tlbiOperation(name + suffix)?.(tlb, registers(), lo, hi);
      const left = ENTRIES.filter((e) => tlb.tagLo[index.get(e.name) ?? -1] !== 0).map((e) => e.name);
      expect(left).toEqual(ENTRIES.map((e) => e.name).filter((n) => !gone.includes(n)));
      expect(all > 0 ? gone.length : dropped.length).toBe(gone.length);
      expect(tlb.counters.invalidations).toBe(gone.length);
    }
  });

  test('every operation has a case', () => {
    expect([...new Set(cases.map(([name]) => name))].sort()).toEqual([...TLBI_OPERATIONS].sort());
    expect(tlbiOperation('RVAE1')).toBeUndefined();
  });

  test('one page of a block that is gone takes all of them, wherever they are', () => {
    const tlb = new Tlb({ sets: 64, ways: 2 });
    for (let i = 0; i < 64; i++) {
      enter(tlb, { name: '', regime: Regime.EL10, va: 0x4000_0000 + i * 0x1000, shift: 21 });
      enter(tlb, { name: '', regime: Regime.EL10, va: 0x6000_0000 + i * 0x1000, shift: 21 });
    }
    tlbiOperation('VAE1')?.(tlb, registers(), ...xt(0x4000_0000, HI, 5));
    expect(tlb.counters.invalidations).toBe(64);
  });

  test('all tags of an ignored top byte go', () => {
    const tlb = new Tlb();
    const a = enter(tlb, { name: '', regime: Regime.EL10, vaHi: 0x1200_8000 });
    const b = enter(tlb, { name: '', regime: Regime.EL10, vaHi: 0x3400_8000 });
    expect(a).not.toBe(b);
    tlbiOperation('VAE1')?.(tlb, registers(), ...xt(PAGE, 0x8000, 5));
    expect([tlb.tagLo[a], tlb.tagLo[b]]).toEqual([0, 0]);
  });

  test('an ASID of 8 bits is compared with 8, one of 16 with 16', () => {
    for (const wide of [false, true]) {
      const c = registers();
      if (wide) c.el1.tcrHi = 1 << 4;
      const tlb = new Tlb();
      enter(tlb, { name: '', regime: Regime.EL10 });
      tlbiOperation('ASIDE1')?.(tlb, c, 0, 0x0105_0000);
      expect(tlb.counters.invalidations).toBe(wide ? 0 : 1);
    }
  });

  test('with E2H and TGE the EL1 operations work on EL2&0', () => {
    const c = registers();
    c.hcrHi = 4;
    const tlb = new Tlb();
    const t = createTranslation();
    t.global = false;
    tlb.fill(tlbContext(c, Regime.EL20), PAGE, HI, 5, t);
    tlbiOperation('VAE1')?.(tlb, c, ...xt(PAGE, HI, 5));
    expect(tlb.counters.invalidations).toBe(0);
    tlbiOperation('VAE2')?.(tlb, c, ...xt(PAGE, HI, 6));
    expect(tlb.counters.invalidations).toBe(0);
    c.hcrLo = 0x800_0000;
    tlbiOperation('VAE1')?.(tlb, c, ...xt(PAGE, HI, 5));
    expect(tlb.counters.invalidations).toBe(1);
  });
});

describe('lookup', () => {
  const context = tlbContext(registers(), Regime.EL10);

  test('needs the page, the context and the ASID', () => {
    const tlb = new Tlb();
    const i = enter(tlb, { name: '', regime: Regime.EL10 });
    expect(tlb.lookup(context, PAGE + 0xfff, HI, 5)).toBe(i);
    expect(tlb.lookup(context, PAGE + 0x1000, HI, 5)).toBe(-1);
    expect(tlb.lookup(context, PAGE, HI + 1, 5)).toBe(-1);
    expect(tlb.lookup(context, PAGE, HI, 6)).toBe(-1);
    expect(tlb.lookup(context ^ 0x100, PAGE, HI, 5)).toBe(-1);
    expect(tlb.counters).toMatchObject({ lookups: 5, misses: 4 });
  });

  test('a global entry serves every ASID of its VMID', () => {
    const tlb = new Tlb();
    const i = enter(tlb, { name: '', regime: Regime.EL10, global: true });
    expect(tlb.lookup(context, PAGE, HI, 77)).toBe(i);
    expect(tlb.lookup(context ^ 0x100, PAGE, HI, 77)).toBe(-1);
  });

  test('switching a stage, or the security state, is another context', () => {
    const contexts = new Set<number>();
    for (const change of [
      (): void => undefined,
      (c: TranslationControls): void => void (c.el1.sctlr = 0),
      (c: TranslationControls): void => void (c.hcrLo = 0),
      (c: TranslationControls): void => void (c.hcrLo = 0x1001),
      (c: TranslationControls): void => void (c.secure = true),
      (c: TranslationControls): void => void (c.vttbrHi = 0),
    ]) {
      const c = registers();
      change(c);
      contexts.add(tlbContext(c, Regime.EL10));
    }
    for (const regime of [Regime.EL2, Regime.EL20, Regime.EL3]) contexts.add(tlbContext(registers(), regime));
    expect(contexts.size).toBe(9);
  });
});

describe('replacement', () => {
  test('the ways of a set take turns, and hits change nothing', () => {
    const run = (touch: boolean): number[] => {
      const tlb = new Tlb({ sets: 2, ways: 4 });
      const context = tlbContext(registers(), Regime.EL10);
      const order: number[] = [];
      tlb.listener = { dropped: (i) => order.push(i), droppedAll: () => undefined };
      for (let i = 0; i < 11; i++) {
        enter(tlb, { name: '', regime: Regime.EL10, va: i * 0x2000 });
        if (touch) for (let k = 0; k < 5; k++) tlb.lookup(context, 0, HI, 5);
      }
      return order;
    };
    expect(run(false)).toEqual([0, 1, 2, 3, 0, 1, 2]);
    expect(run(true)).toEqual(run(false));
  });

  test('the same page is replaced in its place, and free ways are used first', () => {
    const tlb = new Tlb({ sets: 1, ways: 4 });
    const a = enter(tlb, { name: '', regime: Regime.EL10 });
    expect(enter(tlb, { name: '', regime: Regime.EL10 })).toBe(a);
    const b = enter(tlb, { name: '', regime: Regime.EL10, va: 0x1000 });
    expect(b).not.toBe(a);
    tlb.drop(a);
    expect(enter(tlb, { name: '', regime: Regime.EL10, va: 0x2000 })).toBe(a);
    expect(tlb.counters.evictions).toBe(0);
  });

  test('the listener hears the page of what goes', () => {
    const tlb = new Tlb({ sets: 1, ways: 1 });
    const heard: unknown[] = [];
    tlb.listener = { dropped: (...all) => heard.push(all), droppedAll: () => heard.push('all') };
    enter(tlb, { name: '', regime: Regime.EL10, va: 0x9999_9abc });
    enter(tlb, { name: '', regime: Regime.EL10 });
    tlb.reset();
    tlb.drop(0);
    expect(heard).toEqual([[0, 0x9999_9000, HI], 'all']);
    expect(tlb.lookup(tlbContext(registers(), Regime.EL10), PAGE, HI, 5)).toBe(-1);
  });

  test('a shape that is none is refused', () => {
    for (const sets of [0, 3, 1.5, 131072]) expect(() => new Tlb({ sets, ways: 4 })).toThrow(RangeError);
    for (const ways of [0, 3, 128, NaN]) expect(() => new Tlb({ sets: 4, ways })).toThrow(RangeError);
  });
});

test('invalidation equals that of a plain list of entries, for random operations', () => {
  const next = random(1);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
  const tlb = new Tlb({ sets: 16, ways: 4 });
  // The model: what each index holds.
  const model = new Map<
    number,
    Required<Pick<Entry, 'va' | 'asid' | 'global' | 'shift' | 'ipa' | 'ipaShift'>>
  >();
  tlb.listener = { dropped: (i) => model.delete(i), droppedAll: () => undefined };
  for (let step = 0; step < 20000; step++) {
    const va = Math.floor(next() * 2048) * 0x1000;
    const asid = pick([5, 6]);
    const op = next();
    if (op < 0.8) {
      // Blocks by address, so that the same page never has two sizes.
      const shift = va >= 0x40_0000 ? 21 : va >= 0x20_0000 ? 16 : 12;
      const ipaShift = pick([12, 21]);
      const e = { va, asid, global: false, shift, ipa: va ^ 0x10_0000, ipaShift };
      model.set(enter(tlb, { name: '', regime: Regime.EL10, ...e }), e);
      continue;
    }
    let gone: (e: { va: number; asid: number; shift: number; ipa: number; ipaShift: number }) => boolean;
    if (op < 0.95) {
      gone = (e) => e.asid === asid && e.va >>> e.shift === va >>> e.shift;
      tlbiOperation('VAE1')?.(tlb, registers(), ...xt(va, HI, asid));
    } else if (op < 0.99) {
      gone = (e) => e.ipa >>> e.ipaShift === va >>> e.ipaShift;
      tlbiOperation('IPAS2E1')?.(tlb, registers(), va >>> 12, 0);
    } else {
      gone = (e) => e.asid === asid;
      tlbiOperation('ASIDE1')?.(tlb, registers(), 0, asid << 16);
      for (const [i, e] of model) if (gone(e)) model.delete(i);
    }
    expect([...model.values()].some(gone)).toBe(false);
    const live = Array.from({ length: tlb.size }, (_, i) => i).filter((i) => tlb.tagLo[i] !== 0);
    expect(live).toEqual([...model.keys()].sort((a, b) => a - b));
  }
  expect(tlb.counters.invalidations).toBeGreaterThan(5000);
});

test('currentAsid and currentVmid', () => {
  const c = createControls({ vmid16: true });
  c.el1.ttbr0Hi = 0x1234_0000;
  c.el1.ttbr1Hi = 0x5678_0000;
  expect(currentAsid(c, Regime.EL10)).toBe(0x34);
  c.el1.tcrLo = 1 << 22;
  expect(currentAsid(c, Regime.EL10)).toBe(0x78);
  c.el1.tcrHi = 1 << 4;
  expect(currentAsid(c, Regime.EL10)).toBe(0x5678);
  expect(currentAsid(c, Regime.EL2)).toBe(0);
  c.vttbrHi = 0x1234_0000;
  expect(currentVmid(c)).toBe(0x34);
  c.vtcr = 1 << 19;
  expect(currentVmid(c)).toBe(0x1234);
  c.secure = true;
  expect(currentVmid(c)).toBe(0);
});
