// What comes from outside is recorded with its virtual time; replayed, it gives the same run to the last register.

import { expect, test } from 'vitest';

import { createMachine, rawKernel, virt } from '../src/index.ts';
import type { InputRecord, Machine } from '../src/index.ts';
import { constant, guest, powerOff } from './rig.ts';

const UART = 0x0900_0000;

/** Echoes what comes in, sometimes after a rest in which the FIFO fills. */
const ECHO = `
  ${constant('x1', UART)}
  mov w0, #0x70
  str w0, [x1, #0x2c] // UARTLCR_H: 8 bits, FIFOs
  mov w0, #0x301
  str w0, [x1, #0x30]
again:
  add x5, x5, #1
  and x6, x5, #0x3ff
  cbnz x6, {poll}
  movz x7, #0x4000
rest:
  sub x7, x7, #1
  cbnz x7, {rest}
poll:
  ldr w0, [x1, #0x18]
  tbnz w0, #4, {again}
  ldr w0, [x1]
  str w0, [x1]
  b {again}`;

function machineWith(printed: number[]): Machine {
  const machine = createMachine(virt({ memory: '8M' }), { output: (_device, byte) => printed.push(byte) });
  machine.load({ kernel: guest(ECHO) });
  return machine;
}

test('a typed session and its replay, cut into other pieces', () => {
  const printed: number[] = [];
  const live = machineWith(printed);
  const hashes: string[] = [];
  for (let i = 0; i < 40; i++) {
    if (i % 3 !== 2) live.type('serial', new Uint8Array(1 + ((i * 37) % 90)).fill(0x41 + (i % 26)));
    live.run(20_000);
    hashes.push(live.hash());
  }
  live.run(20_000_000);
  expect(live.pendingInput).toBe(0);
  expect(printed.length).toBe(live.recorded.reduce((sum, r) => sum + r.bytes.length, 0));

  // The record is plain data.
  const plain = JSON.stringify(live.recorded.map((r) => ({ ...r, bytes: [...r.bytes] })));
  const records = (JSON.parse(plain) as { at: number; device: string; bytes: number[] }[]).map(
    (r): InputRecord => ({ ...r, bytes: Uint8Array.from(r.bytes) }),
  );
  const again: number[] = [];
  const replayed = machineWith(again);
  replayed.replay(records);
  for (const hash of hashes) {
    for (const piece of [1, 7321, 12_678]) replayed.run(piece);
    expect(replayed.hash()).toBe(hash);
  }
  replayed.run(20_000_000);
  expect(again).toEqual(printed);
  expect(replayed.hash()).toBe(live.hash());
});

/** Prints, and notes in x10 which instruction the receive interrupt came before. */
const INTERRUPTED = `
  b {main}
  ${'nop\n'.repeat(0x280 / 4 - 1)}
  mrs x10, elr_el1
  ${powerOff}
main:
  ${constant('x1', 0x4020_0000)}
  msr vbar_el1, x1
  ${constant('x1', 0x0800_0000)}
  mov w2, #1
  str w2, [x1]
  mov w3, #2
  str w3, [x1, #0x104]
  ${constant('x1', 0x0801_0000)}
  mov w3, #0xf0
  str w3, [x1, #4]
  str w2, [x1]
  ${constant('x1', UART)}
  mov w3, #0x10
  str w3, [x1, #0x38]
  ${constant('w3', 0x301)}
  str w3, [x1, #0x30]
  msr daifclr, #2
  mov w0, #0x41
  nop
  str w0, [x1]
  add x4, x4, #1
again:
  add x5, x5, #1
  b {again}`;

test.each([
  { engine: 'jit' as const },
  { engine: 'reference' as const },
  { engine: 'jit' as const, nanosecondsPerInstruction: 3 },
])('typed in the middle of a run: the replay interrupts the same instruction: %o', (more) => {
  const live: Machine = createMachine(virt({ memory: '8M', ...more }), {
    output: () => {
      live.type('serial', Uint8Array.of(1));
    },
  });
  live.load({ kernel: guest(INTERRUPTED) });
  expect(live.run(100_000)).toBe('off');
  const replayed = createMachine(virt({ memory: '8M', ...more }));
  replayed.load({ kernel: guest(INTERRUPTED) });
  replayed.replay(live.recorded);
  expect(replayed.run(100_000)).toBe('off');
  expect([replayed.cpu.state.x(10), replayed.now]).toEqual([live.cpu.state.x(10), live.now]);
  expect(replayed.hash()).toBe(live.hash());
});

test('a machine that keeps no record takes the same bytes', () => {
  const printed: number[] = [];
  const machine = createMachine(virt({ memory: '8M' }), {
    record: false,
    output: (_device, byte) => printed.push(byte),
  });
  machine.load({ kernel: guest(ECHO) });
  machine.type('serial', Uint8Array.of(1, 2, 3));
  machine.run(1_000_000);
  expect([printed, machine.recorded]).toEqual([[1, 2, 3], []]);
});

test('bytes for a device that is not there', () => {
  const machine = createMachine(virt({ memory: '8M' }));
  machine.load({ kernel: rawKernel(new Uint8Array(64), 0x4020_0000) });
  expect(() => {
    machine.type('modem', Uint8Array.of(1));
  }).toThrow(/modem/);
});
