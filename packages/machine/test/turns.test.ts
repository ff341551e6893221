// Turns of several CPUs: whole ones in order, and time that is lost by none of them where another does much in one go.

import { describe, expect, test } from 'vitest';

import { Turns } from '../src/turns.ts';

const WHOLE = 100;

/** CPUs that spend a fixed number at a time, for so many steps; what each has spent. */
function shares(costs: readonly number[], steps: number, turns = turnsOf(costs.length)): number[] {
  const spent = costs.map(() => 0);
  for (let i = 0; i < steps; i++) {
    const at = turns.next();
    const cost = costs[at] ?? 0;
    turns.spend(cost);
    spent[at] = (spent[at] ?? 0) + cost;
  }
  return spent;
}
const turnsOf = (count: number): Turns =>
  new Turns(
    Array.from({ length: count }, () => ({ waiting: false })),
    WHOLE,
  );

describe('turns', () => {
  test.each([
    ['of equal steps', [10, 10]],
    ['of steps that are not parts of a turn', [30, 7]],
    ['of a step that is half a turn too long', [150, 10]],
    ['of steps that take many turns', [1730, 10, 10]],
    ['of steps that all take many turns', [1730, 910, 230]],
  ])('%s are worth as much to each CPU', (_, costs) => {
    const spent = shares(costs, 200_000);
    const longest = Math.max(...costs) + WHOLE;
    for (const one of spent) expect(Math.abs(one - (spent[0] ?? 0))).toBeLessThanOrEqual(longest);
  });

  test('the same check finds turns after which nothing is owed', () => {
    const turns = turnsOf(2);
    const spend = turns.spend.bind(turns);
    turns.spend = (spent) => {
      spend(Math.min(spent, turns.most));
    };
    const [long = 0, short = 0] = shares([150, 10], 10_000, turns);
    expect(long - short).toBeGreaterThan(10 * WHOLE);
  });

  test('what is owed is forgotten when nobody else wants the time', () => {
    const cpus = [{ waiting: false }, { waiting: true }];
    const turns = new Turns(cpus, WHOLE);
    expect(turns.next()).toBe(0);
    turns.spend(100 * WHOLE);
    expect(turns.next()).toBe(0);
    expect(turns.most).toBe(WHOLE);
    turns.spend(WHOLE);
    for (const cpu of cpus) cpu.waiting = !cpu.waiting;
    expect(turns.next()).toBe(1);
    cpus.forEach((cpu) => (cpu.waiting = true));
    expect(turns.next()).toBe(-1);
  });

  test('one CPU has no limit', () => {
    const turns = turnsOf(1);
    expect([turns.next(), turns.most]).toEqual([0, Infinity]);
    turns.spend(WHOLE);
    expect(turns.next()).toBe(0);
  });

  test('go on after they were saved', () => {
    const cpus = [{ waiting: false }, { waiting: false }, { waiting: false }];
    const one = new Turns(cpus, WHOLE);
    shares([170, 30, 450], 37, one);
    const two = new Turns(cpus, WHOLE, one.save());
    expect(shares([170, 30, 450], 100, two)).toEqual(shares([170, 30, 450], 100, one));
  });
});
