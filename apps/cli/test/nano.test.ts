// `worldswitch nano`: what single operations cost by each technique, exactly; and that modelled cycles are in an order that makes sense.

import { beforeAll, describe, expect, test } from 'vitest';

import { tryRun } from '@worldswitch/test-tools';

import { measureNano, nanoImages } from '../src/nano/measure.ts';
import type { NanoCosts } from '../src/nano/measure.ts';
import { operations } from '../src/nano/operations.ts';
import { nanoJson, nanoLines } from '../src/nano/report.ts';
import { nanoSystems } from '../src/nano/systems.ts';
import type { NanoWishes } from '../src/nano/systems.ts';
import { bundledCommand } from './command.ts';

const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
/** The rest is counted where all is. */
const SHORT = [
  'native',
  'trap-and-emulate:lazy',
  'trap-and-emulate:traced',
  'trap-and-emulate:real',
  'binary-translation:lazy',
  'hardware-assisted',
];

type Costs = Readonly<Record<string, NanoCosts>>;
let images: Awaited<ReturnType<typeof nanoImages>>;
const measured = new Map<string, Costs>();

/** Counts are the same on all engines, and this one begins at once. */
function measure(name: string, wishes: NanoWishes = { engine: 'reference' }) {
  const system = nanoSystems.find((each) => each.name === name);
  if (system === undefined) throw new Error(`no system is called ${name}`);
  return measureNano(system, images, wishes);
}

beforeAll(async () => {
  images = await nanoImages();
  for (const { name } of nanoSystems)
    if (ALL || SHORT.includes(name)) measured.set(name, measure(name).costs);
}, 240_000);

function of(system: string, operation: string): NanoCosts {
  const found = measured.get(system)?.[operation];
  if (found === undefined) throw new Error(`nobody measured ${operation} on ${system}`);
  return found;
}
const cycles = (system: string, operation: string): number => of(system, operation).cycles;
const descriptors = (system: string, operation: string): number =>
  of(system, operation).stage1 + of(system, operation).stage2;
const exits = (system: string): Readonly<Record<string, number>> =>
  Object.fromEntries(operations.map(({ name }) => [name, of(system, name).exits]));

/** What all shadows have in common. */
const TRAPPED = { in: 1, mask: 2, callret: 0, syscall: 3, brk: 5, pgfault: 5 };

