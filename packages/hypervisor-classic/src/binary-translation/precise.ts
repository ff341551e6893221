// Precise exceptions: from any word of the cache back to a state that the guest's own text has (Adams and Agesen, 3.2).

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { signed } from './address.ts';
import type { CacheWord, CodeCache, Unit } from './code-cache.ts';
import { Phase, stashedIn } from './phase.ts';
import { BR_X16 } from './sequences.ts';
import { StatePage } from './state-page.ts';

/** The guest's general registers: the CPU's, or a copy of somebody who only looks. */
export type GeneralRegisters = Pick<CpuPort, 'readX' | 'writeX'>;

/** Where a sequence has put the guest's registers. */
export interface Kept<Registers = CpuPort> {
  /** What TPIDR_EL0 keeps. */
  stashed(port: Registers, out: Word64): void;
  /** What the page of virtual registers keeps. */
  kept(port: Registers, offset: number, out: Word64): void;
}

const word: Word64 = { lo: 0, hi: 0 };

/** The guest's address of the instruction that a word is of. */
const addressOf = ({ unit, at }: CacheWord): number => unit.pc + 4 * (unit.origins[at] ?? 0);

/** The unit's way out at a word. */
const exitAt = (unit: Unit, at: number): number | undefined =>
  unit.exits.find((exit) => exit.at === at)?.target;

/** B: nothing of it is done before its way out. (BL has its link by then; a unit that is full ends behind its last instruction.) */
const isBranch = (instruction: number): boolean => instruction >>> 26 === 5;

/**
 * Puts the guest's registers back and says which instruction it is at: the next one where the word's instruction has had its effect.
 *
 * @param called - the word was executed, and called the hypervisor
 * @returns the guest's PC, signed
 */
export function recover<Registers extends GeneralRegisters>(
  port: Registers,
  cache: CodeCache,
  { unit, at }: CacheWord,
  kept: Kept<Registers>,
  called = false,
): number {
  const phase = unit.phases[at] ?? Phase.CLEAN;
  if (unit.words[at] === BR_X16 && (phase & Phase.DONE) !== 0) {
    port.readX(16, word);
    const target = signed(word);
    restore(port, phase, kept);
    // The table is the guest's to spoil: then it goes where it has written.
    const landing = cache.at(target);
    return landing ? addressOf(landing) : target;
  }
  restore(port, phase, kept);
  const origin = unit.origins[at] ?? 0;
  const target = exitAt(unit, at);
  if (target !== undefined && (called || !isBranch(unit.source[origin] ?? 0))) return target;
  return unit.pc + 4 * (origin + ((phase & Phase.DONE) !== 0 ? 1 : 0));
}

/** The guest's registers back from where a sequence has put them. */
export function restore<Registers extends GeneralRegisters>(
  port: Registers,
  phase: number,
  kept: Kept<Registers>,
): void {
  if ((phase & Phase.X17) !== 0) {
    kept.kept(port, StatePage.X17, word);
    port.writeX(17, word.lo, word.hi);
  }
  if ((phase & Phase.X15) !== 0) {
    kept.kept(port, StatePage.X15, word);
    port.writeX(15, word.lo, word.hi);
  }
  const stashed = stashedIn(phase);
  if (stashed === 31) return;
  kept.stashed(port, word);
  port.writeX(stashed, word.lo, word.hi);
}
