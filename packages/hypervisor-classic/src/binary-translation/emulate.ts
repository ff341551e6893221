// Instructions that translated code calls out: those of trap-and-emulate, and what would not have trapped there: SVC, which is the
// translator's own, and LDTR and STTR to the upper half, which need the permissions of the virtual EL0 (DDI 0487 C3.2.5).

import { Fault } from '@worldswitch/platform';
import type { Width, Word64 } from '@worldswitch/platform';

import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import type { Instructions } from '../trap-and-emulate/instructions.ts';

const EC_SVC = 0x15;
const EC_DATA_ABORT = 0x24;
const WNR = 0x40;
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

function unprivileged(e: Emulation, word: number): void {
  const { port, vcpu, vm } = e;
  const [size, how] = [word >>> 30, (word >>> 22) & 3];
  const write = how === 0;
  find(e, word);
  const kind = write ? AccessKind.Write : AccessKind.Read;
  const answer = vm.memory.translate(port, vcpu, address, kind, false);
  const status = answer === Answer.Abort ? vm.memory.status : EXTERNAL;
  const pa = vm.hostOf(vm.memory.ipa);
  if (answer !== Answer.Retry || pa < 0) {
    e.raise(EC_DATA_ABORT, (write ? WNR : 0) | status, address, EC_DATA_ABORT + 1);
    return;
  }
  const at: Word64 = { lo: pa >>> 0, hi: Math.floor(pa / 2 ** 32) };
  const width = (1 << size) as Width | 8;
  const t = word & 31;
  if (write) {
    port.readX(t, value);
    if (port.store(at, width, value.lo, value.hi) !== Fault.None) throw new Error('guest memory is gone');
  } else {
    if (port.load(at, width, value) !== Fault.None) throw new Error('guest memory is gone');
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
