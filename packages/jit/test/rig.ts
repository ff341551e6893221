// Two CPUs of equal state in memories of equal layout, one for each engine, and what is needed to run and compare them.

import { armv8, Cpu, CpuLayout, referenceEngine } from '@worldswitch/isa-core';
import type { CpuCosts, CpuFeatures } from '@worldswitch/isa-core';
import type { Bus, Engine, Memory, Pa } from '@worldswitch/platform';
import { Fault } from '@worldswitch/platform';

import type { HotOptions } from '../src/hot/tier.ts';
import { cpuHost, createInterpreter, interpreterBytes } from '../src/index.ts';
import type { Interpreter, InterpreterHost, InterpreterOptions } from '../src/index.ts';

/** Physical and, with the MMU on, virtual address of RAM. */
export const RAM = 0x4000_0000;
/** Bytes of RAM. */
const RAM_BYTES = 0x80000;
/** Where the rig puts its translation tables, and VBAR_EL1. */
const TABLES: number = RAM + 0x7f000;
const VECTORS: number = RAM + 0x7e000;

const RAM_OFFSET = 0x10000;
const ENGINE_OFFSET = 0x100000;
const PAGES = 64;
/** Where the tables of a second CPU's interpreter lie. */
const SECOND_OFFSET: number = ENGINE_OFFSET + interpreterBytes(PAGES);
const MEMORY_BYTES: number = SECOND_OFFSET + interpreterBytes(0) + 0x10000;

/** A CPU with its memory. */
export interface Side {
  readonly cpu: Cpu;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** RAM. */
  readonly ram: Uint8Array;
  readonly memory: Memory;
}

/** RAM alone on a bus. */
function ramBus(memory: Memory, view: DataView): Bus {
  const inside = (at: number, bytes: number): boolean => at >= RAM && at + bytes <= RAM + memory.size;
  const host = (at: Pa): number => (inside(at, 1) ? memory.offset + (at - RAM) : -1);
  return {
    map: () => () => undefined,
    mapMemory: () => () => undefined,
    read(at, width, by) {
      if (!inside(at, width)) {
        by.fault = Fault.Decode;
        return 0;
      }
      const from = host(at);
      return width === 1
        ? view.getUint8(from)
        : width === 2
          ? view.getUint16(from, true)
          : view.getUint32(from, true);
    },
    write(_at, _width, _value, by) {
      by.fault = Fault.Decode;
    },
    read64(at, out, by) {
      if (!inside(at, 8)) {
        by.fault = Fault.Decode;
        return;
      }
      out.lo = view.getUint32(host(at), true);
      out.hi = view.getUint32(host(at) + 4, true);
    },
    write64(_at, _lo, _hi, by) {
      by.fault = Fault.Decode;
    },
    host,
    memoryAt: (at) => (inside(at, 1) ? { base: RAM as Pa, memory } : undefined),
    onForeignStore: () => () => undefined,
  };
}

/** A CPU at EL1 with the MMU on, RAM mapped to itself; with another, the second one of its memory. */
function createSide(other?: Side, costs?: CpuCosts, features: CpuFeatures = armv8): Side {
  const shared = other?.cpu.memory ?? new WebAssembly.Memory({ initial: Math.ceil(MEMORY_BYTES / 65536) });
  const bytes = new Uint8Array(shared.buffer);
  const view = new DataView(shared.buffer);
  const memory: Memory = other?.memory ?? {
    size: RAM_BYTES,
    offset: RAM_OFFSET,
    bytes: bytes.subarray(RAM_OFFSET, RAM_OFFSET + RAM_BYTES),
    dirty: new Uint32Array(RAM_BYTES / 4096 / 32),
    writable: true,
  };
  const cpu = new Cpu({
    memory: shared,
    base: other === undefined ? 0 : CpuLayout.size,
    index: other === undefined ? 0 : 1,
    bus: ramBus(memory, view),
    features: other?.cpu.features ?? features,
    id: {},
    costs: other?.cpu.slice.costs ?? costs,
  });
  // One gibibyte block: normal memory, read-write at EL1, accessed.
  const at = RAM_OFFSET + TABLES - RAM;
  view.setBigUint64(at + 8, BigInt(RAM) | 0x701n, true);
  cpu.reset({ pc: BigInt(RAM), el: 1 });
  cpu.setRegister('MAIR_EL1', 0xffn);
  cpu.setRegister('TTBR0_EL1', BigInt(TABLES));
  cpu.setRegister('TCR_EL1', 25n | (1n << 23n));
  cpu.setRegister('VBAR_EL1', BigInt(VECTORS));
  cpu.setRegister('CPACR_EL1', 3n << 20n);
  cpu.setRegister('SCTLR_EL1', 0x1005n);
  cpu.contextChanged();
  return { cpu, bytes, view, ram: memory.bytes, memory };
}

/** One of each. */
export interface Rig {
  readonly reference: Side & { readonly engine: Engine };
  readonly fast: Side & { readonly engine: Interpreter };
  /** Writes a word of code for both. */
  code(at: number, word: number): void;
  /** Runs both and returns what differs afterwards. */
  run(instructions: number): string[];
}

/** Parts of the CPU's block that are the engines' own. */
const PRIVATE: readonly (readonly [number, number])[] = [
  [CpuLayout.x + 33 * 8, 8],
  [CpuLayout.remaining, CpuLayout.exclusiveOpen - CpuLayout.remaining],
  [CpuLayout.tlb, CpuLayout.bigEndian - CpuLayout.tlb],
  [CpuLayout.v + 32 * 16, CpuLayout.cells - CpuLayout.v - 32 * 16],
];
const isPrivate = (at: number): boolean => PRIVATE.some(([from, bytes]) => at >= from && at < from + bytes);
const compared: readonly number[] = Array.from({ length: CpuLayout.size / 4 }, (_, i) => i * 4).filter(
  (at) => !isPrivate(at),
);

