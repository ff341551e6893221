// What `createQuick` executes leaves what the reference engine leaves, and it leaves to that what it must.

import { describe, expect, it } from 'vitest';

import { Access } from '@worldswitch/mmu';
import type { Pa } from '@worldswitch/platform';

import { createQuick } from '../../src/cpu/quick/quick.ts';
import { CpuLayout } from '../../src/index.ts';
import { createStepper } from '../../src/reference/index.ts';
import { assemble } from '../../src/syntax/index.ts';
import { DATA, LAST, machine, RAM, READ_ONLY, UNMAPPED, USER } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';

/** Base address and index of an access. */
type Address = readonly [base: number | bigint, index?: number | bigint];

/** A machine at a level, with something in all registers and in memory. */
function prepared(el: number, [base, index = 8]: Address, sp: number | bigint): Machine {
  const m = machine();
  const { state } = m.cpu;
  for (let at = -32; at < 64; at += 8) m.setData(0x1000 + at, 0x8182_8384_8586_8788n + BigInt(at) * 0x0101n);
  for (let n = 0; n < 31; n++) m.setX(n, 0xf1e2_d3c4_b5a6_9788n ^ (BigInt(n) << 40n));
  for (let n = 0; n < 64; n++) state.u64[CpuLayout.v / 8 + n] = 0x9192_9394_9596_9798n + BigInt(n);
  m.enter(el);
  state.pc = BigInt(el === 0 ? USER : RAM);
  m.setX(1, base);
  m.setX(2, index);
  state.setX(31, BigInt(sp));
  return m;
}

/** Executes one instruction on both. The answer of `createQuick`. */
function compare(text: string, make: () => Machine): boolean {
  const [oracle, tested] = [make(), make()];
  const { state, bus } = oracle.cpu;
  const word = assemble(text, Number(state.pc));
  const code = bus.host(RAM as Pa);
  for (const { cpu } of [oracle, tested]) new DataView(cpu.memory.buffer).setUint32(code, word, true);
  // Whoever has the instruction has fetched it.
  tested.cpu.translator.translate(state.pc, Access.Execute, state.el === 0, false);
  createStepper(oracle.cpu).step();
  const done = createQuick(tested.cpu)(word);
  if (!done) createStepper(tested.cpu).step();
  const bytes = ({ cpu }: Machine): Buffer => Buffer.from(cpu.memory.buffer, 0, code + 0x2_0000);
  const left = ({ cpu }: Machine): unknown => ({
    dirty: cpu.bus.memoryAt(RAM as Pa)?.memory.dirty.join(),
    counters: { ...cpu.counters, taken: cpu.counters.taken.join() },
    walks: cpu.translator.walker.counters,
    pc: cpu.state.pc,
  });
  expect(left(tested), text).toEqual(left(oracle));
  expect(bytes(tested).equals(bytes(oracle)), `${text}: memory and registers`).toBe(true);
  return done;
}

const PLAIN = [
  ...[
    'ldr x3, [x1]',
    'str x3, [x1]',
    'ldr w3, [x1, #8]',
    'strb w3, [x1, #3]',
    'ldrh w3, [x1]',
    'strh w3, [x1]',
  ],
  ...['ldrsb x3, [x1]', 'ldrsh w3, [x1]', 'ldrsw x3, [x1]', 'ldur x3, [x1, #-3]', 'stur wzr, [x1, #5]'],
  ...['ldr x3, [x1], #-16', 'str x3, [x1, #-16]!', 'ldr xzr, [x1]', 'str xzr, [x1]', 'ldrsb w3, [x1, x2]'],
  ...[
    'ldr x3, [x1, x2, lsl #3]',
    'str w3, [x1, w2, sxtw]',
    'ldr w3, [x1, w2, uxtw #2]',
    'ldrh w3, [x1, x2, sxtx #1]',
  ],
  ...[
    'ldp x3, x4, [x1]',
    'stp x3, x4, [x1, #-16]!',
    'ldp w3, w4, [x1], #8',
    'stp w3, wzr, [x1, #-4]',
    'ldnp x3, x4, [x1]',
  ],
  ...['ldr q3, [x1]', 'str q3, [x1]', 'ldr d3, [x1]', 'str s3, [x1, #4]', 'ldr b3, [x1]', 'ldp q3, q4, [x1]'],
  ...['stp d3, d4, [x1], #16', 'ldp s3, s4, [x1]', 'ldtr x3, [x1]', 'sttr w3, [x1]', 'ldr x1, [x1]'],
  ...['ldr x3, [sp]', 'stp x3, x4, [sp, #-16]!'],
];
const ADDRESSES: readonly (readonly [string, Address])[] = [
  ['on one page', [RAM + DATA + 0x1010]],
  ['on two pages', [RAM + DATA + 0xffd]],
  ['that the index takes to two pages', [RAM + DATA + 0xfff, -2n & 0xffff_ffff_ffff_ffffn]],
  ['that EL0 may use', [USER + DATA + 0xffd]],
  ['that nobody may store to', [READ_ONLY + DATA + 0xffd]],
  ['that is half mapped', [UNMAPPED - 3]],
  ['that is not mapped', [UNMAPPED + 0xff9]],
  ['without memory', [LAST + 0x20_0000 - 0x1000]],
  ['with a tag', [0x5600_0000_0000_0000n + BigInt(RAM + DATA)]],
  ['at the end of all', [0xffff_ffff_ffff_fffdn]],
];

