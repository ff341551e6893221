// Prefetches: hints without an effect, which never fault (DDI 0487 C6.2.251).

import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const NOTHING = (): void => undefined;

const immediate = row({
  name: 'PRFM (immediate)',
  encoding: '11 111 0 01 10 imm12:12 Rn:5 prfop:5',
  asm: [{ text: 'prfm <prfop>, [<Xn|SP>{, <pimm8>}]' }],
  decode: () => ({}),
  execute: NOTHING,
});

const unscaled = row({
  name: 'PRFUM',
  encoding: '11 111 0 00 10 0 imm9:9 00 Rn:5 prfop:5',
  asm: [
    { text: 'prfum <prfop>, [<Xn|SP>{, <simm9opt>}]' },
    { text: 'prfm <prfop>, [<Xn|SP>, <simm9>]', inputOnly: true },
  ],
  decode: () => ({}),
  execute: NOTHING,
});

const registerOffset = row({
  name: 'PRFM (register)',
  encoding: '11 111 0 00 10 1 Rm:5 option:3 S 10 Rn:5 prfop:5',
  asm: [{ text: 'prfm <prfop>, [<Xn|SP>, <index8>]' }],
  decode: (f) => ((f.option & 2) === 0 ? undefined : {}),
  execute: NOTHING,
});

const literal = row({
  name: 'PRFM (literal)',
  encoding: '11 011 0 00 imm19:19 prfop:5',
  asm: [{ text: 'prfm <prfop>, <label19>' }],
  decode: () => ({}),
  execute: NOTHING,
});

/** All of them. */
export const prefetchRows: readonly AnyRow[] = [immediate, unscaled, registerOffset, literal];
