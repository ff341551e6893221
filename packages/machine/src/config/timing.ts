// Timing mode in a machine's configuration: the name of a cost profile or, in TypeScript, one of one's own.

import { z } from 'zod';

import { checkCostProfile } from '@worldswitch/platform';
import type { CostProfile } from '@worldswitch/platform';

import { costProfileNames, costProfiles } from '../cost/profiles.ts';
import type { CostProfileName } from '../cost/profiles.ts';
import { ConfigurationError } from '../errors.ts';

/** The schema. What it is, `checkTiming` checks. */
export const timingSchema: z.ZodType<CostProfileName | CostProfile> = z
  .custom<CostProfileName | CostProfile>()
  .describe('Timing mode: the cost profile by which cycles are counted');

/** The cost profile that a configuration says. Throws a `ConfigurationError`. */
export function checkTiming(given: unknown): CostProfile | undefined {
  if (given === undefined) return undefined;
  const known = costProfileNames.find((name) => name === given);
  if (known !== undefined) return costProfiles[known];
  if (typeof given !== 'object' || given === null || !('costs' in given))
    throw new ConfigurationError('timing', `must be ${costProfileNames.join(', ')} or a CostProfile`);
  const profile = given as CostProfile;
  try {
    checkCostProfile(profile);
  } catch (thrown) {
    const why = thrown instanceof RangeError ? thrown.message : 'is not a complete CostProfile';
    throw new ConfigurationError('timing', why);
  }
  return profile;
}
