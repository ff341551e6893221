// A cable whose other end is outside the machine, such as in another process: the frames that come are recorded inputs of the card.

import { StateError } from '@worldswitch/platform';

import type { NetworkPeerFactory } from './port.ts';

/**
 * A cable to the outside. Nothing of it is saved.
 *
 * @param send - takes the card's frames, which are its to keep
 */
export function outsideCable(send: (frame: Uint8Array) => void): NetworkPeerFactory {
  return (_clock, card, state = null) => {
    if (state !== null) throw new StateError('peer', 'must be null, as a cable to the outside keeps nothing');
    return {
      send,
      receive: (frame) => {
        if (frame.length >= 14 && frame.length <= 65535) card.send(frame.slice());
      },
      save: () => null,
    };
  };
}
