// The shadow against the guest's own walk: EL0 gets through the shadow exactly what the guest's tables give its virtual level.

import { describe, it } from 'vitest';

import type { ShadowOptions } from '../../src/shadow/index.ts';
import { RandomGuest, SHAPES } from './random-guest.ts';

const VARIANTS: readonly (readonly [string, Partial<ShadowOptions>])[] = [
  ['lazy', { variant: 'lazy' }],
  ['lazy with pages alone', { variant: 'lazy', largest: 12 }],
  ['lazy with few tables', { variant: 'lazy', quota: 24 }],
  ['traced', { variant: 'traced' }],
  ['real', { variant: 'real' }],
  ['bounded to 4', { variant: 'bounded', capacity: 4 }],
  ['bounded to 1', { variant: 'bounded', capacity: 1 }],
  ['bounded to 16, 8 open', { variant: 'bounded', capacity: 16, open: 8 }],
];

describe.each(VARIANTS)('%s', (_name, options) => {
  it.each(SHAPES)('gives each level what its tables say: $name', (shape) => {
    for (let seed = 1; seed <= 4; seed++) {
      const guest = new RandomGuest(shape, seed * 7919, options);
      for (let i = 0; i < 150; i++) {
        guest.check(`seed ${seed}, access ${i}`);
        if (i % 25 === 24) guest.change();
      }
    }
  });
});
