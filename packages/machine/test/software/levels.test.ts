// No level is special: software at EL1, EL2 and EL3, tasks at EL0, one below the other; and who may enter a page.

import { describe, expect, test } from 'vitest';

import { Fault, SoftwareEntry } from '@worldswitch/platform';
import type { CpuPort, Leave } from '@worldswitch/platform';

import {
  CODE,
  countsOf,
  EL0T,
  EL1H,
  engines,
  enter,
  load,
  machineOf,
  mrs,
  msr,
  off,
  place,
  psci,
  report,
  software,
  store,
  sys,
  SYSTEM_OFF,
  word,
  x,
} from './rig.ts';

const PAGE = 0x0b00_0000;
const TABLES = 0x4070_0000;

/** One level of 1 GiB blocks, or whatever entry 0 to 3 shall be. */
const table = (cpu: CpuPort, entries: readonly number[], at = TABLES): void => {
  entries.forEach((entry, i) => {
    store(cpu, at + 8 * i, entry);
  });
};
/** Stage 2 that maps RAM and, where asked, the first gigabyte. */
function stage2(cpu: CpuPort, hcr: number, first = 0): void {
  table(cpu, [first, 0x4000_07fd]);
  msr(cpu, 'VTCR_EL2', 0x8001_3559);
  msr(cpu, 'VTTBR_EL2', TABLES);
  sys(cpu, 'TLBI VMALLS12E1IS');
  msr(cpu, 'HCR_EL2', 0x8000_0001 | hcr);
}

