// Debian's arm64 kernel and busybox, fetched through apt into a cache of our own, without root and without touching the
// system's package lists.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { CliError } from '../errors.ts';

const execute = promisify(execFile);

/** Which of Debian's kernels. */
export type Flavour = 'arm64' | 'cloud-arm64';

/** Files of one Debian guest. */
export interface DebianFiles {
  readonly kernel: Uint8Array;
  readonly busybox: Uint8Array;
  /** The kernel package's name. */
  readonly version: string;
}

/** Where fetched guests are kept: `WORLDSWITCH_CACHE`, or the user's cache folder. */
function cacheFolder(): string {
  const chosen = process.env['WORLDSWITCH_CACHE'];
  if (chosen) return chosen;
  const home = process.env['HOME'] ? homedir() : tmpdir();
  return join(process.env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'worldswitch');
}

const ELSEWHERE =
  'pass them yourself: worldswitch run --kernel vmlinuz --initrd initrd.img --append "console=ttyAMA0" (see docs/guests.md)';

/** The kernel and busybox, from the cache or through apt. */
export async function debianFiles(flavour: Flavour, say: (line: string) => void): Promise<DebianFiles> {
  const folder = join(cacheFolder(), `debian-12-${flavour}`);
  if (!existsSync(join(folder, 'version'))) await fetchInto(folder, flavour, say);
  const read = (name: string): Promise<Buffer> => readFile(join(folder, name));
  return {
    kernel: await read('vmlinuz'),
    busybox: await read('busybox'),
    version: (await read('version')).toString('utf8').trim(),
  };
}

async function fetchInto(folder: string, flavour: Flavour, say: (line: string) => void): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'worldswitch-apt-'));
  try {
    await download(scratch, folder, flavour, say);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Options that keep apt inside `scratch` and make it see arm64 alone. */
async function privateApt(scratch: string): Promise<readonly string[]> {
  for (const d of ['state/lists/partial', 'cache/archives/partial']) {
    await mkdir(join(scratch, d), { recursive: true });
  }
  await writeFile(join(scratch, 'status'), '');
  const set = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': '',
    'Dir::State': join(scratch, 'state'),
    'Dir::State::status': join(scratch, 'status'),
    'Dir::Cache': join(scratch, 'cache'),
  };
  return Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function download(
  scratch: string,
  folder: string,
  flavour: Flavour,
  say: (line: string) => void,
): Promise<void> {
  const options = await privateApt(scratch);
  const apt = async (program: string, ...args: string[]): Promise<string> => {
    try {
      const { stdout } = await execute(program, [...options, ...args], { cwd: scratch, maxBuffer: 1 << 26 });
      return stdout;
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException & { stderr?: string };
      if (error.code === 'ENOENT')
        throw new CliError(`there is no ${program} here to fetch Debian's kernel with; ${ELSEWHERE}`);
      const last = (error.stderr ?? error.message).trim().split('\n').at(-1) ?? '';
      throw new CliError(`${program} could not fetch Debian's arm64 packages (${last}); ${ELSEWHERE}`);
    }
  };
  say('fetching the Debian kernel and busybox through apt (once) ...');
  await apt('apt-get', 'update', '-qq');
  const pattern = `^linux-image-6[.]1[.]0-[0-9]+-${flavour}$`;
  const names = (await apt('apt-cache', 'search', '--names-only', pattern)).trim().split('\n');
  const number = (name: string): number => Number(/6\.1\.0-(\d+)-/.exec(name)?.[1] ?? -1);
  const kernel = names
    .map((n) => n.split(' ')[0] ?? '')
    .sort((a, b) => number(a) - number(b))
    .at(-1);
  if (!kernel) throw new CliError(`apt knows no package ${pattern}; ${ELSEWHERE}`);
  await apt('apt-get', 'download', '-qq', kernel, 'busybox-static');
  const tree = join(scratch, 'tree');
  for (const file of await readdir(scratch)) {
    if (file.endsWith('.deb')) await execute('dpkg', ['-x', join(scratch, file), tree]);
  }
  const image = (await readdir(join(tree, 'boot'))).find((f) => f.startsWith('vmlinuz-'));
  if (image === undefined) throw new CliError(`${kernel} holds no kernel; ${ELSEWHERE}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'vmlinuz'), await readFile(join(tree, 'boot', image)));
  await writeFile(join(folder, 'busybox'), await readFile(join(tree, 'bin', 'busybox')));
  // The version comes last and at once: its presence says that the others are whole.
  await writeFile(join(folder, 'version.new'), `${kernel}\n`);
  await rename(join(folder, 'version.new'), join(folder, 'version'));
}
