// A link as its cards see it: when frames arrive, in which order, what is lost, and what is saved.

import { describe, expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';
import { benchClock } from '@worldswitch/testkit';

import { networkLink } from '../../src/index.ts';
import type { NetworkLink, NetworkPeer } from '../../src/index.ts';

const frame = (tag: number, length = 60): Uint8Array => new Uint8Array(length).fill(tag);

/** A link whose ends are all on one clock; `log` has what arrives as `time end tag`. */
function joined(
  link: NetworkLink,
  clock = benchClock(),
  states: readonly Plain[] = [],
): { clock: typeof clock; ends: NetworkPeer[]; log: string[] } {
  const log: string[] = [];
  const ends = link.ends.map((end, i) =>
    end(clock, { send: (f) => log.push(`${clock.now} ${i} ${f[0] ?? -1}/${f.length}`) }, states[i]),
  );
  return { clock, ends, log };
}

describe('a cable', () => {
  test('a frame arrives at the other end after the latency, and not at its own', () => {
    const { clock, ends, log } = joined(networkLink({ latency: 500 }));
    ends[0]?.send(frame(1));
    clock.advanceTo(200);
    ends[1]?.send(frame(2, 14));
    clock.advanceTo(499);
    expect(log).toEqual([]);
    for (const now of [500, 699, 700, 5000]) clock.advanceTo(now);
    expect(log).toEqual(['500 1 1/60', '700 0 2/14']);
  });

  test('what a sender does with its array afterwards changes nothing', () => {
    const { clock, ends, log } = joined(networkLink({ latency: 1 }));
    const sent = frame(1);
    ends[0]?.send(sent);
    sent.fill(9);
    clock.advanceTo(1);
    expect(log).toEqual(['1 1 1/60']);
  });

  test('what is no frame, and what nobody is there for, is lost', () => {
    const { clock, ends, log } = joined(networkLink());
    ends[0]?.send(frame(1, 13));
    clock.advanceTo(1_000_000);
    expect(log).toEqual([]);
    const alone = networkLink().ends[0]?.(clock, { send: () => undefined });
    expect(() => alone?.send(frame(1))).not.toThrow();
  });

  test('128 frames are on the way, and more are lost; those that have arrived do not count', () => {
    const { clock, ends, log } = joined(networkLink({ latency: 100 }));
    for (let i = 0; i < 200; i++) ends[0]?.send(frame(i));
    clock.advanceTo(100);
    expect(log.map((line) => line.split(' ')[2])).toEqual(Array.from({ length: 128 }, (_, i) => `${i}/60`));
    ends[0]?.send(frame(7));
    clock.advanceTo(200);
    expect(log.at(-1)).toBe('200 1 7/60');
  });

  test('losses are the same where the taker is behind, and what it holds is bounded', () => {
    const link = networkLink({ latency: 100 });
    const [fast, slow] = [benchClock(), benchClock()];
    let taken = 0;
    const sender = link.ends[0]?.(fast, { send: () => undefined });
    const taker = link.ends[1]?.(slow, { send: () => taken++ });
    for (let i = 0; i < 128; i++) sender?.send(frame(i));
    // The first ones have arrived at this time, even if the taker's machine is not there yet.
    fast.advanceTo(100);
    for (let i = 0; i < 128; i++) sender?.send(frame(i));
    slow.advanceTo(200);
    expect(taken).toBe(256);
    for (let i = 0; i < 100_000; i++) {
      fast.advanceTo(fast.now + 1);
      sender?.send(frame(i));
    }
    expect((taker?.save() as { frames: unknown[] }).frames.length).toBe(2048);
  });
});

test('a hub: everybody else gets a frame; equal times in the order of the senders, whoever was first', () => {
  const order = (senders: readonly number[]): string[] => {
    const { clock, ends, log } = joined(networkLink({ ends: 4, latency: 10 }));
    for (const from of senders) ends[from]?.send(frame(from));
    clock.advanceTo(10);
    return log;
  };
  expect(order([1, 0, 2])).toEqual(order([2, 1, 0]));
  expect(order([2, 1]).filter((line) => line.startsWith('10 3'))).toEqual(['10 3 1/60', '10 3 2/60']);
  expect(order([2])).toEqual(['10 0 2/60', '10 1 2/60', '10 3 2/60']);
});

test('a restored link goes on where it was', () => {
  const first = joined(networkLink({ ends: 3, latency: 100 }));
  first.ends[0]?.send(frame(1));
  first.clock.advanceTo(60);
  first.ends[1]?.send(frame(2));
  const states = first.ends.map((end) => end.save());
  const later = benchClock();
  later.advanceTo(60);
  const second = joined(networkLink({ ends: 3, latency: 100 }), later, states);
  for (const now of [100, 160]) {
    first.clock.advanceTo(now);
    second.clock.advanceTo(now);
  }
  expect(second.log).toEqual(first.log);
  expect(second.log).toHaveLength(4);
});

test.each([
  [{ frames: [{ at: 1, from: 8, frame: frame(0) }] }, 'frames[0].from'],
  [{ frames: [{ at: 1, from: 0, frame: frame(0, 13) }] }, 'frames[0].frame'],
  [
    {
      frames: [
        { at: 2, from: 0, frame: frame(0) },
        { at: 1, from: 1, frame: frame(0) },
      ],
    },
    'frames[1]',
  ],
  [{ version: 1 }, 'version'],
  [7, 'state'],
])('a wrong state: %o', (state, field) => {
  const connect = (): unknown => networkLink().ends[0]?.(benchClock(), { send: () => undefined }, state);
  expect(connect).toThrow(StateError);
  expect(connect).toThrow(field);
});

test.each([
  [{ ends: 1 }, /ends must be 2 to 8/],
  [{ ends: 9 }, /ends must be/],
  [{ latency: 0 }, /latency must be/],
  [{ latency: 0.5 }, /latency must be/],
])('a wrong configuration: %o', (config, message) => {
  expect(() => networkLink(config)).toThrow(message);
});
