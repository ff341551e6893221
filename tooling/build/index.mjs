// A quick build of what `npm start` runs: the same files in `dist` as tsup writes, less the declarations.
import { join } from 'node:path';

import { build } from 'esbuild';

import { readManifest } from './sources.mjs';

/**
 * What a package publishes as code: its sources by the names that they get in `dist`.
 *
 * @param {string} folder
 * @returns {Record<string, string>}
 */
function entries(folder) {
  const { exports = {}, bin = {} } = readManifest(folder);
  /** @type {[string, string][]} */
  const pairs = [];
  for (const target of Object.values(exports)) {
    const source = typeof target === 'object' ? target['@worldswitch/source'] : undefined;
    if (typeof target === 'object' && source !== undefined) pairs.push([target['default'] ?? '', source]);
  }
  for (const target of Object.values(bin)) {
    pairs.push([target, target.replace('./dist/', './src/').replace(/\.js$/, '.ts')]);
  }
  return Object.fromEntries(
    pairs.map(([output, source]) => [
      output.replace(/^\.\/dist\//, '').replace(/\.js$/, ''),
      join(folder, source),
    ]),
  );
}

/**
 * Bundles each folder's entries from `src` to `dist`; other packages stay imports.
 *
 * @param {string} root
 * @param {readonly string[]} folders
 */
export async function bundle(root, folders) {
  await Promise.all(
    folders.map((folder) =>
      build({
        absWorkingDir: root,
        entryPoints: entries(folder),
        outdir: join(folder, 'dist'),
        bundle: true,
        splitting: true,
        format: 'esm',
        target: 'node20',
        platform: 'node',
        packages: 'external',
        sourcemap: true,
        logLevel: 'warning',
      }),
    ),
  );
}
