// Instructions that translated code calls out: those of trap-and-emulate, and what would not have trapped there: SVC, which is the
// translator's own, and LDTR and STTR where the kernel has pages of its own, which need the permissions of the virtual EL0 (DDI 0487 C3.2.5).

import { Fault } from '@worldswitch/platform';
import type { Width, Word64 } from '@worldswitch/platform';

import { Sctlr } from '../trap-and-emulate/controls.ts';
import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { SCTLR_EL1 } from '../trap-and-emulate/handles.ts';
import type { Instructions } from '../trap-and-emulate/instructions.ts';

const EC_SVC = 0x15;
const EC_DATA_ABORT = 0x24;
const WNR = 0x40;
const PAGE = 0x1000;
/** A synchronous external abort: what is no memory answers unprivileged accesses of a kernel with that. */
const EXTERNAL = 0x10;

/** Emulates one; its name for the ledger. */
export function emulateCalledOut(e: Emulation, word: number, instructions: Instructions): string {
  if ((word & 0xffe0_001f) >>> 0 === 0xd400_0001) {
    e.next();
    e.raise(EC_SVC, (word >>> 5) & 0xffff);
    return 'svc';
  }
  if ((word & 0x3f20_0c00) >>> 0 === 0x3800_0800) {
    unprivileged(e, word);
    return 'unprivileged';
  }
  return instructions.run(e, word);
}

const address: Word64 = { lo: 0, hi: 0 };
const value: Word64 = { lo: 0, hi: 0 };

/** The address of LDTR and STTR: a base register and nine bits. */
function find(e: Emulation, word: number): void {
  const base = (word >>> 5) & 31;
  const offset = (((word >>> 12) & 0x1ff) << 23) >> 23;
  if (base === 31) e.vcpu.readSp(e.port, e.vcpu.spSel, address);
  else e.port.readX(base, address);
  const lo = address.lo + offset;
  address.hi = (address.hi + Math.floor(lo / 2 ** 32)) >>> 0;
  address.lo = lo >>> 0;
}

/** Translates the first byte of a page's part of the access; the guest's abort, and false, where it may not be made. */
function mayAccess(e: Emulation, va: Readonly<Word64>, write: boolean): boolean {
  const { port, vcpu, vm } = e;
  const kind = write ? AccessKind.Write : AccessKind.Read;
  const answer = vm.memory.translate(port, vcpu, va, kind, false);
  if (answer === Answer.Retry) return true;
  const status = answer === Answer.Abort ? vm.memory.status : EXTERNAL;
  e.raise(EC_DATA_ABORT, (write ? WNR : 0) | status, va, EC_DATA_ABORT + 1);
  return false;
}

const behind: Word64 = { lo: 0, hi: 0 };
const byte: Word64 = { lo: 0, hi: 0 };

function unprivileged(e: Emulation, word: number): void {
  const { port, vcpu, vm } = e;
  const { memory } = vm;
  const [size, how, t] = [word >>> 30, (word >>> 22) & 3, word & 31];
  const write = how === 0;
  const width = (1 << size) as Width | 8;
  find(e, word);
  const kind = write ? AccessKind.Write : AccessKind.Read;
  const answer = memory.translate(port, vcpu, address, kind, false);
  if (answer === Answer.Abort) {
    e.raise(EC_DATA_ABORT, (write ? WNR : 0) | memory.status, address, EC_DATA_ABORT + 1);
    return;
  }
  const { ipa } = memory;
  const sctlr = vcpu.get(SCTLR_EL1);
  const strict = address.lo % width !== 0 && (memory.isDevice || (sctlr & Sctlr.A) !== 0);
  // Devices, what must be aligned and is not, and what is big-endian take their time.
  if (answer !== Answer.Retry || strict || (sctlr & Sctlr.EE) !== 0) {
    vm.mmio.emulate(e, word, address, ipa, write, answer !== Answer.Device);
    return;
  }
  // Bytes in the first page: each page is translated for itself.
  const here = Math.min(width, PAGE - (ipa % PAGE));
  let next = ipa + here;
  if (here < width) {
    behind.lo = (address.lo + here) >>> 0;
    behind.hi = (address.hi + (behind.lo < here ? 1 : 0)) >>> 0;
    if (!mayAccess(e, behind, write)) return;
    next = memory.ipa;
  }
  const { shadow } = memory;
  let fault: Fault = Fault.None;
  if (write) port.readX(t, value);
  if (here === width)
    fault = write ? shadow.store(port, ipa, width, value.lo, value.hi) : shadow.load(port, ipa, width, value);
  else {
    if (!write) value.lo = value.hi = 0;
    for (let i = 0; i < width && fault === Fault.None; i++) {
      const at = i < here ? ipa + i : next + i - here;
      const shift = 8 * (i & 3);
      if (write) fault = shadow.store(port, at, 1, ((i < 4 ? value.lo : value.hi) >>> shift) & 0xff, 0);
      else {
        fault = shadow.load(port, at, 1, byte);
        if (i < 4) value.lo = (value.lo | (byte.lo << shift)) >>> 0;
        else value.hi = (value.hi | (byte.lo << shift)) >>> 0;
      }
    }
  }
  if (fault !== Fault.None) throw new Error('guest memory is gone');
  if (!write) {
    extend(size, how);
    port.writeX(t, value.lo, value.hi);
  }
  e.next();
}

/** LDTRSB, LDTRSH, LDTRSW: `how` 2 extends to 64 bits, 3 to 32. */
function extend(size: number, how: number): void {
  if (how < 2 || size > 2) return;
  const shift = 32 - (8 << size);
  const lo = (value.lo << shift) >> shift;
  value.lo = lo >>> 0;
  value.hi = how === 2 && lo < 0 ? 0xffff_ffff : 0;
}
