// A kernel with tables of its own on a host, from an assembler's text: 39-bit addresses, TTBR0 alone, 4 KiB pages. Exits are looked at
// between its calls of the hypervisor, HVC, which do nothing.

import { expect } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { rawKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';
import type { ShadowChoice, ShadowVariant } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

const AT = 0x4020_0000;
const PAGE = 4096;
/** Pages of the image: its text, tables of each level, what stands in the text's page. */
const [LEVEL1, LEVEL2, LEVEL2_IMAGE, LEVEL3, LEVEL3_IMAGE, PAGES] = [1, 2, 3, 4, 5, 6] as const;
/** Where data stands in the text's page. */
const DATA = 2048;
/** Virtual addresses: 512 pages of data, and the table that maps them. */
const [WINDOW, TABLE] = [0x8000_0000, AT + LEVEL3 * PAGE];
/** Where the pages are that descriptor i leads to at first, and those that it may lead to. */
const [FIRST, SECOND] = [0x4080_0000, 0x40a0_0000];
/** A page: normal, EL1 alone; and bits 63:32: no execution. */
const NORMAL = 0x703;
const XN_HIGH = 0x60_0000;

const at = (page: number): number => AT + page * PAGE;

/** The image: text, data and tables. */
function image(words: Uint32Array, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PAGES * PAGE);
  expect(words.byteLength).toBeLessThanOrEqual(DATA);
  bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  bytes.set(data, DATA);
  const view = new DataView(bytes.buffer);
  const put = (table: number, i: number, lo: number, hi = 0): void => {
    view.setUint32(table * PAGE + 8 * i, lo, true);
    view.setUint32(table * PAGE + 8 * i + 4, hi, true);
  };
  put(LEVEL1, 1, at(LEVEL2_IMAGE) | 3);
  put(LEVEL1, 2, at(LEVEL2) | 3);
  put(LEVEL2, 0, at(LEVEL3) | 3);
  put(LEVEL2_IMAGE, 1, at(LEVEL3_IMAGE) | 3);
  for (let i = 0; i < 512; i++) {
    put(LEVEL3, i, (FIRST + i * PAGE) | NORMAL, XN_HIGH);
    // The text is read-only and executed, the tables are data.
    if (i < PAGES) put(LEVEL3_IMAGE, i, at(i) | NORMAL | (i === 0 ? 0x80 : 0), i === 0 ? 0x40_0000 : XN_HIGH);
  }
  return bytes;
}

const move = (register: string, n: number): string =>
  `movz ${register}, #${n & 0xffff}\n movk ${register}, #${n >>> 16}, lsl #16`;

/**
 * Page i of the first ones holds i, and of the second ones 1000 + i; the MMU is on, and nothing of before is in the shadow. X20 is the
 * window, X21 its table, X22 the data, X23 and X24 descriptors of the first and second pages.
 */
const BEGIN = `
   ${move('x1', FIRST)}
   ${move('x2', SECOND)}
   movz x3, #0
fill: add x4, x3, #1000
   str x3, [x1]
   str x4, [x2]
   add x1, x1, #1, lsl #12
   add x2, x2, #1, lsl #12
   add x3, x3, #1
   cmp x3, #512
   b.ne fill
   ${move('x20', WINDOW)}
   ${move('x21', TABLE)}
   ${move('x22', AT + DATA)}
   ${move('x23', FIRST + NORMAL)}
   movk x23, #0x60, lsl #48
   ${move('x24', SECOND + NORMAL)}
   movk x24, #0x60, lsl #48
   movz x0, #0xff
   msr mair_el1, x0
   ${move('x0', 0x80_3519)}
   movk x0, #2, lsl #32
   msr tcr_el1, x0
   ${move('x0', at(LEVEL1))}
   msr ttbr0_el1, x0
   isb
   ${move('x0', 0x30d0_1805)}
   msr sctlr_el1, x0
   isb
   tlbi vmalle1
   dsb sy
   isb`;
/** PSCI SYSTEM_OFF. */
const OFF = 'movz w0, #0x8400, lsl #16\n movk w0, #8\n hvc #0';
/** A call that nobody answers. */
export const MARK = 'movz w0, #0xdead\n hvc #0';

/** Exits of a stretch between two marks, by cause. */
export type Stretch = Readonly<Record<string, number>>;

/** What a run gave. */
export interface TableRun {
  /** Before the first mark, between marks, after the last. */
  readonly stretches: readonly Stretch[];
  /** A general register at its end. */
  readonly x: (n: number) => bigint;
  /** What the shadow counted. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Runs a text over a shadow, by trap-and-emulate unless said otherwise. */
export function tableGuest(
  text: string,
  shadow: ShadowVariant | ShadowChoice,
  data: Uint8Array = new Uint8Array(),
  technique: 'trap-and-emulate' | 'binary-translation' = 'trap-and-emulate',
): TableRun {
  const { words } = assembleProgram(`${BEGIN}\n${text}\n${OFF}`, AT);
  const host = createHost(
    {
      board: virt({ memory: '64M', engine: 'reference' }),
      technique,
      shadow,
      vms: [{ name: 'guest', board: virt({ memory: '32M' }) }],
    },
    { guest: { kernel: rawKernel(image(words, data), AT) } },
  );
  const ledger = new Ledger();
  host.keepLedger(ledger);
  const { machine, hypervisor } = host;
  const end = machine.run(20_000_000);
  expect(end, end === 'dead' ? machine.report() : '').toBe('off');
  const stretches: Record<string, number>[] = [{}];
  for (const { cause, handler } of ledger) {
    const last = stretches.at(-1);
    if (cause.startsWith('hvc')) stretches.push({});
    else if (last) last[cause] = (last[cause] ?? 0) + 1;
    expect(handler).not.toBe('refused');
  }
  const counters = hypervisor.vms[0]?.memory.shadow.counters;
  return { stretches, x: (n) => machine.cpu.state.x(n), counters: { ...counters } };
}
