// A cable between two network cards, or a hub between several, of one machine or of machines that run together on one virtual time.
// A frame arrives at every other end a latency after it was sent; equal times are in the order of the ends that sent.

import { bytes, list, record, stateCodec, StateError, uint } from '@worldswitch/platform';
import type { Clock, Plain, Shape, StateCodec, Timer } from '@worldswitch/platform';

import type { NetworkPeer, NetworkPeerFactory, NetworkPort } from './port.ts';

/** What one may choose of a link. */
export interface NetworkLinkConfig {
  /** How many cards it joins, 2 to 8; 2 when absent. */
  readonly ends?: number;
  /** Virtual nanoseconds from end to end, 1 to 1,000,000,000; 100 microseconds when absent. */
  readonly latency?: number;
}

/** A link. Each end is for one card. */
export interface NetworkLink {
  /** Machines that it joins may run ahead of one another by so many nanoseconds. */
  readonly latency: number;
  /** Its ends. One that is connected again, as by a machine that is restored, leaves the card that it had. */
  readonly ends: readonly NetworkPeerFactory[];
}

/** A frame on its way to an end. */
type OnTheWay = Readonly<{ at: number; from: number; frame: Uint8Array }>;

/** What of an end is saved: the frames that are on their way to it. */
export type NetworkLinkState = Readonly<{ frames: readonly OnTheWay[] }>;

const MOST_ENDS = 8;
/** Frames on their way from one end to another; beyond, they are lost. */
const ON_THE_WAY = 128;
/** Frames that an end holds: those of all others, twice, as their machines may be ahead by a latency. A machine that is off gets no more. */
const MOST = 2 * ON_THE_WAY * MOST_ENDS;

/** True where `a` is taken after `b`. */
const isAfter = (a: OnTheWay, b: OnTheWay): boolean => a.at > b.at || (a.at === b.at && a.from > b.from);

const frames: Shape<readonly OnTheWay[]> = list(
  record<OnTheWay>({ at: uint(), from: uint(MOST_ENDS - 1), frame: bytes(14, 65535) }),
  0,
  MOST,
);
const codec: StateCodec<NetworkLinkState> = stateCodec(
  1,
  record<NetworkLinkState>({
    frames: {
      check(from, path) {
        const all = frames.check(from, path);
        const wrong = all.findIndex((frame, i) => {
          const before = all[i - 1];
          return before !== undefined && isAfter(before, frame);
        });
        if (wrong >= 0) throw new StateError(`${path}[${wrong}]`, 'must not come before the one before it');
        return all;
      },
    },
  }),
);

/** One end: it holds what is on its way to its card, so that a card's saved state is whole by itself. */
class End implements NetworkPeer {
  private readonly clock: Clock;
  private readonly card: NetworkPort;
  private readonly timer: Timer;
  private readonly toOthers: (at: number, frame: Uint8Array) => void;
  private readonly latency: number;
  private readonly frames: OnTheWay[];

  constructor(
    clock: Clock,
    card: NetworkPort,
    latency: number,
    toOthers: (at: number, frame: Uint8Array) => void,
    state?: NetworkLinkState,
  ) {
    this.clock = clock;
    this.card = card;
    this.latency = latency;
    this.toOthers = toOthers;
    this.frames = [...(state?.frames ?? [])];
    this.timer = clock.timer((now) => {
      this.arrive(now);
    });
    this.arm();
  }

  send(frame: Uint8Array): void {
    if (frame.length >= 14) this.toOthers(this.clock.now + this.latency, frame);
  }
  save(): NetworkLinkState {
    return { frames: this.frames.map(({ at, from, frame }) => ({ at, from, frame: frame.slice() })) };
  }

  /** A frame is on its way to this end. */
  take(coming: OnTheWay): void {
    if (this.frames.length >= MOST || this.sent(coming) >= ON_THE_WAY) return;
    let place = this.frames.length;
    for (let last = this.frames[place - 1]; last !== undefined && isAfter(last, coming); place--)
      last = this.frames[place - 2];
    this.frames.splice(place, 0, coming);
    this.arm();
  }

  /**
   * How many frames the same end has on the way when it sends this one. Those that have arrived by then do not count even if this
   * end's machine is behind and has them still: what is lost must not depend on how runs are cut into pieces.
   */
  private sent({ at, from }: OnTheWay): number {
    let count = 0;
    for (let i = this.frames.length - 1; i >= 0; i--) {
      const other = this.frames[i];
      if (other === undefined || other.at <= at - this.latency) break;
      if (other.from === from) count++;
    }
    return count;
  }

  private arm(): void {
    const [next] = this.frames;
    if (next === undefined) this.timer.cancel();
    else if (this.timer.deadline !== next.at) this.timer.armAt(next.at);
  }
  private arrive(now: number): void {
    for (let next = this.frames[0]; next !== undefined && next.at <= now; next = this.frames[0]) {
      this.frames.shift();
      this.card.send(next.frame);
    }
    this.arm();
  }
}

/**
 * A cable or a hub.
 *
 * @throws RangeError that names the field of the configuration
 */
export function networkLink({ ends = 2, latency = 100_000 }: NetworkLinkConfig = {}): NetworkLink {
  if (!Number.isInteger(ends) || ends < 2 || ends > MOST_ENDS)
    throw new RangeError(`link: ends must be 2 to ${MOST_ENDS}, but is ${ends}`);
  if (!Number.isInteger(latency) || latency < 1 || latency > 1_000_000_000)
    throw new RangeError(`link: latency must be 1 to 1000000000, but is ${latency}`);
  const connected: (End | undefined)[] = Array.from({ length: ends });
  const end =
    (from: number): NetworkPeerFactory =>
    (clock, card, state?: Plain) => {
      const toOthers = (at: number, frame: Uint8Array): void => {
        connected.forEach((other, i) => {
          if (i !== from) other?.take({ at, from, frame: frame.slice() });
        });
      };
      const saved = state === undefined || state === null ? undefined : codec.parse(state, codec.version);
      const made = new End(clock, card, latency, toOthers, saved);
      connected[from] = made;
      return made;
    };
  return { latency, ends: connected.map((_, i) => end(i)) };
}
