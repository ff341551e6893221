// Debian's stock kernel, unmodified, on a CPU without EL2: to its shell, a few commands, and off.

import { expect } from 'vitest';

import { createHost } from '@worldswitch/hypervisor-classic';
import type { Host, TrapAndEmulate, TrapHostDescription } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import type { VirtOptions } from '@worldswitch/machine';

import { namedGuest } from '../src/guests.ts';

/** What the kernel says of its CPU, and what a program gets. */
const COMMANDS = 'cat /proc/cpuinfo; expr 6 \\* 7; poweroff -f\n';

/** Boots it, expects all of it, and returns the host that it ran on. */
export async function bootTrapped(
  how: Pick<TrapHostDescription, 'technique' | 'shadow' | 'impure'>,
  most: number,
  board: Pick<VirtOptions, 'cpus' | 'gic'> = {},
): Promise<Host<TrapAndEmulate>> {
  const { cpus = 1, gic } = board;
  const { images } = await namedGuest('debian', {
    append: undefined,
    xenAppend: undefined,
    cpus,
    say: () => undefined,
  });
  if (images === undefined) throw new Error('Debian has nothing to boot');
  let text = '';
  const host = createHost(
    {
      ...how,
      board: virt({ memory: '352M', ...board }),
      vms: [{ name: 'debian', board: virt({ memory: '256M', ...board }) }],
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
  while ((end === 'budget' || end === 'idle') && host.machine.instructions < most) {
    end = host.machine.run(5_000_000);
    if (!typed && text.includes('Debian is up')) {
      typed = true;
      host.machine.type('serial', new TextEncoder().encode(COMMANDS));
    }
  }
  expect(end, end === 'dead' ? host.machine.report() : text.slice(-500)).toBe('off');
  expect(host.machine.board.config.el2).toBe(false);
  expect(text).toMatch(/CPU part\s*: 0xd07/);
  expect(text).toMatch(/^42\r?$/m);
  expect(text.match(/^processor\s*:/gm)?.length).toBe(cpus);
  if (gic?.version === 3) expect(text).toMatch(/GICv3: \d+ SPIs implemented/);
  expect(text).not.toMatch(/Oops|Internal error|BUG:/);
  return host;
}
