// The flows between the guest and the outside: TCP connections and UDP associations, opened by the guest where it is let out, and by
// forwarded ports. What comes from outside comes as events, which are recorded inputs.

import { list, record, StateError, uint } from '@worldswitch/platform';
import type { Clock, Shape, Timer } from '@worldswitch/platform';

import { addressText } from '../user/bytes.ts';
import type { UserNetwork } from '../user/config.ts';
import { buildUdp, Protocol } from '../user/ipv4.ts';
import type { Datagram, Packet } from '../user/ipv4.ts';
import { buildSegment, Flag, parseSegment } from './segment.ts';
import type { FlowProtocol, FlowTarget, OutsideEvent, OutsideSockets } from './sockets.ts';
import { Stage, tcpShape } from './tcp-state.ts';
import type { TcpState } from './tcp-state.ts';
import { freshTcp, TcpConnection } from './tcp.ts';
import type { TcpSurroundings } from './tcp.ts';

/** A UDP association. */
type UdpState = Readonly<{
  flow: number;
  guest: number;
  guestPort: number;
  here: number;
  herePort: number;
  active: number;
}>;

/** What of the flows is saved. */
export type FlowsState = Readonly<{
  /** The next flow that the guest opens. */
  next: number;
  tcp: readonly TcpState[];
  udp: readonly UdpState[];
}>;

/** Flows of each protocol at once. */
const MOST = 64;
/** A connection that nothing was heard of for so long makes room for a new one. */
const IDLE = 120_000_000_000;
/** Bytes of a datagram that a frame of 1500 bytes carries. */
const DATAGRAM = 1472;
const DNS_PORT = 53;
const word: Shape<number> = uint(0xffff_ffff);

const fields: Shape<FlowsState> = record<FlowsState>({
  next: word,
  tcp: list(tcpShape, 0, MOST),
  udp: list(
    record<UdpState>({
      flow: word,
      guest: word,
      guestPort: uint(0xffff),
      here: word,
      herePort: uint(0xffff),
      active: uint(),
    }),
    0,
    MOST,
  ),
});

/** How flows are checked. */
export const flowsShape: Shape<FlowsState> = {
  check(from, path) {
    const state = fields.check(from, path);
    const all = [...state.tcp, ...state.udp];
    if (new Set(all.map(({ flow }) => flow)).size < all.length)
      throw new StateError(path, 'must have a number of its own for each flow');
    return state;
  },
};

/** What the flows need of the network around them. */
export interface FlowSurroundings {
  readonly net: UserNetwork;
  readonly clock: Clock;
  readonly sockets: OutsideSockets;
  /** Sends a packet to a station of the guest's. */
  deliver(from: number, to: number, protocol: number, payload: Uint8Array): void;
}

type Ends = Pick<UdpState, 'guest' | 'guestPort' | 'here' | 'herePort'>;
const keyOf = ({ guest, guestPort, here, herePort }: Ends): string =>
  `${guest} ${guestPort} ${here} ${herePort}`;

/** All flows of a network. */
export class Flows {
  private readonly around: FlowSurroundings;
  private readonly tcpAround: TcpSurroundings;
  private readonly timer: Timer;
  private next: number;
  private readonly tcp = new Map<number, TcpConnection>();
  private readonly udp = new Map<number, UdpState>();

  constructor(around: FlowSurroundings, state?: FlowsState) {
    this.around = around;
    this.next = state?.next ?? 2;
    this.tcpAround = {
      now: () => around.clock.now,
      sockets: around.sockets,
      transmit: (tcp, flags, seq, data) => {
        this.transmit(tcp, flags, seq, data);
      },
      gone: ({ state: { flow } }) => {
        this.tcp.delete(flow);
      },
    };
    for (const tcp of state?.tcp ?? []) this.tcp.set(tcp.flow, new TcpConnection(tcp, this.tcpAround));
    for (const udp of state?.udp ?? []) this.udp.set(udp.flow, udp);
    this.timer = around.clock.timer((now) => {
      for (const connection of [...this.tcp.values()])
        if ((connection.state.deadline ?? Infinity) <= now) connection.expired();
      this.arm();
    });
    this.arm();
    if (state !== undefined) around.sockets.resume([...this.tcp.keys(), ...this.udp.keys()]);
  }

