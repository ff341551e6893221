// On a real board: every load and store of the instruction table at a device, native against a VM whose device is emulated. Registers,
// device, the order of its accesses and the aborts that the guest takes are equal; and what each kind of exit reads.

import { describe, expect, it } from 'vitest';

import { decode, encodeFields, parseEncoding, rows } from '@worldswitch/isa-core';
import { createMachine } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import { ipa, pa } from '@worldswitch/platform';
import type { CpuPort } from '@worldswitch/platform';
import { random as seeded } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { ByteDevice } from '../mmio/fake-guest.ts';
import { GUEST_RAM, load, vmBoard } from './vm-board.ts';

const DEVICE = 0x0c00_0000;
const WIDTHS = [1, 2, 4] as const;
/**
 * How the guest runs: with its own translation off all is Device memory, with it on Normal; its byte order; at EL0; with tags in
 * its addresses.
 */
interface Mode {
  readonly mmu?: boolean;
  readonly bigEndian?: boolean;
  readonly user?: boolean;
  readonly tagged?: boolean;
}

/** The bytes of a descriptor as the guest's walks read them. */
function descriptor(value: bigint, bigEndian: boolean): string {
  const bytes = Array.from({ length: 8 }, (_, i) => (value >> BigInt(8 * i)) & 0xffn);
  const ordered = bigEndian ? bytes.reverse() : bytes;
  return `0x${ordered.reduce((sum, b, i) => sum | (b << BigInt(8 * i)), 0n).toString(16)}`;
}

/**
 * The guest's handler skips what aborts, and keeps what it was told in a trail; SVC ends the program. Its table: blocks of 1 GiB,
 * Normal memory, which EL0 may read and, where the device is, write.
 */
const head = ({ mmu = false, bigEndian = false, user = false, tagged = false }: Mode): string => `
  b start
  .align 11
vectors:
  .space 0x200
  mrs x20, elr_el1
  add x20, x20, #4
  msr elr_el1, x20
  mrs x21, esr_el1
  mrs x22, far_el1
  eor x23, x23, x21
  ror x23, x23, #7
  eor x23, x23, x22
  ror x23, x23, #5
  eret
  .space 0x1d8
  mrs x21, esr_el1
  lsr x20, x21, #26
  cmp x20, #0x15
  b.eq end
  mrs x20, elr_el1
  add x20, x20, #4
  msr elr_el1, x20
  mrs x22, far_el1
  eor x23, x23, x21
  ror x23, x23, #7
  eor x23, x23, x22
  ror x23, x23, #5
  eret
end:
  hvc #1
stop:
  b stop
  .align 12
table:
  .quad ${descriptor(0x741n, bigEndian)}
  .quad ${descriptor(0x4000_07c1n, bigEndian)}
  .align 12
start:
  movz x0, #0x4000, lsl #16
  movk x0, #0x800
  msr vbar_el1, x0
  movz x0, #0x30, lsl #16
  msr cpacr_el1, x0
  movz x0, #0x4000, lsl #16
  movk x0, #0x1000
  msr ttbr0_el1, x0
  mov x0, #0xff
  msr mair_el1, x0
  movz x0, #0x0080, lsl #16
  movk x0, #0x3519
  ${tagged ? 'movk x0, #0x20, lsl #32' : ''}
  msr tcr_el1, x0
  movz x0, #${bigEndian ? '0x33d0' : '0x30d0'}, lsl #16
  movk x0, #${mmu ? '0x0801' : '0x0800'}
  msr sctlr_el1, x0
  isb
  ${user ? 'adr x0, body\n  msr elr_el1, x0\n  msr spsr_el1, xzr\n  eret' : ''}
body:
`;

/** Words of loads and stores with a base in X2 that points into the device, and a small index in X3. */
function accesses(random: Random, count: number): number[] {
  const candidates = rows.filter((r) => /^(Load|LD|ST|PRF)/.test(r.name) && r.encoding.includes('Rn:5'));
  const words: number[] = [];
  while (words.length < count) {
    const row = candidates[random.below(candidates.length)];
    if (row === undefined) break;
    const encoding = parseEncoding(row.encoding);
    const values: Record<string, number> = {};
    for (const { name, width } of encoding.fields) values[name] = random.below(2 ** Math.min(width, 30));
    values['Rn'] = 2;
    if ('Rm' in values) values['Rm'] = 3;
    if ('imm12' in values) values['imm12'] = random.below(64);
    for (const name of ['Rt', 'Rt2', 'Rs']) {
      // X4 to X19, and the zero register; not what holds the trail.
      const pick = random.below(17);
      if (name in values) values[name] = pick === 16 ? 31 : 4 + pick;
    }
    const word = encodeFields(encoding, values);
    // Pairs into one register, and a status over data, are CONSTRAINED UNPREDICTABLE.
    if (decode(word) !== undefined && values['Rt'] !== values['Rt2'] && values['Rs'] !== values['Rt']) {
      if (!('Rs' in values) || values['Rs'] !== values['Rt2']) words.push(word);
    }
  }
  return words;
}

/** A program that does them all, each at an address of its own. */
function program(random: Random, words: readonly number[], align: boolean, mode: Mode): string {
  const lines = words.map((word) => {
    const at = random.below(0x400) * (align ? 16 : 1);
    return `
  movz x2, #${DEVICE >>> 16}, lsl #16
  movk x2, #${align ? at % 0x1000 : at}
  ${mode.tagged === true ? 'movk x2, #0x5a00, lsl #48' : ''}
  mov x3, #${random.below(8) * 8}
  .word ${word}
  eor x24, x24, x2
  ror x24, x24, #9`;
  });
  return `${head(mode)}${lines.join('')}\n  ${mode.user === true ? 'svc #0' : 'b end'}\n`;
}

