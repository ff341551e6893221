// Debian's own kernel, fetched through apt, boots to busybox's shell, runs what is typed and powers the machine off.

import { expect } from 'vitest';

import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs, POWER_BUTTON, SHELL_MARKER } from '../src/debian/initramfs.ts';

const { test } = requireTool('apt-get');

/** A boot takes some 310 million. */
const ENOUGH = 2_000_000_000;
const CHUNK = 4_000_000;

/** Boots to the shell, does something, and returns when the machine is off. */
async function booted(atShell: (machine: Machine) => void): Promise<string> {
  const files = await debianFiles('arm64', () => undefined);
  let output = '';
  const machine = createMachine(virt({ memory: '512M' }), {
    output: (_device, byte) => {
      output += String.fromCharCode(byte);
    },
  });
  machine.load({
    kernel: readKernel(files.kernel, files.version, 0x4000_0000),
    initrd: initramfs(files),
    append: 'console=ttyAMA0 cryptomgr.notests=1',
  });
  let up = false;
  let end = machine.run(CHUNK);
  while (end === 'budget' && machine.instructions < ENOUGH) {
    if (!up && output.includes(SHELL_MARKER)) {
      atShell(machine);
      up = true;
    }
    end = machine.run(CHUNK);
  }
  expect(end, output.slice(-2000)).toBe('off');
  expect(output).toContain('reboot: Power down');
  expect(output).not.toMatch(/Kernel panic|Oops/);
  return output;
}

test('Debian boots to a shell that says its name and powers off', async () => {
  const output = await booted((machine) => {
    machine.type('serial', new TextEncoder().encode('uname -a; echo $((6 * 7)); poweroff -f\n'));
  });
  expect(output).toMatch(/^Linux \S+ 6\.1\.\d+-\d+-arm64 #1 SMP Debian .* aarch64 GNU\/Linux\r?$/m);
  expect(output).toMatch(/^42\r?$/m);
  expect(output).not.toContain(POWER_BUTTON);
}, 300_000);

test('Debian sees its power button, by gpio-keys on the PL061, and powers off', async () => {
  const output = await booted((machine) => {
    expect(machine.powerButton()).toBe(true);
  });
  expect(output).toContain('input: gpio-keys as /devices/platform/gpio-keys/input/input0');
  expect(output).toContain(POWER_BUTTON);
}, 300_000);
