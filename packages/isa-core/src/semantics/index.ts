// How an instruction's semantics is written.

export type * from './builder.ts';
export * from './operands.ts';
export * from './values.ts';
