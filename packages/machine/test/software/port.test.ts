// Each operation of the CPU port is the instruction that it stands for: faults, permissions, counts, time.

import { describe, expect, test } from 'vitest';

import { systemRegister } from '@worldswitch/isa-core';
import { Fault } from '@worldswitch/platform';
import type { CpuPort, Leave } from '@worldswitch/platform';

import { countsOf, engines, load, machineOf, mrs, msr, off, software, store, sys, word, x } from './rig.ts';

/** Runs a function as EL2 software on a bare machine. */
function at2(
  work: (cpu: CpuPort) => void,
  engine: (typeof engines)[number] = 'reference',
): ReturnType<typeof machineOf> {
  const machine = machineOf(
    [
      software('tester', {
        boot: (cpu) => {
          work(cpu);
          return off(cpu);
        },
      }),
    ],
    '',
    { engine },
  );
  const end = machine.run(100_000);
  expect(machine.report().includes('tester') ? machine.report() : end).toBe('off');
  return machine;
}

const DATA = 0x4010_0000;

test('general registers, stack pointer, V registers', () => {
  at2((cpu) => {
    cpu.writeX(3, 0xffff_fffe, 0x8000_0000);
    const out = word(0);
    cpu.readX(3, out);
    expect(out).toEqual(word(0xffff_fffe, 0x8000_0000));
    cpu.writeX(31, 1, 1);
    cpu.readX(31, out);
    expect(out).toEqual(word(0));
    cpu.writeSp(0x1230, 7);
    cpu.readSp(out);
    expect(out).toEqual(word(0x1230, 7));
    expect(mrs(cpu, 'SP_EL1')).toBe(0);
    msr(cpu, 'CPTR_EL2', 0);
    cpu.writeV(31, Uint32Array.of(1, 2, 3, 0xffff_ffff));
    const v = new Uint32Array(4);
    cpu.readV(31, v);
    expect([...v]).toEqual([1, 2, 3, 0xffff_ffff]);
    expect(() => {
      cpu.readX(32, out);
    }).toThrow('no register 32');
  });
});

test('system registers have their masks, effects and side conditions', () => {
  at2((cpu) => {
    msr(cpu, 'VBAR_EL2', 0x1234_5fff, 9);
    expect(mrs(cpu, 'VBAR_EL2')).toBe(0x1234_5800);
    expect(mrs(cpu, 'CurrentEL')).toBe(8);
    expect(mrs(cpu, 'DAIF')).toBe(0x3c0);
    msr(cpu, 'ELR_EL1', 4, 5);
    const out = word(0);
    cpu.readSystem(systemRegister('ELR_EL1'), out);
    expect(out).toEqual(word(4, 5));
    // Time goes on with each operation: 1 instruction, 1 ns, 16 ns a tick.
    const before = mrs(cpu, 'CNTPCT_EL0');
    cpu.work(1600);
    expect(mrs(cpu, 'CNTPCT_EL0')).toBe(before + 100);
  });
});

test('loads and stores of all widths, aligned or over a page, little- and big-endian', () => {
  at2((cpu) => {
    const out = word(0);
    store(cpu, DATA, 0x8877_6655, 0x4433_2211);
    for (const [width, expected] of [
      [1, 0x55],
      [2, 0x6655],
      [4, 0x8877_6655],
    ] as const) {
      expect(cpu.load(word(DATA), width, out)).toBe(Fault.None);
      expect(out).toEqual(word(expected));
    }
    // Without translation memory is Device: an unaligned access faults.
    expect(cpu.load(word(DATA + 1), 4, out)).toBe(Fault.Size);
    expect(cpu.lastFault).toMatchObject({ code: 0x21, write: false, address: word(DATA + 1) });
    msr(cpu, 'SCTLR_EL2', 1 << 25);
    expect(load(cpu, DATA)).toBe(0x1122_3344);
    expect(load(cpu, DATA, 2)).toBe(0x5566);
    store(cpu, DATA + 8, 1, 2);
    msr(cpu, 'SCTLR_EL2', 0);
    expect(load(cpu, DATA + 8)).toBe(0x0200_0000);
  });
});

