// The command as a program of its own, bundled from the sources: for tests of signals, pipes and terminals.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'tsup';

import { tempDir } from '@worldswitch/test-tools';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Bundles the command into a folder that vanishes with the test file, and returns its path. */
export async function bundledCommand(): Promise<string> {
  const folder = tempDir();
  // The guests' images lie beside the code that names them.
  symlinkSync(here('../../../packages/guests/images'), join(folder, 'images'));
  await build({
    config: false,
    silent: true,
    entry: [here('../src/main.ts')],
    outDir: join(folder, 'dist'),
    tsconfig: here('../tsconfig.src.json'),
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    noExternal: [/^(?!node:)/],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    esbuildOptions: (options) => {
      options.conditions = ['@worldswitch/source'];
    },
  });
  return join(folder, 'dist', 'main.mjs');
}
