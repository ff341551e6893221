// How the walker reaches memory, who watches it, and the counters (DDI 0487 D8.2).

import type { Bus, Pa, Transaction, Word64 } from '@worldswitch/platform';
import { Fault } from '@worldswitch/platform';

import type { TranslationControls } from './controls.ts';

/** Where descriptors are fetched. */
export interface WalkPort {
  /** Reads the 8 bytes at `pa`, little-endian. Anything but `Fault.None` becomes an External abort on the walk. */
  read64(pa: number, out: Word64, secure: boolean): Fault;
  /** Writes a descriptor back (FEAT_HAFDBS). Without it, hardware updates give `MmuFault.UnsupportedUpdate`. */
  write64?(pa: number, lo: number, hi: number, secure: boolean): Fault;
}

/** Is told of every descriptor that was fetched, in order. Plain arguments, so that a walk allocates nothing. */
export interface WalkObserver {
  /**
   * One descriptor.
   *
   * @param stage - 1 or 2
   * @param level - of the lookup, 0 to 3
   * @param pa - where it was fetched
   * @param lo - bits 31:0
   * @param hi - bits 63:32
   */
  fetched(stage: 1 | 2, level: number, pa: number, lo: number, hi: number): void;
}

/** Counts since they were last cleared. */
export interface WalkCounters {
  /** Calls of `translate` and `translateIpa`. */
  walks: number;
  /** Descriptors fetched for stage 1. */
  stage1References: number;
  /** Descriptors fetched for stage 2, those on behalf of stage 1's fetches included. */
  stage2References: number;
  /** Walks that ended in a fault. */
  faults: number;
}

/** What the two walks share: one per walker. */
export interface WalkContext {
  readonly controls: TranslationControls;
  readonly port: WalkPort;
  readonly counters: WalkCounters;
  observer: WalkObserver | undefined;
  /** The last descriptor. */
  readonly word: Word64;
}

/** A `WalkPort` on a machine's bus, as the requester that `by` describes. */
export function busPort(bus: Bus, by: Transaction): WalkPort {
  const ended = (): Fault => {
    const fault = by.fault;
    by.fault = Fault.None;
    return fault;
  };
  return {
    read64(pa, out, secure) {
      by.secure = secure;
      by.privileged = true;
      bus.read64(pa as Pa, out, by);
      return ended();
    },
    write64(pa, lo, hi, secure) {
      by.secure = secure;
      by.privileged = true;
      bus.write64(pa as Pa, lo, hi, by);
      return ended();
    },
  };
}
