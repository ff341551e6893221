// The kit accepts a healthy device and catches each planted bug, with the check that is meant for it.

import { describe, expect, test } from 'vitest';

import { conformance } from '@worldswitch/testkit';

import { sample } from './sample.ts';
import type { Bug } from './sample.ts';

const subject = {
  config: (on: { readonly note: (event: string) => void }) => ({
    write: (byte: number) => {
      on.note(`out ${byte}`);
    },
  }),
  stimuli: [
    (device: { receive(byte: number): void }, random: { word(): number }) => {
      device.receive(random.word());
    },
  ],
};

/** The names of the checks that fail, with what they say. */
function failures(bug?: Bug): readonly string[] {
  return conformance(sample(bug), subject).flatMap(({ name, run }) => {
    try {
      run();
      return [];
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

describe('a healthy device', () => {
  for (const { name, run } of conformance(sample(), subject)) test(name, run);
});

const planted: readonly (readonly [Bug, RegExp])[] = [
  ['throws at an offset', /answers at every offset.*registers\+0x41.*bad offset/],
  ['gives a signed result', /is total.* gave -\d+, not an unsigned value/],
  ['gives more than the width', /is total.*not an unsigned value of 1 bytes/],
  ['counts in a global', /deterministic.*two runs differ/],
  ['draws by chance', /Math\.random is out of a device's reach/],
  ['reads the host clock', /Date(\.now)? is out of a device's reach/],
  ['forgets a field in save', /identical futures/],
  ['forgets the deadline', /identical futures.*pending deadlines/],
  ['derives the deadline anew', /identical futures/],
  ['moves its wire in Enter', /first phase of reset (drives a wire|moves)/],
  ['forgets a field in reset', /like a new one: after reset against a new device: received/],
  ['leaves its timer running at reset', /like a new one: after reset against a new device: expires/],
  ['accepts any state', /hostile state: .*must be refused with a StateError/],
  ['accepts a state with a missing field', /hostile state: a state whose received is missing is accepted/],
  ['throws a plain error at a bad state', /hostile state: .*must be refused with a StateError/],
  ['arms before it checks', /hostile state: .*a timer was armed first/],
  ['saves NaN', /identical futures: the state's received is NaN/],
  ['changes when saved', /without being disturbed|identical futures/],
  ['drives its wire when made', /being made moves: 0 wire irq 1/],
  ['behaves differently when traced', /deterministic.*traces off/],
  ['keeps a secret', /identical futures/],
];

describe('a device that', () => {
  for (const [bug, caught] of planted) {
    test(`${bug} is caught`, () => {
      expect(failures(bug).join('\n')).toMatch(caught);
    });
  }
});
