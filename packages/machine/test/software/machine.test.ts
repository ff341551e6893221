// Software in TypeScript as a part of a machine: waiting, several CPUs, firmware, snapshots, configuration.

import { describe, expect, test } from 'vitest';

import { Fault, SoftwareEntry } from '@worldswitch/platform';
import type { CpuPort, Exception, Leave } from '@worldswitch/platform';

import {
  createMachine,
  decodeSnapshot,
  encodeSnapshot,
  restoreMachine,
  unflatten,
  virt,
} from '../../src/index.ts';
import type { Machine, MachineConfig, SoftwareConfig } from '../../src/index.ts';
import {
  countsOf,
  engines,
  enter,
  load,
  machineOf,
  mrs,
  msr,
  off,
  psci,
  report,
  software,
  store,
  sys,
  word,
  x,
} from './rig.ts';

const CPU_ON = 0xc400_0003;
const CPU_OFF = 0x8400_0002;
const SYSTEM_RESET = 0x8400_0009;
/** The page is at its physical address: no software of these tests translates. */
const PAGE = 0x0b00_0000;
const GICD = 0x0800_0000;
const GICC = 0x0801_0000;
const write32 = (cpu: CpuPort, at: number, value: number): void => {
  expect(cpu.store(word(at), 4, value, 0)).toBe(Fault.None);
};
/** EL2's timer interrupt, SGIs, and the CPU interface; interrupts come to EL2. */
function interruptsOn(cpu: CpuPort): void {
  write32(cpu, GICD, 1);
  write32(cpu, GICD + 0x100, 1 << 26);
  write32(cpu, GICC + 4, 0xf0);
  write32(cpu, GICC, 1);
  msr(cpu, 'HCR_EL2', 0x8000_0038);
}
const alarm = (cpu: CpuPort, ticks: number): void => {
  msr(cpu, 'CNTHP_CVAL_EL2', mrs(cpu, 'CNTPCT_EL0') + ticks);
  msr(cpu, 'CNTHP_CTL_EL2', 1);
};
const acknowledge = (cpu: CpuPort): number => {
  const id = load(cpu, GICC + 0xc, 4);
  write32(cpu, GICC + 0x10, id);
  return id & 0x3ff;
};

/** Waits for its timer, ten times. */
const sleeper = (seen: [Exception, number][]): SoftwareConfig =>
  software('sleeper', {
    boot: (cpu, { page }) => {
      msr(cpu, 'VBAR_EL2', page);
      interruptsOn(cpu);
      alarm(cpu, 1000);
      return 'wait';
    },
    take: (exception, cpu) => {
      seen.push([exception, mrs(cpu, 'ELR_EL2')]);
      expect(acknowledge(cpu)).toBe(26);
      const count = load(cpu, 0x4000_1000) + 1;
      store(cpu, 0x4000_1000, count);
      if (count === 10) return off(cpu);
      alarm(cpu, 1000);
      // Both leave it waiting: ERET goes back into the loop of the page.
      return count % 2 === 0 ? 'wait' : 'eret';
    },
  });

/** States at the end of several CPUs' test, by engine and by how the run was cut. */
const ends = new Set<string>();

