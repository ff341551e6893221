// Counts of a run: each thing that a guest does is counted once, under its name.

import { expect, test } from 'vitest';

import { countsOf, restoreMachine, virt } from '../src/index.ts';
import { constant, powerOff, running } from './rig.ts';

/** Where the rig puts guests. */
const BASE = 0x4020_0000;
const config = virt({ memory: '8M', seed: 0 });

test('exceptions by class and level, returns, device accesses, TLB maintenance', () => {
  const main = `${constant('x1', BASE + 2048)}
    msr VBAR_EL1, x1
    svc #1
    svc #2
    brk #0
    tlbi VMALLE1
    tlbi VMALLE1IS
    ${constant('x2', 0x0900_0000)}
    mov w3, #0x41
    strb w3, [x2]
    strb w3, [x2]
    ldr w4, [x2, #24]
    ${powerOff}`;
  // The return address of a BRK is its own.
  const handler = `mrs x5, ESR_EL1
    lsr x5, x5, #26
    cmp x5, #0x3c
    b.ne {back}
    mrs x5, ELR_EL1
    add x5, x5, #4
    msr ELR_EL1, x5
    back:
    eret`;
  const nops = (n: number): string => 'nop\n'.repeat(n);
  const vectors = `${nops(512 - main.split('\n').length)}${nops(128)}${handler}`;
  const { machine } = running(config, `${main}\n${vectors}`);
  expect(machine.run(100_000)).toBe('off');
  const { cpus, devices, instructions, now } = countsOf(machine);
  const [cpu] = cpus;
  expect(cpu?.exceptions).toEqual([
    { el: 1, kind: 'SVC', count: 2 },
    { el: 1, kind: 'BRK', count: 1 },
  ]);
  expect(cpu?.returns).toBe(3);
  expect(cpu?.interrupts).toBe(0);
  expect(cpu?.tlb.maintenance).toBe(2);
  expect(cpu?.instructions).toBe(instructions);
  expect(now).toBe(machine.now);
  expect(devices).toEqual([{ name: 'serial UART', reads: 1, writes: 2 }]);
});

test('walks and their references; a restored machine counts from zero', () => {
  const { machine } = running(config, powerOff);
  machine.run(10);
  const before = countsOf(machine);
  expect(before.cpus[0]?.walks.stage1References).toBe(0);
  const again = countsOf(restoreMachine(config, machine.save()));
  expect(again.cpus[0]?.instructions).toBe(0);
  expect(again.instructions).toBe(before.instructions);
});
