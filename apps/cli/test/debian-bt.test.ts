// Debian by binary translation: its kernel runs at EL0, from the translation cache.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { bootTrapped } from './debian-trapped.ts';

const { test } = requireTool('apt-get', 'mke2fs');

test('Debian boots to its shell by binary translation, and powers off', async () => {
  const host = await bootTrapped({ technique: 'binary-translation' }, 2e9);
  // Its kernel did run from the cache, and was translated a few times over at most.
  const { units = 0, chained = 0 } = host.hypervisor.translated?.counts ?? {};
  expect(chained).toBeGreaterThan(10_000);
  expect(units).toBeLessThan(200_000);
}, 600_000);
