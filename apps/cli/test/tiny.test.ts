// The small kernel's whole run: its own checks, and the same machine at every million instructions, whatever runs it.

import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { tiny } from '@worldswitch/guests';
import {
  createMachine,
  decodeSnapshot,
  encodeSnapshot,
  readKernel,
  restoreMachine,
  virt,
} from '@worldswitch/machine';
import type { Machine, MachineConfig, MachineOptions } from '@worldswitch/machine';

const MILLION = 1_000_000;

async function boot(config: MachineConfig, append: string, options: MachineOptions = {}): Promise<Machine> {
  const machine = createMachine(config, options);
  const kernel = readKernel(new Uint8Array(await readFile(tiny.image)), 'tiny', 0x4000_0000);
  machine.load({ kernel, append });
  return machine;
}

/** The hash at every million instructions, and at the end. */
function hashes(machine: Machine, end = Infinity): string[] {
  const all: string[] = [];
  while (machine.instructions < end) {
    const why = machine.run(MILLION);
    all.push(`${machine.instructions} ${machine.hash()}`);
    if (why === 'off') break;
    expect(why).toBe('budget');
  }
  return all;
}

describe.each([1, 2])('entered at EL%i', (level) => {
  const config: MachineConfig = virt({ memory: '128M', el2: level === 2 });

  test('its self-test and its benchmarks pass', async () => {
    let console = '';
    const machine = await boot(config, 'selftest bench poweroff', {
      output: (_device, byte) => (console += String.fromCharCode(byte)),
    });
    let why = machine.run(MILLION);
    while (why === 'budget') why = machine.run(MILLION);
    expect(why).toBe('off');
    expect(console).toContain(`booting at EL${level}`);
    expect(console).toMatch(/selftest: \d+ ok, 0 failed/);
    expect(console).toMatch(/bench: timer-latency/);
    expect(console).not.toContain('FAILED');
  }, 60_000);

  test('both engines, and a second run, are the same machine at every million instructions', async () => {
    const fast = hashes(await boot({ ...config, engine: 'jit' }, 'selftest poweroff'));
    expect(fast.length).toBeGreaterThan(5);
    expect(hashes(await boot({ ...config, engine: 'jit' }, 'selftest poweroff'))).toEqual(fast);
    expect(hashes(await boot({ ...config, engine: 'reference' }, 'selftest poweroff'))).toEqual(fast);
  }, 120_000);

  test('so is one that is saved and continued in the middle', async () => {
    const whole = hashes(await boot(config, 'selftest poweroff'));
    const first = await boot(config, 'selftest poweroff');
    const before = hashes(first, 3 * MILLION);
    const file = await encodeSnapshot(first.save());
    const after = hashes(restoreMachine(config, await decodeSnapshot(file)));
    expect([...before, ...after]).toEqual(whole);
  }, 60_000);
});
