// Software in TypeScript on a CPU alone; and the names of registers and operations that types know.

import { describe, expect, test } from 'vitest';

import { Fault, pa, SoftwareEntry } from '@worldswitch/platform';
import type { Bus, PrivilegedSoftware, Transaction } from '@worldswitch/platform';

import { plainOperationNames, sysOperationNames } from '../src/cpu/software/operation-names.ts';
import { systemInstructions } from '../src/cpu/system-instructions.ts';
import {
  armv8,
  attachSoftware,
  Cpu,
  noSoftwareCounts,
  referenceEngine,
  SoftwareError,
  systemOperation,
  systemRegister,
  systemRegisterNames,
  systemRegisters,
} from '../src/index.ts';

test('the names of system registers are those of the table', () => {
  expect(systemRegisterNames).toEqual(systemRegisters.map(({ name }) => name));
});

test('the names of system operations are those of the table', () => {
  expect(sysOperationNames).toEqual(systemInstructions.map(({ name }) => name));
  const handles = [...sysOperationNames, ...plainOperationNames].map((name) => systemOperation(name));
  expect(new Set(handles).size).toBe(handles.length);
});

test('a name that is none has no handle', () => {
  // @ts-expect-error -- nor does it compile
  expect(() => systemRegister('VTTBR_EL4')).toThrow('no system register is called VTTBR_EL4');
  // @ts-expect-error -- nor does it compile
  expect(() => systemOperation('TLBI ALL')).toThrow('no system operation is called TLBI ALL');
});

describe('a CPU alone, without a board', () => {
  const PAGE = 0x1_0000;
  /** Nothing but RAM of one page at 0. */
  const rig = (software: Partial<PrivilegedSoftware<null>>): { cpu: Cpu; run: (n: number) => number } => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bus = {
      host: (at: number) => (at < 0x1000 ? 0x4000 + at : -1),
      memoryAt: () => undefined,
      read: (_at: number, _width: number, by: Transaction) => {
        by.fault = Fault.Decode;
        return 0;
      },
    } as unknown as Bus;
    const cpu = new Cpu({ memory, base: 0, index: 0, bus, features: { ...armv8, el2: true }, id: {} });
    const whole: PrivilegedSoftware<null> = {
      boot: () => 'wait',
      take: () => 'eret',
      save: () => null,
      ...software,
    };
    attachSoftware([cpu], [{ name: 'alone', page: pa(PAGE), software: whole, counts: noSoftwareCounts() }]);
    cpu.reset({ pc: BigInt(PAGE + SoftwareEntry.boot), el: 2 });
    const engine = referenceEngine(cpu);
    return {
      cpu,
      run: (n) => {
        engine.run(n);
        return engine.executed;
      },
    };
  };

  test('what a call does is executed at once, over the end of the slice', () => {
    const { cpu, run } = rig({
      boot: (port) => {
        port.store({ lo: 0x10, hi: 0 }, 8, 7, 0);
        port.work(41);
        return 'wait';
      },
    });
    expect(run(1)).toBe(43);
    expect(cpu.waiting).toBe(false);
    expect(run(100)).toBe(1);
    expect(cpu.waiting).toBe(true);
    expect(cpu.state.pc).toBe(BigInt(PAGE + SoftwareEntry.wait));
    expect(new Uint8Array(cpu.memory.buffer)[0x4010]).toBe(7);
  });

  test('a mistake is thrown out of the engine where nobody else takes it', () => {
    const { run } = rig({
      boot: () => {
        throw new Error('no');
      },
    });
    expect(() => run(1)).toThrow(SoftwareError);
    expect(() => run(1)).toThrow('software "alone" failed in its power-on entry at EL2 of CPU 0');
  });
});
