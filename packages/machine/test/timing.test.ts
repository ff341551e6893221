// Timing mode on a board: what it takes for a profile, virtual time in parts of nanoseconds, profiles as data.

import { describe, expect, test } from 'vitest';

import { costedEvents, cycles, instructionClasses } from '@worldswitch/platform';

import { VirtualClock } from '../src/clock/clock.ts';
import { checkConfig, costProfileNames, costProfiles, cpuCosts, virt } from '../src/index.ts';
import type { MachineConfig } from '../src/index.ts';

const items = [...instructionClasses, ...costedEvents];

describe('profiles', () => {
  test.each(costProfileNames)('%s has a cost and a source for everything', (name) => {
    const profile = costProfiles[name];
    expect(profile.name).toBe(name);
    expect(Object.keys(profile.costs).sort()).toEqual([...items].sort());
    for (const item of items)
      expect(profile.costs[item].source).toMatch(/^(Arm|Dall|7-cpu|estimate: |by definition)/);
    expect(cpuCosts(profile).least).toBeGreaterThan(0);
  });

  test('counts times costs are cycles', () => {
    const profile = costProfiles['cortex-a57'];
    expect(cycles({}, profile)).toBe(0);
    expect(cycles({ integer: 4, load: 3, exceptionEl2: 1, returnEl2: 1 }, profile)).toBe(2 + 3 + 72 + 65);
    for (const item of items) expect(cycles({ [item]: 8 }, profile)).toBe(8 * profile.costs[item].cycles);
  });

  test.each([
    ['a name', 'cortex-a9', 'must be cortex-a15, cortex-a57, unit or a CostProfile'],
    ['a number', 57, 'must be cortex-a15'],
    ['nothing', null, 'must be cortex-a15'],
    ['half of one', { costs: {} }, 'is not a complete CostProfile'],
    [
      'instructions for nothing',
      { ...costProfiles.unit, costs: { ...costProfiles.unit.costs, load: { cycles: 0, source: 'x' } } },
      'load must cost',
    ],
    [
      'thirds',
      { ...costProfiles.unit, costs: { ...costProfiles.unit.costs, device: { cycles: 1 / 3, source: 'x' } } },
      'device must cost',
    ],
    [
      'no source',
      { ...costProfiles.unit, costs: { ...costProfiles.unit.costs, device: { cycles: 1, source: '' } } },
      'has no source',
    ],
  ])('%s is an error that names the field', (_, timing, message) => {
    expect(() => checkConfig(virt({ timing } as Partial<MachineConfig>))).toThrow(message);
    expect(() => checkConfig(virt({ timing } as Partial<MachineConfig>))).toThrow(/^timing:? /);
  });
});

describe('a clock of parts', () => {
  test('adds up to whole nanoseconds, wherever it is cut', () => {
    const clock = new VirtualClock(3, 10, 4);
    for (const spent of [1, 1, 1, 5, 2, 7]) clock.spend(spent);
    expect([clock.now, clock.fraction]).toEqual([10 + Math.floor((17 * 3) / 4), (17 * 3) % 4]);
    let spent = 0;
    clock.elapsed = () => spent;
    const at = clock.now + 2;
    const until = clock.until(at);
    spent = until - 1;
    expect(clock.now).toBeLessThan(at);
    spent = until;
    expect(clock.now).toBeGreaterThanOrEqual(at);
  });

  test('keeps its fraction where time does not jump', () => {
    const clock = new VirtualClock(1, 0, 4, 3);
    clock.advanceTo(0);
    expect(clock.fraction).toBe(3);
    clock.advanceTo(5);
    expect([clock.now, clock.fraction]).toEqual([5, 0]);
  });
});
