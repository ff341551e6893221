// The images of cases on QEMU print what is recorded, and the list of differences fits the record.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { caseRecords, compareCases, expectedLines } from '@worldswitch/guests';
import { requireTool } from '@worldswitch/test-tools';

import { QEMU, runOnQemu } from './qemu.ts';

const gate = requireTool(QEMU);

for (const { guest, entryLevel, el2, gic, cpus, recorded, differences } of caseRecords) {
  const name = `${guest.name}, entered at EL${entryLevel}, GICv${gic}${el2 || entryLevel === 1 ? '' : ', without EL2'}`;
  const record = readFileSync(recorded, 'utf8');
  const list = readFileSync(differences, 'utf8');

  gate.test(`${name}: QEMU prints what is recorded`, async () => {
    const levels = (el2 ? ',virtualization=on' : '') + (entryLevel === 3 ? ',secure=on' : '');
    const extra = [
      '-M',
      `virt,gic-version=${gic}${levels}`,
      '-smp',
      String(cpus),
      '-accel',
      'tcg,thread=single',
    ];
    // At EL3 QEMU enters ELF files alone, and no firmware is there to switch it off.
    const printed =
      entryLevel === 3
        ? await runOnQemu(guest.elf, { extra, until: `${guest.name}: end\r\n` })
        : await runOnQemu(guest.image, { extra });
    expect(printed.split('\n')).toEqual(record.split('\n'));
  });

  describe(`the record of ${name}`, () => {
    const expected = expectedLines(record, list);

    test('ends, and names each case once', () => {
      expect(record.startsWith(`${guest.name}: entered at EL${entryLevel}`)).toBe(true);
      expect(record.endsWith(`\n${guest.name}: end\n`)).toBe(true);
      expect(record.match(/^case /gm)?.length).toBe(expected.size);
    });

    test('differs from the architecture in just the listed cases, and each has a reason', () => {
      expect(compareCases(record, expected)).toHaveLength(list.match(/^case /gm)?.length ?? 0);
      for (const block of list.trim().split('\n\n').slice(1))
        expect(block).toMatch(/^# .+(DDI 0487|IHI 00)/s);
    });

    test('each line that is changed is seen', () => {
      const right = [...expected.values()].map((lines) => lines[0] ?? '');
      expect(compareCases(right.join('\n'), expected)).toEqual([]);
      for (const [name, lines] of expected) {
        const one = new Map([[name, lines]]);
        expect(compareCases(`${lines[0] ?? ''}0`, one)).toHaveLength(1);
        expect(compareCases(lines.at(-1) ?? '', one)).toEqual([]);
      }
      const last = right.at(-1) ?? '';
      expect(compareCases(right.with(-1, `${last}0`).join('\n'), expected)).toHaveLength(1);
    });
  });
}
