// SVC, HVC, SMC, BRK, HLT, UDF (DDI 0487 C4.1.3).

import type { Raise } from '../../semantics/builder.ts';
import { small } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const raising = (name: string, what: Raise, opc: string, ll: string): AnyRow =>
  row({
    name,
    encoding: `11010100 ${opc} imm16:16 000 ${ll}` as '11010100 000 imm16:16 000 01',
    ends: 'block',
    asm: [{ text: `${what} <imm16>` }],
    decode: (f) => ({ i: small(f.imm16) }),
    execute(b, { i }) {
      b.raise(what, i);
    },
  });

/** Exception generation. HLT is UNDEFINED while halting debug is off (DDI 0487 H2.4). */
export const exceptionRows: readonly AnyRow[] = [
  raising('SVC', 'svc', '000', '01'),
  raising('HVC', 'hvc', '000', '10'),
  raising('SMC', 'smc', '000', '11'),
  raising('BRK', 'brk', '001', '00'),
  raising('HLT', 'hlt', '010', '00'),
  row({
    name: 'UDF',
    encoding: '0000000000000000 imm16:16',
    ends: 'block',
    asm: [{ text: 'udf <imm16:dec>' }],
    decode: (f) => ({ i: small(f.imm16) }),
    execute(b, { i }) {
      b.raise('undefined', i);
    },
  }),
];
