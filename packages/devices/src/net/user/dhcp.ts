// A DHCP server (RFC 2131, RFC 2132): one pool, leases by hardware address, on virtual time.

import { list, record, uint, bytes } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

import { addressBytes, joined, put32, u16, u32 } from './bytes.ts';
import type { UserNetwork } from './config.ts';

/** Ports of server and client. */
export const DhcpPort = { Server: 67, Client: 68 } as const;

const Message = {
  Discover: 1,
  Offer: 2,
  Request: 3,
  Decline: 4,
  Ack: 5,
  Nak: 6,
  Release: 7,
  Inform: 8,
} as const;
const Option = {
  Mask: 1,
  Router: 3,
  Dns: 6,
  Hostname: 12,
  Domain: 15,
  Broadcast: 28,
  RequestedAddress: 50,
  LeaseTime: 51,
  Type: 53,
  Server: 54,
  Renewal: 58,
  Rebinding: 59,
  End: 255,
} as const;

const FIXED = 236;
const COOKIE = 0x6382_5363;
/** The shortest reply: some clients want the size of a BOOTP packet. */
const SHORTEST = 300;
const BROADCAST_FLAG = 0x8000;
const SECOND = 1_000_000_000;
/** Who has an address that a client declined: nobody. No client has this hardware address. */
const DECLINED: Uint8Array = new Uint8Array(6);

/** One lease. An address that a client declined has no hardware address of a client: all zeros. */
export type Lease = Readonly<{ address: number; mac: Uint8Array; until: number }>;

/** How leases are checked. */
export const leasesShape: Shape<readonly Lease[]> = list(
  record<Lease>({ address: uint(0xffff_ffff), mac: bytes(6), until: uint() }),
  0,
  256,
);

/** A reply and where it goes. */
export interface DhcpReply {
  readonly data: Uint8Array;
  /** The client's address; undefined for everybody. */
  readonly to: number | undefined;
  readonly mac: Uint8Array;
}

