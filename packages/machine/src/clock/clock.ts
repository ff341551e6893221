// Virtual time: what has been executed, and what was jumped while nothing was to do. Deadlines in order, equal ones in the order
// in which their timers were made.

import type { Clock, Timer } from '@worldswitch/platform';

/** Deadlines from here on are none. */
const NEVER = 2 ** 53;

class Deadline implements Timer {
  deadline = Infinity;
  private readonly clock: VirtualClock;
  private readonly fire: (now: number) => void;

  constructor(clock: VirtualClock, fire: (now: number) => void) {
    this.clock = clock;
    this.fire = fire;
  }
  armAt(when: number): void {
    this.deadline = when < NEVER ? when : Infinity;
    this.clock.armed(this.deadline);
  }
  cancel(): void {
    this.deadline = Infinity;
  }
  run(now: number): void {
    this.deadline = Infinity;
    this.fire(now);
  }
}

/** The machine's clock. */
export class VirtualClock implements Clock {
  private readonly timers: Deadline[] = [];
  private base = 0;
  /** No deadline is earlier. */
  private earliest = 0;
  private readonly nanoseconds: number;
  private readonly parts: number;
  /** Of a nanosecond, in `parts`, beyond `base`. */
  private rest = 0;
  /** What the running engine has spent since `base` was set: instructions, or units of cost. */
  elapsed: () => number = () => 0;
  /** Called when a timer is armed to be due before `limit`. */
  onEarlier: () => void = () => undefined;
  /** Time stands still while engines run: who sets this moves it himself, between slices. */
  standing = false;
  /** The end of the slice that is running. */
  limit: number = Number.POSITIVE_INFINITY;

  /**
   * @param nanoseconds - that `parts` of what engines count take: a positive integer
   * @param now - the time at which it starts
   * @param parts - units of cost that take so long; instructions have no parts
   * @param fraction - of a nanosecond, in `parts`, beyond `now`
   */
  constructor(nanoseconds = 1, now = 0, parts = 1, fraction = 0) {
    this.base = now;
    this.nanoseconds = nanoseconds;
    this.parts = parts;
    this.rest = fraction;
  }

  get now(): number {
    if (this.standing) return this.base;
    const spent = this.elapsed() * this.nanoseconds;
    return this.base + (this.parts === 1 ? spent : Math.floor((this.rest + spent) / this.parts));
  }
  /** Of a nanosecond, in parts, beyond `now`. Between slices. */
  get fraction(): number {
    return this.rest;
  }
  timer(fire: (now: number) => void): Timer {
    const timer = new Deadline(this, fire);
    this.timers.push(timer);
    return timer;
  }
  /** The next deadline, or `Infinity`. */
  get next(): number {
    let next = Infinity;
    for (const { deadline } of this.timers) if (deadline < next) next = deadline;
    return next;
  }
  /** The next deadline of the other timers, or `Infinity`. */
  nextBut(timer: Timer): number {
    let next = Infinity;
    for (const other of this.timers) if (other !== timer && other.deadline < next) next = other.deadline;
    return next;
  }
  /** An engine has spent so much: fires everything that is due then. */
  spend(spent: number): void {
    if (this.standing) {
      this.fire(this.base);
      return;
    }
    const all = this.rest + spent * this.nanoseconds;
    this.base += Math.floor(all / this.parts);
    this.rest = all % this.parts;
    this.advanceTo(this.base);
  }
  /** Sets the time and fires everything that is due, in order. Only between slices. */
  advanceTo(now: number): void {
    if (now !== this.base) this.rest = 0;
    this.base = now;
    this.fire(now);
  }
  /** Fires what has become due in the middle of an instruction that takes long: software in TypeScript. */
  catchUp(): void {
    const { now } = this;
    if (now < this.earliest) return;
    this.fire(now);
    this.earliest = this.next;
  }
  private fire(now: number): void {
    for (;;) {
      let due: Deadline | undefined;
      for (const t of this.timers) {
        if (t.deadline <= now && (due === undefined || t.deadline < due.deadline)) due = t;
      }
      if (due === undefined) return;
      due.run(now);
    }
  }
  /** What an engine may spend until a time, at least one: instructions, or units of cost. */
  until(when: number): number {
    if (this.standing) return Number.MAX_SAFE_INTEGER;
    return Math.max(1, Math.ceil(((when - this.base) * this.parts - this.rest) / this.nanoseconds));
  }
  armed(deadline: number): void {
    if (deadline < this.earliest) this.earliest = deadline;
    if (deadline < this.limit) this.onEarlier();
  }
}
