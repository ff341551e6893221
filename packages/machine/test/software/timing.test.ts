// Software in TypeScript in timing mode: each of its instructions has a cost, and all engines agree.

import { expect, test } from 'vitest';

import { systemRegister } from '@worldswitch/isa-core';
import type { CostProfile, CpuPort } from '@worldswitch/platform';

import { attachSoftware, costProfiles, createMachine } from '../../src/index.ts';
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

test('an operation costs what its instruction costs, with what is beside it; a call costs what nobody counts', () => {
  const register = systemRegister('TPIDR_EL2');
  const out = { lo: 0, hi: 0 };
  const cycles = (times: number, operation: (cpu: CpuPort) => void, profile: CostProfile): number => {
    const boot = (cpu: CpuPort) => {
      for (let i = 0; i < times; i++) operation(cpu);
      return off(cpu);
    };
    const machine = machineOf([software('worker', { boot })], '', { timing: profile });
    expect(machine.run(10)).toBe('off');
    return (machine.cpus[0]?.counters.spent ?? 0) / 4;
  };
  const each = (operation: (cpu: CpuPort) => void, profile: CostProfile): number =>
    (cycles(20, operation, profile) - cycles(10, operation, profile)) / 10;
  const { 'cortex-a57': a57, unit } = costProfiles;
  const system = (cpu: CpuPort): void => {
    cpu.readSystem(register, out);
  };
  const general = (cpu: CpuPort): void => {
    cpu.readX(1, out);
  };
  const besides = a57.software?.operation.cycles ?? NaN;
  expect(each(system, a57)).toBe(a57.costs.system.cycles + besides);
  expect(each(general, a57)).toBe(a57.costs.integer.cycles + besides);
  expect([each(system, unit), each(general, unit)]).toEqual([1, 1]);
  // The falsifier: with nothing besides, the same call is that much cheaper.
  const { software: none, ...bare } = a57;
  expect(each(system, bare)).toBe(a57.costs.system.cycles);
  expect(cycles(0, system, a57) - cycles(0, system, bare)).toBeGreaterThanOrEqual(none?.call.cycles ?? NaN);
});
