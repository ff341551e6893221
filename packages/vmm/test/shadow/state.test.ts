// A shadow that is restored goes on as it would have; a state that cannot be is refused in one line.

import { describe, expect, it } from 'vitest';

import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { ShadowMmu, shadowShape } from '../../src/shadow/index.ts';
import type { ShadowOptions, ShadowState } from '../../src/shadow/index.ts';
import { RandomGuest } from './random-guest.ts';
import { randomFrom } from './shadow-rig.ts';

const SHAPE = { name: '4 KiB, 48 bits', granule: 12, bits: 48 } as const;
const VARIANTS: readonly Partial<ShadowOptions>[] = [
  { variant: 'lazy' },
  { variant: 'traced' },
  { variant: 'real' },
  { variant: 'bounded', capacity: 5 },
  { variant: 'bounded', capacity: 12, open: 6 },
];

/** Some accesses, and some changes. */
function work(guest: RandomGuest, seed: number): string {
  guest.reseed(seed);
  for (let i = 0; i < 80; i++) {
    guest.check(`access ${i}`);
    if (i % 30 === 29) guest.rig.tlbi('VMALLE1IS');
  }
  return JSON.stringify([guest.rig.shadow.save(), guest.rig.host.save(), guest.rig.resolved]);
}

/** Changes one thing somewhere in it. */
function mutated(from: Plain, random: (below: number) => number): Plain {
  if (Array.isArray(from)) {
    const all = [...(from as readonly Plain[])];
    if (all.length === 0) return [random(100)];
    const i = random(all.length);
    if (random(6) === 0) all.splice(i, 1);
    else all[i] = mutated(all[i] ?? null, random);
    return all;
  }
  if (typeof from === 'object' && from !== null && !(from instanceof Uint8Array)) {
    const all = { ...(from as Readonly<Record<string, Plain>>) };
    const name = Object.keys(all)[random(Object.keys(all).length)] ?? '';
    all[name] = mutated(all[name] ?? null, random);
    return all;
  }
  const instead: readonly Plain[] = [0, 1, -1, 4096, 2 ** 40 + 1, 2 ** 52, NaN, 'x', null, true, []];
  if (typeof from === 'number' && random(2) === 0) return from + ([1, -1, 8, 4096, -4096][random(5)] ?? 1);
  return instead[random(instead.length)] ?? null;
}

describe.each(VARIANTS)('%o', (options) => {
  it('goes on as if nothing had been', () => {
    const guest = new RandomGuest(SHAPE, 5, options);
    work(guest, 11);
    const snapshot = guest.rig.save();
    const resolved = guest.rig.resolved;
    const ended = work(guest, 12);
    guest.rig.restore(snapshot);
    guest.rig.resolved = resolved;
    expect(work(guest, 12)).toBe(ended);
    // The falsifier: other work ends otherwise.
    guest.rig.restore(snapshot);
    guest.rig.resolved = resolved;
    expect(work(guest, 13)).not.toBe(ended);
  });

  it('refuses what cannot be', () => {
    const guest = new RandomGuest(SHAPE, 6, options);
    work(guest, 21);
    const { rig } = guest;
    const state = rig.shadow.save();
    const random = randomFrom(77);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      try {
        const checked: ShadowState = shadowShape.check(mutated(state, random), '');
        expect(
          new ShadowMmu(rig.host, rig.memory, rig.pages, rig.options, checked).leaves,
        ).toBeGreaterThanOrEqual(0);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(StateError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(120);
  });
});
