// The power button: a key on a pin of the PL061, pressed from outside, recorded, and seen by a guest as two interrupts.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { TreeNode } from '@worldswitch/platform';
import { requireTool, run, tempDir } from '@worldswitch/test-tools';

import {
  ConfigurationError,
  createMachine,
  deviceTree,
  restoreMachine,
  unflatten,
  virt,
} from '../src/index.ts';
import type { DeviceConfig, InputRecord, Machine, MachineConfig } from '../src/index.ts';
import { constant, guest, powerOff } from './rig.ts';

/** Waits for both edges of pin 3 and prints what it finds: the level of the pin. X28: how long it was high. */
const GUEST = `
  ${constant('x1', 0x0903_0000)} // GPIO
  ${constant('x2', 0x0800_0000)} // GICD
  ${constant('x3', 0x0801_0000)} // GICC
  ${constant('x4', 0x0900_0000)} // UART
  mov w0, #8
  strb w0, [x1, #0x408] // GPIOIBE
  strb w0, [x1, #0x410] // GPIOIE
  mov w0, #1
  str w0, [x2]
  str w0, [x3]
  mov w0, #0xff
  str w0, [x3, #4]
  mov w0, #0x80
  str w0, [x2, #0x104] // SPI 7
  mov w0, #1
  strb w0, [x2, #0x827]
  mov x20, #2
wait:
  wfi
  ldr w5, [x3, #0xc]
  cmp w5, #39
  b.ne {wait}
  ldrb w6, [x1, #0x20] // GPIODATA, pin 3
  add w6, w6, #0x30
  str w6, [x4]
  mrs x21, cntvct_el0
  sub x28, x21, x22
  mov x22, x21
  mov w0, #8
  strb w0, [x1, #0x41c] // GPIOIC
  str w5, [x3, #0x10]
  sub x20, x20, #1
  cbnz x20, {wait}
  ${powerOff}`;

function machineWith(config: MachineConfig, printed: string[]): Machine {
  const machine = createMachine(config, {
    output: (_device, byte) => printed.push(String.fromCharCode(byte)),
  });
  machine.load({ kernel: guest(GUEST) });
  return machine;
}

const BUDGET = 100_000;
const HALF = 50_000_000;

describe.each(['jit', 'reference'] as const)('%s', (engine) => {
  const config = virt({ memory: '8M', engine });

  test('a press is a pulse of a tenth of a second, and a replay has it at the same time', () => {
    const printed: string[] = [];
    const machine = machineWith(config, printed);
    expect(machine.run(BUDGET)).toBe('idle');
    machine.pass(12_345);
    expect(machine.powerButton()).toBe(true);
    expect(machine.run(BUDGET)).toBe('off');
    expect(printed.join('')).toBe('80');
    // To the tick of 16 ns, and what the guest executes between.
    expect(Math.abs(Number(machine.cpu.state.x(28)) - 100_000_000 / 16)).toBeLessThan(10);

    const again: string[] = [];
    const replayed = machineWith(config, again);
    const records: readonly InputRecord[] = machine.recorded;
    replayed.replay(records);
    expect(replayed.run(BUDGET)).toBe('off');
    expect([replayed.now, replayed.instructions, replayed.hash(), again]).toEqual([
      machine.now,
      machine.instructions,
      machine.hash(),
      printed,
    ]);
  });

  test('a snapshot has the finger on it', () => {
    const printed: string[] = [];
    const machine = machineWith(config, printed);
    machine.run(BUDGET);
    machine.powerButton();
    machine.run(BUDGET, true, HALF);
    expect(printed.join('')).toBe('8');
    const copy = restoreMachine(config, machine.save());
    const [a, b] = [machine, copy].map((m) => [m.run(BUDGET), m.now, m.instructions, m.hash()]);
    expect(a?.[0]).toBe('off');
    expect(b).toEqual(a);
  });
});

test('a board without one says so', () => {
  expect(createMachine({ memory: '4M' }).powerButton()).toBe(false);
});

