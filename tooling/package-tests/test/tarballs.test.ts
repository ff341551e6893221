// Each package's tarball, installed alone in an empty project, runs its README's example.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';

import { transform } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';

import { bundle } from '@worldswitch/build';
import { closure, readManifest } from '@worldswitch/build/sources';
import { run, tempDir, tryRun } from '@worldswitch/test-tools';

import { command, firstExample, libraries, root, type Package } from './packages.ts';

const minutes = 60_000;
// under CI the builds with declarations have been made, and are what is packed
const built = process.env['CI'] === 'true';
const manager = readManifest(root).packageManager?.replace('@', '-') ?? '';
const env = {
  PATH: [join(root, '.tools', manager, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
};
const tarballs = tempDir();

const tarball = (folder: string): string => join(tarballs, `${basename(folder)}.tgz`);

beforeAll(async () => {
  if (!built)
    await bundle(
      root,
      [...libraries, command].map(({ folder }) => folder),
    );
  for (const { folder } of [...libraries, command]) {
    await run('pnpm', ['pack', '--out', tarball(folder)], { cwd: folder, env });
  }
}, 5 * minutes);

/** An empty project with one dependency; what that needs of this workspace comes from tarballs too, laid out as npm does it. */
async function install({ folder, name }: Package): Promise<string> {
  const project = join(tempDir(), 'project');
  await mkdir(project);
  const needed = closure(root, name).map(
    (other) => `  '${readManifest(other).name}': 'file:${tarball(other)}'`,
  );
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: { [name]: `file:${tarball(folder)}` } }),
  );
  await writeFile(
    join(project, 'pnpm-workspace.yaml'),
    `nodeLinker: hoisted\noverrides:\n${needed.join('\n')}\n`,
  );
  const flags = ['--prefer-offline', '--no-frozen-lockfile', '--trust-lockfile', '--ignore-scripts'];
  await run('pnpm', ['install', ...flags], { cwd: project, env, timeoutMs: 3 * minutes });
  return project;
}

describe.each(libraries)('$name, installed alone', (library) => {
  test(
    "runs its README's example",
    async () => {
      const example = firstExample(library.readme);
      expect(example, 'the README has a ts block').toBeDefined();
      const project = await install(library);
      const source = join(project, 'example.ts');
      await writeFile(source, example?.code ?? '');
      const { code } = await transform(example?.code ?? '', {
        loader: 'ts',
        format: 'esm',
        target: 'node20',
      });
      await writeFile(join(project, 'example.js'), code);
      const { status, stdout, stderr } = await tryRun('node', ['example.js'], { cwd: project });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      if (example?.output !== undefined) expect(stdout.trimEnd()).toBe(example.output.trimEnd());
    },
    4 * minutes,
  );
});

test(
  'the command, installed alone, explains itself',
  async () => {
    const project = await install(command);
    const { status, stdout, stderr } = await tryRun('node_modules/.bin/worldswitch', ['--help'], {
      cwd: project,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('worldswitch');
  },
  4 * minutes,
);
