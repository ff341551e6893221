// MRS and MSR (register) (DDI 0487 C5.1.3, C6.2.228, C6.2.230). The system-register table decides which registers are plain cells,
// which engines access directly; PSTATE, FPCR and FPSR have rows of their own; everything else is a handler.

import { checkedRegister } from '../../cpu/sysregs/checked.ts';
import type { Writable } from '../../cpu/sysregs/checked.ts';
import { lookup, registerById } from '../../cpu/sysregs/table.ts';
import { cell, small, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { idOf, SystemId } from './ids.ts';
import type { SystemFields } from './ids.ts';

const MRS = [{ text: 'mrs <Xt>, <sysreg:read>' }] as const;
const MSR = [{ text: 'msr <sysreg:write>, <Xt>' }] as const;

/** The plain cell of an encoding. */
const plainCell = (f: SystemFields): ReturnType<typeof lookup> => {
  const entry = lookup(2 + f.o0, f.op1, f.CRn, f.CRm, f.op2);
  return entry?.kind === 'cell' ? entry : undefined;
};

const readCell = row({
  name: 'MRS (plain register)',
  encoding: '110101010011 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: MRS,
  decode(f) {
    const entry = plainCell(f);
    if (entry === undefined || entry.minRead > 3) return undefined;
    return { t: X(f.Rt), c: cell(entry.cell), el: small(entry.minRead) };
  },
  execute(b, { t, c, el }) {
    b.raiseIf(b.less(b.pstate('EL'), b.int(32, el), false), 'undefined', 0);
    b.setX(t, b.cell(c));
  },
});

const writeCell = row({
  name: 'MSR (plain register)',
  encoding: '110101010001 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: MSR,
  decode(f) {
    const entry = plainCell(f);
    if (entry === undefined || entry.minWrite > 3) return undefined;
    return { t: X(f.Rt), c: cell(entry.cell), el: small(entry.minWrite) };
  },
  execute(b, { t, c, el }) {
    b.raiseIf(b.less(b.pstate('EL'), b.int(32, el), false), 'undefined', 0);
    b.setCell(c, b.x(t, 64));
  },
});

const readChecked = row({
  name: 'MRS (checked register)',
  encoding: '110101010011 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: MRS,
  decode(f) {
    const id = idOf(2 + f.o0, f);
    const group = checkedRegister(id)?.read ?? -1;
    const entry = registerById(id);
    if (entry === undefined || group < 0) return undefined;
    return { t: X(f.Rt), c: cell(entry.cell), id: small(id), group: small(group) };
  },
  execute(b, { t, c, id, group }) {
    b.handlerResultIf(b.accessTrapped(group), 'mrs', t, id);
    b.setX(t, b.cell(c));
  },
});

const writeChecked = (writable: Writable, low: number, high: number): AnyRow =>
  row({
    name: `MSR (checked register, bits ${writable})`,
    encoding: '110101010001 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    asm: MSR,
    decode(f) {
      const id = idOf(2 + f.o0, f);
      const checked = checkedRegister(id);
      const entry = registerById(id);
      if (entry === undefined || checked?.writable !== writable || checked.write < 0) return undefined;
      return { t: X(f.Rt), c: cell(entry.cell), id: small(id), group: small(checked.write) };
    },
    execute(b, { t, c, id, group }) {
      const value = b.x(t, 64);
      b.handlerIf(b.accessTrapped(group), 'msr', id, value);
      b.setCell(c, writable === '63:0' ? value : b.and(value, b.constant64(low, high)));
    },
  });

const readNzcv = row({
  name: 'MRS NZCV',
  encoding: '110101010011 1 011 0100 0010 000 Rt:5',
  asm: [{ text: 'mrs <Xt>, nzcv' }],
  decode: (f) => ({ t: X(f.Rt) }),
  execute(b, { t }) {
    b.setX(t, b.nzcvBits());
  },
});

const writeNzcv = row({
  name: 'MSR NZCV',
  encoding: '110101010001 1 011 0100 0010 000 Rt:5',
  asm: [{ text: 'msr nzcv, <Xt>' }],
  decode: (f) => ({ t: X(f.Rt) }),
  execute(b, { t }) {
    b.setFlags(b.nzcvFrom(b.x(t, 64)));
  },
});

const readDaif = row({
  name: 'MRS DAIF',
  encoding: '110101010011 1 011 0100 0010 001 Rt:5',
  asm: [{ text: 'mrs <Xt>, daif' }],
  decode: (f) => ({ t: X(f.Rt), id: small(SystemId.DAIF) }),
  execute(b, { t, id }) {
    // EL0 needs SCTLR_EL1.UMA. The handler looks.
    b.handlerResultIf(b.isZero(b.pstate('EL')), 'mrs', t, id);
    b.setX(t, b.shl(b.extend(b.pstate('DAIF'), 32, false, 64), b.int(64, 6)));
  },
});

const writeDaif = row({
  name: 'MSR DAIF',
  encoding: '110101010001 1 011 0100 0010 001 Rt:5',
  asm: [{ text: 'msr daif, <Xt>' }],
  ends: 'block',
  decode: (f) => ({ t: X(f.Rt), id: small(SystemId.DAIF) }),
  execute(b, { t, id }) {
    const value = b.x(t, 64);
    b.handlerIf(b.isZero(b.pstate('EL')), 'msr', id, value);
    const bits = b.extend(b.shr(value, b.int(64, 6)), 32, false, 32);
    b.setDaif(b.and(bits, b.int(32, 15)));
  },
});

const readCurrentEl = row({
  name: 'MRS CurrentEL',
  encoding: '110101010011 1 000 0100 0010 010 Rt:5',
  asm: [{ text: 'mrs <Xt>, currentel' }],
  decode: (f) => ({ t: X(f.Rt) }),
  execute(b, { t }) {
    const el = b.pstate('EL');
    b.raiseIf(b.isZero(el), 'undefined', 0);
    b.setX(t, b.shl(b.extend(el, 32, false, 64), b.int(64, 2)));
  },
});

/** SP_EL0 as a register: UNDEFINED at EL0, and where it is the current stack pointer. PSTATE.SP is 0 in both. */
const readSpEl0 = row({
  name: 'MRS SP_EL0',
  encoding: '110101010011 1 000 0100 0001 000 Rt:5',
  asm: [{ text: 'mrs <Xt>, sp_el0' }],
  decode: (f) => ({ t: X(f.Rt), c: cell(lookup(3, 0, 4, 1, 0)?.cell ?? 0) }),
  execute(b, { t, c }) {
    b.raiseIf(b.isZero(b.pstate('SP')), 'undefined', 0);
    b.setX(t, b.cell(c));
  },
});

const writeSpEl0 = row({
  name: 'MSR SP_EL0',
  encoding: '110101010001 1 000 0100 0001 000 Rt:5',
  asm: [{ text: 'msr sp_el0, <Xt>' }],
  decode: (f) => ({ t: X(f.Rt), c: cell(lookup(3, 0, 4, 1, 0)?.cell ?? 0) }),
  execute(b, { t, c }) {
    b.raiseIf(b.isZero(b.pstate('SP')), 'undefined', 0);
    b.setCell(c, b.x(t, 64));
  },
});

const readFpcr = row({
  name: 'MRS FPCR, FPSR',
  encoding: '110101010011 1 011 0100 0100 00 status Rt:5',
  asm: [
    { text: 'mrs <Xt>, fpcr', set: { status: 0 } },
    { text: 'mrs <Xt>, fpsr', set: { status: 1 } },
  ],
  gate: 'fp',
  split: ['status'],
  decode: (f) => ({ t: X(f.Rt) }),
  execute(b, { t }, { status }) {
    b.setX(t, status === 1 ? b.fpsr() : b.fpcr());
  },
});

/** AHP, DN, FZ and RMode: the trap enables read as zero. */
const FPCR_WRITABLE = 0x07c0_0000;
/** The flags that AArch32 shares, QC, IDC, IXC, UFC, OFC, DZC and IOC. */
const FPSR_WRITABLE = 0xf800_009f;

const writeFpcr = row({
  name: 'MSR FPCR, FPSR',
  encoding: '110101010001 1 011 0100 0100 00 status Rt:5',
  asm: [
    { text: 'msr fpcr, <Xt>', set: { status: 0 } },
    { text: 'msr fpsr, <Xt>', set: { status: 1 } },
  ],
  gate: 'fp',
  ends: 'block',
  split: ['status'],
  decode: (f) => ({ t: X(f.Rt) }),
  execute(b, { t }, { status }) {
    const value = b.x(t, 64);
    if (status === 1) b.setFpsr(b.and(value, b.constant64(FPSR_WRITABLE, 0)));
    else b.setFpcr(b.and(value, b.constant64(FPCR_WRITABLE, 0)));
  },
});

const read = row({
  name: 'MRS',
  encoding: '110101010011 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: MRS,
  ends: 'block',
  decode: (f) => ({ t: X(f.Rt), id: small(idOf(2 + f.o0, f)) }),
  execute(b, { t, id }) {
    b.handlerResult('mrs', t, id);
  },
});

const write = row({
  name: 'MSR (register)',
  encoding: '110101010001 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: MSR,
  ends: 'block',
  decode: (f) => ({ t: X(f.Rt), id: small(idOf(2 + f.o0, f)) }),
  execute(b, { t, id }) {
    b.handler('msr', id, b.x(t, 64));
  },
});

/** All of them; the general ones come last. */
export const moveRows: readonly AnyRow[] = [
  readNzcv,
  writeNzcv,
  readDaif,
  writeDaif,
  readCurrentEl,
  readSpEl0,
  writeSpEl0,
  readFpcr,
  writeFpcr,
  readCell,
  writeCell,
  readChecked,
  writeChecked('31:0', -1, 0),
  writeChecked('63:0', -1, -1),
  writeChecked('63:11', -0x800, -1),
  read,
  write,
];
