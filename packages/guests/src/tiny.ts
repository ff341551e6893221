// The small kernel: `tiny/` is its source, `images/tiny.*` its build.
import type { Guest } from './guest.ts';

/** Where the Image of {@link tiny} is: a file below Node, an asset to fetch in a browser. */
export const tinyImage: URL = new URL('../images/tiny.img', import.meta.url);

/** Where the ELF file of {@link tiny} is, with symbols. */
export const tinyElf: URL = new URL('../images/tiny.elf', import.meta.url);

/** A small kernel with processes, pipes, demand paging, a shell, a self-test and micro-benchmarks. */
export const tiny: Guest = {
  name: 'tiny',
  description: 'a small kernel: processes, pipes, demand paging, a shell, a self-test, benchmarks',
  image: tinyImage,
  elf: tinyElf,
  loadAddress: 0x4020_0000,
  bootargs: [
    { word: 'selftest', meaning: 'checks the kernel: one line for each check, then a sum' },
    { word: 'selftest-broken', meaning: 'as selftest, with one check more, which fails' },
    { word: 'bench', meaning: 'micro-benchmarks: one line for each' },
    { word: 'poweroff', meaning: 'ends the machine; without it the shell follows' },
  ],
};
