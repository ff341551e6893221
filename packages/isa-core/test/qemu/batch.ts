// A batch: a file that `harness.c` maps at a fixed address. It holds chunks of 128 slots of code, then their 128 blocks of state.
// A slot loads its block's registers, executes one or two instructions under test, and saves what is left of them.

/** Address of the file. */
const BASE = 0x10_0000_0000;
/** The harness's routines. */
const FIRST = 4096;
const SLOT = 64;
const SLOTS = 128;
const BLOCK = 1280;
const CODE = SLOT * SLOTS;
const CHUNK = CODE + BLOCK * SLOTS;

/** Offsets in a block. */
export const Block = {
  x: 0,
  sp: 248,
  nzcv: 256,
  fpcr: 264,
  fpsr: 272,
  signal: 280,
  taken: 284,
  next: 288,
  v: 304,
  window: 1024,
  size: BLOCK,
} as const;
/** Bytes of memory that the instructions under test may access. */
export const WINDOW = 256;
/** A branch under test goes here, relative to itself, or on to the next instruction. */
export const TAKEN = 0x14;
/** The slot's second instruction, relative to the first. */
const UNDER_TEST = 0x0c;
const NOP = 0xd503_201f;

/** Addresses of one slot. */
export interface Place {
  /** The first instruction under test. */
  readonly pc: bigint;
  /** The window. */
  readonly window: bigint;
  /** Offset of the block in the file. */
  readonly block: number;
  /** Offset of the slot in the file. */
  readonly slot: number;
}

/** Where slot `i` lies. */
export function placeOf(i: number): Place {
  const chunk = FIRST + Math.floor(i / SLOTS) * CHUNK;
  const slot = chunk + (i % SLOTS) * SLOT;
  const block = chunk + CODE + (i % SLOTS) * BLOCK;
  return { pc: BigInt(BASE + slot + UNDER_TEST), window: BigInt(BASE + block + Block.window), block, slot };
}

/** Bytes of a batch of `count` slots. */
export const batchSize = (count: number): number => FIRST + Math.ceil(count / SLOTS) * CHUNK;

const branch = (link: boolean, from: number, to: number): number =>
  ((link ? 0x9400_0000 : 0x1400_0000) | (((to - from) >> 2) & 0x03ff_ffff)) >>> 0;
const adr = (rd: number, from: number, to: number): number => {
  const offset = to - from;
  return (0x1000_0000 | ((offset & 3) << 29) | (((offset >> 2) & 0x7_ffff) << 5) | rd) >>> 0;
};
const ldrLiteral = (rt: number, from: number, to: number): number =>
  (0x5800_0000 | (((to - from) >> 2) << 5) | rt) >>> 0;
const MSR_TPIDR_X30 = 0xd51b_d05e;
/** The routines' entries in the first page. */
const Routine = { load: 0, save: 4, saveTaken: 8, finish: 12 } as const;

/** Writes the code of slot `i` of `count`, and the link to the next. The rest of its block is the caller's. */
export function writeSlot(file: DataView, i: number, count: number, instructions: readonly number[]): void {
  const { slot, block } = placeOf(i);
  const [first = NOP, second = NOP] = instructions;
  const words = [
    adr(0, slot, block),
    branch(true, slot + 4, Routine.load),
    ldrLiteral(30, slot + 8, block + 240),
    first,
    second,
    MSR_TPIDR_X30,
    adr(30, slot + 0x18, block),
    branch(false, slot + 0x1c, Routine.save),
    MSR_TPIDR_X30,
    adr(30, slot + 0x24, block),
    branch(false, slot + 0x28, Routine.saveTaken),
  ];
  words.forEach((word, n) => {
    file.setUint32(slot + 4 * n, word, true);
  });
  const next = i + 1 < count ? placeOf(i + 1).slot : Routine.finish;
  file.setBigUint64(block + Block.next, BigInt(BASE + next), true);
  file.setUint32(block + Block.signal, 0, true);
}
