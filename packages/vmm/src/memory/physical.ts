// Memory at physical addresses, as software at EL2 with an identity map reaches it: every access is one of the port's.

import type { CpuPort, Fault, Pa, Width, Word64 } from '@worldswitch/platform';

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

  /** A load of 1, 2, 4 or 8 bytes, zero-extended. */
  load(port: CpuPort, at: Pa, width: Width | 8, out: Word64): Fault {
    return port.load(addressInto(at, this.at), width, out);
  }

  /** A store. */
  store(port: CpuPort, at: Pa, width: Width | 8, lo: number, hi: number): Fault {
    return port.store(addressInto(at, this.at), width, lo, hi);
  }

  /** Clears memory. */
  zero(port: CpuPort, at: Pa, bytes: number): Fault {
    return port.zero(addressInto(at, this.at), bytes);
  }

  /** Moves bytes within memory; the ranges do not overlap. */
  copy(port: CpuPort, to: Pa, from: Pa, bytes: number): Fault {
    return port.copy(addressInto(to, this.at), addressInto(from, this.from), bytes);
  }

  /** Fills `into` from memory: the first fault ends it. */
  readInto(port: CpuPort, at: Pa, into: Uint8Array): Fault {
    return port.read(addressInto(at, this.at), into);
  }

  /** Copies `from` to memory. */
  writeFrom(port: CpuPort, at: Pa, from: Uint8Array): Fault {
    return port.write(addressInto(at, this.at), from);
  }
}
