// The block device (Virtio 1.2, 5.2): requests and their answers, over disks that work and disks that fail.

import { describe, expect, test } from 'vitest';

import { memoryDisk, overlay, virtioBlk } from '@worldswitch/devices';
import type { DiskBackend, VirtioBlkConfig } from '@worldswitch/devices';

import { Driver, machine, Reg, Status as DeviceStatus } from './driver.ts';
import type { Buffer } from './driver.ts';

type Blk = Driver<ReturnType<typeof virtioBlk.create>>;

const SECTORS = 64;
const contents = (): Uint8Array => Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i >>> 9) + (i & 1));
const Type = { In: 0, Out: 1, Flush: 4, GetId: 8, GetLifetime: 10, Discard: 11, WriteZeroes: 13 } as const;
const Ok = 0;
const IoError = 1;
const Unsupported = 2;

function start(config: Partial<VirtioBlkConfig> = {}, features?: readonly number[]): Blk {
  const at = machine(0x10_0000);
  const device = virtioBlk.create({ disk: memoryDisk(contents()), ...config }, at.wiring);
  return new Driver(device, at).start(features);
}

const word = (n: number): number[] => [n & 0xff, (n >>> 8) & 0xff, (n >>> 16) & 0xff, n >>> 24];
const header = (type: number, sector: number): number[] => [
  ...word(type),
  ...word(0),
  ...word(sector % 2 ** 32),
  ...word(Math.floor(sector / 2 ** 32)),
];

/** Where the parts of a request stand. */
const places = ({
  data,
}: Blk): { readonly head: number; readonly body: number; readonly status: number } => ({
  head: data,
  body: data + 0x1000,
  status: data + 0x100,
});

/** Makes a request and notifies; its status is 0xff until it is answered. */
function submit(driver: Blk, type: number, sector: number, ...body: readonly Buffer[]): void {
  const { head, status } = places(driver);
  driver.put(status, [0xff]);
  driver
    .queue(0)
    .chain(driver.put(head, header(type, sector)), ...body, { at: status, length: 1, writable: true });
  driver.notify(0);
}
const answer = (driver: Blk): number => driver.get(places(driver).status, 1)[0] ?? -1;
/** Makes a request and gives the answer. */
function request(driver: Blk, type: number, sector: number, ...body: readonly Buffer[]): number {
  submit(driver, type, sector, ...body);
  return answer(driver);
}
const into = (driver: Blk, length: number): Buffer => ({ at: places(driver).body, length, writable: true });
const read = (driver: Blk, sector: number, length = 512): number[] => {
  expect(request(driver, Type.In, sector, into(driver, length))).toBe(Ok);
  return driver.get(places(driver).body, length);
};
const write = (driver: Blk, sector: number, bytes: ArrayLike<number>): number =>
  request(driver, Type.Out, sector, driver.put(places(driver).body, bytes));

test('the configuration says size, limits, and block size', () => {
  const driver = start();
  expect(driver.read(Reg.Config)).toBe(SECTORS);
  expect(driver.read(Reg.Config + 4)).toBe(0);
  expect(driver.read(Reg.Config + 8)).toBe(0x2_0000);
  expect(driver.read(Reg.Config + 12)).toBe(254);
  expect(driver.read(Reg.Config + 20)).toBe(512);
});

test('sectors are read', () => {
  const driver = start();
  expect(read(driver, 5)).toEqual([...contents().subarray(5 * 512, 6 * 512)]);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 513 }]);
});

test('several sectors are read into several buffers of any size', () => {
  const driver = start();
  const { body } = places(driver);
  const parts = [1, 511, 700, 324].map((length, i) => ({ at: body + 0x1000 * i, length, writable: true }));
  expect(request(driver, Type.In, 2, ...parts)).toBe(Ok);
  expect(parts.flatMap(({ at, length }) => driver.get(at, length))).toEqual([
    ...contents().subarray(2 * 512, 5 * 512),
  ]);
});

