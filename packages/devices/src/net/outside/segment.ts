// TCP segments (RFC 9293, 3.1): parsing what a guest sends, and building ours.

import { checksum, joined, put16, put32, u16, u32 } from '../user/bytes.ts';
import { Protocol, pseudoHeader } from '../user/ipv4.ts';
import type { Packet } from '../user/ipv4.ts';

/** Control bits. */
export const Flag = { Fin: 1, Syn: 2, Rst: 4, Psh: 8, Ack: 16 } as const;

const HEADER = 20;
const OPTION_MSS = 2;
/** What every station takes (3.7.1), what Ethernet carries, and what nobody may go below: tiny segments would multiply the traffic. */
const MSS = { assumed: 536, most: 1460, least: 64 } as const;

/** A segment of the guest's. */
export interface Segment {
  readonly fromPort: number;
  readonly toPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  /** The longest segment that it takes. */
  readonly mss: number;
  readonly data: Uint8Array;
}

/** `a - b` of sequence numbers, which wrap. */
export const distance = (a: number, b: number): number => (a - b) | 0;
/** A sequence number further on. */
export const further = (from: number, by: number): number => (from + by) >>> 0;

function mssOf(options: Uint8Array): number {
  for (let at = 0; at < options.length;) {
    const kind = options[at] ?? 0;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : (options[at + 1] ?? 0);
    if (kind === OPTION_MSS && length === 4 && at + 4 <= options.length)
      return Math.max(MSS.least, Math.min(MSS.most, u16(options, at + 2)));
    if (kind !== 1 && length < 2) break;
    at += length;
  }
  return MSS.assumed;
}

/** The segment of a packet; undefined where lengths or checksum are wrong. */
export function parseSegment({ from, to, payload }: Packet): Segment | undefined {
  const header = ((payload[12] ?? 0) >> 4) * 4;
  if (payload.length < HEADER || header < HEADER || header > payload.length) return undefined;
  if (checksum(pseudoHeader(from, to, Protocol.Tcp, payload.length), payload) !== 0) return undefined;
  return {
    fromPort: u16(payload, 0),
    toPort: u16(payload, 2),
    seq: u32(payload, 4),
    ack: u32(payload, 8),
    flags: (payload[13] ?? 0) & 0x3f,
    window: u16(payload, 14),
    mss: mssOf(payload.subarray(HEADER, header)),
    data: payload.subarray(header),
  };
}

/** A segment of ours. */
export interface OutgoingSegment {
  readonly from: number;
  readonly fromPort: number;
  readonly to: number;
  readonly toPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly data: Uint8Array;
}

/** Its bytes; a SYN says how long our segments may be. */
export function buildSegment(s: OutgoingSegment): Uint8Array {
  const options = (s.flags & Flag.Syn) !== 0 ? [OPTION_MSS, 4, MSS.most >>> 8, MSS.most & 255] : [];
  const bytes = joined(new Uint8Array(HEADER), options, s.data);
  put16(bytes, 0, s.fromPort);
  put16(bytes, 2, s.toPort);
  put32(bytes, 4, s.seq);
  if ((s.flags & Flag.Ack) !== 0) put32(bytes, 8, s.ack);
  bytes[12] = ((HEADER + options.length) / 4) << 4;
  bytes[13] = s.flags;
  put16(bytes, 14, s.window);
  put16(bytes, 16, checksum(pseudoHeader(s.from, s.to, Protocol.Tcp, bytes.length), bytes));
  return bytes;
}
