// Hostile drivers on live queues: no device throws, hangs or forgets itself, whatever stands in its queues.

import { describe, expect, test } from 'vitest';

import { memoryDisk, virtioBlk, virtioConsole, virtioNet, virtioRng } from '@worldswitch/devices';
import type { Device, Plain } from '@worldswitch/platform';
import type { Random } from '@worldswitch/testkit';

import { attack } from './attack.ts';
import type { Target } from './attack.ts';
import type { Driver, Ring } from './driver.ts';
import { echo } from './peers.ts';

/** More where there is time for it. */
const SEEDS = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 25 : 1000;
const STEPS = 1200;

const contents = Uint8Array.from({ length: 40 * 512 }, (_, i) => (i * 7) >>> 3);
type Any = Target<never, Device<Plain>>;
const target = <Config, Made extends Device<Plain>>(of: Target<Config, Made>): Any => of as unknown as Any;

/** Somewhere in the driver's data. */
const somewhere = (driver: Driver<Device<Plain>>, draw: Random): number => driver.data + draw.below(0x4000);

const blk = (latency: number): Any =>
  target({
    type: virtioBlk,
    config: () => ({ disk: memoryDisk(contents), latency }),
    request(driver, ring: Ring, draw) {
      const head = somewhere(driver, draw);
      const type = draw.pick([0, 0, 1, 1, 4, 8, 11, 13, 2]);
      const sector = draw.below(16) === 0 ? draw.word() : draw.below(42);
      const header = [
        type,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        sector,
        sector >>> 8,
        sector >>> 16,
        sector >>> 24,
        0,
        0,
        0,
        0,
      ];
      const writable = type === 0 || type === 8;
      const length = type > 8 ? 16 : draw.below(8) === 0 ? draw.below(600) : 512 * draw.below(4);
      const body = length === 0 ? [] : [{ at: somewhere(driver, draw), length, writable }];
      const status = { at: somewhere(driver, draw), length: 1, writable: true };
      const chain = [driver.put(head, header), ...body, status];
      if (draw.below(4) === 0) ring.indirect(somewhere(driver, draw), ...chain);
      else ring.chain(...chain.slice(-ring.size));
    },
  });
const net = target({
  type: virtioNet,
  config: () => ({ peer: echo(500), mtu: 1500 }),
  request(driver, ring: Ring, draw) {
    const at = somewhere(driver, draw);
    if (ring.index === 0) ring.chain({ at, length: 12 + draw.below(200), writable: true });
    else if (ring.index === 1) {
      driver.put(at, [draw.below(2), 0, 0, 0, 0, 0, draw.below(200), 0, draw.below(40), 0, 0, 0]);
      ring.chain({ at, length: 12 + draw.below(200) });
    } else {
      const command = driver.put(at, [draw.below(2), draw.below(6), draw.below(2), 0, 0, 0, 0, 0, 0, 0]);
      ring.chain({ ...command, length: 3 + draw.below(8) }, { at: at + 16, length: 1, writable: true });
    }
  },
});
const silent = { write: () => undefined };
const character = target({
  type: virtioConsole,
  config: () => ({
    backend: silent,
    ports: [
      { backend: silent, name: 'a' },
      { backend: silent, console: true },
    ],
  }),
  request(driver, ring: Ring, draw) {
    if (ring.index === 3) {
      const bytes = [draw.below(4), 0, 0, 0, draw.below(8), 0, draw.below(2), 0];
      ring.chain(driver.put(somewhere(driver, draw), bytes));
      return;
    }
    ring.chain({ at: somewhere(driver, draw), length: 1 + draw.below(64), writable: ring.index % 2 === 0 });
  },
  outside(device: ReturnType<typeof virtioConsole.create>, draw) {
    const sink = draw.pick([device, ...device.ports]);
    const before = sink.canReceive();
    const taken = sink.receive(new Uint8Array(draw.below(100)).fill(draw.below(256)));
    if (taken > 0 && before === 0) throw new Error('took what it said it would not');
  },
});
const rng = target({
  type: virtioRng,
  config: () => ({ seed: contents.slice(0, 32) }),
  request(driver, ring: Ring, draw) {
    ring.chain({ at: somewhere(driver, draw), length: 1 + draw.below(200), writable: true });
  },
});

describe.each([
  ['virtio-blk', blk(0)],
  ['virtio-blk with a latency', blk(700)],
  ['virtio-net', net],
  ['virtio-console', character],
  ['virtio-rng', rng],
])('a hostile driver of %s', (_, of) => {
  test(
    `does no harm, and a copy of the device takes it the same way (${SEEDS} drivers, ${STEPS} steps)`,
    () => {
      let [broken, served] = [0, 0];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const one = attack(of, seed, STEPS, false);
        const two = attack(of, seed, STEPS, true);
        expect(two.state, `seed ${seed}`).toEqual(one.state);
        expect(Buffer.compare(one.memory, two.memory), `memory of seed ${seed}`).toBe(0);
        broken += one.broken;
        served += one.served;
      }
      // Or the attack would not be one, or would never reach a live queue.
      expect(broken).toBeGreaterThan(SEEDS * 10);
      expect(served).toBeGreaterThan(SEEDS * 10);
    },
    60_000 * SEEDS,
  );
});
