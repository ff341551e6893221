// The devices that a configuration may name.

import { pl011, pl031, virtioBlk, virtioConsole, virtioNet, virtioRng } from '@worldswitch/devices';
import { gicV2m } from '@worldswitch/gic';
import type { DeviceType } from '@worldswitch/platform';

import type { DeviceHost } from './device-host.ts';

/** A device type as a board sees it: any configuration, any state. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- devices of different configurations in one board
export type AnyDeviceType = DeviceType<any, any>;

/** A device type and how the board's world becomes part of its configuration. */
export interface DeviceKind {
  readonly type: AnyDeviceType;
  /** Makes the configuration from the user's. */
  configure(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown;
}

/** What a user may set of a device. Throws a RangeError for anything else. */
function only(given: Readonly<Record<string, unknown>>, allowed: readonly string[]): typeof given {
  const surplus = Object.keys(given).find((key) => !allowed.includes(key));
  if (surplus === undefined) return given;
  const there = allowed.length === 0 ? 'it has no settings' : `there are ${allowed.join(', ')}`;
  throw new RangeError(`config.${surplus}: there is no such setting; ${there}`);
}

/** `52:54:00:12:34:56` as bytes. */
function macOf(given: unknown): Uint8Array {
  if (typeof given !== 'string' || !/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(given))
    throw new RangeError('config.mac: must be six bytes such as 52:54:00:12:34:56, of one card');
  return Uint8Array.from(given.split(':'), (byte) => parseInt(byte, 16));
}

function blockConfig(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown {
  const { serial } = only(given, ['serial']);
  if (host.disk === undefined)
    throw new RangeError('has no disk: give one in `disks`, by the name of the device');
  if (serial !== undefined && typeof serial !== 'string')
    throw new RangeError('config.serial: must be a text');
  return { disk: host.disk, ...(serial !== undefined && { serial }) };
}

function networkConfig(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown {
  const { mac } = only(given, ['mac']);
  return {
    ...(mac !== undefined && { mac: macOf(mac) }),
    ...(host.network !== undefined && { peer: host.network }),
  };
}

/** The kinds that configurations name. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  'gic-v2m': { type: gicV2m as AnyDeviceType, configure: (given) => given },
  pl011: { type: pl011 as AnyDeviceType, configure: (given, host) => ({ ...given, backend: host.console }) },
  'virtio-blk': { type: virtioBlk as AnyDeviceType, configure: blockConfig },
  'virtio-net': { type: virtioNet as AnyDeviceType, configure: networkConfig },
  'virtio-console': {
    type: virtioConsole as AnyDeviceType,
    configure: (given, host) => ({ ...only(given, ['columns', 'rows']), backend: host.console }),
  },
  'virtio-rng': {
    type: virtioRng as AnyDeviceType,
    configure: (given, host) => ({ ...only(given, []), seed: host.entropy }),
  },
  pl031: { type: pl031 as AnyDeviceType, configure: (given, host) => ({ start: host.startTime, ...given }) },
};
