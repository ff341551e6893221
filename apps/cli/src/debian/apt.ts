// Packages of Debian 12 for arm64, through apt with folders of our own: without root, and without touching the system's package
// lists.

import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { CliError } from '../errors.ts';

const execute = promisify(execFile);

/** What to do where apt cannot help. */
export const ELSEWHERE =
  'pass them yourself: worldswitch run --kernel vmlinuz --initrd initrd.img --append "console=ttyAMA0" (see docs/guests.md)';

/** apt for arm64, in a scratch folder. */
export class PrivateApt {
  private readonly scratch: string;
  private readonly options: readonly string[];

  private constructor(scratch: string, options: readonly string[]) {
    this.scratch = scratch;
    this.options = options;
  }

  /** Fetches the package lists. Throws a `CliError` that says what to do. */
  static async open(scratch: string): Promise<PrivateApt> {
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
    const apt = new PrivateApt(
      scratch,
      Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    );
    await apt.run('apt-get', 'update', '-qq');
    return apt;
  }

  private async run(program: string, ...args: string[]): Promise<string> {
    try {
      const { stdout } = await execute(program, [...this.options, ...args], {
        cwd: this.scratch,
        maxBuffer: 1 << 26,
      });
      return stdout;
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException & { stderr?: string };
      if (error.code === 'ENOENT')
        throw new CliError(`there is no ${program} here to fetch Debian's packages with; ${ELSEWHERE}`);
      const last = (error.stderr ?? error.message).trim().split('\n').at(-1) ?? '';
      throw new CliError(`${program} could not fetch Debian's arm64 packages (${last}); ${ELSEWHERE}`);
    }
  }

  /** The name that matches `pattern` with the highest number in it. */
  async newest(pattern: RegExp): Promise<string> {
    const text = await this.run('apt-cache', 'search', '--names-only', pattern.source);
    const numbers = (name: string): readonly number[] => (name.match(/\d+/g) ?? []).map(Number);
    const order = (a: string, b: string): number => {
      const [x, y] = [numbers(a), numbers(b)];
      const at = x.findIndex((n, i) => n !== y[i]);
      return at < 0 ? 0 : (x[at] ?? 0) - (y[at] ?? 0);
    };
    const names = text
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .filter((name) => pattern.test(name));
    const found = names.sort(order).at(-1);
    if (found === undefined) throw new CliError(`apt knows no package ${pattern.source}; ${ELSEWHERE}`);
    return found;
  }

  /** Downloads packages and unpacks them, all into one folder, which is returned. */
  async unpack(...packages: readonly string[]): Promise<string> {
    await this.run('apt-get', 'download', '-qq', ...packages);
    const tree = join(this.scratch, 'tree');
    for (const file of await readdir(this.scratch)) {
      if (file.endsWith('.deb')) await execute('dpkg', ['-x', join(this.scratch, file), tree]);
    }
    return tree;
  }
}
