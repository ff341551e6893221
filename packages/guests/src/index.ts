// Small guests of our own for Armv8-A machines, built and ready to load.
export type { Bootarg, Guest } from './guest.ts';
export { tiny, tinyElf, tinyImage } from './tiny.ts';
export { arch, archElf, archGranule16k, archImage, archRecords } from './arch.ts';
export type { ArchRecord } from './arch.ts';
export { bench, benchKernels } from './bench.ts';
export type { BenchKernel } from './bench.ts';
export { caseRecords, el3, fuzz, interrupts, nano, probe, rtos, smp } from './cases.ts';
export type { CaseRecord } from './cases.ts';
export { compareCases, expectedLines } from './expectation.ts';
