// Debian's stock kernel, unmodified, by trap-and-emulate on a CPU without EL2: its kernel runs at EL0, over shadow tables.

import { expect } from 'vitest';

import { createHost } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';
import type { ShadowVariant } from '@worldswitch/vmm';

import { namedGuest } from '../src/guests.ts';

const { test } = requireTool('apt-get', 'mke2fs');
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const VARIANTS: readonly ShadowVariant[] = every ? ['lazy', 'traced', 'bounded'] : ['lazy'];

for (const shadow of VARIANTS) {
  test(`Debian boots to its shell by trap-and-emulate, shadow: ${shadow}`, async () => {
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
        board: virt({ memory: '544M' }),
        technique: 'trap-and-emulate',
        shadow,
        vms: [{ name: 'debian', board: virt({ memory: '512M' }) }],
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
    while ((end === 'budget' || end === 'idle') && host.machine.instructions < 20e9) {
      end = host.machine.run(5_000_000);
      if (!typed && text.includes('Debian is up')) {
        typed = true;
        // What the kernel says of its CPU, and what a program gets.
        host.machine.type(
          'serial',
          new TextEncoder().encode('cat /proc/cpuinfo; expr 6 \\* 7; poweroff -f\n'),
        );
      }
    }
    expect(end, end === 'dead' ? host.machine.report() : text.slice(-500)).toBe('off');
    expect(host.machine.board.config.el2).toBe(false);
    expect(text).toMatch(/CPU part\s*: 0xd07/);
    expect(text).toMatch(/^42\r?$/m);
    expect(text).not.toMatch(/Oops|Internal error|BUG:/);
    expect(host.hypervisor.vms[0]?.memory.shadow.counters.hidden).toBeGreaterThan(1000);
  }, 1_200_000);
}
