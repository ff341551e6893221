// How often each way to follow a guest's tables traps, on the machine: a kernel's stores, loads and maintenance under a hypervisor
// without EL2. `vmm`'s tests of its shadow have the same counts without one.

import { describe, expect, it } from 'vitest';

import { MARK, tableGuest } from './table-guest.ts';
import type { Stretch } from './table-guest.ts';

const all = (stretch: Stretch | undefined): number => Object.values(stretch ?? {}).reduce((a, b) => a + b, 0);

/** Adds up what all pages of the window hold. */
const sum = (register: string, label: string): string => `
   movz ${register}, #0
   mov x1, x20
   movz x2, #512
${label}: ldr x3, [x1]
   add ${register}, ${register}, x3
   add x1, x1, #1, lsl #12
   sub x2, x2, #1
   cbnz x2, ${label}`;
const FIRST_SUM = (511n * 512n) / 2n;
const SECOND_SUM = FIRST_SUM + 512n * 1000n;

/** All 512 pages are used, their descriptors changed, made known by one TLBI or not, and the pages used again. */
const remap = (tlbi: string): string => `
   ${sum('x10', 'before')}
   ldr x3, [x21]
   str x3, [x21]
   ${MARK}
   mov x1, x21
   mov x3, x24
   movz x2, #512
change: str x3, [x1], #8
   add x3, x3, #1, lsl #12
   sub x2, x2, #1
   cbnz x2, change
   dsb ishst
   ${tlbi}
   dsb ish
   isb
   ${MARK}
   ${sum('x11', 'after')}`;
const MAINTAINED = remap('tlbi vmalle1is');

describe('512 stores to a table and one TLBI', () => {
  it.each(['trap-and-emulate', 'binary-translation'] as const)(
    'are at most two exits when lazy: %s',
    (technique) => {
      const { stretches, x } = tableGuest(MAINTAINED, 'lazy', undefined, technique);
      expect(stretches[1]?.['tlbi vmalle1is']).toBe(1);
      const { translator = 0 } = stretches[1] ?? {};
      // Besides, text is translated that was not executed before.
      expect(all(stretches[1]) - translator).toBeLessThanOrEqual(2);
      expect([x(10), x(11)]).toEqual([FIRST_SUM, SECOND_SUM]);
      // They are paid for afterwards, page by page; a translated load that faults that often is called out.
      const { 'hidden fault': hidden = 0, 'called out': calledOut = 0 } = stretches[2] ?? {};
      expect(hidden + calledOut).toBeGreaterThanOrEqual(512);
      if (technique === 'binary-translation') expect(calledOut).toBeGreaterThan(256);
    },
  );

  it.each(['traced', 'real'] as const)('are an exit for each store: %s', (shadow) => {
    const { stretches, x } = tableGuest(MAINTAINED, shadow);
    expect(stretches[1]).toEqual({ 'traced write': 512, 'tlbi vmalle1is': 1 });
    expect([x(10), x(11)]).toEqual([FIRST_SUM, SECOND_SUM]);
    // And nothing is left to be paid for.
    expect(all(stretches[2])).toBe(0);
  });

  it('would not be seen when lazy, but for the TLBI; traced, they are seen at once', () => {
    const { stretches, x } = tableGuest(remap('nop'), 'lazy');
    expect(all(stretches[1])).toBe(0);
    expect([x(10), x(11)]).toEqual([FIRST_SUM, FIRST_SUM]);
    expect(tableGuest(remap('nop'), 'traced').x(11)).toBe(SECOND_SUM);
  });
});

describe('loads and stores of descriptors', () => {
  const EACH = Array.from({ length: 100 }, (_, i) =>
    i % 3 === 0 ? `str x24, [x21, #${8 * i}]` : `ldr x3, [x21, #${8 * i}]\n eor x10, x10, x3`,
  );
  const text = `
   ldr x3, [x20]
   ldr x3, [x21]
   str x3, [x21]
   movz x10, #0
   ${MARK}
   ${EACH.join('\n')}
   ${MARK}`;
  /** What the guest has written and is to read: its own addresses, whatever the pages hold. */
  const read = Array.from({ length: 100 }, (_, i) =>
    i % 3 === 0 ? 0n : 0x60_0000_4080_0703n + BigInt(4096 * i),
  ).reduce((a, b) => a ^ b, 0n);

  it.each([
    ['real', { 'traced read': 66, 'traced write': 34 }],
    ['traced', { 'traced write': 34 }],
    ['lazy', {}],
  ] as const)('exit as the real table, traced ones and lazy ones have it: %s %j', (shadow, exits) => {
    const { stretches, x, counters } = tableGuest(text, shadow);
    expect(stretches[1]).toEqual(exits);
    expect(x(10)).toBe(read);
    // The shadow counts the same, with those before the first mark.
    const both = (cause: string): number => (stretches[0]?.[cause] ?? 0) + (stretches[1]?.[cause] ?? 0);
    expect(counters['tracedReads']).toBe(both('traced read'));
    expect(counters['tracedWrites']).toBe(both('traced write'));
  });
});

/** Misses of an LRU cache: a reference hits where fewer others than its capacity were used since. */
function lruMisses(references: readonly number[], capacity: number): number {
  const stack: number[] = [];
  let misses = 0;
  for (const page of references) {
    const distance = stack.indexOf(page);
    if (distance < 0 || distance >= capacity) misses++;
    if (distance >= 0) stack.splice(distance, 1);
    stack.unshift(page);
  }
  return misses;
}

describe('a bounded shadow', () => {
  /** The page that the text and the list of pages are on. */
  const TEXT = -1;
  /** Pages of the window, some far more often than others, none twice in a row. */
  const pages: number[] = [];
  for (let state = 42; pages.length < 150;) {
    const random = (n: number): number => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16) % n;
    const page = Math.min(random(8), random(8), random(12));
    if (page !== pages.at(-1)) pages.push(page);
  }
  /** Loads from the pages of the list. */
  const walk = `
   ${MARK}
   movz x4, #${pages.length}
next: ldrb w3, [x22], #1
   add x1, x20, x3, lsl #12
   ldr x2, [x1]
   sub x4, x4, #1
   cbnz x4, next
   ${MARK}`;
  const faults = (capacity: number, open = 1): number | undefined =>
    tableGuest(walk, { variant: 'bounded', capacity, open }, Uint8Array.from(pages)).stretches[1]?.[
      'hidden fault'
    ];
  const references = [TEXT, ...pages.flatMap((page) => [page, TEXT])];
  /** The text is there when the list begins. */
  const expected = (capacity: number): number => lruMisses(references, capacity) - 1;

  it('takes hidden faults as LRU stack distances say', () => {
    const capacities =
      (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? [1, 3, 5, 8] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const curve = capacities.map(expected);
    expect(capacities.map((capacity) => faults(capacity))).toEqual(curve);
    // The curve is one, and not a line.
    expect(new Set(curve).size).toBe(capacities.length);
  });

  it('does not where uses of entries are not seen', () => {
    expect(faults(5, 4)).not.toBe(expected(5));
  });
});
