// MRS and MSR of the guest's kernel on its virtual registers (DDI 0487 D17.2): most are plain storage with the bits that the CPU has;
// those that are more have an entry in `special-registers.ts`. One handler is made for each instruction word.

import { registerById } from '@worldswitch/isa-core';
import type { SystemRegisterEntry } from '@worldswitch/isa-core';
import type { SystemRegister } from '@worldswitch/platform';

import type { Emulation } from './emulation.ts';
import { specialRegisters } from './special-registers.ts';

/** Emulates one instruction. */
export type Handler = (e: Emulation) => void;

const undefinedHere: Handler = (e) => {
  e.undefined();
};

/** The register that an MSR or MRS names: `systemId` of isa-core. */
function registerOf(word: number): SystemRegisterEntry | undefined {
  const op0 = (word >>> 19) & 3;
  return registerById((op0 << 14) | ((word >>> 5) & 0x3fff));
}

/** The name of the register of an MSR or MRS. */
export const registerNameOf = (word: number): string | undefined => registerOf(word)?.name;

/** The halves of the bits that a write changes. */
const halves = (mask: bigint): readonly [number, number] => [
  Number(mask & 0xffff_ffffn),
  Number((mask >> 32n) & 0xffff_ffffn),
];

/** Registers of parts that a VM has not: a GICv3's virtual CPU interface, and the Secure physical timer. */
const ABSENT = /^(ICH_|ICV_|CNTPS_)/;

/** The handler of an MSR (register) or MRS. */
export function moveHandler(word: number): Handler {
  const entry = registerOf(word);
  const read = (word & (1 << 21)) !== 0;
  const level = entry === undefined ? 4 : read ? entry.minRead : entry.minWrite;
  // A VM has no EL2, no EL3, and what its identification registers do not show.
  if (entry === undefined || level > 1 || ABSENT.test(entry.name)) return undefinedHere;
  return read ? readHandler(entry, word & 31) : writeHandler(entry, word & 31);
}

function readHandler(entry: SystemRegisterEntry, t: number): Handler {
  const { minRead } = entry;
  const register = entry.cell as SystemRegister;
  const special = specialRegisters[entry.name];
  const allowed = special?.user;
  const read = special?.read;
  return (e) => {
    const { vcpu, value } = e;
    if (vcpu.level < minRead) {
      e.undefined();
      return;
    }
    if (vcpu.level === 0 && allowed?.(e, false) === false) {
      e.trapped();
      return;
    }
    if (read === undefined) {
      value.lo = vcpu.get(register);
      value.hi = vcpu.getHi(register);
    } else if (read(e) === false) {
      e.undefined();
      return;
    }
    if (t !== 31) e.port.writeX(t, value.lo, value.hi);
    e.next();
  };
}

function writeHandler(entry: SystemRegisterEntry, t: number): Handler {
  const { minWrite } = entry;
  const register = entry.cell as SystemRegister;
  const [lo, hi] = halves(entry.writable);
  const special = specialRegisters[entry.name];
  const allowed = special?.user;
  const write = special?.write;
  const written = special?.written;
  return (e) => {
    const { vcpu, value } = e;
    if (vcpu.level < minWrite) {
      e.undefined();
      return;
    }
    if (vcpu.level === 0 && allowed?.(e, true) === false) {
      e.trapped();
      return;
    }
    e.port.readX(t, value);
    if (write === undefined) {
      vcpu.set(
        register,
        ((value.lo & lo) | (vcpu.get(register) & ~lo)) >>> 0,
        ((value.hi & hi) | (vcpu.getHi(register) & ~hi)) >>> 0,
      );
    } else if (write(e) === false) {
      e.undefined();
      return;
    }
    written?.(e);
    e.next();
  };
}
