// A user network with a scripted host outside, and a guest whose segments are built here.

import { expect } from 'vitest';

import type { Plain } from '@worldswitch/platform';
import { benchClock } from '@worldswitch/testkit';
import type { BenchClock } from '@worldswitch/testkit';

import { encodeEvent, userNetwork } from '../../src/index.ts';
import type { NetworkPeer, OutsideEvent, OutsideSockets, PortForward } from '../../src/index.ts';
import { big, packet, seen, tcp } from './station.ts';
import type { SegmentFields } from './station.ts';

/** Flags of a segment (RFC 9293 3.1). */
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const GUEST = '10.0.2.15';
export const SERVER = '93.184.216.34';
export const MS = 1_000_000;

export const word = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint32(at);
export const half = (b: Uint8Array, at: number): number => new DataView(b.buffer, b.byteOffset).getUint16(at);

/** What of a segment of the network's a test looks at. */
export interface Got {
  readonly at: number;
  readonly ports: readonly number[];
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly data: readonly number[];
}

export interface Rig {
  readonly clock: BenchClock;
  readonly network: NetworkPeer;
  /** What the network asked the host for. */
  readonly asked: string[];
  /** Frames to the guest. */
  readonly frames: Uint8Array[];
  event(event: OutsideEvent): void;
  guest(to: string, port: number, segment: SegmentFields, from?: number): void;
  /** Segments that came to the guest since the last call, after a millisecond. */
  segments(wait?: number): Got[];
}

const FORWARDS: readonly PortForward[] = [
  { protocol: 'tcp', hostPort: 2222, guestPort: 22 },
  { protocol: 'udp', hostPort: 5353, guestPort: 53 },
];

export function rig(
  { outgoing = true, forwards = FORWARDS }: { outgoing?: boolean; forwards?: readonly PortForward[] } = {},
  state?: Plain,
  clock = benchClock(),
): Rig {
  const asked: string[] = [];
  const say =
    (name: string) =>
    (...given: readonly unknown[]): void => {
      asked.push(
        [name, ...given.map((g) => (g instanceof Uint8Array ? `<${[...g].join(' ')}>` : g))].join(' '),
      );
    };
  const sockets: OutsideSockets = {
    connect: say('connect'),
    send: say('send'),
    allow: say('allow'),
    end: say('end'),
    close: say('close'),
    resume: say('resume'),
  };
  const frames: Uint8Array[] = [];
  const times: number[] = [];
  const network = userNetwork({ outside: { sockets, outgoing, forwards } })(
    clock,
    {
      send: (frame) => {
        frames.push(frame);
        times.push(clock.now);
      },
    },
    state,
  );
  let looked = 0;
  return {
    clock,
    network,
    asked,
    frames,
    event: (event) => network.receive?.(encodeEvent(event)),
    guest: (to, port, segment, from = 40000) => {
      network.send(packet({ to, protocol: 6, payload: tcp(GUEST, from, to, port, segment) }));
    },
    segments(wait = MS) {
      clock.advanceTo(clock.now + wait);
      const fresh = frames.slice(looked);
      const at = times.slice(looked);
      looked = frames.length;
      return fresh.flatMap((frame, i) => {
        const { protocol, payload, checksums } = seen(frame);
        if (protocol !== 6) return [];
        expect(checksums).toEqual([0, 0]);
        return [
          {
            at: at[i] ?? 0,
            ports: [half(payload, 0), half(payload, 2)],
            seq: word(payload, 4),
            ack: word(payload, 8),
            flags: payload[13] ?? 0,
            window: half(payload, 14),
            data: [...payload.subarray(((payload[12] ?? 0) >> 4) * 4)],
          },
        ];
      });
    },
  };
}
export const only = (all: readonly Got[]): Got => {
  expect(all).toHaveLength(1);
  const [one] = all;
  if (one === undefined) throw new Error('nothing came');
  return one;
};
const MSS_1000: readonly number[] = [2, 4, ...big(1000, 2)];

/** Opens a connection from the guest; returns our first sequence number's successor. */
export function opened(r: Rig, window = 65535): number {
  r.guest(SERVER, 80, { seq: 1000, flags: SYN, options: MSS_1000, window });
  r.event({ kind: 'opened', flow: 2 });
  const { seq } = only(r.segments());
  r.guest(SERVER, 80, { seq: 1001, ack: seq + 1, flags: ACK, window });
  expect(r.segments()).toEqual([]);
  return seq + 1;
}

/** A query of DNS for example.org's address (RFC 1035 4.1). */
export const query: readonly number[] = [
  ...[0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[7, ...new TextEncoder().encode('example'), 3, ...new TextEncoder().encode('org'), 0, 0, 1, 0, 1],
];