test('the status may share a buffer with the data', () => {
  const driver = start();
  const { head, body } = places(driver);
  driver.queue(0).chain(driver.put(head, header(Type.In, 7)), { at: body, length: 513, writable: true });
  driver.notify(0);
  expect(driver.get(body, 513)).toEqual([...contents().subarray(7 * 512, 8 * 512), Ok]);
});

test('the header may be in pieces', () => {
  const driver = start();
  const { head, body, status } = places(driver);
  const bytes = header(Type.In, 7);
  driver
    .queue(0)
    .chain(
      driver.put(head, bytes.slice(0, 3)),
      driver.put(head + 32, bytes.slice(3)),
      { at: body, length: 512, writable: true },
      { at: status, length: 1, writable: true },
    );
  driver.notify(0);
  expect([answer(driver), ...driver.get(body, 2)]).toEqual([Ok, 7, 8]);
});

test('what is written is read', () => {
  const driver = start();
  const bytes = Array.from({ length: 1024 }, (_, i) => (i * 7) & 0xff);
  expect(write(driver, 7, bytes)).toBe(Ok);
  expect(read(driver, 7, 1024)).toEqual(bytes);
  expect(read(driver, 6)).toEqual([...contents().subarray(6 * 512, 7 * 512)]);
});

test.each([
  ['beyond the end', SECTORS, 512],
  ['across the end', SECTORS - 1, 1024],
  ['far beyond the end', 2 ** 53, 512],
  ['that is no whole sector', 0, 100],
])('a read or write %s is an I/O error', (_, sector, length) => {
  const driver = start();
  expect(request(driver, Type.In, sector, into(driver, length))).toBe(IoError);
  expect(write(driver, sector, new Uint8Array(length))).toBe(IoError);
  expect(driver.status).toBe(0xf);
});

test('a transfer larger than what is moved at once is whole', () => {
  const disk = memoryDisk(Uint8Array.from({ length: 400 * 512 }, (_, i) => (i * 31) >>> 5));
  const driver = start({ disk });
  expect(request(driver, Type.In, 1, into(driver, 300 * 512))).toBe(Ok);
  expect(driver.get(places(driver).body, 300 * 512)).toEqual(
    Array.from({ length: 300 * 512 }, (_, i) => ((i + 512) * 31) >>> 5).map((n) => n & 0xff),
  );
});

test('the serial number is told, padded with zeros', () => {
  const driver = start({ serial: 'WS-0042' });
  expect(request(driver, Type.GetId, 0, into(driver, 20))).toBe(Ok);
  expect(driver.get(places(driver).body, 20)).toEqual([
    ...new TextEncoder().encode('WS-0042'),
    ...new Uint8Array(13),
  ]);
});

test('an unknown request is unsupported', () => {
  expect(request(start(), Type.GetLifetime, 0, into(start(), 24))).toBe(Unsupported);
  expect(request(start(), 0xffff_ffff, 0)).toBe(Unsupported);
});

test.each([
  ['no room for its status', (d: Blk) => [d.put(places(d).head, header(Type.Flush, 0))]],
  [
    'half a header',
    (d: Blk) => [
      d.put(places(d).head, header(Type.Flush, 0).slice(0, 8)),
      { at: places(d).status, length: 1, writable: true },
    ],
  ],
])('a request with %s breaks the queue', (_, chain) => {
  const driver = start();
  driver.queue(0).chain(...chain(driver));
  driver.notify(0);
  expect(driver.status & DeviceStatus.NeedsReset).toBe(DeviceStatus.NeedsReset);
});

describe('a read-only disk', () => {
  const disk = (): DiskBackend => overlay(memoryDisk(contents()), true);
  test('says so, and refuses writes with an I/O error', () => {
    const driver = start({ disk: disk() });
    expect(driver.offered()).toContain(5);
    expect(write(driver, 0, new Uint8Array(512))).toBe(IoError);
    expect(read(driver, 0)).toEqual([...contents().subarray(0, 512)]);
  });
  test('offers no discard', () => {
    expect(start({ disk: disk() }).offered()).not.toContain(13);
    expect(start().offered()).toContain(13);
  });
});

