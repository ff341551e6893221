// The translation cache as plain data, checked as hostile input: what its words mean. The words themselves are in the machine's memory.

import { bits, flag, list, record, StateError, uint } from '@worldswitch/platform';
import type { Shape, Word64 } from '@worldswitch/platform';

import { high, low, signed, toLine } from './address.ts';
import { CONTEXTS } from './state-page.ts';

type Halves = readonly number[];

/** A unit. */
export type UnitState = Readonly<{
  pc: Halves;
  base: Halves;
  alive: boolean;
  /** One of the guest's translation tables, by its number. */
  context: number;
  /** Number of the physical page of its text. */
  physical: number;
  source: readonly number[];
  words: readonly number[];
  origins: readonly number[];
  phases: readonly number[];
  /** Word, and the two halves of the target, one exit after the other. */
  exits: readonly number[];
  /** Number of the unit and word of each branch that comes here. */
  from: readonly number[];
}>;

/** The cache. */
export type CacheState = Readonly<{
  base: Halves;
  next: Halves;
  emptied: number;
  units: readonly UnitState[];
}>;

/** An address as halves, and back. */
export const halves = (pc: number): Halves => [low(pc), high(pc)];
export const address = ([lo = 0, hi = 0]: Halves): number => signed({ lo, hi } satisfies Word64);

const pair = list(bits(), 2);
/** More than a unit of 24 instructions has. */
const WORDS = 4096;
const UNITS = 1 << 20;

const shape = record<CacheState>({
  base: pair,
  next: pair,
  emptied: uint(),
  units: list(
    record<UnitState>({
      pc: pair,
      base: pair,
      alive: flag,
      context: uint(CONTEXTS - 1),
      physical: uint(2 ** 40),
      source: list(bits(), 1, WORDS),
      words: list(bits(), 1, WORDS),
      origins: list(uint(WORDS), 1, WORDS),
      phases: list(bits(0xff), 1, WORDS),
      exits: list(bits(), 0, 3 * WORDS),
      from: list(uint(UNITS), 0, 2 * UNITS),
    }),
    0,
    UNITS,
  ),
});

/** Checks a saved cache. */
export const cacheShape: Shape<CacheState> = {
  check(from, path) {
    const state = shape.check(from, path);
    let end = address(state.base);
    state.units.forEach((unit, i) => {
      const at = `${path}.units[${i}]`;
      if (address(unit.base) !== end) throw new StateError(`${at}.base`, 'must follow the unit before it');
      end += toLine(4 * unit.words.length);
      checkUnit(unit, at, state.units);
    });
    if (address(state.next) !== end) throw new StateError(`${path}.next`, 'must follow the last unit');
    return state;
  },
};

function checkUnit(unit: UnitState, at: string, units: readonly UnitState[]): void {
  const { words, origins, source, exits, from } = unit;
  for (const field of ['origins', 'phases'] as const)
    if (unit[field].length !== words.length)
      throw new StateError(`${at}.${field}`, 'must have one for each word');
  if (origins.some((origin) => origin >= source.length))
    throw new StateError(`${at}.origins`, 'must be instructions of the unit');
  if (exits.length % 3 !== 0 || exits.some((word, i) => i % 3 === 0 && word >= words.length))
    throw new StateError(`${at}.exits`, 'must be at words of the unit');
  for (let i = 0; i < from.length; i += 2)
    if ((from[i + 1] ?? Infinity) >= (units[from[i] ?? -1]?.words.length ?? 0))
      throw new StateError(`${at}.from`, 'must be words of units');
}
