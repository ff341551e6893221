// The network card (Virtio 1.2, 5.1): frames out and in, merged buffers, filters by the control queue, its peer and its state.

import { describe, expect, test } from 'vitest';

import { virtioNet } from '@worldswitch/devices';
import type { NetworkPort, VirtioNetConfig } from '@worldswitch/devices';

import { Driver, machine, Reg, Status, Version1 } from './driver.ts';
import { echo } from './peers.ts';

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;
const HEADER = 12;
const Mac = 5;
const MrgRxbuf = 15;
const CtrlVq = 17;
const CtrlRx = 18;
const CtrlMacAddr = 23;

const own = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
const frame = (to: readonly number[], length = 60): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => to[i] ?? i & 0xff);

type Net = Driver<ReturnType<typeof virtioNet.create>>;

function start(config: VirtioNetConfig = {}, features?: readonly number[]) {
  const at = machine(0x10_0000);
  const sent: Uint8Array[] = [];
  let card: NetworkPort = { send: () => undefined };
  const peer: VirtioNetConfig['peer'] = (_clock, port) => {
    card = port;
    return { send: (taken) => void sent.push(taken), save: () => null };
  };
  const driver: Net = new Driver(virtioNet.create({ peer, ...config }, at.wiring), at);
  driver.start(features);
  return {
    driver,
    sent,
    arrives: (of: Uint8Array) => {
      card.send(of);
    },
  };
}
/** Sends one frame with a header of zeros. */
function send(
  driver: Net,
  of: Uint8Array,
  header: readonly number[] = new Array<number>(HEADER).fill(0),
): void {
  const { data } = driver;
  driver.queue(TRANSMIT).chain(driver.put(data, header), driver.put(data + 64, of));
  driver.notify(TRANSMIT);
}
/** Offers receive buffers of a length, and gives where they are. */
function offer(driver: Net, length: number, count = 1): number[] {
  const all = Array.from({ length: count }, (_, i) => driver.data + 0x4000 + i * 0x1000);
  for (const at of all) driver.queue(RECEIVE).chain({ at, length, writable: true });
  driver.notify(RECEIVE);
  return all;
}
/** One command of the control queue, and its answer. */
function command(driver: Net, ...bytes: readonly number[]): number {
  const at = driver.data + 0x3000;
  driver.queue(CONTROL).chain(driver.put(at, bytes.slice(0, 2)), driver.put(at + 16, bytes.slice(2)), {
    at: at + 8,
    length: 1,
    writable: true,
  });
  driver.notify(CONTROL);
  return driver.get(at + 8, 1)[0] ?? -1;
}

test('a frame goes out without its header', () => {
  const { driver, sent } = start();
  const of = frame([1, 2, 3, 4, 5, 6], 100);
  send(driver, of);
  expect(sent).toEqual([of]);
  expect(driver.queue(TRANSMIT).used()).toEqual([{ id: 0, length: 0 }]);
  expect(driver.acknowledge()).toBe(1);
});

