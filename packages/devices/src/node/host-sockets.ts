// The host's sockets for the user-mode network: connections and datagrams that the guest opens, and ports that are forwarded to it.

import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { isIPv4 } from 'node:net';
import type { AddressInfo } from 'node:net';

import { encodeEvent } from '../net/outside/sockets.ts';
import type {
  FlowProtocol,
  FlowTarget,
  OutsideEvent,
  OutsideSockets,
  PortForward,
} from '../net/outside/sockets.ts';
import { connecting, HostStream, listening } from './host-streams.ts';

const LOOPBACK = '127.0.0.1';
/** Callers of one forwarded UDP port that are remembered. */
const CALLERS = 64;

/** What a host's sockets are made from. */
export interface HostSocketsConfig {
  /** The same ones as the network's, in the same order. */
  readonly forwards?: readonly PortForward[];
  /** Takes events, which belong into the machine as inputs of the network's card. Never called from within a call of the machine's. */
  readonly input: (event: Uint8Array) => void;
}

/** The host's sockets. */
export interface HostSockets extends OutsideSockets {
  /** Listens on the forwarded ports; rejects with one line that says which one cannot be had. Resolves to their numbers. */
  listen(): Promise<readonly number[]>;
  /** Flows that are open. */
  readonly flows: number;
  /** Closes everything. */
  close(flow?: number): void;
}

/** A flow of datagrams. */
interface Datagrams {
  send(bytes: Uint8Array): void;
  close(): void;
}

class Sockets implements HostSockets {
  private readonly config: HostSocketsConfig;
  private readonly streams = new Map<number, HostStream>();
  private readonly datagrams = new Map<number, Datagrams>();
  private readonly listeners: { close(): void }[] = [];
  /** The next flow that a caller opens. */
  private next = 1;
  private isClosed = false;

  constructor(config: HostSocketsConfig) {
    this.config = config;
  }

  get flows(): number {
    return this.streams.size + this.datagrams.size;
  }
  private readonly tell = (event: OutsideEvent): void => {
    if (!this.isClosed) this.config.input(encodeEvent(event));
  };

  // ---- what the network asks for

  connect(flow: number, protocol: FlowProtocol, to: FlowTarget, port: number): void {
    const address = to === 'host' ? LOOPBACK : to === 'resolver' ? getServers().find(isIPv4) : to;
    if (protocol === 'tcp') this.add(flow, connecting(address ?? LOOPBACK, port));
    else if (address !== undefined) this.associate(flow, address, port);
  }
  send(flow: number, bytes: Uint8Array): void {
    (this.streams.get(flow) ?? this.datagrams.get(flow))?.send(bytes);
  }
  allow(flow: number, bytes: number): void {
    this.streams.get(flow)?.allow(bytes);
  }
  end(flow: number): void {
    this.streams.get(flow)?.end();
  }
  close(flow?: number): void {
    if (flow === undefined) {
      this.closeAll();
      return;
    }
    (this.streams.get(flow) ?? this.datagrams.get(flow))?.close();
    this.datagrams.delete(flow);
  }
  resume(flows: readonly number[]): void {
    for (const flow of flows) if ((flow & 1) === 1) this.next = Math.max(this.next, flow + 2);
    setImmediate(() => {
      for (const flow of flows)
        if (!this.streams.has(flow) && !this.datagrams.has(flow)) this.tell({ kind: 'closed', flow });
    });
  }

  private closeAll(): void {
    this.isClosed = true;
    for (const listener of this.listeners) listener.close();
    for (const flow of [...this.streams.values(), ...this.datagrams.values()]) flow.close();
    this.datagrams.clear();
  }

  private add(flow: number, socket: ConstructorParameters<typeof HostStream>[1]): void {
    this.streams.set(flow, new HostStream(flow, socket, this.tell, () => this.streams.delete(flow)));
  }

  private associate(flow: number, address: string, port: number): void {
    const socket = createSocket('udp4');
    socket.on('error', () => undefined);
    socket.on('message', (bytes, from) => {
      if (from.address === address && from.port === port) this.tell({ kind: 'data', flow, bytes });
    });
    this.datagrams.set(flow, {
      send: (bytes) => {
        socket.send(bytes, port, address, () => undefined);
      },
      close: () => socket.close(),
    });
  }

  // ---- forwarded ports

  async listen(): Promise<readonly number[]> {
    const ports: number[] = [];
    for (const [index, forward] of (this.config.forwards ?? []).entries()) {
      const { protocol, hostAddress = LOOPBACK, hostPort } = forward;
      try {
        const open = protocol === 'tcp' ? this.streamPort(index, forward) : this.datagramPort(index, forward);
        ports.push(await open);
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : 'it cannot be opened';
        throw new Error(`${protocol}:${hostAddress}:${hostPort}: ${why}`, { cause: thrown });
      }
    }
    return ports;
  }

  private nextFlow(): number {
    const flow = this.next;
    this.next += 2;
    return flow;
  }

  private async streamPort(
    index: number,
    { hostAddress = LOOPBACK, hostPort }: PortForward,
  ): Promise<number> {
    const server = await listening(hostAddress, hostPort, (socket) => {
      const flow = this.nextFlow();
      this.add(flow, socket);
      this.tell({ kind: 'accepted', flow, forward: index, port: socket.remotePort ?? 0 });
    });
    this.listeners.push(server);
    return (server.address() as AddressInfo).port;
  }

  private async datagramPort(
    index: number,
    { hostAddress = LOOPBACK, hostPort }: PortForward,
  ): Promise<number> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: hostAddress, port: hostPort, exclusive: true }, resolve);
    });
    socket.on('error', () => undefined);
    const callers = new Map<string, number>();
    socket.on('message', (bytes, { address, port }) => {
      const flow = this.caller(callers, socket, index, address, port);
      this.tell({ kind: 'data', flow, bytes });
    });
    this.listeners.push(socket);
    return socket.address().port;
  }

  /** The flow of who sends to a forwarded port; a new one where the network knows of none. */
  private caller(
    callers: Map<string, number>,
    socket: DatagramSocket,
    index: number,
    address: string,
    port: number,
  ): number {
    const key = `${address} ${port}`;
    const known = callers.get(key);
    if (known !== undefined && this.datagrams.has(known)) return known;
    const [first] = callers.keys();
    if (callers.size >= CALLERS && first !== undefined) {
      this.datagrams.delete(callers.get(first) ?? 0);
      callers.delete(first);
    }
    const flow = this.nextFlow();
    callers.set(key, flow);
    this.datagrams.set(flow, {
      send: (bytes) => {
        socket.send(bytes, port, address, () => undefined);
      },
      close: () => callers.delete(key),
    });
    this.tell({ kind: 'accepted', flow, forward: index, port });
    return flow;
  }
}

/** The host's sockets, for `outside` of `userNetwork`. */
export function hostSockets(config: HostSocketsConfig): HostSockets {
  return new Sockets(config);
}
