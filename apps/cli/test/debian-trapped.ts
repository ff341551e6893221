// Debian's stock kernel, unmodified, on a CPU without EL2: to its shell, a few commands, and off.

import { expect } from 'vitest';

import { createHost } from '@worldswitch/hypervisor-classic';
import type { Host, TrapAndEmulate, TrapHostDescription } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import type { BootImages, VirtOptions } from '@worldswitch/machine';

import { namedGuest } from '../src/guests.ts';

/** What the kernel says of its CPU, and what a program gets. */
const COMMANDS = 'cat /proc/cpuinfo; expr 6 \\* 7; poweroff -f\n';

/** Processes on all CPUs, while a static branch of their scheduler is patched again and again. */
const BUSY =
  'for i in 1 2 3 4; do (j=0; while [ $j -lt 40 ]; do j=$(expr $j + 1); done; echo counted $j) & done; ' +
  'for i in 1 2 3 4 5; do echo 1; echo 0; done | while read k; do echo $k > /proc/sys/kernel/sched_schedstats; done; wait\n';

/** What runs, and beside what. */
interface Boot extends Pick<VirtOptions, 'cpus' | 'gic'> {
  /** Processes on all CPUs. */
  readonly busy?: boolean;
  /** Another VM: our small kernel tests itself. */
  readonly tiny?: boolean;
}

const imagesOf = async (name: string, cpus: number, append?: string): Promise<BootImages> => {
  const { images } = await namedGuest(name, { append, xenAppend: undefined, cpus, say: () => undefined });
  if (images === undefined) throw new Error(`${name} has nothing to boot`);
  return images;
};

/** Boots it, expects all of it, and returns the host that it ran on. */
export async function bootTrapped(
  how: Pick<TrapHostDescription, 'technique' | 'shadow' | 'impure'>,
  most: number,
  { busy = false, tiny = false, ...board }: Boot = {},
): Promise<Host<TrapAndEmulate>> {
  const { cpus = 1 } = board;
  let text = '';
  const host = createHost(
    {
      ...how,
      board: virt({ memory: '512M', ...board }),
      vms: [
        { name: 'debian', board: virt({ memory: '256M', ...board }) },
        ...(tiny ? [{ name: 'tiny', board: virt({ memory: '64M' }) }] : []),
      ],
    },
    {
      debian: await imagesOf('debian', cpus),
      ...(tiny && { tiny: await imagesOf('tiny', 1, 'selftest poweroff') }),
    },
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
      host.machine.type('serial', new TextEncoder().encode((busy ? BUSY : '') + COMMANDS));
    }
  }
  expect(end, end === 'dead' ? host.machine.report() : text.slice(-500)).toBe('off');
  expect(host.machine.board.config.el2).toBe(false);
  // Of several VMs each line has a name.
  if (tiny) expect(text).toMatch(/^\[tiny\] .*selftest: 60 ok, 0 failed/m);
  const own = text.replace(/^\[debian\] /gm, '');
  expect(own).toMatch(/CPU part\s*: 0xd07/);
  expect(own).toMatch(/^42\r?$/m);
  expect(own.match(/^processor\s*:/gm)?.length).toBe(cpus);
  if (busy) expect(own.match(/^counted 40\r?$/gm)?.length).toBe(4);
  // Its static branch is there.
  if (busy) expect(own).not.toMatch(/sched_schedstats: /);
  if (board.gic?.version === 3) expect(own).toMatch(/GICv3: \d+ SPIs implemented/);
  expect(own).not.toMatch(/Oops|Internal error|BUG:|stall/);
  return host;
}
