// Load- and store-exclusives to the guest's tables, which fault for their trace: a pair is done by the hypervisor where it sees both, with a
// monitor of the virtual CPU's own, and by the CPU where it sees the store alone (DDI 0487 B2.10, C6.2 LDXR, LDXP, STXR, STXP).

import { Fault } from '@worldswitch/platform';
import type { Word64 } from '@worldswitch/platform';

import { Sctlr } from './controls.ts';
import type { Emulation } from './emulation.ts';
import { SCTLR_EL1 } from './handles.ts';

/** All of them, with acquire and release or without. */
const [MASK, EXCLUSIVE] = [0x3f80_0000, 0x0800_0000];
const [LOAD, PAIR] = [1 << 22, 1 << 21];
const ZERO = 31;

const first: Word64 = { lo: 0, hi: 0 };
const second: Word64 = { lo: 0, hi: 0 };

/** True for an instruction word that is one. */
export const isExclusive = (word: number): boolean => (word & MASK) === EXCLUSIVE;

/** Does one to the table at the address that the last fault found, or has it tried again. */
export function exclusive(e: Emulation, word: number): void {
  const bytes = 1 << (word >>> 30);
  // The guest has rewritten the instruction since: it tries again.
  if (e.vm.memory.ipa % ((word & PAIR) !== 0 ? 2 * bytes : bytes) !== 0) return;
  if ((word & LOAD) !== 0) load(e, word, bytes);
  else store(e, word, bytes);
}

const isBigEndian = ({ vcpu }: Emulation): boolean =>
  (vcpu.get(SCTLR_EL1) & (vcpu.level === 0 ? Sctlr.E0E : Sctlr.EE)) !== 0;

/** The lowest bytes of a word the other way round. */
function reverse(word: Word64, bytes: number): void {
  const swapped = (n: number): number =>
    ((n << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0;
  if (bytes === 8) [word.lo, word.hi] = [swapped(word.hi), swapped(word.lo)];
  else word.lo = swapped(word.lo) >>> (8 * (4 - bytes));
}

function load(e: Emulation, word: number, bytes: number): void {
  const { port, vcpu, vm } = e;
  const { ipa, shadow } = vm.memory;
  const pair = (word & PAIR) !== 0;
  if (
    shadow.memory.loadExclusive(port, vcpu.index, ipa, pair ? 2 * bytes : bytes, first, second) !== Fault.None
  )
    return;
  if (pair && bytes === 4) [second.lo, first.hi] = [first.hi, 0];
  if (isBigEndian(e)) for (const part of [first, second]) reverse(part, bytes);
  put(e, word & 31, bytes, first);
  if (pair) put(e, (word >>> 10) & 31, bytes, second);
  e.next();
}

function put({ port }: Emulation, register: number, bytes: number, { lo, hi }: Readonly<Word64>): void {
  if (register !== ZERO) port.writeX(register, lo, bytes === 8 ? hi : 0);
}

/** What a register has, as it lies in memory. */
function take(e: Emulation, register: number, bytes: number, out: Word64): void {
  out.lo = out.hi = 0;
  if (register !== ZERO) e.port.readX(register, out);
  if (bytes < 4) out.lo &= (1 << (8 * bytes)) - 1;
  if (bytes < 8) out.hi = 0;
  if (isBigEndian(e)) reverse(out, bytes);
}

function store(e: Emulation, word: number, bytes: number): void {
  const { port, vcpu, vm } = e;
  const { ipa, shadow } = vm.memory;
  const pair = (word & PAIR) !== 0;
  take(e, word & 31, bytes, first);
  take(e, pair ? (word >>> 10) & 31 : ZERO, bytes, second);
  if (pair && bytes === 4) first.hi = second.lo;
  const status = shadow.memory.storeExclusive(port, vcpu.index, ipa, pair ? 2 * bytes : bytes, first, second);
  // The load was the CPU's own: the store fails once more, as its monitor is lost, and succeeds when both are tried again.
  if (status === -1 && shadow.openForExclusive(port, ipa)) return;
  // Or there was none, and the store fails.
  port.writeX((word >>> 16) & 31, status === 0 ? 0 : 1, 0);
  shadow.memory.clearExclusive(vcpu.index);
  e.next();
}
