// One TCP connection with the guest (RFC 9293): the guest's end of a stream whose other end is a socket of the host. Segments of the
// guest's are taken in order; ours are sent again after a virtual time, and the window opens as RFC 5681 has it.

import { Flag, distance, further } from './segment.ts';
import type { Segment } from './segment.ts';
import type { OutsideSockets } from './sockets.ts';
import { baseOf, BUFFER, Stage } from './tcp-state.ts';
import type { TcpState, TcpVariables } from './tcp-state.ts';

/** What a connection needs of the network around it. */
export interface TcpSurroundings {
  /** Virtual time. */
  now(): number;
  readonly sockets: OutsideSockets;
  /** Sends a segment to the guest. */
  transmit(state: TcpState, flags: number, seq: number, data: Uint8Array): void;
  /** The connection is over. */
  gone(connection: TcpConnection): void;
}

const PATIENCE = { first: 300_000_000, most: 30_000_000_000, tries: 8 } as const;
/** What may be under way: at first, and at most. The guest's card has room for 64 frames. */
const UNDER_WAY = { first: 4, most: 32_000 } as const;
const NOTHING: Uint8Array = new Uint8Array(0);

/** A new connection's state, before its SYN. */
export const freshTcp = (
  ends: Pick<TcpState, 'flow' | 'guest' | 'guestPort' | 'here' | 'herePort'>,
  stage: number,
  now: number,
): TcpState => {
  // A clock of four microseconds (3.4.1), apart for each flow.
  const iss = further(Math.floor(now / 4000) % 2 ** 32, (ends.flow * 64_000) % 2 ** 32);
  return {
    ...ends,
    stage,
    rcv: 0,
    untaken: 0,
    una: iss,
    next: iss,
    sent: iss,
    buffer: NOTHING,
    window: 0,
    congestion: 0,
    mss: 536,
    repeats: 0,
    guestEnded: false,
    outsideEnded: false,
    finished: false,
    deadline: null,
    patience: PATIENCE.first,
    tries: 0,
    active: now,
  };
};

/** A connection. */
export class TcpConnection {
  private readonly around: TcpSurroundings;
  private readonly s: TcpVariables;

  constructor(state: TcpState, around: TcpSurroundings) {
    this.s = { ...state, buffer: state.buffer.slice() };
    this.around = around;
  }

  get state(): TcpState {
    return this.s;
  }
  /** Bytes that we take. */
  get room(): number {
    return BUFFER - this.s.untaken;
  }

  // ---- the host's side

  /** The host has the connection that the guest asked for. */
  opened(): void {
    if (this.s.stage !== Stage.Connecting) return;
    this.s.stage = Stage.SynReceived;
    this.greet();
  }
  /** Asks the guest for a connection. */
  call(): void {
    this.greet();
  }
  /** Bytes for the guest. More than was allowed breaks the connection. */
  data(bytes: Uint8Array): void {
    const { s } = this;
    if (s.stage !== Stage.Established || s.outsideEnded) return;
    if (s.buffer.length + bytes.length > BUFFER) {
      this.abort();
      return;
    }
    const buffer = new Uint8Array(s.buffer.length + bytes.length);
    buffer.set(s.buffer);
    buffer.set(bytes, s.buffer.length);
    s.buffer = buffer;
    this.output();
  }
  /** The host has taken bytes: when the window was as good as shut, the guest hears that it is open again. */
  taken(count: number): void {
    const before = this.room;
    this.s.untaken -= Math.min(count, this.s.untaken);
    const enough = 2 * 1460;
    if (this.s.stage === Stage.Established && before < enough && this.room >= enough) this.acknowledge();
  }
  /** The stream from outside is over. */
  ended(): void {
    this.s.outsideEnded = true;
    this.output();
  }
  /** The host's socket is gone: the guest gets a reset. */
  broken(): void {
    this.abort();
  }

  // ---- the guest's side

  /** The guest's SYN, which the host has yet to answer. */
  asked({ seq, mss, window }: Segment): void {
    this.s.rcv = further(seq, 1);
    this.s.mss = mss;
    this.s.window = window;
  }

