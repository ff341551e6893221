// A saved hypervisor with any number changed is refused, or runs on without a failure.

import { expect } from 'vitest';

import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import type { Host } from '../src/index.ts';
import { changeAny, copied, randomBelow } from './hostile-tree.ts';

/** Tries changes of a saved state; those that were refused, and those that ran on. */
export function tryAny(
  saved: Plain,
  restore: (all: Plain) => Host<unknown>,
  count: number,
): readonly [number, number] {
  const random = randomBelow(12_345);
  let [refused, ran] = [0, 0];
  for (let i = 0; i < count; i++) {
    const { all, own } = copied(saved);
    const what = changeAny(own, random);
    try {
      const { machine } = restore(all);
      machine.run(150_000);
      expect(machine.failure, `${what}: ${machine.report()}`).toBeUndefined();
      machine.save();
      ran++;
    } catch (thrown) {
      if (!(thrown instanceof StateError)) throw new Error(what, { cause: thrown });
      refused++;
    }
  }
  return [refused, ran];
}
