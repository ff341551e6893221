// What a VM's shadow is like: its variant, the guest's memory and CPU, and bounds; and what it counts.

import { ConfigurationError } from '@worldswitch/machine';
import type { MmuFeatures } from '@worldswitch/mmu';

import type { RamRange } from './guest-ram.ts';

/**
 * How the shadow follows the guest's tables: `traced`, their pages are write-protected and each store is seen; `lazy`, at faults and TLB
 * maintenance alone; `bounded`, lazy with so many entries, the one that was not used for the longest time making room; `real`, the
 * guest's own pages hold real descriptors, and its reads of them are seen as its writes are.
 */
export type ShadowVariant = 'traced' | 'lazy' | 'bounded' | 'real';

/** The variants. */
export const SHADOW_VARIANTS: readonly ShadowVariant[] = ['traced', 'lazy', 'bounded', 'real'];

/** A variant, and how large a bounded one is. */
export interface ShadowChoice {
  readonly variant: ShadowVariant;
  /** Bounded: entries, 1 or more. 256 unless given. */
  readonly capacity?: number | undefined;
  /**
   * Bounded: how many of them, those that faulted last, may be used without being seen: 1 is the exact order of use, at a fault for each
   * change of page. Half of the capacity unless given.
   */
  readonly open?: number | undefined;
}

/** Entries of a bounded shadow where nobody says how many. */
export const SHADOW_CAPACITY = 256;
const MOST_CAPACITY = 1 << 20;

/**
 * Checks a user's choice.
 *
 * @param field - its name in the user's description
 * @throws ConfigurationError that names the field that is wrong
 */
export function checkShadowChoice(given: ShadowVariant | ShadowChoice, field = 'shadow'): ShadowChoice {
  const choice: Partial<ShadowChoice> = typeof given === 'string' ? { variant: given } : given;
  const { variant = '', capacity, open } = choice;
  const known = SHADOW_VARIANTS.find((each) => each === variant);
  if (known === undefined) {
    const there = `there is none called "${variant}"; there is ${SHADOW_VARIANTS.join(', ')}`;
    throw new ConfigurationError(typeof given === 'string' ? field : `${field}.variant`, there);
  }
  const of = (name: 'capacity' | 'open', most: number): void => {
    const value = choice[name];
    if (value === undefined) return;
    if (known !== 'bounded')
      throw new ConfigurationError(`${field}.${name}`, `is of "bounded", not "${known}"`);
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new ConfigurationError(
        `${field}.${name}`,
        `must be a whole number, 1 to ${most}, but is ${String(value)}`,
      );
  };
  of('capacity', MOST_CAPACITY);
  of('open', capacity ?? SHADOW_CAPACITY);
  if (known !== 'bounded') return { variant: known };
  const entries = capacity ?? SHADOW_CAPACITY;
  return { variant: known, capacity: entries, open: open ?? Math.ceil(entries / 2) };
}

/** What a VM's shadow is like. */
export interface ShadowOptions {
  readonly variant: ShadowVariant;
  /** The guest's memory; everything else is devices. */
  readonly ram: readonly RamRange[];
  /** Memory that the hypervisor puts into the guest's address space (`plant`), at physical addresses where the guest has nothing. */
  readonly planted?: RamRange | undefined;
  readonly vcpus: number;
  /** Whose translated code its kernel has: its number in `HostSpaceOptions.translated`, 0 unless given. */
  readonly guest?: number;
  /** Of the virtual CPU: what its identification registers say. */
  readonly features?: Partial<MmuFeatures>;
  /** Pages for tables: when there are no more, everything is forgotten. 2048 unless given. */
  readonly quota?: number;
  /** Bounded: entries. 256 unless given. */
  readonly capacity?: number;
  /** Bounded: how many entries may be used without being seen. 1 is the exact order of use, at a fault for each change of page; 1 unless given. */
  readonly open?: number;
  /** Log2 of the largest block to use: 30 unless given. */
  readonly largest?: 12 | 21 | 30;
}

/** What was counted. */
export interface ShadowCounters {
  /** Faults of which the guest sees nothing: something was not in the shadow. */
  hidden: number;
  /** Bounded: faults that only say that an entry was used. */
  touches: number;
  /** Faults of the guest's own. */
  faults: number;
  /** Accesses where the guest has no memory. */
  mmio: number;
  /** Writes to tables of the guest that were seen. */
  tracedWrites: number;
  /** Real: reads of them. */
  tracedReads: number;
  /** Maintenance operations of the guest. */
  syncs: number;
  /** Leaves that were put in. */
  fills: number;
  /** Bounded: leaves that made room. */
  evictions: number;
  /** Times that everything was forgotten for lack of tables. */
  flushes: number;
  /** Times that the hypervisor's hole moved. */
  holes: number;
}

/** Counters at zero. */
export const noShadowCounters = (): ShadowCounters => ({
  hidden: 0,
  touches: 0,
  faults: 0,
  mmio: 0,
  tracedWrites: 0,
  tracedReads: 0,
  syncs: 0,
  fills: 0,
  evictions: 0,
  flushes: 0,
  holes: 0,
});

/** Checks what was asked for. */
export function checkShadowOptions(
  options: ShadowOptions,
): Required<Omit<ShadowOptions, 'features' | 'planted' | 'guest'>> {
  const { variant, ram, vcpus } = options;
  const { quota = 2048, capacity = SHADOW_CAPACITY, open = 1, largest = 30 } = options;
  const within = (name: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be an integer of ${least} to ${most}, but is ${value}`);
    }
  };
  if (!SHADOW_VARIANTS.includes(variant)) throw new RangeError(`no variant is called ${variant as string}`);
  within('vcpus', vcpus, 1, 512);
  within('quota', quota, 16 + 8 * vcpus, 1 << 20);
  within('capacity', capacity, 1, MOST_CAPACITY);
  within('open', open, 1, capacity);
  if (![12, 21, 30].includes(largest)) throw new RangeError('largest must be 12, 21 or 30');
  return { variant, ram, vcpus, quota, capacity, open, largest };
}
