// Loads and stores that fault again and again are called out, and the TLB maintenance behind them costs nothing: a kernel that patches
// pages through a window, as Linux does its text.

import { describe, expect, it } from 'vitest';

import { AT, END, imageOf, MMU_ON, natively, page, translated, TRANSLATION } from './printing-kernel.ts';

const TIMES = 600;

/** A window at the second page of the upper half: mapped to one of two pages, written, unmapped, in turns; then a walk over its own memory. */
const PROGRAM = `${TRANSLATION}  add x0, x19, #0x5, lsl #12
  msr ttbr1_el1, x0
${MMU_ON}  movz x24, #0xff80, lsl #32
  movk x24, #0xffff, lsl #48
  add x24, x24, #1, lsl #12
  ubfx x25, x24, #12, #44
  add x21, x19, #0x7, lsl #12
  add x1, x19, #0xb, lsl #12
  add x2, x19, #0xc, lsl #12
  mov x3, #0xf03
  mov x20, #0
  movz x23, #${String(TIMES)}
patch:
  orr x4, x1, x3
  str x4, [x21, #8]
  dsb ishst
  isb
  str x23, [x24, #16]
  str xzr, [x21, #8]
  dsb ishst
  tlbi vaale1is, x25
  dsb ish
  isb
  ldr x5, [x1, #16]
  add x20, x20, x5
  mov x6, x1
  mov x1, x2
  mov x2, x6
  sub x23, x23, #1
  cbnz x23, patch
${END}
`;

const image = imageOf({
  0: PROGRAM,
  0x4000: [0x0000_0705n, 0x4000_0701n],
  0x5000: [BigInt(AT + 0x6000) | 3n],
  0x6000: [BigInt(AT + 0x7000) | 3n],
  0x7000: [page(0x1000)],
});
const run = (shadow: 'lazy' | 'traced', inline = true) => {
  const { output, exits, host } = translated(image, { shadow, inline });
  return { output, exits, calledOut: host.hypervisor.translated?.counts?.calledOut ?? 0 };
};

describe('sites that fault often', () => {
  it('are called out: no fault and no TLB maintenance is left, and memory is as it is natively', () => {
    const { output, exits, calledOut } = run('lazy');
    expect(output).toBe(natively(image));
    expect(calledOut).toBeGreaterThan(0);
    expect(exits('called out')).toBeGreaterThan(TIMES / 2);
    expect(exits('hidden fault')).toBeLessThan(TIMES / 4);
    expect(exits('tlbi vaale1is')).toBeLessThan(TIMES / 4);
  });

  it('with nothing in line and nothing adapted each faults', () => {
    const { output, exits, calledOut } = run('lazy', false);
    expect(output).toBe(natively(image));
    expect(calledOut).toBe(0);
    expect(exits('hidden fault')).toBeGreaterThanOrEqual(TIMES);
    expect(exits('tlbi vaale1is')).toBe(TIMES);
  });

  it('where tables are traced, maintenance is seen each time: it says when they are looked at', () => {
    const { output, exits, calledOut } = run('traced');
    expect(output).toBe(natively(image));
    expect(calledOut).toBeGreaterThan(0);
    expect(exits('traced write')).toBeLessThan(TIMES / 4);
    expect(exits('tlbi vaale1is')).toBe(TIMES);
  });

  it('stay called out at a table that is traced, without any maintenance, which costs less than a fault', () => {
    const stores = imageOf({
      0: `${TRANSLATION}  add x0, x19, #0x5, lsl #12
  msr ttbr1_el1, x0
${MMU_ON}  movz x24, #0xff80, lsl #32
  movk x24, #0xffff, lsl #48
  add x21, x19, #0x7, lsl #12
  ldr x3, [x21]
  ldr x4, [x24]
  mov x20, #0
  movz x23, #${String(TIMES)}
store:
  str x3, [x21]
  add x20, x20, #1
  sub x23, x23, #1
  cbnz x23, store
${END}`,
      0x4000: [0x0000_0705n, 0x4000_0701n],
      0x5000: [BigInt(AT + 0x6000) | 3n],
      0x6000: [BigInt(AT + 0x7000) | 3n],
      0x7000: [page(0x1000)],
    });
    const adaptive = translated(stores, { shadow: 'traced' });
    const plain = translated(stores, { shadow: 'traced', inline: false });
    expect([adaptive.output, plain.output]).toEqual([natively(stores), natively(stores)]);
    expect(plain.exits('traced write')).toBe(TIMES);
    expect(adaptive.exits('traced write') + adaptive.exits('called out')).toBe(TIMES);
    // It faults until it is known, and is tried once more after two thousand.
    expect(adaptive.exits('traced write')).toBeLessThan(TIMES / 10);
    expect(adaptive.each('called out')).toBeLessThan(plain.each('traced write'));
  });
});
