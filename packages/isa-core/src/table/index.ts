// The instruction table and the decoder.

export { classOf } from './classes.ts';
export { decode } from './decoder.ts';
export type { Decoded } from './decoder.ts';
export { encodeFields, fieldsOf, parseEncoding } from './encoding.ts';
export type { Encoding, Field } from './encoding.ts';
export { row } from './row.ts';
export type { AnyRow, AsmForm, FieldName, Fields, Row } from './row.ts';
export { cases, rows } from './table.ts';
export type { Case } from './table.ts';
