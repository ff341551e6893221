// The initial file system of `run debian`: busybox, the drivers of the board's devices, and an /init that brings up what a shell
// wants and starts it.

import { dirname } from 'node:path/posix';

import { cpio } from './cpio.ts';
import type { CpioEntry } from './cpio.ts';
import type { DebianFiles } from './fetch.ts';
import { modprobeFiles } from './modules.ts';

const DIRECTORY = 0o040755;
const FILE = 0o100644;
const EXECUTABLE = 0o100755;
const LINK = 0o120777;
const CHARACTER = 0o020600;

/** What `/init` says when the power button is pressed. */
export const POWER_BUTTON = 'worldswitch: the power button';

/** The marker that `/init` prints when the shell is about to start. */
export const SHELL_MARKER = 'worldswitch: Debian is up';

// Drivers come as udev would load them: by the aliases of the devices that are there.
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ TERM=vt100 PS1='debian# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for d in /sys/bus/platform/devices/*.virtio_mmio; do
  [ -e "$d" ] && modprobe virtio_mmio
  break
done
for a in /sys/bus/virtio/devices/*/modalias; do
  [ -e "$a" ] && modprobe -q "$(cat "$a")"
done
if [ -e /sys/class/net/eth0 ]; then
  modprobe -q af_packet
  ip link set lo up
  ip link set eth0 up
fi
keys=/sys/bus/platform/devices/gpio-keys/modalias
if [ -e $keys ] && modprobe -q "$(cat $keys)" && modprobe -q evdev; then
  # An event is 24 bytes. The only key that this board has is the power button.
  for e in /dev/input/event*; do
    { dd if=$e of=/dev/null bs=24 count=1 2>/dev/null && echo '${POWER_BUTTON}' && sync && poweroff -f; } &
  done
fi
if [ -c /dev/hvc0 ] && [ -e /sys/bus/virtio/drivers/virtio_console ]; then
  while :; do setsid -c sh -c 'echo "${SHELL_MARKER} on hvc0"; exec sh' </dev/hvc0 >/dev/hvc0 2>&1; sleep 1; done &
fi
echo '${SHELL_MARKER}'
setsid cttyhack sh
sync
poweroff -f
`;

/** What udhcpc runs when a lease comes or goes. */
const DHCP = `#!/bin/busybox sh
case "$1" in
  deconfig) ip addr flush dev "$interface"; ip link set "$interface" up ;;
  bound|renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/\${mask:-24}" dev "$interface"
    for r in $router; do ip route add default via "$r" dev "$interface"; done
    : >/etc/resolv.conf
    for d in $dns; do echo "nameserver $d" >>/etc/resolv.conf; done
    echo "udhcpc: $interface has $ip/\${mask:-24}" ;;
esac
`;

const encoder = new TextEncoder();
const directory = (name: string): CpioEntry => ({ name, mode: DIRECTORY });
const text = (name: string, content: string, mode = FILE): CpioEntry => ({
  name,
  mode,
  data: encoder.encode(content),
});

/** All folders that files of these names need, outer ones first. */
function folders(names: readonly string[]): readonly CpioEntry[] {
  const all = new Set<string>();
  for (const name of names) {
    const parts = dirname(name).split('/');
    parts.forEach((_, i) => all.add(parts.slice(0, i + 1).join('/')));
  }
  return [...all].map(directory);
}

function moduleFiles({ release, modules }: DebianFiles): readonly CpioEntry[] {
  const base = `lib/modules/${release}`;
  const { dep, alias } = modprobeFiles(modules);
  const files = [
    text(`${base}/modules.dep`, dep),
    text(`${base}/modules.alias`, alias),
    ...modules.map(({ path, bytes }) => ({ name: `${base}/${path}`, mode: FILE, data: bytes })),
  ];
  return [...folders(files.map((f) => f.name)), ...files];
}

/** The archive: busybox and modules from Debian, and nothing else from elsewhere. */
export function initramfs(files: DebianFiles): Uint8Array {
  return cpio([
    ...['bin', 'dev', 'etc', 'etc/udhcpc', 'mnt', 'proc', 'sys', 'tmp'].map(directory),
    { name: 'dev/console', mode: CHARACTER, device: [5, 1] },
    { name: 'bin/busybox', mode: EXECUTABLE, data: files.busybox },
    { name: 'bin/sh', mode: LINK, data: encoder.encode('busybox') },
    { name: 'sbin', mode: LINK, data: encoder.encode('bin') },
    // What mount tries where it is not told: the kernel knows a file system only when its module is loaded.
    text('etc/filesystems', 'ext4\nvfat\n'),
    text('etc/udhcpc/default.script', DHCP, EXECUTABLE),
    ...moduleFiles(files),
    text('init', INIT, EXECUTABLE),
  ]);
}
