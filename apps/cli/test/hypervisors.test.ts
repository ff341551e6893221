// Guests that are more than a kernel: Debian's Xen with Linux as dom0 and as a domain of its own, and Debian's installer.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { bootGuest } from './boot.ts';

const { test } = requireTool('apt-get');

const PATIENCE = 300_000;
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const UNAME = /Linux \S+ 6\.1\.\d+-\d+-arm64 #1 SMP Debian .* aarch64 GNU\/Linux$/m;

type Board = readonly [gic: 2 | 3, smp: number];

const ALL: readonly Board[] = [
  [2, 1],
  [2, 4],
  [3, 1],
  [3, 4],
];
/** Boards for dom0 and for a domain without it: all four, or one each that has much between them. */
const DOM0: readonly Board[] = every ? ALL : [[3, 2]];
const DOM0LESS: readonly Board[] = every ? ALL : [[2, 1]];
const on = ([gic, smp]: Board): string => `GICv${gic}, ${smp} CPU${smp > 1 ? 's' : ''}`;

for (const board of DOM0) {
  const [gic, smp] = board;
  test(
    `Xen boots Linux as dom0, which powers the machine off: ${on(board)}`,
    async () => {
      const { end, printed } = await bootGuest('xen-dom0', {
        options: { gic, smp },
        lines: [{ after: 'Debian is up', type: 'PS1=; uname -a; echo cpus $(nproc)\npoweroff -f\n' }],
      });
      const text = printed('serial');
      expect(end, text.slice(-3000)).toBe('off');
      expect(text).toContain(gic === 2 ? 'GICv2 initialization' : 'GICv3 initialization');
      expect(text).toContain(`Brought up ${smp} CPU`);
      expect(text).toContain('LOADING DOMAIN 0');
      expect(text).toMatch(UNAME);
      expect(text).toContain(`\ncpus ${smp}\n`);
      expect(text).toContain('Hardware Dom0 halted: halting machine');
      expect(text).not.toMatch(/Kernel panic|Oops|BUG:|WARNING:/);
    },
    PATIENCE,
  );
}

for (const board of DOM0LESS) {
  const [gic, smp] = board;
  test(
    `Xen boots Linux as a domain of its own, without dom0: ${on(board)}`,
    async () => {
      const { end, printed } = await bootGuest('xen', {
        options: { gic, smp },
        lines: [{ after: 'Debian is up', type: 'PS1=; uname -a; echo cpus $(nproc)\npoweroff -f\n' }],
        until: 'reboot: Power down',
      });
      const text = printed('serial');
      expect(end, text.slice(-3000)).toBe('until');
      expect(text).not.toContain('LOADING DOMAIN 0');
      expect(text).toContain('Serial input to DOM1');
      expect(text).toMatch(UNAME);
      expect(text).toContain(`cpus ${smp}\n`);
      expect(text).not.toMatch(/Kernel panic|Oops|BUG:|WARNING:/);
    },
    PATIENCE,
  );
}

// Five thousand million instructions: with WORLDSWITCH_ALL=1 alone.
if (every)
  test(
    "Debian's installer comes to its first screen",
    async () => {
      const { end, printed } = await bootGuest('debian-installer', {
        until: 'Choose the language',
        limit: 8_000_000_000,
      });
      expect(end, printed('serial').slice(-3000)).toBe('until');
    },
    PATIENCE,
  );
