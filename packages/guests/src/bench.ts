// The benchmarks' image and what its kernels are. `bench/` is their source.
import type { Guest } from './guest.ts';

/**
 * Kernels that do the same work again and again, and print where it begins and ends. A unit of work begins from the same state each
 * time, so that its checksum is the same for any number of units and on any machine.
 */
export const bench: Guest = {
  name: 'bench',
  description: 'benchmarks: kernels of arithmetic, memory, calls, vectors, and what operating systems do',
  image: new URL('../images/bench.img', import.meta.url),
  elf: new URL('../images/bench.elf', import.meta.url),
  loadAddress: 0x4020_0000,
  bootargs: [
    {
      word: 'bench:KERNEL,UNITS[,LAP[,1]]',
      meaning:
        'so many units of a kernel, with a line after every LAP of them; with 1 the guest waits for a character after each line; without any word, one unit of each',
    },
  ],
};

/** One of the kernels of {@link bench}. */
export interface BenchKernel {
  /** Its name on the command line. */
  readonly name: string;
  /** What it does. */
  readonly description: string;
  /** `hot` are small loops of ordinary code, `vector` those of vector and cryptographic instructions, `system` the rest. */
  readonly group: 'hot' | 'vector' | 'system';
  /** Instructions of one unit on a machine entered at EL1, the same on any machine. */
  readonly instructions: number;
  /** Units that take a fast emulator some tenths of a second. */
  readonly units: number;
  /** Units for emulators that are slower at this one by far; as many as for all others unless given. */
  readonly slowUnits?: number;
}

function kernel(
  name: string,
  group: BenchKernel['group'],
  instructions: number,
  units: number,
  description: string,
): BenchKernel {
  return { name, description, group, instructions, units };
}

/** All kernels, in the order in which the image runs them when its command line names none. */
export const benchKernels: readonly BenchKernel[] = [
  kernel('alu', 'hot', 140029, 20000, '64-bit shifts, exclusive or, multiplication'),
  kernel('crc', 'hot', 225301, 12000, 'CRC-32 bit by bit'),
  kernel('sha256', 'hot', 109055, 25000, 'SHA-256 in C'),
  kernel('chase-s', 'hot', 163886, 6000, 'a ring of pointers through 12 KiB'),
  kernel('chase-m', 'hot', 163886, 3000, 'the same through 384 KiB'),
  kernel('chase-l', 'hot', 1310767, 10, 'the same through 12 MiB'),
  kernel('mm', 'hot', 238051, 2500, 'a product of matrices of doubles, FMUL and FADD'),
  kernel('mmf', 'hot', 205283, 2500, 'the same with FMADD'),
  kernel('fp', 'hot', 80029, 3500, 'a chain of divisions and square roots'),
  kernel('interp', 'hot', 853025, 1200, 'an interpreter of byte code with a switch'),
  kernel('memcpy', 'hot', 81999, 8000, 'copies of 64 KiB with LDP and STP'),
  kernel('bytes', 'hot', 232780, 7000, 'length, copy and comparison of strings'),
  kernel('fib', 'hot', 204789, 4000, 'recursion'),
  kernel('simd', 'vector', 135825, 1000, 'y = a * x + y over four floats at a time'),
  kernel('core', 'hot', 527447, 2400, "a load like CoreMark's: lists, matrices, a state machine, CRC-16"),
  kernel('records', 'hot', 451896, 2400, "a load like Dhrystone's: records, strings, procedures"),
  kernel('aes', 'vector', 110650, 1000, 'AES-128 with the cryptographic instructions'),
  kernel('sha', 'vector', 162041, 2000, 'SHA-256 with the cryptographic instructions'),
  kernel('breadth', 'system', 132041, 1000, '1,500 pages of code, seventy instructions on each'),
  {
    ...kernel('shared', 'system', 220024, 6000, 'a loop that stores to the page that it runs on'),
    slowUnits: 40,
  },
  kernel('apart', 'system', 220024, 6000, 'the same loop, storing to another page'),
  kernel('unaligned', 'system', 43710, 10000, 'loads at odd addresses, some of them on two pages'),
  kernel('syscall', 'system', 58224, 1600, 'SVC from EL0 and back'),
  kernel('exception', 'system', 58544, 1600, 'BRK and translation faults, taken where they happen'),
  kernel('tlb', 'system', 122904, 400, 'one load from each of 6,144 pages'),
  kernel('remap', 'system', 8529, 4000, 'a changed descriptor, TLBI, and a load through it'),
];
