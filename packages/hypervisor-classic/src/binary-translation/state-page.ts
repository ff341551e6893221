// What translated code and the hypervisor share: a page of virtual registers, behind it the table of indirect branches. In the
// guest kernel's view TPIDRRO_EL0, which EL0 may read and not write, holds its address, and TPIDR_EL0, which EL0 may write, is where
// translated code puts the first register that it needs; the guest's own values of both are in the page. Translated code reads and
// writes the page, and so can a guest that aims at it: what is in it is the guest's, and harms nobody else.

/** A register of the guest with a place in the page: read without an exit. */
export interface PageRegister {
  readonly name: string;
  /** Bytes from the beginning of the page. */
  readonly offset: number;
  /** True where a write has no effect but the value, so that it needs no exit either. */
  readonly writable: boolean;
  /** Bits 63:32 are RES0, and are not written. */
  readonly narrow: boolean;
}

const narrow = new Set(['SPSR_EL1', 'ESR_EL1']);

const writable = [
  'SP_EL0',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'PAR_EL1',
];
const readable = [
  'VBAR_EL1',
  'SCTLR_EL1',
  'CPACR_EL1',
  'TCR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'MAIR_EL1',
  'CONTEXTIDR_EL1',
  'MIDR_EL1',
  'MPIDR_EL1',
  'REVIDR_EL1',
  'CTR_EL0',
  'CNTFRQ_EL0',
];

/** Offsets in bytes. */
export const StatePage = {
  /** PSTATE.DAIF as MRS DAIF shows it, 32 bits. */
  DAIF: 0x00,
  /** Not 0 while an interrupt waits for the guest to unmask interrupts, 32 bits. */
  PENDING: 0x04,
  /** Where a sequence keeps the guest's X15 and X17. */
  X15: 0x08,
  X17: 0x10,
  /** Number of the virtual page whose instruction caches were invalidated last, with nothing translated of it since. */
  FLUSHED: 0x20,
  /** What TLBI says of the page that was invalidated last, with nothing of it in the shadow since: bits 43:0 of its number. */
  UNSHADOWED: 0x18,
  /** The first of `pageRegisters`. */
  REGISTERS: 0x40,
  /** The tables of indirect branches, one for each context. */
  TABLE: 0x1000,
} as const;

/** The table of indirect branches: so many pairs of a guest's address and where its code is in the cache. */
export const TABLE_ENTRIES = 16384;
export const TABLE_BITS = 14;
/** Bytes of one. */
export const TABLE_BYTES: number = 16 * TABLE_ENTRIES;
/** Tables of the guest's translation that translations are remembered of. */
export const CONTEXTS = 4;
/** Bytes of page and tables. */
export const STATE_BYTES: number = StatePage.TABLE + CONTEXTS * TABLE_BYTES;

/** The registers in the page. */
export const pageRegisters: readonly PageRegister[] = [...writable, ...readable].map((name, i) => ({
  name,
  offset: StatePage.REGISTERS + 8 * i,
  writable: i < writable.length,
  narrow: narrow.has(name),
}));

/** Where in the table an address is looked for, by its lower half: bits 15:2 and 29:16 of it. */
export const tableIndex = (lo: number): number => ((lo ^ (lo >>> TABLE_BITS)) >>> 2) % TABLE_ENTRIES;
