// Memory at physical addresses, as software at EL2 with an identity map reaches it: every access is one of the port's.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Pa, Width, Word64 } from '@worldswitch/platform';

const WORD = 2 ** 32;

/** Puts an address into halves. */
export function addressInto(at: number, out: Word64): Word64 {
  out.lo = at >>> 0;
  out.hi = Math.floor(at / WORD);
  return out;
}

/** Loads and stores by physical address. */
export class PhysicalMemory {
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly from: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /** A load of 1, 2, 4 or 8 bytes, zero-extended. */
  load(port: CpuPort, at: Pa, width: Width | 8, out: Word64): Fault {
    return port.load(addressInto(at, this.at), width, out);
  }

  /** A store. */
  store(port: CpuPort, at: Pa, width: Width | 8, lo: number, hi: number): Fault {
    return port.store(addressInto(at, this.at), width, lo, hi);
  }

  /** Clears memory: `at` and `bytes` are multiples of 8. */
  zero(port: CpuPort, at: Pa, bytes: number): Fault {
    for (let i = 0; i < bytes; i += 8) {
      const fault = this.store(port, (at + i) as Pa, 8, 0, 0);
      if (fault !== Fault.None) return fault;
    }
    return Fault.None;
  }

  /** Moves bytes within memory; the ranges do not overlap. */
  copy(port: CpuPort, to: Pa, from: Pa, bytes: number): Fault {
    return port.copy(addressInto(to, this.at), addressInto(from, this.from), bytes);
  }

  /** Fills `into` from memory: the first fault ends it. */
  readInto(port: CpuPort, at: Pa, into: Uint8Array): Fault {
    const { word } = this;
    for (let done = 0; done < into.length;) {
      const width = pieceOf(at + done, into.length - done);
      const fault = this.load(port, (at + done) as Pa, width, word);
      if (fault !== Fault.None) return fault;
      for (let i = 0; i < width; i++) into[done + i] = (i < 4 ? word.lo : word.hi) >>> ((i & 3) * 8);
      done += width;
    }
    return Fault.None;
  }

  /** Copies `from` to memory. */
  writeFrom(port: CpuPort, at: Pa, from: Uint8Array): Fault {
    for (let done = 0; done < from.length;) {
      const width = pieceOf(at + done, from.length - done);
      let lo = 0;
      let hi = 0;
      for (let i = 0; i < width; i++) {
        const byte = (from[done + i] ?? 0) << ((i & 3) * 8);
        if (i < 4) lo |= byte;
        else hi |= byte;
      }
      const fault = this.store(port, (at + done) as Pa, width, lo >>> 0, hi >>> 0);
      if (fault !== Fault.None) return fault;
      done += width;
    }
    return Fault.None;
  }
}

/** The largest aligned access at `at` that moves no more than `left` bytes. */
function pieceOf(at: number, left: number): Width | 8 {
  if (left >= 8 && at % 8 === 0) return 8;
  if (left >= 4 && at % 4 === 0) return 4;
  return left >= 2 && at % 2 === 0 ? 2 : 1;
}
