// @worldswitch/isa-core: the A64 instruction set and the CPU. The table of contents:
//
// - the instruction table (`table/`, `rows/`) and what comes from it: `decode`, `disassemble`, `assemble`, the cases of engines;
// - `Cpu`: registers, translation, exceptions, interrupts, with its system-register table (`cpu/`);
// - `referenceEngine`: every instruction evaluated plainly on BigInts (`reference/`, `float/`).

export * from './cpu/index.ts';
export * from './reference/index.ts';
export * from './semantics/index.ts';
export * from './syntax/index.ts';
export * from './table/index.ts';