describe.each(engines)('%s', (engine) => {
  test('it waits, and the interrupt comes as current-spx', () => {
    const seen: [Exception, number][] = [];
    const machine = machineOf([sleeper(seen)], '', { engine });
    expect(report(machine)).toBe('off');
    expect(seen).toHaveLength(10);
    for (const [exception, elr] of seen) {
      expect(exception).toEqual({ kind: 'irq', from: 'current-spx' });
      expect(elr).toBe(PAGE + SoftwareEntry.wait);
    }
    // Ten times a thousand ticks of 16 ns, most of them jumped.
    expect(machine.now).toBeGreaterThan(160_000);
    expect(machine.instructions).toBeLessThan(2000);
  });

  test.each([1_000_000, 11])(
    'several CPUs are started by PSCI, tell each other by SGIs, and stop: cut at %i',
    (cut) => {
      const started: number[] = [];
      const all = software('all', {
        boot: (cpu, { page, cpus }) => {
          msr(cpu, 'VBAR_EL2', page);
          started.push(cpu.index, x(cpu, 0));
          interruptsOn(cpu);
          if (cpu.index > 0) return 'wait';
          for (let i = 1; i < cpus; i++)
            expect(psci(cpu, CPU_ON, i, page + SoftwareEntry.boot, 100 + i)).toBe(0);
          expect(psci(cpu, CPU_ON, 1, page + SoftwareEntry.boot, 0)).toBe(-4 >>> 0);
          alarm(cpu, 10_000);
          return 'wait';
        },
        take: (_, cpu) => {
          const id = acknowledge(cpu);
          if (id === 26) {
            // All but this one, SGI 3.
            msr(cpu, 'CNTHP_CTL_EL2', 0);
            write32(cpu, GICD + 0xf00, (1 << 24) | 3);
            return 'wait';
          }
          expect(id).toBe(cpu.index === 0 ? 4 : 3);
          if (cpu.index === 0) {
            const told = load(cpu, 0x4000_1000);
            return told === 3 ? off(cpu) : 'wait';
          }
          const old = word(0);
          cpu.atomic('add', word(0x4000_1000), 8, word(1), old);
          if (old.lo === 2) write32(cpu, GICD + 0xf00, (1 << 16) | 4);
          psci(cpu, CPU_OFF);
          throw new Error('CPU_OFF returned');
        },
      });
      const machine = machineOf([all], '', { engine, cpus: 4 });
      let end: string;
      do end = report(machine, cut);
      while (end === 'budget');
      expect(end).toBe('off');
      ends.add(`${machine.instructions} ${machine.now} ${machine.hash()}`);
      expect(ends.size).toBe(1);
      expect(started).toEqual([0, 0, 1, 101, 2, 102, 3, 103]);
      expect(machine.cpus.map((cpu) => cpu.off)).toEqual([false, true, true, true]);
    },
  );

  test('a snapshot while it waits, in a file, goes on elsewhere to the same end', async () => {
    const whole = machineOf([sleeper([])], '', { engine });
    whole.run(1_000_000);
    const first = machineOf([sleeper([])], '', { engine });
    for (let i = 0; i < 3; i++) expect(first.run(20)).toBe('budget');
    const state = await decodeSnapshot(await encodeSnapshot(first.save()));
    for (const other of engines) {
      const second = restoreMachine(
        { el2: true, memory: '8M', software: [sleeper([])], engine: other },
        state,
      );
      expect(report(second)).toBe('off');
      expect(second.hash()).toBe(whole.hash());
      expect(second.now).toBe(whole.now);
      expect(second.board.software[0]?.software.save()).toBe(11);
    }
  });

  test('a reset makes the software anew', () => {
    const boots: number[] = [];
    const machine = machineOf(
      [
        software('one', {
          boot: (cpu) => {
            boots.push(load(cpu, 0x4000_1000));
            store(cpu, 0x4000_1000, 1);
            psci(cpu, SYSTEM_RESET);
            throw new Error('SYSTEM_RESET returned');
          },
        }),
      ],
      '',
      { engine },
    );
    expect(report(machine)).toBe('reset');
    expect(report(machine)).toBe('reset');
    expect(boots).toEqual([0, 1]);
    expect(machine.board.software[0]?.software.save()).toBe(0);
  });
});

