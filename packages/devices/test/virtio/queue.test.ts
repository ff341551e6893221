// The split queue: chains, rings, wrap-around, event indices, and everything that a driver may do wrong (Virtio 1.2, 2.7).

import { describe, expect, test } from 'vitest';

import { virtioRng } from '@worldswitch/devices';

import {
  Driver,
  EventIdx,
  Indirect,
  IndirectDesc,
  machine,
  Next,
  Reg,
  Status,
  Version1,
  Write,
} from './driver.ts';

const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
const rng = (
  features: readonly number[] = [IndirectDesc, EventIdx, Version1],
  size = 8,
): Driver<ReturnType<typeof virtioRng.create>> => {
  const at = machine();
  return new Driver(virtioRng.create({ seed }, at.wiring), at).start(features, size);
};
const filled = (driver: Driver<never>, at: number, length: number): number =>
  driver.get(at, length).filter((byte) => byte !== 0).length;

test('a chain of buffers is filled in order', () => {
  const [driver, whole] = [rng(), rng()];
  const { data } = driver;
  whole.queue(0).chain({ at: data, length: 12, writable: true });
  whole.notify(0);
  driver
    .queue(0)
    .chain(
      { at: data + 100, length: 5, writable: true },
      { at: data, length: 3, writable: true },
      { at: data + 200, length: 4, writable: true },
    );
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 12 }]);
  expect([...driver.get(data + 100, 5), ...driver.get(data, 3), ...driver.get(data + 200, 4)]).toEqual(
    whole.get(data, 12),
  );
  expect(filled(driver as never, data + 3, 97)).toBe(0);
});

test('an indirect table is a chain', () => {
  const driver = rng();
  const { data } = driver;
  const head = driver
    .queue(0)
    .indirect(
      data,
      { at: data + 0x100, length: 8, writable: true },
      { at: data + 0x200, length: 8, writable: true },
    );
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: head, length: 16 }]);
  expect(filled(driver as never, data + 0x200, 8)).toBeGreaterThan(4);
});

test('an indirect table may end a direct chain, and may be longer than the queue', () => {
  const driver = rng();
  const { data } = driver;
  const ring = driver.queue(0);
  for (let i = 0; i < 20; i++) {
    const last = i === 19;
    ring.describe(i, data + 0x1000 + i, 1, Write | (last ? 0 : Next), last ? 0 : i + 1, data);
  }
  ring.describe(3, data + 0x2000, 4, Write | Next, 5);
  ring.describe(5, data, 20 * 16, Indirect);
  ring.offer(3);
  driver.notify(0);
  expect(ring.used()).toEqual([{ id: 3, length: 24 }]);
});

test('a chain may have as many descriptors as the queue', () => {
  const driver = rng();
  driver
    .queue(0)
    .chain(...Array.from({ length: 8 }, (_, i) => ({ at: driver.data + i, length: 1, writable: true })));
  driver.notify(0);
  expect(driver.queue(0).used()).toEqual([{ id: 0, length: 8 }]);
});

test('indices wrap around at 2^16', () => {
  const driver = rng();
  const ring = driver.queue(0);
  let served = 0;
  for (let i = 0; i < 0x1_0000 + 20; i++) {
    ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    served += ring.used().length;
  }
  expect(served).toBe(0x1_0000 + 20);
  expect(driver.status).toBe(0xf);
  expect(ring.availableEvent).toBe(20);
});

test('several chains of one notification are served together, with one interrupt', () => {
  const driver = rng();
  const ring = driver.queue(0);
  const heads = [1, 2, 3].map((length) => ring.chain({ at: driver.data, length, writable: true }));
  driver.notify(0);
  expect(ring.used()).toEqual(heads.map((id, i) => ({ id, length: i + 1 })));
  expect(driver.acknowledge()).toBe(1);
  expect(driver.irq).toBe(false);
});

describe('without event indices', () => {
  const plain = [Version1];
  test('an interrupt comes unless the driver says that it wants none', () => {
    const driver = rng(plain);
    const ring = driver.queue(0);
    ring.noInterrupt = true;
    ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect([driver.irq, ring.used().length]).toEqual([false, 1]);
    ring.noInterrupt = false;
    ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect(driver.irq).toBe(true);
  });
  test('the flags of the used ring stay 0: notifications are always wanted', () => {
    const driver = rng(plain);
    driver.queue(0).chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect(driver.get(driver.queue(0).device, 2)).toEqual([0, 0]);
    expect(driver.queue(0).availableEvent).toBe(0);
  });
});

describe('with event indices', () => {
  test('an interrupt comes when the used index passes the one asked for', () => {
    const driver = rng();
    const ring = driver.queue(0);
    ring.usedEvent = 2;
    const interrupts = [0, 1, 2, 3].map(() => {
      ring.chain({ at: driver.data, length: 1, writable: true });
      driver.notify(0);
      return driver.acknowledge();
    });
    expect(interrupts).toEqual([0, 0, 1, 0]);
  });
  test('an event in the middle of a batch counts', () => {
    const driver = rng();
    const ring = driver.queue(0);
    ring.usedEvent = 1;
    for (let i = 0; i < 5; i++) ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect(driver.acknowledge()).toBe(1);
  });
  test('VIRTQ_AVAIL_F_NO_INTERRUPT means nothing', () => {
    const driver = rng();
    const ring = driver.queue(0);
    ring.noInterrupt = true;
    ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect(driver.irq).toBe(true);
  });
  test('the device says from which index on it wants to be notified', () => {
    const driver = rng();
    const ring = driver.queue(0);
    for (let i = 0; i < 3; i++) ring.chain({ at: driver.data, length: 1, writable: true });
    driver.notify(0);
    expect(ring.availableEvent).toBe(3);
  });
});

