// Files that a user names: read whole, with one clear line when that fails.

import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { CliError } from './errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not use it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'there is no space left',
};

/** Why the system refused a file, in words. */
export function reasonOf(thrown: unknown): string {
  const { code = 'unknown error' } = thrown as NodeJS.ErrnoException;
  return REASONS[code] ?? `the system says ${code}`;
}

/** The bytes of a file. `option` is how the user named it. */
export async function readNamed(path: string, option: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw new CliError(`${option} ${path}: ${reasonOf(thrown)}`);
  }
}

/** Writes a file. */
export async function writeNamed(path: string, option: string, content: Uint8Array | string): Promise<void> {
  try {
    await writeFile(path, content);
  } catch (thrown) {
    throw new CliError(`${option} ${path}: ${reasonOf(thrown)}`);
  }
}

/** Refuses a file that cannot be written later: before a long run, not after it. */
export async function checkWritable(path: string | undefined, option: string): Promise<void> {
  if (path === undefined || path === '-') return;
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory() === true) throw new CliError(`${option} ${path}: it is a folder`);
  try {
    await access(there ? path : dirname(path), constants.W_OK);
  } catch (thrown) {
    throw new CliError(`${option} ${path}: cannot be written: ${reasonOf(thrown).replace('file', 'folder')}`);
  }
}
