// Software from functions, for tests: what a vector does is a function of the test.

import { assembleProgram, systemOperation, systemRegister } from '@worldswitch/isa-core';
import type { SystemOperationName, SystemRegisterName } from '@worldswitch/isa-core';
import { Fault, stateCodec, uint } from '@worldswitch/platform';
import type {
  CpuPort,
  Exception,
  Leave,
  Pa,
  PrivilegedSoftware,
  SoftwareContext,
  SoftwareCounts,
  Word64,
} from '@worldswitch/platform';

import { attachSoftware, createMachine } from '../../src/index.ts';
import type { Machine, MachineConfig, SoftwareConfig } from '../../src/index.ts';

export const engines = ['jit', 'interpreter', 'reference'] as const;

/** Where guests of tests are loaded. */
export const CODE = 0x4000_0000;

export const word = (lo: number, hi = 0): Word64 => ({ lo: lo >>> 0, hi: hi >>> 0 });

/** The low half of a system register. */
export function mrs(cpu: CpuPort, name: SystemRegisterName): number {
  const out = word(0);
  cpu.readSystem(systemRegister(name), out);
  return out.lo;
}
export function msr(cpu: CpuPort, name: SystemRegisterName, lo: number, hi = 0): void {
  cpu.writeSystem(systemRegister(name), lo, hi);
}
export function sys(cpu: CpuPort, name: SystemOperationName, lo = 0, hi = 0): void {
  cpu.operate(systemOperation(name), lo, hi);
}
export function load(cpu: CpuPort, at: number, width: 1 | 2 | 4 | 8 = 8): number {
  const out = word(0);
  const fault = cpu.load(word(at), width, out);
  if (fault !== Fault.None) throw new Error(`load at 0x${at.toString(16)}: fault ${fault}`);
  return out.lo;
}
export function store(cpu: CpuPort, at: number, lo: number, hi = 0): void {
  const fault = cpu.store(word(at), 8, lo, hi);
  if (fault !== Fault.None) throw new Error(`store at 0x${at.toString(16)}: fault ${fault}`);
}
export function x(cpu: CpuPort, n: number): number {
  const out = word(0);
  cpu.readX(n, out);
  return out.lo;
}
/** PSCI by SMC. */
export function psci(cpu: CpuPort, fn: number, ...args: readonly number[]): number {
  [fn, ...args].forEach((value, i) => {
    cpu.writeX(i, value >>> 0, 0);
  });
  sys(cpu, 'SMC');
  return x(cpu, 0);
}
export const SYSTEM_OFF = 0x8400_0008;
export const off = (cpu: CpuPort): Leave => {
  psci(cpu, SYSTEM_OFF);
  return 'wait';
};

/** What a piece of software does. */
export interface Doing {
  readonly boot?: (cpu: CpuPort, context: SoftwareContext) => Leave;
  readonly take?: (exception: Exception, cpu: CpuPort, context: SoftwareContext) => Leave;
  readonly task?: (cpu: CpuPort) => Leave;
}

/** Software of functions; its state is the number of its calls. */
export function software(name: string, doing: Doing, more: Partial<SoftwareConfig> = {}): SoftwareConfig {
  const create = (context: SoftwareContext, calls = 0): PrivilegedSoftware<number> => ({
    boot: (cpu) => {
      calls++;
      return doing.boot?.(cpu, context) ?? 'wait';
    },
    take: (exception, cpu) => {
      calls++;
      if (doing.take === undefined) throw new Error('nothing is expected here');
      return doing.take(exception, cpu, context);
    },
    ...(doing.task && { task: doing.task }),
    save: () => calls,
  });
  return { ...attachSoftware(name, create, stateCodec(1, uint())), ...more };
}

/** A machine with EL2, software, and a guest in memory. */
export function machineOf(
  list: readonly SoftwareConfig[],
  text = '',
  config: Partial<MachineConfig> = {},
): Machine {
  const machine = createMachine({
    engine: 'reference',
    el2: true,
    memory: '8M',
    software: list,
    ...config,
  });
  place(machine, text);
  return machine;
}
export function place(machine: Machine, text: string, at = CODE): void {
  const { words } = assembleProgram(text, at);
  machine.bus.load(at as Pa, new Uint8Array(words.buffer));
}

export function countsOf(machine: Machine, index = 0): SoftwareCounts {
  const found = machine.board.software[index];
  if (found === undefined) throw new Error('no such software');
  return found.counts;
}

/** Entry state of a guest at EL1h or EL0t with everything masked. */
export const EL1H = 0x3c5;
export const EL0T = 0x3c0;
export const enter = (cpu: CpuPort, el: 1 | 2 | 3, pc: number, spsr: number = EL1H): Leave => {
  msr(cpu, `ELR_EL${el}`, pc);
  msr(cpu, `SPSR_EL${el}`, spsr);
  return 'eret';
};

/** Runs a machine: how it ended, and in one line why, where its software failed. */
export function report(machine: Machine, instructions = 1_000_000): string {
  const end = machine.run(instructions);
  return end === 'dead' ? machine.report() : end;
}
