// Debian by trap-and-emulate: its kernel runs at EL0, over shadow tables.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';
import type { ShadowVariant } from '@worldswitch/vmm';

import { bootTrapped } from './debian-trapped.ts';

const { test } = requireTool('apt-get', 'mke2fs');
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const VARIANTS: readonly ShadowVariant[] = every ? ['lazy', 'traced', 'bounded'] : ['lazy'];

for (const shadow of VARIANTS) {
  test(`Debian boots to its shell by trap-and-emulate, shadow: ${shadow}`, async () => {
    const host = await bootTrapped({ technique: 'trap-and-emulate', shadow }, 20e9);
    expect(host.hypervisor.vms[0]?.memory.shadow.counters.hidden).toBeGreaterThan(1000);
  }, 1_200_000);
}
