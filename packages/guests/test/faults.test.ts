// Fault type by level, stage, access and origin (DDI 0487, ESR_ELx "ISS encoding for an exception from an Instruction Abort" and
// "... from a Data Abort", fault status codes): each combination that can be made has a case that shows it.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { archRecords, expectedLines } from '@worldswitch/guests';

/** An abort as a case's line shows it. */
interface Abort {
  readonly line: string;
  readonly from: number;
  readonly to: number;
  readonly fetch: boolean;
  readonly status: number;
  readonly write: boolean;
  readonly maintenance: boolean;
  readonly walk: boolean;
  readonly isv: boolean;
  readonly far: string;
  readonly hpfar: string;
}

const LINE = /: EL=(\d) .*EC=0x(2[0145]) ESR=0x(\w+) FAR=(\S+) HPFAR=(\S+) .*SPSR=0x(\w+)$/;

function abortOf(line: string): Abort | undefined {
  const [, to, ec, text, far = '', hpfar = '', spsr = '0'] = LINE.exec(line) ?? [];
  if (to === undefined || ec === undefined || text === undefined) return undefined;
  const esr = Number.parseInt(text, 16);
  const bit = (n: number): boolean => ((esr >>> n) & 1) === 1;
  const fetch = ec === '20' || ec === '21';
  return {
    line,
    from: (Number.parseInt(spsr, 16) >>> 2) & 3,
    to: Number(to),
    fetch,
    status: esr & 0x3f,
    write: !fetch && bit(6),
    maintenance: !fetch && bit(8),
    walk: bit(7),
    isv: !fetch && bit(24),
    far,
    hpfar,
  };
}

const [atEl1 = [], atEl2 = []] = archRecords.map(({ recorded, differences }) =>
  [...expectedLines(readFileSync(recorded, 'utf8'), readFileSync(differences, 'utf8')).values()].flatMap(
    (lines) => abortOf(lines[0] ?? '') ?? [],
  ),
);

const levels = (type: string, base: number, from: number): [string, number][] =>
  Array.from({ length: 4 - from }, (_, i) => [`${type}, level ${i + from}`, base + i + from]);
/** The faults of translation: their codes are the type's and the level. */
const FAULTS: readonly (readonly [string, number])[] = [
  ...levels('address size', 0x00, 0),
  ...levels('translation', 0x04, 0),
  ...levels('access flag', 0x08, 1),
  ...levels('permission', 0x0c, 1),
  ...levels('external abort on a walk', 0x14, 0),
];
const ALIGNMENT = 0x21;
const EXTERNAL = 0x10;
const WALK_LEVEL_0 = 0x14;

type Access = 'fetch' | 'load' | 'store' | 'maintenance';
const ACCESSES: readonly Access[] = ['fetch', 'load', 'store', 'maintenance'];

function isOf(abort: Abort, access: Access): boolean {
  if (access === 'fetch') return abort.fetch;
  if (access === 'maintenance') return abort.maintenance && abort.write;
  return !abort.fetch && !abort.maintenance && abort.write === (access === 'store');
}

interface Combination {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly walk: boolean;
  readonly access: Access;
  readonly status: number;
}

/** What no program can see, and why. */
function isImpossible({ from, to, walk, access, status }: Combination): boolean {
  // One table of level 0 serves the code and the data of EL2, and of stage 2: without it the first fetch faults.
  if (status === WALK_LEVEL_0 && from === 2) return true;
  if (status === WALK_LEVEL_0 && to === 2 && access !== 'fetch') return true;
  const isPermission = status >= 0x0c && status < 0x10;
  // What EL2 has mapped it may read.
  if (isPermission && from === 2 && access === 'load') return true;
  // Above EL0 only DC IVAC asks for a permission, and with stage 2 it is DC CIVAC (DDI 0487 C5.3).
  return isPermission && from === 1 && to === 2 && !walk && access === 'maintenance';
}

