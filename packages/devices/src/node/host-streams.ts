// TCP sockets of the host as flows: what comes is read only as far as the network allows it.

import { Server, Socket } from 'node:net';

import type { OutsideEvent } from '../net/outside/sockets.ts';

/** Milliseconds in which the last bytes of a closed stream must have gone on. */
const LINGER = 30_000;

/** One stream. */
export class HostStream {
  private readonly flow: number;
  private readonly socket: Socket;
  private readonly tell: (event: OutsideEvent) => void;
  private readonly gone: () => void;
  private allowed = 0;
  private isEnding = false;

  /**
   * @param tell - hears of it; never called before a call of ours has returned
   * @param gone - called when the socket is closed
   */
  constructor(flow: number, socket: Socket, tell: (event: OutsideEvent) => void, gone: () => void) {
    this.flow = flow;
    this.socket = socket;
    this.tell = tell;
    this.gone = gone;
    socket.setNoDelay(true);
    socket.on('connect', () => {
      tell({ kind: 'opened', flow });
    });
    socket.on('readable', () => {
      this.read();
    });
    socket.on('end', () => {
      tell({ kind: 'ended', flow });
    });
    let broken = false;
    socket.on('error', () => {
      broken = true;
    });
    socket.on('close', () => {
      if (broken) tell({ kind: 'closed', flow });
      this.gone();
    });
  }

  /** Lets more bytes come. */
  allow(bytes: number): void {
    this.allowed += bytes;
    // Events come between runs of the machine, which is calling now.
    setImmediate(() => {
      this.read();
    });
  }
  private read(): void {
    const { socket, flow } = this;
    for (let there = socket.readableLength; there > 0 && this.allowed > 0; there = socket.readableLength) {
      const bytes = socket.read(Math.min(there, this.allowed)) as Uint8Array | null;
      if (bytes === null) return;
      this.allowed -= bytes.length;
      this.tell({ kind: 'data', flow, bytes });
    }
    // Without a look at the end of what is there it is not told.
    if (socket.readableLength === 0) socket.read(0);
  }
  /** Writes, and tells when the host has taken it. */
  send(bytes: Uint8Array): void {
    this.socket.write(bytes, (error) => {
      if (!error) this.tell({ kind: 'taken', flow: this.flow, count: bytes.length });
    });
  }
  /** Nothing more will be written. */
  end(): void {
    this.isEnding = true;
    this.socket.end();
  }
  /** Closes: what was ended is still delivered, what was not is broken off. */
  close(): void {
    if (!this.isEnding) {
      this.socket.resetAndDestroy();
      return;
    }
    this.socket.setTimeout(LINGER, () => this.socket.destroy());
    this.socket.destroySoon();
  }
}

/** A listening port. */
export async function listening(
  address: string,
  port: number,
  accept: (socket: Socket) => void,
): Promise<Server> {
  const server = new Server({ allowHalfOpen: true }, accept);
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, resolve);
  });
  server.on('error', () => undefined);
  return server;
}

/** A stream to somewhere. */
export function connecting(address: string, port: number): Socket {
  const socket = new Socket({ allowHalfOpen: true });
  socket.connect({ host: address, port });
  return socket;
}