test('a fault of its own level is a value, and changes no register of the interrupted context', () => {
  const machine = at2((cpu) => {
    for (const [i, name] of (['ELR_EL2', 'SPSR_EL2', 'ESR_EL2', 'FAR_EL2', 'HPFAR_EL2'] as const).entries())
      msr(cpu, name, 0x100 * (i + 1));
    const before = mrs(cpu, 'DAIF');
    expect(cpu.load(word(0x0010_0000), 4, word(0))).toBe(Fault.Slave);
    expect(cpu.lastFault).toMatchObject({ code: 0x10, write: false, s1ptw: false });
    expect(cpu.store(word(0x0010_0000), 4, 1, 0)).toBe(Fault.Slave);
    expect(cpu.lastFault).toMatchObject({ code: 0x10, write: true });
    expect(['ELR_EL2', 'SPSR_EL2', 'ESR_EL2', 'FAR_EL2'].map((name) => mrs(cpu, name as 'ELR_EL2'))).toEqual([
      0x100, 0x200, 0x300, 0x400,
    ]);
    expect(mrs(cpu, 'DAIF')).toBe(before);
  });
  expect(countsOf(machine).faults).toBe(2);
  expect(machine.cpu.counters.exceptions).toBe(0);
});

test('blocks are copied, read, written and zeroed, over pages and up to a fault', () => {
  const machine = at2((cpu) => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
    expect(cpu.write(word(DATA + 3), bytes)).toBe(Fault.None);
    expect(cpu.copy(word(DATA + 0x8008), word(DATA + 3), 10_000)).toBe(Fault.None);
    const back = new Uint8Array(10_000);
    expect(cpu.read(word(DATA + 0x8008), back)).toBe(Fault.None);
    expect(back).toEqual(bytes);
    expect(cpu.zero(word(DATA + 0x8008), 9_999)).toBe(Fault.None);
    expect(load(cpu, DATA + 0x8008 + 9_999, 1)).toBe(9_999 % 251);
    expect(load(cpu, DATA + 0x8008 + 9_998, 1)).toBe(0);
    // RAM is 8 MiB: the last 16 bytes of it, and then nothing.
    expect(cpu.write(word(0x407f_fff0), new Uint8Array(32).fill(7))).toBe(Fault.Slave);
    expect(load(cpu, 0x407f_fff8)).toBe(0x0707_0707);
    expect(cpu.copy(word(0x1000), word(DATA), 8)).toBe(Fault.Slave);
    expect(() => cpu.zero(word(DATA), -1)).toThrow('-1 bytes');
  });
  expect(machine.board.ram.dirty.some((bits) => bits !== 0)).toBe(true);
});

test('atomic operations', () => {
  at2((cpu) => {
    store(cpu, DATA, 0xffff_ffff, 1);
    const expected = word(0xffff_ffff, 1);
    expect(cpu.compareAndSwap(word(DATA), 8, expected, word(5, 6))).toBe(Fault.None);
    expect(expected).toEqual(word(0xffff_ffff, 1));
    expect(cpu.compareAndSwap(word(DATA), 8, expected, word(0, 0))).toBe(Fault.None);
    expect(expected).toEqual(word(5, 6));
    const old = word(0);
    for (const [kind, operand, result] of [
      ['add', word(0xffff_ffff, 1), word(4, 8)],
      ['set', word(3, 0), word(7, 8)],
      ['clear', word(1, 8), word(6, 0)],
      ['xor', word(2, 2), word(4, 2)],
      ['swap', word(9, 9), word(9, 9)],
    ] as const) {
      expect(cpu.atomic(kind, word(DATA), 8, operand, old)).toBe(Fault.None);
      expect(cpu.load(word(DATA), 8, old)).toBe(Fault.None);
      expect(old).toEqual(result);
    }
    expect(cpu.atomic('add', word(DATA + 2), 4, word(1), old)).toBe(Fault.Size);
    expect(cpu.atomic('add', word(0x0010_0000), 4, word(1), old)).not.toBe(Fault.None);
    // Exclusives reach memory alone: a device refuses.
    expect(cpu.compareAndSwap(word(0x0800_0000), 4, old, old)).not.toBe(Fault.None);
  });
});

