// Walks in compiled code against the reference engine's, over random tables with descriptors of all kinds (DDI 0487 D8.3): the same
// state, the same entries in the TLB and the same counts.

import { describe, expect, it } from 'vitest';

import { armv8, assemble } from '@worldswitch/isa-core';
import type { CpuCosts } from '@worldswitch/isa-core';
import { saveTlb } from '@worldswitch/mmu';

import { RangeLayout, WalkLayout } from '../src/walks/layout.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { createRig, eager, RAM } from './rig.ts';
import type { Mode, Rig, Side } from './rig.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 12);
const RAM_OFFSET = 0x10000;
const TABLES: number = RAM + 0x7f000;
const VECTORS: number = RAM + 0x7e000;
/** Tables with random descriptors. */
const POOL: number = RAM + 0x60000;
const POOL_PAGES = 14;
/** The first table where addresses have more than 39 bits. */
const TOP: number = RAM + 0x70000;
const LIST: number = RAM + 0x10000;
const LIST_LENGTH = 480;
const CODE: number = RAM + 0x2000;
/** RAM again, for EL0. */
const ALIAS: number = RAM + 0x4000_0000;
/** Numbers of pages in their table: few, so that the TLB's sets are full soon. Blocks have RAM without code and tables there. */
const PAGES: readonly number[] = [0x41, 0x43, 0x47, 0x4f, 0x58, 0x1c1];

const OPERATIONS: readonly string[] = [
  'ldr x2, [x1]',
  'str x3, [x1]',
  'ldtr x2, [x1]',
  'sttr x3, [x1]',
  'ldrb w2, [x1]',
  'ldp x2, x4, [x1]',
  'stp x3, x4, [x1]',
  'ldr q1, [x1]',
  'ldxr x2, [x1]',
  'strh w3, [x1]',
];

/** A descriptor of any kind. */
function anyDescriptor(random: Random): bigint {
  const one = (of: number): boolean => random.below(of) === 0;
  if (one(25)) return random.next64() & ~1n;
  const leaf = random.below(100) < 60;
  if (!leaf) {
    const hierarchy = one(6) ? BigInt(random.below(32)) << 59n : 0n;
    const page = one(30) ? 0x9000_0000 : POOL + 4096 * random.below(POOL_PAGES);
    return BigInt(page) | 3n | hierarchy;
  }
  const block = one(3);
  let at = BigInt(RAM + (block ? 0 : 4096 * (0x40 + random.below(32))));
  if (one(25)) at = random.next64() & 0xffff_ffff_f000n;
  // Attributes: mostly memory that is cached.
  const index = one(3) ? random.below(8) : 0;
  const fields = BigInt((index << 2) | (random.below(16) << 6) | (one(5) ? 1 << 5 : 0));
  const more = (BigInt(random.below(2)) << 11n) | (one(20) ? 0n : 1n << 10n);
  const upper = (one(4) ? BigInt(random.below(4)) << 51n : 0n) | (BigInt(random.below(4)) << 53n);
  return at | fields | more | upper | (block ? 1n : 3n);
}

/** An address that the tables may map. `bits`: of an input address, in either range. */
function anyAddress(random: Random, bits: number, upper: boolean, levels: readonly number[]): bigint {
  const part = (): bigint => BigInt(levels[random.below(levels.length)] ?? 0);
  const page = BigInt(PAGES[random.below(PAGES.length)] ?? 0);
  const inPage = random.below(20) === 0 ? 0xffc : 8 * random.below(512);
  const odd = random.below(20) === 0 ? random.below(8) : 0;
  let va = (part() << 39n) | (part() << 30n) | (part() << 21n) | (page << 12n) | BigInt(inPage + odd);
  va &= (1n << BigInt(bits)) - 1n;
  if (upper) va |= -1n << BigInt(bits);
  // Tags, and addresses that are none.
  if (random.below(10) === 0) va ^= BigInt(random.below(256)) << 56n;
  if (random.below(40) === 0) va ^= 1n << BigInt(48 + random.below(16));
  return BigInt.asUintN(64, va);
}

type Level = 'EL0' | 'EL1' | 'EL2';

