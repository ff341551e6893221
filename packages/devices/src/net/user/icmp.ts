// ICMP (RFC 792): echoes, and complaints about packets that cannot be delivered; TCP's refusal (RFC 9293, 3.10.7.1) beside it.

import { checksum, joined, put16, put32, u16, u32 } from './bytes.ts';
import { Protocol, pseudoHeader } from './ipv4.ts';
import type { Packet } from './ipv4.ts';

const Type = { EchoReply: 0, Unreachable: 3, Echo: 8, TimeExceeded: 11 } as const;

/** Why a destination cannot be reached. */
export const Unreachable = { Network: 0, Protocol: 2, Port: 3 } as const;

function withChecksum(message: Uint8Array): Uint8Array {
  put16(message, 2, 0);
  put16(message, 2, checksum(message));
  return message;
}

/** The reply to an echo; undefined for anything else, and for a wrong checksum. */
export function echoReply({ payload }: Packet): Uint8Array | undefined {
  if (payload.length < 8 || payload[0] !== Type.Echo || payload[1] !== 0 || checksum(payload) !== 0)
    return undefined;
  const reply = payload.slice();
  reply[0] = Type.EchoReply;
  return withChecksum(reply);
}

/** True for a message about another one: nobody complains about those. */
export const isComplaint = ({ protocol, payload }: Packet): boolean =>
  protocol === Protocol.Icmp && payload[0] !== Type.Echo;

/** "Destination unreachable". */
export const unreachable = ({ quote }: Packet, code: number): Uint8Array =>
  withChecksum(joined([Type.Unreachable, code, 0, 0, 0, 0, 0, 0], quote));

/** "Time exceeded". */
export const timeExceeded = ({ quote }: Packet): Uint8Array =>
  withChecksum(joined([Type.TimeExceeded, 0, 0, 0, 0, 0, 0, 0], quote));

const TCP = 20;
const Flag = { Fin: 1, Syn: 2, Rst: 4, Ack: 16 } as const;

/** The reset that refuses a TCP segment; undefined for a malformed one, and for a reset. */
export function refusal({ from, to, payload }: Packet): Uint8Array | undefined {
  const flags = payload[13] ?? 0;
  const header = ((payload[12] ?? 0) >> 4) * 4;
  if (payload.length < TCP || header < TCP || header > payload.length || (flags & Flag.Rst) !== 0)
    return undefined;
  if (checksum(pseudoHeader(from, to, Protocol.Tcp, payload.length), payload) !== 0) return undefined;
  const reset = new Uint8Array(TCP);
  put16(reset, 0, u16(payload, 2));
  put16(reset, 2, u16(payload, 0));
  reset[12] = (TCP / 4) << 4;
  reset[13] = Flag.Rst;
  if ((flags & Flag.Ack) !== 0) put32(reset, 4, u32(payload, 8));
  else {
    const length =
      payload.length - header + Number((flags & Flag.Syn) !== 0) + Number((flags & Flag.Fin) !== 0);
    put32(reset, 8, (u32(payload, 4) + length) >>> 0);
    reset[13] = Flag.Rst | Flag.Ack;
  }
  put16(reset, 16, checksum(pseudoHeader(to, from, Protocol.Tcp, TCP), reset));
  return reset;
}
