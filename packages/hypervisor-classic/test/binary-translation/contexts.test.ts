// What was translated by one of the guest's tables is there when it comes back to it, and is right: kernels of a page against the CPU.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { TranslatedKernel } from '../../src/binary-translation/kernel.ts';
import { AT, END, imageOf, MMU_ON, natively, page, translated, TRANSLATION } from './printing-kernel.ts';

const table = (offset: number): bigint => BigInt(AT + offset) | 3n;
const TIMES = 100;

/** Two tables of the upper half, an ASID each; a function of two pages at one address. */
const SWITCHES = `${TRANSLATION}  add x21, x19, #0x5, lsl #12
  movk x21, #1, lsl #48
  add x22, x19, #0x8, lsl #12
  movk x22, #2, lsl #48
  msr ttbr1_el1, x21
${MMU_ON}  movz x24, #0xff80, lsl #32
  movk x24, #0xffff, lsl #48
  mov x20, #0
  mov x23, #${String(TIMES)}
again:
  msr ttbr1_el1, x21
  isb
  blr x24
  add x20, x20, x0
  msr ttbr1_el1, x22
  isb
  blr x24
  add x20, x20, x0
  sub x23, x23, #1
  cbnz x23, again
`;
/** While the guest is at the second, the page in the first becomes another. */
const REMAP = `
  add x1, x19, #0x7, lsl #12
  ldr x2, [x1]
  add x2, x2, #0x2, lsl #12
  str x2, [x1]
  dsb ish
  tlbi vmalle1
  dsb ish
  isb
  msr ttbr1_el1, x21
  isb
  blr x24
  add x20, x20, x0
`;
/** And the text of the second, by another address. */
const REWRITE = `
  add x1, x19, #0x2, lsl #12
  movz w2, #0x0000
  movk w2, #0xd28e, lsl #16
  str w2, [x1]
  dc cvau, x1
  dsb ish
  ic ivau, x1
  dsb ish
  isb
  msr ttbr1_el1, x22
  isb
  blr x24
  add x20, x20, x0
`;
const image = (text: string): Uint8Array =>
  imageOf({
    0: text + END,
    0x1000: 'movz x0, #1\nret',
    0x2000: 'movz x0, #0x100\nret',
    0x3000: 'movz x0, #1, lsl #16\nret',
    0x4000: [0x0000_0705n, 0x4000_0701n],
    0x5000: [table(0x6000)],
    0x6000: [table(0x7000)],
    0x7000: [page(0x1000)],
    0x8000: [table(0x9000)],
    0x9000: [table(0xa000)],
    0xa000: [page(0x2000)],
  });

afterEach(() => {
  vi.restoreAllMocks();
});

describe('tables of the upper half', () => {
  it('are switched between without translating anything again', () => {
    const program = image(SWITCHES);
    const { output, exits } = translated(program);
    expect(output).toBe(natively(program));
    expect(output).toBe('00006464');
    expect(exits('translator')).toBeLessThan(TIMES / 2);
  });

  it('what was mapped or written while another was there is seen', () => {
    const program = image(SWITCHES + REMAP + REWRITE);
    const { output } = translated(program);
    expect(output).toBe(natively(program));
    expect(output).toBe('0001=464');
  });
});

describe('a way out of the cache', () => {
  it('has the guest its own X16 and TPIDR_EL0', () => {
    const program = imageOf({
      0: `
        mov x0, #0x1230
        msr tpidr_el0, x0
        adr x16, there
        br x16
      there:
        adr x1, there
        sub x20, x16, x1
        mrs x2, tpidr_el0
        add x20, x20, x2
        ${END}`,
    });
    expect(translated(program).output).toBe('00001230');
    expect(natively(program)).toBe('00001230');
  });

  it('leaves its registers alone while it is emulated trap by trap', () => {
    const program = imageOf({
      0: `
        movz x0, #0x1111
        msr tpidr_el1, x0
        adr x1, other
        mov sp, x1
        msr spsel, #0
        movz x0, #0x2222
        msr tpidr_el1, x0
        mrs x3, tpidr_el1
        msr spsel, #1
        mrs x20, tpidr_el1
        add x20, x3, x20, lsl #16
        ${END}
      other: nop`,
    });
    expect(translated(program).output).toBe('22222222');
    expect(natively(program)).toBe('22222222');
  });

  it('follows text that it changes meanwhile', () => {
    const program = imageOf({
      0: `
        bl patched
        mov x21, x20
        msr spsel, #0
        adr x1, patched
        movz w2, #0x0eb4
        movk w2, #0xd280, lsl #16
        str w2, [x1]
        dc cvau, x1
        dsb ish
        ic ivau, x1
        dsb ish
        isb
        msr spsel, #1
        bl patched
        add x20, x20, x21, lsl #16
        ${END}
      patched: movz x20, #0x11
        ret`,
    });
    expect(translated(program).output).toBe(natively(program));
    expect(natively(program)).toBe('00110075');
  });
});

