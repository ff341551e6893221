// The timer's event stream on a whole machine: WFE waits until the counter's bit changes, on both engines and across a snapshot.

import { describe, expect, test } from 'vitest';

import { restoreMachine } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';
import { constant, powerOff, running } from './rig.ts';

const engines = ['jit', 'reference'] as const;
const board = (engine: (typeof engines)[number], cpus = 1): MachineConfig => ({
  cpus,
  engine,
  memory: '16M',
});

/** EVNTEN with EVNTI: an event every 2^(bit + 1) ticks of 16 ns. */
const streaming = (bit: number): string => `${constant('x0', 4 | (bit << 4))}\nmsr cntkctl_el1, x0`;

/** Waits `times` times, then X28 is the counter's ticks over all waits but the first. */
const waits = (times: number): string => `
  wfe
  mrs x20, cntvct_el0
  mov x21, #${times}
again:
  wfe
  sub x21, x21, #1
  cbnz x21, {again}
  mrs x22, cntvct_el0
  sub x28, x22, x20
  ${powerOff}`;

describe.each(engines)('%s', (engine) => {
  test('WFE waits until the next transition: a wait is a period, and its waking event lets one more go on', () => {
    const { machine } = running(board(engine), `${streaming(9)}\n${waits(20)}`);
    expect(machine.run(10_000)).toBe('off');
    // The event that ends a wait stays in the event register: every other WFE waits, 1024 ticks.
    expect(machine.cpu.state.x(28)).toBe(10n * 1024n);
    expect(machine.instructions).toBeLessThan(100);
  });

  test('without the stream, WFE waits for ever', () => {
    const { machine } = running(board(engine), waits(1));
    expect(machine.run(10_000)).toBe('idle');
    expect(machine.cpu.waitingForEvent).toBe(true);
  });

  test('a wait goes on while bytes wait for a device that takes none', () => {
    const config = { ...board(engine), devices: [{ name: 'serial', type: 'pl011', at: 0x0900_0000 }] };
    const { machine } = running(config, `${streaming(14)}\n${waits(6)}`);
    machine.type('serial', Uint8Array.of(4));
    expect(machine.run(10_000)).toBe('off');
    expect(machine.pendingInput).toBe(1);
  });

  test('transitions while the CPU executes are one event', () => {
    const { machine } = running(
      board(engine),
      `${streaming(1)}
       mov x1, #1000
      busy:
       sub x1, x1, #1
       cbnz x1, {busy}
       mrs x2, cntkctl_el1
       mov x3, #0
       msr cntkctl_el1, x3
       wfe
       mov x27, #7
       wfe
       mov x27, #8`,
    );
    expect(machine.run(10_000)).toBe('idle');
    expect(machine.cpu.state.x(27)).toBe(7n);
  });

  test('a wait goes on in a restored machine', () => {
    const config = board(engine);
    const { machine } = running(config, `${streaming(12)}\n${waits(6)}`);
    expect(machine.run(10_000, false)).toBe('waiting');
    const copy = restoreMachine(config, machine.save());
    const [a, b] = [machine, copy].map((m) => [m.run(10_000), m.now, m.instructions, m.hash()]);
    expect(a?.[0]).toBe('off');
    expect(b).toEqual(a);
  });
});

test('both engines wait alike, with four CPUs at different bits', () => {
  const start = (n: number): string => `
    ${constant('x0', 0xc400_0003)}
    mov x1, #${n}
    adr x2, {worker}
    mov x3, #${4 | ((6 + n) << 4)}
    hvc #0`;
  const text = `
    ${[1, 2, 3].map(start).join('\n')}
    mov x0, #${4 | (6 << 4)}
  worker:
    msr cntkctl_el1, x0
    mov x21, #40
  again:
    wfe
    mrs x22, cntvct_el0
    eor x23, x22, x23, lsl #1
    sub x21, x21, #1
    cbnz x21, {again}
    mrs x5, mpidr_el1
    tst x5, #3
    b.ne {park}
    ${constant('x21', 0x2_0000)}
  long:
    mrs x22, cntvct_el0
    wfe
    cmp x22, x21
    b.lo {long}
    ${powerOff}
  park:
    wfi
    b {park}`;
  const result = (engine: (typeof engines)[number]): unknown[] => {
    const { machine }: { machine: Machine } = running(board(engine, 4), text);
    return [machine.run(4_000_000), machine.now, machine.instructions, machine.hash()];
  };
  const [jit, reference] = engines.map(result);
  expect(jit?.[0]).toBe('off');
  expect(jit).toEqual(reference);
});
