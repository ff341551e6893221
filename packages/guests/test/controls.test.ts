// The list of controls that the CPU has, from its coverage table, against the cases of the images: each trap control with each
// instruction that it traps, and each field of the registers that control EL1 and EL2, has one.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { archRecords, caseRecords, expectedLines } from '@worldswitch/guests';

interface Control {
  readonly field: string;
  readonly class: string;
  readonly traps: readonly string[];
  readonly routes: readonly string[];
}
interface Register {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly does: string }[];
}

const table = JSON.parse(readFileSync(new URL('../../../docs/coverage.json', import.meta.url), 'utf8')) as {
  readonly controls: readonly Control[];
  readonly registers: readonly Register[];
};

const linesOf = (record: {
  readonly recorded: URL;
  readonly differences: URL;
}): Map<string, readonly string[]> =>
  expectedLines(readFileSync(record.recorded, 'utf8'), readFileSync(record.differences, 'utf8'));

const [atEl1 = new Map<string, readonly string[]>(), atEl2 = new Map<string, readonly string[]>()] =
  archRecords.map(linesOf);

const plain = (name: string): string => name.replaceAll(/\s/g, '');

/** `control/FIELD/instruction/ELn` by field and instruction; a field may have several values, `FIELD=value`. */
function casesOf(lines: ReadonlyMap<string, readonly string[]>, field: string, instruction = ''): string[] {
  const wanted = plain(`control/${field}/${instruction}`);
  const valued = plain(`control/${field}=`);
  return [...lines.keys()].filter((name) => {
    const short = plain(name);
    return short.startsWith(wanted) || (short.startsWith(valued) && short.includes(`/${plain(instruction)}`));
  });
}

/** EL3's own are the image el3's; those of GICv3's CPU interface are the image interrupts'. */
const isOfEl3 = ({ field }: Control): boolean => field.includes('_EL3.');
const isOfInterface = (instruction: string): boolean => /\bic[ch]_/.test(instruction);

const controls = table.controls.filter((control) => !isOfEl3(control));
const REGISTERS = [
  ...['HCR_EL2', 'CPTR_EL2', 'HSTR_EL2', 'MDCR_EL2', 'CNTHCTL_EL2'],
  ...['SCTLR_EL1', 'CPACR_EL1', 'CNTKCTL_EL1', 'PMUSERENR_EL0'],
];

const CLASS: Readonly<Record<string, string>> = { UNDEFINED: '0x00', WFx: '0x01', FP: '0x07', SMC: '0x17' };

/** `[EL0, 2], [EL1, 2]` of `EL0, EL1 to EL2`: where it traps from, and to. */
const routesOf = (route: string): [string, string][] => {
  const [from = '', to = ''] = route.split(' to ');
  return from.split(', ').map((level) => [level, to.replace('EL', '')]);
};

test('the table of coverage has controls', () => {
  expect(controls.length).toBeGreaterThan(35);
});

describe.each(controls.map((control) => [control.field, control] as const))('%s', (field, control) => {
  test('has a case for each instruction that it traps', () => {
    const missing = control.traps.filter(
      (text) => !isOfInterface(text) && casesOf(atEl2, field, text).length === 0,
    );
    expect(missing).toEqual([]);
  });

  test('the cases at the levels that it traps are taken where it says, with its class', () => {
    const allowed = control.routes
      .flatMap((route) => route.split('; '))
      .flatMap(routesOf)
      .map(([from, to]) => `${from} to ${to}, ${CLASS[control.class] ?? '0x18'}`);
    for (const text of control.traps.filter((text) => !isOfInterface(text))) {
      const taken = casesOf(atEl2, field, text).flatMap((name) => {
        const level = /\/(EL\d)$/.exec(name)?.[1];
        return (atEl2.get(name) ?? []).flatMap((line) => {
          const [, to, ec] = /: EL=(\d) vector=\S+ EC=(0x\w\w)/.exec(line) ?? [];
          return level === undefined || to === undefined || ec === undefined
            ? []
            : [`${level} to ${to}, ${ec}`];
        });
      });
      expect(
        taken.filter((one) => allowed.includes(one)),
        `${field}: ${text}`,
      ).not.toEqual([]);
    }
  });

  test('makes a difference: without it, the line is another', () => {
    const outcome = (name: string): string => (atEl2.get(name)?.[0] ?? '').replace(/^[^:]*: /, '');
    const off = casesOf(atEl2, field).filter((name) => /EL\d-off$/.test(name));
    expect(off.filter((name) => outcome(name) === outcome(name.replace(/-off$/, '')))).toEqual([]);
  });

  if (/_EL[01]\./.test(field)) {
    test('has them entered at EL1 too', () => {
      expect(control.traps.filter((text) => casesOf(atEl1, field, text).length === 0)).toEqual([]);
    });
  }
});

/** Cases of the image `interrupts` by the control that they are of. */
const INTERFACE: Readonly<Record<string, string>> = {
  'ICH_HCR_EL2.TC': 'trap/tc/',
  'ICH_HCR_EL2.TALL0': 'trap/tall0/',
  'ICH_HCR_EL2.TALL1': 'trap/tall1/',
  'ICH_HCR_EL2.TDIR': 'trap/tdir/',
  'ICC_SRE_EL2.Enable': 'trap/sre/enable-off',
  'HCR_EL2.FMO': 'trap/sgi/fmo',
  'HCR_EL2.IMO': 'trap/sgi/imo',
};

describe('the CPU interface of GICv3', () => {
  const record = caseRecords.find(
    ({ guest, entryLevel, gic }) => guest.name === 'interrupts' && entryLevel === 2 && gic === 3,
  );
  const names = record === undefined ? [] : [...linesOf(record).keys()];
  const fields = controls.filter(({ traps }) => traps.some(isOfInterface)).map(({ field }) => field);
  test.each(fields)('%s has a case in the image interrupts', (field) => {
    expect(names.filter((name) => name.startsWith(INTERFACE[field] ?? '?'))).not.toEqual([]);
  });
});

describe('two controls at once', () => {
  const lines = [...atEl2].filter(([name]) => name.startsWith('control-both/'));
  const levelOf = (texts: readonly string[]): string | undefined => /: EL=(\d)/.exec(texts[0] ?? '')?.[1];
  test.each([
    ["EL1's comes before EL2's", false, '1'],
    ['with TGE they go to EL2', true, '2'],
  ] as const)('%s', (_title, tge, level) => {
    const of = lines.filter(([name]) => name.includes('HCR_EL2.TGE') === tge);
    expect(of.length).toBeGreaterThan(30);
    expect(of.filter(([, texts]) => levelOf(texts) !== level).map(([name]) => name)).toEqual([]);
  });
});

describe.each(REGISTERS)('%s', (register) => {
  const fields = table.registers.find(({ name }) => name === register)?.fields ?? [];
  const own = fields.filter(({ name, does }) => name !== 'RW' && !(does === 'res1' && name === 'RES1'));
  test('is in the table', () => {
    expect(own.length).toBeGreaterThan(0);
  });
  test.each(own.map(({ name }) => name))('%s has a case', (name) => {
    expect(casesOf(atEl2, `${register}.${name}`)).not.toEqual([]);
  });
});