test('a device is reached as by a load, and polled until its time has come', () => {
  const machine = at2((cpu) => {
    // The timer's interrupt becomes pending in the distributor while the software runs.
    msr(cpu, 'CNTHP_CVAL_EL2', mrs(cpu, 'CNTPCT_EL0') + 50);
    msr(cpu, 'CNTHP_CTL_EL2', 1);
    const pending = (): number => load(cpu, 0x0800_0200, 4) & (1 << 26);
    expect(pending()).toBe(0);
    let polls = 0;
    while (pending() === 0 && polls < 10_000) polls++;
    expect(polls).toBeGreaterThan(500);
    expect(polls).toBeLessThan(900);
  });
  expect(countsOf(machine).deviceLoads).toBeGreaterThan(500);
});

describe.each(engines)('%s', (engine) => {
  test('everything is counted, and time is what was counted', () => {
    const machine = at2((cpu) => {
      cpu.writeX(1, 1, 1);
      x(cpu, 1);
      msr(cpu, 'VTTBR_EL2', 0);
      mrs(cpu, 'VTTBR_EL2');
      mrs(cpu, 'VTTBR_EL2');
      sys(cpu, 'TLBI ALLE1IS');
      sys(cpu, 'DSB ISH');
      sys(cpu, 'ISB');
      sys(cpu, 'AT S1E2R', DATA);
      sys(cpu, 'DC CIVAC', DATA);
      store(cpu, DATA, 1);
      load(cpu, DATA, 4);
      cpu.copy(word(DATA + 64), word(DATA), 40);
      cpu.zero(word(DATA), 16);
      cpu.atomic('add', word(DATA), 4, word(1), word(0));
      cpu.work(100);
    }, engine);
    const counts = countsOf(machine);
    expect(counts).toMatchObject({
      generalWrites: 1 + 1, // and the argument of SYSTEM_OFF
      generalReads: 1,
      systemWrites: 1,
      systemReads: 2,
      tlbMaintenance: 1,
      barriers: 2,
      addressTranslations: 1,
      cacheMaintenance: 1,
      loads: 1 + 3,
      stores: 1 + 3 + 1,
      bytesLoaded: 4 + 40 + 4,
      bytesStored: 8 + 40 + 16 + 4,
      atomics: 1,
      work: 100,
      environmentCalls: 1,
      // SYSTEM_OFF does not return.
      waits: 0,
      erets: 0,
      faults: 0,
    });
    expect(counts.readsOf[systemRegister('VTTBR_EL2')]).toBe(2);
    expect(counts.writesOf[systemRegister('VTTBR_EL2')]).toBe(1);
    expect(counts.calls[16]).toBe(1);
    const sum = 3 + 3 + 5 + 2 + 6 + 1 + 4 + 100 + 1;
    expect(counts.instructions).toBe(sum);
    expect(machine.instructions).toBe(sum);
    expect(machine.now).toBe(sum);
  });
});

test('a whole leaves nothing behind: the next run of the same is the same', () => {
  const work = (cpu: CpuPort): Leave => {
    cpu.work(12_345);
    return off(cpu);
  };
  const hashes = engines.map((engine) => {
    const machine = machineOf([software('one', { boot: work })], '', { engine });
    machine.run(10);
    return `${machine.instructions} ${machine.hash()}`;
  });
  expect(new Set(hashes).size).toBe(1);
});
