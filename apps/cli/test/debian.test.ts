// Debian's own kernel, fetched through apt, boots to busybox's shell, runs what is typed and powers the machine off.

import { expect } from 'vitest';

import { createMachine, readKernel, virt } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs, SHELL_MARKER } from '../src/debian/initramfs.ts';

const { test } = requireTool('apt-get');

/** A boot takes some 310 million. */
const ENOUGH = 2_000_000_000;
const CHUNK = 4_000_000;

test('Debian boots to a shell that says its name and powers off', async () => {
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
  let typed = false;
  let end = machine.run(CHUNK);
  while (end === 'budget' && machine.instructions < ENOUGH) {
    if (!typed && output.includes(SHELL_MARKER)) {
      machine.type('serial', new TextEncoder().encode('uname -a; echo $((6 * 7)); poweroff -f\n'));
      typed = true;
    }
    end = machine.run(CHUNK);
  }
  expect(end, output.slice(-2000)).toBe('off');
  expect(output).toMatch(/^Linux \S+ 6\.1\.\d+-\d+-arm64 #1 SMP Debian .* aarch64 GNU\/Linux\r?$/m);
  expect(output).toMatch(/^42\r?$/m);
  expect(output).toContain('reboot: Power down');
  expect(output).not.toMatch(/Kernel panic|Oops/);
}, 300_000);
