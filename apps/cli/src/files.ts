// Files that a user names: read whole, with one clear line when that fails.

import { readFile } from 'node:fs/promises';

import { CliError } from './errors.ts';

/** The bytes of a file. `option` is how the user named it. */
export async function readNamed(path: string, option: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a folder'
          : `it cannot be read (${code ?? 'unknown error'})`;
    throw new CliError(`${option} ${path}: ${why}`);
  }
}