  /** A segment of the guest's. */
  segment(segment: Segment): void {
    this.s.active = this.around.now();
    switch (this.s.stage) {
      case Stage.Connecting:
        if ((segment.flags & Flag.Rst) !== 0) this.leave();
        return;
      case Stage.SynSent:
        this.answered(segment);
        return;
      default:
        this.synchronized(segment);
    }
  }

  /** 3.10.7.3: an answer to our SYN. */
  private answered({ flags, seq, ack, window, mss }: Segment): void {
    const { s } = this;
    if ((flags & Flag.Ack) === 0 || ack !== s.next) return;
    if ((flags & Flag.Rst) !== 0) this.leave();
    else if ((flags & Flag.Syn) !== 0) {
      s.rcv = further(seq, 1);
      s.mss = mss;
      s.window = window;
      this.establish(ack);
      this.acknowledge();
      this.output();
    }
  }

  private establish(ack: number): void {
    const { s } = this;
    s.stage = Stage.Established;
    s.una = ack;
    s.congestion = UNDER_WAY.first * s.mss;
    this.heard();
    this.around.sockets.allow(s.flow, BUFFER);
  }

  /** 3.10.7.4: a segment of a connection that both know. */
  private synchronized(segment: Segment): void {
    const { s } = this;
    const { flags, seq } = segment;
    const ahead = distance(seq, s.rcv);
    if ((flags & Flag.Rst) !== 0) {
      // RFC 5961: only the very next byte's reset is believed; for another one in the window the guest is asked.
      if (ahead === 0) this.leave();
      else if (ahead > 0 && ahead < this.room) this.acknowledge();
      return;
    }
    if ((flags & Flag.Syn) !== 0) {
      if (s.stage === Stage.SynReceived && ahead === -1) this.greet();
      else this.acknowledge();
      return;
    }
    if ((flags & Flag.Ack) === 0 || !this.acknowledged(segment)) return;
    this.take(segment);
    if (this.isOver()) this.leave();
    else this.output();
  }

  /** Works through an acknowledgement; false where it is none of this connection. */
  private acknowledged({ ack, window, data, flags }: Segment): boolean {
    const { s } = this;
    const progress = distance(ack, s.una);
    if (progress > distance(s.sent, s.una)) {
      this.acknowledge();
      return false;
    }
    if (progress < 0) return true;
    if (progress > 0) {
      // The SYN was the first of them.
      if (s.stage === Stage.SynReceived) this.establish(further(s.una, 1));
      this.advance(ack);
    } else if (data.length === 0 && window === s.window && s.next !== s.una && (flags & Flag.Fin) === 0) {
      this.repeated();
    }
    // A guest that says that it takes nothing is there all the same.
    if (window === 0) s.tries = 0;
    s.window = window;
    return true;
  }

  /** Bytes that the guest has. */
  private advance(ack: number): void {
    const { s } = this;
    const progress = distance(ack, s.una);
    const count = Math.min(progress, s.buffer.length);
    s.buffer = s.buffer.slice(count);
    s.finished ||= s.outsideEnded && progress > count;
    s.una = ack;
    if (distance(s.next, ack) < 0) s.next = ack;
    if (distance(s.sent, s.next) < 0) s.sent = s.next;
    s.congestion = Math.min(UNDER_WAY.most, s.congestion + s.mss);
    this.heard();
    if (count > 0) this.around.sockets.allow(s.flow, count);
  }

  /** The third repetition says that a segment was lost (RFC 5681, 3.2). */
  private repeated(): void {
    const { s } = this;
    s.repeats = Math.min(s.repeats + 1, 255);
    if (s.repeats !== 3) return;
    s.congestion = Math.max(2 * s.mss, s.congestion >> 1);
    const { next } = s;
    s.next = s.una;
    this.emit(s.mss);
    s.next = next;
  }

