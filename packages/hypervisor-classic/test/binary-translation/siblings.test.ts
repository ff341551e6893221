// What one vCPU makes stale is stale for the others of its VM, which may be in the midst of it: kernels of two CPUs against the bare machine.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { TranslatedKernel } from '../../src/binary-translation/kernel.ts';
import { CpuScheduler } from '../../src/host/cpu-scheduler.ts';
import { AT, END, imageOf, MMU_ON, natively, page, translated, TRANSLATION } from './printing-kernel.ts';

/** The second CPU starts at 0x8000 with X19, and waits there for each round: X27 has the words that both see, in a page of their own. */
const START = `
  movz x19, #0x4020, lsl #16
  add x27, x19, #0xf, lsl #12
  movz x0, #0x0003
  movk x0, #0xc400, lsl #16
  mov x1, #1
  add x2, x19, #0x8, lsl #12
  mov x3, x19
  hvc #0
`;
/** The other CPU has a round: what it did with that is in X0, or nothing after a long time. */
const round = (name: string): string => `
  ldr w1, [x27]
  add w1, w1, #1
  dsb ish
  str w1, [x27]
  movz x2, #0x1, lsl #16
wait_${name}:
  ldr w0, [x27, #4]
  sub w3, w0, w1
  cbz w3, there_${name}
  sub x2, x2, #1
  cbnz x2, wait_${name}
there_${name}:
  ldr x0, [x27, #8]
`;
/** Each round is done by some code that leaves X0. */
const rounds = (what: string): string => `
  mov x19, x0
  add x27, x19, #0xf, lsl #12
  mov w26, #0
next:
  ldr w1, [x27]
  sub w2, w1, w26
  cbz w2, next
  mov w26, w1
  isb
  ${what}
  str x0, [x27, #8]
  dsb ish
  str w26, [x27, #4]
  b next
`;
/** `MOVZ X0, #n` at the address in X21, for the n in X22. */
const rewrite = (invalidate: string): string => `
  movz w23, #0xd280, lsl #16
  orr w23, w23, w22, lsl #5
  str w23, [x21]
  dc cvau, x21
  dsb ish
  ${invalidate}
  dsb ish
  isb
`;
const COUNT = 20;

/** A function is written again and again by one CPU, and called by the other. */
const rewritten = (invalidate: string): Uint8Array =>
  imageOf({
    0: `${START}
  add x21, x19, #0x1, lsl #12
  mov x20, #0
  mov x22, #${String(COUNT)}
again:
  ${rewrite(invalidate)}
  ${round('a')}
  add x20, x20, x0
  sub x22, x22, #1
  cbnz x22, again
  ${END}`,
    0x1000: 'movz x0, #0\nret',
    0x8000: rounds('add x24, x19, #0x1, lsl #12\nblr x24'),
  });
/** As it is printed: digits above 9 are what comes after `9`. */
const hex = (n: number): string =>
  n
    .toString(16)
    .padStart(8, '0')
    .replace(/[a-f]/g, (digit) => String.fromCharCode(0x30 + parseInt(digit, 16)));
const SUM = hex((COUNT * (COUNT + 1)) / 2);

/** A loop without an end, until the other CPU has its NOP become a branch. */
const LOOP = imageOf({
  0: `${START}
  add x21, x19, #0x8, lsl #12
  add x21, x21, #0x8
  movz x2, #0x1000
count:
  sub x2, x2, #1
  cbnz x2, count
  movz w23, #0x0002
  movk w23, #0x1400, lsl #16
  str w23, [x21]
  dc cvau, x21
  dsb ish
  ic ivau, x21
  dsb ish
  isb
  movz x2, #0x2, lsl #16
out:
  ldr x20, [x27, #8]
  cbnz x20, done
  sub x2, x2, #1
  cbnz x2, out
done:
  ${END}`,
  0x8000: `
  add x27, x0, #0xf, lsl #12
loop:
  add x5, x5, #1
  nop
  b loop
  mov x6, #1
  str x6, [x27, #8]
stay:
  b stay`,
});

