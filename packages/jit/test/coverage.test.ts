// What the interpreter leaves to the reference engine for want of code: a list that only gets shorter.

import { expect, it } from 'vitest';

import { buildInterpreter } from '../src/interpreter/build.ts';
import { cases } from '../src/isa.ts';

/** Cases of the table without code, by row. */
function shortfalls(): string {
  const code = buildInterpreter(0);
  for (const { id } of cases) code.recordOf(id);
  const rows = new Map<string, { why: string; count: number }>();
  for (const { entry, why } of code.shortfalls) {
    const key = `${entry.row.name}: ${why}`;
    rows.set(key, { why, count: (rows.get(key)?.count ?? 0) + 1 });
  }
  return [...rows].map(([row, { count }]) => `${String(count)} ${row}`).join('\n');
}

it('is this', { timeout: 60_000 }, async () => {
  await expect(`${shortfalls()}\n`).toMatchFileSnapshot('golden/shortfalls.txt');
});
