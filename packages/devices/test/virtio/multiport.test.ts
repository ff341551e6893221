// A console with several ports: the conversation of the control queues, and characters of each port (Virtio 1.2, 5.3.6.2).

import { expect, test } from 'vitest';

import { virtioConsole } from '@worldswitch/devices';
import type { VirtioConsolePort } from '@worldswitch/devices';
import { alone } from '@worldswitch/platform';

import { Driver, machine, Reg, Version1 } from './driver.ts';

const ControlReceive = 2;
const ControlTransmit = 3;
const Multiport = 1;
const Event = { DeviceReady: 0, PortAdd: 1, PortReady: 3, ConsolePort: 4, PortOpen: 6, PortName: 7 } as const;

function start(features?: readonly number[]) {
  const at = machine();
  const sent: string[] = [];
  const backend = (port: number) => ({
    write: (byte: number) => void sent.push(`${port}:${String.fromCharCode(byte)}`),
    ready: () => void sent.push(`${port} ready`),
  });
  const ports: VirtioConsolePort[] = [
    { backend: backend(1), name: 'org.example.0' },
    { backend: backend(2), console: true },
  ];
  const config = { backend: backend(0), ports };
  const driver = new Driver(virtioConsole.create(config, at.wiring), at).start(features);
  return { driver, sent, config };
}
type Console = ReturnType<typeof start>['driver'];

/** Sends a message of the control queue. */
function say(driver: Console, port: number, event: number, value = 1): void {
  const at = driver.data + 0x4000;
  driver.queue(ControlTransmit).chain(driver.put(at, [port, 0, 0, 0, event, 0, value, 0]));
  driver.notify(ControlTransmit);
}
/** What the device says: port, event, value, and the rest as text. */
function hear(driver: Console, buffers = 8): (readonly (number | string)[])[] {
  const ring = driver.queue(ControlReceive);
  ring.used();
  const places = Array.from({ length: buffers }, (_, i) => driver.data + 0x5000 + 64 * i);
  for (const at of places) ring.chain({ at, length: 64, writable: true });
  driver.notify(ControlReceive);
  return ring.used().map(({ length }, i) => {
    const bytes = driver.get(places[i] ?? 0, length);
    const name = String.fromCharCode(...bytes.slice(8));
    return [bytes[0] ?? -1, bytes[4] ?? -1, bytes[6] ?? -1, ...(name === '' ? [] : [name])];
  });
}

test('a console with one port has two queues and no control', () => {
  const at = machine();
  const driver = new Driver(virtioConsole.create({ backend: { write: () => undefined } }, at.wiring), at);
  expect(driver.start().queues.length).toBe(2);
  expect(driver.offered()).not.toContain(Multiport);
});

test('a console with three ports says so, and has two queues for each and two for control', () => {
  const { driver } = start();
  expect(driver.offered()).toContain(Multiport);
  expect(driver.read(Reg.Config + 4)).toBe(3);
  expect(driver.queues.length).toBe(8);
});

test('ports are added when the driver is ready', () => {
  const { driver } = start();
  expect(hear(driver)).toEqual([]);
  const other = start().driver;
  say(other, 0, Event.DeviceReady);
  expect(hear(other)).toEqual([
    [0, Event.PortAdd, 1],
    [1, Event.PortAdd, 1],
    [2, Event.PortAdd, 1],
  ]);
});

test('a port says what it is when the driver has it', () => {
  const { driver } = start();
  for (const port of [0, 1, 2]) say(driver, port, Event.PortReady);
  expect(hear(driver)).toEqual([
    [0, Event.ConsolePort, 1],
    [0, Event.PortOpen, 1],
    [1, Event.PortName, 1, 'org.example.0'],
    [1, Event.PortOpen, 1],
    [2, Event.ConsolePort, 1],
    [2, Event.PortOpen, 1],
  ]);
});

test('messages wait until there are buffers, and are not said twice', () => {
  const { driver } = start();
  say(driver, 0, Event.DeviceReady);
  say(driver, 0, Event.DeviceReady);
  expect(hear(driver, 2).length).toBe(2);
  expect(hear(driver, 2)).toEqual([[2, Event.PortAdd, 1]]);
});

