// Assembly text, in both directions, from the `asm` forms of the table's rows. The template language:
//
// - `mnemonic operand, operand`, lower case, as binutils prints it; `\{` is a brace (register lists);
// - `<name>` is an operand format: a register (`<Xd>` and `<Wd>` are the field Rd, `<Rd>` X or W by the field sf, `|SP` where 31
//   is the stack pointer, `<Bt>` to `<Qt>` SIMD and FP registers), or one of `operands/*.ts`;
// - `{...}` is optional: printed when its operand prints something, parsed when it is there;
// - a form's `set` fixes fields, `when` says when it is printed; the first form that fits prints, the first that parses assembles.

export { assemble, AssemblyError, disassemble } from './assembly.ts';
export { assembleProgram } from './program.ts';
export type { Program } from './program.ts';
