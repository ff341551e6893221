// Consoles that are sockets: Unix or TCP, as a client, or as a server with one peer at a time.

import { lstat, unlink } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import type { Server } from 'node:net';

import { CliError } from '../errors.ts';
import type { Destination } from '../options/destination.ts';
import { drainedStream } from './channel.ts';
import type { Channel, ChannelEvents } from './channel.ts';

type SocketDestination = Extract<Destination, { kind: 'unix' | 'tcp' }>;

const nameOf = (to: SocketDestination): string =>
  to.kind === 'unix' ? `unix:${to.path}` : `tcp:${to.host}:${to.port}`;

const place = (to: SocketDestination): { path: string } | { host: string; port: number } =>
  to.kind === 'unix' ? { path: to.path } : { host: to.host === '' ? 'localhost' : to.host, port: to.port };

/** A peer while there is one. */
class Peer {
  socket: Socket | undefined;
  private readonly events: ChannelEvents;

  constructor(events: ChannelEvents) {
    this.events = events;
  }
  attach(socket: Socket): void {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.events.typed(bytes);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
      this.events.changed();
    });
  }
  write(bytes: Uint8Array): void {
    this.socket?.write(bytes);
  }
  async drained(): Promise<void> {
    if (this.socket) await drainedStream(this.socket);
  }
  async end(): Promise<void> {
    const { socket } = this;
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      // A peer that does not read is not waited for.
      const timer = setTimeout(() => {
        socket.destroy();
      }, 1000);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end(() => {
        socket.destroy();
      });
    });
  }
}

async function client(option: string, to: SocketDestination, peer: Peer): Promise<Channel> {
  const socket = new Socket();
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new CliError(
          `${option} ${nameOf(to)}: nobody answers there (${error.code ?? error.message}); add server=on to wait for a peer instead`,
        ),
      );
    });
    socket.connect(place(to), resolve);
  });
  peer.attach(socket);
  return {
    get live() {
      return peer.socket !== undefined;
    },
    paced: true,
    write: (bytes) => {
      peer.write(bytes);
    },
    drained: () => peer.drained(),
    close: () => peer.end(),
  };
}

async function listen(option: string, to: SocketDestination, server: Server): Promise<void> {
  // What an earlier run left behind is no obstacle, but a socket that somebody listens to is.
  const answers =
    to.kind === 'unix' &&
    (await new Promise<boolean>((resolve) => {
      const probe = new Socket();
      probe.once('error', () => {
        resolve(false);
      });
      probe.connect(to.path, () => {
        probe.destroy();
        resolve(true);
      });
    }));
  if (to.kind === 'unix' && !answers) {
    const stale = await lstat(to.path).catch(() => undefined);
    if (stale?.isSocket() === true) await unlink(to.path).catch(() => undefined);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new CliError(`${option} ${nameOf(to)}: cannot listen there (${error.code ?? error.message})`));
    });
    server.listen(place(to), resolve);
  });
}

async function serve(option: string, to: SocketDestination, peer: Peer): Promise<Channel> {
  const meeting: { over?: () => void } = {};
  const met = new Promise<void>((resolve) => (meeting.over = resolve));
  const server = createServer((socket) => {
    if (peer.socket === undefined) {
      peer.attach(socket);
      meeting.over?.();
    } else socket.destroy();
  });
  await listen(option, to, server);
  server.on('error', () => undefined);
  return {
    live: true,
    paced: true,
    ready: async () => {
      if (!to.wait) return;
      process.stderr.write(`worldswitch: ${option}: waiting for somebody to connect to ${nameOf(to)}\n`);
      await met;
    },
    write: (bytes) => {
      peer.write(bytes);
    },
    drained: () => peer.drained(),
    close: async () => {
      server.close();
      await peer.end();
    },
  };
}

/** Opens a socket. Throws a `CliError` where nobody answers, or where it cannot listen. */
export function openSocket(option: string, to: SocketDestination, events: ChannelEvents): Promise<Channel> {
  const peer = new Peer(events);
  return to.server ? serve(option, to, peer) : client(option, to, peer);
}
