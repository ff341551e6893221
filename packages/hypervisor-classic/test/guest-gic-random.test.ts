// A guest that reads and writes every register of a GICv3's CPU interface, and encodings that are none, in an order that is random, among
// interrupts that it makes pending: each value and each syndrome is what it is on the bare machine, by trapping and by translating.
// `WORLDSWITCH_ALL` has many orders.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, rawKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';
import { EmulatedGicV3 } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import { randomBelow } from './hostile-tree.ts';

const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const [SEEDS, OPERATIONS] = ALL ? [30, 3000] : [1, 800];
const AT = 0x4020_0000;
const SEEN = 0x4100_0000;
const RAM = 0x4000_0000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Vectors of UNDEFINED, IRQ and FIQ, which note what came; an interrupt masks those behind it. Before the operations: X21 is where values go, X22 the redistributor's second frame, and half of the private interrupts are in each group. */
const PROLOGUE = `
   b begin
   .balign 2048
   .space 512
   mrs x1, esr_el1
   str x1, [x21], #8
   mrs x1, elr_el1
   add x1, x1, #4
   msr elr_el1, x1
   eret
   .space 104
   mrs x2, icc_iar1_el1
   b taken
   .space 120
   mrs x2, icc_iar0_el1
   msr icc_eoir0_el1, x2
 taken: msr icc_eoir1_el1, x2
   mrs x1, elr_el1
   str x1, [x21], #8
   str x2, [x21], #8
   mrs x1, spsr_el1
   orr x1, x1, #0xc0
   msr spsr_el1, x1
   eret
 begin: movz x0, #${AT >>> 16}, lsl #16
   movk x0, #0x0800
   msr vbar_el1, x0
   movz x21, #${SEEN >>> 16}, lsl #16
   movz x22, #0x080b, lsl #16
   movz x1, #0x0800, lsl #16
   movz w2, #0x13
   str w2, [x1]
   movn w0, #0
   str w0, [x22, #0x100]
   movz w0, #0x5555
   movk w0, #0xaaaa, lsl #16
   str w0, [x22, #0x80]`;
const OFF = `
   movz w0, #0x8400, lsl #16
   movk w0, #8
   hvc #0`;

/** CRm and op2 of op0 3, op1 0, CRn 12: those of the CPU interface, and those between them. */
const register = (crm: number, op2: number): string => `S3_0_C12_C${crm}_${op2}`;
const KNOWN: readonly (readonly [read: string, write: string])[] = [
  ['ICC_IAR0_EL1', 'ICC_EOIR0_EL1'],
  ['ICC_IAR1_EL1', 'ICC_EOIR1_EL1'],
  ['ICC_RPR_EL1', 'ICC_DIR_EL1'],
  ['ICC_HPPIR0_EL1', 'ICC_SGI0R_EL1'],
  ['ICC_HPPIR1_EL1', 'ICC_SGI1R_EL1'],
  ['ISR_EL1', 'ICC_ASGI1R_EL1'],
  ...['PMR', 'BPR0', 'BPR1', 'AP0R0', 'AP1R0', 'CTLR', 'SRE', 'IGRPEN0', 'IGRPEN1'].map(
    (name) => [`ICC_${name}_EL1`, `ICC_${name}_EL1`] as const,
  ),
];

/** What a register is written with: mostly what matters to it. */
function valueFor(name: string, random: (n: number) => number): number {
  if (random(16) === 0) return random(2 ** 32);
  if (/EOIR|DIR/.test(name)) return random(32);
  if (name.includes('SGI')) return ((random(16) << 24) | 1) >>> 0;
  if (name.includes('IGRPEN')) return random(4) === 0 ? 0 : 1;
  if (name.includes('AP')) return random(4) === 0 ? 2 ** random(32) : 0;
  if (name.includes('PMR')) return random(3) === 0 ? random(256) : 0xff;
  return random(8);
}

const constant = (value: number): string =>
  `movz x0, #${value & 0xffff}\n movk x0, #${value >>> 16}, lsl #16`;

function operation(random: (n: number) => number): string {
  const [read = '', write = ''] = KNOWN[random(KNOWN.length)] ?? [];
  switch (random(18)) {
    case 0:
      // Any encoding, either way.
      return random(2) === 0
        ? `mrs x0, ${register(8 + random(5), random(8))}\n str x0, [x21], #8`
        : `${constant(random(256))}\n msr ${register(8 + random(5), random(8))}, x0`;
    case 1: {
      // Of private interrupts: group, enable, pending, active and their clearing; a priority.
      const at = [0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380][random(7)] ?? 0x80;
      const bit = at === 0x80 || at === 0x100 ? ~(2 ** random(32)) >>> 0 : 2 ** random(32);
      return `${constant(bit)}\n str w0, [x22, #${at}]\n ldr w0, [x22, #${at}]\n str x0, [x21], #8`;
    }
    case 2:
      return `${constant(random(32) << 3)}\n strb w0, [x22, #${0x400 + random(32)}]`;
    case 3:
    case 13:
    case 14:
      // So that something comes again: no priority is active, all are let through, and of other groups.
      return [
        `${constant(random(2 ** 32))}\n str w0, [x22, #0x80]`,
        ...['icc_ap0r0_el1', 'icc_ap1r0_el1'].map((name) => `msr ${name}, xzr`),
        ...['icc_igrpen0_el1', 'icc_igrpen1_el1', 'icc_pmr_el1'].map(
          (name) => `${constant(0xff)}\n msr ${name}, x0`,
        ),
        'mrs x0, isr_el1\n str x0, [x21], #8',
      ].join('\n');
    case 4:
    case 17:
      // What is pending is taken, here or nowhere.
      return `${constant(valueFor('SGI', random))}\n msr icc_sgi${random(2)}r_el1, x0\n msr daifclr, #3\n nop\n msr daifset, #3`;
    case 5:
    case 15:
    case 16:
      return `mrs x0, ${read}\n str x0, [x21], #8`;
    case 6:
    case 7:
      // As a kernel does: acknowledge, and end what that was.
      return [0, 1]
        .map(
          (n) =>
            `mrs x0, icc_iar${n}_el1\n str x0, [x21], #8\n msr icc_eoir${n}_el1, x0\n msr icc_dir_el1, x0`,
        )
        .join('\n');
    default:
      return `${constant(valueFor(write, random))}\n msr ${write}, x0\n mrs x0, isr_el1\n str x0, [x21], #8`;
  }
}

