// The hypervisor's Ethernet switch between its VMs' cards and the board's (IEEE 802.1D 7.8: a learning bridge, without spanning tree).

import type { NetworkPeerFactory, NetworkPort } from '@worldswitch/devices';
import { bytes, list, record, StateError, uint } from '@worldswitch/platform';
import type { Plain, Shape } from '@worldswitch/platform';

/** Addresses that are kept; the one learnt first goes. */
const LEARNT = 256;
const ADDRESS = 6;

/** What is saved: which port each address was seen at, the oldest first. */
export type SwitchState = readonly Readonly<{ address: Uint8Array; port: number }>[];

/** How it is checked. */
export const switchShape: Shape<SwitchState> = list(
  record({ address: bytes(ADDRESS), port: uint(255) }),
  0,
  LEARNT,
);

const keyOf = (frame: Uint8Array, at: number): string => frame.subarray(at, at + ADDRESS).join('.');

/** A switch. */
export class NetworkSwitch {
  private readonly ports: NetworkPort[] = [];
  /** Addresses that belong to a port: nobody else's frames may come from them. */
  private readonly owned = new Map<string, number>();
  private readonly learnt = new Map<string, number>();

  constructor(state: SwitchState = []) {
    for (const { address, port } of state) this.learnt.set(address.join('.'), port);
  }

  /**
   * Connects a port: frames for it go to `to`. Returns its number, for frames that come from it.
   *
   * @param address - the only one from which frames may come there, and which they may come from nowhere else
   */
  connect(to: NetworkPort, address?: Uint8Array): number {
    const port = this.ports.push(to) - 1;
    if (address !== undefined) this.owned.set(keyOf(address, 0), port);
    return port;
  }

  /** What a VM's card with an address is plugged into. */
  socket(address: Uint8Array): NetworkPeerFactory {
    return (_clock, card, state: Plain = null) => {
      if (state !== null) throw new StateError('peer', 'must be null, as the switch keeps its own state');
      const port = this.connect(card, address);
      return {
        send: (frame) => {
          this.forward(port, frame);
        },
        save: () => null,
      };
    };
  }

  /** A frame came in at a port: it goes to the port of its destination, or, where that is not known, to all others. */
  forward(from: number, frame: Uint8Array): void {
    if (frame.length < 2 * ADDRESS + 2 || !this.learn(from, frame)) return;
    const group = ((frame[0] ?? 0) & 1) !== 0;
    const key = keyOf(frame, 0);
    const to = group ? undefined : (this.owned.get(key) ?? this.learnt.get(key));
    this.ports.forEach((port, i) => {
      if (i !== from && (to === undefined || to === i)) port.send(frame.slice());
    });
  }

  /** Remembers where a station is; false for a frame that is not from where it says. */
  private learn(from: number, frame: Uint8Array): boolean {
    const key = keyOf(frame, ADDRESS);
    const owner = this.owned.get(key);
    if (owner !== undefined) return owner === from;
    if ([...this.owned.values()].includes(from)) return false;
    if (((frame[ADDRESS] ?? 0) & 1) !== 0 || this.learnt.get(key) === from) return true;
    this.learnt.delete(key);
    this.learnt.set(key, from);
    const [oldest] = this.learnt.keys();
    if (this.learnt.size > LEARNT && oldest !== undefined) this.learnt.delete(oldest);
    return true;
  }

  /** As plain data. */
  save(): SwitchState {
    return [...this.learnt].map(([key, port]) => ({
      address: Uint8Array.from(key.split('.'), Number),
      port,
    }));
  }
}
