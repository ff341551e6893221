// The transport: identification, feature negotiation, status, queue registers, interrupts, reset (Virtio 1.2, 2.1, 3.1, 4.2).

import { expect, test } from 'vitest';

import {
  virtioBlk,
  virtioConsole,
  virtioEmpty,
  virtioNet,
  virtioRng,
  memoryDisk,
} from '@worldswitch/devices';
import { Reset } from '@worldswitch/platform';
import type { Device, Plain } from '@worldswitch/platform';

import { Driver, EventIdx, IndirectDesc, machine, Reg, Status, Version1 } from './driver.ts';
import type { Machine } from './driver.ts';

const seed = new Uint8Array(32);
const rng = (): Driver<ReturnType<typeof virtioRng.create>> => {
  const at = machine();
  return new Driver(virtioRng.create({ seed }, at.wiring), at);
};
const makers: readonly (readonly [string, number, (at: Machine) => Device<Plain>])[] = [
  ['virtio-net', 1, (at) => virtioNet.create({}, at.wiring)],
  ['virtio-blk', 2, (at) => virtioBlk.create({ disk: memoryDisk(new Uint8Array(512)) }, at.wiring)],
  ['virtio-console', 3, (at) => virtioConsole.create({ backend: { write: () => undefined } }, at.wiring)],
  ['virtio-rng', 4, (at) => virtioRng.create({ seed }, at.wiring)],
];

test.each(makers)('%s says that it is device %i', (_, id, make) => {
  const at = machine();
  const driver = new Driver(make(at), at);
  expect(driver.read(Reg.MagicValue)).toBe(0x7472_6976);
  expect(driver.read(Reg.Version)).toBe(2);
  expect(driver.read(Reg.DeviceID)).toBe(id);
  expect(driver.read(Reg.SHMLenLow)).toBe(0xffff_ffff);
});

test('an empty slot has a magic value, device 0, no features and no queues', () => {
  const at = machine();
  const driver = new Driver(virtioEmpty.create({}, at.wiring), at);
  expect([driver.read(Reg.MagicValue), driver.read(Reg.DeviceID)]).toEqual([0x7472_6976, 0]);
  expect(driver.offered()).toEqual([]);
  expect(driver.read(Reg.QueueNumMax)).toBe(0);
  for (const offset of [Reg.Status, Reg.QueueNotify, Reg.QueueReady, Reg.Config]) driver.write(offset, 0xf);
  expect(driver.status & Status.FeaturesOk).toBe(0);
});

test.each(makers)('%s offers indirect descriptors, event indices and version 1', (_, __, make) => {
  const at = machine();
  expect(new Driver(make(at), at).offered()).toEqual(
    expect.arrayContaining([IndirectDesc, EventIdx, Version1]),
  );
});

test('features beyond the second word are none', () => {
  const driver = rng();
  driver.write(Reg.DeviceFeaturesSel, 2);
  expect(driver.read(Reg.DeviceFeatures)).toBe(0);
});

test.each([
  ['without VERSION_1', [IndirectDesc]],
  ['with a feature that was not offered', [Version1, 3]],
  ['with an unknown feature of the second word', [Version1, 60]],
])('FEATURES_OK is refused %s', (_, features) => {
  const driver = rng();
  driver.write(Reg.Status, Status.Acknowledge | Status.Driver);
  driver.take(features);
  driver.write(Reg.Status, Status.Acknowledge | Status.Driver | Status.FeaturesOk);
  expect(driver.status).toBe(Status.Acknowledge | Status.Driver);
  driver.write(Reg.Status, Status.Acknowledge | Status.Driver | Status.DriverOk);
  expect(driver.status & Status.DriverOk).toBe(0);
});

test('features are fixed by FEATURES_OK', () => {
  const driver = rng();
  driver.take([Version1]);
  driver.write(Reg.Status, 0xb);
  driver.take([IndirectDesc]);
  driver.write(Reg.Status, 0xf);
  expect(driver.status).toBe(0xf);
});

test('status bits are cleared by a reset alone, and DEVICE_NEEDS_RESET is not for the driver to set', () => {
  const driver = rng().start();
  driver.write(Reg.Status, Status.Acknowledge | Status.NeedsReset);
  expect(driver.status).toBe(0xf);
  driver.write(Reg.Status, 0);
  expect(driver.status).toBe(0);
});

test('a queue register names the queue that QueueSel says', () => {
  const at = machine();
  const driver = new Driver(virtioNet.create({}, at.wiring), at);
  const most = [0, 1, 2, 3, 0xffff_ffff].map((index) => {
    driver.write(Reg.QueueSel, index);
    return driver.read(Reg.QueueNumMax);
  });
  expect(most).toEqual([256, 256, 256, 0, 0]);
});