test('a driver that keeps asking fills nothing', () => {
  const { driver } = start();
  for (let i = 0; i < 1000; i++) say(driver, i % 3, i % 2 === 0 ? Event.DeviceReady : Event.PortReady);
  expect(JSON.stringify(driver.device.save().own).length).toBeLessThan(200);
});

test.each([
  ['a port that is not there', 9, Event.PortReady, 1],
  ['an unknown event', 0, 99, 1],
  ['a driver that is not ready', 0, Event.DeviceReady, 0],
])('%s is passed over', (_, port, event, value) => {
  const { driver } = start();
  say(driver, port, event, value);
  expect(hear(driver)).toEqual([]);
  expect(driver.status).toBe(0xf);
});

test('characters of each port go their own way', () => {
  const { driver, sent } = start();
  for (const [queue, text] of [
    [1, 'a'],
    [5, 'b'],
    [7, 'c'],
  ] as const) {
    driver.queue(queue).chain(driver.put(driver.data, [text.charCodeAt(0)]));
    driver.notify(queue);
  }
  expect(sent.filter((line) => line.includes(':'))).toEqual(['0:a', '1:b', '2:c']);
});

test('a channel receives only while the driver has it open, a terminal always', () => {
  const { driver, sent } = start();
  const [channel, terminal] = driver.device.ports;
  for (const queue of [4, 6])
    driver.queue(queue).chain({ at: driver.data + queue, length: 1, writable: true });
  const x = Uint8Array.of(0x78);
  expect([channel?.receive(x), terminal?.receive(x)]).toEqual([0, 1]);
  const before = sent.length;
  say(driver, 1, Event.PortOpen);
  expect(sent.slice(before)).toEqual(['1 ready']);
  expect([channel?.canReceive(), channel?.receive(x)]).toEqual([1, 1]);
  driver.queue(4).chain({ at: driver.data, length: 1, writable: true });
  say(driver, 1, Event.PortOpen, 0);
  expect(channel?.receive(x)).toBe(0);
});

test('without the feature only the first port works', () => {
  const { driver, sent } = start([Version1]);
  driver.queue(5).chain(driver.put(driver.data, [0x62]));
  driver.notify(5);
  say(driver, 0, Event.DeviceReady);
  expect(driver.queue(ControlTransmit).used()).toEqual([]);
  expect(sent.some((line) => line.startsWith('1:'))).toBe(false);
  expect(driver.device.ports[1]?.canReceive()).toBe(0);
});

test('what was said of ports is saved, and a reset forgets it', () => {
  const { driver, config } = start();
  say(driver, 1, Event.PortOpen);
  say(driver, 0, Event.DeviceReady);
  const saved = driver.device.save();
  expect(saved.own.ports).toEqual([
    { owed: 1, open: false },
    { owed: 1, open: true },
    { owed: 1, open: false },
  ]);
  const copy = virtioConsole.create(config, alone(), virtioConsole.state.parse(saved, 1));
  expect(copy.save()).toEqual(saved);
  driver.write(Reg.Status, 0);
  expect(driver.device.save().own.ports.every(({ owed, open }) => owed === 0 && !open)).toBe(true);
});

test('a state of another number of ports is refused', () => {
  const { driver, config } = start();
  const saved = driver.device.save();
  const fewer = { ...saved, own: { ports: saved.own.ports.slice(1) } };
  const queues = { ...saved, queues: saved.queues.slice(1) };
  const load = (state: object) => () =>
    virtioConsole.create(config, alone(), virtioConsole.state.parse(state as never, 1));
  expect(load(fewer)).toThrow('own.ports must have 3 elements');
  expect(load(queues)).toThrow('queues must have 8 elements');
});

test('too many ports, and a name that is too long, are refused', () => {
  const backend = { write: () => undefined };
  const make = (ports: readonly VirtioConsolePort[]) => () =>
    virtioConsole.create({ backend, ports }, alone());
  expect(make(Array.from({ length: 16 }, () => ({ backend })))).toThrow('at most 15');
  expect(make([{ backend, name: 'n'.repeat(65) }])).toThrow('at most 64');
});
