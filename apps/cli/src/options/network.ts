// `--nic`, `--net` and `--netdev`: whether the guest has a network card, and what is at its other end.

import { isIPv4 } from 'node:net';

import type { PortForward } from '@worldswitch/devices';

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** A network card. */
export interface NetworkOption {
  readonly mac: string | undefined;
  /** The number of the hub that it is at; the user-mode network when absent. */
  readonly hub?: number | undefined;
  /** The guest may open connections to the outside. */
  readonly outside?: boolean;
  /** Ports of the host that lead to the guest. */
  readonly forwards?: readonly PortForward[];
}

const KEYS = ['type', 'id', 'model', 'mac', 'hubid', 'outside', 'hostfwd'];

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

/** Reads `user`, `user,mac=52:54:00:12:34:56`, `user,outside=on,hostfwd=tcp::2222-:22`, `hubport,hubid=0` or `none`. */
export function parseNetwork(option: string, text: string): NetworkOption | undefined {
  const given = new KeyValues(option, text, 'type', KEYS);
  const type = given.choice('type', ['user', 'hubport', 'none'], 'none', ': there is no other network yet');
  given.choice(
    'model',
    ['virtio', 'virtio-net-device'],
    'virtio',
    ': the cards of this board are virtio cards',
  );
  if (type === 'none') return undefined;
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
    ...(hub !== undefined && { hub }),
    ...(outside && { outside }),
    ...(forwards.length > 0 && { forwards }),
  };
}
