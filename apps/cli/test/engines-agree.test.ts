// Both engines on the same Debian: snapshots of its boot by the fast engine, and from each a window on both, hash by hash: the fast one has been there all the way,
// with all that it has compiled.

import { expect } from 'vitest';

import { createMachine, readKernel, restoreMachine, virt } from '@worldswitch/machine';
import type { MachineConfig } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs } from '../src/debian/initramfs.ts';

const { test } = requireTool('apt-get');

/** Instructions after which a window begins: early boot, the kernel's start, its initcalls, user space. */
const WINDOWS = [300_000, 20_000_000, 120_000_000, 300_000_000];
/** Instructions of a window, and between two hashes. */
const LENGTH = 150_000;
const STEP = 50_000;

/** WORLDSWITCH_ALL=1 takes all of them; without it the two that have the most between them. */
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const boards = [
  ['entered at EL1', {}],
  ['entered at EL1, in timing mode', { timing: 'cortex-a57' }],
  ['entered at EL2', { el2: true }],
  ['four CPUs, GICv3, entered at EL2', { el2: true, cpus: 4, gic: { version: 3 } }],
] as const;

for (const [name, board] of boards) {
  if (!every && !('timing' in board || 'cpus' in board)) continue;
  test(`both engines go the same way through windows of a Debian boot: ${name}`, async () => {
    const files = await debianFiles('cloud-arm64', () => undefined);
    const config: MachineConfig = { ...virt({ memory: '256M', ...board }), engine: 'jit' };
    const machine = createMachine(config);
    machine.load({
      kernel: readKernel(files.kernel, files.version, 0x4000_0000),
      initrd: initramfs(files),
      append: 'console=ttyAMA0 cryptomgr.notests=1',
    });
    for (const start of WINDOWS) {
      expect(machine.run(start - machine.instructions)).toBe('budget');
      const saved = machine.save();
      const reference = restoreMachine({ ...config, engine: 'reference' }, saved);
      expect(restoreMachine(config, saved).hash()).toBe(machine.hash());
      // The machine itself goes on: what it has compiled on its way here is what is compared.
      for (let done = 0; done < LENGTH; done += STEP) {
        expect(reference.run(STEP)).toBe(machine.run(STEP));
        expect(reference.hash(), `after ${start + done + STEP} instructions`).toBe(machine.hash());
      }
      const { counters } = machine.engines[0] as unknown as { counters: { compiled: number } };
      if (start >= 20_000_000) expect(counters.compiled).toBeGreaterThan(machine.instructions / 10);
    }
  }, 300_000);
}