  /** Bytes of the guest's, and its FIN. */
  private take({ seq, data, flags }: Segment): void {
    const { s } = this;
    const skip = distance(s.rcv, seq);
    const fin = (flags & Flag.Fin) !== 0;
    if (s.stage !== Stage.Established) return;
    if (skip === 0 && data.length === 0 && !fin) return;
    const fresh = skip >= 0 && skip <= data.length && !s.guestEnded ? data.subarray(skip) : undefined;
    if (fresh !== undefined) {
      const part = fresh.slice(0, this.room);
      if (part.length > 0) {
        s.rcv = further(s.rcv, part.length);
        s.untaken += part.length;
        this.around.sockets.send(s.flow, part);
      }
      if (fin && part.length === fresh.length) {
        s.rcv = further(s.rcv, 1);
        s.guestEnded = true;
        this.around.sockets.end(s.flow);
      }
    }
    this.acknowledge();
  }

  // ---- ours

  /** The number of what follows the bytes: our FIN, when there are no more. */
  private get fin(): number {
    return further(baseOf(this.s), this.s.buffer.length);
  }
  private isOver(): boolean {
    return this.s.guestEnded && this.s.finished;
  }

  /** Sends what the guest and the network take. */
  private output(): void {
    const { s } = this;
    if (s.stage !== Stage.Established) return;
    while (this.emit(Math.min(s.window, s.congestion) - distance(s.next, s.una)));
    this.arm();
  }

  /** Sends one segment of at most so many bytes, or our FIN. True when it was a full one and another may follow. */
  private emit(most: number): boolean {
    const { s } = this;
    const left = distance(this.fin, s.next);
    const count = Math.min(left, s.mss, most);
    if (left > 0) {
      // A short one only when it is all that there is, or nothing is under way.
      const small = count < Math.min(left, s.mss);
      if (count <= 0 || (small && s.next !== s.una)) return false;
      const from = distance(s.next, s.una);
      const data = s.buffer.subarray(from, from + count);
      this.send(Flag.Ack | (count === left ? Flag.Psh : 0), s.next, data);
      this.sentUpTo(further(s.next, count));
      return true;
    }
    if (left === 0 && s.outsideEnded && !s.finished) {
      this.send(Flag.Ack | Flag.Fin, s.next, NOTHING);
      this.sentUpTo(further(s.next, 1));
    }
    return false;
  }
  private sentUpTo(next: number): void {
    const { s } = this;
    s.next = next;
    if (distance(next, s.sent) > 0) s.sent = next;
  }

  /** Our SYN, with an acknowledgement where the guest's came first. */
  private greet(): void {
    const { s } = this;
    const flags = s.stage === Stage.SynSent ? Flag.Syn : Flag.Syn | Flag.Ack;
    this.send(flags, s.una, NOTHING);
    this.sentUpTo(further(s.una, 1));
    this.arm();
  }
  private acknowledge(): void {
    this.send(Flag.Ack, this.s.sent, NOTHING);
  }
  private send(flags: number, seq: number, data: Uint8Array): void {
    this.around.transmit(this.s, flags, seq, data);
  }

  // ---- time

  /** The guest got further. */
  private heard(): void {
    const { s } = this;
    s.repeats = 0;
    s.tries = 0;
    s.patience = PATIENCE.first;
    s.deadline = null;
  }
  private arm(): void {
    const { s } = this;
    const shut = s.stage === Stage.Established && s.buffer.length > 0;
    if (s.next === s.una && !shut) s.deadline = null;
    else s.deadline ??= this.around.now() + s.patience;
  }

  /** The deadline has come: everything from the first byte that is missing is sent again, or a byte to see whether the window opens. */
  expired(): void {
    const { s } = this;
    s.deadline = null;
    if (++s.tries > PATIENCE.tries) {
      this.abort();
      return;
    }
    s.patience = Math.min(2 * s.patience, PATIENCE.most);
    if (s.stage !== Stage.Established) {
      this.greet();
      return;
    }
    s.next = s.una;
    s.congestion = s.mss;
    s.repeats = 0;
    if (s.window === 0) this.emit(1);
    this.output();
  }

  // ---- the end

  /** Resets the guest's end, and closes the other one. */
  private abort(): void {
    this.send(Flag.Rst | (this.s.stage === Stage.SynSent ? 0 : Flag.Ack), this.s.sent, NOTHING);
    this.leave();
  }
  private leave(): void {
    this.around.sockets.close(this.s.flow);
    this.around.gone(this);
  }
}
