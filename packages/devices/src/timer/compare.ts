// One timer: a compare value, a control register, and the wire that they drive (DDI 0487 D11.2.4).

import type { Clock, InterruptLine, Timer, Word64 } from '@worldswitch/platform';

import { add, isBelow, joined, split, subtract } from './counter.ts';
import type { Counter } from './counter.ts';

/** Bits of CNTx_CTL. */
const Enable = 1;
const Mask = 2;
const Status = 4;

/** A timer of one CPU. */
export interface CompareTimer {
  /** CNTx_CVAL. */
  readonly cval: Word64;
  /** CNTx_CTL without ISTATUS. */
  control: number;
  /** CNTx_CTL as it reads. */
  readControl(): number;
  /** CNTx_TVAL as it reads: the lower half of what is left. */
  readValue(): number;
  /** Sets CNTx_CVAL to `tval`, a signed 32-bit number, from now. */
  writeValue(tval: number): void;
  /** Drives the wire, and sets the deadline of its next change. Called whenever a register or the offset has changed. */
  update(): void;
  /** Sets the wire to what the saved registers say, and keeps the saved deadline. */
  restore(deadline: number | null): void;
  /** Goes back to reset without touching the wire. */
  clear(): void;
  /** The deadline. */
  readonly timer: Timer;
}

/**
 * Makes a timer.
 *
 * @param clock - virtual time
 * @param counter - the system counter
 * @param offset - what the timer's view of the counter is behind by (CNTVOFF_EL2), or zero
 * @param line - the interrupt
 */
export function compareTimer(
  clock: Clock,
  counter: Counter,
  offset: Word64,
  line: InterruptLine,
): CompareTimer {
  const cval: Word64 = { lo: 0, hi: 0 };
  const count: Word64 = { lo: 0, hi: 0 };
  const left: Word64 = { lo: 0, hi: 0 };

  /** Puts the timer's view of the counter in `count`. */
  const look = (): void => {
    split(counter.at(clock.now), count);
    subtract(count, offset, count);
  };
  const isMet = (): boolean => {
    look();
    return !isBelow(count, cval);
  };
  /** When the condition changes: at the compare value, or when the view wraps around to zero. */
  const nextChange = (met: boolean): number => {
    if (met && cval.lo === 0 && cval.hi === 0) return Infinity;
    subtract(met ? zero : cval, count, left);
    return counter.reaches(counter.at(clock.now) + joined(left));
  };
  const self: CompareTimer = {
    cval,
    control: 0,
    timer: clock.timer(() => {
      self.update();
    }),
    readControl: () => self.control | ((self.control & Enable) !== 0 && isMet() ? Status : 0),
    readValue() {
      look();
      subtract(cval, count, left);
      return left.lo;
    },
    writeValue(tval) {
      look();
      add(count, { lo: tval >>> 0, hi: (tval >> 31) >>> 0 }, cval);
    },
    update() {
      const open = (self.control & (Enable | Mask)) === Enable;
      const met = open && isMet();
      line.set(met);
      const when = open ? nextChange(met) : Infinity;
      if (when > Number.MAX_SAFE_INTEGER) self.timer.cancel();
      else if (when !== self.timer.deadline) self.timer.armAt(when);
    },
    restore(deadline) {
      line.set((self.control & (Enable | Mask)) === Enable && isMet());
      if (deadline !== null) self.timer.armAt(deadline);
    },
    clear() {
      cval.lo = cval.hi = self.control = 0;
      self.timer.cancel();
    },
  };
  return self;
}

const zero: Word64 = { lo: 0, hi: 0 };
