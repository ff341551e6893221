// What a TCP connection with the guest is, as plain data, and how a saved one is checked.

import { bytes, deadline, flag, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

import { distance, further } from './segment.ts';

/** How far a connection is. */
export const Stage = {
  /** The guest asks; the host has not answered yet. */
  Connecting: 0,
  /** Our SYN and acknowledgement are on their way to the guest. */
  SynReceived: 1,
  /** Our SYN is on its way to the guest. */
  SynSent: 2,
  Established: 3,
} as const;

/** Bytes on their way to the guest, and bytes of the guest's that the host has yet to take. */
export const BUFFER = 65535;

/** A connection. */
export type TcpState = Readonly<{
  flow: number;
  guest: number;
  guestPort: number;
  /** The other end as the guest sees it. */
  here: number;
  herePort: number;
  stage: number;
  /** The guest's next byte. */
  rcv: number;
  /** Bytes of the guest's that the host has yet to take. */
  untaken: number;
  /** The first of ours that the guest has not acknowledged, the next that is sent, and the end of what ever was. */
  una: number;
  next: number;
  sent: number;
  /** Bytes that are not acknowledged: from `una` on, or behind our SYN. */
  buffer: Uint8Array;
  /** What the guest takes, and what we dare to have under way. */
  window: number;
  congestion: number;
  mss: number;
  /** Acknowledgements of the same byte in a row. */
  repeats: number;
  guestEnded: boolean;
  outsideEnded: boolean;
  /** The guest has acknowledged our FIN. */
  finished: boolean;
  /** When something is sent again, after how long, and how often it was. */
  deadline: number | null;
  patience: number;
  tries: number;
  /** When the guest was last heard of. */
  active: number;
}>;

/** The same while it changes. */
export type TcpVariables = { -readonly [Key in keyof TcpState]: TcpState[Key] };

const port: Shape<number> = uint(0xffff);
const word: Shape<number> = uint(0xffff_ffff);
const fields = record<TcpState>({
  flow: word,
  guest: word,
  guestPort: port,
  here: word,
  herePort: port,
  stage: uint(Stage.Established),
  rcv: word,
  untaken: uint(BUFFER),
  una: word,
  next: word,
  sent: word,
  buffer: bytes(0, BUFFER),
  window: uint(0xffff),
  congestion: uint(BUFFER),
  mss: uint(1460),
  repeats: uint(0xffff),
  guestEnded: flag,
  outsideEnded: flag,
  finished: flag,
  deadline,
  patience: uint(),
  tries: uint(255),
  active: uint(),
});

/** The sequence number of the first byte in the buffer. */
export const baseOf = ({ stage, una }: TcpState): number =>
  stage === Stage.Established ? una : further(una, 1);

/** How a connection is checked. */
export const tcpShape: Shape<TcpState> = {
  check(from, path) {
    const state = fields.check(from, path);
    // SYN and FIN have a number each.
    const most = state.buffer.length + 2;
    const ordered = (a: number, b: number): boolean => distance(a, b) >= 0 && distance(a, b) <= most;
    if (!ordered(state.next, state.una)) throw new StateError(`${path}.next`, 'must be within the buffer');
    if (!ordered(state.sent, state.next)) throw new StateError(`${path}.sent`, 'must be within the buffer');
    if (state.mss < 64) throw new StateError(`${path}.mss`, 'must be 64 to 1460');
    return state;
  },
};
