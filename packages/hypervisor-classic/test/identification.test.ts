// What identification registers show to a VM's guest and to the same program on the bare board of that description: every encoding of
// S3_0_C0_C<0..7>_<0..7>, and those of caches, counters and timers (DDI 0487 D17.2).

import { afterEach, describe, expect, it, vi } from 'vitest';

import { createMachine, rawKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';
import { VirtualId } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

const RAM = 0x4000_0000;
const CODE = RAM + 0x20_0000;
const VALUES = RAM + 0x30_0000;
/** What is shown where the access is UNDEFINED. */
const UNDEFINED = 0xdeadn;

/** op1, CRn, CRm, op2 of a register with op0 3. */
type Encoding = readonly [number, number, number, number];
const named: Readonly<Record<string, Encoding>> = {
  CCSIDR_EL1: [1, 0, 0, 0],
  CLIDR_EL1: [1, 0, 0, 1],
  CCSIDR2_EL1: [1, 0, 0, 2],
  GMID_EL1: [1, 0, 0, 4],
  AIDR_EL1: [1, 0, 0, 7],
  CSSELR_EL1: [2, 0, 0, 0],
  CTR_EL0: [3, 0, 0, 1],
  DCZID_EL0: [3, 0, 0, 7],
  CNTFRQ_EL0: [3, 14, 0, 0],
  PMCR_EL0: [3, 9, 12, 0],
  PMCEID0_EL0: [3, 9, 12, 6],
  PMCEID1_EL0: [3, 9, 12, 7],
  RVBAR_EL1: [0, 12, 0, 1],
  ICC_SRE_EL1: [0, 12, 12, 5],
  ICC_CTLR_EL1: [0, 12, 12, 4],
};
const registers: readonly (readonly [string, Encoding])[] = [
  ...Array.from({ length: 64 }, (_, n): readonly [string, Encoding] => [
    `S3_0_C0_C${n >>> 3}_${n & 7}`,
    [0, 0, n >>> 3, n & 7],
  ]),
  ...Object.entries(named),
];

/** Stores what each shows, one after the other, and then waits for ever. */
function image(): BootImages {
  const words = new Uint32Array(0x300);
  let at = 0;
  const emit = (...more: readonly number[]): void => {
    words.set(more, at);
    at += more.length;
  };
  // MOVZ X1, #(VALUES >> 16), LSL #16; ADR X2, vectors; MSR VBAR_EL1, X2; ISB
  emit((0xd2a0_0001 | ((VALUES >>> 16) << 5)) >>> 0);
  const vectors = 0x800;
  emit((0x1000_0002 | (((vectors - 4 * at) >> 2) << 5)) >>> 0, 0xd518_c002, 0xd503_3fdf);
  for (const [, [op1, crn, crm, op2]] of registers) {
    // MRS X0, register; STR X0, [X1], #8
    emit((0xd538_0000 | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5)) >>> 0, 0xf800_8420);
  }
  // B .
  emit(0x1400_0000);
  if (4 * at > vectors) throw new Error('the program reaches its vectors');
  at = (vectors + 0x200) / 4;
  // MRS X2, ELR_EL1; ADD X2, X2, #4; MSR ELR_EL1, X2; MOVZ X0, #0xdead; ERET
  emit(0xd538_4022, 0x9100_1042, 0xd518_4022, (0xd280_0000 | (0xdead << 5)) >>> 0, 0xd69f_03e0);
  return { kernel: rawKernel(new Uint8Array(words.buffer), CODE) };
}

function shownOn(machine: Machine, ram: number): Readonly<Record<string, string>> {
  machine.run(100_000);
  expect(machine.failure, machine.report()).toBeUndefined();
  const window = machine.bus.memoryAt(RAM as Pa);
  const bytes = window?.memory.bytes ?? new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset + ram - RAM + VALUES - RAM);
  return Object.fromEntries(
    registers.map(([name], i) => {
      const value = view.getBigUint64(8 * i, true);
      return [name, value === UNDEFINED ? 'undefined' : `0x${value.toString(16)}`];
    }),
  );
}

/** What a VM's guest sees otherwise, and why. */
const EXPECTED: Readonly<Record<string, string>> = {
  RVBAR_EL1:
    'is there where EL1 is the highest level alone (D17.2, RVBAR_EL1): the CPU behind a VM has EL2, and nothing traps the access',
};

/** The names of those that differ. */
function differences(version: 2 | 3): string[] {
  const own = virt({ memory: '64M', gic: { version } });
  const machine = createMachine(own);
  machine.load(image());
  const native = shownOn(machine, RAM);
  const host = createHost(
    { board: { ...own, memory: '96M' }, vms: [{ name: 'guest', board: own }] },
    { guest: image() },
  );
  const virtual = shownOn(host.machine, host.setup.vms[0]?.vm.base ?? 0);
  expect(
    Object.values(native).filter((value) => value !== '0x0' && value !== 'undefined').length,
  ).toBeGreaterThan(10);
  return registers.map(([name]) => name).filter((name) => native[name] !== virtual[name]);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([2, 3] as const)('a guest of a VM with a GICv%i', (version) => {
  it('sees in each identification register what it sees on the bare board, but for those that are listed', () => {
    expect(differences(version)).toEqual(Object.keys(EXPECTED));
  });

  it('sees the difference when one is not emulated', () => {
    vi.spyOn(VirtualId, 'has').mockImplementation((name) => name !== 'ID_AA64ISAR0_EL1');
    expect(differences(version)).toEqual(['S3_0_C0_C6_0', ...Object.keys(EXPECTED)]);
  });
});