test('a machine is loaded for it: modules, and the device tree in X0, which tells of the page', () => {
  let tree = 0;
  const config = virt({
    engine: 'reference',
    el2: true,
    memory: '64M',
    software: [
      software('hypervisor', {
        boot: (cpu) => {
          tree = x(cpu, 0);
          expect(load(cpu, tree, 4)).toBe(0xedfe_0dd0);
          return off(cpu);
        },
      }),
      software('other', {}),
    ],
  });
  const machine = createMachine(config);
  let at = 0;
  machine.load({
    modules: [{ name: 'guest', bytes: Uint8Array.of(1, 2, 3) }],
    chosen: (place) => {
      at = place('guest').start;
      return {};
    },
  });
  expect(report(machine)).toBe('off');
  expect(at).toBeGreaterThan(0x4000_0000);
  const base = machine.board.config.ramBase;
  const root = unflatten(machine.board.ram.bytes.subarray(tree - base), 'dtb');
  expect(root.children?.filter(({ name }) => name.startsWith('software@')).map(({ name }) => name)).toEqual([
    'software@b000000',
    'software@b001000',
  ]);
  expect(machine.bus.accesses().some(({ name }) => name === 'hypervisor')).toBe(true);
});

test('a kernel is entered where no software is to be', () => {
  const machine = createMachine({
    memory: '8M',
    software: [software('aside', {}, { boot: false })],
  });
  expect(() => {
    machine.load({});
  }).toThrow('kernel: is missing');
});

const named = (more: object): MachineConfig => ({
  memory: '8M',
  software: [{ ...software('one', {}), ...more }],
});
test.each([
  [named({ name: 'gic' }), 'software[0].name: "gic" is taken'],
  [named({ name: 'One' }), 'software[0].name: must be lower case'],
  [named({ type: 'hypervisor' }), 'software[0].type: must be a SoftwareType'],
  [named({ at: 0x0b00_0800 }), 'software[0].at: must be the address of a page'],
  [named({ at: 0x4000_0000 }), 'one: 0x40000000 to 0x40000fff overlaps memory'],
  [
    { software: [software('one', {}, { boot: true }), software('two', {}, { boot: true })] },
    'software[1].boot',
  ],
  [{ software: Array.from({ length: 17 }, (_, i) => software(`s${i}`, {})) }, 'software: must be at most 16'],
  [{ software: 3 as never }, 'software: must be a list'],
] as const)('a wrong configuration is refused: %#', (config, message) => {
  expect(() => createMachine(config)).toThrow(message);
});

test('hostile state is refused by its path', () => {
  const config: MachineConfig = { memory: '8M', software: [software('one', {})] };
  const saved = createMachine(config).save() as Record<string, unknown>;
  const broken =
    (part: unknown): (() => Machine) =>
    () =>
      restoreMachine(config, { ...saved, software: part } as never);
  expect(broken({ one: { version: 1, state: -1 } })).toThrow(/^software\.one/);
  expect(broken({ one: { version: 9, state: 0 } })).toThrow(/^software\.one\.version/);
  expect(broken({})).toThrow(/^software\.one/);
  expect(broken(null)).toThrow(/^software/);
  expect(() => restoreMachine({ memory: '8M' }, saved as never)).toThrow(/^board/);
});

test('other CPUs have their turns between calls', () => {
  const order: number[] = [];
  const machine = machineOf(
    [
      software('two', {
        boot: (cpu, { page }) => {
          msr(cpu, 'VBAR_EL2', page);
          if (cpu.index === 0) psci(cpu, CPU_ON, 1, page + SoftwareEntry.boot, 0);
          return enter(cpu, 2, 0x4000_0000);
        },
        take: (_, cpu): Leave => {
          order.push(cpu.index);
          // Longer than a turn.
          cpu.work(25_000);
          sys(cpu, 'SEV');
          return order.length === 6 ? off(cpu) : 'eret';
        },
      }),
    ],
    'hvc #0\n b 0x40000000',
    { cpus: 2 },
  );
  expect(report(machine)).toBe('off');
  expect(order).toEqual([0, 1, 0, 1, 0, 1]);
  expect(countsOf(machine).work).toBe(150_000);
});
