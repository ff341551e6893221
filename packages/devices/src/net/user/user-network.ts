// The user-mode network: a gateway and a name server that exist only for the card that they are connected to. What it answers depends on
// what the guest sends and on virtual time alone; it reaches nothing outside, unless its user gives it sockets, whose answers are inputs.

import { bytes, list, nullable, record, stateCodec, uint } from '@worldswitch/platform';
import type { Clock, Plain, StateCodec, Timer } from '@worldswitch/platform';

import { Flows, flowsShape } from '../outside/flows.ts';
import type { FlowsState } from '../outside/flows.ts';
import { parseEvent } from '../outside/sockets.ts';
import type { OutsideSockets } from '../outside/sockets.ts';
import type { NetworkPeer, NetworkPeerFactory, NetworkPort } from '../port.ts';
import { addressBytes, joined, u16, u32 } from './bytes.ts';
import { checkedNetwork } from './config.ts';
import type { UserNetwork, UserNetworkConfig } from './config.ts';
import { DhcpPort, DhcpServer, leasesShape } from './dhcp.ts';
import type { Lease } from './dhcp.ts';
import { dnsReply, isUnknownName } from './dns.ts';
import { echoReply, isComplaint, refusal, timeExceeded, unreachable, Unreachable } from './icmp.ts';
import { buildIpv4, buildUdp, ethernet, EtherType, macOf, parseIpv4, parseUdp, Protocol } from './ipv4.ts';
import type { Packet } from './ipv4.ts';
import { Neighbours, neighboursShape } from './neighbours.ts';
import type { Neighbour } from './neighbours.ts';

/** What of the network is saved. */
export type UserNetworkState = Readonly<{
  leases: readonly Lease[];
  /** Frames on their way to the guest. */
  frames: readonly Readonly<{ at: number; frame: Uint8Array }>[];
  /** The next packet's identification. */
  id: number;
  neighbours: readonly Neighbour[];
  /** With the outside; null where there is none. */
  flows: FlowsState | null;
}>;

/** Frames that are on their way at once; beyond, they are lost. */
const ON_THE_WAY = 256;
const DNS_PORT = 53;
const EVERYBODY: readonly number[] = [255, 255, 255, 255, 255, 255];
const LIMITED_BROADCAST = 0xffff_ffff;

const codec: StateCodec<UserNetworkState> = stateCodec(
  2,
  record<UserNetworkState>({
    leases: leasesShape,
    frames: list(
      record<UserNetworkState['frames'][number]>({ at: uint(), frame: bytes(14, 65535) }),
      0,
      ON_THE_WAY,
    ),
    id: uint(0xffff),
    neighbours: neighboursShape,
    flows: nullable(flowsShape),
  }),
);

class Network implements NetworkPeer {
  readonly receive?: (input: Uint8Array) => void;
  private readonly net: UserNetwork;
  private readonly clock: Clock;
  private readonly card: NetworkPort;
  private readonly dhcp: DhcpServer;
  private readonly timer: Timer;
  private frames: UserNetworkState['frames'][number][];
  private id: number;
  private readonly neighbours: Neighbours;
  private readonly flows: Flows | undefined;

  constructor(
    net: UserNetwork,
    sockets: OutsideSockets | undefined,
    clock: Clock,
    card: NetworkPort,
    state?: UserNetworkState,
  ) {
    this.net = net;
    this.clock = clock;
    this.card = card;
    this.dhcp = new DhcpServer(net, state?.leases);
    this.frames = [...(state?.frames ?? [])];
    this.id = state?.id ?? 1;
    this.timer = clock.timer((now) => {
      this.arrive(now);
    });
    this.arm();
    this.neighbours = new Neighbours(state?.neighbours);
    if (sockets === undefined) return;
    const flows = new Flows(
      {
        net,
        clock,
        sockets,
        deliver: (from, to, protocol, payload) => {
          this.deliver(from, to, protocol, payload);
        },
      },
      state?.flows ?? undefined,
    );
    this.flows = flows;
    this.receive = (input) => {
      const event = parseEvent(input);
      if (event !== undefined) flows.event(event);
    };
  }

