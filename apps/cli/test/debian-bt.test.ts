// Debian's stock kernel, unmodified, by binary translation on a CPU without EL2: its kernel runs at EL0, from the translation cache.

import { expect } from 'vitest';

import { createHost } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { namedGuest } from '../src/guests.ts';

const { test } = requireTool('apt-get', 'mke2fs');

test('Debian boots to its shell by binary translation, and powers off', async () => {
  const { images } = await namedGuest('debian', {
    append: undefined,
    xenAppend: undefined,
    cpus: 1,
    say: () => undefined,
  });
  if (images === undefined) throw new Error('Debian has nothing to boot');
  let text = '';
  const host = createHost(
    {
      board: virt({ memory: '352M' }),
      technique: 'binary-translation',
      vms: [{ name: 'debian', board: virt({ memory: '256M' }) }],
    },
    { debian: images },
    {
      output: (_device, byte) => {
        text += String.fromCharCode(byte);
      },
    },
  );
  let typed = false;
  let end = 'budget';
  while ((end === 'budget' || end === 'idle') && host.machine.instructions < 2e9) {
    end = host.machine.run(5_000_000);
    if (!typed && text.includes('Debian is up')) {
      typed = true;
      host.machine.type('serial', new TextEncoder().encode('cat /proc/cpuinfo; expr 6 \\* 7; poweroff -f\n'));
    }
  }
  expect(end, end === 'dead' ? host.machine.report() : text.slice(-500)).toBe('off');
  expect(host.machine.board.config.el2).toBe(false);
  expect(text).toMatch(/CPU part\s*: 0xd07/);
  expect(text).toMatch(/^42\r?$/m);
  expect(text).not.toMatch(/Oops|Internal error|BUG:/);
  // Its kernel did run from the cache, and was translated a few times over at most.
  const { units = 0, chained = 0 } = host.hypervisor.translated?.counts ?? {};
  expect(chained).toBeGreaterThan(10_000);
  expect(units).toBeLessThan(200_000);
}, 600_000);
