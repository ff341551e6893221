// Which levels and Security states a breakpoint names (DDI 0487 D2.8.3, Table D2-9): every combination of HMC, SSC and PMC.

import { describe, expect, test } from 'vitest';

import { breakpointMatches } from '../../src/cpu/debug/match.ts';
import { machine } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';

/** The table's rows: HMC, SSC, PMC, and the levels that match: N and S for the Non-secure and the Secure state. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  '0 00 01': ['N1', 'S1'],
  '0 00 10': ['N0', 'S0'],
  '0 00 11': ['N1', 'N0', 'S1', 'S0'],
  '0 01 01': ['N1'],
  '0 01 10': ['N0'],
  '0 01 11': ['N1', 'N0'],
  '0 10 01': ['S1'],
  '0 10 10': ['S0'],
  '0 10 11': ['S1', 'S0'],
  '1 00 01': ['S3', 'N2', 'N1', 'S1'],
  '1 00 11': ['S3', 'N2', 'N1', 'S1', 'N0', 'S0'],
  '1 01 01': ['N2', 'N1'],
  '1 01 11': ['N2', 'N1', 'N0'],
  '1 10 00': ['S3'],
  '1 10 01': ['S3', 'S1'],
  '1 10 11': ['S3', 'S1', 'S0'],
  '1 11 00': ['N2'],
};
const two = (n: number): string => n.toString(2).padStart(2, '0');
const combinations = Array.from({ length: 32 }, (_, i) => ({
  row: `${String(i >> 4)} ${two((i >> 2) & 3)} ${two(i & 3)}`,
  control: 0x1e1 | ((i >> 4) << 13) | (((i >> 2) & 3) << 14) | ((i & 3) << 1),
}));

/** The states of a machine in which a breakpoint at 0x1000 matches. */
function matching(m: Machine, control: number): string[] {
  const { el2, el3 } = m.cpu.features;
  m.cpu.setRegister('DBGBVR0_EL1', 0x1000n);
  m.cpu.setRegister('DBGBCR0_EL1', BigInt(control));
  const found: string[] = [];
  for (const secure of el3 ? [false, true] : [false]) {
    m.cpu.setRegister('SCR_EL3', secure ? 0n : 1n);
    for (const el of secure ? [3, 1, 0] : el2 ? [2, 1, 0] : [1, 0]) {
      m.enter(el);
      if (breakpointMatches(m.cpu, 0, 0x1000n)) found.push(`${secure ? 'S' : 'N'}${String(el)}`);
    }
  }
  return found;
}

describe('HMC, SSC and PMC', () => {
  test.each(combinations)('$row with EL2 and EL3', ({ row, control }) => {
    const expected = TABLE[row] ?? [];
    expect(matching(machine({ el2: true, el3: true }), control).sort()).toEqual([...expected].sort());
  });

  // Without EL3 SSC may be 00, and 11 for EL2 alone.
  test.each(combinations)('$row with EL2', ({ row, control }) => {
    const there = ['00', '11'].includes(row.slice(2, 4)) ? (TABLE[row] ?? []) : [];
    const expected = there.filter((state) => ['N2', 'N1', 'N0'].includes(state));
    expect(matching(machine({ el2: true }), control).sort()).toEqual(expected.sort());
  });

  test.each(combinations)('$row with EL1 alone', ({ row, control }) => {
    const there = row.startsWith('0 00') ? (TABLE[row] ?? []) : [];
    const expected = there.filter((state) => ['N1', 'N0'].includes(state));
    expect(matching(machine(), control).sort()).toEqual(expected.sort());
  });
});