const registers = (machine: Machine): string[] => {
  const { state } = machine.cpu;
  const x = Array.from({ length: 32 }, (_, i) => `x${i} ${(i === 0 ? 0n : state.x(i)).toString(16)}`);
  const v = Array.from({ length: 64 }, (_, i) => `v${i >> 1} ${(state.u64[0x40 + i] ?? 0n).toString(16)}`);
  return [...x, ...v];
};

/** The same program on the bare machine: its device is on the bus. */
function native(text: string): { machine: Machine; device: ByteDevice } {
  const machine = createMachine({ engine: 'reference', memory: '8M' });
  const device = new ByteDevice();
  machine.bus.map({ name: 'bytes', base: pa(DEVICE), size: 0x1000, widths: WIDTHS }, device);
  load(machine, text.replace('hvc #1', 'b stop'), GUEST_RAM);
  machine.cpu.state.pc = BigInt(GUEST_RAM);
  machine.run(40_000);
  return { machine, device };
}

/** The same in a VM, whose hypervisor emulates it. */
function virtual(text: string, wrap?: (port: CpuPort) => CpuPort) {
  const device = new ByteDevice();
  const board = vmBoard(text, {
    boot(hv) {
      hv.bus.map({ name: 'bytes', base: ipa(DEVICE), size: 0x1000, widths: WIDTHS }, device);
    },
    ...(wrap && { wrap }),
  });
  expect(board.run()).toBe('off');
  return { board, device };
}

/** WORLDSWITCH_ALL=1 does it often. */
const ROUNDS =
  (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? [0] : Array.from({ length: 20 }, (_, i) => i * 100);

describe.each<[number, boolean, Mode]>([
  [1, true, {}],
  [2, true, {}],
  [3, false, {}],
  [4, true, { mmu: true }],
  [5, false, { mmu: true }],
  [6, true, { bigEndian: true }],
  [7, false, { mmu: true, bigEndian: true }],
  [8, true, { mmu: true, user: true }],
  [9, false, { mmu: true, user: true, bigEndian: true, tagged: true }],
  [10, true, { mmu: true, tagged: true }],
])('random accesses %i, aligned %s, %j', (first, align, mode) => {
  it.each(ROUNDS)('are what they are on the bare machine, %i', (round) => {
    const seed = first + round;
    const random = seeded(seed);
    const words = accesses(random, 400);
    const text = program(random, words, align, mode);
    const bare = native(text);
    const { board, device } = virtual(text);
    expect(device.log).toEqual(bare.device.log);
    expect(device.bytes).toEqual(bare.device.bytes);
    expect(device.log.some((line) => line.endsWith('user'))).toBe(mode.user === true);
    expect(registers(board.machine)).toEqual(registers(bare.machine));
    const aborts = board.hypervisor.exits.filter((e) => e.kind === 'data-abort');
    const [bySyndrome, byInstruction] = [true, false].map(
      (isv) => aborts.filter((e) => (e.access !== undefined) === isv).length,
    );
    expect(bySyndrome).toBeGreaterThan(20);
    expect(byInstruction).toBeGreaterThan(40);
  });
});

describe('the comparison', () => {
  it('fails where the hypervisor forgets one register', () => {
    const random = seeded(1);
    const text = program(random, accesses(random, 200), true, {});
    const forgetful = (port: CpuPort): CpuPort =>
      new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (name === 'writeX') {
            return (n: number, lo: number, hi: number) => {
              if (n !== 11) target.writeX(n, lo, hi);
            };
          }
          return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
        },
      });
    expect(registers(virtual(text).board.machine)).toEqual(registers(native(text).machine));
    expect(registers(virtual(text, forgetful).board.machine)).not.toEqual(registers(native(text).machine));
  });
});

describe('what an exit reads', () => {
  const text = (instruction: string): string => `
    movz x2, #${DEVICE >>> 16}, lsl #16
    mov x5, #100
again:
    ${instruction}
    sub x5, x5, #1
    cbnz x5, again
    hvc #1
  `;
  const counted = (instruction: string): { loads: number; translations: number; exits: number } => {
    let start = [0, 0];
    const board = vmBoard(text(instruction), {
      boot(hv) {
        hv.bus.map({ name: 'bytes', base: ipa(DEVICE), size: 0x1000, widths: WIDTHS }, new ByteDevice());
      },
      exit() {
        const counts = board.machine.board.software[0]?.counts;
        if (board.hypervisor.exits.length === 1)
          start = [counts?.loads ?? 0, counts?.addressTranslations ?? 0];
        return false;
      },
    });
    expect(board.run()).toBe('off');
    const counts = board.machine.board.software[0]?.counts;
    return {
      loads: (counts?.loads ?? 0) - (start[0] ?? 0),
      translations: (counts?.addressTranslations ?? 0) - (start[1] ?? 0),
      exits: board.hypervisor.exits.length - 1,
    };
  };

  it('is nothing of the guest’s memory with a syndrome', () => {
    expect(counted('ldr w3, [x2, #8]')).toEqual({ loads: 0, translations: 0, exits: 100 });
    expect(counted('strh w3, [x2, #8]')).toEqual({ loads: 0, translations: 0, exits: 100 });
  });

  it('is one instruction without one', () => {
    expect(counted('ldp w3, w4, [x2, #8]')).toEqual({ loads: 100, translations: 100, exits: 100 });
    expect(counted('str w3, [x2], #0')).toEqual({ loads: 100, translations: 100, exits: 100 });
  });
});
