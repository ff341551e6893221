// The entropy device: ChaCha20's key stream (RFC 8439), its position, and that runs repeat (Virtio 1.2, 5.4).

import { expect, test } from 'vitest';

import { virtioRng } from '@worldswitch/devices';

import { Driver, machine } from './driver.ts';
import type { Machine } from './driver.ts';

const start = (seed: Uint8Array, at: Machine = machine()): Driver<ReturnType<typeof virtioRng.create>> =>
  new Driver(virtioRng.create({ seed }, at.wiring), at).start();
const take = (driver: Driver<ReturnType<typeof virtioRng.create>>, length: number): number[] => {
  driver.queue(0).chain({ at: driver.data, length, writable: true });
  driver.notify(0);
  return driver.get(driver.data, length);
};
const hex = (bytes: readonly number[]): string => bytes.map((b) => b.toString(16).padStart(2, '0')).join('');

test('the stream is ChaCha20 of the seed (RFC 8439, A.1: test vectors 1 and 2)', () => {
  const bytes = take(start(new Uint8Array(32)), 128);
  expect(hex(bytes.slice(0, 64))).toBe(
    '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
      'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
  );
  expect(hex(bytes.slice(64))).toBe(
    '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed' +
      '29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
  );
});

test('the stream does not depend on how it is taken', () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => 3 * i);
  const [one, two] = [start(seed), start(seed)];
  expect([...take(one, 7), ...take(one, 100), ...take(one, 1), ...take(one, 92)]).toEqual(take(two, 200));
});

test('another seed gives another stream', () => {
  expect(take(start(new Uint8Array(32).fill(1)), 32)).not.toEqual(take(start(new Uint8Array(32)), 32));
});

test('a reset does not give the same entropy again', () => {
  const driver = start(new Uint8Array(32));
  const first = take(driver, 32);
  driver.start();
  expect(take(driver, 32)).not.toEqual(first);
});

test('a restored device goes on where the stream was', () => {
  const driver = start(new Uint8Array(32));
  take(driver, 33);
  const at = machine(0, driver.at);
  const state = virtioRng.state.parse(driver.device.save(), 1);
  const copy = new Driver(virtioRng.create({ seed: new Uint8Array(32) }, at.wiring, state), at);
  const next = take(driver, 40);
  const ring = driver.queue(0);
  // The copy's driver has the same rings in its own memory.
  at.memory.set(driver.at.memory.subarray(ring.descriptors, ring.device), ring.descriptors);
  copy.notify(0);
  expect(copy.get(driver.data, 40)).toEqual(next);
});

test('a long buffer is filled in part, and the driver is told how much', () => {
  const at = machine(0x10_0000);
  const driver = start(new Uint8Array(32), at);
  driver.queue(0).chain({ at: driver.data, length: 0x8_0000, writable: true });
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 0x1_0000 }]);
});

test('a buffer that may not be written gets nothing', () => {
  const driver = start(new Uint8Array(32));
  driver.queue(0).chain({ at: driver.data, length: 16 });
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 0 }]);
});
