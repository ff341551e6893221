// `worldswitch compare`: one guest on each system, as a table and as JSON; and its mistakes.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { tryRun } from '@worldswitch/test-tools';

import { program } from '../src/program.ts';
import { bundledCommand } from './command.ts';

let main = '';
beforeAll(async () => {
  main = await bundledCommand();
}, 120_000);

afterEach(() => {
  vi.restoreAllMocks();
});

const compare = (...args: string[]) => tryRun('node', [main, 'compare', ...args]);

interface Compared {
  readonly system: string;
  readonly end: string;
  readonly direct: number;
  readonly consoleEqual: boolean;
  readonly equivalence?: { readonly events: number; readonly difference?: unknown };
  readonly hypervisor: number;
  readonly exits: readonly { readonly cause: string; readonly exits: number }[];
}

describe('compare', () => {
  test('prints the systems side by side', async () => {
    const { status, stdout } = await compare('tiny', '--append', 'bench poweroff');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^architectural events +-( +[\d ]+ equal){3}$/m);
    expect(stdout).toMatch(/^ {2}their hash +- +([\da-f]{16}) +\1 +\1$/m);
    expect(stdout).toMatch(/^ +native +hardware-assisted +trap-and-emulate +binary-translation$/m);
    expect(stdout).toMatch(/^end( +powered off){4}$/m);
    expect(stdout).toMatch(/^host seconds +[\d.]+( +[\d.]+ {2}[\d.]+x){3}$/m);
    expect(stdout).toMatch(/^null-syscall +105\.0 +105\.0 {2}1\.00x .*x$/m);
    expect(stdout).toMatch(/^mmio +-( +[\d ]+ x \d+){3}$/m);
  }, 120_000);

  test('gives the same to programs, of the systems that are asked for', async () => {
    const two = ['--systems', 'native,hardware-assisted'];
    const { stdout } = await compare('tiny', '--append', 'bench poweroff', ...two, '--json', '-');
    const { schema, systems } = JSON.parse(stdout) as { schema: number; systems: readonly Compared[] };
    const [native, virtual] = systems;
    expect([schema, native?.system, virtual?.system]).toEqual([1, 'native', 'hardware-assisted']);
    expect([native?.direct, native?.hypervisor, native?.exits]).toEqual([1, 0, []]);
    expect(virtual?.consoleEqual).toBe(true);
    expect(virtual?.equivalence?.events).toBeGreaterThan(1000);
    expect(virtual?.equivalence?.difference).toBeUndefined();
    expect(virtual?.direct).toBeGreaterThan(0.9);
    expect(virtual?.direct).toBeLessThan(1);
    expect(virtual?.exits.find(({ cause }) => cause === 'svc')).toBeUndefined();
    const one = await compare('tiny', '--append', 'poweroff', '--systems', 'native', '--json', '-');
    expect((JSON.parse(one.stdout) as { systems: readonly unknown[] }).systems.length).toBe(1);
  }, 120_000);

  test('runs a board of several CPUs and a GICv3 on all of them', async () => {
    // tiny drives a GICv2 alone, and ends the same everywhere where there is a GICv3.
    const args = ['--append', 'poweroff', '--events', '0', '--gic', '3', '--smp', '2'];
    const { stdout } = await compare('tiny', ...args);
    expect(stdout).toMatch(/^ +native +hardware-assisted +trap-and-emulate +binary-translation$/m);
    expect(stdout).toMatch(/^console +[\d ]+ bytes( +equal){3}$/m);
  }, 120_000);

  test('shows what a kernel costs that traps at every privileged instruction, and what translating it saves', async () => {
    const systemNames = 'native,trap-and-emulate,binary-translation';
    const args = ['--append', 'bench poweroff', '--systems', systemNames, '--json', '-'];
    const { stdout } = await compare('tiny', ...args);
    const { systems } = JSON.parse(stdout) as { systems: readonly Compared[] };
    const exits = new Map(systems[1]?.exits.map(({ cause, exits: n }) => [cause, n]));
    expect(systems.map(({ system }) => system)).toEqual(systemNames.split(','));
    for (const { end } of systems) expect(end).toBe(systems[0]?.end);
    expect(exits.get('svc')).toBeGreaterThan(5000);
    expect(exits.get('eret')).toBeGreaterThanOrEqual(exits.get('svc') ?? Infinity);
    expect(exits.get('msr TTBR0_EL1')).toBeGreaterThan(2000);
    const translated = new Map(systems[2]?.exits.map(({ cause, exits: n }) => [cause, n]));
    expect(exits.get('msr DAIFSet')).toBeGreaterThan(2000);
    expect(translated.get('msr DAIFSet') ?? 0).toBeLessThan(2);
    expect(translated.get('eret')).toBeGreaterThan(5000);
  }, 120_000);

  test('shows what each way to follow the guest’s tables costs', async () => {
    const kinds = ['lazy', 'traced', 'bounded=4', 'real'].map((kind) => `trap-and-emulate:${kind}`);
    const systemNames = ['native', ...kinds].join(',');
    const args = ['--append', 'poweroff', '--events', '0', '--systems', systemNames];
    const { stdout } = await compare('tiny', ...args);
    expect(stdout).toMatch(/^console +[\d ]+ bytes( +equal| +equal but for times){4}$/m);
    expect(stdout).toMatch(/^writes to tables +- +0 +[1-9][\d ]* +0 +[1-9][\d ]*$/m);
    expect(stdout).toMatch(/^reads of tables +- +0 +0 +0 +[1-9][\d ]*$/m);
    expect(stdout).toMatch(/^entries evicted +- +0 +0 +[1-9][\d ]* +0$/m);
  }, 120_000);

  test('says why trap-and-emulate differs, by the instruction and its theory, and that translation does not', async () => {
    const args = ['--append', 'selftest poweroff', '--events', '1000'];
    const { stdout } = await compare(
      'tiny',
      ...args,
      '--systems',
      'native,trap-and-emulate,binary-translation',
    );
    expect(stdout).toMatch(/^architectural events +- +differ after 1 932 +2 932 equal$/m);
    expect(stdout).toMatch(/^trap-and-emulate prints a line otherwise than the bare machine:$/m);
    expect(stdout).toMatch(/^ {2}there: +selftest: bad pointers are refused \.\.\. FAILED$/m);
    expect(stdout).toMatch(/the instruction: ldtrb w\d+, \[x\d+\] at PC 0xffffff80[\da-f]{8}, /);
    expect(stdout).toContain('a hole of trap-and-emulate, by theory: unprivileged access.');
    expect(stdout.replace(/\s+/g, ' ')).toContain('It passes: 2 932 events equal here.');
    expect(stdout).not.toMatch(/^binary-translation (prints|does not)/m);
  }, 120_000);

  test('counts cycles by a profile, those of the hypervisor too, and shows what traps cost', async () => {
    const two = ['--systems', 'native,hardware-assisted'];
    const traps = ['--append', 'bench poweroff', '--timing', 'cortex-a57', '--traps', 'twi,tvm,tsc'];
    const { stdout } = await compare('tiny', ...two, ...traps);
    expect(stdout).toMatch(/^cycles by cortex-a57 +\d/m);
    // Each write of TTBR0_EL1 by a context switch is an exit then.
    expect(stdout).toMatch(/^msr TTBR0_EL1 +- +- +[\d ]+ x \d+$/m);
    expect(stdout).toMatch(/^twi,tvm,tsc +\+3 \d+ +\+[\d ]+ +\d+ +\+[\d ]+$/m);
    const unit = await compare('tiny', '--append', 'poweroff', '--timing', 'unit', '--json', '-');
    const { systems } = JSON.parse(unit.stdout) as {
      systems: readonly {
        instructions: number;
        hypervisor: number;
        cycles: { profile: string; total: number };
      }[];
    };
    // By the profile of counts, a cycle is an instruction: the hypervisor's are among them.
    for (const { instructions, cycles } of systems)
      expect(cycles).toMatchObject({ profile: 'unit', total: instructions });
    expect(systems[1]?.hypervisor).toBeGreaterThan(0);
  }, 120_000);

  test('writes ledgers, which ledger diff compares, and a trace', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'worldswitch-ledger-'));
    try {
      const [a, b, trace] = ['a.json', 'b.json', 'trace.json'].map((name) => join(folder, name));
      const base = ['tiny', '--append', 'bench poweroff', '--systems', 'hardware-assisted'];
      await compare(...base, '--ledger', a ?? '', '--trace', trace ?? '');
      await compare(...base, '--ledger', b ?? '', '--traps', 'twi,tvm,tsc');
      const events = JSON.parse(await readFile(trace ?? '', 'utf8')) as {
        traceEvents: readonly { ph: string; name: string; dur?: number }[];
      };
      expect(events.traceEvents.filter(({ ph }) => ph === 'X').length).toBeGreaterThan(3000);
      expect(events.traceEvents[0]).toMatchObject({ ph: 'M', args: { name: 'hardware-assisted, VM 0' } });
      const diff = (...args: string[]) => tryRun('node', [main, 'ledger', 'diff', ...args]);
      const same = await diff(a ?? '', b ?? '');
      expect([same.status, same.stdout]).toEqual([
        0,
        expect.stringContaining('the same exits at the same costs'),
      ]);
      const file = JSON.parse(await readFile(b ?? '', 'utf8')) as { systems: unknown[] };
      file.systems.shift();
      await writeFile(b ?? '', JSON.stringify(file));
      const other = await diff(a ?? '', b ?? '');
      expect(other.stdout).toMatch(/^msr TTBR0_EL1 +0 to 3 \d+ +\+3 \d+/m);
      expect(other.stdout).not.toMatch(/^mmio /m);
      for (const [args, message] of [
        [[a ?? '', join(folder, 'none')], 'there is no such file'],
        [[a ?? '', trace ?? ''], 'is no file that worldswitch compare --ledger writes'],
        [[a ?? '', main], 'is not JSON'],
        [[a ?? '', b ?? '', '--system', 'vax'], '--system vax'],
      ] as const) {
        const { status, stderr } = await diff(...args);
        expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
        expect(stderr).toContain(message);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 120_000);

  test.each([
    [['bogus'], /no guest is called "bogus"; there are [a-z, 0-9-]+$/],
    [['xen'], 'needs an EL2 that a VM has not'],
    [['tiny', '--systems', 'vax'], 'there is no system "vax"'],
    [
      ['tiny', '--systems', 'native,rewritten:trap', '--smp', '2'],
      'rewritten:trap cannot run this board: it',
    ],
    [['tiny', '--systems', 'native:traced'], 'native has no shadow tables'],
    [['tiny', '--systems', 'trap-and-emulate:eager'], 'there is none called "eager"; there is traced, lazy'],
    [['tiny', '--systems', 'trap-and-emulate:bounded=0'], 'capacity: must be a whole number, 1 to 1048576'],
    [['tiny', '--systems', 'trap-and-emulate:bounded=8/9'], 'open: must be a whole number, 1 to 8'],
    [['tiny', '--systems', 'trap-and-emulate:real=8'], 'capacity: is of "bounded", not "real"'],
    [['tiny', '--systems', 'binary-translation:bounded=8=8'], 'must be lazy (usual), traced'],
    [['tiny', '--smp', '0'], 'must be a whole number, 1 to 8'],
    [['tiny', '--gic', '4'], '--gic 4'],
    [['tiny', '--timing', 'z80'], 'z80'],
    [['tiny', '--traps', 'tvm,bogus'], 'there is no control "bogus"'],
    [['tiny', '--traps', 'tvm'], 'tsc must be among them'],
    [['tiny', '--systems', 'native', '--traps', 'tvm,tsc'], 'hardware-assisted is not among the systems'],
    [['tiny', '--ledger', '/nowhere/ledger.json'], '--ledger /nowhere/ledger.json: cannot be written'],
    [['tiny', '--trace', '/'], '--trace /: it is a folder'],
  ])('%j is a mistake in one line', async (args, message) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const said = await program()
      .parseAsync(['node', 'worldswitch', 'compare', ...args])
      .then(
        () => 'nothing',
        (thrown: unknown) => (thrown as Error).message,
      );
    expect(said).toMatch(message);
    expect(said.split('\n').length).toBe(1);
  });

  test('a mistake is a line on standard error and status 2', async () => {
    const { status, stdout, stderr } = await compare('tiny', '--systems', 'native,vax');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^worldswitch: --systems: there is no system "vax"; .*\n$/);
  });

  test('and so is a disk that is full', async () => {
    const { status, stderr } = await tryRun('sh', ['-c', `node "${main}" rewrite tiny >/dev/full`]);
    expect([status, stderr]).toEqual([2, 'worldswitch: standard output: there is no space left\n']);
  });
});
