// Which packages something runs with, and a digest of their sources: all that a start needs when nothing has changed.
// Nothing is imported here but Node's own, so that it runs before the installation.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** @param {string} folder */
export const readManifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/**
 * The folders of the packages that `name` runs with, itself included; dependencies first.
 *
 * @param {string} root
 * @param {string} name
 */
export function closure(root, name) {
  const workspace = new Map(
    ['packages', 'apps']
      .flatMap((group) => readdirSync(join(root, group)).map((folder) => join(root, group, folder)))
      .filter((folder) => existsSync(join(folder, 'package.json')))
      .map((folder) => [readManifest(folder).name, folder]),
  );
  /** @type {Set<string>} */
  const found = new Set();
  const visit = (/** @type {string} */ dependency) => {
    const folder = workspace.get(dependency);
    if (folder === undefined || found.has(folder)) return;
    for (const next of Object.keys(readManifest(folder).dependencies ?? {})) visit(next);
    found.add(folder);
  };
  visit(name);
  return [...found];
}

/**
 * A digest of all that decides what a build of this folder writes, and of when its output was last written, as other
 * builds write there too.
 *
 * @param {string} root
 * @param {string} folder
 */
export function fingerprint(root, folder) {
  const hash = createHash('sha256').update(process.version);
  const add = (/** @type {string} */ path) => {
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  };
  add(join(root, 'pnpm-lock.yaml'));
  add(join(folder, 'package.json'));
  for (const path of filesBelow(join(folder, 'src'))) add(path);
  const output = join(folder, 'dist');
  for (const path of existsSync(output) ? filesBelow(output) : []) {
    if (path.endsWith('.js')) hash.update(`${path} ${statSync(path).mtimeMs}`);
  }
  return hash.digest('hex');
}

/** @param {string} folder */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .sort();
}