  save(): UserNetworkState {
    return {
      leases: this.dhcp.save(),
      frames: this.frames.map(({ at, frame }) => ({ at, frame: frame.slice() })),
      id: this.id,
      neighbours: this.neighbours.save(),
      flows: this.flows?.save() ?? null,
    };
  }

  /** The guest sends a frame. */
  send(frame: Uint8Array): void {
    if (frame.length < 14) return;
    const type = u16(frame, 12);
    if (type === EtherType.Arp) this.arp(frame);
    if (type !== EtherType.Ipv4) return;
    const packet = parseIpv4(frame);
    if (packet !== undefined) this.ipv4(packet);
  }

  // ---- frames on their way

  private later(frame: Uint8Array): void {
    if (this.frames.length >= ON_THE_WAY) return;
    this.frames.push({ at: this.clock.now + this.net.latency, frame });
    this.arm();
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

  // ---- protocols

  private isOurs(address: number): boolean {
    return this.net.hosts.has(address);
  }
  private isLocal(address: number): boolean {
    return (address & this.net.mask) >>> 0 === this.net.network;
  }

  /** RFC 826: who asks for an address of ours is told, and who answers is remembered. */
  private arp(frame: Uint8Array): void {
    const arp = frame.subarray(14);
    const ethernetForIp = u32(arp, 0) === 0x0001_0800 && u16(arp, 4) === 0x0604;
    if (arp.length < 28 || !ethernetForIp) return;
    const from = u32(arp, 14);
    if (!this.isStranger(from)) this.neighbours.learn(from, arp.subarray(8, 14));
    if (u16(arp, 6) !== 1) return;
    const target = u32(arp, 24);
    if (!this.isOurs(target)) return;
    const sender = arp.slice(8, 18);
    const reply = joined([0, 1, 8, 0, 6, 4, 0, 2], macOf(target), addressBytes(target), sender);
    this.later(ethernet(sender.subarray(0, 6), macOf(target), EtherType.Arp, reply));
  }

  private ipv4(packet: Packet): void {
    const { from, to, protocol } = packet;
    if (!this.isStranger(from)) this.neighbours.learn(from, packet.mac);
    const everybody = to === LIMITED_BROADCAST || to === this.net.broadcast || to >>> 28 === 14;
    if (protocol === Protocol.Udp && (everybody || this.isOurs(to))) {
      this.udp(packet, everybody);
      return;
    }
    if (everybody || this.isStranger(packet.from)) return;
    if (this.isOurs(to)) this.host(packet);
    else if (!this.isLocal(to)) this.route(packet);
  }

  /** A source that no station may have. */
  private isStranger(from: number): boolean {
    return (
      !this.isLocal(from) || this.isOurs(from) || from === this.net.network || from === this.net.broadcast
    );
  }

  private udp(packet: Packet, everybody: boolean): void {
    const datagram = parseUdp(packet);
    if (datagram === undefined) return;
    if (datagram.toPort === DhcpPort.Server && (everybody || packet.to === this.net.gateway)) {
      this.lease(datagram.data);
      return;
    }
    if (everybody || this.isStranger(packet.from)) return;
    const forNames = packet.to === this.net.dns && datagram.toPort === DNS_PORT;
    if (!forNames || isUnknownName(this.net, datagram.data)) {
      if (this.flows?.datagram(packet, datagram) === true) return;
    }
    if (!forNames) {
      this.complain(packet, unreachable(packet, Unreachable.Port), packet.to);
      return;
    }
    const reply = dnsReply(this.net, datagram.data);
    if (reply !== undefined)
      this.answer(packet, Protocol.Udp, buildUdp(packet.to, DNS_PORT, packet.from, datagram.fromPort, reply));
  }

  private lease(data: Uint8Array): void {
    const reply = this.dhcp.handle(data, this.clock.now);
    if (reply === undefined) return;
    const { gateway } = this.net;
    const to = reply.to ?? LIMITED_BROADCAST;
    const payload = buildUdp(gateway, DhcpPort.Server, to, DhcpPort.Client, reply.data);
    const mac = reply.to === undefined ? EVERYBODY : reply.mac;
    this.later(
      buildIpv4({ mac, via: gateway, from: gateway, to, protocol: Protocol.Udp, payload }, this.nextId()),
    );
  }

  /** A packet to a host of ours that is no UDP. */
  private host(packet: Packet): void {
    if (packet.protocol === Protocol.Icmp) {
      const reply = echoReply(packet);
      if (reply !== undefined) this.answer(packet, Protocol.Icmp, reply);
    } else if (packet.protocol === Protocol.Tcp) this.stream(packet);
    else this.complain(packet, unreachable(packet, Unreachable.Protocol), packet.to);
  }

  /** A packet to elsewhere: hosts that have a name answer a ping, and nothing else can be reached but by flows to the outside. */
  private route(packet: Packet): void {
    const known = [...this.net.names.values()].includes(packet.to);
    if (packet.ttl <= 1) this.complain(packet, timeExceeded(packet), this.net.gateway);
    else if (known && packet.protocol === Protocol.Icmp) this.host(packet);
    else if (packet.protocol === Protocol.Tcp) this.stream(packet);
    else if (!this.passed(packet))
      this.complain(packet, unreachable(packet, Unreachable.Network), this.net.gateway);
  }
  /** A datagram to the outside; false for what goes nowhere. */
  private passed(packet: Packet): boolean {
    if (packet.protocol !== Protocol.Udp) return false;
    const datagram = parseUdp(packet);
    return datagram !== undefined && this.flows?.datagram(packet, datagram) === true;
  }
  /** A TCP packet: of a flow, or refused. */
  private stream(packet: Packet): void {
    if (this.flows?.segment(packet) !== true) this.refuse(packet);
  }

  /** A packet of a flow. Who is not known is asked for, and the packet is lost. */
  private deliver(from: number, to: number, protocol: number, payload: Uint8Array): void {
    const { gateway } = this.net;
    const mac = this.neighbours.find(to);
    const via = this.isOurs(from) ? from : gateway;
    if (mac !== undefined) {
      this.later(buildIpv4({ mac, via, from, to, protocol, payload }, this.nextId()));
      return;
    }
    const ask = joined(
      [0, 1, 8, 0, 6, 4, 0, 1],
      [...macOf(gateway), ...addressBytes(gateway)],
      [0, 0, 0, 0, 0, 0, ...addressBytes(to)],
    );
    this.later(ethernet(EVERYBODY, macOf(gateway), EtherType.Arp, ask));
  }

  private refuse(packet: Packet): void {
    const reset = refusal(packet);
    if (reset !== undefined) this.answer(packet, Protocol.Tcp, reset);
  }
  private complain(packet: Packet, message: Uint8Array, from: number): void {
    if (isComplaint(packet)) return;
    const { mac, from: to } = packet;
    const via = this.isOurs(from) ? from : this.net.gateway;
    this.later(buildIpv4({ mac, via, from, to, protocol: Protocol.Icmp, payload: message }, this.nextId()));
  }
  private answer({ mac, from, to }: Packet, protocol: number, payload: Uint8Array): void {
    const via = this.isOurs(to) ? to : this.net.gateway;
    this.later(buildIpv4({ mac, via, from: to, to: from, protocol, payload }, this.nextId()));
  }
  private nextId(): number {
    const { id } = this;
    this.id = (id + 1) & 0xffff;
    return id;
  }
}

/**
 * A network of its own for one card: DHCP, ARP, ICMP echo and DNS, at QEMU's addresses unless configured; TCP and UDP with the outside
 * where `outside` gives it sockets.
 *
 * @throws RangeError that names the field of the configuration
 */
export function userNetwork(config: UserNetworkConfig = {}): NetworkPeerFactory {
  const net = checkedNetwork(config);
  return (clock, card, state?: Plain) =>
    new Network(
      net,
      config.outside?.sockets,
      clock,
      card,
      state === undefined || state === null ? undefined : codec.parse(state, codec.version),
    );
}
