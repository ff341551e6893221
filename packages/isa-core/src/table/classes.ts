// The class of an instruction, by which profiles say what it costs: from the encoding's groups (DDI 0487 C4.1) and the fields on
// which its row is split.

import type { InstructionClass } from '@worldswitch/platform';

import { encodeFields, parseEncoding } from './encoding.ts';
import type { Case } from './table.ts';

/** A pattern of bits. */
interface Pattern {
  readonly mask: number;
  readonly value: number;
  readonly is: InstructionClass;
}
const pattern = (encoding: string, is: InstructionClass): Pattern => {
  const { mask, value } = parseEncoding(encoding);
  return { mask, value, is };
};

/** The first that fits. Divisions and multiplications come before the groups that they are in. */
const patterns: readonly Pattern[] = [
  // Data processing.
  pattern('xxx 100 xxxxxxxxxxxxxxxxxxxxxxxxxx', 'integer'),
  pattern('x0 0 11010110 xxxxx 00001 xxxxxxxxxxx', 'divide'),
  pattern('x0 0 11010110 xxxxx 010 xxxxxxxxxxxxx', 'multiply'),
  pattern('xx 0 11011 xxxxxxxxxxxxxxxxxxxxxxxx', 'multiply'),
  pattern('xxxx 101 xxxxxxxxxxxxxxxxxxxxxxxxx', 'integer'),
  // Branches, exceptions and system instructions.
  pattern('11010101000000110011 xxxx 010 11111', 'hint'),
  pattern('11010101000000110011 xxxxxxxxxxxx', 'barrier'),
  pattern('11010101000000110010 xxxxxxxxxxxx', 'hint'),
  pattern('1101010100 x 01 xxxxxxxxxxxxxxxxxxx', 'maintenance'),
  pattern('1101010100 xxxxxxxxxxxxxxxxxxxxxx', 'system'),
  pattern('xxx 101 xxxxxxxxxxxxxxxxxxxxxxxxxx', 'branch'),
  // Loads and stores.
  pattern('xx 001000 0 xxxxxxxxxxxxxxxxxxxxxxx', 'atomic'),
  pattern('xx 001000 1 1 xxxxxxxxxxxxxxxxxxxxxx', 'load'),
  pattern('xx 001000 1 0 xxxxxxxxxxxxxxxxxxxxxx', 'store'),
  pattern('11 011 0 00 xxxxxxxxxxxxxxxxxxxxxxxx', 'hint'),
  pattern('xx 011 x 00 xxxxxxxxxxxxxxxxxxxxxxxx', 'load'),
  pattern('11 111 0 xx 10 xxxxxxxxxxxxxxxxxxxxxx', 'hint'),
  pattern('xx 111 0 xx 00 xxxxxxxxxxxxxxxxxxxxxx', 'store'),
  pattern('xx 111 0 xx xx xxxxxxxxxxxxxxxxxxxxxx', 'load'),
  pattern('xxxx 1 x 0 xx 1 xxxxxxxxxxxxxxxxxxxxxx', 'load'),
  pattern('xxxx 1 x 0 xx 0 xxxxxxxxxxxxxxxxxxxxxx', 'store'),
  // Cryptography: AES, SHA by three and by two registers, PMULL of 64 bits.
  pattern('01001110 xx 10100 xxxxx 10 xxxxxxxxxx', 'crypto'),
  pattern('01011110 xx 0 xxxxx 0 xxx 00 xxxxxxxxxx', 'crypto'),
  pattern('01011110 xx 10100 xxxxx 10 xxxxxxxxxx', 'crypto'),
  pattern('0 x 001110 11 1 xxxxx 1110 00 xxxxxxxxxx', 'crypto'),
  // Scalar floating point: divisions, square roots, the rest.
  pattern('00011110 xx 1 xxxxx 0001 10 xxxxxxxxxx', 'floatDivide'),
  pattern('00011110 xx 1 000011 10000 xxxxxxxxxx', 'floatDivide'),
  pattern('x 0 x 1111 xxxxxxxxxxxxxxxxxxxxxxxxx', 'float'),
  // Vectors: FDIV, FSQRT; multiplications of three same, three different, by element.
  pattern('0 x 1 01110 0 x 1 xxxxx 111111 xxxxxxxxxx', 'floatDivide'),
  pattern('0 x 1 01110 1 x 1 00001 111110 xxxxxxxxxx', 'floatDivide'),
  pattern('0 x x 01110 xx 1 xxxxx 10010 1 xxxxxxxxxx', 'simdMultiply'),
  pattern('0 x x 01110 xx 1 xxxxx 10011 1 xxxxxxxxxx', 'simdMultiply'),
  pattern('0 x x 01110 xx 1 xxxxx 10110 1 xxxxxxxxxx', 'simdMultiply'),
  pattern('0 x x 01110 xx 1 xxxxx 1 xxx 00 xxxxxxxxxx', 'simdMultiply'),
  pattern('01 x 11110 xx 1 xxxxx 1 xxx 00 xxxxxxxxxx', 'simdMultiply'),
  pattern('0 x x 01111 xx xxxxxx xxxx x 0 xxxxxxxxxx', 'simdMultiply'),
  pattern('01 x 11111 xx xxxxxx xxxx x 0 xxxxxxxxxx', 'simdMultiply'),
  pattern('xxxx 111 xxxxxxxxxxxxxxxxxxxxxxxxx', 'simd'),
];

/** The class of a case's instructions. */
export function classOf({ row, split }: Pick<Case, 'row' | 'split'>): InstructionClass {
  const word = encodeFields(parseEncoding(row.encoding), split);
  const found = patterns.find(({ mask, value }) => (word & mask) >>> 0 === value);
  // UDF, and nothing else, is in no group.
  return found?.is ?? 'branch';
}
