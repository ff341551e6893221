// Settings of virtio devices in a board's configuration: what each does, and what is refused.

import { describe, expect, test } from 'vitest';

import { memoryDisk } from '@worldswitch/devices';
import { requester } from '@worldswitch/platform';
import type { Pa } from '@worldswitch/platform';

import { ConfigurationError, createMachine, restoreMachine, virt } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';

const BLOCK = 0x0a00_3e00;
const board = (type: string, config: Readonly<Record<string, unknown>>): MachineConfig =>
  virt({ memory: '8M', virtio: [{ name: 'it', type, config }] });
const made = (
  type: string,
  config: Readonly<Record<string, unknown>>,
  output?: (device: string, byte: number) => void,
): Machine =>
  createMachine(board(type, config), {
    disks: { it: memoryDisk(new Uint8Array(8192)) },
    ...(output && { output }),
  });
/** What the guest reads of the device's first block. */
const read = (machine: Machine, offset: number, width: 1 | 2 | 4): number =>
  machine.bus.read((BLOCK + offset) as Pa, width, requester());

describe('a network card', () => {
  test('mtu and up', () => {
    const machine = made('virtio-net', { mtu: 1280, up: false, mac: '52:54:00:00:00:09' });
    expect([read(machine, 0x105, 1), read(machine, 0x106, 2), read(machine, 0x10a, 2)]).toEqual([9, 0, 1280]);
    expect(read(made('virtio-net', {}), 0x106, 2)).toBe(1);
  });
});

describe('a console', () => {
  const ports = [{ name: 'org.example.agent' }, { console: true }];

  test('ports have channels of their own, in and out', () => {
    const machine = made('virtio-console', { columns: 132, rows: 50, ports });
    expect([read(machine, 0x100, 2), read(machine, 0x102, 2), read(machine, 0x104, 4)]).toEqual([132, 50, 3]);
    for (const name of ['it', 'it.1', 'it.2']) machine.type(name, Uint8Array.of(1, 2));
    expect(() => {
      machine.type('it.3', Uint8Array.of(1));
    }).toThrow(/it\.3/);
    // What nobody has taken is in the snapshot.
    expect(restoreMachine(board('virtio-console', { ports }), machine.save()).pendingInput).toBe(6);
  });

  test('an emergency write comes out', () => {
    const printed: string[] = [];
    const machine = made('virtio-console', { ports }, (device, byte) => printed.push(`${device} ${byte}`));
    machine.bus.write((BLOCK + 0x108) as Pa, 4, 65, requester());
    expect(printed).toEqual(['it 65']);
  });
});

test.each([
  ['virtio-blk', { latency: 1.5 }, /config\.latency: must be a whole number/],
  ['virtio-blk', { latency: -1 }, /latency/],
  ['virtio-net', { mtu: 67 }, /mtu must be 68/],
  ['virtio-net', { up: 'yes' }, /config\.up: must be true or false/],
  ['virtio-net', { speed: 1 }, /config\.speed: there is no such setting; there are mac, mtu, up/],
  ['virtio-console', { columns: '80' }, /config\.columns: must be a whole number/],
  ['virtio-console', { ports: {} }, /config\.ports: must be a list/],
  ['virtio-console', { ports: [7] }, /config\.ports\[0\]: must be a record/],
  ['virtio-console', { ports: [{ nam: 'a' }] }, /config\.ports\[0\]\.nam: there is no such setting/],
  ['virtio-console', { ports: [{ name: 1 }] }, /config\.ports\[0\]\.name: must be a text/],
  ['virtio-console', { ports: [{ console: 1 }] }, /config\.ports\[0\]\.console: must be true or false/],
  ['virtio-console', { ports: Array.from({ length: 16 }, () => ({})) }, /ports/],
])('%s refuses %o', (type, config, message) => {
  expect(() => made(type, config)).toThrow(ConfigurationError);
  expect(() => made(type, config)).toThrow(message);
});
