// How the engine goes about its work: nothing of it changes what the guest does. The modes of the engine's tests.

import { z } from 'zod';

import { fastTlbSizes } from '@worldswitch/jit';
import type { InterpreterOptions } from '@worldswitch/jit';

import { ConfigurationError } from '../errors.ts';

/** What executes instructions. */
export const engineNames = ['jit', 'interpreter', 'reference'] as const;
/** What executes instructions. */
export type EngineName = (typeof engineNames)[number];

export { fastTlbSizes };

/** How the engine goes about its work. Each guest does the same with any of it, sooner or later: these are for tests. */
export interface EngineOptions {
  /** How often code is reached before it is compiled; 0 compiles all code when it is first decoded. */
  readonly threshold?: number | undefined;
  /** True: so little room for decoded and compiled code that some of it goes all the time. */
  readonly evict?: boolean | undefined;
  /** False: calls of compiled code never nest. */
  readonly nest?: boolean | undefined;
  /** False: compiled code never goes from one region to the next by itself. */
  readonly chain?: boolean | undefined;
  /** Pages that each fast TLB holds: a power of two; the largest of `fastTlbSizes` unless given. */
  readonly tlb?: number | undefined;
}

/** Compiled regions, and pages of decoded code, with `evict`. */
const EVICT = { regions: 16, pages: 512 } as const;

/** The schema of `EngineOptions`. */
export const engineOptionsSchema: z.ZodType<EngineOptions> = z
  .strictObject({
    threshold: z
      .number()
      .int()
      .min(0, 'must be 0 to 1000000')
      .max(1_000_000, 'must be 0 to 1000000')
      .optional()
      .describe('How often code is reached before it is compiled; 0 compiles everything at once'),
    evict: z.boolean().optional().describe('Decoded and compiled code is thrown away all the time'),
    nest: z.boolean().optional().describe('Calls of compiled code nest'),
    chain: z.boolean().optional().describe('Compiled code goes from one region to the next by itself'),
    tlb: z
      .literal(fastTlbSizes, `must be a power of two from 2 to ${Math.max(...fastTlbSizes)}`)
      .optional()
      .describe('Pages that each fast TLB holds'),
  })
  .default({})
  .describe('How the engine goes about its work: modes for tests');

/** Throws a `ConfigurationError` for an option of another engine. */
export function checkEngineOptions(engine: EngineName, options: EngineOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const known = engine === 'jit' || (engine === 'interpreter' && (name === 'evict' || name === 'tlb'));
    if (!known)
      throw new ConfigurationError(`engineOptions.${name}`, `the engine ${engine} has no such option`);
  }
}

/** What the fast engine is to be made with. */
export function interpreterOptions(
  engine: EngineName,
  { threshold, evict, nest, chain, tlb }: EngineOptions,
): Pick<InterpreterOptions, 'hot' | 'pages' | 'tlbEntries'> {
  return {
    hot: {
      enabled: engine === 'jit',
      ...(threshold === 0 && { eager: true }),
      ...(threshold !== undefined && threshold > 0 && { threshold }),
      ...(evict === true && { regions: EVICT.regions }),
      ...(nest === false && { depth: 0 }),
      ...(chain === false && { chain: false }),
    },
    ...(evict === true && { pages: EVICT.pages }),
    ...(tlb !== undefined && { tlbEntries: tlb }),
  };
}
