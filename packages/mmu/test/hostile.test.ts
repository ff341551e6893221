// Whatever registers and tables hold, a walk ends, throws nothing and says something that makes sense.

import { expect, test } from 'vitest';

import { Fault } from '@worldswitch/platform';

import {
  busPort,
  createControls,
  createRequest,
  createTranslation,
  createWalker,
  faultStatusCode,
  hpfarFromFault,
  MmuFault,
  parFromResult,
  Regime,
  Tlb,
  tlbContext,
  TLBI_OPERATIONS,
  tlbiOperation,
} from '../src/index.ts';
import type { TranslationControls, Access } from '../src/index.ts';
import { createRig, go, random, stage1 } from './rig.ts';

type Next = () => number;
const word = (next: Next): number => Math.floor(next() * 2 ** 32);

function randomControls(next: Next): TranslationControls {
  const pick = <T>(...all: T[]): T => all[Math.floor(next() * all.length)] as T;
  const flip = (): boolean => next() < 0.5;
  const c = createControls({
    paBits: pick(32, 36, 40, 44, 48, 52),
    granule4k: flip(),
    granule16k: flip(),
    hafdbs: pick(0, 1, 2),
    lva: flip(),
    ttst: flip(),
    hpds: flip(),
    xnx: flip(),
    e0pd: flip(),
    s2fwb: flip(),
    el2: next() < 0.8,
  });
  for (const r of [c.el1, c.el2, c.el3]) {
    for (const name of Object.keys(r) as (keyof typeof r)[]) r[name] = word(next);
    if (next() < 0.8) {
      r.sctlr = (r.sctlr | 1) >>> 0;
      r.tcrLo = ((r.tcrLo & ~0x3f003f) | 0x180018) >>> 0;
    }
  }
  c.secure = next() < 0.2;
  c.hcrLo = word(next);
  c.hcrHi = word(next);
  c.vtcr = next() < 0.7 ? (word(next) & ~0xff) | 0x58 : word(next);
  c.vttbrLo = word(next);
  c.vttbrHi = word(next);
  return c;
}

test('random registers and descriptors: total, bounded, consistent', () => {
  const next = random(99);
  const seen = new Set<string>();
  for (let round = 0; round < 4000; round++) {
    const controls = randomControls(next);
    let fetches = 0;
    const walker = createWalker(controls, {
      read64(pa, out) {
        fetches++;
        expect(Number.isSafeInteger(pa) && pa >= 0 && pa < 2 ** 52 && pa % 8 === 0).toBe(true);
        out.lo = (word(next) | (next() < 0.8 ? 3 : 0)) >>> 0;
        // Mostly addresses that fit, so that walks go deep.
        out.hi = next() < 0.8 ? (word(next) & 0xfff00000) >>> 0 : word(next);
        return next() < 0.02 ? Fault.Decode : Fault.None;
      },
      write64: () => (next() < 0.1 ? Fault.Slave : Fault.None),
    });
    const request = createRequest();
    const out = createTranslation();
    for (let i = 0; i < 8; i++) {
      request.vaLo = word(next);
      request.vaHi = next() < 0.4 ? 0 : next() < 0.5 ? 0xffff_ff80 + (word(next) & 0x7f) : word(next);
      request.regime = Math.floor(next() * 4) as Regime;
      request.access = Math.floor(next() * 6) as Access;
      request.unprivileged = next() < 0.5;
      request.pan = next() < 0.3;
      request.unaligned = next() < 0.2;
      request.stage1Only = next() < 0.2;
      request.noUpdate = next() < 0.2;
      fetches = 0;
      const good = walker.translate(request, out);
      expect(good).toBe(out.fault === MmuFault.None);
      // Four of stage 1, each with four of stage 2; four for the address, and four for an update.
      expect(fetches).toBeLessThanOrEqual(4 * 5 + 4 + 4);
      const par = { lo: 0, hi: 0 };
      parFromResult(out, par);
      expect(par.lo & 1).toBe(good ? 0 : 1);
      if (good) {
        expect(Number.isSafeInteger(out.pa) && out.pa >= 0 && out.pa < 2 ** controls.features.paBits).toBe(
          true,
        );
        // The offset in the page is the address's.
        expect(out.pa % 4096).toBe(request.vaLo % 4096);
        seen.add('good');
      } else {
        const code = faultStatusCode(out);
        seen.add(`stage ${out.stage} code ${code}${out.s1ptw ? ' s1ptw' : ''}`);
        expect(out.level).toBeLessThanOrEqual(3);
        hpfarFromFault(out, par);
        expect(Number.isSafeInteger(out.ipa)).toBe(true);
      }
    }
  }
  // The random tables reach most of the architecture's faults, of both stages and on walks.
  expect(seen.size).toBeGreaterThan(30);
});

