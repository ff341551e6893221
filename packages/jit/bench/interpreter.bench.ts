// The interpreter against the same loop in C (compiled to WebAssembly by clang) and against the reference engine: ratios of one run.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { bench, describe } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { createRig, RAM } from '../test/rig.ts';

/** An instruction: A64 text, and the record of the interpreter in C: operation, d, n, m, immediate. */
type Line = readonly [text: string, op: number, d: number, n: number, m: number, imm: number];

/** 24 instructions of a mix like compiled code's: a third loads, stores and branches. */
const mix: readonly Line[] = [
  ['ldr x2, [x1]', 10, 2, 1, 0, 0],
  ['ldrb w3, [x1, #9]', 11, 3, 1, 0, 9],
  ['add x4, x2, x3', 2, 4, 2, 3, 0],
  ['eor x5, x4, x2, lsl #3', 6, 5, 4, 2, 3],
  ['ubfx x6, x5, #4, #8', 16, 6, 5, 52, 56],
  ['add x7, x6, #1', 0, 7, 6, 0, 1],
  ['str x7, [x1, #16]', 12, 7, 1, 0, 16],
  ['cmp x7, x3', 14, 0, 7, 3, 0],
  ['csel x8, x7, x3, cc', 15, 8, 7, 3, 0],
  ['madd x9, x8, x7, x9', 9, 9, 8, 7, 9],
  ['lsr x10, x9, #7', 8, 10, 9, 0, 7],
  ['and x11, x10, x4', 4, 11, 10, 4, 0],
  ['cbz x11, 8', 18, 0, 11, 0, 1],
  ['orr x12, x11, x2', 5, 12, 11, 2, 0],
  ['sub x13, x12, x3', 3, 13, 12, 3, 0],
  ['strb w13, [x1, #24]', 13, 13, 1, 0, 24],
  ['ldr x14, [x1, #16]', 10, 14, 1, 0, 16],
  ['mov x15, x14', 19, 15, 14, 0, 0],
  ['lsl x16, x15, #5', 7, 16, 15, 0, 5],
  ['add w17, w16, w13', 20, 17, 16, 13, 0],
  ['eor w9, w17, w9', 21, 9, 17, 9, 0],
  ['add x1, x1, xzr', 2, 1, 1, 32, 0],
  ['subs x0, x0, #1', 1, 0, 0, 0, 1],
  ['b.ne -92', 17, 0, 0, 0, -24],
  ['b -96', 22, 0, 0, 0, -25],
];
const SLICE = 2_000_000;

/** The interpreter in C, with the program. */
function anchor(): (instructions: number) => number {
  const out = path.join(mkdtempSync(path.join(tmpdir(), 'worldswitch-bench-')), 'switch.wasm');
  const source = path.join(import.meta.dirname, 'switch.c');
  const flags = [
    '--target=wasm32',
    '-O2',
    '-nostdlib',
    '-Wl,--no-entry',
    '-Wl,--export-all',
    '-o',
    out,
    source,
  ];
  execFileSync('clang', flags, { stdio: 'inherit' });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(out)));
  const memory = (exports['memory'] as WebAssembly.Memory).buffer;
  const at = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  const view = new DataView(memory);
  for (const [i, [, op, d, n, m, imm]] of mix.entries()) {
    [op, d, n, m].forEach((value, k) => {
      view.setUint16(at('program') + 16 * i + 2 * k, value, true);
    });
    view.setInt32(at('program') + 16 * i + 8, imm, true);
  }
  (exports['reset'] as () => number)();
  view.setBigUint64(at('x') + 8, 0x2000n, true);
  view.setBigUint64(at('x'), 1n << 40n, true);
  return exports['run'] as (instructions: number) => number;
}

const rig = createRig();
for (const [i, [text]] of mix.entries()) rig.code(RAM + 4 * i, assemble(text));
for (const { cpu } of [rig.reference, rig.fast]) {
  cpu.state.pc = BigInt(RAM);
  cpu.state.setX(0, 1n << 40n);
  cpu.state.setX(1, BigInt(RAM + 0x20000));
}

describe(`${SLICE / 1e6} million instructions of a mix`, () => {
  const inC = anchor();
  const options = { warmupIterations: 20, iterations: 50 };
  bench('the same interpreter in C', () => void inC(SLICE), options);
  bench('interpreter', () => void rig.fast.engine.run(SLICE), options);
});

describe('10 thousand instructions of a mix', () => {
  bench('reference engine', () => void rig.reference.engine.run(10_000));
  bench('interpreter', () => void rig.fast.engine.run(10_000));
});
