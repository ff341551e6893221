// The files themselves: the arm64 boot protocol's Image header, and ELF.
import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import {
  arch,
  archElf,
  archImage,
  bench,
  el3,
  fuzz,
  interrupts,
  nano,
  probe,
  rtos,
  smp,
  tiny,
  tinyElf,
  tinyImage,
} from '@worldswitch/guests';

for (const [name, image] of [
  ['tiny', tinyImage],
  ['arch', archImage],
  ['smp', smp.image],
  ['fuzz', fuzz.image],
  ['bench', bench.image],
  ['el3', el3.image],
  ['interrupts', interrupts.image],
  ['nano', nano.image],
  ['probe', probe.image],
  ['rtos', rtos.image],
] as const) {
  test(`${name}.img has an Image header that a loader accepts`, () => {
    const bytes = readFileSync(image);
    expect(bytes.toString('latin1', 56, 60)).toBe('ARM\x64');
    expect(bytes.readBigUInt64LE(8)).toBe(0n); // text_offset
    expect(Number(bytes.readBigUInt64LE(16))).toBeGreaterThanOrEqual(bytes.length);
    expect(bytes.readBigUInt64LE(24) & 7n).toBe(2n); // little endian, 4 KiB pages
  });
}

for (const [guest, elf] of [
  [tiny, tinyElf],
  [arch, archElf],
  [smp, smp.elf],
  [fuzz, fuzz.elf],
  [bench, bench.elf],
  [el3, el3.elf],
  [interrupts, interrupts.elf],
  [nano, nano.elf],
  [probe, probe.elf],
  [rtos, rtos.elf],
] as const) {
  test(`${guest.name}.elf is a static AArch64 program that enters at its physical address`, () => {
    const bytes = readFileSync(elf);
    expect(bytes.toString('latin1', 0, 4)).toBe('\x7fELF');
    expect(bytes.readUInt16LE(16)).toBe(2); // ET_EXEC
    expect(bytes.readUInt16LE(18)).toBe(183); // EM_AARCH64
    const entry = Number(bytes.readBigUInt64LE(24));
    expect(entry).toBeGreaterThanOrEqual(guest.loadAddress);
    expect(entry).toBeLessThan(guest.loadAddress + 0x1000);
  });
}