test('a table that points to itself ends at level 3, as a page', () => {
  const rig = createRig();
  const tables = stage1(rig);
  for (let i = 0; i < 512; i++) rig.memory.write64(tables.root + i * 8, (tables.root | 0x403) >>> 0, 0);
  expect(go(rig, 0x1234_5678_9abc)).toBe(true);
  expect(rig.out.pa).toBe(tables.root + 0xabc);
  expect(rig.walker.counters.stage1References).toBe(4);
});

test('TLBI with random registers and operands is total', () => {
  const next = random(5);
  const tlb = new Tlb({ sets: 8, ways: 4 });
  const out = createTranslation();
  for (let i = 0; i < 20000; i++) {
    const controls = randomControls(next);
    out.global = next() < 0.5;
    out.pa = Math.floor(next() * 2 ** 40) * 4096;
    out.stage1Shift = [12, 14, 16, 21, 25, 29, 30, 42][Math.floor(next() * 8)] ?? 12;
    out.stage2Shift = [0, 12, 21, 30][Math.floor(next() * 4)] ?? 0;
    tlb.fill(
      tlbContext(controls, Math.floor(next() * 4) as Regime),
      word(next),
      word(next),
      word(next) & 0xffff,
      out,
    );
    const name = TLBI_OPERATIONS[Math.floor(next() * TLBI_OPERATIONS.length)] ?? '';
    tlbiOperation(name)?.(tlb, controls, word(next), word(next));
  }
  expect(tlb.counters.invalidations).toBeGreaterThan(0);
  for (const regime of [Regime.EL10, Regime.EL2, Regime.EL20]) tlb.invalidateAll(regime, false, -1);
  tlb.invalidateAll(Regime.EL10, true, -1);
  tlb.invalidateAll(Regime.EL3, true, -1);
  // Filters and entries agree to the end.
  const next2 = random(6);
  for (let i = 0; i < 1000; i++) tlb.invalidateVa(Regime.EL10, false, 0, word(next2), word(next2), -2);
  expect([...tlb.tagLo].every((tag) => tag === 0)).toBe(true);
});

test('the bus adapter passes security and faults on, and clears them', () => {
  const by = { requester: 0, streamId: -1, secure: false, privileged: false, fault: Fault.None as Fault };
  const log: unknown[] = [];
  const bus = {
    read64(at: number, out: { lo: number; hi: number }, tx: typeof by) {
      log.push(['read', at, tx.secure, tx.privileged]);
      out.lo = 5;
      if (at === 8) tx.fault = Fault.Decode;
    },
    write64(at: number, lo: number, hi: number, tx: typeof by) {
      log.push(['write', at, lo, hi, tx.secure]);
      if (at === 8) tx.fault = Fault.Slave;
    },
  };
  const port = busPort(bus as unknown as Parameters<typeof busPort>[0], by);
  const out = { lo: 0, hi: 0 };
  expect(port.read64(16, out, true)).toBe(Fault.None);
  expect(port.read64(8, out, false)).toBe(Fault.Decode);
  expect(by.fault).toBe(Fault.None);
  expect(port.write64?.(8, 1, 2, true)).toBe(Fault.Slave);
  expect(port.write64?.(0, 1, 2, false)).toBe(Fault.None);
  expect(log).toEqual([
    ['read', 16, true, true],
    ['read', 8, false, true],
    ['write', 8, 1, 2, true],
    ['write', 0, 1, 2, false],
  ]);
});
