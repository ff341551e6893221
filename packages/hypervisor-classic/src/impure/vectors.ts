// The code behind a guest's exception vectors: what is reached from them by branches that the instructions themselves name, up to the return
// from the exception, and what that calls itself. Nothing of it is data, so it needs no file that says where code is.

import { Fault } from '@worldswitch/platform';
import type { Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import { high, low, signed } from '../binary-translation/address.ts';
import type { Emulation } from '../trap-and-emulate/emulation.ts';

const VBAR_EL1 = systemRegister('VBAR_EL1');
const VECTORS = 16;
const VECTOR = 0x80;
/** Instructions that are looked at for one set of vectors. */
const MOST = 4096;

const at: Word64 = { lo: 0, hi: 0 };
const read: Word64 = { lo: 0, hi: 0 };

const bits = (word: number, shift: number, count: number): number =>
  ((word >>> shift) << (32 - count)) >> (32 - count);

/** Where an instruction may go on, calls aside. */
function waysOn(pc: number, word: number): readonly number[] {
  const next = pc + 4;
  if (word >>> 26 === 0x05) return [pc + 4 * bits(word, 0, 26)];
  // B.cond, CBZ and CBNZ; TBZ and TBNZ.
  if (word >>> 24 === 0x54 || ((word >>> 25) & 0x3f) === 0x1a) return [next, pc + 4 * bits(word, 5, 19)];
  if (((word >>> 25) & 0x3f) === 0x1b) return [next, pc + 4 * bits(word, 5, 14)];
  // BR, RET and ERET go where a register says; BLR comes back. BRK and UDF do not.
  if (word >>> 25 === 0x6b) return ((word >>> 21) & 15) === 1 ? [next] : [];
  return word >>> 21 === 0x6a1 || word < 0x1_0000 ? [] : [next];
}

/** Where BL goes; undefined for other instructions. */
const calledBy = (pc: number, word: number): number | undefined =>
  word >>> 26 === 0x25 ? pc + 4 * bits(word, 0, 26) : undefined;

/** An instruction of the guest's: its physical address and what it is. */
export interface Found {
  readonly at: number;
  readonly word: number;
}

/** What is reached from some addresses, and what is called from there. */
function reached(
  from: readonly number[],
  seen: Set<number>,
  read: (pc: number) => Found | undefined,
): { readonly found: readonly Found[]; readonly calls: readonly number[] } {
  const todo = [...from];
  const found: Found[] = [];
  const calls: number[] = [];
  for (let pc = todo.pop(); pc !== undefined && seen.size < MOST; pc = todo.pop()) {
    if (seen.has(pc)) continue;
    seen.add(pc);
    const one = read(pc);
    if (one === undefined) continue;
    found.push(one);
    todo.push(...waysOn(pc, one.word));
    const call = calledBy(pc, one.word);
    if (call !== undefined) calls.push(call);
  }
  return { found, calls };
}

/**
 * The instructions behind the vectors that VBAR_EL1 has now.
 *
 * @param translate - the guest's physical address of what its kernel may execute, or -1
 * @param known - physical addresses of vectors that have been looked at; those now are added
 */
export function codeBehindVectors(
  { port, vcpu, vm }: Emulation,
  translate: (va: number) => number,
  known: Set<number>,
): readonly Found[] {
  const base = signed({ lo: vcpu.get(VBAR_EL1), hi: vcpu.getHi(VBAR_EL1) });
  const first = translate(base);
  if (first < 0 || known.has(first)) return [];
  known.add(first);
  const load = (pc: number): Found | undefined => {
    const ipa = translate(pc);
    const pa = ipa < 0 ? -1 : vm.hostOf(ipa);
    at.lo = low(pa);
    at.hi = high(pa);
    return pa < 0 || port.load(at, 4, read) !== Fault.None ? undefined : { at: ipa, word: read.lo };
  };
  const seen = new Set<number>();
  const entries = Array.from({ length: VECTORS }, (_, i) => base + i * VECTOR);
  const { found, calls } = reached(entries, seen, load);
  return [...found, ...reached(calls, seen, load).found];
}
