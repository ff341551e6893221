// The devices that a configuration may name.

import {
  gpioKeys,
  pl011,
  pl031,
  pl061,
  virtioBlk,
  virtioConsole,
  virtioNet,
  virtioRng,
} from '@worldswitch/devices';
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

/** A whole number, or nothing; the device says which ones it takes. */
function numberOf(field: string, given: unknown): number | undefined {
  if (given === undefined || (typeof given === 'number' && Number.isSafeInteger(given))) return given;
  throw new RangeError(`config.${field}: must be a whole number`);
}

/** True or false, or nothing. */
function flagOf(field: string, given: unknown): boolean | undefined {
  if (given === undefined || typeof given === 'boolean') return given;
  throw new RangeError(`config.${field}: must be true or false`);
}

function blockConfig(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown {
  const { serial, latency } = only(given, ['serial', 'latency']);
  if (host.disk === undefined)
    throw new RangeError('has no disk: give one in `disks`, by the name of the device');
  if (serial !== undefined && typeof serial !== 'string')
    throw new RangeError('config.serial: must be a text');
  return {
    disk: host.disk,
    ...(serial !== undefined && { serial }),
    ...(latency !== undefined && { latency: numberOf('latency', latency) }),
  };
}

function networkConfig(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown {
  const { mac, mtu, up } = only(given, ['mac', 'mtu', 'up']);
  return {
    ...(mtu !== undefined && { mtu: numberOf('mtu', mtu) }),
    ...(up !== undefined && { up: flagOf('up', up) }),
    ...(mac !== undefined && { mac: macOf(mac) }),
    ...(host.network !== undefined && { peer: host.network }),
  };
}

/** Further ports of a console, whose characters go to and come from `NAME.1`, `NAME.2` and so on. */
function portsConfig(given: unknown, host: DeviceHost): readonly unknown[] {
  if (!Array.isArray(given)) throw new RangeError('config.ports: must be a list');
  return (given as readonly unknown[]).map((port, i) => {
    const field = `ports[${i}]`;
    if (typeof port !== 'object' || port === null || Array.isArray(port))
      throw new RangeError(`config.${field}: must be a record with name and console, or with neither`);
    const surplus = Object.keys(port).find((key) => key !== 'name' && key !== 'console');
    if (surplus !== undefined)
      throw new RangeError(`config.${field}.${surplus}: there is no such setting; there are name, console`);
    const { name, console } = port as { readonly name?: unknown; readonly console?: unknown };
    if (name !== undefined && typeof name !== 'string')
      throw new RangeError(`config.${field}.name: must be a text`);
    return {
      backend: host.port(i + 1),
      ...(name !== undefined && { name }),
      ...(console !== undefined && { console: flagOf(`${field}.console`, console) }),
    };
  });
}

function consoleConfig(given: Readonly<Record<string, unknown>>, host: DeviceHost): unknown {
  const { ports, columns, rows } = only(given, ['columns', 'rows', 'ports']);
  return {
    backend: host.console,
    ...(columns !== undefined && { columns: numberOf('columns', columns) }),
    ...(rows !== undefined && { rows: numberOf('rows', rows) }),
    ...(ports !== undefined && { ports: portsConfig(ports, host) }),
  };
}

/** The kinds that configurations name. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  'gic-v2m': { type: gicV2m as AnyDeviceType, configure: (given) => given },
  pl011: { type: pl011 as AnyDeviceType, configure: (given, host) => ({ ...given, backend: host.console }) },
  pl061: { type: pl061 as AnyDeviceType, configure: (given) => only(given, []) },
  'gpio-keys': { type: gpioKeys as AnyDeviceType, configure: (given) => only(given, ['keys']) },
  'virtio-blk': { type: virtioBlk as AnyDeviceType, configure: blockConfig },
  'virtio-net': { type: virtioNet as AnyDeviceType, configure: networkConfig },
  'virtio-console': { type: virtioConsole as AnyDeviceType, configure: consoleConfig },
  'virtio-rng': {
    type: virtioRng as AnyDeviceType,
    configure: (given, host) => ({ ...only(given, []), seed: host.entropy }),
  },
  pl031: { type: pl031 as AnyDeviceType, configure: (given, host) => ({ start: host.startTime, ...given }) },
};