describe('exits for one operation', () => {
  test('natively there is nobody to exit to, and on the extensions only a device needs somebody', () => {
    expect(new Set(Object.values(exits('native')))).toEqual(new Set([0]));
    const { in: device, ...others } = exits('hardware-assisted');
    expect(device).toBe(1);
    expect(new Set(Object.values(others))).toEqual(new Set([0]));
  });

  test('which would be seen: BRK exits where MDCR_EL2.TDE sends it to EL2', () => {
    const { costs } = measure('hardware-assisted', { engine: 'reference', traps: { debug: true } });
    expect(costs['brk']?.exits).toBe(1);
    expect(costs['syscall']?.exits).toBe(0);
  });

  test('trap-and-emulate: each privileged instruction, and what goes to the guest', () => {
    const lazy = 'trap-and-emulate:lazy';
    expect(exits(lazy)).toEqual({ ...TRAPPED, ptemod: 0, pteread: 0, ptechange: 2 });
    expect(of(lazy, 'syscall').causes).toEqual({ svc: 1, 'mrs ESR_EL1': 1, eret: 1 });
    expect(of(lazy, 'mask').causes).toEqual({ 'msr DAIFSet': 1, 'msr DAIFClr': 1 });
    expect(of(lazy, 'pgfault').causes).toMatchObject({ 'data abort': 1, 'hidden fault': 1 });
    expect(of(lazy, 'ptechange').causes).toEqual({ 'tlbi vaae1is': 1, 'hidden fault': 1 });
  });

  test('traced, a store to a table is one; with the real table a load of it, too', () => {
    expect(exits('trap-and-emulate:traced')).toEqual({ ...TRAPPED, ptemod: 1, pteread: 0, ptechange: 2 });
    expect(exits('trap-and-emulate:real')).toEqual({ ...TRAPPED, ptemod: 1, pteread: 1, ptechange: 2 });
    expect(of('trap-and-emulate:traced', 'ptemod').causes).toEqual({ 'traced write': 1 });
    // Not faulted in afterwards: the shadow has followed.
    expect(of('trap-and-emulate:traced', 'pgfault').causes).toMatchObject({
      'data abort': 1,
      'traced write': 1,
    });
    expect(of('trap-and-emulate:traced', 'ptechange').causes).toEqual({
      'tlbi vaae1is': 1,
      'traced write': 1,
    });
  });

  test('binary translation: none for masks, calls and stores; no more than two changes of level elsewhere', () => {
    const translated = exits('binary-translation:lazy');
    expect(translated).toMatchObject({ mask: 0, callret: 0, ptemod: 0, pteread: 0 });
    for (const name of ['syscall', 'brk', 'ptechange']) expect(translated[name]).toBeLessThanOrEqual(2);
    expect(translated['in']).toBeLessThanOrEqual(1);
    expect(translated['pgfault']).toBeLessThanOrEqual(3);
  });

  test('and nothing is translated any more', () => {
    for (const { name } of operations)
      expect(of('binary-translation:lazy', name).causes, name).not.toHaveProperty('translator');
  });

  if (ALL) {
    test('rewritten: by traps as without, by fix-ups in line as translated, behind the vectors what the entry reads', () => {
      expect(exits('rewritten:trap')).toEqual(exits('trap-and-emulate:lazy'));
      expect(exits('rewritten:fix-up')).toMatchObject({ mask: 0, syscall: 2, brk: 2 });
      expect(exits('rewritten:vectors')).toMatchObject({ mask: 2, syscall: 2, brk: 2 });
    });

    test('a bounded shadow with room for all is a lazy one; translation traces as trapping does', () => {
      for (const name of ['syscall', 'mask', 'brk'])
        expect(of('trap-and-emulate:bounded', name).exits, name).toBe(
          of('trap-and-emulate:lazy', name).exits,
        );
      expect(exits('binary-translation:traced')['ptemod']).toBeLessThanOrEqual(1);
    });
  }
});

describe('instructions for one operation', () => {
  test('are those of the loop natively, and the same where the guest runs its own text', () => {
    const own = { syscall: 9, in: 1, mask: 2, callret: 2, pgfault: 17, brk: 14, ptemod: 1, ptechange: 6 };
    for (const [name, n] of Object.entries(own)) {
      expect(of('native', name).guest, name).toBe(n);
      expect(of('hardware-assisted', name).guest, name).toBe(n);
      expect(of('trap-and-emulate:traced', name).guest, name).toBe(n);
      // Translated, it is more where something is done in line.
      expect(of('binary-translation:lazy', name).guest, name).toBeGreaterThanOrEqual(n);
    }
    // What faults in a shadow is executed twice.
    expect(of('trap-and-emulate:lazy', 'pgfault').guest).toBe(18);
  });

  test('of the hypervisor there are none without an exit', () => {
    for (const [system, costs] of measured) {
      for (const [name, { exits: n, hypervisor }] of Object.entries(costs))
        expect(hypervisor > 0, `${name} on ${system}`).toBe(n > 0);
    }
  });
});

