// One instruction of a CPU by the reference engine: fetch, decode, execute. Also what another engine uses for the instructions
// that it does not do itself.

import type { Cpu } from '../cpu/cpu.ts';
import { takeUndefined } from '../cpu/exceptions.ts';
import { decode } from '../table/decoder.ts';
import type { Decoded } from '../table/decoder.ts';
import { referenceEvaluator } from './builder.ts';
import { InstructionEnded } from './host.ts';

/** Decoded words that are kept; beyond, the table starts anew. */
const REMEMBERED = 1 << 16;

/** Executes single instructions of one CPU. */
export interface Stepper {
  /** One instruction, or the exception that it or its fetch ends in: one of `remaining`. Interrupts are not looked at. */
  step(): void;
}

/** The stepper of a CPU. */
export function createStepper(cpu: Cpu): Stepper {
  const evaluator = referenceEvaluator(cpu);
  const known = new Map<number, Decoded | undefined>();
  const decoded = (word: number): Decoded | undefined => {
    if (!known.has(word)) {
      if (known.size >= REMEMBERED) known.clear();
      known.set(word, decode(word));
    }
    return known.get(word);
  };
  const fetch = (): number | undefined => {
    try {
      return cpu.fetch();
    } catch (thrown) {
      if (thrown instanceof InstructionEnded) return undefined;
      throw thrown;
    }
  };
  return {
    step() {
      const stepped = cpu.debug.steps;
      const word = fetch();
      let finished = false;
      if (word !== undefined) {
        const instruction = decoded(word);
        if (instruction === undefined) takeUndefined(cpu);
        else finished = evaluator.step(instruction);
      }
      cpu.debug.instructionEnded(stepped, finished ? word : undefined);
      cpu.spend();
    },
  };
}
