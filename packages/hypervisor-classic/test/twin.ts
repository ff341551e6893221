// One guest, run on the bare machine and by each technique without EL2: what it leaves in its memory is compared.

import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, virt } from '@worldswitch/machine';
import type { LoadedKernel, Machine } from '@worldswitch/machine';
import { createAllocator, createTables } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';
import type { Pa } from '@worldswitch/platform';
import type { ShadowVariant } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import type { Host } from '../src/index.ts';
import type { TrapAndEmulate } from '../src/trap-and-emulate/hypervisor.ts';

export const RAM = 0x4000_0000;
/** Where programs begin, and enter; where their tables are; what they leave behind. */
export const TEXT: number = RAM + 0x20_0000;
const TABLES = RAM + 0x40_0000;
const TABLES_END = RAM + 0x48_0000;
export const LOG: number = RAM + 0x50_0000;
const LOG_BYTES = 0x10_0000;
const MIB = 2 ** 20;
const MEMORY = 32 * MIB;
/** PSCI SYSTEM_OFF. */
export const OFF = `movz w0, #0x8400, lsl #16\n movk w0, #8\n hvc #0`;

/** A constant into a register. */
export const wide = (register: string, value: bigint | number): string =>
  [0n, 1n, 2n, 3n]
    .map((i) => {
      const part = (BigInt.asUintN(64, BigInt(value)) >> (16n * i)) & 0xffffn;
      return `${i === 0n ? 'movz' : 'movk'} ${register}, #0x${part.toString(16)}, lsl #${String(16n * i)}`;
    })
    .join('\n');

/** By what it runs. */
export interface Way {
  readonly name: string;
  readonly technique: 'native' | 'trap-and-emulate' | 'binary-translation';
  readonly shadow?: ShadowVariant;
}

const trapped = (shadow: ShadowVariant): Way => ({
  name: `trap-and-emulate, ${shadow}`,
  technique: 'trap-and-emulate',
  shadow,
});
/** All but the bare machine. */
export const WAYS: readonly Way[] = [
  trapped('lazy'),
  trapped('traced'),
  trapped('bounded'),
  trapped('real'),
  { name: 'binary translation', technique: 'binary-translation' },
];

/** A program with its tables. */
export interface Guest {
  /** Assembly text at `TEXT`; tables that are made for it are in the guest's memory. */
  readonly text: (make: () => Tables) => string;
  /** More of memory, by address. */
  readonly memory?: readonly (readonly [at: number, words: ArrayLike<number>])[];
}

/** What it left. */
export interface Left {
  /** 8 bytes each. */
  readonly log: BigUint64Array;
  readonly end: string;
  /** Why the machine died. */
  readonly report: string;
  readonly instructions: number;
  readonly host: Host<TrapAndEmulate> | undefined;
  readonly machine: Machine;
}

/** The guest as an image. */
function imageOf({ text, memory = [] }: Guest): LoadedKernel {
  const bytes = new Uint8Array(TABLES_END - TABLES);
  const view = new DataView(bytes.buffer);
  const allocator = createAllocator(TABLES, TABLES_END);
  const store = {
    read64: (pa: number, out: { lo: number; hi: number }) => {
      out.lo = view.getUint32(pa - TABLES, true);
      out.hi = view.getUint32(pa - TABLES + 4, true);
    },
    write64: (pa: number, lo: number, hi: number) => {
      view.setUint32(pa - TABLES, lo, true);
      view.setUint32(pa - TABLES + 4, hi, true);
    },
  };
  const make = (): Tables => createTables({ store, allocator, format: 'two-ranges' });
  const { words } = assembleProgram(text(make), TEXT);
  const segments = [
    { at: TEXT, bytes: new Uint8Array(words.buffer) },
    { at: TABLES, bytes },
    ...memory.map(([at, all]) => ({ at, bytes: new Uint8Array(Uint32Array.from(all).buffer) })),
  ];
  return {
    format: 'raw',
    segments: segments.map((one) => ({ ...one, size: one.bytes.length })),
    entry: TEXT,
  };
}

/** Runs a guest to its end, or for so many instructions. */
export function run(
  guest: Guest,
  { technique, shadow }: Way,
  most = 20_000_000,
  prepare: (host: Host<TrapAndEmulate>) => void = () => undefined,
): Left {
  const kernel = imageOf(guest);
  let machine: Machine;
  let host: Host<TrapAndEmulate> | undefined;
  if (technique === 'native') {
    machine = createMachine(virt({ memory: MEMORY }));
    machine.load({ kernel });
  } else {
    host = createHost(
      {
        board: virt({ memory: 16 * MIB + MEMORY }),
        technique,
        shadow,
        vms: [{ name: 'guest', board: virt({ memory: MEMORY }) }],
      },
      { guest: { kernel } },
    );
    ({ machine } = host);
    prepare(host);
  }
  let end = machine.run(Math.min(most, 1_000_000));
  while (end === 'budget' && machine.instructions < most) end = machine.run(1_000_000);
  const window = machine.bus.memoryAt(RAM as Pa);
  const base = host?.setup.vms[0]?.vm.base ?? RAM;
  const at = LOG - RAM + base - (window?.base ?? 0);
  const log = window?.memory.bytes.slice(at, at + LOG_BYTES) ?? new Uint8Array();
  return {
    log: new BigUint64Array(log.buffer),
    end,
    report: end === 'dead' ? machine.report() : '',
    instructions: machine.instructions,
    host,
    machine,
  };
}
