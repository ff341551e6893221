// A hypervisor of thirty lines around the translator, on flat memory: the guest's kernel runs from the cache at EL0, or, to compare,
// natively at EL1. A BRK ends it. Single steps of the CPU interrupt it at any word.

import { assembleProgram, systemOperation, systemRegister } from '@worldswitch/isa-core';
import type { SystemRegisterName } from '@worldswitch/isa-core';
import { attachSoftware, createMachine } from '@worldswitch/machine';
import { Fault, stateCodec, uint } from '@worldswitch/platform';
import type { CpuPort, Exception, Leave, Word64 } from '@worldswitch/platform';

const RAM = 0x4000_0000;
/** Where guests are. */
export const TEXT: number = RAM + 0x10_0000;
/** What they read and write. */
export const DATA: number = RAM + 0x20_0000;
export const STACK: number = RAM + 0x21_0000;
/** System registers that are compared, besides DAIF and SP. */
export const COMPARED = ['SP_EL0', 'TPIDR_EL0', 'TPIDR_EL1', 'TPIDRRO_EL0', 'FAR_EL1'] as const;

export const word = (): Word64 => ({ lo: 0, hi: 0 });
const place = (at: number): Word64 => ({ lo: at >>> 0, hi: 0 });
export const value = ({ lo, hi }: Word64): bigint => (BigInt(hi) << 32n) | BigInt(lo);
export function load(port: CpuPort, at: number, width: 4 | 8 = 8): bigint {
  const out = word();
  if (port.load(place(at), width, out) !== Fault.None) throw new Error(`load at ${at.toString(16)}`);
  return value(out);
}
export function store(port: CpuPort, at: number, what: bigint, width: 4 | 8 = 8): void {
  if (port.store(place(at), width, Number(what & 0xffff_ffffn), Number(what >> 32n)) !== Fault.None)
    throw new Error(`store at ${at.toString(16)}`);
}
export const mrs = (port: CpuPort, name: SystemRegisterName): bigint => {
  const out = word();
  port.readSystem(systemRegister(name), out);
  return value(out);
};
export const msr = (port: CpuPort, name: SystemRegisterName, what: bigint): void => {
  port.writeSystem(systemRegister(name), Number(what & 0xffff_ffffn), Number((what >> 32n) & 0xffff_ffffn));
};

/** What a guest has left. */
export interface Outcome {
  readonly registers: readonly bigint[];
  readonly system: Readonly<Record<string, bigint>>;
  readonly data: Uint8Array;
}

export function outcomeOf(port: CpuPort, system: Readonly<Record<string, bigint>>): Outcome {
  const registers = Array.from({ length: 31 }, (_, n) => {
    const out = word();
    port.readX(n, out);
    return value(out);
  });
  const data = new Uint8Array(0x1000);
  port.read(place(DATA), data);
  return { registers, system, data };
}

export function prepare(port: CpuPort, words: Iterable<number>, registers: readonly bigint[]): void {
  // FP and SIMD are not trapped.
  msr(port, 'CPACR_EL1', 0x30_0000n);
  let at = TEXT;
  for (const one of words) {
    store(port, at, BigInt(one >>> 0), 4);
    at += 4;
  }
  registers.forEach((one, n) => {
    port.writeX(n, Number(one & 0xffff_ffffn), Number(one >> 32n));
  });
}

/** Runs software at EL1 to its SYSTEM_OFF. */
export function run(
  parts: { boot(port: CpuPort): Leave; take(exception: Exception, port: CpuPort): Leave },
  most: number,
): void {
  const software = attachSoftware(
    'hypervisor',
    () => ({
      boot: (port) => parts.boot(port),
      take: (exception, port) => parts.take(exception, port),
      save: () => 0,
    }),
    stateCodec(1, uint()),
  );
  const machine = createMachine({ engine: 'reference', memory: '16M', software: [software] });
  const end = machine.run(most);
  if (end !== 'off') throw new Error(`${end} ${machine.report()}`);
}

export const off = (port: CpuPort): Leave => {
  port.writeX(0, 0x8400_0008, 0);
  port.operate(systemOperation('HVC'));
  return 'wait';
};

/** What a program does natively, at EL1. */
export function natively(text: string, registers: readonly bigint[], most = 2_000_000): Outcome {
  const { words } = assembleProgram(text, TEXT);
  let outcome: Outcome | undefined;
  run(
    {
      boot: (port) => {
        prepare(port, words, registers);
        msr(port, 'VBAR_EL1', value(port.page));
        port.writeSp(STACK, 0);
        msr(port, 'ELR_EL1', BigInt(TEXT));
        msr(port, 'SPSR_EL1', 0x3c5n);
        return 'eret';
      },
      take: (_, port) => {
        const sp = word();
        port.readSp(sp);
        const system: Record<string, bigint> = { SP: value(sp), DAIF: mrs(port, 'SPSR_EL1') & 0x3c0n };
        for (const name of COMPARED) system[name] = mrs(port, name);
        outcome = outcomeOf(port, system);
        return off(port);
      },
    },
    most,
  );
  if (outcome === undefined) throw new Error('no BRK came');
  return outcome;
}
