// Every case of the instruction table, with random encodings and states: the interpreter leaves what the reference engine leaves.

import { describe, expect, it } from 'vitest';

import { CpuLayout, cases, decode, encodeFields, parseEncoding } from '@worldswitch/isa-core';

import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { createRig, RAM } from './rig.ts';
import type { Rig } from './rig.ts';

const ENCODINGS = Number(process.env['ENCODINGS'] ?? 8);
const CODE = RAM + 0x1000;
const rows = [...new Set(cases.map((c) => c.row))];

const floats64 = [
  0n,
  1n << 63n,
  0x3ff0_0000_0000_0000n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0001n,
  0x7ff0_0000_0000_0001n,
  1n,
  0x000f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0x4340_0000_0000_0000n,
  0x43e0_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0xbff8_0000_0000_0000n,
  0x4008_0000_0000_0000n,
];
const floats32 = [
  0n,
  0x8000_0000n,
  0x3f80_0000n,
  0x7f80_0000n,
  0xff80_0000n,
  0x7fc0_0001n,
  0x7f80_0001n,
  1n,
  0x007f_ffffn,
  0x0080_0000n,
  0x7f7f_ffffn,
  0x4b00_0000n,
  0x4f00_0000n,
  0x3f00_0000n,
  0xbfc0_0000n,
  0x4040_0000n,
];

/** A random value of 64 bits of many kinds. */
function integer(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return BigInt(random.below(100));
    case 1:
      return BigInt.asUintN(64, -BigInt(random.below(100)));
    case 2:
      return 1n << BigInt(random.below(64));
    case 3:
      return BigInt(random.next());
    default:
      return random.next64();
  }
}

function lanes(random: Random): bigint {
  switch (random.below(5)) {
    case 0:
      return floats64[random.below(floats64.length)] ?? 0n;
    case 1:
      return (floats32[random.below(16)] ?? 0n) | ((floats32[random.below(16)] ?? 0n) << 32n);
    case 2: {
      // Doubles of moderate size.
      const exponent = BigInt(0x3ff - 40 + random.below(80)) << 52n;
      return (random.next64() & 0x800f_ffff_ffff_ffffn) | exponent;
    }
    case 3: {
      const single = (): bigint =>
        (BigInt(random.next()) & 0x807f_ffffn) | (BigInt(127 - 20 + random.below(40)) << 23n);
      return single() | (single() << 32n);
    }
    default:
      return random.next64();
  }
}

/** Gives both CPUs the same random state. */
function randomise(rig: Rig, random: Random): void {
  const sides = [rig.reference, rig.fast];
  const set = (offset: number, value: bigint): void => {
    for (const { cpu } of sides) cpu.state.u64[offset >> 3] = value;
  };
  for (let r = 0; r < 32; r++) {
    const pointer = BigInt(RAM + 0x20000 + random.below(0x20000)) & ~(random.below(3) === 0 ? 0n : 15n);
    set(CpuLayout.x + 8 * r, random.below(2) === 0 || r === 31 ? pointer : integer(random));
    set(CpuLayout.v + 16 * r, lanes(random));
    set(CpuLayout.v + 16 * r + 8, lanes(random));
  }
  set(CpuLayout.fpsr, random.below(2) === 0 ? 0n : 0x10n);
  const control = random.below(8);
  set(CpuLayout.fpcr, control === 0 ? BigInt(random.below(32)) << 22n : 0n);
  const nzcv = random.below(16) << 28;
  const from = random.below(0x400) & ~3;
  for (const { cpu } of sides) {
    cpu.state.nzcv = nzcv;
    cpu.state.pc = BigInt(CODE + from);
    cpu.waiting = false;
    cpu.event = false;
  }
}

/** A word of a case, or undefined where no attempt found one. */
function randomWord(id: number, random: Random): number | undefined {
  const entry = cases[id];
  if (entry === undefined) return undefined;
  const encoding = parseEncoding(entry.row.encoding);
  for (let attempt = 0; attempt < 50; attempt++) {
    const values: Record<string, number> = {};
    for (const { name } of encoding.fields) {
      const bits = random.next();
      values[name] = entry.split[name] ?? (random.below(8) === 0 ? -1 : bits);
    }
    // Bits that do not matter stay zero.
    const word = encodeFields(encoding, values);
    if (decode(word)?.caseId === id) return word;
  }
  return undefined;
}

describe('the interpreter against the reference engine', () => {
  const rig = createRig();
  const random = createRandom(0x5eed);
  const start = rig.fast.bytes.slice(0, CpuLayout.size);
  /** Undoes what system instructions did. */
  const restore = (): void => {
    for (const { bytes, cpu } of [rig.reference, rig.fast]) {
      bytes.set(start.subarray(CpuLayout.cells), CpuLayout.cells);
      cpu.state.setMode(1, 1, cpu.spCells);
      cpu.state.daif = 15;
      cpu.state.il = cpu.state.ss = 0;
      cpu.contextChanged();
    }
  };

  it.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const failures: string[] = [];
    for (const entry of cases.filter((c) => c.row === row)) {
      for (let i = 0; i < ENCODINGS && failures.length < 4; i++) {
        const word = randomWord(entry.id, random);
        if (word === undefined) continue;
        restore();
        randomise(rig, random);
        const pc = Number(rig.fast.cpu.state.pc);
        rig.code(pc, word);
        const found = rig.run(1);
        if (found.length > 0) {
          const split = JSON.stringify(entry.split);
          failures.push(
            `${word.toString(16).padStart(8, '0')} ${split} at ${pc.toString(16)}: ${found.slice(0, 4).join('; ')}`,
          );
          resynchronise(rig);
        }
      }
    }
    expect(failures).toEqual([]);
  });

  it('does the integer instructions itself', () => {
    const integers = cases.filter(
      (c) =>
        c.row.gate === undefined &&
        !/^(BRK|HLT|UDF|SVC|HVC|SMC|DCPS|DRPS|ERET|SYS|WFE|MSR|MRS)|unprivileged/.test(c.row.name),
    );
    const before = rig.fast.engine.counters.steps;
    let done = 0;
    for (const { id } of integers) {
      const word = randomWord(id, random);
      if (word === undefined) continue;
      restore();
      randomise(rig, random);
      rig.code(Number(rig.fast.cpu.state.pc), word);
      rig.run(1);
      done++;
    }
    expect((rig.fast.engine.counters.steps - before) / done).toBeLessThan(0.3);
  });
});

/** Makes both sides equal again after a difference. */
function resynchronise(rig: Rig): void {
  rig.fast.bytes.set(rig.reference.bytes.subarray(0, CpuLayout.remaining));
  rig.fast.bytes.set(rig.reference.bytes.subarray(CpuLayout.v, CpuLayout.v + 512), CpuLayout.v);
  rig.fast.bytes.set(rig.reference.bytes.subarray(CpuLayout.cells, CpuLayout.size), CpuLayout.cells);
  rig.fast.ram.set(rig.reference.ram);
  for (const { cpu } of [rig.reference, rig.fast]) cpu.contextChanged();
}
