// The committed coverage table is what the code and its tests say, and its counts do not go down. `npm run coverage:table` writes it.

import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { collect } from './collect.ts';
import { countsOf } from './model.ts';
import type { Counts, Coverage } from './model.ts';
import { render } from './render.ts';
import { casesOf, testOf } from './sources.ts';

const docs = new URL('../../../../docs/', import.meta.url);
const read = (name: string): string => {
  try {
    return readFileSync(new URL(name, docs), 'utf8');
  } catch {
    return '';
  }
};

const coverage = collect();
const counts = countsOf(coverage);
/** `write` writes the table; `lower` even one whose counts went down. */
const mode = process.env['WORLDSWITCH_COVERAGE'];

/** Counts that are below those of a table. */
function lowered(before: Counts): string[] {
  return Object.entries(before).flatMap(([name, { all, tested }]) => {
    const now = counts[name as keyof Counts];
    return [
      ...(now.all < all ? [`${name}: ${String(now.all)} of ${String(all)}`] : []),
      ...(now.tested < tested ? [`${name} that are tested: ${String(now.tested)} of ${String(tested)}`] : []),
    ];
  });
}

const committed = read('coverage.json');
const before = committed === '' ? undefined : (JSON.parse(committed) as { readonly counts: Counts }).counts;

/** JSON with a line for each thing. */
function listed(value: { readonly counts: Counts } & Coverage): string {
  const parts = Object.entries(value).map(([name, part]) => {
    if (!Array.isArray(part)) return `"${name}": ${JSON.stringify(part)}`;
    return `"${name}": [\n${part.map((one) => JSON.stringify(one)).join(',\n')}\n]`;
  });
  return `{\n${parts.join(',\n')}\n}\n`;
}

describe('the coverage table', () => {
  test('has counts that do not go down', () => {
    if (mode !== 'lower' && before !== undefined) expect(lowered(before)).toEqual([]);
  });

  test('is up to date', () => {
    const json = listed({ counts, ...coverage });
    const text = render(coverage);
    const isAllowed = mode === 'lower' || before === undefined || lowered(before).length === 0;
    if (mode !== undefined && isAllowed) {
      writeFileSync(new URL('coverage.json', docs), json);
      writeFileSync(new URL('coverage.md', docs), text);
    }
    expect(read('coverage.json') === json, 'docs/coverage.json: npm run coverage:table').toBe(true);
    expect(read('coverage.md') === text, 'docs/coverage.md: npm run coverage:table').toBe(true);
  });

  test('has every instruction tested', () => {
    expect(coverage.instructions.filter(({ tested }) => tested.length === 0).map(({ name }) => name)).toEqual(
      [],
    );
  });

  test('notices evidence that is not there', () => {
    expect(() => testOf('isa-core/test/traps/controls.test.ts: no such title at all')).toThrow(RangeError);
    expect(() => casesOf('no/such/case')).toThrow(RangeError);
  });

  test('notices a count that went down', () => {
    expect(
      lowered({ ...counts, fields: { all: counts.fields.all, tested: counts.fields.tested + 1 } }),
    ).toHaveLength(1);
    expect(lowered(counts)).toEqual([]);
  });
});