  save(): FlowsState {
    return {
      next: this.next,
      tcp: [...this.tcp.values()].map(({ state }) => ({ ...state, buffer: state.buffer.slice() })),
      udp: [...this.udp.values()],
    };
  }

  private arm(): void {
    let first = Infinity;
    for (const { state } of this.tcp.values()) first = Math.min(first, state.deadline ?? Infinity);
    if (first === Infinity) this.timer.cancel();
    else if (this.timer.deadline !== first) this.timer.armAt(first);
  }

  // ---- from the guest

  /** A TCP packet; false where it belongs to no flow and opens none. */
  segment(packet: Packet): boolean {
    const segment = parseSegment(packet);
    // What is malformed is lost, and nobody complains.
    if (segment === undefined) return true;
    const ends: Ends = {
      guest: packet.from,
      guestPort: segment.fromPort,
      here: packet.to,
      herePort: segment.toPort,
    };
    const known = this.connection(ends);
    known?.segment(segment);
    if (
      known === undefined &&
      !this.open(ends, segment.flags, (tcp) => {
        tcp.asked(segment);
      })
    )
      return false;
    this.arm();
    return true;
  }

  private open(ends: Ends, flags: number, asked: (connection: TcpConnection) => void): boolean {
    const target = this.target('tcp', ends);
    const first = (flags & (Flag.Syn | Flag.Ack | Flag.Rst)) === Flag.Syn;
    if (!first || target === undefined || !this.roomForTcp()) return false;
    const flow = this.nextFlow();
    const connection = this.add({ flow, ...ends }, Stage.Connecting);
    asked(connection);
    this.around.sockets.connect(flow, 'tcp', target, ends.herePort);
    return true;
  }

  /** A UDP packet; false where it belongs to no flow and opens none. */
  datagram({ from, to }: Packet, { fromPort, toPort, data }: Datagram): boolean {
    const ends: Ends = { guest: from, guestPort: fromPort, here: to, herePort: toPort };
    const key = keyOf(ends);
    const known = [...this.udp.values()].find((udp) => keyOf(udp) === key);
    const { sockets, clock } = this.around;
    if (known === undefined) {
      const target = this.target('udp', ends);
      if (target === undefined) return false;
      const flow = this.nextFlow();
      this.associate({ flow, ...ends, active: clock.now });
      sockets.connect(flow, 'udp', target, toPort);
      sockets.send(flow, data.slice());
      return true;
    }
    this.udp.set(known.flow, { ...known, active: clock.now });
    sockets.send(known.flow, data.slice());
    return true;
  }

  /** Where the guest's flow leads; undefined where it may not go. */
  private target(protocol: FlowProtocol, { here, herePort }: Ends): FlowTarget | undefined {
    const { gateway, dns, network, mask, outgoing } = this.around.net;
    if (!outgoing || herePort === 0) return undefined;
    if (here === gateway) return 'host';
    if (here === dns) return protocol === 'udp' && herePort === DNS_PORT ? 'resolver' : undefined;
    const first = here >>> 24;
    // Neighbours, "this" network, the host's own loopback, groups and everybody.
    if ((here & mask) >>> 0 === network || first === 0 || first === 127 || first >= 224) return undefined;
    return addressText(here) as FlowTarget;
  }

  private connection(ends: Ends): TcpConnection | undefined {
    const key = keyOf(ends);
    for (const connection of this.tcp.values()) if (keyOf(connection.state) === key) return connection;
    return undefined;
  }

  // ---- from outside

