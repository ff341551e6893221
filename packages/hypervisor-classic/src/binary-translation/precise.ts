// Precise exceptions: from any word of the cache back to a state that the guest's own text has (Adams and Agesen, 3.2).

import type { CpuPort, Word64 } from '@worldswitch/platform';
import { Fault } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import { high, low, signed } from './address.ts';
import type { CacheWord, CodeCache, Unit } from './code-cache.ts';
import { Phase, stashedIn } from './phase.ts';
import { BR_X16 } from './sequences.ts';
import { StatePage } from './state-page.ts';

const TPIDR_EL0 = systemRegister('TPIDR_EL0');
const word: Word64 = { lo: 0, hi: 0 };
const address: Word64 = { lo: 0, hi: 0 };

/** A register that the page keeps. */
function fromPage(port: CpuPort, page: number, offset: number, register: number): void {
  address.lo = low(page + offset);
  address.hi = high(page + offset);
  if (port.load(address, 8, word) !== Fault.None) throw new Error('the page of virtual registers is gone');
  port.writeX(register, word.lo, word.hi);
}

/** The unit's way out at a word. */
const exitAt = (unit: Unit, at: number): number | undefined =>
  unit.exits.find((exit) => exit.at === at)?.target;

/**
 * Puts the guest's registers back and says which instruction it is at: the next one where the word's instruction has had its effect.
 *
 * @param page - where the port finds the page of virtual registers
 * @returns the guest's PC, signed
 */
export function recover(port: CpuPort, cache: CodeCache, { unit, at }: CacheWord, page: number): number {
  const phase = unit.phases[at] ?? Phase.CLEAN;
  if (unit.words[at] === BR_X16 && (phase & Phase.DONE) !== 0) {
    port.readX(16, word);
    const landing = cache.at(signed(word));
    // The branch has been decided; what it goes to was forgotten only together with the whole cache.
    if (landing === undefined) throw new Error('a branch out of the translation cache');
    restore(port, phase, page);
    return landing.unit.pc;
  }
  restore(port, phase, page);
  const target = exitAt(unit, at);
  if (target !== undefined) return target;
  const origin = unit.origins[at] ?? 0;
  return unit.pc + 4 * (origin + ((phase & Phase.DONE) !== 0 ? 1 : 0));
}

function restore(port: CpuPort, phase: number, page: number): void {
  if ((phase & Phase.X17) !== 0) fromPage(port, page, StatePage.X17, 17);
  if ((phase & Phase.X15) !== 0) fromPage(port, page, StatePage.X15, 15);
  const stashed = stashedIn(phase);
  if (stashed === 31) return;
  port.readSystem(TPIDR_EL0, word);
  port.writeX(stashed, word.lo, word.hi);
}
