// Cables to the outside: frames of a card and frames for it, and how they go over a socket.

import { once } from 'node:events';
import { createConnection } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';
import { benchClock } from '@worldswitch/testkit';

import { outsideCable } from '../../src/index.ts';
import { frameSocket } from '../../src/node/index.ts';
import type { FrameSocket } from '../../src/node/index.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo();
});

test('frames go out, and come in as inputs; what is no frame does not', () => {
  const [out, came]: Uint8Array[][] = [[], []];
  const peer = outsideCable((frame) => out?.push(frame))(benchClock(), {
    send: (frame) => came?.push(frame),
  });
  peer.send(new Uint8Array(60));
  for (const length of [13, 14, 65535, 65536]) peer.receive?.(new Uint8Array(length));
  expect(out).toEqual([new Uint8Array(60)]);
  expect(came?.map(({ length }) => length)).toEqual([14, 65535]);
  expect(peer.save()).toBeNull();
  expect(() => outsideCable(() => undefined)(benchClock(), { send: () => undefined }, 1)).toThrow(StateError);
});

describe('over a socket', () => {
  const end = (listen: boolean, port: number): { cable: FrameSocket; frames: number[][] } => {
    const frames: number[][] = [];
    const cable = frameSocket({
      listen,
      host: '127.0.0.1',
      port,
      input: (frame) => frames.push([...frame]),
    });
    cleanUp.push(() => {
      cable.close();
    });
    return { cable, frames };
  };
  const until = async (is: () => boolean): Promise<void> => {
    while (!is()) await new Promise(setImmediate);
  };

  test('both ways', async () => {
    const left = end(true, 0);
    const port = await left.cable.open();
    const right = end(false, port);
    right.cable.send(Uint8Array.of(0));
    await right.cable.open();
    await until(() => left.cable.connected);
    left.cable.send(Uint8Array.of(1, 2, 3));
    right.cable.send(Uint8Array.of(4));
    right.cable.send(new Uint8Array(65535));
    await until(() => left.frames.length === 2 && right.frames.length === 1);
    expect([right.frames, left.frames[0], left.frames[1]?.length]).toEqual([[[1, 2, 3]], [4], 65535]);
    right.cable.close();
    await until(() => !left.cable.connected);
    left.cable.send(Uint8Array.of(1));
  });

  test('frames in pieces; lengths that no frame has end the connection; a third end is not let in', async () => {
    const left = end(true, 0);
    const port = await left.cable.open();
    const raw = createConnection({ port, host: '127.0.0.1' });
    cleanUp.push(() => raw.destroy());
    await until(() => left.cable.connected);
    const third = createConnection({ port, host: '127.0.0.1' });
    await once(third, 'close');
    for (const byte of [0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9]) {
      raw.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    await until(() => left.frames.length === 2);
    expect(left.frames).toEqual([[7, 8], [9]]);
    raw.write(Uint8Array.of(0, 1, 0, 0));
    await once(raw, 'close');
    await until(() => !left.cable.connected);
  });

  test('nobody is there', async () => {
    const { cable } = end(true, 0);
    const port = await cable.open();
    cable.close();
    await expect(end(false, port).cable.open()).rejects.toThrow('ECONNREFUSED');
  });
});
