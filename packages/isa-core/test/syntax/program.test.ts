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
`;

describe('assemble', () => {
  tools.test('takes what people write, as binutils does', async () => {
    const theirs = await gnuAssemble(written);
    expect(written.map((line) => [line, assemble(line)])).toEqual(
      written.map((line, i) => [line, theirs[i]]),
    );
  });

  for (const [line, why] of refused) {
    it(`refuses "${line}"`, () => {
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
    expect([...labels]).toEqual([
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
  });
});
