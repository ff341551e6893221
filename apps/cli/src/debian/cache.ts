// Where fetched guests are kept. A folder is there wholly or not at all: it is filled under another name and then renamed.

import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rename } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { CliError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import { onSignals, statusOf } from '../signals.ts';
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
  const unfinished = await unfinishedFolder(folder);
  const scratch = await mkdtemp(join(tmpdir(), 'worldswitch-apt-'));
  const clean = (): void => {
    for (const left of [scratch, unfinished]) rmSync(left, { recursive: true, force: true });
  };
  const quiet = onSignals((signal) => {
    clean();
    process.exit(statusOf(signal));
  });
  try {
    say(`fetching ${what} through apt (once) ...`);
    await fill(await PrivateApt.open(scratch), unfinished);
    // Another process may have been faster: its folder is as good.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    quiet();
    clean();
  }
  return folder;
}

/** A folder of its own beside the one that it will be. */
async function unfinishedFolder(folder: string): Promise<string> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    return await mkdtemp(`${folder}.`);
  } catch (thrown) {
    throw new CliError(
      `guests are kept in ${cacheFolder()}, which cannot be written: ${reasonOf(thrown)}; choose another folder with WORLDSWITCH_CACHE`,
    );
  }
}