const kernels = new Map<number, BootImages>();

function kernelOf(seed: number): BootImages {
  const known = kernels.get(seed);
  if (known) return known;
  const random = randomBelow(seed);
  const operations = Array.from({ length: OPERATIONS }, () => operation(random));
  const { words } = assembleProgram([PROLOGUE, ...operations, OFF].join('\n'), AT);
  const made = { kernel: rawKernel(new Uint8Array(words.buffer), AT) };
  kernels.set(seed, made);
  return made;
}

type System = 'native' | 'trap-and-emulate' | 'binary-translation';

const seen = new Map<string, Uint32Array>();

/** All values that the guest saw. */
function seenBy(system: System, seed: number, version: 2 | 3 = 3): Uint32Array {
  const key = `${system} ${seed} ${version}`;
  const known = system === 'native' ? seen.get(key) : undefined;
  if (known) return known;
  const images = kernelOf(seed);
  const board = virt({ memory: '32M', gic: { version } });
  let machine: Machine;
  let base = RAM;
  if (system === 'native') {
    machine = createMachine(board);
    machine.load(images);
  } else {
    const description = { board: virt({ memory: '64M', gic: { version } }), vms: [{ name: 'guest', board }] };
    const host = createHost({ ...description, technique: system }, { guest: images });
    ({ machine } = host);
    base = host.setup.vms[0]?.vm.base ?? 0;
  }
  let end = machine.run(2_000_000);
  while (end === 'budget' && machine.instructions < 40e6) end = machine.run(2_000_000);
  expect(end, machine.report()).toBe('off');
  const window = machine.bus.memoryAt(RAM as Pa);
  const at = base - (window?.base ?? 0) + SEEN - RAM;
  const values = new Uint32Array(
    window?.memory.bytes.slice(at, at + 32 * OPERATIONS).buffer ?? new ArrayBuffer(),
  );
  seen.set(key, values);
  return values;
}

/** Where they part, or -1. */
const differs = (a: Uint32Array, b: Uint32Array): number => a.findIndex((word, i) => word !== b[i]);

describe.each(Array.from({ length: SEEDS }, (_, i) => 1 + i))('random accesses, order %i', (seed) => {
  it('see what they see on the bare machine', () => {
    const alone = seenBy('native', seed);
    for (const system of ['trap-and-emulate', 'binary-translation'] as const)
      expect(differs(seenBy(system, seed), alone), system).toBe(-1);
  });
});

describe('random accesses', () => {
  it('see interrupts of both groups, and encodings that are UNDEFINED', () => {
    const values = seenBy('native', 1).filter((_, i) => i % 2 === 0);
    const count = (holds: (word: number) => boolean): number => values.filter(holds).length;
    for (const value of [0x80, 0x40, 0x0200_0000]) expect(count((word) => word === value)).toBeGreaterThan(4);
    expect(count((word) => word > 0 && word < 32)).toBeGreaterThan(20);
    // Where they were taken.
    expect(count((word) => word > AT && word < SEEN)).toBeGreaterThan(10);
  });

  it.each(ALL ? ([2] as const) : [])('with a GICv%i are all UNDEFINED', (version) => {
    expect(differs(seenBy('trap-and-emulate', 1, version), seenBy('native', 1, version))).toBe(-1);
  });

  it.each(ALL ? (['lines', 'read'] as const) : (['lines'] as const))(
    'differ where %s is not what it should be',
    (name) => {
      const alone = seenBy('native', 1);
      if (name === 'lines') {
        const lines = Reflect.get(EmulatedGicV3.prototype, 'lines');
        vi.spyOn(EmulatedGicV3.prototype, 'lines').mockImplementation(function (this: EmulatedGicV3, vcpu) {
          // FIQ is lost.
          return lines.call(this, vcpu) & ~0x40;
        });
      } else {
        const read = Reflect.get(EmulatedGicV3.prototype, 'read');
        vi.spyOn(EmulatedGicV3.prototype, 'read').mockImplementation(function (
          this: EmulatedGicV3,
          ...[vcpu, of, out]
        ) {
          read.call(this, vcpu, of, out);
          if (of === 'ICC_PMR_EL1') out.lo &= ~8;
        });
      }
      expect(differs(seenBy('trap-and-emulate', 1), alone)).toBeGreaterThan(0);
    },
  );
});
