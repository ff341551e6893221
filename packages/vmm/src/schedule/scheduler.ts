// Which virtual CPU runs on which physical one: strict priority first, proportional share among equals (virtual runtime, as in
// stride scheduling), a cap in each period. Pure bookkeeping over counter ticks: it knows no clock and no CPU.

import { flag, list, nullable, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** How one virtual CPU wants to be scheduled. */
export interface Weight {
  /** 0 to 255; a runnable one with a higher priority always runs first. */
  readonly priority: number;
  /** 1 to 65536: ticks are given to those of one priority in proportion to it. */
  readonly share: number;
  /** Per cent of one CPU in each period: 1 to 100, where 100 is no cap. */
  readonly cap: number;
  /** Bit n: it may run on physical CPU n. */
  readonly affinity: number;
}

/** What of one entry is saved. */
type EntryState = Readonly<{
  runnable: boolean;
  /** The CPU that runs it. */
  on: number | null;
  /** Ticks by 1024 for each share: the smallest runs next. */
  virtual: number;
  /** Ticks in the current period. */
  used: number;
  /** Ticks in all. */
  total: number;
  /** The period that `used` is of. */
  period: number;
}>;

/** What is saved. */
export type SchedulerState = Readonly<{ entries: readonly EntryState[] }>;

/** How a saved scheduler is checked. */
export const schedulerShape = (entries: number, cpus: number): Shape<SchedulerState> =>
  record<SchedulerState>({
    entries: list(
      record<EntryState>({
        runnable: flag,
        on: nullable(uint(cpus - 1)),
        virtual: uint(),
        used: uint(),
        total: uint(),
        period: uint(),
      }),
      entries,
    ),
  });

interface Entry extends Weight {
  runnable: boolean;
  /** The CPU that has its registers, or -1: it runs on no other. */
  held: number;
  on: number;
  virtual: number;
  used: number;
  total: number;
  period: number;
}

/** Lengths in counter ticks. */
export interface SchedulerTimes {
  /** The longest that one runs while another of its priority could. */
  readonly slice: number;
  /** The period of caps. */
  readonly period: number;
}

/** Virtual CPUs, by number in the order of `weights`. All begin blocked. */
export class Scheduler {
  private readonly entries: Entry[];
  private readonly times: SchedulerTimes;

  /**
   * @param weights - one for each virtual CPU
   * @param times - slice and period in ticks
   * @param saved - from `save`, checked by `schedulerShape`
   */
  constructor(weights: readonly Weight[], times: SchedulerTimes, saved?: SchedulerState) {
    this.times = times;
    this.entries = weights.map((weight, i) => {
      const s = saved?.entries[i];
      return {
        ...weight,
        runnable: s?.runnable ?? false,
        held: -1,
        on: s?.on ?? -1,
        virtual: s?.virtual ?? 0,
        used: s?.used ?? 0,
        total: s?.total ?? 0,
        period: s?.period ?? 0,
      };
    });
    const running = this.entries.flatMap(({ on }) => (on < 0 ? [] : [on]));
    if (new Set(running).size !== running.length)
      throw new StateError('scheduler', 'must have at most one entry running on each CPU');
  }

  private entry(id: number): Entry {
    const found = this.entries[id];
    if (found === undefined) throw new RangeError(`there is no virtual CPU ${id}`);
    return found;
  }

  /** It may run from now on; `preempts` says whether it should at once. */
  wake(id: number): void {
    const entry = this.entry(id);
    entry.runnable = true;
  }

  /** It waits, or is off. */
  block(id: number): void {
    this.entry(id).runnable = false;
  }

  /** A CPU has its registers from now on: until `letGo` it runs there or nowhere. Whoever restores a scheduler says it anew. */
  hold(id: number, cpu: number): void {
    this.entry(id).held = cpu;
  }

  /** No CPU has its registers. */
  letGo(id: number): void {
    this.entry(id).held = -1;
  }

  /** Whether it may run. */
  isRunnable(id: number): boolean {
    return this.entry(id).runnable;
  }

  /** Whether its affinity lets it run on a CPU. */
  allows(id: number, cpu: number): boolean {
    return ((this.entry(id).affinity >>> cpu) & 1) !== 0;
  }

  /** The CPU that runs it, or -1. */
  cpuOf(id: number): number {
    return this.entry(id).on;
  }

  /** Ticks that it has had in all. */
  ticksOf(id: number): number {
    return this.entry(id).total;
  }

  /** What ran on a CPU has used `ticks` of it, up to `now`. */
  charge(cpu: number, ticks: number, now: number): void {
    const entry = this.entries.find(({ on }) => on === cpu);
    if (entry === undefined) return;
    this.enterPeriod(entry, now);
    entry.used += ticks;
    entry.total += ticks;
    entry.virtual += Math.ceil((ticks * 1024) / entry.share);
    this.raiseSleepers(entry);
  }

  /**
   * Who sleeps saves up nothing: it is never behind the least of those with whom it competes and who could run. Those of other
   * priorities and CPUs, and those that their cap holds back, do not count: they may stay behind for long.
   */
  private raiseSleepers(charged: Entry): void {
    const competes = (e: Entry): boolean =>
      e.priority === charged.priority && (e.affinity & charged.affinity) !== 0;
    let least = charged.virtual;
    for (const e of this.entries) {
      // As it was up to now, even where a new period begins now.
      if (e.runnable && competes(e) && e.used < this.quota(e)) least = Math.min(least, e.virtual);
    }
    for (const e of this.entries) if (!e.runnable && competes(e)) e.virtual = Math.max(e.virtual, least);
  }

  private enterPeriod(entry: Entry, now: number): void {
    const period = Math.floor(now / this.times.period);
    if (period !== entry.period) {
      entry.period = period;
      entry.used = 0;
    }
  }

  private quota(entry: Entry): number {
    return entry.cap >= 100 ? Infinity : Math.floor((this.times.period * entry.cap) / 100);
  }

  private mayRun(entry: Entry, cpu: number, now: number): boolean {
    if (!entry.runnable || ((entry.affinity >>> cpu) & 1) === 0) return false;
    if (entry.on >= 0 && entry.on !== cpu) return false;
    if (entry.held >= 0 && entry.held !== cpu) return false;
    this.enterPeriod(entry, now);
    return entry.used < this.quota(entry);
  }

  private best(cpu: number, now: number): number {
    let best = -1;
    this.entries.forEach((entry, id) => {
      if (!this.mayRun(entry, cpu, now)) return;
      const other = this.entries[best];
      if (
        other === undefined ||
        entry.priority > other.priority ||
        (entry.priority === other.priority && entry.virtual < other.virtual)
      )
        best = id;
    });
    return best;
  }

  /** Gives the CPU to who is to run on it now: its number, or -1 where nobody can. What ran on it was charged before. */
  pick(cpu: number, now: number): number {
    const best = this.best(cpu, now);
    for (const entry of this.entries) if (entry.on === cpu) entry.on = -1;
    const entry = this.entries[best];
    if (entry) entry.on = cpu;
    return best;
  }

  /**
   * The first time at which a CPU should pick again if nothing happens before: the end of a slice while others of the priority wait, of a
   * quota, or the next period where a cap holds somebody back; `Infinity` where there is no reason to.
   */
  nextPick(cpu: number, now: number): number {
    const running = this.entries.find(({ on }) => on === cpu);
    const period = (Math.floor(now / this.times.period) + 1) * this.times.period;
    let next = Infinity;
    for (const entry of this.entries) {
      if (entry === running || !entry.runnable || ((entry.affinity >>> cpu) & 1) === 0 || entry.on >= 0)
        continue;
      if (entry.held >= 0 && entry.held !== cpu) continue;
      this.enterPeriod(entry, now);
      if (entry.used >= this.quota(entry)) next = Math.min(next, period);
      else if (entry.priority === running?.priority) next = Math.min(next, now + this.times.slice);
    }
    if (running) next = Math.min(next, now + Math.max(1, this.quota(running) - running.used));
    return next;
  }

  /**
   * A CPU on which `id`, just woken, should run at once: the one that has its registers, an idle one, or one that runs a lower priority.
   * -1: it can wait.
   */
  preempts(id: number, idle: (cpu: number) => boolean, cpus: number): number {
    const entry = this.entry(id);
    if (entry.held >= 0) return entry.held;
    let lowest = entry.priority;
    let found = -1;
    for (let cpu = 0; cpu < cpus; cpu++) {
      if (((entry.affinity >>> cpu) & 1) === 0) continue;
      if (idle(cpu)) return cpu;
      const running = this.entries.find(({ on }) => on === cpu);
      if (running !== undefined && running.priority < lowest) {
        lowest = running.priority;
        found = cpu;
      }
    }
    return found;
  }

  /** The whole state, as plain data. */
  save(): SchedulerState {
    return {
      entries: this.entries.map(({ runnable, on, virtual, used, total, period }) => ({
        runnable,
        on: on < 0 ? null : on,
        virtual,
        used,
        total,
        period,
      })),
    };
  }
}
