// A translation unit while it is written: words for the cache, of which guest instruction each is, and what holds before it.

import { assemble } from '@worldswitch/isa-core';

import { high, low } from './address.ts';
import { Phase } from './phase.ts';

/** Why translated code calls the hypervisor: the immediate of its SVC. */
export const Call = {
  /** A direct branch whose target was not translated when this was written; the word becomes a branch to it. */
  EXIT: 1,
  /** The instruction is to be emulated. */
  EMULATE: 2,
  /** A branch by register whose target is not in the table. */
  INDIRECT: 3,
  /** The guest has unmasked interrupts, and one waits. */
  PENDING: 4,
} as const;

/** A direct way out of a unit. */
export interface UnitExit {
  /** Word in the unit. */
  readonly at: number;
  /** The guest's address. */
  readonly target: number;
}

/** A landing and a way to the place of its instruction, which is in another unit. */
export const isLanding = ({ pc, words, exits }: Draft): boolean =>
  words.length === 2 && exits.length === 1 && exits[0]?.target === pc;

/**
 * Where each instruction of a unit begins: all is as the guest has it there, but X16 at a landing.
 *
 * @param visit - is told the instruction's number in the unit, its first word, the landing where it has one, and whether it has one
 */
export function eachStart(
  { origins, phases }: Pick<Draft, 'origins' | 'phases'>,
  visit: (origin: number, at: number, landing: boolean) => void,
): void {
  let next = 0;
  for (let at = 0; at < origins.length; at++) {
    // Ways out behind the unit are of earlier instructions.
    if (origins[at] !== next) continue;
    visit(next++, at, phases[at] === LANDING_PHASE);
  }
}

/** A unit as it was written. */
export interface Draft {
  /** The guest's address of its first instruction. */
  readonly pc: number;
  /** What the guest had there. */
  readonly source: readonly number[];
  /**
   * The words, literals behind them. Where branches by register come to, at the first instruction and behind calls, a landing is before
   * the instruction's own words; others come to the word behind it.
   */
  readonly words: readonly number[];
  /** For each word the instruction that it is of, by its number in the unit. */
  readonly origins: readonly number[];
  /** For each word what holds before it. */
  readonly phases: readonly number[];
  readonly exits: readonly UnitExit[];
}

const known = new Map<string, number>();

/** Assembles a line with no label; each but once. */
function wordOf(text: string): number {
  let word = known.get(text);
  if (word === undefined) {
    word = assemble(text);
    known.set(text, word);
  }
  return word;
}

/** At a landing TPIDR_EL0 keeps X16. */
const LANDING_PHASE = 16;
const B = 0x1400_0000;
const svc = (call: number): number => (0xd400_0001 | (call << 5)) >>> 0;
const LITERAL = 0x5800_0000;

/** TBZ and TBNZ, which reach less far. */
const isTest = (form: number): boolean => ((form >>> 25) & 0x3f) === 0x1b;

/** Writes a unit. */
export class UnitWriter {
  /** The instruction that is being written. */
  origin = 0;
  /** What holds before the next word. */
  phase: number = Phase.CLEAN;
  private readonly pc: number;
  private readonly words: number[] = [];
  readonly origins: number[] = [];
  readonly phases: number[] = [];
  private readonly exits: UnitExit[] = [];
  private readonly branches: {
    readonly hole: number;
    readonly form: number;
    readonly target: number;
    readonly origin: number;
  }[] = [];
  private readonly literals: { at: number; value: number }[] = [];

  constructor(pc: number) {
    this.pc = pc;
  }

  /** Number of words so far. */
  get length(): number {
    return this.words.length;
  }

  /** A word. */
  word(word: number): void {
    this.words.push(word >>> 0);
    this.origins.push(this.origin);
    this.phases.push(this.phase);
  }

  /** Instructions with no label, one after the other. */
  add(...lines: readonly string[]): void {
    for (const line of lines) this.word(wordOf(line));
  }

  /** A 64-bit constant into a register: a signed address. */
  constant(register: number, value: number): void {
    this.literals.push({ at: this.words.length, value });
    this.word(LITERAL | register);
  }

  /** The landing of branches by register. */
  landing(): void {
    this.phase = LANDING_PHASE;
    this.add('mrs x16, tpidr_el0');
    this.phase = Phase.CLEAN;
  }

  /** A call of the hypervisor. */
  call(call: number): void {
    this.word(svc(call));
  }

  /** The way to another unit. */
  exit(target: number): void {
    this.exits.push({ at: this.words.length, target });
    this.call(Call.EXIT);
  }

  /**
   * A branch, to another instruction of the unit or by a way out.
   *
   * @param form - its word without the offset: B, or a conditional one, whose way out is written behind the unit
   */
  branch(form: number, target: number): void {
    this.branches.push({ hole: this.hole(), form, target, origin: this.origin });
  }

  /** Makes room for a short branch over what follows; `land` fills it. */
  hole(): number {
    this.word(0);
    return this.words.length - 1;
  }

  /** A conditional branch in a hole comes to the next word: bits 23:5 or 18:5 of its form, which are 0, are the offset. */
  land(hole: number, form: number): void {
    this.words[hole] = (form | ((this.words.length - hole) << 5)) >>> 0;
  }

  private placeBranches(instructions: number): void {
    const starts: number[] = [];
    // Behind the landing.
    eachStart(this, (_, at, landing) => starts.push(at + Number(landing)));
    this.phase = Phase.CLEAN;
    for (const { hole, form, target, origin } of this.branches) {
      const index = (target - this.pc) / 4;
      const start = index < instructions ? starts[index] : undefined;
      if (start !== undefined) {
        const offset = start - hole;
        const [bits, at] = form === B ? [26, 0] : isTest(form) ? [14, 5] : [19, 5];
        this.words[hole] = (form | ((offset & ((1 << bits) - 1)) << at)) >>> 0;
      } else if (form === B) {
        this.words[hole] = svc(Call.EXIT);
        this.exits.push({ at: hole, target });
      } else {
        this.land(hole, form);
        this.origin = origin;
        this.exit(target);
      }
    }
  }

  /** Puts ways out and literals behind and hands the unit over. */
  finish(source: readonly number[]): Draft {
    this.placeBranches(source.length);
    if (this.words.length % 2 === 1) this.word(0);
    const places = new Map<number, number>();
    for (const { at, value } of this.literals) {
      let place = places.get(value);
      if (place === undefined) {
        place = this.words.length;
        places.set(value, place);
        this.word(low(value));
        this.word(high(value));
      }
      this.words[at] = ((this.words[at] ?? 0) | ((place - at) << 5)) >>> 0;
    }
    const { pc, words, origins, phases, exits } = this;
    return { pc, source, words, origins, phases, exits };
  }
}
