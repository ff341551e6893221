// Push buttons: conformance, and how long a press lasts.

import { describe, expect, test } from 'vitest';

import { gpioKeys } from '@worldswitch/devices';
import type { GpioKey, GpioKeys, GpioKeysConfig, GpioKeysState } from '@worldswitch/devices';
import { bench, conformance } from '@worldswitch/testkit';

const keys: readonly GpioKey[] = [
  { label: 'Power', code: 116 },
  { label: 'Sleep', code: 142 },
];

describe('buttons', () => {
  const checks = conformance(gpioKeys, {
    config: () => ({ keys }),
    stimuli: [
      (device, r) => {
        device.receive(Uint8Array.of(r.below(4)));
      },
    ],
  });
  for (const { name, run } of checks) test(name, run);
});

const made = (state?: GpioKeysState, now = 0): { on: ReturnType<typeof bench>; device: GpioKeys } => {
  const on = bench({ now });
  return { on, device: gpioKeys.create({ keys }, on, state) };
};

test('a press lasts a tenth of a second of virtual time, and another press that much longer', () => {
  const { on, device } = made();
  device.press(0);
  expect(on.levels).toEqual({ key0: true, key1: false });
  on.clock.advanceTo(50_000_000);
  device.press(0);
  on.clock.advanceTo(149_999_999);
  expect(on.levels['key0']).toBe(true);
  on.clock.advanceTo(150_000_000);
  expect(on.levels['key0']).toBe(false);
});

test('a button that is down goes up in a restored copy', () => {
  const { device } = made();
  device.press(1);
  const copy = made(device.save(), 10);
  expect(copy.on.levels).toEqual({ key0: false, key1: true });
  copy.on.clock.advanceTo(100_000_000);
  expect(copy.on.levels['key1']).toBe(false);
});

test('a button is found by its code', () => {
  const { device } = made();
  expect([116, 142, 1].map((code) => device.find(code))).toEqual([0, 1, -1]);
});

test('its node has the buttons that are connected, and which pins they are on', () => {
  const node = gpioKeys.treeNode?.(
    { keys },
    {
      bases: [],
      interrupt: () => [],
      fixedClock: () => '',
      connection: (pin) => (pin === 'key1' ? { label: 'gpio', input: '5' } : undefined),
    },
  );
  expect(node?.children).toEqual([
    { name: 'key-1', properties: { label: 'Sleep', 'linux,code': [142], gpios: [{ ref: 'gpio' }, 5, 0] } },
  ]);
});

test.each([
  [{ keys: [] }, 'keys must be a list of 1 to 8'],
  [{ keys: 'power' }, 'keys must be a list of 1 to 8'],
  [{ keys: [null] }, 'keys[0].label'],
  [{ keys: [{ label: 'Power', code: 0 }] }, 'keys[0].code must be 1 to 767'],
  [{ keys: [keys[0], keys[0]] }, 'keys[1].label'],
])('refuses %j', (config, complaint) => {
  expect(() => gpioKeys.create(config as GpioKeysConfig, bench())).toThrow(complaint);
});