/** What one seed sets up, for both engines. */
function prepare(rig: Rig, random: Random, level: Level): void {
  const el = Number(level.at(-1));
  const registers = el === 2 ? 2 : 1;
  const words = new Map<number, bigint>();
  for (let at = POOL; at < POOL + POOL_PAGES * 4096; at += 8) words.set(at, anyDescriptor(random));
  for (let i = 0; i < 512; i++) {
    words.set(TABLES + 8 * i, anyDescriptor(random));
    words.set(TOP + 8 * i, anyDescriptor(random));
  }
  words.set(TOP, BigInt(TABLES) | 3n);
  words.set(TABLES + 8, BigInt(RAM) | 0x701n);
  words.set(TABLES + 16, BigInt(RAM) | 0x741n);
  const levels = [0, 2, 3, 5].map((n) => n + 8 * random.below(64));
  const size0 = [16, 25, 28][random.below(3)] ?? 25;
  const size1 = [16, 25, 28, 34][random.below(4)] ?? 25;
  for (let i = 0; i < LIST_LENGTH; i++) {
    const upper = random.below(2) === 0 && el < 2;
    words.set(LIST + 8 * i, anyAddress(random, 64 - (upper ? size1 : size0), upper, levels));
  }
  const outputs = random.below(6);
  const ignored = random.below(4);
  const tcr =
    el === 2
      ? BigInt(size0 | (outputs << 16) | ((ignored & 1) << 20))
      : BigInt(size0) |
        (BigInt(size1) << 16n) |
        (2n << 30n) |
        (BigInt(outputs) << 32n) |
        (BigInt(ignored) << 37n);
  const asid = BigInt(random.below(3)) << 48n;
  const sctlr = 0x1001n | (BigInt(random.below(2)) << 2n) | (BigInt(random.below(4) === 0 ? 1 : 0) << 19n);
  const base = el === 0 ? ALIAS : RAM;
  const pan = random.below(2);
  const ttbr1 = BigInt(POOL + 4096 * random.below(POOL_PAGES));
  for (const { cpu, view } of [rig.reference, rig.fast]) {
    for (const [at, word] of words) view.setBigUint64(RAM_OFFSET + at - RAM, word, true);
    cpu.setRegister(`MAIR_EL${registers}`, 0xbb_aa_0c_04_f4_44_00_ffn);
    cpu.setRegister(`TCR_EL${registers}`, tcr);
    cpu.setRegister(`TTBR0_EL${registers}`, BigInt(size0 === 16 ? TOP : TABLES) | asid);
    if (registers === 1) cpu.setRegister('TTBR1_EL1', ttbr1);
    cpu.setRegister(`VBAR_EL${registers}`, BigInt(VECTORS));
    cpu.setRegister(`SCTLR_EL${registers}`, sctlr);
    cpu.state.setMode(el, el === 0 ? 0 : 1, cpu.spCells);
    cpu.state.pan = pan;
    cpu.state.il = cpu.state.ss = 0;
    cpu.state.daif = 15;
    cpu.state.pc = BigInt(base + CODE - RAM);
    const set = (x: number, value: bigint): void => {
      cpu.state.setX(x, value);
    };
    set(3, 0x1234_5678_9abc_def0n);
    set(20, BigInt(base + LIST - RAM));
    set(21, BigInt(LIST_LENGTH / 12));
    cpu.contextChanged();
  }
}

/** A loop over the list, and handlers that go on behind what faulted. */
function load(rig: Rig, random: Random, level: Level): void {
  const registers = level === 'EL2' ? 'el2' : 'el1';
  const handler = [`mrs x17, elr_${registers}`, 'add x17, x17, #4', `msr elr_${registers}, x17`, 'eret'];
  for (const offset of [0x200, 0x400]) {
    for (const [i, line] of handler.entries()) rig.code(VECTORS + offset + 4 * i, assemble(line));
  }
  const lines = Array.from({ length: 12 }, () => [
    'ldr x1, [x20], #8',
    OPERATIONS[random.below(OPERATIONS.length)] ?? 'nop',
  ]).flat();
  lines.push('subs x21, x21, #1', `b.ne ${String(-4 * (lines.length + 1))}`, 'b 0');
  for (const [i, line] of lines.entries()) rig.code(CODE + 4 * i, assemble(line));
}

