// The host's sockets as the network uses them, on the loopback: streams both ways, bounded by what is allowed; datagrams; forwards.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { parseEvent } from '../../src/index.ts';
import type { OutsideEvent, PortForward } from '../../src/index.ts';
import { hostSockets } from '../../src/node/index.ts';
import type { HostSockets } from '../../src/node/index.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo();
});

interface Host {
  readonly sockets: HostSockets;
  readonly events: OutsideEvent[];
  /** Waits until an event fits. */
  until(fits: (event: OutsideEvent) => boolean): Promise<OutsideEvent>;
  /** All bytes of a flow so far. */
  bytes(flow: number): number[];
}
function host(forwards: readonly PortForward[] = []): Host {
  const events: OutsideEvent[] = [];
  let wake: (() => void) | undefined;
  const sockets = hostSockets({
    forwards,
    input: (bytes) => {
      const event = parseEvent(bytes);
      if (event === undefined) throw new Error('the host told something that is no event');
      events.push(event);
      wake?.();
    },
  });
  cleanUp.push(() => {
    sockets.close();
  });
  return {
    sockets,
    events,
    async until(fits) {
      for (;;) {
        const found = events.find(fits);
        if (found) return found;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    bytes: (flow) => events.flatMap((e) => (e.kind === 'data' && e.flow === flow ? [...e.bytes] : [])),
  };
}
async function server(accept: (socket: Socket) => void): Promise<number> {
  const listening = createServer({ allowHalfOpen: true }, accept);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  cleanUp.push(() => listening.close());
  return (listening.address() as AddressInfo).port;
}
const is =
  (kind: OutsideEvent['kind'], flow: number) =>
  (event: OutsideEvent): boolean =>
    event.kind === kind && event.flow === flow;

test('a stream: nothing is told from within a call; bytes come as far as they are allowed; both ends end', async () => {
  const port = await server((socket) => {
    socket.on('error', () => undefined);
    socket.write(new Uint8Array(100_000).fill(7));
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('end', () => socket.end());
  });
  const h = host();
  h.sockets.connect(2, 'tcp', 'host', port);
  expect(h.events).toEqual([]);
  await h.until(is('opened', 2));
  h.sockets.allow(2, 1000);
  expect(h.events).toHaveLength(1);
  while (h.bytes(2).length < 1000) await new Promise(setImmediate);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(h.bytes(2)).toHaveLength(1000);
  h.sockets.send(2, Uint8Array.of(1, 2, 3));
  expect(await h.until(is('taken', 2))).toEqual({ kind: 'taken', flow: 2, count: 3 });
  h.sockets.allow(2, 200_000);
  h.sockets.end(2);
  await h.until(is('ended', 2));
  expect(h.bytes(2)).toHaveLength(100_003);
  expect(h.bytes(2).slice(-3)).toEqual([1, 2, 3]);
  h.sockets.close(2);
  while (h.sockets.flows > 0) await new Promise(setImmediate);
  expect(h.events.some(is('closed', 2))).toBe(false);
});

test('what was sent before the end is delivered although the flow is closed at once', async () => {
  let got = 0;
  const done = new Promise<void>((resolve) => {
    void server((socket) => {
      socket.on('data', (bytes) => (got += bytes.length));
      socket.on('end', () => {
        socket.end();
        resolve();
      });
    }).then((port) => {
      const { sockets } = host();
      sockets.connect(2, 'tcp', 'host', port);
      sockets.send(2, new Uint8Array(3_000_000));
      sockets.end(2);
      sockets.close(2);
    });
  });
  await done;
  expect(got).toBe(3_000_000);
});

test('a port where nobody listens', async () => {
  const port = await server(() => undefined);
  for (const undo of cleanUp.splice(0)) undo();
  const h = host();
  h.sockets.connect(2, 'tcp', 'host', port);
  await h.until(is('closed', 2));
  expect(h.events).toHaveLength(1);
  expect(h.sockets.flows).toBe(0);
});

test('a flow that is broken off resets the other end', async () => {
  const reset = new Promise<string>((resolve) => {
    void server((socket) => {
      socket.on('error', (error) => {
        resolve((error as NodeJS.ErrnoException).code ?? '');
      });
      socket.resume();
    }).then(async (port) => {
      const h = host();
      h.sockets.connect(2, 'tcp', 'host', port);
      await h.until(is('opened', 2));
      h.sockets.close(2);
    });
  });
  expect(await reset).toBe('ECONNRESET');
});

test('datagrams go where the flow leads, and only from there they come', async () => {
  const echo = createSocket('udp4');
  const stranger = createSocket('udp4');
  cleanUp.push(
    () => echo.close(),
    () => stranger.close(),
  );
  echo.on('message', (bytes, { address, port }) => {
    stranger.send('no', port, address, () => {
      echo.send(bytes, port, address);
    });
  });
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  const h = host();
  h.sockets.connect(4, 'udp', 'host', echo.address().port);
  h.sockets.send(4, Uint8Array.of(5, 6));
  await h.until(is('data', 4));
  expect(h.events).toEqual([{ kind: 'data', flow: 4, bytes: Uint8Array.of(5, 6) }]);
  h.sockets.close(4);
  expect(h.sockets.flows).toBe(0);
});

test('forwarded ports: callers are flows with odd numbers', async () => {
  const h = host([
    { protocol: 'tcp', hostPort: 0, guestPort: 22 },
    { protocol: 'udp', hostPort: 0, guestPort: 53 },
  ]);
  const [stream = 0, datagram = 0] = await h.sockets.listen();
  const caller = createConnection({ port: stream, host: '127.0.0.1' });
  cleanUp.push(() => caller.destroy());
  caller.write('hello');
  const accepted = await h.until(is('accepted', 1));
  expect(accepted).toEqual({ kind: 'accepted', flow: 1, forward: 0, port: caller.localPort });
  // Nothing is read before it is allowed.
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(h.events).toHaveLength(1);
  h.sockets.allow(1, 100);
  await h.until(is('data', 1));
  h.sockets.send(1, new TextEncoder().encode('hi'));
  const [answer] = (await once(caller, 'data')) as [Buffer];
  expect(answer.toString()).toBe('hi');

  const sender = createSocket('udp4');
  cleanUp.push(() => sender.close());
  sender.send('one', datagram, '127.0.0.1');
  await h.until(is('data', 3));
  sender.send('two', datagram, '127.0.0.1');
  while (h.bytes(3).length < 6) await new Promise(setImmediate);
  expect(h.events.filter(({ kind }) => kind === 'accepted')).toHaveLength(2);
  h.sockets.send(3, new TextEncoder().encode('three'));
  const [back] = (await once(sender, 'message')) as [Buffer];
  expect(back.toString()).toBe('three');
});

test('a port that is taken is named', async () => {
  const port = await server(() => undefined);
  const { sockets } = host([{ protocol: 'tcp', hostPort: port, guestPort: 1 }]);
  await expect(sockets.listen()).rejects.toThrow(`tcp:127.0.0.1:${port}: listen EADDRINUSE`);
});

test('flows of a restored network that the host does not have are closed, and their numbers stay theirs', async () => {
  const h = host([{ protocol: 'tcp', hostPort: 0, guestPort: 22 }]);
  const [port = 0] = await h.sockets.listen();
  h.sockets.resume([2, 7]);
  expect(h.events).toEqual([]);
  await h.until(is('closed', 7));
  expect(h.events.map(({ flow }) => flow)).toEqual([2, 7]);
  const caller = createConnection({ port, host: '127.0.0.1' });
  cleanUp.push(() => caller.destroy());
  await h.until(is('accepted', 9));
});