/** What a driver does wrong, on a queue of 8. */
type Wrong = (driver: Driver<ReturnType<typeof virtioRng.create>>) => void;
const malformed: readonly (readonly [string, Wrong])[] = [
  [
    'a head that is not there',
    (d) => {
      d.queue(0).offer(8);
    },
  ],
  [
    'a next descriptor that is not there',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write | Next, 8);
      d.queue(0).offer(0);
    },
  ],
  [
    'a descriptor that is its own next',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write | Next, 0);
      d.queue(0).offer(0);
    },
  ],
  [
    'a loop of two',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write | Next, 1);
      d.queue(0).describe(1, d.data, 1, Write | Next, 0);
      d.queue(0).offer(0);
    },
  ],
  [
    'a loop in an indirect table',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write | Next, 0, d.data + 0x100);
      d.queue(0).describe(0, d.data + 0x100, 16, Indirect);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect table in an indirect table',
    (d) => {
      d.queue(0).describe(0, d.data + 0x100, 16, Indirect, 0, d.data + 0x100);
      d.queue(0).describe(0, d.data + 0x100, 16, Indirect);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect descriptor with a next one',
    (d) => {
      d.queue(0).describe(1, d.data, 1, Write);
      d.queue(0).describe(0, d.data, 1, Write, 0, d.data + 0x100);
      d.queue(0).describe(0, d.data + 0x100, 16, Indirect | Next, 1);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect table of no descriptors',
    (d) => {
      d.queue(0).describe(0, d.data + 0x100, 0, Indirect);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect table of half a descriptor',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write, 0, d.data + 0x100);
      d.queue(0).describe(0, d.data + 0x100, 24, Indirect);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect table that leaves itself',
    (d) => {
      d.queue(0).describe(0, d.data, 1, Write | Next, 1, d.data + 0x100);
      d.queue(0).describe(1, d.data, 1, Write, 0, d.data + 0x100);
      d.queue(0).describe(0, d.data + 0x100, 16, Indirect);
      d.queue(0).offer(0);
    },
  ],
  [
    'an indirect table where no memory is',
    (d) => {
      d.queue(0).describe(0, 2 ** 40, 16, Indirect);
      d.queue(0).offer(0);
    },
  ],
  ['an empty buffer', (d) => void d.queue(0).chain({ at: d.data, length: 0, writable: true })],
  [
    'a readable buffer after a writable one',
    (d) => void d.queue(0).chain({ at: d.data, length: 1, writable: true }, { at: d.data, length: 1 }),
  ],
  ['a buffer where no memory is', (d) => void d.queue(0).chain({ at: 2 ** 40, length: 1, writable: true })],
  [
    'a buffer that crosses the end of memory',
    (d) => void d.queue(0).chain({ at: 0x4_0000 - 4, length: 8, writable: true }),
  ],
  [
    'a buffer that wraps around',
    (d) => {
      d.queue(0).describe(0, 2 ** 64 - 2 ** 12, 0x2000, Write);
      d.queue(0).offer(0);
    },
  ],
  [
    'a chain of more bytes than there is sense in',
    (d) => void d.queue(0).chain({ at: 0, length: 0xffff_ffff, writable: true }),
  ],
  [
    'more available than the queue has',
    (d) => {
      for (let i = 0; i < 9; i++) d.queue(0).chain({ at: d.data, length: 1, writable: true });
    },
  ],
  [
    'an available index that goes back',
    (d) => {
      d.at.view.setUint16(d.queue(0).driver + 2, 0xffff, true);
    },
  ],
];

test.each(malformed)('%s breaks the queue and asks for a reset', (_, wrong) => {
  const driver = rng();
  wrong(driver);
  driver.notify(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
  expect(driver.read(Reg.InterruptStatus)).toBe(2);
  expect(driver.irq).toBe(true);
});

test.each([
  ['the descriptors', Reg.QueueDescHigh],
  ['the available ring', Reg.QueueDriverHigh],
  ['the used ring', Reg.QueueDeviceHigh],
])('%s where no memory is ask for a reset when they are needed', (_, register) => {
  const driver = rng();
  driver.write(Reg.QueueSel, 0);
  driver.write(Reg.QueueReady, 0);
  driver.write(register, 0x100);
  driver.write(Reg.QueueReady, 1);
  driver.queue(0).chain({ at: driver.data, length: 1, writable: true });
  driver.notify(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});

test('an indirect descriptor that was not negotiated breaks the queue', () => {
  const driver = rng([Version1]);
  driver.queue(0).indirect(driver.data, { at: driver.data + 0x100, length: 8, writable: true });
  driver.notify(0);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});

test('what the device itself stores into the available ring is not served by the same notification', () => {
  // Entropy lands on the ring's index: whatever it says, one notification serves one chain.
  const driver = rng();
  const ring = driver.queue(0);
  ring.chain({ at: ring.driver + 2, length: 2, writable: true });
  driver.notify(0);
  expect(ring.used()).toEqual([{ id: 0, length: 2 }]);
  expect(driver.status).toBe(0xf);
});

test('chains before a malformed one are served', () => {
  const driver = rng();
  const ring = driver.queue(0);
  const head = ring.chain({ at: driver.data, length: 4, writable: true });
  ring.offer(100);
  driver.notify(0);
  expect(ring.used()).toEqual([{ id: head, length: 4 }]);
  expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
});
