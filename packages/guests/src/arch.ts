// The architecture image: exceptions and translation, one line for each case. `arch/` is its source.
import type { Guest } from './guest.ts';

/** Where the Image of {@link arch} is: a file below Node, an asset to fetch in a browser. */
export const archImage: URL = new URL('../images/arch.img', import.meta.url);

/** Where the ELF file of {@link arch} is, with symbols. */
export const archElf: URL = new URL('../images/arch.elf', import.meta.url);

/**
 * Runs exceptions of every class, stage 1 and stage 2 faults of every type and level, traps, interrupts and address
 * translation operations, and prints for each what became of it. It has no command line.
 */
export const arch: Guest = {
  name: 'arch',
  description: 'exceptions and translation: one line for each case, to compare machines by',
  image: archImage,
  elf: archElf,
  loadAddress: 0x4020_0000,
  bootargs: [],
};

/** What {@link arch} prints when it is entered at one exception level. */
export interface ArchRecord {
  /** The exception level that the image is entered at: 2 on a machine with EL2, else 1. */
  readonly entryLevel: 1 | 2;
  /** The console's text on QEMU 7.2, `-M virt -cpu cortex-a57`, with plain line ends. */
  readonly recorded: URL;
  /** Where the architecture asks for another line, with the section: the second argument of `expectedLines`. */
  readonly differences: URL;
}

/** The two ways to run {@link arch}. */
export const archRecords: readonly ArchRecord[] = [
  {
    entryLevel: 1,
    recorded: new URL('../arch/expected/qemu-el1.txt', import.meta.url),
    differences: new URL('../arch/expected/differences-el1.txt', import.meta.url),
  },
  {
    entryLevel: 2,
    recorded: new URL('../arch/expected/qemu-el2.txt', import.meta.url),
    differences: new URL('../arch/expected/differences-el2.txt', import.meta.url),
  },
];

/** The lines that a CPU with 16 KiB granules prints besides, entered at EL2 (QEMU 7.2, `-cpu cortex-a35`). */
export const archGranule16k: URL = new URL('../arch/expected/qemu-el2-granule-16k.txt', import.meta.url);
