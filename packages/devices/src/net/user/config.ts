// The user-mode network's addresses, as QEMU's `-netdev user` has them unless configured.

import type { FlowProtocol, OutsideSockets, PortForward } from '../outside/sockets.ts';
import { addressText, parseAddress } from './bytes.ts';
import { nameBytes } from './name.ts';

/** How much of the outside there is. */
export interface OutsideConfig {
  /** The host's sockets. */
  readonly sockets: OutsideSockets;
  /** True lets the guest open connections, to the host itself by way of the gateway's address. */
  readonly outgoing?: boolean | undefined;
  /** Ports of the host whose connections go to the guest; the sockets know them in the same order. */
  readonly forwards?: readonly PortForward[] | undefined;
}

/** What a user may set. */
export interface UserNetworkConfig {
  /** The network's address; 10.0.2.0 when absent. */
  readonly network?: string;
  /** Bits of its prefix, 8 to 28; 24 when absent. */
  readonly prefix?: number;
  /** The gateway and host; the network's second address when absent. */
  readonly gateway?: string;
  /** The name server; the third when absent. */
  readonly dns?: string;
  /** The first address that is leased; the fifteenth when absent. */
  readonly firstLease?: string;
  /** Seconds of a lease, 60 to 4,000,000; a day when absent. */
  readonly leaseSeconds?: number;
  /** The name that clients are given. */
  readonly hostname?: string;
  /** The domain that clients are given, and in which `gateway` and `dns` have their names. */
  readonly domain?: string;
  /** Names that the name server knows, and their addresses; these hosts answer a ping, and inside the network ARP too. */
  readonly names?: Readonly<Record<string, string>>;
  /** Virtual nanoseconds after which an answer comes; 100 microseconds when absent. */
  readonly latency?: number;
  /** TCP and UDP with the outside; there is none when absent. */
  readonly outside?: OutsideConfig;
}

/** The checked configuration: addresses as numbers. */
export interface UserNetwork {
  readonly network: number;
  readonly mask: number;
  readonly broadcast: number;
  readonly gateway: number;
  readonly dns: number;
  readonly firstLease: number;
  readonly lastLease: number;
  readonly leaseSeconds: number;
  readonly hostname: string | undefined;
  readonly domain: string | undefined;
  /** By name, as `nameBytes` has it. */
  readonly names: ReadonlyMap<string, number>;
  /** Addresses of the network that are taken: gateway, name server, and hosts with names. */
  readonly hosts: ReadonlySet<number>;
  readonly latency: number;
  /** The guest may open flows to the outside. */
  readonly outgoing: boolean;
  readonly forwards: readonly CheckedForward[];
}

/** Where connections to a port of the host go. */
export interface CheckedForward {
  readonly protocol: FlowProtocol;
  readonly guest: number;
  readonly guestPort: number;
}

/** Addresses that are leased at most. */
const LEASES = 128;

/** Checks a configuration. Throws a RangeError that names the field. */
export function checkedNetwork(config: UserNetworkConfig): UserNetwork {
  const { prefix = 24, leaseSeconds = 86_400, latency = 100_000, domain } = config;
  const whole = (field: string, value: number, low: number, high: number): void => {
    if (Number.isInteger(value) && value >= low && value <= high) return;
    throw new RangeError(`network: ${field} must be ${low} to ${high}, but is ${value}`);
  };
  whole('prefix', prefix, 8, 28);
  // A lease's end is a virtual time, which has 53 bits.
  whole('leaseSeconds', leaseSeconds, 60, 4_000_000);
  whole('latency', latency, 0, 1_000_000_000);
  const address = (field: string, text: string): number => {
    const parsed = parseAddress(text);
    if (parsed === undefined)
      throw new RangeError(`network: ${field} must be an address such as 10.0.2.2, but is "${text}"`);
    return parsed;
  };
  const mask = (0xffff_ffff << (32 - prefix)) >>> 0;
  const network = (address('network', config.network ?? '10.0.2.0') & mask) >>> 0;
  const broadcast = (network | ~mask) >>> 0;
  const inside = (field: string, given: string | undefined, host: number): number => {
    const found = given === undefined ? network + host : address(field, given);
    if (found <= network || found >= broadcast)
      throw new RangeError(
        `network: ${field} must be an address of the network, but is ${addressText(found)}`,
      );
    return found;
  };
  const gateway = inside('gateway', config.gateway, 2);
  const dns = inside('dns', config.dns, 3);
  if (gateway === dns) throw new RangeError('network: dns must be another address than gateway');
  const firstLease = inside('firstLease', config.firstLease, prefix > 27 ? 4 : 15);
  const names = new Map<string, number>();
  const named = (field: string, name: string): string => {
    const known = nameBytes(name);
    if (known === undefined)
      throw new RangeError(
        `network: ${field} must be a name with labels of 1 to 63 bytes, at most 255 together, but is "${name.slice(0, 300)}"`,
      );
    return known;
  };
  const local = (name: string): string => named('domain', domain === undefined ? name : `${name}.${domain}`);
  if (domain !== undefined) named('domain', domain);
  if (config.hostname !== undefined) named('hostname', config.hostname);
  names.set(local('gateway'), gateway);
  names.set(local('dns'), dns);
  for (const [name, text] of Object.entries(config.names ?? {})) {
    const field = `names.${name.slice(0, 300)}`;
    const to = address(field, text);
    names.set(named(field, name), (to & mask) >>> 0 === network ? inside(field, text, 0) : to);
  }
  const hosts = new Set([...names.values()].filter((to) => (to & mask) >>> 0 === network));
  const forwards = (config.outside?.forwards ?? []).map((forward, i): CheckedForward => {
    const { protocol, guestAddress, guestPort } = forward;
    whole(`forwards[${i}].guestPort`, guestPort, 1, 65535);
    const guest = inside(`forwards[${i}].guestAddress`, guestAddress, firstLease - network);
    return { protocol, guest, guestPort };
  });
  return {
    network,
    mask,
    broadcast,
    gateway,
    dns,
    firstLease,
    lastLease: Math.min(broadcast - 1, firstLease + LEASES - 1),
    leaseSeconds,
    hostname: config.hostname,
    domain,
    names,
    hosts,
    latency,
    outgoing: config.outside?.outgoing === true,
    forwards,
  };
}
