// The reference engine: the text of an instruction's semantics, evaluated directly on BigInts. It shares no primitive with
// the engines that emit WebAssembly, and so is their oracle.

import { optionalFeatures } from '../cpu/features.ts';
import { Layout } from '../cpu/layout.ts';
import type { Builder } from '../semantics/builder.ts';
import type { Operands } from '../semantics/operands.ts';
import type { AnyRow } from '../table/row.ts';
import { controlPart } from './control.ts';
import { flagPart } from './flags.ts';
import { floatPart } from './float.ts';
import { InstructionEnded } from './host.ts';
import type { ReferenceHost } from './host.ts';
import { integers } from './integer.ts';
import { memoryPart } from './memory.ts';
import { registerPart } from './registers.ts';
import { Transaction } from './transaction.ts';
import { vectorPart } from './vector.ts';

/** An instruction as the decoder hands it over. */
export interface ReferenceInstruction {
  readonly row: AnyRow;
  readonly operands: Operands;
  /** The values of the row's split fields. */
  readonly split: Readonly<Record<string, number>>;
}

/** Evaluates instructions on one CPU. */
export interface ReferenceEvaluator {
  /**
   * Executes one instruction at PC in full, PC included. False if it ended in an exception, which the host has then taken.
   */
  step(instruction: ReferenceInstruction): boolean;
  /** The value builder, whose effects happen at the end of `step`. */
  readonly builder: Builder;
}

/** The evaluator of a CPU. */
export const referenceEvaluator = (host: ReferenceHost): ReferenceEvaluator => {
  const effects = new Transaction(host);
  const builder: Builder = {
    ...integers,
    ...registerPart(host, effects),
    ...flagPart(host, effects),
    ...memoryPart(host, effects),
    ...controlPart(host, effects),
    ...floatPart(effects),
    ...vectorPart(effects),
  };
  const execute = ({ row, operands, split }: ReferenceInstruction): boolean => {
    // Decode comes before the trap of the FP registers.
    const feature = row.feature === undefined ? undefined : optionalFeatures[row.feature];
    if (feature !== undefined && (host.state.word(Layout.absent) & feature) !== 0) {
      host.raise('undefined', 0);
      return false;
    }
    if (row.gate === 'fp' && host.state.word(Layout.fpTrap) !== 0) host.raiseFpTrap();
    row.execute(builder, operands, split);
    return effects.commit();
  };
  return {
    builder,
    step: (instruction) => {
      effects.begin();
      try {
        return execute(instruction);
      } catch (thrown) {
        if (thrown instanceof InstructionEnded) return false;
        throw thrown;
      }
    },
  };
};
