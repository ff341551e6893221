// Where evidence is looked up: titles in test files, and the cases that the images are expected to print.

import { readFileSync } from 'node:fs';

const packages = new URL('../../../', import.meta.url);
const files = new Map<string, string>();

/** The text of a file below `packages/`. */
export function textOf(file: string): string {
  const known = files.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(file, packages), 'utf8');
  files.set(file, text);
  return text;
}

const CASE = /^case ([^:]+): /;
/** Names of the cases in what QEMU printed of an image. */
export const casesOfImage = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => CASE.exec(line)?.[1] ?? []);

/** Names of the cases of the image `arch`. */
export const archCases: ReadonlySet<string> = new Set(
  ['qemu-el1.txt', 'qemu-el2.txt'].flatMap((name) => casesOfImage(textOf(`guests/arch/expected/${name}`))),
);

/** A pattern in which `*` stands for anything. */
export const pattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  );

/** Cases that a pattern names. Throws where there is none. */
export function casesOf(glob: string): readonly string[] {
  const wanted = pattern(glob);
  const found = [...archCases].filter((name) => wanted.test(name));
  if (found.length === 0) throw new RangeError(`the image arch has no case ${glob}`);
  return found;
}

/** The name of a test, `file: title`. Throws where the file does not have the title. */
export function testOf(reference: string): string {
  const [, file = '', title = ''] = /^(\S+): (.*)$/.exec(reference) ?? [];
  // Titles stand in the source as they are, but for quotes.
  if (!textOf(file).includes(title)) throw new RangeError(`no test is called "${title}" in packages/${file}`);
  return `${file.replace('/test/', '/').replace('.test.ts', '')}: ${title}`;
}
