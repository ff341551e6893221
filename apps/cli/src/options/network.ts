// `--nic`, `--net` and `--netdev`: whether the guest has a network card, and what is at its other end.

import { isIPv4 } from 'node:net';

import type { PortForward } from '@worldswitch/devices';

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** A cable to another process. */
export interface CableOption {
  readonly listen: boolean;
  readonly host: string;
  readonly port: number;
}

/** A network card. */
export interface NetworkOption {
  readonly mac: string | undefined;
  /** The number of the hub that it is at; the user-mode network when absent. */
  readonly hub?: number | undefined;
  /** The guest may open connections to the outside. */
  readonly outside?: boolean;
  /** Ports of the host that lead to the guest. */
  readonly forwards?: readonly PortForward[];
  /** The other end is in another process. */
  readonly cable?: CableOption;
}

const KEYS = ['type', 'id', 'model', 'mac', 'hubid', 'outside', 'hostfwd', 'connect', 'listen'];

/** `tcp::2222-:22`, `udp:127.0.0.1:5353-10.0.2.15:53`. */
function parseForward(text: string): PortForward | undefined {
  const found = /^(?:(tcp|udp):)?([\d.]*):(\d{1,5})-([\d.]*):(\d{1,5})$/.exec(text);
  const [, protocol = 'tcp', hostAddress = '', hostPort = '', guestAddress = '', guestPort = ''] =
    found ?? [];
  const wrong = (address: string): boolean => address !== '' && !isIPv4(address);
  if (found === null || wrong(hostAddress) || wrong(guestAddress)) return undefined;
  if (Number(hostPort) > 65535 || Number(guestPort) > 65535 || Number(guestPort) === 0) return undefined;
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    hostPort: Number(hostPort),
    guestPort: Number(guestPort),
    ...(hostAddress !== '' && { hostAddress }),
    ...(guestAddress !== '' && { guestAddress }),
  };
}

/** `connect=HOST:PORT`, or `listen=HOST:PORT`, where the host may be left out. */
function cableOf(given: KeyValues): CableOption {
  const [listen, connect] = [given.text('listen'), given.text('connect')];
  const [key, text = ''] = listen === undefined ? ['connect', connect] : ['listen', listen];
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65535 || (listen !== undefined && connect !== undefined))
    throw given.wrong(key, 'must be such as 127.0.0.1:1234; of connect and listen, one is needed');
  return { listen: listen !== undefined, host: host === '' ? '127.0.0.1' : host, port: Number(port) };
}

/** Reads `user`, `user,mac=52:54:00:12:34:56`, `user,outside=on,hostfwd=tcp::2222-:22`, `hubport,hubid=0`, `socket,connect=HOST:PORT` or `none`. */
export function parseNetwork(option: string, text: string): NetworkOption | undefined {
  const given = new KeyValues(option, text, 'type', KEYS);
  const type = given.choice(
    'type',
    ['user', 'hubport', 'socket', 'none'],
    'none',
    ': there is no other network yet',
  );
  given.choice(
    'model',
    ['virtio', 'virtio-net-device'],
    'virtio',
    ': the cards of this board are virtio cards',
  );
  if (type === 'none') return undefined;
  const isCable = type === 'socket';
  if (!isCable && (given.text('connect') ?? given.text('listen')) !== undefined)
    throw given.wrong('type', 'must be socket for connect and listen');
  const mac = given.text('mac');
  if (mac !== undefined && !/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(mac))
    throw new CliError(`${option} ${text}: mac must be six bytes such as 52:54:00:12:34:56, of one card`);
  const hub = given.number('hubid', 0, 31);
  if (type === 'hubport' ? hub === undefined : hub !== undefined)
    throw given.wrong('hubid', 'is the number of a hubport, 0 to 31');
  const outside = given.flag('outside', false);
  const forwards = given.texts('hostfwd').map((forward) => {
    const parsed = parseForward(forward);
    if (parsed === undefined)
      throw given.wrong('hostfwd', 'must be such as tcp::2222-:22, or tcp:127.0.0.1:2222-10.0.2.15:22');
    return parsed;
  });
  if (type !== 'user' && (outside || forwards.length > 0))
    throw given.wrong('type', 'must be user for outside and hostfwd');
  return {
    mac,
    ...(isCable && { cable: cableOf(given) }),
    ...(hub !== undefined && { hub }),
    ...(outside && { outside }),
    ...(forwards.length > 0 && { forwards }),
  };
}
