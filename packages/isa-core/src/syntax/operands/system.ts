import type { OperandFormat } from '../format.ts';

/** By the names that templates use. */
export const systemFormats: Readonly<Record<string, OperandFormat>> = {};
