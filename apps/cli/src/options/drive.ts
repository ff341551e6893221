// `--drive`: a raw disk image, with QEMU's words.

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** A disk for the guest. */
export interface DriveOption {
  readonly file: string;
  /** The guest may not write; the file is opened for reading only. */
  readonly readonly: boolean;
  /** What the guest writes is kept in memory and forgotten at the end. */
  readonly snapshot: boolean;
}

const KEYS = ['file', 'format', 'readonly', 'snapshot', 'if', 'id', 'index', 'media', 'cache'];

/** Reads `file=disk.img,format=raw,readonly=on`, or `disk.img`. */
export function parseDrive(text: string): DriveOption {
  const given = new KeyValues('--drive', text, 'file', KEYS);
  given.choice('format', ['raw'], 'raw', '; convert others with: qemu-img convert -O raw FROM TO');
  given.choice('if', ['virtio', 'none'], 'virtio', ': the disks of this board are virtio disks');
  given.choice('media', ['disk'], 'disk');
  const file = given.text('file') ?? '';
  if (file === '') throw new CliError(`--drive ${text}: names no file; write --drive file=disk.img`);
  return { file, readonly: given.flag('readonly', false), snapshot: given.flag('snapshot', false) };
}
