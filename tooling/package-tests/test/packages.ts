// The published packages as a user meets them: their folders, names and READMEs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const root: string = join(import.meta.dirname, '..', '..', '..');

export interface Package {
  readonly folder: string;
  readonly name: string;
  /** The README, or an empty text when there is none. */
  readonly readme: string;
}

function open(folder: string): Package {
  const readme = join(folder, 'README.md');
  return {
    folder,
    name: `@worldswitch/${basename(folder)}`,
    readme: existsSync(readme) ? readFileSync(readme, 'utf8') : '',
  };
}

export const libraries: readonly Package[] = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .map(open);

export const command: Package = open(join(root, 'apps', 'cli'));

export interface Example {
  readonly code: string;
  /** What the `text` block right below says that it prints. */
  readonly output: string | undefined;
}

/** The first `ts` block of a README. */
export function firstExample(readme: string): Example | undefined {
  const found = /^```ts\n(?<code>[^]*?)^```\n(?:\s*^```text\n(?<output>[^]*?)^```\n)?/mu.exec(readme)?.groups;
  const code = found?.['code'];
  return code === undefined ? undefined : { code, output: found?.['output'] };
}