  /** What the host tells. */
  event(event: OutsideEvent): void {
    if (event.kind === 'accepted') this.accepted(event.flow, event.forward, event.port);
    const tcp = this.tcp.get(event.flow);
    const udp = this.udp.get(event.flow);
    if (tcp !== undefined) tell(tcp, event);
    else if (udp !== undefined && event.kind === 'data') this.toGuest(udp, event.bytes);
    else if (udp !== undefined && event.kind === 'closed') this.udp.delete(udp.flow);
    this.arm();
  }

  private toGuest(udp: UdpState, data: Uint8Array): void {
    if (data.length > DATAGRAM) return;
    this.udp.set(udp.flow, { ...udp, active: this.around.clock.now });
    const { here, herePort, guest, guestPort } = udp;
    this.around.deliver(here, guest, Protocol.Udp, buildUdp(here, herePort, guest, guestPort, data));
  }

  /** A connection to a forwarded port: to the guest it comes from the gateway, from the caller's port if that is free. */
  private accepted(flow: number, index: number, port: number): void {
    const { net, sockets, clock } = this.around;
    const forward = net.forwards[index];
    if (forward === undefined || (flow & 1) === 0 || this.tcp.has(flow) || this.udp.has(flow)) return;
    const stream = forward.protocol === 'tcp';
    if (stream && !this.roomForTcp()) {
      sockets.close(flow);
      return;
    }
    const others = stream ? [...this.tcp.values()].map(({ state }) => state) : [...this.udp.values()];
    const taken = new Set(others.map(keyOf));
    let herePort = Math.max(1, port);
    const ends = (): Ends => ({
      guest: forward.guest,
      guestPort: forward.guestPort,
      here: net.gateway,
      herePort,
    });
    while (taken.has(keyOf(ends()))) herePort = (herePort % 0xffff) + 1;
    if (stream) this.add({ flow, ...ends() }, Stage.SynSent).call();
    else this.associate({ flow, ...ends(), active: clock.now });
  }

  // ---- the tables

  private add(ends: Ends & { readonly flow: number }, stage: number): TcpConnection {
    const connection = new TcpConnection(freshTcp(ends, stage, this.around.clock.now), this.tcpAround);
    this.tcp.set(ends.flow, connection);
    return connection;
  }

  /** Makes room where there is none: the connection goes that nothing was heard of for the longest time, if that was long. */
  private roomForTcp(): boolean {
    if (this.tcp.size < MOST) return true;
    let oldest: TcpConnection | undefined;
    for (const connection of this.tcp.values())
      if (oldest === undefined || connection.state.active < oldest.state.active) oldest = connection;
    if (oldest === undefined || oldest.state.active + IDLE > this.around.clock.now) return false;
    oldest.broken();
    return true;
  }
  private associate(udp: UdpState): void {
    if (this.udp.size >= MOST) {
      const all = [...this.udp.values()];
      const oldest = all.reduce((a, b) => (b.active < a.active ? b : a));
      this.udp.delete(oldest.flow);
      this.around.sockets.close(oldest.flow);
    }
    this.udp.set(udp.flow, udp);
  }
  private nextFlow(): number {
    for (;;) {
      const flow = this.next;
      this.next = (flow + 2) % 2 ** 32;
      if (!this.tcp.has(flow) && !this.udp.has(flow)) return flow;
    }
  }

  private transmit(tcp: TcpState, flags: number, seq: number, data: Uint8Array): void {
    const { here: from, herePort: fromPort, guest: to, guestPort: toPort, rcv: ack } = tcp;
    const window = 0xffff - tcp.untaken;
    const segment = buildSegment({ from, fromPort, to, toPort, seq, ack, flags, window, data });
    this.around.deliver(from, to, Protocol.Tcp, segment);
  }
}

function tell(tcp: TcpConnection, event: OutsideEvent): void {
  switch (event.kind) {
    case 'opened':
      tcp.opened();
      break;
    case 'data':
      tcp.data(event.bytes);
      break;
    case 'taken':
      tcp.taken(event.count);
      break;
    case 'ended':
      tcp.ended();
      break;
    case 'closed':
      tcp.broken();
      break;
    case 'accepted':
      break;
  }
}
