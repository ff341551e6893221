// The initial file system of `run debian`: busybox, and an /init that mounts what a shell wants and starts it.

import { cpio } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const LINK = 0o120777;
const CHARACTER = 0o020600;

/** The marker that `/init` prints when the shell is about to start. */
export const SHELL_MARKER = 'worldswitch: Debian is up';

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ TERM=vt100 PS1='debian# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo '${SHELL_MARKER}'
setsid cttyhack sh
sync
poweroff -f
`;

const directory = (name: string): CpioEntry => ({ name, mode: DIRECTORY });

/** The archive that holds a busybox and nothing else from elsewhere. */
export function initramfs(busybox: Uint8Array): Uint8Array {
  const link = new TextEncoder().encode('busybox');
  return cpio([
    directory('bin'),
    directory('dev'),
    directory('proc'),
    directory('sys'),
    directory('tmp'),
    { name: 'dev/console', mode: CHARACTER, device: [5, 1] },
    { name: 'bin/busybox', mode: EXECUTABLE, data: busybox },
    { name: 'bin/sh', mode: LINK, data: link },
    { name: 'init', mode: EXECUTABLE, data: new TextEncoder().encode(INIT) },
  ]);
}