test.each([
  ['too short', frame(own, 13), undefined],
  ['too long', frame(own, 65_536), undefined],
  ['in need of segmentation, which was not offered', frame(own), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
])('a frame that is %s does not go out, and its buffers come back', (_, of, header) => {
  const { driver, sent } = start();
  send(driver, of, header);
  expect(sent).toEqual([]);
  expect(driver.queue(TRANSMIT).used().length).toBe(1);
  expect(driver.status).toBe(0xf);
});

test('what is sent is a copy', () => {
  const { driver, sent } = start();
  send(driver, frame(own));
  driver.at.memory.fill(0, driver.data, driver.data + 0x1000);
  expect(sent).toEqual([frame(own)]);
});

test('a frame comes in with a header that counts one buffer', () => {
  const { driver, arrives } = start();
  const [at = 0] = offer(driver, 2048);
  arrives(frame(own, 100));
  expect(driver.queue(RECEIVE).used()).toEqual([{ id: 0, length: 112 }]);
  expect(driver.get(at, HEADER)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  expect(driver.get(at + HEADER, 100)).toEqual([...frame(own, 100)]);
  expect(driver.irq).toBe(true);
});

test('a frame that is longer than a buffer comes in several, when that was negotiated', () => {
  const { driver, arrives } = start();
  const all = offer(driver, 50, 4);
  arrives(frame(own, 130));
  expect(
    driver
      .queue(RECEIVE)
      .used()
      .map(({ length }) => length),
  ).toEqual([50, 50, 42]);
  expect(driver.get((all[0] ?? 0) + 10, 2)).toEqual([3, 0]);
  const bytes = all.flatMap((at) => driver.get(at, 50)).slice(0, 142);
  expect(bytes.slice(HEADER)).toEqual([...frame(own, 130)]);
});

test('a frame for which there are too few buffers waits until there are enough', () => {
  const { driver, arrives } = start();
  offer(driver, 50, 2);
  arrives(frame(own, 130));
  expect(driver.queue(RECEIVE).used()).toEqual([]);
  offer(driver, 50);
  expect(driver.queue(RECEIVE).used().length).toBe(3);
});

test('without merged buffers a frame that does not fit is lost, and the next one is not', () => {
  const { driver, arrives } = start({}, [Version1, Mac]);
  offer(driver, 100);
  arrives(frame(own, 130));
  expect(driver.queue(RECEIVE).used()).toEqual([]);
  arrives(frame(own, 80));
  expect(driver.queue(RECEIVE).used()).toEqual([{ id: 0, length: 92 }]);
});

test('frames wait for buffers, in order, and no more than 64 of them', () => {
  const { driver, arrives } = start();
  for (let i = 0; i < 100; i++) arrives(frame([...own, i]));
  const seen: number[] = [];
  for (let i = 0; i < 80; i++) {
    const [at = 0] = offer(driver, 2048);
    if (driver.queue(RECEIVE).used().length === 1) seen.push(driver.get(at + HEADER + 6, 1)[0] ?? -1);
  }
  expect(seen).toEqual(Array.from({ length: 64 }, (_, i) => i));
});

test('a card that no driver runs takes nothing', () => {
  const { driver, arrives } = start();
  driver.write(Reg.Status, 0);
  arrives(frame(own));
  expect(driver.device.save().own.waiting).toEqual([]);
});

test('a cable that is not plugged in carries nothing, and the driver is told', () => {
  const { driver, sent, arrives } = start({ up: false });
  expect(driver.read(Reg.Config + 6, 2)).toBe(0);
  send(driver, frame(own));
  offer(driver, 2048);
  arrives(frame(own));
  expect([sent.length, driver.queue(RECEIVE).used().length]).toEqual([0, 0]);
  expect(start().driver.read(Reg.Config + 6, 2)).toBe(1);
});

test('the MTU is told only when there is one', () => {
  expect(start().driver.offered()).not.toContain(3);
  const { driver } = start({ mtu: 1400 });
  expect(driver.offered()).toContain(3);
  expect(driver.read(Reg.Config + 10, 2)).toBe(1400);
});

describe('a checksum that the driver leaves to the card', () => {
  const Csum = 0;
  /** A header that asks for it: over all from `from` on, to be put `offset` further. */
  const unfinished = (from: number, offset: number): number[] => [
    1,
    0,
    0,
    0,
    0,
    0,
    from & 0xff,
    from >>> 8,
    offset & 0xff,
    offset >>> 8,
    0,
    0,
  ];
  /** The sum of 16-bit words in ones' complement. */
  const sum = (bytes: Uint8Array): number => {
    const words = Array.from(bytes, (byte, i) => (i % 2 === 0 ? byte * 256 : byte));
    return words.reduce((all, word) => all + word, 0) % 0xffff;
  };
  test.each([
    ['of even length', 60, 34, 6],
    ['of odd length', 61, 34, 6],
    ['from an odd place on', 99, 15, 16],
  ])('is put in, of a frame %s', (_, length, from, offset) => {
    const { driver, sent } = start();
    const of = frame(own, length);
    of[from + offset] = 0x12; // what it starts with: a pseudo-header's sum
    of[from + offset + 1] = 0x34;
    send(driver, of, unfinished(from, offset));
    const [done = of] = sent;
    expect(done.filter((byte, i) => byte !== of[i]).length).toBeGreaterThan(0);
    expect((sum(done.subarray(from)) + 0x1234) % 0xffff).toBe(0);
    done.set(of.subarray(from + offset, from + offset + 2), from + offset);
    expect(done).toEqual(of);
  });
  test('is never zero, which would mean that there is none', () => {
    const { driver, sent } = start();
    const of = new Uint8Array(60);
    of[50] = of[51] = 0xff;
    send(driver, of, unfinished(34, 6));
    expect([...(sent[0] ?? of).subarray(40, 42)]).toEqual([0xff, 0xff]);
  });
  test.each([
    ['beyond the frame', 34, 60],
    ['across its end', 34, 25],
    ['far away', 0xffff, 0xffff],
  ])('with a place %s is no frame', (_, from, offset) => {
    const { driver, sent } = start();
    send(driver, frame(own), unfinished(from, offset));
    expect(sent).toEqual([]);
    expect(driver.status).toBe(0xf);
  });
  test('is not touched where that was not negotiated', () => {
    const { driver, sent } = start({}, [Version1, Mac]);
    send(driver, frame(own), unfinished(34, 6));
    expect(sent).toEqual([frame(own)]);
    expect(driver.offered()).toContain(Csum);
  });
});

describe('the control queue', () => {
  const broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const group = [0x33, 0x33, 0, 0, 0, 1];
  const other = [0x52, 0x54, 0, 0, 0, 9];
  const addresses = { own, broadcast, group, other } as const;
  /** Which kinds of frames come in. */
  const taken = (of: ReturnType<typeof start>): string[] =>
    Object.entries(addresses).flatMap(([name, to]) => {
      offer(of.driver, 2048);
      of.arrives(frame(to));
      return of.driver.queue(RECEIVE).used().length > 0 ? [name] : [];
    });
  test('is offered with what it commands', () => {
    expect(start().driver.offered()).toEqual(expect.arrayContaining([MrgRxbuf, CtrlVq, CtrlRx, CtrlMacAddr]));
  });
  test('before any command everything comes in', () => {
    expect(taken(start())).toEqual(['own', 'broadcast', 'group', 'other']);
  });
  test.each([
    ['promiscuous off', [[0, 0, 0]], ['own', 'broadcast']],
    [
      'all groups',
      [
        [0, 0, 0],
        [0, 1, 1],
      ],
      ['own', 'broadcast', 'group'],
    ],
    [
      'all stations',
      [
        [0, 0, 0],
        [0, 2, 1],
      ],
      ['own', 'broadcast', 'other'],
    ],
    [
      'no groups',
      [
        [0, 0, 0],
        [0, 1, 1],
        [0, 3, 1],
      ],
      ['own', 'broadcast'],
    ],
    [
      'no stations',
      [
        [0, 0, 0],
        [0, 4, 1],
      ],
      ['broadcast'],
    ],
    [
      'no broadcast',
      [
        [0, 0, 0],
        [0, 5, 1],
      ],
      ['own'],
    ],
    [
      'a table',
      [
        [0, 0, 0],
        [1, 0, 1, 0, 0, 0, ...other, 1, 0, 0, 0, ...group],
      ],
      ['own', 'broadcast', 'group', 'other'],
    ],
    [
      'an empty table',
      [
        [0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ],
      ['own', 'broadcast'],
    ],
  ])('%s', (_, commands, kinds) => {
    const of = start();
    expect(commands.map((bytes) => command(of.driver, ...bytes))).toEqual(commands.map(() => 0));
    expect(taken(of)).toEqual(kinds);
  });
  test('sets the address, which the configuration then says; a reset gives the old one back', () => {
    const of = start();
    command(of.driver, 0, 0, 0);
    expect(command(of.driver, 1, 1, ...other)).toBe(0);
    expect(Array.from({ length: 6 }, (_, i) => of.driver.read(Reg.Config + i, 1))).toEqual(other);
    expect(taken(of)).toEqual(['broadcast', 'other']);
    of.driver.start();
    expect(Array.from({ length: 6 }, (_, i) => of.driver.read(Reg.Config + i, 1))).toEqual(own);
  });
  test.each([
    ['an unknown class', [9, 0, 0]],
    ['an unknown command', [0, 6, 0]],
    ['a switch without a value', [0, 0]],
    ['half an address', [1, 1, 2, 3, 4]],
    ['half a table', [1, 0, 1, 0, 0, 0, 2, 2]],
    ['a table of more than there is', [1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['a table with something after it', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ])('%s is an error, and changes nothing', (_, bytes) => {
    const of = start();
    command(of.driver, 0, 0, 0);
    const at = of.driver.data + 0x3000;
    of.driver.queue(CONTROL).chain(of.driver.put(at, bytes), { at: at + 0x100, length: 1, writable: true });
    of.driver.notify(CONTROL);
    expect(of.driver.get(at + 0x100, 1)).toEqual([1]);
    expect(taken(of)).toEqual(['own', 'broadcast']);
  });
  test('a command without room for its answer breaks the queue', () => {
    const { driver } = start();
    driver.queue(CONTROL).chain(driver.put(driver.data, [0, 0, 0]));
    driver.notify(CONTROL);
    expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
  });
});

describe('a peer', () => {
  const make = () => {
    const at = machine();
    const driver: Net = new Driver(virtioNet.create({ peer: echo(1000) }, at.wiring), at);
    return driver.start();
  };
  test('answers in its own time', () => {
    const driver = make();
    offer(driver, 2048);
    send(driver, frame(own));
    driver.acknowledge();
    driver.at.on.clock.advanceTo(999);
    expect(driver.irq).toBe(false);
    driver.at.on.clock.advanceTo(1000);
    expect(driver.irq).toBe(true);
    expect(driver.queue(RECEIVE).used()).toEqual([{ id: 0, length: 72 }]);
  });
  test('may answer at once', () => {
    const at = machine();
    const mirror: VirtioNetConfig['peer'] = (_clock, card) => ({
      send: (of) => {
        card.send(of);
      },
      save: () => null,
    });
    const driver: Net = new Driver(virtioNet.create({ peer: mirror }, at.wiring), at);
    driver.start();
    offer(driver, 2048);
    send(driver, frame(own));
    expect(driver.queue(RECEIVE).used()).toEqual([{ id: 0, length: 72 }]);
    expect(driver.queue(TRANSMIT).used().length).toBe(1);
  });
  test('is part of the saved state, with frames on the way, waiting frames and the address', () => {
    const driver = make();
    send(driver, frame(own));
    driver.at.on.clock.advanceTo(1000);
    send(driver, frame(own, 99));
    command(driver, 1, 1, 2, 3, 4, 5, 6, 7);
    const at = machine(0, driver.at);
    const state = virtioNet.state.parse(driver.device.save(), 1);
    expect(state.own.waiting.length).toBe(1);
    const copy: Net = new Driver(virtioNet.create({ peer: echo(1000) }, at.wiring, state), at);
    expect(copy.read(Reg.Config)).toBe(driver.read(Reg.Config));
    for (const each of [driver, copy]) each.at.on.clock.advanceTo(2000);
    expect(copy.device.save()).toEqual(driver.device.save());
    expect(copy.device.save().own.waiting.length).toBe(2);
  });
  test("a state that it refuses is an error of the card's", () => {
    const at = machine();
    const saved = make().device.save();
    const hostile = { ...saved, own: { ...saved.own, peer: { due: -1, frames: [] } } };
    const state = virtioNet.state.parse(hostile, 1);
    expect(() => virtioNet.create({ peer: echo(1000) }, at.wiring, state)).toThrow('own.peer');
  });
});
