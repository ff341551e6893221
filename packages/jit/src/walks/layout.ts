// What compiled code reads and writes when an access is not in the fast TLB: the CPU's own TLB, what a walk needs, and counts.

import { tlbLayout } from '@worldswitch/mmu';

/** The largest TLB that there is room for. */
const LARGEST = { sets: 2048, ways: 4 } as const;

/** Bytes of one range of addresses. */
export const RANGE_BYTES = 48;

/** Offsets in a CPU's block of the walker. Words of 32 bits unless said. */
export const WalkLayout = {
  /** Misses are tried here at all. */
  enabled: 0,
  /** Plain accesses are EL0's; those of LDTR and STTR are. */
  user: 4,
  unprivilegedUser: 8,
  /** PSTATE.PAN. */
  pan: 12,
  /** What the current level's entries in the TLB are tagged with. */
  context: 16,
  asid: 20,
  /** The memory that is looked at: first physical address and bytes (64 bits each), place in the shared memory. */
  windowBase: 24,
  windowSize: 32,
  windowHost: 40,
  /** For an instruction that misses again and again: what was left at its last miss, and how often. */
  lastRemaining: 44,
  missesInPlace: 48,
  /** Counts since TypeScript took them over. */
  lookups: 52,
  misses: 56,
  evictions: 60,
  references: 64,
  dataMisses: 68,
  /** Whether there are walks: one range or two. */
  walks: 72,
  twoRanges: 76,
  wxn: 80,
  /** What a walk costs, and each descriptor. */
  missCost: 84,
  descriptorCost: 88,
  /** Attributes of data accesses by index: 8 bytes. */
  attributes: 96,
  /** Ranges: see `RangeLayout`. */
  ranges: 104,
  /** The TLB's arrays. */
  tlb: 256,
} as const;

/** Offsets in a range. */
export const RangeLayout = {
  /** It can be walked. */
  walks: 0,
  shift: 4,
  /** Of the index into the first table. */
  mask: 8,
  /** Which bits of tables' descriptors are inherited, of the upper half. */
  inherited: 12,
  /** 64 bits each: physical address of the first table; shifts, for the bits that are not translated and those ignored. */
  table: 16,
  inputBits: 24,
  ignoredBits: 32,
  outputBits: 40,
} as const;

/** Bytes of a walker's block. */
export const WALK_BYTES: number = Math.ceil((WalkLayout.tlb + tlbLayout(LARGEST).bytes) / 64) * 64;
