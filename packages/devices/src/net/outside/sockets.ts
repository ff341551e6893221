// What the user-mode network asks of the host when its user lets it out, and what the host tells it. Whatever the host tells is an
// input of the machine: bytes that are recorded with their virtual time, so that a replay needs no host.

import { put16, put32, u16, u32 } from '../user/bytes.ts';

/** Which of the two. */
export type FlowProtocol = 'tcp' | 'udp';

/** Where a flow leads: the host itself, the name server that the host uses, or an IPv4 address. */
export type FlowTarget = 'host' | 'resolver' | `${number}.${number}.${number}.${number}`;

/** A port of the host whose connections or datagrams go to the guest. */
export interface PortForward {
  readonly protocol: FlowProtocol;
  /** Where the host listens; 127.0.0.1 when absent. */
  readonly hostAddress?: string | undefined;
  /** 0 for any free port. */
  readonly hostPort: number;
  /** The first leased address when absent. */
  readonly guestAddress?: string | undefined;
  readonly guestPort: number;
}

/**
 * The host's sockets. Flows have numbers: even ones are opened by `connect`, odd ones by the host's `accepted`. No call is answered
 * before it has returned; answers are `OutsideEvent`s.
 */
export interface OutsideSockets {
  /** Opens a flow; for TCP the answer is `opened` or `closed`. */
  connect(flow: number, protocol: FlowProtocol, to: FlowTarget, port: number): void;
  /** Bytes of a stream, which `taken` acknowledges, or a datagram. */
  send(flow: number, bytes: Uint8Array): void;
  /** Lets the host send so many more bytes of a stream; at first it may send none. */
  allow(flow: number, bytes: number): void;
  /** No more bytes of a stream will be sent. */
  end(flow: number): void;
  /** Forgets a flow. What was sent and ended is still delivered. */
  close(flow: number): void;
  /** A restored network has these flows. The host answers `closed` for those that it does not have. */
  resume(flows: readonly number[]): void;
}

/** Sockets that do nothing: for a replay, whose record has what they answered. */
export const noSockets: OutsideSockets = {
  connect: () => undefined,
  send: () => undefined,
  allow: () => undefined,
  end: () => undefined,
  close: () => undefined,
  resume: () => undefined,
};

/** What the host tells the network. */
export type OutsideEvent =
  /** A stream is open. */
  | { readonly kind: 'opened'; readonly flow: number }
  /** Bytes of a stream, or a datagram. */
  | { readonly kind: 'data'; readonly flow: number; readonly bytes: Uint8Array }
  /** So many bytes that were sent have left. */
  | { readonly kind: 'taken'; readonly flow: number; readonly count: number }
  /** No more bytes of a stream will come. */
  | { readonly kind: 'ended'; readonly flow: number }
  /** A flow was refused, or broke. */
  | { readonly kind: 'closed'; readonly flow: number }
  /** Somebody connects to a forwarded port. */
  | { readonly kind: 'accepted'; readonly flow: number; readonly forward: number; readonly port: number };

const KINDS = ['opened', 'data', 'taken', 'ended', 'closed', 'accepted'] as const;
const HEAD = 5;

/** An event as the bytes that are recorded: its kind, its flow, and what it brings. */
export function encodeEvent(event: OutsideEvent): Uint8Array {
  const body = event.kind === 'data' ? event.bytes : new Uint8Array(event.kind === 'accepted' ? 4 : 0);
  const extra = event.kind === 'taken' ? 4 : 0;
  const all = new Uint8Array(HEAD + body.length + extra);
  all[0] = KINDS.indexOf(event.kind);
  put32(all, 1, event.flow);
  all.set(body, HEAD);
  if (event.kind === 'taken') put32(all, HEAD, event.count);
  if (event.kind === 'accepted') {
    put16(all, HEAD, event.forward);
    put16(all, HEAD + 2, event.port);
  }
  return all;
}

/** The event that bytes stand for; undefined for those that stand for none. */
export function parseEvent(bytes: Uint8Array): OutsideEvent | undefined {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  const body = bytes.subarray(HEAD);
  if (kind === undefined || bytes.length < HEAD) return undefined;
  const flow = u32(bytes, 1);
  switch (kind) {
    case 'data':
      return { kind, flow, bytes: body.slice() };
    case 'taken':
      return body.length === 4 ? { kind, flow, count: u32(body, 0) } : undefined;
    case 'accepted':
      return body.length === 4 ? { kind, flow, forward: u16(body, 0), port: u16(body, 2) } : undefined;
    case 'opened':
    case 'ended':
    case 'closed':
      return body.length === 0 ? { kind, flow } : undefined;
  }
}