/** Says where two CPUs and their memories differ. */
function differences(a: Side, b: Side): string[] {
  const found: string[] = [];
  for (const at of compared) {
    const x = a.view.getUint32(a.cpu.base + at, true);
    const y = b.view.getUint32(b.cpu.base + at, true);
    if (x !== y) found.push(`${nameOf(at)}: ${x.toString(16)}, here ${y.toString(16)}`);
  }
  const n = Buffer.compare(a.ram, b.ram);
  if (n !== 0) {
    const at = a.ram.findIndex((byte, i) => byte !== b.ram[i]);
    found.push(`RAM + 0x${at.toString(16)}: ${String(a.ram[at])}, here ${String(b.ram[at])}`);
  }
  return found;
}

/** A word of the block in words. */
function nameOf(at: number): string {
  if (at < CpuLayout.pc) return `x${String(at >> 3)}${(at & 4) === 0 ? '' : ' high'}`;
  if (at >= CpuLayout.cells) return `cell ${String((at - CpuLayout.cells) >> 3)}`;
  if (at >= CpuLayout.v) return `v${String((at - CpuLayout.v) >> 4)} word ${String((at >> 2) & 3)}`;
  const field = Object.entries(CpuLayout).find(([, offset]) => offset === (at & ~3) || offset === at - 4);
  return field?.[0] ?? `0x${at.toString(16)}`;
}

/** Everything is compiled when it is first decoded. */
export const eager: HotOptions = { enabled: true, eager: true };

/** How much the hot tier does: by name, for `describe.each`. */
export const modes: readonly (readonly [string, Mode])[] = [
  ['interpreted', {}],
  ['eager', eager],
  ['eager, constant eviction', { ...eager, regions: 3 }],
  ['eager, tiny regions', { ...eager, instructions: 8 }],
  ['eager, no calls', { ...eager, depth: 0 }],
  ['eager, calls one deep', { ...eager, depth: 1 }],
  ['eager, no chaining', { ...eager, chain: false }],
  ['eager, tiny TLBs', { ...eager, tlbEntries: 2 }],
  ['interpreted, tiny TLBs', { tlbEntries: 2 }],
  ['compiled when hot', { enabled: true, threshold: 3 }],
];

/** What a rig's fast engine is told. */
export type Mode = HotOptions &
  Pick<InterpreterOptions, 'tlbEntries'> & {
    /** What instructions cost; `fastCosts` for the fast engine alone, which then is wrong. */
    readonly costs?: CpuCosts;
    readonly fastCosts?: CpuCosts;
    /** What the CPUs implement; `armv8` unless given. */
    readonly features?: CpuFeatures;
    /** Spoils the walker's block before compiled code runs: the fast engine then is wrong. */
    readonly spoil?: (walker: DataView) => void;
  };

/** The rig. */
export function createRig(mode: Mode = {}): Rig {
  const { costs, fastCosts = costs, features } = mode;
  return around(createSide(undefined, costs, features), createSide(undefined, fastCosts, features), mode);
}

/** Two CPUs on one memory, for each engine: each of the rigs runs one of them. */
export function createPair(mode: Mode = {}): readonly [Rig, Rig] {
  const first = createRig(mode);
  const { reference, fast } = first;
  return [first, around(createSide(reference), createSide(fast), mode, fast.engine)];
}

/** The CPU as a host, with a walker that is spoilt if it is to be. */
function hostOf(cpu: Cpu, spoil: Mode['spoil']): InterpreterHost {
  const host = cpuHost(cpu);
  const { walks } = host;
  if (spoil === undefined || walks === undefined) return host;
  let view = new DataView(cpu.memory.buffer);
  return Object.create(host, {
    walks: {
      value: {
        ...walks,
        place(offset: number) {
          view = new DataView(cpu.memory.buffer, offset);
          return walks.place(offset);
        },
        prepare() {
          walks.prepare();
          spoil(view);
        },
      },
    },
  }) as InterpreterHost;
}

function around(a: Side, b: Side, mode: Mode, other?: Interpreter): Rig {
  const { tlbEntries } = mode;
  const hot: HotOptions = { ...mode };
  // The costs are the CPU's.
  delete (hot as { costs?: unknown }).costs;
  delete (hot as { features?: unknown }).features;
  delete (hot as { spoil?: unknown }).spoil;
  const reference = { ...a, engine: referenceEngine(a.cpu) };
  const fast = {
    ...b,
    engine: createInterpreter({
      host: hostOf(b.cpu, mode.spoil),
      ...(other === undefined
        ? {
            tables: ENGINE_OFFSET,
            pages: PAGES,
            hot,
            ...(tlbEntries !== undefined && { tlbEntries }),
          }
        : { tables: SECOND_OFFSET, with: other }),
    }),
  };
  return {
    reference,
    fast,
    code(at, word) {
      for (const side of [reference, fast]) {
        side.view.setUint32(RAM_OFFSET + at - RAM, word, true);
        side.engine.invalidate(at, 4);
      }
    },
    run(instructions) {
      reference.engine.run(instructions);
      fast.engine.run(instructions);
      const [a, b] = [reference.engine, fast.engine];
      const counts = [
        ...(a.executed === b.executed ? [] : [`executed ${a.executed}, here ${b.executed}`]),
        ...(a.spent === b.spent ? [] : [`spent ${a.spent}, here ${b.spent}`]),
      ];
      return [...counts, ...differences(reference, fast)];
    },
  };
}
