import { expect, test } from 'vitest';

import {
  Access,
  createControls,
  createRequest,
  createTranslation,
  createWalker,
  faultStatusCode,
  Tlb,
  tlbContext,
  tlbiOperation,
} from '../src/index.ts';

test('a page of EL1&0 is translated and entered', () => {
  const c = createControls();
  const mem = new Map<number, [number, number]>();
  c.el1.sctlr = 1;
  c.el1.tcrLo = 25; // 39 bits, 4 KiB
  c.el1.tcrHi = 5;
  c.el1.mairLo = 0xff;
  c.el1.ttbr0Lo = 0x1000;
  mem.set(0x1000, [0x2003, 0]);
  mem.set(0x2000, [0x3003, 0]);
  mem.set(0x3008, [0x4000_0743, 1]);
  const w = createWalker(c, {
    read64(pa, out) {
      const d = mem.get(pa) ?? [0, 0];
      out.lo = d[0];
      out.hi = d[1];
      return 0;
    },
  });
  const r = createRequest();
  const t = createTranslation();
  r.vaLo = 0x1234;
  r.access = Access.Write;
  expect(w.translate(r, t)).toBe(true);
  expect(t.pa).toBe(0x1_4000_0234);
  expect(w.counters.stage1References).toBe(3);
  const tlb = new Tlb();
  const context = tlbContext(c, r.regime);
  expect(tlb.lookup(context, r.vaLo, r.vaHi, 0)).toBe(-1);
  const i = tlb.fill(context, r.vaLo, r.vaHi, 0, t);
  expect(tlb.lookup(context, 0x1fff, 0, 0)).toBe(i);
  tlbiOperation('vaae1is')?.(tlb, c, 1, 0);
  expect(tlb.lookup(context, 0x1fff, 0, 0)).toBe(-1);
  r.vaLo = 0x5000;
  expect(w.translate(r, t)).toBe(false);
  expect(faultStatusCode(t)).toBe(7);
});
