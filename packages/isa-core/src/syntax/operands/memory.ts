import type { OperandFormat } from '../format.ts';

/** By the names that templates use. */
export const memoryFormats: Readonly<Record<string, OperandFormat>> = {};
