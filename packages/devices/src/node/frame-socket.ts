// Frames over TCP, as QEMU's `-netdev socket` has them: each with its length before it, 32 bits, most significant byte first.

import { Server, Socket } from 'node:net';

/** Where the other end is. */
export interface FrameSocketConfig {
  /** Listen here, or else connect to there. */
  readonly listen: boolean;
  readonly host: string;
  readonly port: number;
  /** Takes each frame that comes. Never called from within a call of the machine's. */
  readonly input: (frame: Uint8Array) => void;
}

/** The end of a cable. */
export interface FrameSocket {
  /** Listens or connects; rejects with what is wrong. Resolves to the port. */
  open(): Promise<number>;
  /** Sends a frame, which is lost while nobody is there, or takes what was sent before. */
  send(frame: Uint8Array): void;
  /** Somebody is at the other end. */
  readonly connected: boolean;
  close(): void;
}

const LONGEST = 65535;
/** Bytes that wait for the other end, beyond which frames are lost. */
const WAITING = 4 * 2 ** 20;

class Cable implements FrameSocket {
  private readonly config: FrameSocketConfig;
  private server: Server | undefined;
  private socket: Socket | undefined;
  /** Of a frame that has not come whole. */
  private rest: Buffer = Buffer.alloc(0);

  constructor(config: FrameSocketConfig) {
    this.config = config;
  }

  get connected(): boolean {
    return this.socket !== undefined;
  }

  async open(): Promise<number> {
    const { listen, host, port } = this.config;
    if (listen) {
      const server = new Server((socket) => {
        // A cable has two ends: who comes later is not let in.
        if (this.socket === undefined) this.use(socket);
        else socket.destroy();
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, exclusive: true }, resolve);
      });
      this.server = server;
      const address = server.address();
      return typeof address === 'object' ? (address?.port ?? port) : port;
    }
    const socket = new Socket();
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect({ host, port }, resolve);
    });
    this.use(socket);
    return port;
  }

  private use(socket: Socket): void {
    this.socket = socket;
    this.rest = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.socket === socket) this.socket = undefined;
    });
    socket.on('data', (bytes) => {
      this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
      this.frames(socket);
    });
  }
  private frames(socket: Socket): void {
    while (this.rest.length >= 4) {
      const length = this.rest.readUInt32BE(0);
      if (length > LONGEST) {
        // What speaks there is no cable: its lengths mean nothing.
        socket.destroy();
        return;
      }
      if (this.rest.length < 4 + length) return;
      const frame = Uint8Array.from(this.rest.subarray(4, 4 + length));
      this.rest = this.rest.subarray(4 + length);
      this.config.input(frame);
    }
  }

  send(frame: Uint8Array): void {
    const { socket } = this;
    if (socket === undefined || socket.writableLength > WAITING) return;
    const head = Buffer.alloc(4);
    head.writeUInt32BE(frame.length);
    socket.write(Buffer.concat([head, frame]));
  }
  close(): void {
    this.server?.close();
    this.socket?.destroy();
    this.socket = undefined;
  }
}

/** The end of a cable to another process, for `outsideCable`. */
export function frameSocket(config: FrameSocketConfig): FrameSocket {
  return new Cable(config);
}
