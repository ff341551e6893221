// What needs files: boot images by their paths, snapshots on disk.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';

import type { Plain } from '@worldswitch/platform';

import { ConfigurationError, decodeSnapshot, encodeSnapshot, readKernel, unpacked } from '../index.ts';
import type { BootImages } from '../index.ts';

/** Files to boot. */
export interface BootFiles {
  /** An arm64 Image or an ELF file, packed with gzip or not. */
  readonly kernel: string;
  readonly initrd?: string | undefined;
  /** A device tree blob instead of the board's own. */
  readonly dtb?: string | undefined;
  /** The kernel's command line. */
  readonly append?: string | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
};

async function bytesOf(path: string, field: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (thrown) {
    const { code = 'unknown error' } = thrown as NodeJS.ErrnoException;
    throw new ConfigurationError(`${field} ${path}`, REASONS[code] ?? `it cannot be read (${code})`);
  }
}

/**
 * Reads what is to be booted. Throws a `ConfigurationError` that names the file.
 *
 * @param files - their paths
 * @param ram - first address of the board's RAM
 */
export async function bootFiles(files: BootFiles, ram = 0x4000_0000): Promise<BootImages> {
  const { kernel, initrd, dtb, append } = files;
  const image = await unpacked(await bytesOf(kernel, 'kernel'), `kernel ${kernel}`);
  return {
    kernel: readKernel(image, `kernel ${kernel}`, ram),
    name: basename(kernel),
    initrd: initrd === undefined ? undefined : await bytesOf(initrd, 'initrd'),
    tree: dtb === undefined ? undefined : await bytesOf(dtb, 'dtb'),
    append,
  };
}

/** Writes what `Machine.save` returned. An older file of this name stays whole until the new one is. */
export async function writeSnapshot(path: string, saved: Plain): Promise<void> {
  const unfinished = `${path}.unfinished`;
  await writeFile(unfinished, await encodeSnapshot(saved));
  await rename(unfinished, path);
}

/** Reads what `writeSnapshot` wrote. Throws a `ConfigurationError` or a `StateError`. */
export async function readSnapshot(path: string): Promise<Plain> {
  return decodeSnapshot(await bytesOf(path, 'snapshot'));
}