test.each([0, 3, 255, 512, 0xffff_ffff])('a queue of %i descriptors asks for a reset', (size) => {
  const driver = rng();
  driver.write(Reg.QueueNum, size);
  driver.write(Reg.QueueReady, 1);
  expect(driver.read(Reg.QueueReady)).toBe(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
  expect(driver.irq).toBe(false); // nobody drives it yet
});

test.each([
  ['descriptors', Reg.QueueDescLow, 8],
  ['an available ring', Reg.QueueDriverLow, 1],
  ['a used ring', Reg.QueueDeviceLow, 2],
  ['descriptors beyond memory of 52 bits', Reg.QueueDescHigh, 0x10_0000],
])('a queue with %s out of place asks for a reset', (what, register, value) => {
  const driver = rng();
  driver.write(Reg.QueueNum, 16);
  driver.write(register, value);
  if (what.includes('52')) driver.write(Reg.QueueDescLow, 0xffff_fff0);
  driver.write(Reg.QueueReady, 1);
  expect(driver.read(Reg.QueueReady)).toBe(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});

test('a ready queue keeps its size and place', () => {
  const driver = rng().start();
  const ring = driver.queue(0);
  driver.write(Reg.QueueSel, 0);
  driver.write(Reg.QueueNum, 4);
  driver.write(Reg.QueueDescLow, 0x8000);
  ring.chain({ at: driver.data, length: 8, writable: true });
  driver.notify(0);
  expect(ring.used()).toEqual([{ id: 0, length: 8 }]);
});

test('a queue that is made not ready is not served', () => {
  const driver = rng().start();
  driver.write(Reg.QueueSel, 0);
  driver.write(Reg.QueueReady, 0);
  driver.queue(0).chain({ at: driver.data, length: 8, writable: true });
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([]);
});

test('nothing is served before DRIVER_OK; what waits then is', () => {
  const driver = rng().prepare();
  driver.queue(0).chain({ at: driver.data, length: 8, writable: true });
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([]);
  driver.write(Reg.Status, 0xf);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 8 }]);
});

test('an interrupt is level until it is acknowledged', () => {
  const driver = rng().start();
  driver.queue(0).chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  expect([driver.irq, driver.read(Reg.InterruptStatus)]).toEqual([true, 1]);
  driver.write(Reg.InterruptACK, 2);
  expect(driver.irq).toBe(true);
  driver.write(Reg.InterruptACK, 1);
  expect([driver.irq, driver.read(Reg.InterruptStatus)]).toEqual([false, 0]);
});

test('a cause that stays when another is acknowledged gives a new edge', () => {
  const driver = rng().start();
  const ring = driver.queue(0);
  ring.chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  ring.offer(99);
  driver.notify(0);
  expect(driver.read(Reg.InterruptStatus)).toBe(3);
  const before = driver.at.on.log.length;
  driver.write(Reg.InterruptACK, 1);
  expect(driver.at.on.log.slice(before)).toEqual(['0 wire irq 0', '0 wire irq 1']);
});

test('a broken queue stops the device: DEVICE_NEEDS_RESET, a configuration interrupt, and a reset mends it', () => {
  const driver = rng().start();
  const ring = driver.queue(0);
  ring.offer(16);
  driver.notify(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
  expect(driver.read(Reg.InterruptStatus)).toBe(2);
  ring.chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  expect(ring.used()).toEqual([]);
  driver.start();
  driver.queue(0).chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 1 }]);
});

test('a mistake before DRIVER_OK is told with DRIVER_OK', () => {
  const driver = rng();
  driver.take([Version1]);
  driver.write(Reg.Status, 0xb);
  driver.write(Reg.QueueReady, 1);
  expect(driver.irq).toBe(false);
  driver.write(Reg.Status, 0xf);
  expect([driver.irq, driver.read(Reg.InterruptStatus)]).toEqual([true, 2]);
});

test('control registers take whole words alone', () => {
  const driver = rng().start();
  driver.write(Reg.Status, 0, 1);
  driver.write(Reg.Status, 0, 2);
  driver.write(Reg.QueueNotify, 0, 1);
  expect(driver.status).toBe(0xf);
});

test('the configuration space is read by bytes, halves and words', () => {
  const at = machine();
  const driver = new Driver(virtioNet.create({}, at.wiring), at);
  expect(Array.from({ length: 6 }, (_, i) => driver.read(Reg.Config + i, 1))).toEqual([
    0x52, 0x54, 0, 0x12, 0x34, 0x56,
  ]);
  expect(driver.read(Reg.Config + 4, 2)).toBe(0x5634);
  expect(driver.read(Reg.Config, 4)).toBe(0x1200_5452);
  expect(driver.read(Reg.Config + 0xfc, 4)).toBe(0);
});

test('a system reset is a reset of the device', () => {
  const driver = rng().start();
  driver.queue(0).chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  for (const phase of [Reset.Enter, Reset.Hold, Reset.Exit]) driver.device.reset(phase);
  expect([driver.status, driver.irq, driver.read(Reg.InterruptStatus)]).toEqual([0, false, 0]);
  driver.write(Reg.QueueSel, 0);
  expect(driver.read(Reg.QueueReady)).toBe(0);
  expect(driver.device.save().queues).toEqual(rng().device.save().queues);
});

test("the tree's node is that of QEMU's virt: coherent, on a rising edge", () => {
  const node = virtioRng.treeNode?.(
    { seed },
    { bases: [0x0a00_0200], interrupt: () => [0, 17, 4], fixedClock: () => 'clock' },
  );
  expect(node).toEqual({
    name: 'virtio_mmio@a000200',
    properties: {
      compatible: 'virtio,mmio',
      reg: [{ u64: 0x0a00_0200 }, { u64: 0x200 }],
      interrupts: [0, 17, 1],
      'dma-coherent': true,
    },
  });
});
