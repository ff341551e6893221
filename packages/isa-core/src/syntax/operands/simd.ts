import type { OperandFormat } from '../format.ts';

/** By the names that templates use. */
export const simdFormats: Readonly<Record<string, OperandFormat>> = {};
