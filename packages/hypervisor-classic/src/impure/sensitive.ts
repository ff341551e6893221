// Which instructions are rewritten at load time (DDI 0487 C4.1), by the same table as the translator's: those that trap at EL0, those
// that should and do not, and those that a rewritten kernel has to itself.

import { decode } from '@worldswitch/isa-core';

import { Call } from '../binary-translation/draft.ts';
import type { Draft } from '../binary-translation/draft.ts';
import { kindOf } from '../binary-translation/kinds.ts';
import type { Kind } from '../binary-translation/kinds.ts';
import { Phase } from '../binary-translation/phase.ts';
import { alone, registerName } from '../binary-translation/translate.ts';

/** What is done about the sensitive instructions of a kernel before it runs. */
export type Impure = 'trap' | 'fix-up' | 'vectors';

/** The ways. */
export const IMPURE: readonly Impure[] = ['trap', 'fix-up', 'vectors'];

/** An instruction, as far as rewriting goes. */
export interface Sensitive {
  /**
   * `traps`: at EL0 it does so by itself. `silent`: it does not, though its effect is another one there. `register`: EL0 may, but
   * fix-ups keep something else in that register. `line`: IC IVAU, after which text may be another one.
   */
  readonly how: 'traps' | 'silent' | 'register' | 'line';
  /** What does the same in line, without what leads back; absent where nothing does. */
  readonly sequence?: Draft;
}

/** Registers that EL0 has as EL1 has them, as far as the hypervisor lets it, and those of them that fix-ups use. */
const PLAIN: ReadonlySet<string> = new Set(['NZCV', 'FPCR', 'FPSR', 'DCZID_EL0', 'CTR_EL0']);
const USED: ReadonlySet<string> = new Set(['TPIDR_EL0', 'TPIDRRO_EL0']);
/** The system instructions that are sensitive; BRK, HLT and SVC are not, nor is what nobody may execute. */
const emulated = /^(ERET$|HVC$|SMC$|SYS$|MSR |DC IVAC)/;
const EMULATE = (0xd400_0001 | (Call.EMULATE << 5)) >>> 0;
const CURRENT_EL = 4;

/** MOVZ Xd: a fix-up reads nothing beside itself. */
const constant = (register: number, value: number): number => (0xd280_0000 | (value << 5) | register) >>> 0;

function sequenceOf(word: number, name: string): Draft | undefined {
  if (name === 'CurrentEL') {
    const words = [(word & 31) === 31 ? 0xd503_201f : constant(word & 31, CURRENT_EL)];
    return { pc: 0, source: [word], words, origins: [0], phases: [Phase.CLEAN], exits: [] };
  }
  const draft = alone(word);
  return draft.words[0] === EMULATE ? undefined : draft;
}

/** TLBI of an address is one: who rewrites keeps no note of what the shadow has not. */
const isCalledOut = (kind: Kind): boolean => kind === 'emulate' || kind === 'last' || kind === 'entry';

function examine(word: number): Sensitive | undefined {
  const decoded = decode(word);
  if (decoded === undefined) return undefined;
  const kind = kindOf(word, decoded);
  const { name } = decoded.row;
  if (kind === 'mrs' || kind === 'msr') {
    const register = registerName(word);
    if (PLAIN.has(register)) return undefined;
    if (register === 'PMUSERENR_EL0' && kind === 'mrs') return { how: 'silent' };
    // MSR TPIDRRO_EL0 traps; all else of the two is EL0's.
    const own = USED.has(register) && (kind === 'mrs' || register === 'TPIDR_EL0');
    const sequence = sequenceOf(word, register);
    return { how: own ? 'register' : 'traps', ...(sequence && { sequence }) };
  }
  if (kind === 'mask') return { how: 'traps', sequence: alone(word) };
  if (kind === 'unprivileged') return { how: 'silent', sequence: alone(word) };
  if (kind === 'line') return { how: 'line', sequence: alone(word) };
  return isCalledOut(kind) && emulated.test(name) ? { how: 'traps' } : undefined;
}

/** By word: a kernel has a few thousand of them. */
const known = new Map<number, Sensitive | undefined>();
const MOST = 1 << 16;

/** What an instruction word is; undefined for one that may stay as it is for ever. */
export function sensitive(word: number): Sensitive | undefined {
  // Branches, exceptions and system instructions, and loads and stores of a register: nothing else is sensitive.
  if (word >>> 26 !== 0x35 && (word & 0x3f20_0c00) !== 0x3800_0800) return undefined;
  if (known.has(word)) return known.get(word);
  if (known.size >= MOST) known.clear();
  const found = examine(word);
  known.set(word, found);
  return found;
}
