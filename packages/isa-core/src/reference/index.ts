// The reference engine's evaluator, and what it asks of a CPU.

export { referenceEvaluator } from './builder.ts';
export type { ReferenceEvaluator, ReferenceInstruction } from './builder.ts';
export { InstructionEnded, instructionEnded } from './host.ts';
export type { ReferenceHost } from './host.ts';
export { referenceEngine } from './engine.ts';
export { createStepper } from './stepper.ts';
export type { Stepper } from './stepper.ts';
