// Debian's guests: which packages they are in, and which of their files.

import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { CliError } from '../errors.ts';
import { ELSEWHERE } from './apt.ts';
import { cached } from './cache.ts';
import { readModules } from './modules.ts';
import type { KernelModule } from './modules.ts';

/** Which of Debian's kernels. */
export type Flavour = 'arm64' | 'cloud-arm64';

/** Tells the user what is going on. */
export type Say = (line: string) => void;

/** Files of one Debian guest. */
export interface DebianFiles {
  readonly kernel: Uint8Array;
  readonly busybox: Uint8Array;
  /** The kernel package's name. */
  readonly version: string;
  /** What `uname -r` says. */
  readonly release: string;
  /** Drivers of the board's devices, and what they need. */
  readonly modules: readonly KernelModule[];
}

/** What a board has and a kernel may not have built in: virtio, buttons, and the file systems of disks. */
const MODULES = [
  'virtio_mmio',
  'virtio_blk',
  'virtio_net',
  'virtio_console',
  'virtio_rng',
  'gpio_keys',
  'evdev',
  'af_packet',
  'crc32c_generic',
  'ext4',
  'vfat',
  'nls_ascii',
  'nls_cp437',
];

/** The kernel, its modules and busybox, from the cache or through apt. */
export async function debianFiles(flavour: Flavour, say: Say): Promise<DebianFiles> {
  const folder = await cached(
    `debian-12-${flavour}-3`,
    'the Debian kernel and busybox',
    async (apt, into) => {
      const kernel = await apt.newest(new RegExp(`^linux-image-6[.]1[.]0-[0-9]+-${flavour}$`));
      const tree = await apt.unpack(kernel, 'busybox-static');
      const image = (await readdir(join(tree, 'boot'))).find((f) => f.startsWith('vmlinuz-'));
      if (image === undefined) throw new CliError(`${kernel} holds no kernel; ${ELSEWHERE}`);
      const release = image.slice('vmlinuz-'.length);
      await copyFile(join(tree, 'boot', image), join(into, 'vmlinuz'));
      await copyFile(join(tree, 'bin', 'busybox'), join(into, 'busybox'));
      const modules = await readModules(join(tree, 'lib/modules', release), MODULES);
      for (const { path, bytes } of modules) {
        await mkdir(dirname(join(into, 'modules', path)), { recursive: true });
        await writeFile(join(into, 'modules', path), bytes);
      }
      await writeFile(join(into, 'version'), `${kernel}\n${release}\n`);
    },
    say,
  );
  const [version = '', release = ''] = (await readFile(join(folder, 'version'), 'utf8')).split('\n');
  return {
    kernel: await readFile(join(folder, 'vmlinuz')),
    busybox: await readFile(join(folder, 'busybox')),
    version,
    release,
    modules: await readModules(join(folder, 'modules'), MODULES),
  };
}

/** Kernel and initial RAM disk of Debian's installer. */
export async function installerFiles(say: Say): Promise<{ kernel: Uint8Array; initrd: Uint8Array }> {
  const folder = await cached(
    'debian-12-installer-1',
    "Debian's installer, 130 MB,",
    async (apt, into) => {
      const tree = await apt.unpack('debian-installer-12-netboot-arm64');
      const from = join(tree, 'usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64');
      await copyFile(join(from, 'linux'), join(into, 'linux'));
      await copyFile(join(from, 'initrd.gz'), join(into, 'initrd.gz'));
    },
    say,
  );
  return {
    kernel: await readFile(join(folder, 'linux')),
    initrd: await readFile(join(folder, 'initrd.gz')),
  };
}

/** Debian's Xen. */
export async function xenFile(say: Say): Promise<Uint8Array> {
  const folder = await cached(
    'debian-12-xen-1',
    'Xen',
    async (apt, into) => {
      const tree = await apt.unpack('xen-hypervisor-4.17-arm64');
      await copyFile(join(tree, 'boot/xen-4.17-arm64'), join(into, 'xen'));
    },
    say,
  );
  return readFile(join(folder, 'xen'));
}
