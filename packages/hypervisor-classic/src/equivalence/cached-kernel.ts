// A guest's kernel in the translation cache, as it would be in its own text: its PC, and the registers that translated code has put
// elsewhere or keeps in the page of virtual registers. It only looks, where an exit puts all of it back.

import { GuestPlace, guestRegister, guestRegisters } from '@worldswitch/machine';
import type { GuestState } from '@worldswitch/machine';
import type { Word64 } from '@worldswitch/platform';

import { high, low, signed } from '../binary-translation/address.ts';
import type { CacheWord, CodeCache } from '../binary-translation/code-cache.ts';
import { recover } from '../binary-translation/precise.ts';
import { pageRegisters, StatePage } from '../binary-translation/state-page.ts';
import type { Host } from '../host.ts';
import { Spsr } from '../trap-and-emulate/frame.ts';
import type { TrapAndEmulate } from '../trap-and-emulate/hypervisor.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';

const TPIDR_EL0 = guestRegister('TPIDR_EL0');
const SP_EL0 = guestRegister('SP_EL0');
/** What translated code writes: the place among the guest's registers, and the offset in the page. */
const inPage = pageRegisters
  .filter(({ name, writable }) => writable && guestRegisters.includes(name))
  .map(({ name, offset }) => ({ place: guestRegister(name), offset }));

/** The general registers of a state. */
export class Copy {
  private readonly state: GuestState;

  constructor(state: GuestState) {
    this.state = state;
  }

  readX(n: number, out: Word64): void {
    const at = 2 * (GuestPlace.x + n);
    out.lo = this.state.words[at] ?? 0;
    out.hi = this.state.words[at + 1] ?? 0;
  }
  writeX(n: number, lo: number, hi: number): void {
    this.state.set(GuestPlace.x + n, lo, hi);
  }
}

/** Reads a double word of the page of virtual registers. */
export type PageReader = (offset: number, out: Word64) => void;

/** What the page keeps is what the guest has, while its kernel runs. */
export function takePage(load: PageReader, state: GuestState): void {
  const word: Word64 = { lo: 0, hi: 0 };
  // Where SP_EL0 is the stack pointer, the CPU has it.
  const isStack = ((state.words[2 * GuestPlace.pstate] ?? 0) & 1) === 0;
  for (const { place, offset } of inPage) {
    if (isStack && place === SP_EL0) continue;
    load(offset, word);
    state.set(place, word.lo, word.hi);
  }
  load(StatePage.DAIF, word);
  const flags = (state.words[2 * GuestPlace.pstate] ?? 0) & ~Spsr.DAIF;
  state.set(GuestPlace.pstate, (flags | (word.lo & Spsr.DAIF)) >>> 0, 0);
}

/** The registers that a state says a sequence has kept. */
export function stashedIn(state: GuestState, out: Word64): void {
  out.lo = state.words[2 * TPIDR_EL0] ?? 0;
  out.hi = state.words[2 * TPIDR_EL0 + 1] ?? 0;
}

/** A double word of the board's memory. */
export function readHost({ machine, setup }: Host<TrapAndEmulate>, pa: number, out: Word64): void {
  const { bytes } = machine.board.ram;
  const view = new DataView(bytes.buffer, bytes.byteOffset + pa - setup.host.ramBase, 8);
  out.lo = view.getUint32(0, true);
  out.hi = view.getUint32(4, true);
}

/** The kernel of a host's VM, where it is translated; else there is nothing to correct. */
export class CachedKernel {
  private readonly host: Host<TrapAndEmulate>;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(host: Host<TrapAndEmulate>) {
    this.host = host;
  }

  private find(vcpu: VirtualCpu, pc: Readonly<Word64>): readonly [CodeCache, CacheWord] | undefined {
    const cache = this.host.hypervisor.translatedOf(vcpu.id)?.cache;
    // User code runs from its own text.
    if (cache === undefined || vcpu.level === 0) return undefined;
    const word = cache.at(signed(pc));
    return word && [cache, word];
  }

  /** Words of a vCPU's page of virtual registers. */
  private load({ id }: VirtualCpu, offset: number, out: Word64): void {
    const { host } = this;
    readHost(host, (host.hypervisor.translatedOf(id)?.pageAddress ?? 0) + offset, out);
  }

  /** A PC of the cache becomes the guest's, where nothing else of it is wanted. */
  origin(vcpu: VirtualCpu, pc: Word64): void {
    const [, found] = this.find(vcpu, pc) ?? [];
    if (found === undefined) return;
    const { unit, at } = found;
    const address = unit.pc + 4 * (unit.origins[at] ?? 0);
    pc.lo = low(address);
    pc.hi = high(address);
  }

  /** What the CPU and the virtual CPU have becomes what the guest has, where its kernel is in the cache. */
  correct(vcpu: VirtualCpu, state: GuestState): void {
    const { word } = this;
    word.lo = state.words[2 * GuestPlace.pc] ?? 0;
    word.hi = state.words[2 * GuestPlace.pc + 1] ?? 0;
    const [cache, found] = this.find(vcpu, word) ?? [];
    if (cache === undefined || found === undefined) return;
    const pc = recover(new Copy(state), cache, found, {
      stashed: (_, out) => {
        stashedIn(state, out);
      },
      kept: (_, offset, out) => {
        this.load(vcpu, offset, out);
      },
    });
    state.set(GuestPlace.pc, low(pc), high(pc));
    takePage((offset, out) => {
      this.load(vcpu, offset, out);
    }, state);
  }
}
