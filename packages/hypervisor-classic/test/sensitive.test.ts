// Popek and Goldberg's condition, tried on the instruction table: each instruction is executed natively at EL1 and, by a kernel without
// privilege, at EL0 under the hypervisor's own controls. What neither traps nor does the same is a hole of trap-and-emulate.

import { beforeAll, describe, expect, it } from 'vitest';

import { assemble, decode, encodeFields, parseEncoding, rows, systemRegisters } from '@worldswitch/isa-core';

import { kindOf } from '../src/binary-translation/kinds.ts';
import { sensitive } from '../src/impure/sensitive.ts';
import { holeOf } from '../src/index.ts';
import { Bench, hypervisorsControls, PLACES } from './sensitive.ts';
import type { Controls, Start } from './sensitive.ts';

const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
/** Words of each row, and one of so many system instructions. */
const [WORDS, SPARSE] = ALL ? [200, 1] : [4, 61];

/** UNDEFINED, WFI and WFE, FP, MSR, MRS and system instructions: those at which a hypervisor comes to know of it. */
const TRAPS: ReadonlySet<number> = new Set([0x00, 0x01, 0x07, 0x18]);

let state = 1;
const random = (below: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

/** Every place, with a mask and without, by either stack pointer. */
const STARTS: readonly Start[] = Object.keys(PLACES).map((_, place) => ({
  place,
  seed: 17 * place + 3,
  spSel: place % 2 === 0 ? 1 : 0,
  daif: [0, 15, 2, 13][place] ?? 0,
}));

/** Encodings of all rows: registers are mostly even ones, which are addresses, and what they are added to are not. */
function* tableWords(): Iterable<number> {
  for (const { encoding, name } of rows) {
    const parsed = parseEncoding(encoding);
    for (let found = 0, tries = 0; found < WORDS && tries < 400 * WORDS; tries++) {
      const fields = parsed.fields.map(({ name: field, width }) => {
        const any = random(2 ** width);
        if (field === 'Rn') return [field, 2 * random(16)] as const;
        if (field === 'Rm' && width === 5) return [field, 2 * random(15) + 1] as const;
        // Not too far: pages are next to each other, and nothing is around them.
        if (/^imm(7|9|12|19)$/.test(field)) return [field, any & 0x1f] as const;
        return [field, any] as const;
      });
      const word = encodeFields(parsed, Object.fromEntries(fields));
      if (decode(word)?.row.name !== name) continue;
      found++;
      yield word;
    }
  }
}

const move = (id: number, read: number): number => (0xd500_0002 | (id << 5) | (read << 21)) >>> 0;

/** MSR and MRS of all names, and some of all numbers, SYS among them, with X2. */
function* systemWords(): Iterable<number> {
  for (const { id } of systemRegisters) for (const read of [0, 1]) yield move(id, read);
  for (let n = random(SPARSE); n < 1 << 17; n += 1 + random(2 * SPARSE - 1)) {
    const word = move(n & 0xffff, n >>> 16);
    if (decode(word) !== undefined) yield word;
  }
}

/** Instruction words by what they are. */
interface Found {
  /** They trap at EL0, and do something else at EL1: privileged. */
  readonly privileged: Set<number>;
  /** They do the same from all states, an exception that goes to the kernel's own vector among that. */
  readonly innocuous: Set<number>;
  /** Of these and the last, those without an exception from some state. */
  readonly completed: Set<number>;
  /** Neither: sensitive, and not privileged. */
  readonly holes: Set<number>;
}

function classify(words: Iterable<number>, controls: Controls): Found {
  const bench = new Bench();
  const found: Found = {
    privileged: new Set(),
    innocuous: new Set(),
    completed: new Set(),
    holes: new Set(),
  };
  for (const word of words) {
    let kind: keyof Found = 'innocuous';
    for (const start of STARTS) {
      const user = bench.step(word, 0, start, controls);
      if (user.ec !== undefined && TRAPS.has(user.ec)) {
        kind = 'privileged';
        break;
      }
      if (user.ec === undefined) found.completed.add(word);
      if (user.text !== bench.step(word, 1, start).text) kind = 'holes';
    }
    found[kind].add(word);
  }
  return found;
}

const named = (words: Iterable<number>): readonly string[] =>
  [...new Set([...words].map((word) => decode(word)?.row.name ?? word.toString(16)))].sort();

describe('a kernel without privilege', () => {
  let found: Found;
  beforeAll(() => {
    found = classify([...tableWords(), ...systemWords()], hypervisorsControls());
  }, 120_000);

  it('does what it does with it, or traps, but for LDTR, STTR and MRS of PMUSERENR_EL0', () => {
    expect(named(found.holes)).toEqual(['Load/store register (unprivileged)', 'MRS']);
    const names = new Set([...found.holes].map((word) => holeOf(word)?.name));
    expect([...names].sort()).toEqual(['monitors for EL0', 'unprivileged access']);
    expect(found.holes.size).toBeGreaterThan(WORDS / 2);
    // All three are large.
    expect(found.privileged.size).toBeGreaterThan(1000);
    expect(found.innocuous.size).toBeGreaterThan(rows.length);
  });

  it('was tried with every row of the table, to its end where it has one', () => {
    const all = new Set(named([...found.completed, ...found.privileged]));
    expect(rows.map(({ name }) => name).filter((name) => !all.has(name))).toEqual(['SVC', 'BRK']);
  });

  it('has each of these holes named, and translated or rewritten', () => {
    for (const word of found.holes) {
      expect(holeOf(word)).toBeDefined();
      expect(sensitive(word)?.how).toBe('silent');
    }
  });

  it('is translated as it is only where that is the same', () => {
    const wrong = [...found.privileged, ...found.holes].filter(
      (word) => kindOf(word, decode(word)) === 'same',
    );
    // WFI and WFE trap from the cache as they do from the text.
    expect(named(wrong).filter((name) => name !== 'WFE, WFI, SEV, SEVL')).toEqual([]);
  });
});

describe('the same finds', () => {
  const controls = hypervisorsControls();
  const [UMA, DZE] = [1n << 9n, 1n << 14n];
  const words = [
    'msr daifset, #2',
    'msr daifclr, #15',
    'msr daif, x3',
    'mrs x1, daif',
    'mrs x2, dczid_el0',
  ].map((text) => assemble(text, 0));
  const holesWith = (sctlr: bigint): readonly number[] => [
    ...classify(words, { ...controls, SCTLR_EL1: sctlr }).holes,
  ];

  it('nothing of these with the controls as they are', () => {
    expect(holesWith(controls.SCTLR_EL1)).toEqual([]);
  });

  it('the masks, where UMA lets EL0 change PSTATE', () => {
    expect(holesWith(controls.SCTLR_EL1 | UMA)).toEqual(words.slice(0, 4));
  });

  it('DCZID_EL0, where DC ZVA is made to trap', () => {
    expect(holesWith(controls.SCTLR_EL1 & ~DZE)).toEqual(words.slice(4));
  });
});
