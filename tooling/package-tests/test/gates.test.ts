// A missing tool is a counted skip with its reason, and under CI a failure; the last line of a run says how many.
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { tryRun } from '@worldswitch/test-tools';

import { root } from './packages.ts';

async function gates(ci: string): Promise<{ status: number | null; lines: string[] }> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const folder = join(root, 'tooling', 'package-tests', 'fixtures', 'gates');
  const env = { CI: ci, NO_COLOR: '1', WORLDSWITCH_TALLY: '' };
  const { status, stdout } = await tryRun(process.execPath, [vitest, 'run', '--root', folder], { env });
  return { status, lines: stdout.trimEnd().split('\n').slice(-2) };
}

test('a missing tool skips, and the reason is printed', async () => {
  expect(await gates('')).toEqual({
    status: 0,
    lines: ['skipped 2: needs worldswitch-no-such-tool', 'tests: 1 passed, 0 failed, 2 skipped'],
  });
}, 60_000);

test('under CI a missing tool fails', async () => {
  const { status, lines } = await gates('true');
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('tests: 1 passed, 2 failed, 0 skipped');
}, 60_000);
