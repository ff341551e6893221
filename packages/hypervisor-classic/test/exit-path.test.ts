// What an exit costs the engine, without a clock: the hypervisor's vector is entered at once, and not found by a fetch that fails.

import { expect, it, vi } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { rawKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

const AT = 0x4020_0000;
const READS = 5000;
const { words } = assembleProgram(
  `movz x1, #${READS}
   mrs x0, SP_EL0
   sub x1, x1, #1
   cbnz x1, ${AT + 4}
   movz w0, #0x8400, lsl #16
   movk w0, #8
   hvc #0`,
  AT,
);

/** Exits, instructions, and of the engine: fetches that missed and times that its loop was entered. */
function counted(isFound: boolean) {
  const host = createHost(
    {
      board: virt({ memory: '64M' }),
      technique: 'trap-and-emulate',
      vms: [{ name: 'guest', board: virt({ memory: '32M' }) }],
    },
    { guest: { kernel: rawKernel(new Uint8Array(words.buffer), AT) } },
  );
  const { machine } = host;
  const { software } = machine.cpu;
  if (!isFound && software) vi.spyOn(software, 'isLikely', 'get').mockReturnValue(false);
  const ledger = new Ledger();
  host.keepLedger(ledger);
  expect(machine.run(10_000_000)).toBe('off');
  const [engine] = machine.engines;
  const { counters } = engine as unknown as { counters: { fetchMisses: number; entries: number } };
  return { exits: ledger.length, instructions: machine.instructions, ...counters };
}

it('an exit enters the software at its vector without a miss, and counts and results are those of finding it', () => {
  const [at, found] = [counted(true), counted(false)];
  expect(at.exits).toBeGreaterThan(READS);
  expect(at.fetchMisses).toBeLessThan(at.exits / 100);
  expect(found.fetchMisses).toBeGreaterThan(found.exits * 0.9);
  expect(at.entries).toBeLessThan(found.entries * 0.7);
  expect([at.exits, at.instructions]).toEqual([found.exits, found.instructions]);
});
