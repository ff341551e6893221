// The README's example of software in TypeScript is the file beside this one, and prints what it says there.

import { readFileSync } from 'node:fs';

import { expect, test, vi } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the example of the README', async () => {
  const [, example, printed] =
    /## Privileged software in TypeScript[\s\S]*?```ts\n([\s\S]*?)```\s*```text\n([\s\S]*?)```/.exec(
      read('../../README.md'),
    ) ?? [];
  expect(example).toBe(read('readme-example.ts'));
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  try {
    await import('./readme-example.ts');
  } finally {
    log.mockRestore();
  }
  expect(`${lines.join('\n')}\n`).toBe(printed);
});
