import { describe, expect, it } from 'vitest';

import { Scheduler, schedulerShape } from '../../src/schedule/scheduler.ts';
import type { Weight } from '../../src/schedule/scheduler.ts';

const weight = (more: Partial<Weight> = {}): Weight => ({
  priority: 100,
  share: 1024,
  cap: 100,
  affinity: 3,
  ...more,
});
const times = { slice: 300, period: 10_000 };

/** Runs one CPU for some ticks with everybody always runnable; says who got how many. */
function run(scheduler: Scheduler, ticks: number, cpu = 0): number[] {
  const got: number[] = [];
  for (let now = 0; now < ticks;) {
    const id = scheduler.pick(cpu, now);
    const until = Math.min(ticks, scheduler.nextPick(cpu, now));
    scheduler.charge(cpu, until - now, until);
    if (id >= 0) got[id] = (got[id] ?? 0) + until - now;
    now = until;
  }
  return got;
}

const awake = (...weights: Weight[]): Scheduler => {
  const scheduler = new Scheduler(weights, times);
  weights.forEach((_, id) => {
    scheduler.wake(id);
  });
  return scheduler;
};

describe('the scheduler', () => {
  it('gives those of one priority time in proportion to their shares', () => {
    const [a = 0, b = 0] = run(awake(weight({ share: 3072 }), weight()), 1_000_000);
    expect(a + b).toBe(1_000_000);
    expect(a / b).toBeCloseTo(3, 1);
  });

  it('runs one whose registers a CPU has there or nowhere, until they are let go', () => {
    const scheduler = awake(weight(), weight({ priority: 1 }));
    scheduler.hold(0, 1);
    expect(scheduler.pick(0, 0)).toBe(1);
    expect(scheduler.nextPick(0, 0)).toBe(Infinity);
    // It goes to the CPU that has it, even where another one is idle or runs less.
    expect(scheduler.preempts(0, () => true, 2)).toBe(1);
    expect(scheduler.pick(1, 0)).toBe(0);
    scheduler.pick(1, 0);
    scheduler.letGo(0);
    expect(scheduler.preempts(0, (cpu) => cpu === 0, 2)).toBe(0);
    scheduler.block(0);
    scheduler.pick(1, 0);
    scheduler.wake(0);
    expect(scheduler.pick(0, 0)).toBe(0);
  });

  it('lets a higher priority run alone for as long as it can', () => {
    expect(run(awake(weight(), weight({ priority: 101 })), 10_000)).toEqual([undefined, 10_000]);
  });

  it('holds a cap in each period, and leaves a CPU idle for it', () => {
    expect(run(awake(weight({ cap: 25 })), 40_000)).toEqual([10_000]);
  });

  it('gives nobody credit for having slept', () => {
    const scheduler = awake(weight(), weight());
    scheduler.block(1);
    run(scheduler, 50_000);
    scheduler.wake(1);
    const [a = 0, b = 0] = run(scheduler, 10_000);
    expect(Math.abs(a - b)).toBeLessThanOrEqual(2 * times.slice);
  });

  it.each([
    ['of a lower priority', weight({ priority: 50 })],
    ['on another CPU', weight({ affinity: 2 })],
    ['that its cap holds back', weight({ cap: 1 })],
  ])('gives nobody credit for having slept while there is one %s', (_what, third) => {
    const scheduler = awake(weight({ affinity: 1 }), weight({ affinity: 1 }), third);
    scheduler.block(1);
    run(scheduler, 50_000);
    scheduler.wake(1);
    const [a = 0, b = 0] = run(scheduler, 10_000);
    expect(Math.abs(a - b)).toBeLessThanOrEqual(3 * times.slice);
  });

  it('runs nobody on a CPU that its affinity excludes, nor on two CPUs', () => {
    const scheduler = awake(weight({ affinity: 2 }));
    expect(scheduler.pick(0, 0)).toBe(-1);
    expect(scheduler.pick(1, 0)).toBe(0);
    const both = awake(weight());
    expect([both.pick(0, 0), both.pick(1, 0)]).toEqual([0, -1]);
  });

  it('says which CPU a woken one should run on at once', () => {
    const scheduler = new Scheduler([weight(), weight({ priority: 200 })], times);
    scheduler.wake(0);
    scheduler.pick(0, 0);
    scheduler.wake(1);
    expect(scheduler.preempts(1, (cpu) => cpu === 1, 2)).toBe(1);
    expect(scheduler.preempts(1, () => false, 1)).toBe(0);
    expect(scheduler.preempts(0, () => false, 1)).toBe(-1);
  });

  it('goes on from a saved state as it would have, and refuses a wrong one', () => {
    const a = awake(weight(), weight({ share: 7 }));
    run(a, 1234);
    const saved = schedulerShape(2, 2).check(a.save(), 'scheduler');
    const b = new Scheduler([weight(), weight({ share: 7 })], times, saved);
    expect(run(b, 5000)).toEqual(run(a, 5000));
    const twice = {
      ...saved,
      entries: saved.entries.map((e) => ({ ...e, on: 0 })),
    };
    expect(() => new Scheduler([weight(), weight()], times, twice)).toThrow('at most one entry');
  });
});
