// A CPU with RAM, one device and the MMU on, on which assembly text runs by the reference engine.

import { Fault } from '@worldswitch/platform';
import type { Bus, Memory, Pa } from '@worldswitch/platform';

import { armv8, Cpu } from '../../src/cpu/index.ts';
import type { CpuFeatures, CpuOptions } from '../../src/cpu/index.ts';
import { createStepper } from '../../src/reference/index.ts';
import { assemble } from '../../src/syntax/index.ts';

/** RAM, as EL1 sees it: 2 MiB. */
export const RAM = 0x4000_0000;
/** The same, where EL0 may access and execute it, and EL1 may not execute. */
export const USER = 0x8000_0000;
/** The same, read-only. */
export const READ_ONLY = 0xc000_0000;
/** RAM once more, and behind it nothing. */
export const LAST = 0x1_0000_0000;
/** Where nothing is mapped. */
export const UNMAPPED: number = LAST + 0x20_0000;
/** Data, from RAM, USER or READ_ONLY on. */
export const DATA = 0x1_0000;
const TABLES = 0x1f_e000;
/** VBAR_EL1, and of EL2 and EL3. */
export const VECTORS: number = RAM + 0x1e_0000;

const RAM_OFFSET = 0x1_0000;
const RAM_BYTES = 0x20_0000;

function ramBus(memory: Memory, view: DataView): Bus {
  const inside = (at: number): boolean => at >= RAM && at < RAM + RAM_BYTES;
  const host = (at: Pa): number => (inside(at) ? memory.offset + (at - RAM) : -1);
  const refuse = (by: { fault: Fault }): number => {
    by.fault = Fault.Decode;
    return 0;
  };
  return {
    map: () => () => undefined,
    mapMemory: () => () => undefined,
    read: (at, width, by) => (width === 4 && inside(at) ? view.getUint32(host(at), true) : refuse(by)),
    write: (_at, _width, _value, by) => {
      refuse(by);
    },
    read64(at, out, by) {
      if (!inside(at)) {
        refuse(by);
        return;
      }
      out.lo = view.getUint32(host(at), true);
      out.hi = view.getUint32(host(at) + 4, true);
    },
    write64: (_at, _lo, _hi, by) => {
      refuse(by);
    },
    host,
    memoryAt: (at) => (inside(at) ? { base: RAM as Pa, memory } : undefined),
    onForeignStore: () => () => undefined,
  };
}

/** What a test works with. */
export interface Machine {
  readonly cpu: Cpu;
  /** Assembles lines at the code's next address, and executes as many instructions. */
  run(...lines: readonly string[]): void;
  /** 64 bits of data, by offset from DATA. */
  data(offset: number): bigint;
  setData(offset: number, value: bigint): void;
  /** General register. */
  x(n: number): bigint;
  setX(n: number, value: bigint | number): void;
  /** Goes to another exception level, with its own SP selected (EL0: with SP_EL0); code goes on in the mapping that it may execute. */
  enter(el: number): void;
  /** The exception class in ESR of a level. */
  exceptionClass(el?: number): number;
}

/** A machine whose CPU is at EL1. */
export function machine(features: Partial<CpuFeatures> = {}, more: Partial<CpuOptions> = {}): Machine {
  const shared = new WebAssembly.Memory({ initial: (RAM_OFFSET + RAM_BYTES) / 65536 });
  const view = new DataView(shared.buffer);
  const memory: Memory = {
    size: RAM_BYTES,
    offset: RAM_OFFSET,
    bytes: new Uint8Array(shared.buffer, RAM_OFFSET, RAM_BYTES),
    dirty: new Uint32Array(RAM_BYTES / 4096 / 32),
    writable: true,
  };
  const all: CpuFeatures = { ...armv8, ...features };
  const cpu = new Cpu({
    memory: shared,
    base: 0,
    index: 0,
    bus: ramBus(memory, view),
    features: all,
    id: {},
    ...more,
  });
  // Blocks of one gibibyte, all of RAM: normal memory, accessed; AP is 00, 01 and 10.
  const table = RAM_OFFSET + TABLES;
  [0x701n, 0x741n, 0x781n].forEach((attributes, i) => {
    view.setBigUint64(table + 8 * (i + 1), BigInt(RAM) | attributes, true);
  });
  view.setBigUint64(table + 8 * 4, BigInt(RAM + TABLES + 4096) | 3n, true);
  view.setBigUint64(table + 4096, BigInt(RAM) | 0x701n, true);
  cpu.reset({ pc: BigInt(RAM), el: 1 });
  const registers = {
    MAIR_EL1: 0xffn,
    TTBR0_EL1: BigInt(RAM + TABLES),
    TCR_EL1: 25n | (1n << 23n),
    VBAR_EL1: BigInt(VECTORS),
    VBAR_EL2: BigInt(VECTORS),
    VBAR_EL3: BigInt(VECTORS),
    CPACR_EL1: 3n << 20n,
    SCTLR_EL1: 0x30d0_1985n,
  };
  for (const [name, value] of Object.entries(registers)) cpu.setRegister(name, value);
  cpu.contextChanged();
  const { state } = cpu;
  const stepper = createStepper(cpu);
  let code = 0;
  const address = (offset: number): number => RAM_OFFSET + DATA + offset;
  return {
    cpu,
    run(...lines) {
      const base = state.el === 0 ? USER : RAM;
      state.pc = BigInt(base + code);
      for (const line of lines) {
        view.setUint32(RAM_OFFSET + code, assemble(line, base + code), true);
        code += 4;
      }
      lines.forEach(() => {
        stepper.step();
      });
    },
    data: (offset) => view.getBigUint64(address(offset), true),
    setData: (offset, value) => {
      view.setBigUint64(address(offset), value, true);
    },
    x: (n) => state.x(n),
    setX: (n, value) => {
      state.setX(n, BigInt(value));
    },
    enter(el) {
      state.setMode(el, el === 0 ? 0 : 1, cpu.spCells);
      cpu.modeChanged();
    },
    exceptionClass: (el = 1) => Number(cpu.register(`ESR_EL${String(el)}`) >> 26n),
  };
}
