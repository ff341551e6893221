// Random encodings of the instruction table's cases, and random states of the CPU to execute them in.

import { CpuLayout, cases, decode, encodeFields, parseEncoding } from '@worldswitch/isa-core';

import type { Random } from './random.ts';
import { RAM } from './rig.ts';
import type { Rig } from './rig.ts';

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

/** Gives both CPUs the same random state, and a PC. */
export function randomise(rig: Rig, random: Random, pc: number): void {
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
  for (const { cpu } of sides) {
    cpu.state.nzcv = nzcv;
    cpu.state.pc = BigInt(pc);
    cpu.waiting = false;
    cpu.event = false;
  }
}

/** A word of a case, or undefined where no attempt found one. */
export function randomWord(id: number, random: Random): number | undefined {
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

/** Undoes what system instructions did: both CPUs at EL1 with the system registers of `start`, a copy of a CPU's block. */
export function restore(rig: Rig, start: Uint8Array): void {
  for (const { bytes, cpu } of [rig.reference, rig.fast]) {
    bytes.set(start.subarray(CpuLayout.cells), CpuLayout.cells);
    cpu.state.setMode(1, 1, cpu.spCells);
    cpu.state.daif = 15;
    cpu.state.il = cpu.state.ss = 0;
    cpu.contextChanged();
  }
}

/** Makes both sides equal again after a difference. */
export function resynchronise(rig: Rig): void {
  rig.fast.bytes.set(rig.reference.bytes.subarray(0, CpuLayout.remaining));
  rig.fast.bytes.set(rig.reference.bytes.subarray(CpuLayout.v, CpuLayout.v + 512), CpuLayout.v);
  rig.fast.bytes.set(rig.reference.bytes.subarray(CpuLayout.cells, CpuLayout.size), CpuLayout.cells);
  rig.fast.ram.set(rig.reference.ram);
  for (const { cpu } of [rig.reference, rig.fast]) cpu.contextChanged();
}