describe('a disk that keeps count', () => {
  const counted = (): { readonly disk: DiskBackend; readonly log: string[]; failing: boolean } => {
    const under = memoryDisk(contents());
    const log: string[] = [];
    const of = {
      log,
      failing: false,
      disk: {
        ...under,
        read: (sector: number, bytes: Uint8Array) => !of.failing && under.read(sector, bytes),
        write(sector: number, bytes: Uint8Array) {
          log.push(`write ${sector} ${bytes.length}`);
          return !of.failing && under.write(sector, bytes);
        },
        flush() {
          log.push('flush');
          return !of.failing;
        },
      },
    };
    return of;
  };
  test('is flushed when the driver says so', () => {
    const { disk, log } = counted();
    const driver = start({ disk });
    write(driver, 3, new Uint8Array(512));
    expect(request(driver, Type.Flush, 0)).toBe(Ok);
    expect(log).toEqual(['write 3 512', 'flush']);
  });
  test('is flushed after every write when the cache is switched to write-through', () => {
    const { disk, log } = counted();
    const driver = start({ disk });
    expect(driver.read(Reg.Config + 32, 1)).toBe(1);
    driver.write(Reg.Config + 32, 0, 1);
    write(driver, 3, new Uint8Array(512));
    expect(log).toEqual(['write 3 512', 'flush']);
    driver.start();
    expect(driver.read(Reg.Config + 32, 1)).toBe(1);
  });
  test('that fails is an I/O error of every request, and no more than that', () => {
    const of = counted();
    const driver = start({ disk: of.disk });
    of.failing = true;
    expect(request(driver, Type.In, 0, into(driver, 512))).toBe(IoError);
    expect(write(driver, 0, new Uint8Array(512))).toBe(IoError);
    expect(request(driver, Type.Flush, 0)).toBe(IoError);
    of.failing = false;
    expect(read(driver, 1)[0]).toBe(1);
  });
});

describe('discard and write-zeroes', () => {
  const range = (sector: number, count: number, flags = 0): number[] => [
    ...word(sector),
    ...word(0),
    ...word(count),
    ...word(flags),
  ];
  test('write-zeroes writes zeros, of several ranges', () => {
    const driver = start();
    const list = driver.put(places(driver).body, [...range(2, 1), ...range(10, 3)]);
    expect(request(driver, Type.WriteZeroes, 0, list)).toBe(Ok);
    const first = [1, 2, 3, 9, 10, 11, 12, 13].map((sector) => read(driver, sector)[1] ?? 0);
    expect(first).toEqual([2, 0, 4, 10, 0, 0, 0, 14]);
  });
  test.each([
    ['discard', Type.Discard, range(2, 4), Ok],
    ['discard with an unmap flag', Type.Discard, range(2, 4, 1), Unsupported],
    ['write-zeroes with an unmap flag', Type.WriteZeroes, range(2, 4, 1), Ok],
    ['write-zeroes with an unknown flag', Type.WriteZeroes, range(2, 4, 2), Unsupported],
    ['write-zeroes beyond the end', Type.WriteZeroes, range(SECTORS - 1, 2), IoError],
    ['discard beyond the end', Type.Discard, range(0xffff_ffff, 0xffff_ffff), IoError],
    ['no range', Type.WriteZeroes, [], IoError],
    ['half a range', Type.Discard, range(0, 1).slice(0, 8), IoError],
    ['too many ranges', Type.Discard, Array.from({ length: 17 }, () => range(0, 1)).flat(), IoError],
  ])('%s', (_, type, list, status) => {
    const driver = start();
    const body = list.length > 0 ? [driver.put(places(driver).body, list)] : [];
    expect(request(driver, type, 0, ...body)).toBe(status);
  });
});

