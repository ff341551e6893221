// Classes of instructions: one for each case, and the right one for instructions that anybody knows.

import { describe, expect, it } from 'vitest';

import { instructionClasses } from '@worldswitch/platform';

import { assemble, cases, classOf, decode } from '../../src/index.ts';

const known: Readonly<Record<string, readonly string[]>> = {
  integer: [
    'add x0, x1, #1',
    'and x0, x1, x2',
    'lsl x0, x1, x2',
    'csel x0, x1, x2, eq',
    'adrp x0, 0',
    'rev x0, x1',
    'movz x0, #1',
  ],
  multiply: ['mul x0, x1, x2', 'smull x0, w1, w2', 'umulh x0, x1, x2', 'crc32b w0, w1, w2'],
  divide: ['udiv x0, x1, x2', 'sdiv w0, w1, w2'],
  branch: [
    'b 16',
    'bl 16',
    'b.eq 16',
    'cbz x0, 16',
    'tbz x0, #1, 16',
    'ret',
    'br x1',
    'svc #0',
    'eret',
    'udf #0',
  ],
  load: [
    'ldr x0, [x1]',
    'ldrb w0, [x1, x2]',
    'ldp x0, x1, [sp]',
    'ldr x0, 16',
    'ldr q0, [x1]',
    'ldr d0, [x1], #8',
    'ldar x0, [x1]',
    'ldtr x0, [x1]',
    'ld1 {v0.16b}, [x0]',
    'ldp q0, q1, [sp]',
    'ldrsw x0, [x1]',
  ],
  store: [
    'str x0, [x1]',
    'strb w0, [x1, x2]',
    'stp x0, x1, [sp]',
    'str q0, [x1]',
    'stlr x0, [x1]',
    'sttr x0, [x1]',
    'st1 {v0.16b}, [x0]',
    'stp q0, q1, [sp]',
    'str d0, [x1, x2]',
  ],
  atomic: ['ldxr x0, [x1]', 'stxr w0, x1, [x2]', 'ldaxp x0, x1, [x2]'],
  float: [
    'fadd d0, d1, d2',
    'fmul s0, s1, s2',
    'fmadd d0, d1, d2, d3',
    'fcmp d0, d1',
    'fcvtzs x0, d1',
    'fmov d0, x1',
    'scvtf d0, x1',
    'fcsel d0, d1, d2, eq',
  ],
  floatDivide: ['fdiv d0, d1, d2', 'fsqrt d0, d1', 'fdiv v0.2d, v1.2d, v2.2d', 'fsqrt v0.4s, v1.4s'],
  simd: [
    'add v0.4s, v1.4s, v2.4s',
    'fadd v0.4s, v1.4s, v2.4s',
    'zip1 v0.4s, v1.4s, v2.4s',
    'movi v0.16b, #1',
    'dup v0.4s, w0',
    'umov w0, v1.h[1]',
    'tbl v0.16b, {v1.16b}, v2.16b',
    'shl v0.4s, v1.4s, #1',
    'saddl v0.8h, v1.8b, v2.8b',
    'addv s0, v1.4s',
    'ext v0.16b, v1.16b, v2.16b, #1',
  ],
  simdMultiply: [
    'mul v0.4s, v1.4s, v2.4s',
    'mla v0.4s, v1.4s, v2.4s',
    'smull v0.8h, v1.8b, v2.8b',
    'fmul v0.4s, v1.4s, v2.s[1]',
    'sqdmulh v0.4s, v1.4s, v2.4s',
    'mul v0.4s, v1.4s, v2.s[1]',
  ],
  crypto: ['aese v0.16b, v1.16b', 'sha256h q0, q1, v2.4s', 'sha1h s0, s1', 'pmull v0.1q, v1.1d, v2.1d'],
  system: ['mrs x0, sctlr_el1', 'msr sctlr_el1, x0', 'mrs x0, nzcv', 'msr daifset, #2'],
  barrier: ['dsb sy', 'dmb ish', 'isb'],
  maintenance: ['tlbi vmalle1', 'ic ivau, x0', 'dc zva, x0'],
  hint: ['nop', 'wfi', 'clrex', 'prfm pldl1keep, [x0]', 'yield'],
};

describe('the class of', () => {
  it.each(Object.entries(known))('%s', (is, lines) => {
    for (const line of lines) {
      const found = decode(assemble(line));
      const entry = cases[found?.caseId ?? -1];
      expect(entry && classOf(entry), line).toBe(is);
    }
  });

  it('every case is known, and every class has some', () => {
    const classes = new Set(cases.map(classOf));
    expect([...classes].sort()).toEqual([...instructionClasses].sort());
  });
});
