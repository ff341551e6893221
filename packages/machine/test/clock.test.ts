// Virtual time: deadlines fire in order, at the times that they asked for.

import { describe, expect, test } from 'vitest';

import { VirtualClock } from '../src/clock/clock.ts';

describe('timers', () => {
  test('fire in order of deadline, equal ones in the order in which they were made', () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const make = (name: string): ReturnType<typeof clock.timer> =>
      clock.timer((now) => log.push(`${name}@${now}`));
    const [a, b, c] = [make('a'), make('b'), make('c')];
    c.armAt(10);
    b.armAt(10);
    a.armAt(20);
    expect(clock.next).toBe(10);
    clock.advanceTo(9);
    expect(log).toEqual([]);
    clock.advanceTo(25);
    expect(log).toEqual(['b@25', 'c@25', 'a@25']);
    expect([a.deadline, clock.next]).toEqual([Infinity, Infinity]);
  });

  test('one that arms itself again while it fires', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const timer = clock.timer((now) => {
      times.push(now);
      if (times.length < 3) timer.armAt(now);
    });
    timer.armAt(5);
    clock.advanceTo(5);
    expect(times).toEqual([5, 5, 5]);
  });

  test('one in the past is due at once, one beyond 2^53 never', () => {
    const clock = new VirtualClock(1, 100);
    let fired = 0;
    const timer = clock.timer(() => fired++);
    timer.armAt(2 ** 53);
    expect(timer.deadline).toBe(Infinity);
    timer.armAt(50);
    expect(clock.next).toBe(50);
    clock.advanceTo(clock.now);
    expect(fired).toBe(1);
  });

  test('a cancelled one does not fire', () => {
    const clock = new VirtualClock();
    const timer = clock.timer(() => {
      throw new Error('fired');
    });
    timer.armAt(5);
    timer.cancel();
    clock.advanceTo(10);
    expect(timer.deadline).toBe(Infinity);
  });
});

describe('slices', () => {
  test('time moves with instructions; a deadline is met at the first instruction that ends at it or later', () => {
    const clock = new VirtualClock(3, 1000);
    let executed = 0;
    clock.elapsed = () => executed;
    executed = 7;
    expect(clock.now).toBe(1021);
    clock.elapsed = () => 0;
    expect([1001, 1003, 1004, 1000, 5].map((at) => clock.until(at))).toEqual([1, 1, 2, 1, 1]);
    expect(clock.until(Infinity)).toBe(Infinity);
  });

  test('arming before the end of the slice ends it; at its end or later does not', () => {
    const clock = new VirtualClock();
    let asked = 0;
    clock.onEarlier = () => asked++;
    clock.limit = 100;
    const timer = clock.timer(() => undefined);
    timer.armAt(100);
    timer.armAt(200);
    timer.armAt(Infinity);
    expect(asked).toBe(0);
    timer.armAt(99);
    expect(asked).toBe(1);
  });
});