describe('with a latency', () => {
  const latency = 1000;
  test('a request is done when its time is up, and not before', () => {
    const driver = start({ latency });
    submit(driver, Type.Flush, 0);
    driver.at.on.clock.advanceTo(latency - 1);
    expect([answer(driver), driver.irq]).toEqual([0xff, false]);
    driver.at.on.clock.advanceTo(latency);
    expect([answer(driver), driver.irq]).toEqual([Ok, true]);
  });
  test('requests are done one after the other', () => {
    const driver = start({ latency });
    for (let i = 0; i < 3; i++) submit(driver, Type.Flush, 0);
    const done = [1, 2, 3, 4].map((n) => {
      driver.at.on.clock.advanceTo(n * latency);
      return driver.queue(0).used().length;
    });
    expect(done).toEqual([1, 1, 1, 0]);
  });
  test('a reset forgets what is under way', () => {
    const driver = start({ latency });
    submit(driver, Type.Flush, 0);
    driver.write(Reg.Status, 0);
    expect(driver.at.on.clock.pending).toEqual([]);
    driver.at.on.clock.advanceTo(10 * latency);
    expect([answer(driver), driver.irq]).toEqual([0xff, false]);
  });
  test('what is under way is saved and done by the copy at the same time', () => {
    const driver = start({ latency });
    submit(driver, Type.In, 3, into(driver, 512));
    driver.at.on.clock.advanceTo(400);
    const at = machine(0, driver.at);
    const state = virtioBlk.state.parse(driver.device.save(), 1);
    const copy = virtioBlk.create({ disk: memoryDisk(contents()), latency }, at.wiring, state);
    at.on.clock.advanceTo(999);
    expect(at.wiring.line('irq').level).toBe(false);
    at.on.clock.advanceTo(1000);
    driver.at.on.clock.advanceTo(1000);
    expect(at.wiring.line('irq').level).toBe(true);
    expect(at.memory).toEqual(driver.at.memory);
    expect(copy.save()).toEqual(driver.device.save());
  });
});

test('a disk in memory is part of the saved state', () => {
  const driver = start();
  write(driver, 9, new Uint8Array(512).fill(0xa5));
  const at = machine(0, driver.at);
  const state = virtioBlk.state.parse(driver.device.save(), 1);
  const disk = memoryDisk(contents());
  virtioBlk.create({ disk }, at.wiring, state);
  const sector = new Uint8Array(512);
  disk.read(9, sector);
  expect(sector).toEqual(new Uint8Array(512).fill(0xa5));
});

test('a state and its disk must fit together', () => {
  const load = (disk: DiskBackend, saved: unknown) => () => {
    const state = start().device.save();
    const other = { ...state, own: { ...state.own, disk: saved } };
    virtioBlk.create({ disk }, machine().wiring, virtioBlk.state.parse(other as never, 1));
  };
  const { sectors, readOnly } = memoryDisk(contents());
  const kept = { sectors, readOnly, read: () => true, write: () => true, flush: () => true };
  const cluster = (index: number) => ({ clusters: [{ index, bytes: new Uint8Array(4096) }] });
  expect(load(memoryDisk(contents()), null)).toThrow('own.disk must hold the disk');
  expect(load(kept, { clusters: [] })).toThrow('own.disk must be null');
  expect(load(memoryDisk(contents()), cluster(8))).toThrow('own.disk.clusters[0].index is beyond');
  expect(load(memoryDisk(contents()), cluster(7))).not.toThrow();
  expect(load(kept, null)).not.toThrow();
});

test("a hostile disk's state is refused by name", () => {
  const saved = start().device.save();
  const cluster = { index: 1, bytes: new Uint8Array(4096) };
  const load = (clusters: readonly object[]): unknown =>
    virtioBlk.state.parse({ ...saved, own: { ...saved.own, disk: { clusters } } } as never, 1);
  expect(() => load([cluster, cluster])).toThrow('own.disk.clusters[1].index');
  expect(() => load([{ ...cluster, bytes: new Uint8Array(4095) }])).toThrow('own.disk.clusters[0].bytes');
  expect(() => load([cluster, { ...cluster, index: 5 }])).not.toThrow();
});
