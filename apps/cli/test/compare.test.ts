// `worldswitch compare`: one guest on each system, as a table and as JSON; and its mistakes.

import { beforeAll, describe, expect, test } from 'vitest';

import { tryRun } from '@worldswitch/test-tools';

import { bundledCommand } from './command.ts';

let main = '';
beforeAll(async () => {
  main = await bundledCommand();
}, 120_000);

const compare = (...args: string[]) => tryRun('node', [main, 'compare', ...args]);

interface Compared {
  readonly system: string;
  readonly end: string;
  readonly direct: number;
  readonly consoleEqual: boolean;
  readonly hypervisor: number;
  readonly exits: readonly { readonly cause: string; readonly exits: number }[];
}

describe('compare', () => {
  test('prints the systems side by side', async () => {
    const { status, stdout } = await compare('tiny', '--append', 'bench poweroff');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^end +powered off +powered off$/m);
    expect(stdout).toMatch(/^null-syscall +105\.0 +105\.0 {2}1\.00x$/m);
    expect(stdout).toMatch(/^mmio +- +[\d ]+ x \d+$/m);
  }, 120_000);

  test('gives the same to programs, of the systems that are asked for', async () => {
    const { stdout } = await compare('tiny', '--append', 'bench poweroff', '--json', '-');
    const { schema, systems } = JSON.parse(stdout) as { schema: number; systems: readonly Compared[] };
    const [native, virtual] = systems;
    expect([schema, native?.system, virtual?.system]).toEqual([1, 'native', 'hardware-assisted']);
    expect([native?.direct, native?.hypervisor, native?.exits]).toEqual([1, 0, []]);
    expect(virtual?.consoleEqual).toBe(true);
    expect(virtual?.direct).toBeGreaterThan(0.9);
    expect(virtual?.direct).toBeLessThan(1);
    expect(virtual?.exits.find(({ cause }) => cause === 'svc')).toBeUndefined();
    const one = await compare('tiny', '--append', 'poweroff', '--systems', 'native', '--json', '-');
    expect((JSON.parse(one.stdout) as { systems: readonly unknown[] }).systems.length).toBe(1);
  }, 120_000);

  test('shows what a kernel costs that traps at every privileged instruction', async () => {
    const args = ['--append', 'bench poweroff', '--systems', 'native,trap-and-emulate', '--json', '-'];
    const { stdout } = await compare('tiny', ...args);
    const { systems } = JSON.parse(stdout) as { systems: readonly Compared[] };
    const exits = new Map(systems[1]?.exits.map(({ cause, exits: n }) => [cause, n]));
    expect(systems.map(({ system }) => system)).toEqual(['native', 'trap-and-emulate']);
    expect(systems[1]?.end).toBe(systems[0]?.end);
    expect(exits.get('svc')).toBeGreaterThan(5000);
    expect(exits.get('eret')).toBeGreaterThanOrEqual(exits.get('svc') ?? Infinity);
    expect(exits.get('msr TTBR0_EL1')).toBeGreaterThan(2000);
  }, 120_000);

  test.each([
    [['bogus'], 'no guest is called "bogus"'],
    [['xen'], 'needs an EL2 that a VM has not'],
    [['tiny', '--systems', 'vax'], 'there is no system "vax"'],
    [['tiny', '--smp', '0'], 'must be a whole number, 1 to 8'],
    [['tiny', '--gic', '4'], '--gic 4'],
  ])('%j is a mistake in one line', async (args, message) => {
    const { status, stderr } = await compare(...args);
    expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toContain(message);
  });
});
