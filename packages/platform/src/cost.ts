// What a processor's time goes into, and what each costs: a cost profile is data, and cycles are counts times costs. Counts come
// first and are exact; profiles are swappable.

/** Classes of instructions, as the instruction table has them. */
export const instructionClasses = [
  'integer',
  'multiply',
  'divide',
  'branch',
  'load',
  'store',
  'atomic',
  'float',
  'floatDivide',
  'simd',
  'simdMultiply',
  'crypto',
  'system',
  'barrier',
  'maintenance',
  'hint',
] as const;
/** A class of instructions. */
export type InstructionClass = (typeof instructionClasses)[number];

/** What costs besides instructions: taking exceptions and returning from them by level, translations, accesses to devices. */
export const costedEvents = [
  'exceptionEl1',
  'exceptionEl2',
  'exceptionEl3',
  'returnEl1',
  'returnEl2',
  'returnEl3',
  'tlbMiss',
  'descriptorStage1',
  'descriptorStage2',
  'device',
] as const;
/** What costs besides instructions. */
export type CostedEvent = (typeof costedEvents)[number];

/** Anything that has a cost. */
export type CostItem = InstructionClass | CostedEvent;

/** A number and where it is from. */
export interface Cost {
  /** Cycles of one, in quarters. */
  readonly cycles: number;
  /** A publication, or `estimate` and why. */
  readonly source: string;
}

/**
 * What software in TypeScript costs besides the operations of its port, which cost what the instructions cost that they stand for: what
 * machine code in its place would execute that nobody counts.
 */
export interface SoftwareCosts {
  /** For each call: general registers saved and restored, the way to what handles it. */
  readonly call: Cost;
  /** For each operation of the port: what is computed before it is known what to do. */
  readonly operation: Cost;
}

/** What things cost on some processor. */
export interface CostProfile {
  readonly name: string;
  /** What it stands for, and what it leaves out. */
  readonly text: string;
  readonly costs: Readonly<Record<CostItem, Cost>>;
  /** Nothing when absent. */
  readonly software?: SoftwareCosts;
}

/** Units of a cycle: costs are whole numbers of them. */
export const UNITS_PER_CYCLE = 4;

/** The cycles that counts cost by a profile. */
export function cycles(counts: Readonly<Partial<Record<CostItem, number>>>, { costs }: CostProfile): number {
  let sum = 0;
  for (const item of [...instructionClasses, ...costedEvents])
    sum += (counts[item] ?? 0) * costs[item].cycles;
  return sum;
}

/** Throws a RangeError unless all costs are quarters of cycles that an engine can count, and instructions cost something. */
export function checkCostProfile({ name, costs, software }: CostProfile): void {
  const besides = software === undefined ? [] : Object.entries(software);
  const all = [...instructionClasses, ...costedEvents].map((item) => [item, costs[item]] as const);
  for (const [item, { cycles: cost, source }] of [
    ...all,
    ...besides.map(([what, value]) => [`software.${what}`, value as Cost] as const),
  ]) {
    const least = (instructionClasses as readonly string[]).includes(item) ? 1 : 0;
    const units = cost * UNITS_PER_CYCLE;
    if (!Number.isInteger(units) || units < least || units > 4000)
      throw new RangeError(
        `${name}: ${item} must cost ${least === 1 ? 'a quarter of a cycle' : '0'} to 1000 cycles in quarters, but costs ${cost}`,
      );
    if (source === '') throw new RangeError(`${name}: ${item} has no source`);
  }
}
