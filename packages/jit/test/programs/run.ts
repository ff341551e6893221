// Runs programs on both engines with budgets that end anywhere, and says where they first differ.

import { assemble, CpuLayout } from '@worldswitch/isa-core';

import type { Random } from '../random.ts';
import { createRandom } from '../random.ts';
import { RAM } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { Program } from './assembler.ts';
import { RandomProgram, Roles } from './random-program.ts';

const TABLES: number = RAM + 0x7f000;
const VECTORS: number = RAM + 0x7e000;
const RAM_OFFSET = 0x10000;
const DATA: number = RAM + 0x21000;
const STACK: number = RAM + 0x30000;

/** RAM's second address, a gibibyte on. */
const ALIAS = 0x4000_0000;
/** M, C, I; the stack pointer is checked at EL1 and EL0; EL0 may mask interrupts and maintain caches. */
const SCTLR = 0x0400_121dn;

/** Goes on after the instruction that took the exception: x17 is the handler's. */
const SKIP = [
  'msr tpidr_el1, x17',
  'mrs x17, esr_el1',
  'lsr x17, x17, #26',
  // SVC: the return address is right.
  'sub x17, x17, #0x15',
  'cbz x17, 16',
  'mrs x17, elr_el1',
  'add x17, x17, #4',
  'msr elr_el1, x17',
  'mrs x17, tpidr_el1',
  'eret',
];
/** Returns with interrupts masked. */
const MASK = [
  'msr tpidr_el1, x17',
  'mrs x17, spsr_el1',
  'orr x17, x17, #0x80',
  'msr spsr_el1, x17',
  'mrs x17, tpidr_el1',
  'eret',
];

/** Writes words for both engines. */
export function load(rig: Rig, at: number, words: readonly number[]): void {
  for (const [i, word] of words.entries()) rig.code(at + 4 * i, word);
}

/** Where a program runs. */
export interface Setting {
  readonly stack?: number;
  /** At EL0, in the alias of RAM, which is its alone. */
  readonly user?: boolean;
}

/** Handlers for exceptions, an alias of RAM a gibibyte on, stack alignment checks, registers with random values. */
export function prepare(rig: Rig, random: Random, setting: Setting = {}): void {
  const { stack = STACK, user = false } = setting;
  const base = user ? ALIAS : 0;
  for (const [offset, handler] of [
    [0x200, SKIP],
    [0x280, MASK],
    [0x400, SKIP],
    [0x480, MASK],
  ] as const) {
    const words = handler.map((line) => assemble(line));
    load(rig, VECTORS + offset, words);
  }
  const values = Array.from({ length: 32 }, () => random.next64() >> BigInt(random.below(64)));
  values[Roles.data] = BigInt(base + DATA);
  values[Roles.crossing] = BigInt(base + DATA + 0x1ffd);
  values[Roles.nowhere] = 0xdead_0000n;
  values[31] = BigInt(base + stack);
  const lanes = Array.from({ length: 16 }, () =>
    random.below(2) === 0
      ? random.next64()
      : BigInt.asUintN(64, 0x3ff0_0000_0000_0000n + BigInt(random.below(9)) * (1n << 50n)),
  );
  for (const { cpu, view, ram } of [rig.reference, rig.fast]) {
    ram.fill(0, 0x20000, 0x40000);
    view.setBigUint64(RAM_OFFSET + TABLES - RAM + 16, BigInt(RAM) | (user ? 0x741n : 0x701n), true);
    cpu.setRegister('SCTLR_EL1', SCTLR);
    cpu.state.setMode(user ? 0 : 1, user ? 0 : 1, cpu.spCells);
    for (const [i, value] of values.entries()) cpu.state.u64[(CpuLayout.x >> 3) + i] = value;
    for (const [i, value] of lanes.entries()) cpu.state.u64[(CpuLayout.v >> 3) + i] = value;
    cpu.state.u64[CpuLayout.fpsr >> 3] = 0x10n;
    cpu.state.nzcv = 0;
    cpu.state.daif = 15;
    cpu.state.il = cpu.state.ss = 0;
    cpu.contextChanged();
  }
}

/** Where programs of one's own begin. */
export const CODE: number = RAM + 0x2000;

/** Prepares a rig for a program of one's own: random registers of a seed, then those given by number; both CPUs at its beginning. */
export function begin(
  rig: Rig,
  seed: number,
  build: (program: Program) => void,
  registers: Readonly<Record<number, number>> = {},
): Rig {
  prepare(rig, createRandom(seed));
  const program = new Program();
  build(program);
  load(rig, CODE, program.words());
  for (const { cpu } of [rig.reference, rig.fast]) {
    cpu.state.pc = BigInt(CODE);
    for (const [r, value] of Object.entries(registers)) cpu.state.setX(Number(r), BigInt(value));
  }
  return rig;
}

/** What a run found. */
export interface Verdict {
  readonly seed: number;
  readonly after: number;
  readonly budget: number;
  readonly from: string;
  readonly differs: readonly string[];
}

/** A budget: mostly short, some long. */
function anyBudget(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return 1 + random.below(3);
    case 1:
      return 200 + random.below(1000);
    case 2:
      return 1000 + random.below(4000);
    default:
      return 1 + random.below(120);
  }
}

/** Runs the program of a seed, about so many instructions. Undefined if the engines never differ. */
export function runSeed(rig: Rig, seed: number, instructions: number): Verdict | undefined {
  const random = createRandom(Math.imul(seed + 1, 0x9e37_79b1) | 1);
  const user = seed % 3 === 0;
  const { program } = new RandomProgram(random, !user);
  prepare(rig, random, { user });
  const at = RAM + 0x2000 - 4 * random.below(Math.min(program.length, 900));
  load(rig, at, program.words());
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(at + (user ? ALIAS : 0));
  for (let after = 0; after < instructions;) {
    const budget = anyBudget(random);
    const from = rig.fast.cpu.state.pc.toString(16);
    if (random.below(40) === 0) {
      const level = random.below(2) === 0;
      for (const { cpu } of [rig.reference, rig.fast]) cpu.setPin('irq', level);
    }
    const differs = rig.run(budget);
    if (differs.length > 0) return { seed, after, budget, from, differs: differs.slice(0, 8) };
    after += budget;
  }
  return undefined;
}

/** Runs two CPUs in turns: on programs of their own that share data, or on the same one. Undefined if the engines never differ. */
export function runPair(pair: readonly [Rig, Rig], seed: number, instructions: number): Verdict | undefined {
  const random = createRandom(Math.imul(seed + 1, 0x9e37_79b1) | 1);
  const together = random.below(2) === 0;
  for (const [i, rig] of pair.entries()) prepare(rig, random, { stack: STACK + 0x4000 * i });
  let at = 0;
  for (const [i, rig] of pair.entries()) {
    if (i === 0 || !together) {
      const { program } = new RandomProgram(random);
      at = RAM + 0x2000 + 0x6000 * i - 4 * random.below(Math.min(program.length, 900));
      load(rig, at, program.words());
    }
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(at);
  }
  for (let after = 0; after < instructions;) {
    const budget = anyBudget(random);
    const rig = pair[random.below(2)] ?? pair[0];
    const from = rig.fast.cpu.state.pc.toString(16);
    const differs = rig.run(budget);
    if (differs.length > 0) return { seed, after, budget, from, differs: differs.slice(0, 8) };
    after += budget;
  }
  return undefined;
}
