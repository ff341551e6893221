// The conformance kit over every virtio device. Its fuzzer seldom reaches a live queue: fuzz.test.ts does.

import { describe, expect, test } from 'vitest';

import {
  memoryDisk,
  overlay,
  virtioBlk,
  virtioConsole,
  virtioEmpty,
  virtioNet,
  virtioRng,
} from '@worldswitch/devices';
import { alone } from '@worldswitch/platform';
import { conformance } from '@worldswitch/testkit';

import { echo } from './peers.ts';

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
const contents = Uint8Array.from({ length: 64 * 512 }, (_, i) => i >>> 9);

describe('a virtio-blk', () => {
  const config = () => ({ disk: memoryDisk(contents), serial: 'WS0', latency: 1000 });
  for (const { name, run } of conformance(virtioBlk, { config })) test(name, run);
});

describe('a read-only virtio-blk', () => {
  const config = () => ({ disk: overlay(memoryDisk(contents), true) });
  for (const { name, run } of conformance(virtioBlk, { config, runs: 2 })) test(name, run);
});

describe('a virtio-net', () => {
  for (const { name, run } of conformance(virtioNet, { config: () => ({ peer: echo(100), mtu: 1500 }) }))
    test(name, run);
});

describe('a virtio-net with nothing at its cable', () => {
  for (const { name, run } of conformance(virtioNet, { config: () => ({}), runs: 2 })) test(name, run);
});

describe('a virtio-console', () => {
  const checks = conformance(virtioConsole, {
    config: (on) => ({
      backend: {
        write: (byte) => {
          on.note(`sent ${byte}`);
        },
      },
    }),
    stimuli: [
      (device, random) => {
        device.receive(Uint8Array.from({ length: random.below(5) }, () => random.below(256)));
      },
    ],
  });
  for (const { name, run } of checks) test(name, run);
});

describe('a virtio-console of three ports', () => {
  const backend = { write: () => undefined };
  const config = () => ({
    backend,
    ports: [
      { backend, name: 'channel' },
      { backend, console: true },
    ],
  });
  for (const { name, run } of conformance(virtioConsole, { config, runs: 4 })) test(name, run);
});

describe('a virtio-rng', () => {
  for (const { name, run } of conformance(virtioRng, { config: () => ({ seed }) })) test(name, run);
});

describe('an empty slot', () => {
  for (const { name, run } of conformance(virtioEmpty, { config: () => ({}) })) test(name, run);
});

test.each([
  ['a short seed', () => virtioRng, { seed: new Uint8Array(31) }, /seed must have 32 bytes/],
  ['a group address', () => virtioNet, { mac: Uint8Array.of(1, 2, 3, 4, 5, 6) }, /one station/],
  ['an MTU of 67', () => virtioNet, { mtu: 67 }, /mtu must be 68/],
  ['a long serial', () => virtioBlk, { disk: memoryDisk(contents), serial: 'x'.repeat(21) }, /at most 20/],
  ['a negative latency', () => virtioBlk, { disk: memoryDisk(contents), latency: -1 }, /latency/],
] as const)('%s is refused', (_, type, config, message) => {
  const made = type() as { create(config: unknown, wiring: unknown): unknown };
  expect(() => made.create(config, alone())).toThrow(message);
});
