// Guests that have a name: what each brings, and what it wants of the board.

import { readFile } from 'node:fs/promises';

import { probe, tiny } from '@worldswitch/guests';
import { readKernel } from '@worldswitch/machine';
import type { BootImages } from '@worldswitch/machine';

import { debianFiles, installerFiles, xenFile } from './debian/fetch.ts';
import type { Flavour, Say } from './debian/fetch.ts';
import { initramfs } from './debian/initramfs.ts';
import { CliError } from './errors.ts';
import type { Typed } from './session.ts';
import { xenImages } from './xen.ts';
import type { XenMode } from './xen.ts';

/** What a guest brings. */
export interface Guest {
  readonly images?: BootImages;
  /** Memory that it wants. */
  readonly memory?: string;
  /** It is entered at EL2. */
  readonly el2?: true;
  /** Typed for the user. */
  readonly typed?: readonly Typed[];
  /** Text on the console after which nothing more will come of it. */
  readonly until?: string;
  /** Nothing that it prints depends on time. */
  readonly timeless?: true;
}

/** What the user says about a named guest. */
export interface GuestWishes {
  readonly append: string | undefined;
  /** Xen's own command line. */
  readonly xenAppend: string | undefined;
  readonly cpus: number;
  readonly say: Say;
}

const RAM = 0x4000_0000;

/** The kernel's own self-tests of RSA are 60 % of the instructions of a boot. */
export const LINUX = 'cryptomgr.notests=1';

/** tiny with a command line. */
export async function tinyGuest(append: string): Promise<Guest> {
  const [image, elf] = await Promise.all([tiny.image, tiny.elf].map((file) => readFile(file)));
  // The Image does not say where its code is.
  const { code } = readKernel(new Uint8Array(elf ?? []), 'tiny', RAM);
  const kernel = { ...readKernel(new Uint8Array(image ?? []), 'tiny', RAM), code };
  return { images: { kernel, name: 'tiny', append }, memory: '128M' };
}

async function probeGuest(append: string): Promise<Guest> {
  const image = new Uint8Array(await readFile(probe.image));
  const images = { kernel: readKernel(image, 'probe', RAM), name: 'probe', append };
  return { images, memory: '64M', timeless: true };
}

async function debianGuest(flavour: Flavour, { append, say }: GuestWishes): Promise<Guest> {
  const files = await debianFiles(flavour, say);
  return {
    images: {
      kernel: readKernel(files.kernel, files.version, RAM),
      name: files.version,
      initrd: initramfs(files),
      append: append ?? `console=ttyAMA0 ${LINUX}`,
    },
    memory: '512M',
  };
}

async function installerGuest({ append, say }: GuestWishes): Promise<Guest> {
  const { kernel, initrd } = await installerFiles(say);
  const name = "the installer's kernel";
  return {
    images: {
      kernel: readKernel(kernel, name, RAM),
      name,
      initrd,
      append: append ?? `console=ttyAMA0 ${LINUX}`,
    },
    memory: '1G',
  };
}

/** Xen gives input to dom0 first, even where there is none: its escape key, three times, turns to the first domain. */
const TURN_INPUT: Typed = {
  after: 'Serial input to DOM0',
  bytes: Uint8Array.of(1, 1, 1),
};

async function xenGuest(mode: XenMode, { append, xenAppend, cpus, say }: GuestWishes): Promise<Guest> {
  const [xen, files] = [await xenFile(say), await debianFiles('arm64', say)];
  const dom0 = mode === 'dom0';
  return {
    images: xenImages({
      mode,
      xen: readKernel(xen, 'Xen', RAM),
      xenAppend:
        xenAppend ?? (dom0 ? `console=dtuart dom0_mem=512M dom0_max_vcpus=${cpus}` : 'console=dtuart'),
      kernel: files.kernel,
      initrd: initramfs(files),
      append: append ?? `console=${dom0 ? 'hvc0' : 'ttyAMA0'} ${LINUX}`,
      memory: 512,
      cpus,
    }),
    memory: '1G',
    el2: true,
    // Without dom0 nobody switches the machine off when the domain has gone.
    ...(!dom0 && { typed: [TURN_INPUT], until: 'reboot: Power down' }),
  };
}

/** Names, and what they are in a few words. */
export const guestNames: Readonly<Record<string, string>> = {
  tiny: 'our small kernel: self-test, benchmarks, power-off',
  probe: 'looks for virtualisation in every way that needs no clock: a line for each probe',
  debian: "Debian's arm64 kernel and a busybox shell",
  'debian-cloud': 'the same with the smaller kernel for clouds',
  'debian-installer': "Debian's installer, to its first screen and on",
  xen: 'Xen 4.17 with Debian as a domain of its own (dom0less)',
  'xen-dom0': 'Xen 4.17 with Debian as dom0',
};

/** A guest by its name. Throws a `CliError` for one that nobody knows. */
export async function namedGuest(name: string, wishes: GuestWishes): Promise<Guest> {
  switch (name) {
    case 'tiny':
      return tinyGuest(wishes.append ?? 'selftest bench poweroff');
    case 'probe':
      return probeGuest(wishes.append ?? '');
    case 'debian':
      return debianGuest('arm64', wishes);
    case 'debian-cloud':
      return debianGuest('cloud-arm64', wishes);
    case 'debian-installer':
      return installerGuest(wishes);
    case 'xen':
      return xenGuest('dom0less', wishes);
    case 'xen-dom0':
      return xenGuest('dom0', wishes);
    default:
      throw new CliError(
        `no guest is called "${name}"; there are ${Object.keys(guestNames).join(', ')}, or give --kernel FILE`,
      );
  }
}

/** Guests that need EL2 for themselves. */
const NEEDS_EL2: ReadonlySet<string> = new Set(['xen', 'xen-dom0']);

/** Throws a `CliError` for a guest that no VM can run. */
export function refuseHypervisors(name: string): void {
  if (NEEDS_EL2.has(name))
    throw new CliError(`${name} is a hypervisor itself and needs an EL2 that a VM has not`);
}