function combinationsOf(stage: string, from: number, to: number, walk: boolean): Combination[] {
  const others: [string, number][] = walk
    ? []
    : [
        ['alignment', ALIGNMENT],
        ...(stage === 'stage 1' ? [['external abort', EXTERNAL] as [string, number]] : []),
      ];
  return [...FAULTS, ...others].flatMap(([type, status]) =>
    ACCESSES.flatMap((access): Combination[] => {
      // A misaligned PC has a class of its own; maintenance has no alignment and reaches no device.
      if (status === ALIGNMENT && (access === 'fetch' || access === 'maintenance')) return [];
      if (status === EXTERNAL && access === 'maintenance') return [];
      const under = walk ? ' under a walk of stage 1' : '';
      const name = `${stage}${under}, from EL${from}: ${type}, ${access}`;
      return [{ name, from, to, walk, access, status }];
    }),
  );
}

const missingIn = (aborts: readonly Abort[], wanted: readonly Combination[]): string[] =>
  wanted
    .filter((one) => !isImpossible(one))
    .filter(
      ({ from, to, walk, access, status }) =>
        !aborts.some(
          (abort) =>
            abort.from === from &&
            abort.to === to &&
            abort.walk === walk &&
            abort.status === status &&
            isOf(abort, access),
        ),
    )
    .map(({ name }) => name);

const stage1 = [0, 1].flatMap((from) => combinationsOf('stage 1', from, 1, false));

test('there are aborts to look at', () => {
  expect(atEl1.length).toBeGreaterThan(150);
  expect(atEl2.length).toBeGreaterThan(600);
});

describe('every fault has a case', () => {
  test('of stage 1 at EL0 and EL1, entered at EL1', () => {
    expect(missingIn(atEl1, stage1)).toEqual([]);
  });
  test('of stage 1 at EL0 and EL1, entered at EL2', () => {
    expect(missingIn(atEl2, stage1)).toEqual([]);
  });
  test("of EL2's own stage 1", () => {
    expect(missingIn(atEl2, combinationsOf('stage 1', 2, 2, false))).toEqual([]);
  });
  test.each([0, 1])('of stage 2 from EL%i', (from) => {
    expect(missingIn(atEl2, combinationsOf('stage 2', from, 2, false))).toEqual([]);
  });
  test.each([0, 1])('of stage 2 under a walk of stage 1 from EL%i', (from) => {
    expect(missingIn(atEl2, combinationsOf('stage 2', from, 2, true))).toEqual([]);
  });
  test('a combination without a case is found', () => {
    const without = atEl2.filter(({ status }) => status !== 0x0b);
    expect(missingIn(without, stage1)).toContain('stage 1, from EL0: access flag, level 3, load');
  });
});

describe('the syndrome of each case', () => {
  const all = [...atEl1, ...atEl2];
  test('FAR is valid', () => {
    expect(all.filter(({ far }) => far === '-').map(({ line }) => line)).toEqual([]);
  });
  test('HPFAR is valid for the faults of stage 2 that have an address, and for no other', () => {
    const wrong = atEl2.filter(({ from, to, status, walk, hpfar }) => {
      const isPermission = status >= 0x0c && status < 0x10;
      const isStage2 = to === 2 && from < 2 && status < 0x10;
      return (isStage2 && (!isPermission || walk)) !== (hpfar !== '-');
    });
    expect(wrong.map(({ line }) => line)).toEqual([]);
  });
  test('ISV is 0 but for data aborts of stage 2 beside walks', () => {
    const wrong = all.filter(
      ({ isv, to, from, walk, maintenance }) => isv && (to < 2 || from > 1 || walk || maintenance),
    );
    expect(wrong.map(({ line }) => line)).toEqual([]);
  });
  test('S1PTW is for EL2 alone', () => {
    expect(all.filter(({ walk, to }) => walk && to < 2).map(({ line }) => line)).toEqual([]);
  });
});
