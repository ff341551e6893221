// Hints and barriers (DDI 0487 C4.1.64). The machine interleaves its CPUs and its caches are coherent, so a barrier orders what is in
// order; a write to a system register has effect at once, so ISB has nothing to wait for.

import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const NOTHING = (): void => undefined;

/** CRm:op2 of the hints that do something. */
const waits = ['wfe', 'wfi', 'sev', 'sevl'] as const;
const FIRST_WAIT = 2;

const event = row({
  name: 'WFE, WFI, SEV, SEVL',
  encoding: '11010101000000110010 0000 op2:3 11111',
  asm: waits.map((text, i) => ({ text, set: { op2: FIRST_WAIT + i } })),
  ends: 'block',
  split: ['op2'],
  allocated: ({ op2 }) => waits[op2 - FIRST_WAIT] !== undefined,
  decode: (f) => (waits[f.op2 - FIRST_WAIT] === undefined ? undefined : {}),
  execute(b, _, { op2 }) {
    b.handler(waits[op2 - FIRST_WAIT] ?? 'wfe');
  },
});

/** Hints by CRm:op2 that have names; those of later architectures are NOP in Armv8.0 and keep their names in text. */
const named: readonly (readonly [number, string])[] = [
  [0, 'nop'],
  [1, 'yield'],
  [7, 'xpaclri'],
  [8, 'pacia1716'],
  [10, 'pacib1716'],
  [12, 'autia1716'],
  [14, 'autib1716'],
  [16, 'esb'],
  [17, 'psb csync'],
  [18, 'tsb csync'],
  [20, 'csdb'],
  [22, 'clearbhb'],
  [24, 'paciaz'],
  [25, 'paciasp'],
  [26, 'pacibz'],
  [27, 'pacibsp'],
  [28, 'autiaz'],
  [29, 'autiasp'],
  [30, 'autibz'],
  [31, 'autibsp'],
  [32, 'bti'],
  [34, 'bti c'],
  [36, 'bti j'],
  [38, 'bti jc'],
];

const hint = row({
  name: 'HINT',
  encoding: '11010101000000110010 hint:7 11111',
  asm: [
    ...named.map(([number, text]) => ({ text, set: { hint: number } })),
    { text: 'dgh', set: { hint: 6 }, inputOnly: true },
    { text: 'hint <hint>' },
  ],
  decode: () => ({}),
  execute: NOTHING,
});

const clrex = row({
  name: 'CLREX',
  encoding: '11010101000000110011 CRm:4 010 11111',
  asm: [{ text: 'clrex', set: { CRm: 15 } }, { text: 'clrex <CRm>' }],
  decode: () => ({}),
  execute(b) {
    b.clearExclusive();
  },
});

const dsb = row({
  name: 'DSB',
  encoding: '11010101000000110011 CRm:4 100 11111',
  asm: [{ text: 'ssbb', set: { CRm: 0 } }, { text: 'pssbb', set: { CRm: 4 } }, { text: 'dsb <barrier>' }],
  decode: () => ({}),
  execute: NOTHING,
});

const dmb = row({
  name: 'DMB',
  encoding: '11010101000000110011 CRm:4 101 11111',
  asm: [{ text: 'dmb <barrier>' }],
  decode: () => ({}),
  execute: NOTHING,
});

const isb = row({
  name: 'ISB',
  encoding: '11010101000000110011 CRm:4 110 11111',
  asm: [
    { text: 'isb', set: { CRm: 15 } },
    { text: 'isb sy', set: { CRm: 15 }, inputOnly: true },
    { text: 'isb <CRm>' },
  ],
  decode: () => ({}),
  execute: NOTHING,
});

/** All of them. */
export const hintRows: readonly AnyRow[] = [event, hint, clrex, dsb, dmb, isb];
