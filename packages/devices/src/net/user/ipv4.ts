// Ethernet frames and IPv4 packets (RFC 894, RFC 791): parsing what a guest sends, every length checked, and building answers.

import { addressBytes, checksum, joined, put16, put32, u16, u32 } from './bytes.ts';

/** EtherTypes. */
export const EtherType = { Ipv4: 0x0800, Arp: 0x0806 } as const;
/** IP protocols. */
export const Protocol = { Icmp: 1, Tcp: 6, Udp: 17 } as const;

const ETHERNET = 14;
const IP = 20;

/** The hardware address of a host of ours: 52:55 and its address. */
export const macOf = (address: number): readonly number[] => [0x52, 0x55, ...addressBytes(address)];

/** A packet that a guest sent. */
export interface Packet {
  /** The guest's hardware address. */
  readonly mac: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly protocol: number;
  readonly ttl: number;
  readonly payload: Uint8Array;
  /** Header and the first 8 bytes of the payload, which ICMP's complaints quote. */
  readonly quote: Uint8Array;
}

/** The IPv4 packet of a frame; undefined for what is malformed or a fragment. */
export function parseIpv4(frame: Uint8Array): Packet | undefined {
  const ip = frame.subarray(ETHERNET);
  const header = ((ip[0] ?? 0) & 15) * 4;
  const total = u16(ip, 2);
  if ((ip[0] ?? 0) >> 4 !== 4 || header < IP || total < header || total > ip.length) return undefined;
  if (checksum(ip.subarray(0, header)) !== 0) return undefined;
  // MF, or an offset: fragments are not put together.
  if ((u16(ip, 6) & 0x3fff) !== 0) return undefined;
  return {
    mac: frame.slice(6, 12),
    from: u32(ip, 12),
    to: u32(ip, 16),
    protocol: ip[9] ?? 0,
    ttl: ip[8] ?? 0,
    payload: ip.subarray(header, total),
    quote: ip.subarray(0, Math.min(total, header + 8)),
  };
}

/** A frame with its Ethernet header. */
export const ethernet = (
  to: Uint8Array | readonly number[],
  from: readonly number[],
  type: number,
  payload: Uint8Array,
): Uint8Array => joined(to, from, [type >>> 8, type & 255], payload);

/** An IPv4 packet's addresses and what it carries. */
export interface Outgoing {
  readonly mac: Uint8Array | readonly number[];
  /** The host of ours whose hardware address is the frame's source. */
  readonly via: number;
  readonly from: number;
  readonly to: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** The frame of a packet of ours. */
export function buildIpv4({ mac, via, from, to, protocol, payload }: Outgoing, id: number): Uint8Array {
  const header = new Uint8Array(IP);
  header[0] = 0x45;
  put16(header, 2, IP + payload.length);
  put16(header, 4, id);
  header[8] = 64;
  header[9] = protocol;
  put32(header, 12, from);
  put32(header, 16, to);
  put16(header, 10, checksum(header));
  return ethernet(mac, macOf(via), EtherType.Ipv4, joined(header, payload));
}

/** The pseudo header that UDP's and TCP's checksums cover. */
export const pseudoHeader = (from: number, to: number, protocol: number, length: number): Uint8Array =>
  joined(addressBytes(from), addressBytes(to), [0, protocol, length >>> 8, length & 255]);

/** A UDP datagram with its checksum (RFC 768). */
export function buildUdp(
  from: number,
  fromPort: number,
  to: number,
  toPort: number,
  data: Uint8Array,
): Uint8Array {
  const udp = joined(new Uint8Array(8), data);
  put16(udp, 0, fromPort);
  put16(udp, 2, toPort);
  put16(udp, 4, udp.length);
  const sum = checksum(pseudoHeader(from, to, Protocol.Udp, udp.length), udp);
  put16(udp, 6, sum === 0 ? 0xffff : sum);
  return udp;
}

/** A UDP datagram that a guest sent. */
export interface Datagram {
  readonly fromPort: number;
  readonly toPort: number;
  readonly data: Uint8Array;
}

/** The datagram of a packet; undefined where lengths or checksum are wrong. */
export function parseUdp({ from, to, payload }: Packet): Datagram | undefined {
  const length = u16(payload, 4);
  if (payload.length < 8 || length < 8 || length > payload.length) return undefined;
  const udp = payload.subarray(0, length);
  if (u16(udp, 6) !== 0 && checksum(pseudoHeader(from, to, Protocol.Udp, length), udp) !== 0)
    return undefined;
  return { fromPort: u16(udp, 0), toPort: u16(udp, 2), data: udp.subarray(8) };
}