describe.each(ADDRESSES)('an access %s', (_, address) => {
  it.each([0, 1])('leaves what the reference engine leaves, at EL%i', (el) => {
    for (const text of PLAIN) {
      const sp = BigInt.asUintN(64, BigInt(address[0]) & ~15n);
      const answer = compare(text, () => prepared(el, address, sp));
      if (typeof address[0] === 'number' && address[0] < UNMAPPED - 0x1000) expect(answer, text).toBe(true);
    }
  });
});

describe('accesses that are not done', () => {
  const here: Address = [RAM + DATA + 0xffd];
  it.each([
    'ldaxr x3, [x1]',
    'stlxr w5, x3, [x1]',
    'ldpsw x3, x4, [x1]',
    'prfm pldl1keep, [x1]',
    'ldar x3, [x1]',
  ])('%s', (text) => {
    expect(compare(text, () => prepared(1, here, RAM + DATA))).toBe(false);
  });
  it('those through an SP that is not aligned', () => {
    const make = (): Machine => {
      const m = prepared(1, here, RAM + DATA + 8);
      m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | 8n);
      m.cpu.contextChanged();
      return m;
    };
    expect(compare('ldr x3, [sp]', make)).toBe(false);
  });
  it('those of FP registers that trap', () => {
    const make = (): Machine => {
      const m = prepared(1, here, RAM + DATA);
      m.cpu.setRegister('CPACR_EL1', 0n);
      m.cpu.contextChanged();
      return m;
    };
    expect(compare('ldr q3, [x1]', make)).toBe(false);
  });
  it('those where alignment is checked', () => {
    const make = (): Machine => {
      const m = prepared(1, here, RAM + DATA);
      m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | 2n);
      m.cpu.contextChanged();
      return m;
    };
    expect(compare('ldr x3, [x1]', make)).toBe(false);
  });
});

describe('system instructions', () => {
  const here: Address = [RAM + DATA];
  const plain = [
    'svc #5',
    'brk #7',
    'tlbi vmalle1',
    'tlbi vaae1is, x1',
    'tlbi aside1is, x2',
    'tlbi vale1, x1',
  ];
  it.each([...plain, 'msr ttbr0_el1, x1', 'msr ttbr1_el1, x3', 'mrs x3, cntv_ctl_el0'])('%s', (text) => {
    expect(compare(text, () => prepared(1, here, RAM))).toBe(true);
  });
  it.each(['svc #5', 'brk #7', 'eret'])('%s at EL0', (text) => {
    expect(compare(text, () => prepared(0, here, RAM))).toBe(true);
  });
  it.each(['tlbi vmalle1', 'msr ttbr0_el1, x1', 'hvc #0', 'wfi', 'hlt #1', 'msr sctlr_el1, x3'])(
    '%s is left where it traps, waits or does more',
    (text) => {
      // At EL0 a register of EL1 is UNDEFINED, which is quick.
      expect(compare(text, () => prepared(0, here, RAM))).toBe(text.startsWith('msr'));
    },
  );
  it.each([0x0n, 0x3c5n, 0x3c4n, 0x6000_0000n, 0x10n, 0x9n, 0x10_0005n, 0x3c2n, 0xf000_03c5n])(
    'eret to %s',
    (spsr) => {
      for (const elr of [
        BigInt(RAM + 64),
        0xff00_0000_4000_0000n,
        0x0180_0000_4000_0000n,
        0xffff_ffff_ffff_0000n,
      ]) {
        const make = (): Machine => {
          const m = prepared(1, here, RAM);
          m.cpu.setRegister('SPSR_EL1', spsr);
          m.cpu.setRegister('ELR_EL1', elr);
          m.cpu.setRegister('TCR_EL1', m.cpu.register('TCR_EL1') | (3n << 37n));
          m.cpu.contextChanged();
          return m;
        };
        expect(compare('eret', make)).toBe(true);
      }
    },
  );
  it('nothing is done while single steps are asked for', () => {
    const make = (): Machine => {
      const m = prepared(1, here, RAM);
      m.cpu.setRegister('MDSCR_EL1', 1n);
      m.cpu.setRegister('OSLSR_EL1', 0n);
      m.cpu.debug.changed();
      return m;
    };
    expect(compare('svc #5', make)).toBe(false);
  });
});

describe("a kernel's instructions at EL0", () => {
  const KERNEL = [
    ...['mrs x3, sp_el0', 'mrs x3, tpidr_el1', 'msr tpidr_el1, x3', 'msr elr_el1, x3', 'mrs x3, currentel'],
    ...['msr ttbr0_el1, x3', 'mrs x3, id_aa64pfr0_el1', 'msr vbar_el1, x3', 'mrs x3, midr_el1', 'eret'],
    ...['msr daifset, #2', 'msr daifclr, #15', 'mrs x3, hcr_el2', 'msr sp_el0, x3'],
  ];
  it.each([0n, 1n << 9n])('leave what the reference engine leaves, with SCTLR_EL1 %i', (controls) => {
    for (const text of KERNEL) {
      const make = (): Machine => {
        const m = prepared(0, [RAM + DATA + 0x1010], RAM + DATA);
        m.cpu.setRegister('SCTLR_EL1', m.cpu.register('SCTLR_EL1') | controls);
        m.cpu.contextChanged();
        return m;
      };
      const masks = text.startsWith('msr daif') && controls !== 0n;
      expect(compare(text, make), text).toBe(!masks);
    }
  });
  it('are left to the reference engine where they are free to EL0', () => {
    for (const text of ['mrs x3, tpidr_el0', 'msr tpidr_el0, x3', 'mrs x3, nzcv'])
      expect(
        compare(text, () => prepared(0, [RAM + DATA], RAM + DATA)),
        text,
      ).toBe(false);
  });
});
