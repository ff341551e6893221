// Where fetched guests are kept. A folder is there wholly or not at all: it is filled under another name and then renamed.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { CliError } from '../errors.ts';
import { PrivateApt } from './apt.ts';

/** The folder: `WORLDSWITCH_CACHE`, or the user's cache folder. */
function cacheFolder(): string {
  const chosen = process.env['WORLDSWITCH_CACHE'];
  if (chosen) return chosen;
  const home = process.env['HOME'] ? homedir() : tmpdir();
  return join(process.env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'worldswitch');
}

/** Fills a folder from packages. */
export type Fill = (apt: PrivateApt, folder: string) => Promise<void>;

/**
 * The folder of a guest; filled when it is not there yet.
 *
 * @param name - of the folder; a new version of what is in it takes a new name
 * @param what - for the user: what is being fetched
 */
export async function cached(
  name: string,
  what: string,
  fill: Fill,
  say: (line: string) => void,
): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  const scratch = await mkdtemp(join(tmpdir(), 'worldswitch-apt-'));
  try {
    say(`fetching ${what} through apt (once) ...`);
    const unfinished = await unfinishedFolder(folder);
    try {
      await fill(await PrivateApt.open(scratch), unfinished);
      // Another process may have been faster: its folder is as good.
      await rename(unfinished, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return folder;
}

async function unfinishedFolder(folder: string): Promise<string> {
  const name = `${folder}.${process.pid}`;
  try {
    await mkdir(name, { recursive: true });
  } catch (thrown) {
    const { code = 'unknown error' } = thrown as NodeJS.ErrnoException;
    throw new CliError(
      `guests are kept in ${cacheFolder()}, which cannot be written (${code}); choose another folder with WORLDSWITCH_CACHE`,
    );
  }
  return name;
}