/** What must be equal of the TLB and of the walks. */
function translationOf({ cpu }: Side): unknown {
  const { misses, fills, evictions, invalidations } = cpu.tlb.counters;
  return { misses, fills, evictions, invalidations, walks: { ...cpu.translator.walker.counters } };
}

/** Runs seeds; what differs first, and how many pages compiled code entered. */
function run(mode: Mode, level: Level, seeds: number): { differs: unknown; entered: number } {
  const rig = createRig({ ...mode, features: { ...armv8, el2: level === 'EL2', pan: true } });
  for (let seed = 1; seed <= seeds; seed++) {
    const random = createRandom(Math.imul(seed, 0x9e37_79b1) | 1);
    prepare(rig, random, level);
    load(rig, random, level);
    for (let part = 0; part < 20; part++) {
      const differs: unknown[] = rig.run(1 + random.below(mode.costs === undefined ? 300 : 2400));
      const [a, b] = [rig.reference, rig.fast];
      const one = { counts: translationOf(a), tlb: saveTlb(a.cpu.tlb) };
      const two = { counts: translationOf(b), tlb: saveTlb(b.cpu.tlb) };
      if (JSON.stringify(one.counts) !== JSON.stringify(two.counts)) differs.push(one.counts, two.counts);
      for (const [field, bytes] of Object.entries(one.tlb)) {
        const at = Buffer.from(bytes).compare(two.tlb[field as 'pa']);
        if (at !== 0) differs.push(field);
      }
      if (differs.length > 0) return { differs: { seed, part, differs }, entered: 0 };
    }
  }
  const { engine } = rig.fast;
  const left = engine
    .counts()
    .filter(({ name }) => name.startsWith('left.miss'))
    .reduce((sum, { count }) => sum + count, 0);
  return { differs: undefined, entered: engine.counters.dataMisses - left };
}

const costs: CpuCosts = {
  perCycle: 4,
  least: 2,
  cases: new Int32Array(4096).fill(3),
  exception: [0, 11, 13, 17],
  exceptionReturn: [0, 5, 7, 9],
  tlbMiss: 19,
  descriptor: [0, 6, 8],
  device: 40,
};

const modes: readonly (readonly [string, Mode])[] = [
  ['interpreted', {}],
  ['compiled', eager],
  ['with costs', { costs }],
];

describe.each(modes)('random tables, %s', (_, mode) => {
  it.each(['EL0', 'EL1', 'EL2'] as const)('at %s leave what they leave on the reference engine', (level) => {
    const { differs, entered } = run(mode, level, SEEDS);
    expect(differs).toBeUndefined();
    expect(entered).toBeGreaterThan(SEEDS * 5);
  });
});

/** Faults in the walker that must be found. */
const spoilt: readonly (readonly [string, (walker: DataView) => void])[] = [
  [
    'the ASID',
    (w) => {
      w.setInt32(WalkLayout.asid, 77, true);
    },
  ],
  [
    'PAN',
    (w) => {
      w.setInt32(WalkLayout.pan, w.getInt32(WalkLayout.pan, true) ^ 1, true);
    },
  ],
  [
    'WXN',
    (w) => {
      w.setInt32(WalkLayout.wxn, w.getInt32(WalkLayout.wxn, true) ^ 1, true);
    },
  ],
  [
    'memory attributes',
    (w) => {
      w.setUint8(WalkLayout.attributes, 0xbb);
    },
  ],
  [
    'what tables forbid',
    (w) => {
      w.setInt32(WalkLayout.ranges + RangeLayout.inherited, 0, true);
    },
  ],
  [
    'the top byte',
    (w) => {
      w.setInt32(WalkLayout.ranges + RangeLayout.ignoredBits, 8, true);
    },
  ],
  [
    'counts',
    (w) => {
      w.setInt32(WalkLayout.references, 1, true);
    },
  ],
];

describe('a walker that is wrong about', () => {
  it.each(spoilt)('%s is found', (_, spoil) => {
    expect(run({ spoil }, 'EL1', SEEDS).differs).toBeDefined();
  });
});
