// Kernels of a few pages that print what they came to, natively and from the translation cache.

import { expect } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, rawKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../../src/index.ts';
import type { Host, TrapAndEmulate, TrapHostDescription } from '../../src/index.ts';

/** Where they are. */
export const AT = 0x4020_0000;
/** Attributes, TCR_EL1 of both halves, and the table of the lower one at 0x4000 from the beginning, which is X19. */
export const TRANSLATION = `
  movz x19, #0x4020, lsl #16
  movz x0, #0x04ff
  msr mair_el1, x0
  movz x0, #0x3519
  movk x0, #0xb559, lsl #16
  msr tcr_el1, x0
  add x0, x19, #0x4, lsl #12
  msr ttbr0_el1, x0
`;
/** The MMU is on. */
export const MMU_ON = `
  tlbi vmalle1
  dsb ish
  isb
  mrs x0, sctlr_el1
  orr x0, x0, #1
  msr sctlr_el1, x0
  isb
`;
/** X20 in hexadecimal, and off. */
export const END = `
  movz x9, #0x0900, lsl #16
  mov x10, #8
digit:
  ror w20, w20, #28
  and w11, w20, #15
  add w11, w11, #0x30
  str w11, [x9]
  sub x10, x10, #1
  cbnz x10, digit
  movz w0, #0x8400, lsl #16
  movk w0, #8
  hvc #0
`;

/** An image of parts by their offsets. */
export function imageOf(parts: Readonly<Record<number, string | readonly bigint[]>>): Uint8Array {
  const image = new Uint8Array(0x1_0000);
  for (const [offset, part] of Object.entries(parts)) {
    const words =
      typeof part === 'string' ? assembleProgram(part, AT + Number(offset)).words : BigUint64Array.from(part);
    image.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), Number(offset));
  }
  return image;
}

/** What it prints on the bare machine. */
export function natively(image: Uint8Array, cpus = 1): string {
  let output = '';
  const machine = createMachine(virt({ memory: '32M', cpus }), {
    output: (_, byte) => {
      output += String.fromCharCode(byte);
    },
  });
  machine.load({ kernel: rawKernel(image, AT) });
  expect(machine.run(1_000_000), machine.report()).toBe('off');
  return output;
}

/** What it prints from the cache, and of a cause how many exits there were, and by how many of the hypervisor's instructions each. */
export function translated(
  image: Uint8Array,
  how: Pick<TrapHostDescription, 'shadow' | 'inline'> = {},
  cpus = 1,
): {
  output: string;
  exits: (cause: string) => number;
  each: (cause: string) => number;
  host: Host<TrapAndEmulate>;
} {
  let output = '';
  const host = createHost(
    {
      board: virt({ memory: '96M', cpus }),
      technique: 'binary-translation',
      ...how,
      vms: [{ name: 'small', board: virt({ memory: '32M', cpus }) }],
    },
    { small: { kernel: rawKernel(image, AT) } },
    {
      output: (_, byte) => {
        output += String.fromCharCode(byte);
      },
    },
  );
  const ledger = new Ledger();
  host.keepLedger(ledger);
  expect(host.machine.run(5_000_000), host.machine.report()).toBe('off');
  const totalOf = (of: string) => ledger.totals().find(({ cause }) => cause === of);
  const exits = (of: string): number => totalOf(of)?.exits ?? 0;
  const each = (of: string): number => (totalOf(of)?.instructions ?? 0) / exits(of);
  return { output: output.trim(), exits, each, host };
}

/** Memory of the image, and where it is a table. */
export const page = (offset: number): bigint => BigInt(AT + offset) | 0xf03n;
