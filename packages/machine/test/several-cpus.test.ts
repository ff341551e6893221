// Several CPUs: turns, exclusives, events, code that another CPU wrote, PSCI, snapshots; on both engines with equal hashes.

import { describe, expect, test } from 'vitest';

import { createMachine, restoreMachine } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';
import { constant, guest, powerOff, running } from './rig.ts';

const engines = ['jit', 'reference'] as const;
const board = (cpus: number, engine: (typeof engines)[number]): MachineConfig => ({
  cpus,
  engine,
  memory: '16M',
});

/** Starts CPU `n` at a label with X0 = n. */
const start = (n: number, label: string): string => `
  ${constant('x0', 0xc400_0003)}
  mov x1, #${n}
  adr x2, {${label}}
  mov x3, #${n}
  hvc #0
  cbnz x0, {failed}`;

/** The end of a guest: X27 holds what went wrong. */
const ends = `
failed:
  mov x27, #1
done:
  ${powerOff}`;

const until = (machine: Machine, instructions = 4_000_000): string => machine.run(instructions);

describe.each(engines)('%s', (engine) => {
  test('four CPUs count to a sum that no other way than exclusively comes out', () => {
    const rounds = 500;
    const { machine } = running(
      board(4, engine),
      `
      ${[1, 2, 3].map((n) => start(n, 'worker')).join('\n')}
      mov x0, #0
    worker:
      ${constant('x10', 0x4030_0000)}
      mov x11, #${rounds}
    again:
      ldxr x12, [x10]
      add x12, x12, #1
      stxr w13, x12, [x10]
      cbnz w13, {again}
      sub x11, x11, #1
      cbnz x11, {again}
      add x14, x10, #64
    arrive:
      ldaxr x12, [x14]
      add x12, x12, #1
      stlxr w13, x12, [x14]
      cbnz w13, {arrive}
      cbnz x0, {park}
    all:
      ldar x12, [x14]
      cmp x12, #4
      b.ne {all}
      ldr x28, [x10]
      b {done}
    park:
      wfi
      b {park}
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    expect(machine.cpu.state.x(28)).toBe(BigInt(4 * rounds));
  });

  test('a store of another CPU takes the monitor away, whatever its value', () => {
    const { machine } = running(
      board(2, engine),
      `
      ${constant('x10', 0x4030_0000)}
      add x14, x10, #256
      ${start(1, 'other')}
      ldxr x12, [x10]
      mov x15, #1
      stlr x15, [x14]
    wait:
      ldar x15, [x14]
      cmp x15, #2
      b.ne {wait}
      stxr w28, x12, [x10]
      b {done}
    other:
      ${constant('x10', 0x4030_0000)}
      add x14, x10, #256
    go:
      ldar x15, [x14]
      cmp x15, #1
      b.ne {go}
      str xzr, [x10]
      mov x15, #2
      stlr x15, [x14]
    stop:
      wfi
      b {stop}
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    expect(machine.cpu.state.x(28)).toBe(1n);
  });

  test('WFE sleeps until SEV, and until the monitored location changes', () => {
    const { machine } = running(
      board(2, engine),
      `
      ${constant('x10', 0x4030_0000)}
      sevl
      wfe
      ${start(1, 'other')}
      wfe
      mov x26, #1
    look:
      ldaxr x12, [x10]
      cbnz x12, {seen}
      wfe
      b {look}
    seen:
      mov x28, x12
      b {done}
    other:
      ${constant('x10', 0x4030_0000)}
      sev
      mov x11, #20000
    spin:
      sub x11, x11, #1
      cbnz x11, {spin}
      mov x15, #7
      str x15, [x10]
    stop:
      wfi
      b {stop}
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    expect(machine.cpu.state.x(26)).toBe(1n);
    expect(machine.cpu.state.x(28)).toBe(7n);
    // CPU 0 slept while CPU 1 counted: it did not spin.
    expect(machine.instructions).toBeLessThan(60_000);
  });

  test('code that another CPU has written is what is executed', () => {
    const { machine } = running(
      board(2, engine),
      `
      ${constant('x10', 0x4030_0000)}
      ${start(1, 'other')}
      bl {patched}
      mov x26, x20
      mov x15, #1
      stlr x15, [x10]
    wait:
      ldar x15, [x10]
      cmp x15, #2
      b.ne {wait}
      isb
      bl {patched}
      mov x28, x20
      b {done}
    patched:
      mov x20, #1
      ret
    model:
      mov x20, #2
    other:
      ${constant('x10', 0x4030_0000)}
    go:
      ldar x15, [x10]
      cmp x15, #1
      b.ne {go}
      adr x1, {model}
      ldr w2, [x1]
      adr x1, {patched}
      str w2, [x1]
      ic ivau, x1
      mov x15, #2
      stlr x15, [x10]
    stop:
      wfi
      b {stop}
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    expect([machine.cpu.state.x(26), machine.cpu.state.x(28)]).toEqual([1n, 2n]);
  });

  test('PSCI: AFFINITY_INFO, CPU_OFF, CPU_ON again; the last CPU that goes off ends the run', () => {
    const { machine } = running(
      board(2, engine),
      `
      ${affinityInfo}
      mov x21, x0
      ${start(1, 'other')}
      ${affinityInfo}
      mov x22, x0
    wait:
      ${affinityInfo}
      cbz x0, {wait}
      mov x23, x0
      ${start(1, 'other')}
      ${constant('x0', 0x8400_0002)}
      hvc #0
    other:
      ${constant('x0', 0x8400_0002)}
      hvc #0
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    const { state } = machine.cpu;
    expect([state.x(21), state.x(22), state.x(23), state.x(27)]).toEqual([1n, 0n, 1n, 0n]);
  });

  test('an SGI reaches another CPU', () => {
    const { machine } = running(
      board(2, engine),
      `
      ${start(1, 'other')}
      ${constant('x10', 0x4030_0000)}
    wait:
      ldar x15, [x10]
      cbz x15, {wait}
      ${constant('x1', 0x0800_0000)}
      mov w2, #1
      str w2, [x1]
      ${constant('x2', 0x0002_0003)}
      str w2, [x1, #0xf00]
    answer:
      ldr x28, [x10, #8]
      cbz x28, {answer}
      b {done}
    other:
      ${constant('x10', 0x4030_0000)}
      ${constant('x1', 0x0800_0000)}
      mov w2, #0xffff
      str w2, [x1, #0x100]
      ${constant('x1', 0x0801_0000)}
      mov w2, #0xf0
      str w2, [x1, #4]
      mov w2, #1
      str w2, [x1]
      mov x15, #1
      stlr x15, [x10]
      wfi
      ldr w2, [x1, #12]
      str x2, [x10, #8]
    stop:
      wfi
      b {stop}
      ${ends}`,
    );
    expect(until(machine)).toBe('off');
    expect(machine.cpu.state.x(28)).toBe(3n);
  });
});

const affinityInfo = `
  ${constant('x0', 0xc400_0004)}
  mov x1, #1
  mov x2, #0
  hvc #0`;

/** Three CPUs that never end: counting, exclusively, and with stores beside each other. */
const busy = `
  ${start(1, 'worker')}
  ${start(2, 'worker')}
worker:
  ${constant('x10', 0x4030_0000)}
again:
  ldxr x12, [x10]
  add x12, x12, x0
  add x12, x12, #1
  stxr w13, x12, [x10]
  add x20, x20, w13, uxtw
  str x12, [x10, x0, lsl #3]
  b {again}
  ${ends}`;

/** Hashes after every so many instructions. */
function hashes(machine: Machine, pieces: readonly number[]): string[] {
  return pieces.map((n) => {
    machine.run(n);
    return machine.hash();
  });
}

test('both engines, however a run is cut: equal hashes', () => {
  const make = (engine: (typeof engines)[number]): Machine => running(board(3, engine), busy).machine;
  const steps = Array<number>(12).fill(7920);
  const expected = hashes(make('jit'), steps);
  expect(new Set(expected).size).toBe(12);
  expect(hashes(make('reference'), steps)).toEqual(expected);
  const finer = hashes(make('jit'), Array<number>(36).fill(2640));
  expect(finer[35]).toBe(expected[11]);
});

test('saved in the middle of a turn and restored: an equal future', () => {
  const machine = createMachine(board(3, 'jit'));
  machine.load({ kernel: guest(busy) });
  machine.run(33_333);
  const twin = restoreMachine(board(3, 'reference'), machine.save());
  machine.run(41_111);
  twin.run(41_111);
  expect(twin.hash()).toBe(machine.hash());
  expect(() => restoreMachine(board(2, 'jit'), machine.save())).toThrow(/another board/);
});
