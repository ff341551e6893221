// How network cards and what is at the other end of their cable meet: frames in both directions, on virtual time.

import { StateError } from '@worldswitch/platform';
import type { Clock, Plain } from '@worldswitch/platform';

/** One end of a cable. */
export interface NetworkPort {
  /** Takes one Ethernet frame without its checksum, 14 to 65535 bytes; the array is the taker's to keep. */
  send(frame: Uint8Array): void;
}

/** What is at the other end of a card's cable. It is part of the card's saved state. */
export interface NetworkPeer extends NetworkPort {
  /** Takes what came from outside the machine: a recorded input of its card's. Absent where nothing does. */
  receive?(input: Uint8Array): void;
  /** Everything that decides its future, as plain data. */
  save(): Plain;
}

/**
 * Makes a peer and connects it.
 *
 * @param clock - virtual time; whatever a peer does by itself it does by timers of this clock
 * @param card - where its frames go
 * @param state - what `save` of an earlier one returned; checked by the peer, which throws a StateError
 */
export type NetworkPeerFactory = (clock: Clock, card: NetworkPort, state?: Plain) => NetworkPeer;

/** A cable with nothing at its end. */
export const unplugged: NetworkPeerFactory = (_clock, _card, state = null) => {
  if (state !== null) throw new StateError('peer', 'must be null, as nothing is plugged in');
  return { send: () => undefined, save: () => null };
};
