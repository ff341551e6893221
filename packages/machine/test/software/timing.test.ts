// Software in TypeScript in timing mode: each of its instructions has a cost, and all engines agree.

import { expect, test } from 'vitest';

import { attachSoftware, createMachine } from '../../src/index.ts';
import { countsOf, engines, machineOf, off, place, software } from './rig.ts';
import { seenCodec, SmallHypervisor } from './small-hypervisor.ts';

const GUEST = `
  mov x20, #50
  movz x1, #0x4030, lsl #16
again:
  hvc #0
  ldr w2, [x1, #4]
  sub x20, x20, #1
  cbnz x20, again
  hvc #1`;

test('all engines come to equal states in timing mode', () => {
  const hashes = engines.map((engine) => {
    const machine = createMachine({
      engine,
      el2: true,
      memory: '8M',
      timing: 'cortex-a57',
      software: [
        attachSoftware('hypervisor', (context, seen) => new SmallHypervisor(context, seen), seenCodec),
      ],
    });
    place(machine, GUEST);
    let end: string;
    do end = machine.run(321);
    while (end === 'budget');
    expect(end).toBe('off');
    return `${machine.instructions} ${machine.now} ${machine.hash()}`;
  });
  expect(new Set(hashes).size).toBe(1);
});

test('work takes its time', () => {
  const time = (work: number): number => {
    const machine = machineOf(
      [
        software('worker', {
          boot: (cpu) => {
            cpu.work(work);
            return off(cpu);
          },
        }),
      ],
      '',
      { timing: 'cortex-a57' },
    );
    expect(machine.run(10)).toBe('off');
    expect(countsOf(machine).work).toBe(work);
    return machine.now;
  };
  const [some, more] = [time(10_000), time(30_000)];
  expect(more - some).toBeGreaterThan(5000);
});