describe.each(engines)('%s', (engine) => {
  test('a kernel at EL1 with translation serves a program at EL0', () => {
    const seen: number[] = [];
    const kernel = software('kernel', {
      boot: (cpu, { page }) => {
        expect(cpu.level).toBe(1);
        // Its page for itself alone (UXN), at another address; RAM from 0x4000_0000 for EL0 too, and once more read-only.
        const high = 0x8000_0000;
        table(cpu, [0, 0x4000_0741, 0, 0x4000_07c1]);
        store(cpu, TABLES + 16, TABLES + 0x1000 + 3);
        store(cpu, TABLES + 0x1000 + 8 * ((page >>> 21) & 511), TABLES + 0x2000 + 3);
        store(cpu, TABLES + 0x2000 + 8 * ((page >>> 12) & 511), page + 0x703, 0x40_0000);
        table(cpu, [0x701], TABLES);
        msr(cpu, 'MAIR_EL1', 0xff);
        msr(cpu, 'TCR_EL1', 0x19 | (1 << 23) | (0x15 << 8));
        msr(cpu, 'TTBR0_EL1', TABLES);
        msr(cpu, 'VBAR_EL1', (high | page) >>> 0);
        msr(cpu, 'SCTLR_EL1', 0x30d0_0981 | 0x1000 | 5);
        sys(cpu, 'ISB');
        return enter(cpu, 1, CODE, EL0T);
      },
      take: (exception, cpu) => {
        expect(cpu.page).toEqual(word(0x8b00_0000));
        const esr = mrs(cpu, 'ESR_EL1');
        seen.push(esr >>> 26);
        if (esr >>> 26 === 0x15) {
          expect(exception).toEqual({ kind: 'synchronous', from: 'lower-a64' });
          const out = word(0);
          expect(cpu.load(word(0xc010_0000), 8, out)).toBe(Fault.None);
          // EL0 may read there and not write; its kernel neither.
          expect(cpu.loadUnprivileged(word(0xc010_0000), 8, out)).toBe(Fault.None);
          expect(cpu.storeUnprivileged(word(0xc010_0000), 8, 1, 0)).toBe(Fault.Permission);
          expect(cpu.lastFault).toMatchObject({ level: 1, write: true, code: 0x0d });
          expect(cpu.store(word(0xc010_0000), 8, 1, 0)).toBe(Fault.Permission);
          // Its own page is no business of EL0's.
          expect(cpu.loadUnprivileged(cpu.page, 4, out)).toBe(Fault.Permission);
          expect(cpu.load(cpu.page, 4, out)).toBe(Fault.None);
          expect(cpu.load(word(0, 1), 4, out)).toBe(Fault.Translation);
          expect(mrs(cpu, 'ESR_EL1')).toBe(esr);
          return 'eret';
        }
        // The program jumped into the kernel's page: no permission to execute there.
        expect(mrs(cpu, 'FAR_EL1')).toBe(0x8b00_0000);
        return offHvc(cpu);
      },
    });
    const machine = machineOf([kernel], `svc #0\n movz x0, #0x8b00, lsl #16\n br x0`, { engine, el2: false });
    expect(report(machine)).toBe('off');
    expect(seen).toEqual([0x15, 0x20]);
    expect(countsOf(machine).faults).toBe(4);
  });

  test('software at EL3, which is no firmware of the board', () => {
    const monitor = software('monitor', {
      boot: (cpu, { page }) => {
        expect(cpu.level).toBe(3);
        msr(cpu, 'VBAR_EL3', page);
        msr(cpu, 'SCR_EL3', 0x531);
        return enter(cpu, 3, CODE);
      },
      take: (_, cpu) => {
        expect(mrs(cpu, 'ESR_EL3') >>> 26).toBe(0x17);
        cpu.writeX(5, 77, 0);
        msr(cpu, 'ELR_EL3', mrs(cpu, 'ELR_EL3'));
        return 'eret';
      },
    });
    const machine = machineOf([monitor], 'smc #0\n b 0x40000004', { engine, el3: true });
    expect(report(machine, 100)).toBe('budget');
    expect(machine.cpu.state.x(5)).toBe(77n);
  });

  test('systems are switched by VBAR', () => {
    const taken: string[] = [];
    const system = (name: string, boot: boolean): ReturnType<typeof software> =>
      software(
        name,
        {
          boot: (cpu, { page }) => {
            msr(cpu, 'VBAR_EL2', page);
            return enter(cpu, 2, CODE);
          },
          take: (_, cpu, { pages }) => {
            taken.push(name);
            if (taken.length === 4) return off(cpu);
            msr(cpu, 'VBAR_EL2', pages[name === 'one' ? 'two' : 'one'] ?? 0);
            return 'eret';
          },
        },
        { boot },
      );
    const machine = machineOf([system('one', false), system('two', true)], 'hvc #0\n b 0x40000000', {
      engine,
    });
    expect(report(machine)).toBe('off');
    expect(taken).toEqual(['two', 'one', 'two', 'one']);
  });

  test("a guest's foreign VBAR leads to a fault in stage 2 and not into the page", () => {
    let fault = 0;
    const hypervisor = software('hypervisor', {
      boot: (cpu, { page }) => {
        msr(cpu, 'VBAR_EL2', page);
        stage2(cpu, 0);
        return enter(cpu, 2, CODE);
      },
      take: (_, cpu) => {
        fault = mrs(cpu, 'ESR_EL2');
        expect(mrs(cpu, 'ELR_EL2')).toBe(PAGE + 0x200);
        expect(mrs(cpu, 'HPFAR_EL2')).toBe(PAGE >>> 8);
        return off(cpu);
      },
    });
    const machine = machineOf([hypervisor], `movz x0, #0xb00, lsl #16\n msr vbar_el1, x0\n svc #0`, {
      engine,
    });
    expect(report(machine)).toBe('off');
    expect(fault >>> 26).toBe(0x20);
    expect([...countsOf(machine).calls].reduce((a, b) => a + b)).toBe(2);
  });

  test('without translation anybody enters, at the level that it has; elsewhere in the page is no instruction, and zeros', () => {
    const levels: number[] = [];
    const one = software('one', {
      boot: (cpu, { page }) => {
        msr(cpu, 'VBAR_EL2', page);
        msr(cpu, 'HCR_EL2', 0x8000_0000);
        return enter(cpu, 2, CODE);
      },
      take: ({ from }, cpu) => {
        levels.push(cpu.level);
        if (cpu.level === 2) {
          expect(from).toBe('lower-a64');
          return off(cpu);
        }
        expect(from).toBe('current-spx');
        // EL1's own exception: an instruction that is none, in the page. What follows is the guest's.
        expect(mrs(cpu, 'ESR_EL1')).toBe(0x0200_0000);
        expect(mrs(cpu, 'ELR_EL1')).toBe(PAGE + 0x804);
        return enter(cpu, 1, CODE + 0x20);
      },
    });
    const machine = machineOf(
      [one],
      `movz x0, #0xb00, lsl #16
       msr vbar_el1, x0
       ldr x1, [x0, #0x800]
       str x0, [x0, #0x800]
       ldr x2, [x0, #0x800]
       add x0, x0, #0x804
       br x0
       nop
       hvc #0`,
      { engine },
    );
    expect(report(machine)).toBe('off');
    expect(levels).toEqual([1, 2]);
    expect(machine.cpu.state.x(1)).toBe(0n);
    expect(machine.cpu.state.x(2)).toBe(0n);
  });

  test('a kernel in TypeScript is the guest of a hypervisor in TypeScript', () => {
    const log: string[] = [];
    const step = (what: string): void => {
      log.push(what);
    };
    const hypervisor = software('hypervisor', {
      boot: (cpu, { page, pages }) => {
        msr(cpu, 'VBAR_EL2', page);
        // TVM, TTLB, TID3, TSC, and stage 2 without the first gigabyte but for the kernel's page.
        const kernel = pages['kernel'] ?? 0;
        stage2(cpu, (1 << 26) | (1 << 25) | (1 << 18) | (1 << 19), TABLES + 0x1000 + 3);
        cpu.zero(word(TABLES + 0x1000), 0x2000);
        store(cpu, TABLES + 0x1000 + 8 * (kernel >>> 21), TABLES + 0x2000 + 3);
        store(cpu, TABLES + 0x2000 + 8 * ((kernel >>> 12) & 511), kernel + 0x7ff);
        return enter(cpu, 2, kernel + SoftwareEntry.boot);
      },
      take: (exception, cpu) => {
        expect(exception).toEqual({ kind: 'synchronous', from: 'lower-a64' });
        expect(cpu.level).toBe(2);
        const esr = mrs(cpu, 'ESR_EL2');
        const next = (): Leave => {
          msr(cpu, 'ELR_EL2', mrs(cpu, 'ELR_EL2') + 4);
          return 'eret';
        };
        switch (esr >>> 26) {
          case 0x18:
            if ((esr & 0x30_3c01) === 0x30_0001) {
              step(`ID read into X${(esr >>> 5) & 31}`);
              cpu.writeX((esr >>> 5) & 31, 0x1234, 0);
            } else if ((esr & 0x30_0001) === 0x30_0000)
              step(`write of 0x${x(cpu, (esr >>> 5) & 31).toString(16)}`);
            if ((esr & 0x30_0000) === 0x10_0000) {
              // TTLB: it is let through, and tried again.
              step('TLBI');
              msr(cpu, 'HCR_EL2', mrs(cpu, 'HCR_EL2') & ~(1 << 25));
              return 'eret';
            }
            return next();
          case 0x16:
            step(`call ${esr & 0xffff}: ${x(cpu, 0)}`);
            cpu.writeX(0, x(cpu, 0) * 2, 0);
            return 'eret';
          case 0x17:
            return off(cpu);
          case 0x24:
            if ((mrs(cpu, 'HPFAR_EL2') << 8) >>> 0 === 0x0900_0000) {
              // A device that is emulated.
              expect(esr & 0x100_0000).not.toBe(0);
              step(
                `${(esr & 64) === 0 ? 'load' : `store of ${x(cpu, (esr >>> 16) & 31)}`} by ${1 << ((esr >>> 22) & 3)}`,
              );
              if ((esr & 64) === 0) cpu.writeX((esr >>> 16) & 31, 0x55, 0);
              return next();
            }
            // The rest of memory is mapped when it is used first.
            step('map');
            store(cpu, TABLES + 16, 0x4000_07fd);
            return 'eret';
          default:
            throw new Error(`class ${esr >>> 26}`);
        }
      },
    });
    const kernel = software('kernel', {
      boot: (cpu, { page }) => {
        expect(cpu.level).toBe(1);
        cpu.writeX(9, 999, 0);
        msr(cpu, 'VBAR_EL1', page);
        msr(cpu, 'CONTEXTIDR_EL1', 42);
        expect(mrs(cpu, 'ID_AA64PFR0_EL1')).toBe(0x1234);
        sys(cpu, 'TLBI VMALLE1');
        cpu.writeX(0, 21, 0);
        sys(cpu, 'HVC', 7);
        expect(x(cpu, 0)).toBe(42);
        expect(load(cpu, 0x0900_0018, 4)).toBe(0x55);
        expect(cpu.store(word(0x0900_0000), 1, 0x41, 0)).toBe(Fault.None);
        store(cpu, 0x8000_0000 + 0x10_0000, 0xabcd);
        expect(load(cpu, 0x4010_0000)).toBe(0xabcd);
        // What it lent its hypervisor is as it was.
        expect(x(cpu, 9)).toBe(999);
        return enter(cpu, 1, CODE);
      },
      take: (_, cpu) => {
        step('trap');
        return psci(cpu, SYSTEM_OFF) === 0 ? 'wait' : 'eret';
      },
    });
    const machine = machineOf([hypervisor, kernel], 'svc #0', { engine });
    expect(report(machine)).toBe('off');
    expect(log).toEqual([
      'write of 0x2a',
      'ID read into X9',
      'TLBI',
      'call 7: 21',
      'load by 4',
      'store of 65 by 1',
      'map',
      'trap',
    ]);
    expect(countsOf(machine, 1).intercepted).toBe(8);
    expect(countsOf(machine, 0).nested).toBe(8);
    const { instructions } = countsOf(machine, 0);
    expect(machine.instructions).toBe(instructions + countsOf(machine, 1).instructions + 1);
  });

  test('a task at EL0 asks its kernel while it runs, and by leaving', () => {
    const asked: number[] = [];
    const task = software(
      'task',
      {
        task: (cpu) => {
          expect(cpu.level).toBe(0);
          cpu.writeX(0, 1, 0);
          sys(cpu, 'SVC', 5);
          cpu.writeX(0, x(cpu, 0) + 1, 0);
          return 'svc';
        },
      },
      { boot: false },
    );
    const kernel = software('kernel', {
      boot: (cpu, { page, pages }) => {
        msr(cpu, 'VBAR_EL1', page);
        return enter(cpu, 1, (pages['task'] ?? 0) + SoftwareEntry.task, EL0T);
      },
      take: (_, cpu) => {
        asked.push(mrs(cpu, 'ESR_EL1') & 0xffff, x(cpu, 0));
        if (asked.length === 8) return offHvc(cpu);
        cpu.writeX(0, 10, 0);
        return 'eret';
      },
    });
    const machine = machineOf([kernel, task], '', { engine, el2: false });
    expect(report(machine)).toBe('off');
    expect(asked).toEqual([5, 1, 0, 11, 5, 1, 0, 11]);
  });
});

