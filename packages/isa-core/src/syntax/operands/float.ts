import type { OperandFormat } from '../format.ts';

/** By the names that templates use. */
export const floatFormats: Readonly<Record<string, OperandFormat>> = {};
