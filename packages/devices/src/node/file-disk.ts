// A disk in a raw image file. Every write reaches the file before the guest is told, so that the end of this process loses
// nothing that the guest counts on; a flush reaches the medium.

import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

import { SECTOR } from '../disk/disk.ts';
import type { DiskBackend } from '../disk/disk.ts';

/** A disk in a file. */
export interface FileDisk extends DiskBackend {
  /** Closes the file; the disk then answers with errors. */
  close(): void;
}

/**
 * Opens a raw image.
 *
 * @param path - of a file whose size is a multiple of 512 bytes
 * @throws Error with one line that says what is wrong: missing, a directory, no permission, a wrong size
 */
export function fileDisk(path: string, { readOnly = false }: { readonly readOnly?: boolean } = {}): FileDisk {
  const file = opened(path, readOnly);
  const { size } = fstatSync(file);
  let open = true;
  const attempt = (work: () => void): boolean => {
    if (!open) return false;
    try {
      work();
      return true;
    } catch {
      // The guest is told: its request ends with an I/O error.
      return false;
    }
  };
  return {
    sectors: size / SECTOR,
    readOnly,
    read: (sector, into) =>
      attempt(() => {
        whole(into.length, (done) => readSync(file, into, done, into.length - done, sector * SECTOR + done));
      }),
    write: (sector, from) =>
      !readOnly &&
      attempt(() => {
        whole(from.length, (done) => writeSync(file, from, done, from.length - done, sector * SECTOR + done));
      }),
    flush: () =>
      attempt(() => {
        fsyncSync(file);
      }),
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

/** Moves all bytes, however many the host moves at once. */
function whole(length: number, move: (done: number) => number): void {
  for (let done = 0; done < length;) {
    const moved = move(done);
    if (moved === 0) throw new Error('the file became shorter');
    done += moved;
  }
}

/** Opens the file, or says in one line why not. */
function opened(path: string, readOnly: boolean): number {
  let file: number;
  try {
    // Without O_NONBLOCK a pipe would keep us waiting for its other end before it can be refused.
    file = openSync(path, (readOnly ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NONBLOCK);
  } catch (thrown) {
    throw new Error(`${path}: ${reasonOf(thrown, readOnly)}`, { cause: thrown });
  }
  const status = fstatSync(file);
  const wrong = !status.isFile()
    ? 'is not a file; a disk is a raw image'
    : status.size === 0
      ? 'is empty; make a disk with: truncate -s 64M FILE'
      : status.size % SECTOR !== 0
        ? `has ${status.size} bytes, which is not a multiple of ${SECTOR}; extend it with: truncate -s %512 FILE`
        : undefined;
  if (wrong === undefined) return file;
  closeSync(file);
  throw new Error(`${path}: ${wrong}`);
}

function reasonOf(thrown: unknown, readOnly: boolean): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'is not there';
    case 'EISDIR':
      return 'is a directory; a disk is a raw image';
    case 'EACCES':
    case 'EROFS':
      return readOnly ? 'may not be read' : 'may not be written; give it readonly=on or snapshot=on';
    default:
      return thrown instanceof Error ? thrown.message : 'cannot be opened';
  }
}
