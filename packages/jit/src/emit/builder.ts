// The value builder that writes WebAssembly: one execution of an instruction's semantics makes the code of one case.

import type { Builder } from '../isa.ts';
import { controlPart } from './control.ts';
import { flagPart } from './flags.ts';
import { floatPart } from './floats.ts';
import { integerPart } from './integers.ts';
import type { InterpreterArm } from './interpreter-arm.ts';
import { memoryPart } from './memory.ts';
import { registerPart } from './registers.ts';
import { vectorPart } from './vectors.ts';

/** Every method of the interface, on whatever values. */
type Complete = { readonly [K in keyof Builder]: unknown };

/** A builder for one case. What it makes is in `arm`. */
export function emittingBuilder(arm: InterpreterArm): Builder {
  const parts = {
    ...registerPart(arm),
    ...integerPart(arm),
    ...flagPart(arm),
    ...memoryPart(arm),
    ...controlPart(arm),
    ...floatPart(arm),
    ...vectorPart(arm),
  } satisfies Complete;
  return parts as unknown as Builder;
}
