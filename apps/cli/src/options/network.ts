// `--nic`, `--net` and `--netdev`: whether the guest has a network card, and what is at its other end.

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** A network card. */
export interface NetworkOption {
  readonly mac: string | undefined;
  /** The number of the hub that it is at; the user-mode network when absent. */
  readonly hub?: number | undefined;
}

const KEYS = ['type', 'id', 'model', 'mac', 'hubid'];

/** Reads `user`, `user,mac=52:54:00:12:34:56`, `hubport,hubid=0` or `none`. */
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
  return { mac, ...(hub !== undefined && { hub }) };
}
