// A shadow as plain data, and the checks of what comes back: the tables themselves are in the machine's memory.

import type { RegimeControls } from '@worldswitch/mmu';
import { bits, flag, list, nullable, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import { MONITOR_NUMBERS } from './guest-memory.ts';

/** Translation registers. */
export type RegistersState = Readonly<Record<keyof RegimeControls, number>>;

/** A half: lists of numbers hold so many for each table (key, address), leaf (address, log2 of the size, guest's address, flags), split and use. */
export type HalfState = Readonly<{
  id: number;
  upper: boolean;
  view: number;
  registers: RegistersState;
  root: number;
  /** 512 in the lower range. */
  hole: number;
  retired: boolean;
  lastUse: number;
  strays: number;
  asids: readonly number[];
  tables: readonly number[];
  /** Keys of the tables that are the guest's own. */
  borrowed: readonly number[];
  leaves: readonly number[];
  splits: readonly number[];
  uses: readonly number[];
}>;

/** A leaf, by its half and its address there. */
export type LeafState = Readonly<{ half: number; offset: number }>;

/** What a virtual CPU's last instruction accessed. */
export type InstructionState = Readonly<{
  pcLo: number;
  pcHi: number;
  /** Where, and one more; 0 for nowhere. */
  offset: number;
  data: readonly LeafState[];
  code: LeafState | null;
}>;

/** A virtual CPU. */
export type VcpuState = Readonly<{
  registers: RegistersState;
  changed: boolean;
  entered: Readonly<{ lower: number; upper: number; asid: number }> | null;
  /** For each view one more than the index of its space; 0 where it is not known. */
  spaces: readonly number[];
}>;

/** A shadow. */
export type ShadowState = Readonly<{
  vcpus: readonly VcpuState[];
  halves: readonly HalfState[];
  spaces: readonly Readonly<{ lower: number; upper: number; asid: number; generation: number }>[];
  nextId: number;
  clock: number;
  counters: readonly number[];
  opened: readonly number[];
  /** Tables that the guest executes, where its reads of others are seen. */
  text: readonly number[];
  recent: readonly LeafState[];
  instructions: readonly InstructionState[];
  /** Load-exclusives: `MONITOR_NUMBERS` for each virtual CPU. */
  monitors: readonly number[];
  /** The guest's table pages that hardware walks: four numbers each. */
  real: readonly number[];
}>;

const MANY = 1 << 26;
const address = uint(2 ** 48 - 1);
const word = bits();
const registers = record<RegistersState>({
  sctlr: word,
  tcrLo: word,
  tcrHi: word,
  ttbr0Lo: word,
  ttbr0Hi: word,
  ttbr1Lo: word,
  ttbr1Hi: word,
  mairLo: word,
  mairHi: word,
});

/** A list of so many numbers for each element. */
function groups(size: number): Shape<readonly number[]> {
  const numbers = list(uint(), 0, MANY);
  return {
    check(from, path) {
      const all = numbers.check(from, path);
      if (all.length % size !== 0) throw new StateError(path, `must have a multiple of ${size} numbers`);
      return all;
    },
  };
}

const leaf = record<LeafState>({ half: uint(), offset: address });
const half = record<HalfState>({
  id: uint(),
  upper: flag,
  view: uint(2),
  registers,
  root: uint(2 ** 48 - PAGE),
  hole: uint(512),
  retired: flag,
  lastUse: uint(),
  strays: uint(),
  asids: list(uint(65535), 0, 65536),
  tables: groups(2),
  borrowed: groups(1),
  leaves: groups(4),
  splits: groups(2),
  uses: groups(5),
});

/** Checks a saved shadow, as far as it can be without knowing whose it is; `ShadowMmu` checks the rest. */
export const shadowShape: Shape<ShadowState> = record<ShadowState>({
  vcpus: list(
    record<VcpuState>({
      registers,
      changed: flag,
      entered: nullable(record({ lower: uint(), upper: uint(), asid: uint(65535) })),
      spaces: list(uint(), 3),
    }),
    1,
    512,
  ),
  halves: list(half, 0, 1 << 16),
  spaces: list(record({ lower: uint(), upper: uint(), asid: uint(65535), generation: uint() }), 0, 1 << 24),
  nextId: uint(),
  clock: uint(),
  counters: list(uint(), 11),
  opened: list(address, 0, MANY),
  text: list(address, 0, MANY),
  recent: list(leaf, 0, MANY),
  instructions: list(
    record<InstructionState>({
      pcLo: word,
      pcHi: word,
      offset: uint(2 ** 48),
      data: list(leaf, 0, 2),
      code: nullable(leaf),
    }),
    0,
    512,
  ),
  monitors: groups(MONITOR_NUMBERS),
  real: groups(4),
});

/** The elements of a list of groups. */
export function* grouped(all: readonly number[], size: number): Iterable<readonly number[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
