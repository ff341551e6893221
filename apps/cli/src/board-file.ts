// A board from a file: YAML or JSON, or a module whose default export is a configuration.

import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { parse } from 'yaml';

import { checkConfig } from '@worldswitch/machine';
import type { MachineConfig } from '@worldswitch/machine';

import { CliError } from './errors.ts';
import { readNamed } from './files.ts';

/** Reads and checks a configuration file. */
export async function readBoard(path: string): Promise<MachineConfig> {
  const given = await readAny(path);
  checkConfig(given);
  return given as MachineConfig;
}

async function readAny(path: string): Promise<unknown> {
  const bytes = await readNamed(path, '--config');
  const kind = extname(path);
  if (kind === '.ts') return readTypeScript(bytes, path);
  if (kind === '.mjs' || kind === '.js') return defaultOf(pathToFileURL(resolve(path)).href, path);
  try {
    return parse(new TextDecoder().decode(bytes));
  } catch (thrown) {
    const [line = ''] = (thrown as Error).message.split('\n');
    throw new CliError(`--config ${path}: is neither YAML nor JSON: ${line}`);
  }
}

async function defaultOf(url: string, path: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(url)) as { default?: unknown };
  } catch (thrown) {
    throw new CliError(`--config ${path}: ${(thrown as Error).message.split('\n')[0] ?? 'cannot be loaded'}`);
  }
  if (module.default === undefined)
    throw new CliError(`--config ${path}: has no default export; export the board with it`);
  return module.default;
}

/** No dependency: used where it happens to be installed. */
const TRANSFORMER = 'esbuild' as string;

/** Node 22 and newer run TypeScript themselves; on older ones esbuild takes the types out, where it is installed. */
async function readTypeScript(bytes: Uint8Array, path: string): Promise<unknown> {
  if ('typescript' in process.features && process.features.typescript) {
    return defaultOf(pathToFileURL(resolve(path)).href, path);
  }
  let transform: (code: string, options: object) => Promise<{ code: string }>;
  try {
    ({ transform } = (await import(TRANSFORMER)) as { transform: typeof transform });
  } catch {
    throw new CliError(
      `--config ${path}: this Node cannot run TypeScript; use Node 22, or a .mjs or .yaml board`,
    );
  }
  const { writeFile, rm } = await import('node:fs/promises');
  const beside = `${resolve(path)}.${process.pid}.mjs`;
  const { code } = await transform(new TextDecoder().decode(bytes), { loader: 'ts', format: 'esm' });
  await writeFile(beside, code);
  try {
    return await defaultOf(pathToFileURL(beside).href, path);
  } finally {
    await rm(beside, { force: true });
  }
}
