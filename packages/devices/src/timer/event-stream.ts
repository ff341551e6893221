// One CPU's event streams: transitions of a bit of the virtual and of the physical counter (DDI 0487 D11.2.4). Nothing happens
// at a transition by itself: the CPU asks when it executes WFE, and only one that waits has a deadline.

import type { Clock, Timer, Word64 } from '@worldswitch/platform';

import type { Counter } from './counter.ts';

/** Bits of CNTKCTL_EL1 and of CNTHCTL_EL2: EVNTEN, EVNTDIR, EVNTI. */
const Enable = 1 << 2;
const Falling = 1 << 3;
const bitShift = 4;

/** The two streams that reach a CPU. */
export interface EventStreams {
  /** What the system counter was when transitions were last looked for. */
  seen: number;
  /** True when there was a transition since then, up to now. */
  take(): boolean;
  /** The CPU waits: tells it of the next transition. */
  wait(): void;
  /** Before a control or the offset changes: tells the CPU of what has happened so far. */
  changing(): void;
  /** Keeps a saved state. */
  restore(seen: number, deadline: number | null): void;
  /** Goes back to reset. */
  clear(): void;
  /** The deadline of a CPU that waits. */
  readonly timer: Timer;
}

/** What the streams depend on: the controls as they are now, and the offset of the virtual counter. */
export interface StreamControls {
  readonly kernelControl: number;
  readonly hypervisorControl: number;
  readonly virtualOffset: Word64;
}

/**
 * Makes the streams of one CPU.
 *
 * @param clock - virtual time
 * @param counter - the system counter
 * @param controls - the CPU's
 * @param signal - sends the CPU an event
 */
export function eventStreams(
  clock: Clock,
  counter: Counter,
  controls: StreamControls,
  signal: () => void,
): EventStreams {
  /** Whether any stream has a transition in `(from, to]` of the system counter. */
  const happened = (from: number, to: number): boolean =>
    anyBetween(controls.kernelControl, from, to, controls.virtualOffset.lo) ||
    anyBetween(controls.hypervisorControl, from, to, 0);
  const self: EventStreams = {
    seen: 0,
    timer: clock.timer(() => {
      if (self.take()) signal();
    }),
    take() {
      if (((controls.kernelControl | controls.hypervisorControl) & Enable) === 0) return false;
      const now = counter.at(clock.now);
      const was = self.seen;
      self.seen = now;
      // What the CPU waited for, if it did, has come or is looked for anew.
      if (self.timer.deadline !== Infinity) self.timer.cancel();
      return happened(was, now);
    },
    wait() {
      const now = counter.at(clock.now);
      const next = Math.min(
        nextOf(controls.kernelControl, now, controls.virtualOffset.lo),
        nextOf(controls.hypervisorControl, now, 0),
      );
      const when = counter.reaches(next);
      if (when <= Number.MAX_SAFE_INTEGER) self.timer.armAt(when);
    },
    changing() {
      if (self.take()) signal();
      self.seen = counter.at(clock.now);
    },
    restore(seen, deadline) {
      self.seen = seen;
      if (deadline !== null) self.timer.armAt(deadline);
    },
    clear() {
      self.seen = 0;
      self.timer.cancel();
    },
  };
  return self;
}

/** Counts of the system counter between two transitions of one direction. */
const periodOf = (control: number): number => 2 << ((control >> bitShift) & 15);

/** How many transitions there were, from an arbitrary one on, when the system counter has come to `count`. */
function transitions(control: number, count: number, offset: number): number {
  const period = periodOf(control);
  return Math.floor((count - phaseOf(control, offset)) / period);
}

/** The first count, below a period, at which there is one. A bit rises in the middle of its period, and falls at its end. */
function phaseOf(control: number, offset: number): number {
  const period = periodOf(control);
  return (offset + ((control & Falling) !== 0 ? 0 : period / 2)) & (period - 1);
}

const anyBetween = (control: number, from: number, to: number, offset: number): boolean =>
  (control & Enable) !== 0 && transitions(control, to, offset) > transitions(control, from, offset);

/** The system counter's value at the first transition after `now`, or `Infinity`. */
const nextOf = (control: number, now: number, offset: number): number =>
  (control & Enable) === 0
    ? Infinity
    : phaseOf(control, offset) + (transitions(control, now, offset) + 1) * periodOf(control);
