// The same Debian kernel, initial RAM disk and device tree here and on QEMU: nothing on our console that QEMU does not print.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { buildBoard, checkConfig, createMachine, deviceTree, readKernel, virt } from '@worldswitch/machine';
import { requireTool, run, tempDir } from '@worldswitch/test-tools';

import { cpio } from '../src/debian/cpio.ts';
import { debianFiles } from '../src/debian/fetch.ts';

const { test } = requireTool('apt-get', 'qemu-system-aarch64');

const APPEND = 'console=ttyAMA0 cryptomgr.notests=1';
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox uname -a
/bin/busybox cat /proc/interrupts
/bin/busybox poweroff -f
`;

/**
 * Lines without the kernel's time stamps. Numbers count as one and the same: how much memory was free, how long something took and
 * how often the timer ticked differ between two runs of QEMU too.
 */
const linesOf = (console: string): string[] =>
  console
    .replaceAll('\r', '')
    .split('\n')
    .map((line) =>
      line
        .replace(/^\[ *\d+\.\d+\] /, '')
        .replace(/\d+/g, '#')
        .replace(/ +/g, ' ')
        .trim(),
    );

async function initrd(busybox: Uint8Array): Promise<Uint8Array> {
  const directory = (name: string): { name: string; mode: number } => ({ name, mode: 0o040755 });
  return Promise.resolve(
    cpio([
      directory('bin'),
      directory('dev'),
      directory('proc'),
      { name: 'dev/console', mode: 0o020600, device: [5, 1] },
      { name: 'bin/busybox', mode: 0o100755, data: busybox },
      { name: 'init', mode: 0o100755, data: new TextEncoder().encode(INIT) },
    ]),
  );
}

for (const el2 of [false, true]) {
  test(`Debian prints nothing here that it does not print on QEMU, entered at EL${el2 ? 2 : 1}`, async () => {
    const files = await debianFiles('arm64', () => undefined);
    const disk = await initrd(files.busybox);
    const config = virt({ memory: '512M', el2 });
    let ours = '';
    const machine = createMachine(config, {
      output: (_device, byte) => (ours += String.fromCharCode(byte)),
    });
    const kernel = readKernel(files.kernel, files.version, 0x4000_0000);
    machine.load({ kernel, initrd: disk, append: APPEND });
    expect(machine.run(1_000_000_000)).toBe('off');

    const folder = tempDir();
    const at = (name: string): string => join(folder, name);
    const board = buildBoard(checkConfig(config), {
      firmware: { call: () => false },
      output: () => undefined,
    });
    writeFileSync(at('vmlinuz'), files.kernel);
    writeFileSync(at('initrd'), disk);
    writeFileSync(at('board.dtb'), deviceTree(board, APPEND));
    const qemu = await run(
      'qemu-system-aarch64',
      [
        ...['-M', `virt,gic-version=2${el2 ? ',virtualization=on' : ''}`, '-cpu', 'cortex-a57', '-m', '512'],
        ...['-nic', 'none', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
        ...['-dtb', at('board.dtb'), '-kernel', at('vmlinuz'), '-initrd', at('initrd'), '-append', APPEND],
      ],
      { timeoutMs: 120_000 },
    );
    const theirs = new Set(linesOf(qemu.stdout));
    const mine = linesOf(ours);
    expect(mine.some((line) => line.startsWith('Linux (none) #.#'))).toBe(true);
    expect(theirs.size).toBeGreaterThan(100);
    const extra = mine.filter((line) => !theirs.has(line) && !line.includes('setting system clock to'));
    expect(extra).toEqual([]);
  }, 240_000);
}
