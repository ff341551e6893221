// Writes decoded instructions as records.

import { DISCARD_SLOT } from '../emit/frame.ts';
import { RECORD_BYTES } from '../emit/symbol.ts';
import type { Field } from '../emit/symbol.ts';
import { decode, ZERO_SLOT } from '../isa.ts';
import type { Operand, Operands } from '../isa.ts';
import type { CaseRecord, NumberedVariant } from './build.ts';
import { Fixed } from './reasons.ts';

/** Bits of the conditions (DDI 0487 C1.2.4) by NZCV: bit `i` of a mask is set if the condition holds for NZCV = `i`. */
const conditionMasks: readonly number[] = Array.from({ length: 16 }, (_, condition) => {
  let mask = 0;
  for (let nzcv = 0; nzcv < 16; nzcv++) {
    const n = (nzcv & 8) !== 0;
    const z = (nzcv & 4) !== 0;
    const c = (nzcv & 2) !== 0;
    const v = (nzcv & 1) !== 0;
    const holds = [z, c, n, v, c && !z, n === v, n === v && !z, true][condition >> 1] === true;
    if (holds !== ((condition & 1) === 1 && condition !== 15)) mask |= 1 << nzcv;
  }
  return mask;
});

/** Writes the record of an instruction word. True if the instruction ends a block. */
export function writeRecord(
  view: DataView,
  at: number,
  word: number,
  recordOf: (caseId: number) => CaseRecord | undefined,
): boolean {
  const decoded = decode(word);
  const record = decoded === undefined ? undefined : recordOf(decoded.caseId);
  const variant = decoded && record && variantFor(record, decoded.operands);
  for (let i = 0; i < RECORD_BYTES; i += 4) view.setUint32(at + i, 0, true);
  if (decoded === undefined || variant === undefined) {
    view.setUint16(at, Fixed.step, true);
    return true;
  }
  for (const f of variant.fields) writeField(view, at + f.at, f, decoded.operands);
  view.setUint16(at, variant.number, true);
  return decoded.row.ends === 'block';
}

/** The first variant that is made for these operands. */
function variantFor(record: CaseRecord, operands: Operands): NumberedVariant | undefined {
  for (const name in operands) if (operands[name]?.kind !== record.kinds[name]) return undefined;
  return record.variants.find((v) => {
    for (const name in v.constants) if (operands[name]?.value !== v.constants[name]) return false;
    return v.excluded.every(({ name, value }) => operands[name]?.value !== value);
  });
}

function writeField(view: DataView, at: number, field: Field, operands: Operands): void {
  const o: Operand | undefined = operands[field.name];
  if (o === undefined) return;
  switch (o.kind) {
    case 'x':
      view.setUint16(at, (field.use === 'write' && o.value === ZERO_SLOT ? DISCARD_SLOT : o.value) * 8, true);
      break;
    case 'v':
      view.setUint16(at, o.value * 16, true);
      break;
    case 'cell':
      view.setUint16(at, o.value * 8, true);
      break;
    case 'small':
      view.setUint16(at, o.value, true);
      break;
    case 'cond':
      view.setUint16(at, conditionMasks[o.value] ?? 0, true);
      break;
    case 'imm':
      view.setInt32(at, o.value, true);
      break;
    case 'label':
      view.setInt32(at, field.use === 'branch' ? o.value * 4 : o.value, true);
      break;
    case 'imm64':
      view.setInt32(at, o.value, true);
      view.setInt32(at + 4, o.high, true);
      break;
  }
}