describe('modelled cycles', () => {
  const bt = 'binary-translation:lazy';
  const [native, lazy, traced, hw] = [
    'native',
    'trap-and-emulate:lazy',
    'trap-and-emulate:traced',
    'hardware-assisted',
  ];

  test('what does not exit costs what it costs natively', () => {
    for (const name of ['syscall', 'mask', 'callret', 'brk', 'ptemod'])
      expect(cycles(hw, name), name).toBe(cycles(native, name));
    for (const name of ['callret', 'ptemod', 'pteread'])
      expect(cycles(lazy, name)).toBe(cycles(native, name));
    // Of what the translated loop costs elsewhere, a little is left when it is taken off.
    expect(Math.abs(cycles(bt, 'ptemod') - cycles(native, 'ptemod'))).toBeLessThan(0.5);
  });

  test('what exits costs a hundred times as much and more than two changes of level', () => {
    expect(cycles(traced, 'ptemod')).toBeGreaterThan(100 * cycles(native, 'ptemod'));
    expect(cycles(lazy, 'mask')).toBeGreaterThan(2 * (68 + 65));
    expect(cycles(lazy, 'mask')).toBeGreaterThan(5 * cycles(bt, 'mask'));
    for (const name of ['syscall', 'brk', 'pgfault', 'in']) {
      expect(cycles(lazy, name), name).toBeGreaterThan(cycles(native, name) + 133 * of(lazy, name).exits);
    }
  });

  test('are in the published order where nothing speaks against it', () => {
    for (const name of ['syscall', 'brk']) {
      expect(cycles(bt, name), name).toBeGreaterThan(2 * cycles(hw, name));
      expect(cycles(lazy, name), name).toBeGreaterThan(cycles(bt, name));
    }
    // An access to a device is a walk each time: of two stages on the extensions, of the shadow without them.
    expect([of(native, 'in').stage1, of(lazy, 'in').stage2]).toEqual([0, 0]);
    expect(descriptors(hw, 'in')).toBeGreaterThan(2 * descriptors(lazy, 'in'));
    expect(cycles(bt, 'callret')).toBeGreaterThan(cycles(hw, 'callret'));
    // And in the other one where the extensions have two stages: a walk of two is what a fault costs more.
    const more = descriptors(hw, 'pgfault') - descriptors(native, 'pgfault');
    expect(more).toBeGreaterThan(5);
    expect(cycles(hw, 'pgfault')).toBe(cycles(native, 'pgfault') + 10 * more);
    expect(cycles(hw, 'pgfault')).toBeLessThan(cycles(bt, 'pgfault'));
    expect(cycles(bt, 'pgfault')).toBeLessThan(cycles(lazy, 'pgfault'));
    expect(cycles(lazy, 'pgfault')).toBeLessThan(cycles(traced, 'pgfault'));
  });

  test('are counts where each instruction is one', () => {
    const { costs } = measure('trap-and-emulate:lazy', { engine: 'reference', timing: 'unit' });
    for (const [name, { cycles: sum, guest, hypervisor }] of Object.entries(costs))
      expect(sum, name).toBe(guest + hypervisor);
  });
});

describe('the command', () => {
  test('its table has the published figures beside ours, and a reason for each row', () => {
    const [native] = nanoSystems;
    if (native === undefined) throw new Error('no system');
    const runs = [{ system: native, costs: measured.get('native') ?? {} }];
    const text = nanoLines(runs, 'cortex-a57').join('\n');
    expect(text).toMatch(/^ptemod +1 +1 +391 +12733$/m);
    for (const { why } of operations) expect(text).toContain(why.split(' ').slice(0, 6).join(' '));
    const json = JSON.parse(nanoJson(runs, 'cortex-a57')) as {
      readonly operations: readonly { readonly published?: unknown }[];
      readonly systems: readonly { readonly operations: Costs }[];
    };
    expect(json.operations.filter(({ published }) => published !== undefined).length).toBe(7);
    expect(json.systems[0]?.operations['syscall']?.exits).toBe(0);
  });

  test('runs what is asked for, and names what there is when nobody has that name', async () => {
    const main = await bundledCommand();
    const { status, stdout } = await tryRun('node', [
      main,
      ...['nano', '--systems', 'native,trap-and-emulate:lazy', '--json', '-'],
    ]);
    expect(status).toBe(0);
    // The fast engine comes to the same counts.
    const { systems } = JSON.parse(stdout) as { systems: { system: string; operations: Costs }[] };
    expect(systems.map(({ system }) => system)).toEqual(['native', 'trap-and-emulate:lazy']);
    for (const { system, operations: costs } of systems) expect(costs).toEqual(measured.get(system));
    const wrong = await tryRun('node', [main, 'nano', '--systems', 'hosted']);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/^worldswitch: --systems: there is no system "hosted"; there are native, /m);
  }, 120_000);
});
