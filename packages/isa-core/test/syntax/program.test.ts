// Assembly of single lines that no disassembler writes, and of whole programs.

import { describe, expect, it } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { assemble, AssemblyError, assembleProgram, disassemble } from '../../src/syntax/index.ts';
import { gnuAssemble, gnuProgram } from './binutils.ts';

const tools = requireTool('aarch64-linux-gnu-as', 'aarch64-linux-gnu-ld', 'aarch64-linux-gnu-objcopy');

/** Lines that people write: other names, numbers in other bases, defaults left out. */
const written = `
  add x0, x1, #0x1000
  ADD X0, X1, X2 // a comment
  add x0,sp,x1,lsl #2
  add sp, sp, x2, uxtx #0
  and x0, x1, #-16
  and w0, w1, #0xfffffff0
  mov w0, #-1
  mov x1, -3
  mov x2, #0xffffffff
  mov x1, sp
  mov wsp, w1
  movz x0, #1, lsl #16
  movk x1, #3
  lsl x0, x1, #0
  lslv x0, x1, x2
  cset x0, hs
  b.lo 8
  mrs x0, S3_0_C0_C0_5
  msr S3_3_C4_C2_0, x0
  msr daifset, #2
  sys #3, c7, c4, #1, x2
  tlbi vmalle1
  isb
  dmb #11
  hint #0
  svc 0x10
  ldr x0, [x1, #0]
  ldr x0, [x1, x2]
  ldr x0, [x1, x2, sxtx #3]
  ldrb w0, [x1, x2, lsl #0]
  ldr x0, [x1, #-8]
  prfm #5, [x0, #8]
  fmov s0, #-2.5
  add x0, x1, x2, lsl#3
  ldr x0, [x1, w2,  uxtw#3]
  add x0, x1, #-16
  add w0, wsp, -4096
  sub sp, sp, #-0x20
  adds x0, x1, #-1
  subs x0, x1, #-1, lsl #12
  cmp w1, #-1
  cmn x1, #-4095
  movi v1.8h, #3, lsl #0
  mvni v1.2s, #3, lsl #0
  bic v1.4s, #3, lsl #0
  movi v1.16b, #-1
  mov v1.s[0x1], w2
  fmov d0, xzr
  ret`
  .trim()
  .split('\n')
  .map((line) => line.trim());

/** Lines that must be refused, and why. */
const refused: readonly (readonly [string, string])[] = [
  ['', 'no instruction is called'],
  ['frob x0', 'no instruction is called frob'],
  ['add x0, x1, w2', 'add takes no such operands'],
  ['add x0, x1, #4097', 'add takes no such operands'],
  ['add x0, x1, #0x1000, lsl #0', 'add takes no such operands'],
  ['add x0, x1, x31', 'add takes no such operands'],
  ['add w0, w1, w2, lsl #32', 'add takes no such operands'],
  ['and w0, w0, #0x100000001', 'and takes no such operands'],
  ['and x0, x0, #0', 'and takes no such operands'],
  ['mov w0, #0x100000000', 'mov takes no such operands'],
  ['ldr x0, [x1, #32768]', 'ldr takes no such operands'],
  ['b 2', 'b takes no such operands'],
  ['b 0x8000000', 'b takes no such operands'],
  ['tbz w0, #32, 8', 'tbz takes no such operands'],
  ['ret x32', 'ret takes no such operands'],
  ['nop nop', 'nop takes no such operands'],
  ['add x0, x1, #-4097', 'add takes no such operands'],
  ['movi v1.16b, #-129', 'movi takes no such operands'],
  ['mov v0.b[#1], w2', 'mov takes no such operands'],
  [`add x0, x1, #${'9'.repeat(1000)}`, 'a line of 1013 characters is no instruction'],
  ['__proto__ x0', 'no instruction is called __proto__'],
];

