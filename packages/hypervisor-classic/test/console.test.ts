// What is typed at a VM that takes nothing: it is kept up to a bound, and what is beyond is counted and told.

import { describe, expect, it } from 'vitest';

import { checkConfig, virt } from '@worldswitch/machine';
import { Current } from '@worldswitch/vmm';

import { ConsoleHub, MOST_TYPED } from '../src/host/console-hub.ts';
import type { HypervisorSetup } from '../src/host/setup.ts';
import { tinyHost } from './tiny.ts';

describe('a console', () => {
  it('keeps what is typed at a VM that takes nothing, up to a bound', async () => {
    const host = await tinyHost([{ append: 'selftest' }, {}]);
    host.machine.run(1_000_000);
    const { multiplexer } = consoleOf(host.hypervisor);
    for (let i = 0; i < MOST_TYPED + 100; i++) multiplexer.typed(0x61);
    const { typed, console } = consoleOf(host.hypervisor).save();
    // Its serial port has room for some.
    expect(typed[0]?.length).toBe(MOST_TYPED);
    expect(console.lost[0]).toBeGreaterThan(0);
    expect(console.lost[0]).toBeLessThanOrEqual(100);
  });

  it('tells what was lost when the VM takes the rest', () => {
    let room = 0;
    const taken: number[] = [];
    const board = checkConfig(virt({ memory: '64M', el2: true }));
    const vm = { name: 'a', board, technique: 'hardware-assisted', base: 0, disks: {} } as const;
    const setup = {
      // Without a serial port of the host's there is nothing to reach.
      host: { ...board, devices: [] },
      vms: [
        { vm, entry: 0, x0: 0 },
        { vm: { ...vm, name: 'b' }, entry: 0, x0: 0 },
      ],
    } as unknown as HypervisorSetup;
    const hub = new ConsoleHub(setup, new Current(), (_vm, _device, bytes) => {
      const take = bytes.subarray(0, room);
      taken.push(...take);
      room -= take.length;
      return take.length;
    });
    const { multiplexer } = hub as unknown as { multiplexer: { typed(byte: number): void } };
    for (let i = 0; i < MOST_TYPED + 7; i++) multiplexer.typed(i & 0x0f);
    expect(hub.save().console.lost).toEqual([7, 0]);
    room = MOST_TYPED - 1;
    hub.offer();
    expect(hub.save().console.lost).toEqual([7, 0]);
    room = 10;
    hub.offer();
    expect(hub.save().console.lost).toEqual([0, 0]);
    expect(taken.length).toBe(MOST_TYPED);
    expect(taken.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i & 0x0f));
  });
});

/** The parts of a host's consoles. */
function consoleOf(hypervisor: object): {
  save(): ReturnType<ConsoleHub['save']>;
  readonly multiplexer: { typed(byte: number): void };
} {
  const { booted } = hypervisor as { booted: { console: unknown } };
  return booted.console as ReturnType<typeof consoleOf>;
}
