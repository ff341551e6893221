// The guest's text, as its kernel would fetch it: what the translator reads in one exit.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Word64 } from '@worldswitch/platform';

import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { high, low } from './address.ts';
import type { Owner } from './stale-translations.ts';

const PAGE = 0x1000;
/** Bytes that are read at once. */
const AHEAD = 256;

/** Reads instructions. */
export class GuestText {
  /** Number of the physical page of the last one. */
  physical = 0;
  private readonly text = new Uint8Array(PAGE);
  private readonly words = new DataView(this.text.buffer);
  private readonly at: Word64 = { lo: 0, hi: 0 };
  /** The page that they were last fetched from, in this exit. */
  private page = Number.NaN;
  private pa = 0;
  /** Which bytes of it are in `text`. */
  private from = 0;
  private to = 0;

  /** An exit: what was read before may be another. */
  begin(): void {
    this.page = Number.NaN;
  }

  /** The instruction at an address, or -1. */
  fetch(port: CpuPort, { vm, vcpu }: Owner, pc: number): number {
    const page = Math.floor(pc / PAGE) * PAGE;
    if (page !== this.page) {
      this.at.lo = low(page);
      this.at.hi = high(page);
      const answer = vm.memory.translate(port, vcpu, this.at, AccessKind.Fetch, true);
      // Instructions come from memory alone.
      if (answer !== Answer.Retry) return -1;
      this.page = page;
      this.from = this.to = 0;
      this.physical = Math.floor(vm.memory.ipa / PAGE);
      this.pa = vm.hostOf(vm.memory.ipa);
    }
    const offset = pc - page;
    if (offset < this.from || offset >= this.to) {
      const pa = this.pa + offset;
      this.at.lo = low(pa);
      this.at.hi = high(pa);
      const bytes = this.text.subarray(offset, Math.min(PAGE, offset + AHEAD));
      if (port.read(this.at, bytes) !== Fault.None) return -1;
      this.from = offset;
      this.to = offset + bytes.length;
    }
    return this.words.getUint32(offset, true);
  }
}
