// The way out of a user-mode network: the host's sockets, whose answers are inputs of a card.

import type { OutsideConfig, PortForward } from '@worldswitch/devices';
import { hostSockets } from '@worldswitch/devices/node';
import type { HostSockets } from '@worldswitch/devices/node';

import { CliError } from './errors.ts';

/** One card's way out. */
export class Outside {
  private readonly sockets: HostSockets;
  private readonly forwards: readonly PortForward[];
  private readonly outgoing: boolean;
  private take: (input: Uint8Array) => void = () => undefined;
  /** The card's name. */
  readonly card: string;

  constructor(card: string, outgoing: boolean, forwards: readonly PortForward[]) {
    this.card = card;
    this.outgoing = outgoing;
    this.forwards = forwards;
    this.sockets = hostSockets({
      forwards,
      input: (event) => {
        this.take(event);
      },
    });
  }

  /** For the card's network. */
  get config(): OutsideConfig {
    return { sockets: this.sockets, outgoing: this.outgoing, forwards: this.forwards };
  }
  /** Something may come from outside. */
  get live(): boolean {
    return this.forwards.length > 0 || this.sockets.flows > 0;
  }

  /** Says where inputs go, and listens on the forwarded ports. Throws a `CliError` where one cannot be had. */
  async open(take: (input: Uint8Array) => void): Promise<void> {
    this.take = take;
    try {
      await this.sockets.listen();
    } catch (thrown) {
      throw new CliError(`--nic user,hostfwd=${(thrown as Error).message}`);
    }
  }
  /** Closes all sockets. */
  close(): void {
    this.sockets.close();
  }
}
