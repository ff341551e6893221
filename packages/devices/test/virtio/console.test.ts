// The console (Virtio 1.2, 5.3): characters out and in, size, emergency writes.

import { expect, test } from 'vitest';

import { virtioConsole } from '@worldswitch/devices';

import { Driver, machine, Reg, Status } from './driver.ts';

const RECEIVE = 0;
const TRANSMIT = 1;

function start(columns?: number, rows?: number) {
  const at = machine();
  const sent: number[] = [];
  let ready = 0;
  const backend = {
    write: (byte: number) => void sent.push(byte),
    ready: () => {
      ready++;
    },
  };
  const size = columns === undefined || rows === undefined ? {} : { columns, rows };
  const driver = new Driver(virtioConsole.create({ backend, ...size }, at.wiring), at);
  return { driver, sent, readies: () => ready };
}
const text = (of: string): number[] => [...new TextEncoder().encode(of)];

test('what the driver sends comes out, of all buffers in order', () => {
  const { driver, sent } = start();
  driver.start();
  const { data } = driver;
  driver.queue(TRANSMIT).chain(driver.put(data, text('Hello, ')), driver.put(data + 64, text('world')));
  driver.queue(TRANSMIT).chain(driver.put(data + 128, text('\n')));
  driver.notify(TRANSMIT);
  expect(sent).toEqual(text('Hello, world\n'));
  expect(
    driver
      .queue(TRANSMIT)
      .used()
      .map(({ length }) => length),
  ).toEqual([0, 0]);
  expect(driver.irq).toBe(true);
});

test('a long buffer comes out whole', () => {
  const { driver, sent } = start();
  driver.start();
  driver.queue(TRANSMIT).chain(driver.put(driver.data, new Uint8Array(10_000).fill(0x2e)));
  driver.notify(TRANSMIT);
  expect(sent.length).toBe(10_000);
});

test('nothing is received without a buffer, and no more than the buffers hold', () => {
  const { driver, readies } = start();
  expect([driver.device.canReceive(), driver.device.receive(Uint8Array.from(text('a')))]).toEqual([0, 0]);
  driver.start();
  expect(driver.device.receive(Uint8Array.from(text('a')))).toBe(0);
  const { data } = driver;
  driver.queue(RECEIVE).chain({ at: data, length: 4, writable: true });
  driver.queue(RECEIVE).chain({ at: data + 16, length: 3, writable: true });
  const before = readies();
  driver.notify(RECEIVE);
  expect(readies()).toBe(before + 1);
  expect(driver.device.canReceive()).toBeGreaterThan(0);
  expect(driver.irq).toBe(false);
  expect(driver.device.receive(Uint8Array.from(text('typed by hand')))).toBe(7);
  expect([driver.get(data, 4), driver.get(data + 16, 3)]).toEqual([text('type'), text('d b')]);
  expect(driver.queue(RECEIVE).used()).toEqual([
    { id: 0, length: 4 },
    { id: 1, length: 3 },
  ]);
  expect(driver.irq).toBe(true);
});

test('a buffer that is not filled is given back with what it has', () => {
  const { driver } = start();
  driver.start();
  driver.queue(RECEIVE).chain({ at: driver.data, length: 4096, writable: true });
  expect(driver.device.receive(Uint8Array.from(text('x')))).toBe(1);
  expect(driver.queue(RECEIVE).used()).toEqual([{ id: 0, length: 1 }]);
  expect(driver.device.canReceive()).toBe(0);
});

test('looking whether something can be received takes nothing', () => {
  const { driver } = start();
  driver.start();
  driver.queue(RECEIVE).chain({ at: driver.data, length: 4, writable: true });
  for (let i = 0; i < 3; i++) expect(driver.device.canReceive()).toBe(4);
  expect(driver.device.receive(Uint8Array.from(text('abcd')))).toBe(4);
});

test('a receive queue that is malformed breaks when it is looked at', () => {
  const { driver } = start();
  driver.start();
  driver.queue(RECEIVE).offer(99);
  expect(driver.device.canReceive()).toBe(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});

test('a buffer to receive into that may not be written breaks the queue', () => {
  const { driver } = start();
  driver.start();
  driver.queue(RECEIVE).chain({ at: driver.data, length: 4 });
  expect(driver.device.receive(Uint8Array.from(text('x')))).toBe(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});

test('the size is told', () => {
  const { driver } = start(132, 43);
  expect([driver.read(Reg.Config, 2), driver.read(Reg.Config + 2, 2)]).toEqual([132, 43]);
  expect(driver.offered()).toContain(0);
  expect(() => start(-1, 3)).toThrow('columns must be 0 to 65535');
});

test('an emergency write comes out before there is a driver', () => {
  const { driver, sent } = start();
  driver.write(Reg.Config + 8, 0x21);
  driver.write(Reg.Config + 8, 0x3f, 1);
  driver.write(Reg.Config + 9, 0x78, 1);
  expect(sent).toEqual([0x21, 0x3f]);
});
