// A station for tests: builds and reads frames with DataView, independently of the network's own code.

import { benchClock } from '@worldswitch/testkit';
import type { BenchClock } from '@worldswitch/testkit';

import { userNetwork } from '../../src/index.ts';
import type { NetworkPeer, UserNetworkConfig } from '../../src/index.ts';

export const MAC: readonly number[] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
export const ip = (text: string): number[] => text.split('.').map(Number);
export const big = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) % 256);

/** RFC 1071, over an even number of bytes. */
function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  while (total > 65535) total = (total % 65536) + Math.floor(total / 65536);
  return 65535 - total;
}

export interface PacketFields {
  from?: string;
  to: string;
  protocol: number;
  ttl?: number;
  payload: readonly number[];
  mac?: readonly number[];
  fragment?: number;
}

export function packet(p: PacketFields): Uint8Array {
  const { from = '10.0.2.15', to, protocol, ttl = 64, payload, mac = MAC, fragment = 0 } = p;
  const head = (check: number): number[] => [
    0x45,
    0,
    ...big(20 + payload.length, 2),
    0,
    1,
    ...big(fragment, 2),
    ttl,
    protocol,
    ...big(check, 2),
    ...ip(from),
    ...ip(to),
  ];
  return Uint8Array.from([
    ...[0x52, 0x55, 10, 0, 2, 2],
    ...mac,
    ...[8, 0],
    ...head(sum(head(0))),
    ...payload,
  ]);
}

export function udp(
  from: string,
  fromPort: number,
  to: string,
  toPort: number,
  data: readonly number[],
): number[] {
  const length = 8 + data.length;
  const make = (check: number): number[] => [
    ...big(fromPort, 2),
    ...big(toPort, 2),
    ...big(length, 2),
    ...big(check, 2),
    ...data,
  ];
  const padded = [...ip(from), ...ip(to), 0, 17, ...big(length, 2), ...make(0), ...(length % 2 ? [0] : [])];
  return make(sum(padded));
}

/** A TCP segment of the guest's. */
export interface SegmentFields {
  readonly seq: number;
  readonly ack?: number;
  readonly flags: number;
  readonly window?: number;
  readonly options?: readonly number[];
  readonly data?: readonly number[];
}

export function tcp(from: string, fromPort: number, to: string, toPort: number, s: SegmentFields): number[] {
  const { seq, ack = 0, flags, window = 65535, options = [], data = [] } = s;
  const make = (check: number): number[] => [
    ...big(fromPort, 2),
    ...big(toPort, 2),
    ...big(seq, 4),
    ...big(ack, 4),
    (5 + options.length / 4) << 4,
    flags,
    ...big(window, 2),
    ...big(check, 2),
    0,
    0,
    ...options,
    ...data,
  ];
  const length = 20 + options.length + data.length;
  const padded = [...ip(from), ...ip(to), 0, 6, ...big(length, 2), ...make(0), ...(length % 2 ? [0] : [])];
  return make(sum(padded));
}

export const echo = (data: readonly number[]): number[] => {
  const make = (check: number): number[] => [8, 0, ...big(check, 2), 0, 7, 0, 1, ...data];
  return make(sum(make(0)));
};

/** A DHCP message of a type with options. */
export function dhcp(
  type: number,
  options: readonly number[],
  more: { ciaddr?: string; flags?: number; mac?: readonly number[] } = {},
): number[] {
  const { ciaddr = '0.0.0.0', flags = 0, mac = MAC } = more;
  return [
    ...[1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0],
    ...big(flags, 2),
    ...ip(ciaddr),
    ...Array<number>(12).fill(0),
    ...mac,
    ...Array<number>(10 + 64 + 128).fill(0),
    ...[0x63, 0x82, 0x53, 0x63, 53, 1, type],
    ...options,
    255,
  ];
}

/** What of a frame a test looks at. */
export interface Seen {
  readonly at: number;
  readonly frame: Uint8Array;
  readonly destination: number[];
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Checksums of IP header and of what it carries, all of which must be zero. */
  readonly checksums: readonly number[];
}

export function seen(frame: Uint8Array, at = 0): Seen {
  const header = [...frame.subarray(14, 34)];
  const protocol = frame[23] ?? 0;
  const payload = frame.subarray(34);
  const padded = payload.length % 2 === 1 ? [...payload, 0] : [...payload];
  const pseudo = protocol === 1 ? [] : [...frame.subarray(26, 34), 0, protocol, ...big(payload.length, 2)];
  return {
    at,
    frame,
    destination: [...frame.subarray(0, 6)],
    from: frame.subarray(26, 30).join('.'),
    to: frame.subarray(30, 34).join('.'),
    protocol,
    payload,
    checksums: [sum(header), sum([...pseudo, ...padded])],
  };
}

/** Options of a DHCP reply by code. */
export function optionsOf(payload: Uint8Array): Record<number, number[]> {
  const found: Record<number, number[]> = {};
  for (let at = 8 + 240; payload[at] !== 255 && at < payload.length;) {
    const length = payload[at + 1] ?? 0;
    found[payload[at] ?? 0] = [...payload.subarray(at + 2, at + 2 + length)];
    at += 2 + length;
  }
  return found;
}

export interface Station {
  readonly clock: BenchClock;
  readonly network: NetworkPeer;
  readonly received: Uint8Array[];
  /** Sends a frame and returns what came within a millisecond. */
  ask(frame: Uint8Array): Seen[];
}

export function station(config: UserNetworkConfig = {}): Station {
  const clock = benchClock();
  const received: Uint8Array[] = [];
  const times: number[] = [];
  const network = userNetwork(config)(clock, {
    send: (frame) => {
      received.push(frame);
      times.push(clock.now);
    },
  });
  return {
    clock,
    network,
    received,
    ask(frame) {
      const before = received.length;
      network.send(frame);
      clock.advanceTo(clock.now + 1_000_000);
      return received.slice(before).map((f, i) => seen(f, times[before + i]));
    },
  };
}