const program = `
// Fills a table with the squares of its indices.
start:  adrp x0, table          // its page
        add  x0, x0, :lo12:table
        mov  x1, #0
loop:   mul  x2, x1, x1
        str  w2, [x0, x1, lsl #2]
        add  x1, x1, #1
        cmp  x1, #4
        b.ne loop
        ldr  x3, pointer
        tbnz w3, #0, start
        cbz  x3, done
        bl   start
done:   b    done
pointer: .quad table, -1
table:
.again: .word 1, 0xffffffff, -2, start
        adr  x4, .again
        .byte 1, -1, 0xfe
        .align 3                // zeros, then NOPs
text:   .ascii "a//b, \\n\\101\\"\\\\", "é" // a comment
        .asciz "", "end"
        .balign 4
        .hword 0x1234, -2
        .space 5
        .Align 2
ne:     cset x0, ne
        ldr  w1, text
`;

describe('assemble', () => {
  tools.test('takes what people write, as binutils does', async () => {
    const theirs = await gnuAssemble(written);
    expect(written.map((line) => [line, assemble(line)])).toEqual(
      written.map((line, i) => [line, theirs[i]]),
    );
  });

  for (const [line, why] of refused) {
    it(`refuses "${line.slice(0, 40)}"`, () => {
      expect(() => assemble(line)).toThrow(AssemblyError);
      expect(() => assemble(line)).toThrow(why);
    });
  }

  it('takes targets from the address of the instruction', () => {
    expect(disassemble(assemble('b 0x4000', 0x5000), 0x5000)).toBe('b 0x4000');
    expect(disassemble(assemble('adrp x1, 0x7000', 0x5004), 0x5004)).toBe('adrp x1, 0x7000');
    expect(disassemble(assemble('cbz x1, 0x5004', 0x5004), 0x6000)).toBe('cbz x1, 0x6000');
  });
});

describe('assembleProgram', () => {
  for (const base of [0, 0x4008_0000]) {
    tools.test(`makes what binutils makes at 0x${base.toString(16)}`, async () => {
      expect([...assembleProgram(program, base).words]).toEqual([...(await gnuProgram(program, base))]);
    });
  }

  it('says where labels are', () => {
    const { labels, base } = assembleProgram(program, 0x1000);
    expect(base).toBe(0x1000);
    expect([...labels].slice(0, 6)).toEqual([
      ['start', 0x1000],
      ['loop', 0x100c],
      ['done', 0x1030],
      ['pointer', 0x1034],
      ['table', 0x1044],
      ['.again', 0x1044],
    ]);
  });

  it('names the line of what is wrong', () => {
    expect(() => assembleProgram('nop\nb nowhere')).toThrow('line 2: "b nowhere": b takes no such operands');
    expect(() => assembleProgram('a: nop\n\na: nop')).toThrow('line 3: the label a stands twice');
    expect(() => assembleProgram('.word 1, x')).toThrow('line 1: "x" is no number and no label');
    expect(() => assembleProgram('.word 0x100000000')).toThrow('line 1: 0x100000000 has more than 32 bits');
    expect(() => assembleProgram('nop', 2)).toThrow('2 is no address of an instruction');
    expect(() => assembleProgram('nop', -4)).toThrow('-4 is no address of an instruction');
    expect(() => assembleProgram('nop\nx1: nop')).toThrow('line 2: the label x1 has the name of a register');
    expect(() => assembleProgram('.byte 1\nnop')).toThrow('line 2: an instruction cannot stand at 0x1');
    expect(() => assembleProgram('\n.globl x')).toThrow('line 2: no directive is called .globl: there are');
    expect(() => assembleProgram('.ascii "a')).toThrow('line 1: "a is no string in quotes');
    expect(() => assembleProgram('.ascii "\\q"')).toThrow('line 1: "\\q": there is no escape \\q');
    expect(() => assembleProgram('.align 60')).toThrow('line 1: "60" is no number up to 16');
    expect(() => assembleProgram('.balign 3')).toThrow('line 1: "3" is no power of two');
    expect(() => assembleProgram('.space 1e9')).toThrow('line 1: "1e9" is no number up to');
    expect(() => assembleProgram('.space 0x1000000\n'.repeat(9))).toThrow('line 5: the program has more');
  });

  it('ends a program that is no multiple of four bytes with zeros', () => {
    expect([...assembleProgram('.byte 1, 2, 3, 4, 0xff').words]).toEqual([0x0403_0201, 0xff]);
    expect([...assembleProgram('').words]).toEqual([]);
  });
});
