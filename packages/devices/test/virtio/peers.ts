// A peer for network cards: an echo after a delay, whose frames on the way are its state.

import type { NetworkPeerFactory } from '@worldswitch/devices';
import { bytes, deadline, list, record, savedDeadline } from '@worldswitch/platform';

const shape = record<{ due: number | null; frames: readonly Uint8Array[] }>({
  due: deadline,
  frames: list(bytes(14, 65535), 0, 1000),
});

/**
 * Sends every frame back, all that came meanwhile together.
 *
 * @param delay - in nanoseconds
 */
export const echo =
  (delay: number): NetworkPeerFactory =>
  (clock, card, state) => {
    const from = state === undefined ? undefined : shape.check(state, 'echo');
    let frames = [...(from?.frames ?? [])];
    const timer = clock.timer(() => {
      const all = frames;
      frames = [];
      for (const frame of all) card.send(frame);
    });
    if (from?.due != null) timer.armAt(from.due);
    return {
      send(frame) {
        frames.push(frame);
        if (timer.deadline === Infinity) timer.armAt(clock.now + delay);
      },
      save: () => ({ due: savedDeadline(timer.deadline), frames: frames.map((frame) => frame.slice()) }),
    };
  };
