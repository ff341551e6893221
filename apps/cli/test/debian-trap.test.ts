// Debian by trap-and-emulate: its kernel runs at EL0, over shadow tables.

import { expect } from 'vitest';

import { IMPURE } from '@worldswitch/hypervisor-classic';
import { requireTool } from '@worldswitch/test-tools';
import { EmulatedGicV3 } from '@worldswitch/vmm';
import type { ShadowChoice, ShadowCounters } from '@worldswitch/vmm';

import { bootTrapped } from './debian-trapped.ts';

const { test } = requireTool('apt-get', 'mke2fs');
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
/** Each way to follow the guest's tables, and what it must have counted. */
const CHOICES: readonly (readonly [ShadowChoice, Partial<Record<keyof ShadowCounters, number>>])[] = [
  [{ variant: 'lazy' }, { hidden: 1000 }],
  [{ variant: 'traced' }, { hidden: 1000, tracedWrites: 50_000 }],
  [
    { variant: 'bounded', capacity: 256 },
    { hidden: 1000, touches: 10_000, evictions: 10_000 },
  ],
  [
    { variant: 'bounded', capacity: 64 },
    { hidden: 1000, touches: 10_000, evictions: 10_000 },
  ],
  [{ variant: 'real' }, { hidden: 1000, tracedWrites: 50_000, tracedReads: 10_000 }],
];

for (const [shadow, least] of every ? CHOICES : CHOICES.slice(0, 1)) {
  test(`Debian boots to its shell by trap-and-emulate, shadow tables: ${JSON.stringify(shadow)}`, async () => {
    const host = await bootTrapped({ technique: 'trap-and-emulate', shadow }, 20e9);
    const tables = host.hypervisor.vms[0]?.memory.shadow;
    for (const [name, n] of Object.entries(least))
      expect(tables?.counters[name as keyof ShadowCounters], name).toBeGreaterThan(n);
    if (shadow.variant === 'real') expect(tables?.realTables).toBeGreaterThan(30);
  }, 1_200_000);
}

// Where all is asked for: tiny's tests show each way.
for (const impure of every ? IMPURE : []) {
  test(`Debian boots to its shell, its kernel rewritten by what is around its words: ${impure}`, async () => {
    const host = await bootTrapped({ technique: 'trap-and-emulate', impure }, 4e9);
    expect(host.hypervisor.rewritten?.rewriting.changes.length).toBeGreaterThan(500);
  }, 1_200_000);
}

// The same with a GICv3, whose CPU interface is registers, each access to which is an exit.
for (const cpus of every ? [1, 2] : [])
  test(`Debian boots to its shell by trap-and-emulate with a GICv3, CPUs: ${cpus}`, async () => {
    const host = await bootTrapped({ technique: 'trap-and-emulate' }, 20e9, { cpus, gic: { version: 3 } });
    expect(host.hypervisor.vms[0]?.gic).toBeInstanceOf(EmulatedGicV3);
  }, 1_200_000);