describe('invalidating instruction caches line by line', () => {
  /** A page is flushed; what runs between two lines may be its own text. */
  const flush = (between: string): Uint8Array =>
    imageOf({
      0: `
        movz x19, #0x4020, lsl #16
        add x19, x19, #0x1, lsl #12
        mov x21, #64
        mov x22, x19
        mov x20, #0
        movz w3, #0xd280, lsl #16
      line:
        ic ivau, x22
        dsb ish
        isb
        ${between}
        add x22, x22, #64
        sub x21, x21, #1
        cbnz x21, line
        ${END}`,
      0x1000: 'movz x0, #0\nret',
    });

  it('costs an exit for a page', () => {
    const program = flush('add x20, x20, #1');
    const { output, exits } = translated(program);
    expect(output).toBe(natively(program));
    expect(exits('ic ivau')).toBeLessThan(3);
  });

  it('costs one for each line where the page runs in between, and what is written there is seen', () => {
    const program = flush(`
        sub x22, x19, #64
        blr x19
        add x20, x20, x0
        orr w4, w3, w21, lsl #5
        str w4, [x19]
        dc cvau, x19`);
    const { output, exits } = translated(program);
    expect(output).toBe(natively(program));
    expect(exits('ic ivau')).toBeGreaterThan(60);
  });
});

describe('maintenance of what the shadow has not', () => {
  /** User code reads a page of the upper half that its kernel maps elsewhere each time. */
  const program = imageOf({
    0: `${TRANSLATION}
  add x0, x19, #0x5, lsl #12
  msr ttbr1_el1, x0
${MMU_ON}
  add x0, x19, #0x8, lsl #12
  msr vbar_el1, x0
  movz x24, #0xff80, lsl #32
  movk x24, #0xffff, lsl #48
  lsr x25, x24, #12
  add x21, x19, #0x7, lsl #12
  movz x26, #0x3000
  adr x29, back
  movz x28, #0x8020, lsl #16
  add x28, x28, #0x9, lsl #12
  msr elr_el1, x28
  mov x20, #0
  mov x22, #8
again:
  ldr x1, [x21]
  eor x1, x1, x26
  str xzr, [x21]
  dsb ish
  tlbi vaale1, x25
  dsb ish
  str x1, [x21]
  dsb ish
  isb
  msr elr_el1, x28
  movz x0, #0x3c0
  msr spsr_el1, x0
  eret
back:
  add x20, x20, x0
  sub x22, x22, #1
  cbnz x22, again
  ${END}`,
    0x1000: 'movz x0, #1',
    0x2000: 'movz x0, #0x100',
    // The third GiB is the second for user code.
    0x4000: [0x0000_0705n, 0x4000_0701n, 0x4000_0741n],
    0x5000: [table(0x6000)],
    0x6000: [table(0x7000)],
    0x7000: [page(0x1000) | 0xc0n],
    0x8400: 'br x29',
    0x9000: 'ldr w0, [x24]\nubfx w0, w0, #5, #16\nsvc #0',
  });

  it('is seen where user code has brought it there', () => {
    expect(natively(program)).toBe('00000404');
    expect(translated(program).output).toBe('00000404');
    vi.spyOn(TranslatedKernel.prototype, 'left').mockReturnValue();
    expect(translated(program).output).not.toBe('00000404');
  });
});
