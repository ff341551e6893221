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
  /** The name of its device on the board. */
  readonly id?: string | undefined;
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
  const id = given.text('id');
  if (id !== undefined && !/^[a-z][a-z0-9-]*$/.test(id))
    throw given.wrong('id', 'must be lower case letters, digits and -');
  return { file, readonly: given.flag('readonly', false), snapshot: given.flag('snapshot', false), id };
}