const TABLES = {
  0x4000: [0x0000_0705n, 0x4000_0701n],
  0x5000: [BigInt(AT + 0x6000) | 3n],
  0x6000: [BigInt(AT + 0x7000) | 3n],
  0x7000: [page(0x1000)],
};
/** Both CPUs have tables, and X24 an address of the upper half whose page is at 0x1000. */
const WITH_TABLES = `${TRANSLATION}  add x0, x19, #0x5, lsl #12
  msr ttbr1_el1, x0
${MMU_ON}  movz x24, #0xff80, lsl #32
  movk x24, #0xffff, lsl #48
  lsr x25, x24, #12
`;
/** The page is the other of two again and again, and the other CPU says what it has. */
const twoPages = (invalidate: string, what: string): Uint8Array =>
  imageOf({
    ...TABLES,
    0: `${START}${WITH_TABLES}
  add x21, x19, #0x7, lsl #12
  movz x26, #0x3000
  mov x20, #0
  mov x22, #${String(COUNT)}
again:
  ldr x28, [x21]
  str xzr, [x21]
  dsb ish
  ${invalidate}
  dsb ish
  eor x28, x28, x26
  str x28, [x21]
  dsb ish
  isb
  ${round('a')}
  add x20, x20, x0
  sub x22, x22, #1
  cbnz x22, again
  ${END}`,
    0x1000: 'movz x0, #1\nret',
    0x2000: 'movz x0, #2\nret',
    0x8000: `mov x28, x0\n${WITH_TABLES}mov x0, x28\n${rounds(what)}`,
  });
const BOTH = hex((COUNT / 2) * 3);
/** Text that is elsewhere, and data. */
const called = (invalidate: string): Uint8Array => twoPages(invalidate, 'blr x24');
const READ = twoPages('tlbi vaale1is, x25', 'ldr w0, [x24]\nubfx w0, w0, #5, #16');

afterEach(() => {
  vi.restoreAllMocks();
});

/** A part of a kernel that does nothing. */
type Part = 'reached' | 'told' | 'added' | 'shadowed';
const without = (part: Part): void => {
  vi.spyOn(TranslatedKernel.prototype as unknown as Record<string, () => void>, part).mockReturnValue();
};
const run = (image: Uint8Array): string => translated(image, {}, 2).output;

describe('text that another vCPU executes', () => {
  it.each<[string, Part[]]>([
    ['ic ivau, x21', ['reached', 'added']],
    ['ic ialluis', ['told']],
  ])('is translated anew once it is written and invalidated by %s, and not without', (invalidate, parts) => {
    const image = rewritten(invalidate);
    expect(natively(image, 2)).toBe(SUM);
    expect(run(image)).toBe(SUM);
    for (const part of parts) {
      without(part);
      expect(run(image), part).not.toBe(SUM);
      vi.restoreAllMocks();
    }
  });

  it('is left before its next instruction, wherever in it the vCPU is', () => {
    expect(natively(LOOP, 2)).toBe('00000001');
    expect(run(LOOP)).toBe('00000001');
  });

  it('and never where nobody interrupts it', () => {
    vi.spyOn(CpuScheduler.prototype, 'kick').mockReturnValue();
    expect(run(LOOP)).toBe('00000000');
  });

  it.each<[string, Part]>([
    ['tlbi vaae1is, x25', 'reached'],
    ['tlbi vmalle1is', 'told'],
    ['tlbi aside1is, xzr', 'told'],
  ])('is translated anew where it is mapped to another page by %s, and not without', (invalidate, part) => {
    const image = called(invalidate);
    expect(natively(image, 2)).toBe(BOTH);
    expect(run(image)).toBe(BOTH);
    without(part);
    expect(run(image)).not.toBe(BOTH);
  });
});

describe('maintenance of what no vCPU has', () => {
  it('is nothing until another vCPU has it', () => {
    expect(natively(READ, 2)).toBe(BOTH);
    expect(run(READ)).toBe(BOTH);
    without('shadowed');
    expect(run(READ)).not.toBe(BOTH);
  });
});
