// The first example of every README type-checks against the packages, as strictly as the packages themselves.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, expect, test } from 'vitest';

import { tryRun } from '@worldswitch/test-tools';

import { firstExample, libraries, root } from './packages.ts';

// Inside the tree: the packages' sources find their own dependencies, and the examples find Node's types.
const tsc = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
const folder = join(root, 'tooling', 'package-tests', 'temp');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the examples of all READMEs', async () => {
  mkdirSync(folder, { recursive: true });
  const paths: Record<string, string[]> = {};
  for (const { folder: at, name, readme } of libraries) {
    paths[name] = [join(at, 'src', 'index.ts')];
    paths[`${name}/node`] = [join(at, 'src', 'node', 'index.ts')];
    writeFileSync(join(folder, `${basename(at)}.ts`), firstExample(readme)?.code ?? '');
  }
  const compilerOptions = {
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    emitDeclarationOnly: false,
    isolatedDeclarations: false,
    lib: ['es2023', 'dom'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    paths,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] }),
  );
  const { stdout } = await tryRun('node', [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: root,
  });
  expect(stdout.trim()).toBe('');
}, 240_000);
