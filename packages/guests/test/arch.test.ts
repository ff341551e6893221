// The architecture image on QEMU prints what is recorded, and the list of differences fits the record.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { archGranule16k, archImage, archRecords, compareCases, expectedLines } from '@worldswitch/guests';
import { requireTool } from '@worldswitch/test-tools';

import { QEMU, runOnQemu } from './qemu.ts';

const gate = requireTool(QEMU);

for (const record of archRecords) {
  const recorded = readFileSync(record.recorded, 'utf8');
  const differences = readFileSync(record.differences, 'utf8');

  gate.test(`entered at EL${record.entryLevel}, QEMU prints what is recorded`, async () => {
    const printed = await runOnQemu(archImage, { el2: record.entryLevel === 2 });
    expect(printed.split('\n')).toEqual(recorded.split('\n'));
  });

  describe(`the record of EL${record.entryLevel}`, () => {
    const expected = expectedLines(recorded, differences);

    test('ends, and names each case once', () => {
      expect(recorded.startsWith(`arch: entered at EL${record.entryLevel}\n`)).toBe(true);
      expect(recorded.endsWith('\narch: end\n')).toBe(true);
      expect(recorded.match(/^case /gm)?.length).toBe(expected.size);
    });

    test('differs from the architecture in just the listed cases, and each has a reason', () => {
      const listed = differences.match(/^case /gm)?.length;
      expect(compareCases(recorded, expected)).toHaveLength(listed ?? 0);
      for (const block of differences.trim().split('\n\n')) expect(block).toMatch(/^# .+/);
      expect(differences.match(/DDI 0487/g)?.length).toBeGreaterThanOrEqual(
        differences.split('\n\n').length - 1,
      );
    });

    test('a wrong, a missing and an unknown line are seen', () => {
      const right = [...expected.values()].map((lines) => lines[0] ?? '');
      expect(compareCases(right.join('\n'), expected)).toEqual([]);
      const wrong = right.map((line) => line.replace('ESR=0x56001234', 'ESR=0x56001235'));
      expect(compareCases(wrong.join('\n'), expected).length).toBeGreaterThan(0);
      expect(compareCases(right.slice(1).join('\n'), expected)).toHaveLength(1);
      expect(compareCases([...right, 'case new/one: completes'].join('\r\n'), expected)).toHaveLength(1);
    });
  });
}

test('a difference that names no recorded case is an error', () => {
  expect(() => expectedLines('case a/b: completes\n', 'case a/c: completes\n')).toThrow('a/c');
});

gate.test('a CPU with 16 KiB granules prints the lines recorded for them', async () => {
  const printed = await runOnQemu(archImage, { el2: true, extra: ['-cpu', 'cortex-a35'] });
  const lines = printed.split('\n').filter((line) => line.startsWith('case granule-16k/'));
  expect(`${lines.join('\n')}\n`).toBe(readFileSync(archGranule16k, 'utf8'));
});