/** Off, on a machine without EL2. */
function offHvc(cpu: CpuPort): Leave {
  cpu.writeX(0, SYSTEM_OFF, 0);
  sys(cpu, 'HVC');
  return 'wait';
}

test('all engines come to the same state with software over software', () => {
  const hashes = engines.map((engine) => {
    const kernel = software('kernel', {
      boot: (cpu, { page }) => {
        msr(cpu, 'VBAR_EL1', page);
        for (let i = 0; i < 5; i++) sys(cpu, 'HVC', i);
        return enter(cpu, 1, CODE);
      },
      take: (_, cpu) => {
        sys(cpu, 'HVC', 9);
        return 'eret';
      },
    });
    const hypervisor = software('hypervisor', {
      boot: (cpu, { page, pages }) => {
        msr(cpu, 'VBAR_EL2', page);
        msr(cpu, 'HCR_EL2', 0x8000_0000);
        return enter(cpu, 2, (pages['kernel'] ?? 0) + SoftwareEntry.boot, EL1H);
      },
      take: (_, cpu) => {
        cpu.writeX(4, x(cpu, 4) + 1, 0);
        return x(cpu, 4) === 500 ? off(cpu) : 'eret';
      },
    });
    const machine = machineOf([hypervisor, kernel], '', { engine });
    place(machine, 'svc #0\n add x5, x5, #1\n b 0x40000000');
    let end: string;
    do end = machine.run(997);
    while (end === 'budget');
    expect(end).toBe('off');
    expect(machine.cpu.state.x(5)).toBe(494n);
    return `${machine.instructions} ${machine.hash()}`;
  });
  expect(new Set(hashes).size).toBe(1);
});