/** A request as far as the server looks at it. */
interface Request {
  readonly xid: Uint8Array;
  readonly flags: number;
  readonly ciaddr: number;
  readonly giaddr: number;
  readonly mac: Uint8Array;
  readonly hardware: Uint8Array;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

function parse(data: Uint8Array): Request | undefined {
  // BOOTREQUEST of Ethernet, with DHCP's options.
  if (data.length < FIXED + 4 || data[0] !== 1 || data[1] !== 1 || data[2] !== 6) return undefined;
  if (u32(data, FIXED) !== COOKIE) return undefined;
  const options = new Map<number, Uint8Array>();
  for (let at = FIXED + 4; at < data.length;) {
    const code = data[at] ?? Option.End;
    if (code === Option.End) break;
    if (code === 0) {
      at++;
      continue;
    }
    const length = data[at + 1] ?? 0;
    if (at + 2 + length > data.length) return undefined;
    options.set(code, data.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return {
    xid: data.subarray(4, 8),
    flags: u16(data, 10),
    ciaddr: u32(data, 12),
    giaddr: u32(data, 24),
    mac: data.slice(28, 34),
    hardware: data.subarray(28, 44),
    options,
  };
}

/** The server. */
export class DhcpServer {
  private readonly net: UserNetwork;
  private leases: Lease[];

  constructor(net: UserNetwork, leases: readonly Lease[] = []) {
    this.net = net;
    this.leases = [...leases];
  }

  save(): readonly Lease[] {
    return this.leases.map(({ address, mac, until }) => ({ address, mac: mac.slice(), until }));
  }

  /** Answers one message, or not. */
  handle(data: Uint8Array, now: number): DhcpReply | undefined {
    const request = parse(data);
    // A relay would be on another network: there is none.
    if (request?.giaddr !== 0) return undefined;
    const { options, mac } = request;
    if (same(mac, DECLINED)) return undefined;
    const option = (code: number): number | undefined => {
      const value = options.get(code);
      return value?.length === 4 ? u32(value, 0) : undefined;
    };
    const server = option(Option.Server);
    const type: number = options.get(Option.Type)?.[0] ?? 0;
    switch (type) {
      case Message.Discover: {
        const address = this.choose(mac, option(Option.RequestedAddress), now);
        return address === undefined ? undefined : this.reply(request, Message.Offer, address);
      }
      case Message.Request:
        if (server !== undefined && server !== this.net.gateway) return undefined;
        return this.request(request, option(Option.RequestedAddress) ?? request.ciaddr, now);
      case Message.Decline: {
        const address = option(Option.RequestedAddress);
        if (address !== undefined && this.isOwner(address, mac, now))
          this.keep({ address, mac: DECLINED, until: now + this.net.leaseSeconds * SECOND });
        return undefined;
      }
      case Message.Release:
        this.leases = this.leases.filter((l) => l.address !== request.ciaddr || !same(l.mac, mac));
        return undefined;
      case Message.Inform:
        return this.reply(request, Message.Ack, 0);
      default:
        return undefined;
    }
  }

  private request(request: Request, address: number, now: number): DhcpReply {
    if (!this.isFree(address, request.mac, now)) return this.reply(request, Message.Nak, 0);
    this.keep({ address, mac: request.mac, until: now + this.net.leaseSeconds * SECOND });
    return this.reply(request, Message.Ack, address);
  }

  /** The address that a client is offered: its own, the one that it asks for, or the first that is free. */
  private choose(mac: Uint8Array, wanted: number | undefined, now: number): number | undefined {
    const own = this.leases.find((l) => same(l.mac, mac));
    if (own !== undefined && this.isFree(own.address, mac, now)) return own.address;
    if (wanted !== undefined && this.isFree(wanted, mac, now)) return wanted;
    const { firstLease, lastLease } = this.net;
    for (let address = firstLease; address <= lastLease; address++)
      if (this.isFree(address, mac, now)) return address;
    return undefined;
  }

  private owner(address: number, now: number): Lease | undefined {
    return this.leases.find((l) => l.address === address && l.until > now);
  }
  private isFree(address: number, mac: Uint8Array, now: number): boolean {
    const { firstLease, lastLease, hosts } = this.net;
    if (address < firstLease || address > lastLease || hosts.has(address)) return false;
    const owner = this.owner(address, now);
    return owner === undefined || same(owner.mac, mac);
  }
  private isOwner(address: number, mac: Uint8Array, now: number): boolean {
    const owner = this.owner(address, now);
    return owner !== undefined && same(owner.mac, mac);
  }
  private keep(lease: Lease): void {
    const others = (l: Lease): boolean => same(lease.mac, DECLINED) || !same(l.mac, lease.mac);
    this.leases = this.leases.filter((l) => l.address !== lease.address && others(l));
    this.leases.push(lease);
  }

  private reply(request: Request, type: number, address: number): DhcpReply {
    const { net } = this;
    const head = new Uint8Array(FIXED + 4);
    head[0] = 2;
    head[1] = 1;
    head[2] = 6;
    head.set(request.xid, 4);
    head[10] = request.flags >>> 8;
    head[11] = request.flags;
    if (type === Message.Ack) put32(head, 12, request.ciaddr);
    put32(head, 16, address);
    if (type !== Message.Nak) put32(head, 20, net.gateway);
    head.set(request.hardware, 28);
    put32(head, FIXED, COOKIE);
    const options = joined(
      [Option.Type, 1, type],
      [Option.Server, 4, ...addressBytes(net.gateway)],
      ...(type === Message.Nak ? [] : this.settings()),
      ...(address === 0 ? [] : this.times()),
      [Option.End],
    );
    const short = Math.max(0, SHORTEST - head.length - options.length);
    const everybody = type === Message.Nak || (request.flags & BROADCAST_FLAG) !== 0;
    const to = request.ciaddr !== 0 ? request.ciaddr : address;
    return {
      data: joined(head, options, new Uint8Array(short)),
      to: everybody || to === 0 ? undefined : to,
      mac: request.mac,
    };
  }

  private settings(): (readonly number[])[] {
    const { mask, gateway, dns, broadcast, hostname, domain } = this.net;
    const address = (code: number, value: number): readonly number[] => [code, 4, ...addressBytes(value)];
    const text = (code: number, value: string | undefined): (readonly number[])[] => {
      const encoded = new TextEncoder().encode(value ?? '');
      return encoded.length === 0 ? [] : [[code, encoded.length, ...encoded]];
    };
    return [
      address(Option.Mask, mask),
      address(Option.Router, gateway),
      address(Option.Dns, dns),
      address(Option.Broadcast, broadcast),
      ...text(Option.Hostname, hostname),
      ...text(Option.Domain, domain),
    ];
  }
  private times(): (readonly number[])[] {
    const { leaseSeconds } = this.net;
    const seconds = (code: number, value: number): readonly number[] => [
      code,
      4,
      ...addressBytes(Math.floor(value)),
    ];
    return [
      seconds(Option.LeaseTime, leaseSeconds),
      seconds(Option.Renewal, leaseSeconds / 2),
      seconds(Option.Rebinding, leaseSeconds * 0.875),
    ];
  }
}
