// Debian by binary translation: its kernel runs at EL0, from the translation cache.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { bootTrapped } from './debian-trapped.ts';

const { test } = requireTool('apt-get', 'mke2fs');
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

test('Debian boots to its shell by binary translation, and powers off', async () => {
  const host = await bootTrapped({ technique: 'binary-translation' }, 2e9);
  // Its kernel did run from the cache, and was translated a few times over at most.
  const { units = 0, chained = 0 } = host.hypervisor.translated?.counts ?? {};
  expect(chained).toBeGreaterThan(10_000);
  expect(units).toBeLessThan(200_000);
}, 600_000);

// Each has a cache, and text is patched and processes come and go while others run it.
for (const cpus of every ? [2, 4] : [])
  test(`Debian boots to its shell by binary translation and works, vCPUs: ${cpus}`, async () => {
    const host = await bootTrapped({ technique: 'binary-translation' }, 8e9, { cpus, busy: true });
    for (let id = 0; id < cpus; id++)
      expect(host.hypervisor.translatedOf(id)?.counts?.chained).toBeGreaterThan(1000);
  }, 1_200_000);

for (const cpus of every ? [1, 2] : [])
  test(`Debian boots to its shell by binary translation beside tiny, vCPUs: ${cpus}`, async () => {
    await bootTrapped({ technique: 'binary-translation' }, 4e9, { cpus, tiny: true });
  }, 1_200_000);
