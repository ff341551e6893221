// A kernel that programs the performance monitors, on the bare machine and in VMs on a CPU without EL2: what it stores one after the other
// is what its monitors showed. It runs its text twice, as the first time a shadow fills.

import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, rawKernel, virt } from '@worldswitch/machine';
import type { BootImages, CodeRange, Machine, MachineConfig } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';

import { createHost, restoreHost } from '../src/index.ts';
import type { Impure, TrapHostDescription } from '../src/index.ts';

const [RAM, TEXT, VALUES] = [0x4000_0000, 0x4020_0000, 0x4040_0000];
/** Exception vectors of EL1h and of EL0: what is taken is stored, and left behind; SVC of EL0 goes on at X27. */
const VECTORS = `
   .align 11
vectors: .space 512
   b sync
   .align 7
   b irq
   .align 9
   b lower
   .align 7
   b irq
   .align 9
sync: mrs x21, esr_el1
   str x21, [x19], #8
   mrs x21, elr_el1
   str x21, [x19], #8
   add x21, x21, #4
   msr elr_el1, x21
   eret
lower: mrs x21, esr_el1
   lsr x22, x21, #26
   cmp x22, #0x15
   b.ne sync
   br x27
irq: mrs x21, elr_el1
   str x21, [x19], #8
   movz x22, #0x0801, lsl #16
   ldr w23, [x22, #12]
   str x23, [x19], #8
   mrs x21, pmovsset_el0
   msr pmovsclr_el0, x21
   str x21, [x19], #8
   str w23, [x22, #16]
   eret`;

/** A number in a register. */
export const move = (register: string, n: number): string =>
  `movz ${register}, #${n & 0xffff}\n movk ${register}, #${n >>> 16}, lsl #16`;
/** MSR of a number, and MRS to the next place. */
export const set = (register: string, n: number): string => `${move('x0', n)}\n msr ${register}, x0`;
export const show = (...registers: readonly string[]): string =>
  registers.map((register) => `mrs x1, ${register}\n str x1, [x19], #8`).join('\n');

let made = 0;
/** Two instructions, so many times. */
export function loop(times: number): string {
  const label = `loop${made++}`;
  return `movz x3, #${times}\n${label}: sub x3, x3, #1\n cbnz x3, ${label}`;
}
/** A text at EL0, with interrupts masked or not. */
export function atEl0(text: string, masked = true): string {
  const n = String(made++);
  return `adr x27, back${n}
   adr x0, user${n}
   msr elr_el1, x0
   movz x0, #${masked ? 0x3c0 : 0}
   msr spsr_el1, x0
   eret
user${n}: ${text}
   svc #0
back${n}: nop`;
}

/** An event counter, and all of them. */
export const counter = (n: number): string => `pmevcntr${n}_el0`;
export const COUNTERS: readonly string[] = [0, 1, 2, 3, 4, 5].map(counter);
/** Everything off, and nothing counted. */
const FRESH = [
  ...['pmcntenclr_el0', 'pmintenclr_el1', 'pmovsclr_el0'].map((name) => set(name, 0xffff_ffff)),
  set('pmcr_el0', 6),
  ...['pmuserenr_el0', 'pmselr_el0', 'pmccfiltr_el0', 'contextidr_el1'].map((name) => set(name, 0)),
  ...COUNTERS.map((_, n) => set(`pmevtyper${n}_el0`, 0)),
].join('\n');

/** A GICv2 that lets the monitors' interrupt through. */
const GIC = `movz x2, #0x0800, lsl #16
   movz x3, #0x0801, lsl #16
   movz w0, #1
   str w0, [x2]
   ${move('x0', 1 << 23)}
   str w0, [x2, #0x100]
   movz w0, #0xff
   str w0, [x3, #4]
   movz w0, #1
   str w0, [x3]`;

/** What is code of the kernel's: all but what runs at EL0. */
function kernelsOwn(places: ReadonlyMap<string, number>, end: number): readonly CodeRange[] {
  const ranges: CodeRange[] = [];
  let at = TEXT;
  for (const [name, first] of places) {
    if (!name.startsWith('user')) continue;
    ranges.push({ at, size: first - at });
    at = places.get(name.replace('user', 'back')) ?? end;
  }
  return [...ranges, { at, size: end - at }];
}

/** The image of a text. */
export function monitorKernel(text: string): BootImages {
  const { words, labels } = assembleProgram(
    `adr x0, vectors
   msr vbar_el1, x0
   ${GIC}
   movz x28, #2
again: ${move('x19', VALUES)}
   ${FRESH}
   ${text}
   sub x28, x28, #1
   cbz x28, off
   b again
off: str xzr, [x19], #8
   movz w0, #0x8400, lsl #16
   movk w0, #8
   hvc #0
${VECTORS}`,
    TEXT,
  );
  const kernel = rawKernel(new Uint8Array(words.buffer), TEXT);
  return {
    kernel: { ...kernel, code: { ranges: kernelsOwn(labels, TEXT + 4 * words.length), exact: true } },
  };
}

/** What stands in memory. */
function stored(machine: Machine, base: number, count: number): string[] {
  const bytes = machine.bus.memoryAt(RAM as Pa)?.memory.bytes ?? new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset + base - RAM + VALUES - RAM);
  return Array.from({ length: count }, (_, i) => `0x${view.getBigUint64(8 * i, true).toString(16)}`);
}

const finish = (machine: Machine): void => {
  let end = 'budget';
  for (let i = 0; i < 60 && end === 'budget'; i++) end = machine.run(1_000_000);
  if (end !== 'off') throw new Error(machine.report());
};

const own: MachineConfig = virt({ memory: '16M' });

/** What it stored on the bare machine. */
export function natively(images: BootImages, count: number): string[] {
  const machine = createMachine(own);
  machine.load(images);
  finish(machine);
  return stored(machine, RAM, count);
}

/** How VMs run it. */
export interface MonitorVms {
  readonly technique?: 'trap-and-emulate' | 'binary-translation';
  readonly impure?: Impure;
  readonly slice?: number;
  /** After so many instructions it is saved, and goes on restored. */
  readonly saveAt?: number;
}

/** What it stored in each VM. */
export function virtually(
  images: readonly BootImages[],
  count: number,
  { technique = 'trap-and-emulate', impure, slice, saveAt }: MonitorVms = {},
): string[][] {
  const named = Object.fromEntries(images.map((one, i) => [`vm${i}`, one]));
  const description: TrapHostDescription = {
    board: virt({ memory: '64M' }),
    technique,
    impure,
    vms: Object.keys(named).map((name) => ({ name, board: own })),
    ...(slice !== undefined && { scheduling: { slice } }),
  };
  let host = createHost(description, named);
  if (saveAt !== undefined) {
    host.machine.run(saveAt);
    host = restoreHost(description, named, structuredClone(host.machine.save()));
  }
  finish(host.machine);
  return host.setup.vms.map(({ vm }) => stored(host.machine, vm.base, count));
}
