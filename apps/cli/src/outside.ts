// The ways out of a card: the host's sockets behind a user-mode network, or a cable to another process. What comes is an input of the card.

import { outsideCable, userNetwork } from '@worldswitch/devices';
import type { NetworkPeerFactory, PortForward } from '@worldswitch/devices';
import { frameSocket, hostSockets } from '@worldswitch/devices/node';
import type { FrameSocket, HostSockets } from '@worldswitch/devices/node';

import { CliError } from './errors.ts';
import type { CableOption } from './options/network.ts';

/** One card's way out. */
export interface Outside {
  /** The card's name. */
  readonly card: string;
  /** What is at the end of its cable. */
  readonly peer: NetworkPeerFactory;
  /** Something may come from outside. */
  readonly live: boolean;
  /** Says where inputs go, and opens what is to be open. Throws a `CliError` where something cannot be had. */
  open(take: (input: Uint8Array) => void): Promise<void>;
  close(): void;
}

/** A cable to another process, as QEMU's `-netdev socket`. */
export class CableOutside implements Outside {
  readonly card: string;
  readonly peer: NetworkPeerFactory;
  private readonly option: CableOption;
  private readonly socket: FrameSocket;
  private take: (input: Uint8Array) => void = () => undefined;

  constructor(card: string, option: CableOption) {
    this.card = card;
    this.option = option;
    this.socket = frameSocket({
      ...option,
      input: (frame) => {
        this.take(frame);
      },
    });
    this.peer = outsideCable((frame) => {
      this.socket.send(frame);
    });
  }

  get live(): boolean {
    return this.option.listen || this.socket.connected;
  }
  async open(take: (input: Uint8Array) => void): Promise<void> {
    this.take = take;
    const { listen, host, port } = this.option;
    try {
      await this.socket.open();
    } catch (thrown) {
      const how = listen ? 'listen' : 'connect';
      throw new CliError(`--nic socket,${how}=${host}:${port}: ${(thrown as Error).message}`);
    }
  }
  close(): void {
    this.socket.close();
  }
}

/** The way out of a user-mode network. */
export class UserOutside implements Outside {
  private readonly sockets: HostSockets;
  private readonly forwards: readonly PortForward[];
  private take: (input: Uint8Array) => void = () => undefined;
  readonly card: string;
  readonly peer: NetworkPeerFactory;

  /** Throws a `CliError` where a forward leads nowhere. */
  constructor(card: string, outgoing: boolean, forwards: readonly PortForward[]) {
    this.card = card;
    this.forwards = forwards;
    this.sockets = hostSockets({
      forwards,
      input: (event) => {
        this.take(event);
      },
    });
    try {
      this.peer = userNetwork({ outside: { sockets: this.sockets, outgoing, forwards } });
    } catch (thrown) {
      if (thrown instanceof RangeError) throw new CliError(`--nic user: ${thrown.message}`);
      throw thrown;
    }
  }

  get live(): boolean {
    return this.forwards.length > 0 || this.sockets.flows > 0;
  }

  async open(take: (input: Uint8Array) => void): Promise<void> {
    this.take = take;
    try {
      await this.sockets.listen();
    } catch (thrown) {
      throw new CliError(`--nic user,hostfwd=${(thrown as Error).message}`);
    }
  }
  close(): void {
    this.sockets.close();
  }
}
