// A virtual clock for tests: time moves when the test says so, and deadlines fire on the way, in order.

import type { Clock, Timer } from '@worldswitch/platform';

/** A clock that a test moves. */
export interface BenchClock extends Clock {
  /** Moves time, never back, and fires what is due on the way, each at its own deadline. */
  advanceTo(when: number): void;
  /** The deadlines that are pending, in ascending order. */
  readonly pending: readonly number[];
}

interface Slot {
  deadline: number;
  readonly fire: (now: number) => void;
}

/**
 * Makes a clock.
 *
 * @param start - where it stands, in nanoseconds
 */
export function benchClock(start = 0): BenchClock {
  let now = start;
  const slots: Slot[] = [];
  const fire = (slot: Slot): void => {
    slot.deadline = Infinity;
    slot.fire(now);
  };
  const nextUpTo = (limit: number): Slot | undefined => {
    let first: Slot | undefined;
    for (const slot of slots) {
      if (slot.deadline <= limit && (first === undefined || slot.deadline < first.deadline)) first = slot;
    }
    return first;
  };
  return {
    get now() {
      return now;
    },
    get pending() {
      return slots
        .map((slot) => slot.deadline)
        .filter((when) => when !== Infinity)
        .sort((a, b) => a - b);
    },
    timer(onFire: (now: number) => void): Timer {
      const slot: Slot = { deadline: Infinity, fire: onFire };
      slots.push(slot);
      return {
        get deadline() {
          return slot.deadline;
        },
        armAt(when: number): void {
          if (Number.isNaN(when)) throw new RangeError('a timer was armed at NaN');
          slot.deadline = when > Number.MAX_SAFE_INTEGER ? Infinity : when;
          if (slot.deadline <= now) fire(slot);
        },
        cancel(): void {
          slot.deadline = Infinity;
        },
      };
    },
    advanceTo(when: number): void {
      if (!Number.isSafeInteger(when) || when < now)
        throw new RangeError(`cannot advance from ${now} to ${when}`);
      for (let due = nextUpTo(when); due !== undefined; due = nextUpTo(when)) {
        now = Math.max(now, Math.ceil(due.deadline));
        fire(due);
      }
      now = when;
    },
  };
}