describe('connections', () => {
  const gpio: DeviceConfig = { name: 'gpio', type: 'pl061', at: 0x0903_0000 };
  const keys: DeviceConfig = {
    name: 'keys',
    type: 'gpio-keys',
    at: [],
    config: {
      keys: [
        { label: 'Power', code: 116 },
        { label: 'Sleep', code: 142 },
      ],
    },
  };
  test.each([
    [
      'a pin that is not there',
      [gpio, { ...keys, connect: { irq: 'gpio.3' } }],
      'devices[1].connect',
      /no pin irq; there are key0/,
    ],
    [
      'a device that comes later',
      [{ ...keys, connect: { key0: 'gpio.3' } }, gpio],
      'devices[0].connect.key0',
      /no device before it has an input gpio\.3; there are none/,
    ],
    [
      'an input that is not there',
      [gpio, { ...keys, connect: { key0: 'gpio.8' } }],
      'devices[1].connect.key0',
      /gpio\.8; there are gpio\.0, /,
    ],
    [
      'no input at all',
      [gpio, { ...keys, connect: { key0: 'gpio' } }],
      'devices[1].connect.key0',
      /gpio; there are/,
    ],
    [
      'two wires to one input',
      [gpio, { ...keys, connect: { key0: 'gpio.3', key1: 'gpio.3' } }],
      'devices[1].connect.key1',
      /gpio\.3 is taken by keys/,
    ],
    [
      'a pin with two wires',
      [gpio, { ...keys, connect: { key0: 'gpio.3' }, interrupts: { key0: 9 } }],
      'devices[1].connect.key0',
      /connected to an interrupt/,
    ],
    [
      'a key without a label',
      [gpio, { ...keys, config: { keys: [{ code: 3 }] } }],
      'keys',
      /keys\[0\]\.label/,
    ],
    ['a setting that is not there', [gpio, { ...keys, config: { buttons: [] } }], 'keys', /config\.buttons/],
  ] as const)('%s', (_name, devices, field, message) => {
    let found: unknown;
    try {
      createMachine({ memory: '4M', devices });
    } catch (thrown) {
      found = thrown;
    }
    expect(found).toBeInstanceOf(ConfigurationError);
    expect((found as ConfigurationError).field).toBe(field);
    expect((found as ConfigurationError).message).toMatch(message);
  });

  test('a board of its own, with the button at another pin', () => {
    const machine = createMachine({
      memory: '4M',
      devices: [gpio, { ...keys, connect: { key1: 'gpio.6', key0: 'gpio.1' } }],
    });
    machine.powerButton();
    machine.run(1);
    expect(machine.board.devices[0]?.device.input?.('1').level).toBe(true);
    expect(machine.board.devices[0]?.device.input?.('6').level).toBe(false);
  });
});

const qemu = requireTool('qemu-system-aarch64');
qemu.test("the tree's nodes are QEMU's", async () => {
  const file = join(tempDir(), 'virt.dtb');
  await run('qemu-system-aarch64', ['-M', `virt,dumpdtb=${file}`, '-nic', 'none', '-display', 'none']);
  const theirs = unflatten(new Uint8Array(readFileSync(file)), 'qemu');
  const ours = unflatten(deviceTree(createMachine(virt({ memory: '8M' })).board, ''), 'ours');
  const find = (root: TreeNode, name: string): TreeNode | undefined =>
    root.children?.find((node) => node.name === name);
  const gpioOf = (root: TreeNode): readonly unknown[] => {
    const { phandle, clocks, ...rest } = find(root, 'pl061@9030000')?.properties ?? {};
    expect(clocks).toBeDefined();
    const key = find(root, 'gpio-keys')?.children?.[0]?.properties ?? {};
    // The controller by its handle, then the pin and no flags.
    const gpios = key['gpios'] as Uint8Array;
    expect(gpios.slice(0, 4)).toEqual(phandle);
    return [
      Object.fromEntries(Object.entries(rest).sort()),
      { ...key, gpios: gpios.slice(4) },
      find(root, 'gpio-keys')?.properties['compatible'],
    ];
  };
  expect(gpioOf(ours)).toEqual(gpioOf(theirs));
});
