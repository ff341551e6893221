// One instruction of a CPU by the reference engine: fetch, decode, execute. Also what another engine uses for the instructions
// that it does not do itself.

import type { Cpu } from '../cpu/cpu.ts';
import { takeUndefined } from '../cpu/exceptions.ts';
import { createQuick } from '../cpu/quick/quick.ts';
import { decode } from '../table/decoder.ts';
import type { Decoded } from '../table/decoder.ts';
import { referenceEvaluator } from './builder.ts';
import { InstructionEnded } from './host.ts';

/** Decoded words that are kept; beyond, the table starts anew. */
const REMEMBERED = 1 << 16;

/** Executes single instructions of one CPU. */
export interface Stepper {
  /**
   * One instruction, or the exception that it or its fetch ends in. Interrupts are not looked at.
   *
   * @param word - the instruction, where it was fetched already
   */
  step(word?: number): void;
}

/** The stepper of a CPU. */
export function createStepper(cpu: Cpu): Stepper {
  const { slice } = cpu;
  const { costs } = slice;
  const evaluator = referenceEvaluator(cpu);
  const quick = createQuick(cpu);
  const known = new Map<number, Decoded | undefined>();
  const decoded = (word: number): Decoded | undefined => {
    if (!known.has(word)) {
      if (known.size >= REMEMBERED) known.clear();
      known.set(word, decode(word));
    }
    return known.get(word);
  };
  const fetch = (word: number | undefined): number | undefined => {
    try {
      return cpu.fetch(word);
    } catch (thrown) {
      if (thrown instanceof InstructionEnded) return undefined;
      throw thrown;
    }
  };
  return {
    step(fetched) {
      // An engine that has the instruction is not the oracle.
      if (fetched !== undefined && quick(fetched)) return;
      const stepped = cpu.debug.steps;
      if (costs !== undefined) slice.current = costs.least;
      const word = fetch(fetched);
      let finished = false;
      if (word !== undefined && word >= 0) {
        const instruction = decoded(word);
        if (costs !== undefined && instruction !== undefined)
          slice.current = costs.cases[instruction.caseId] ?? costs.least;
        if (instruction === undefined) takeUndefined(cpu);
        else finished = evaluator.step(instruction);
      }
      cpu.debug.instructionEnded(stepped, finished ? word : undefined);
      slice.spend();
    },
  };
}
