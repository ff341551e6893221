// The value builder of compiled regions: the interpreter's but for registers, flags and branches.

import { floatPart } from '../emit/floats.ts';
import { integerPart } from '../emit/integers.ts';
import { memoryPart } from '../emit/memory.ts';
import { vectorPart } from '../emit/vectors.ts';
import type { Builder } from '../isa.ts';
import type { HotArm } from './arm.ts';
import { hotControlPart } from './control.ts';
import { hotFlagPart } from './flags.ts';
import { hotRegisterPart } from './registers.ts';

/** Every method of the interface, on whatever values. */
type Complete = { readonly [K in keyof Builder]: unknown };

/** A builder for one instruction after the other. */
export function hotBuilder(arm: HotArm): Builder {
  const parts = {
    ...hotRegisterPart(arm),
    ...integerPart(arm),
    ...hotFlagPart(arm),
    ...memoryPart(arm),
    ...hotControlPart(arm),
    ...floatPart(arm),
    ...vectorPart(arm),
  } satisfies Complete;
  return parts as unknown as Builder;
}
