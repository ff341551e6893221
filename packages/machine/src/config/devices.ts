// The devices that a configuration may name.

import { pl011, pl031 } from '@worldswitch/devices';
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

/** The kinds that configurations name. */
export const deviceKinds: Readonly<Record<string, DeviceKind>> = {
  'gic-v2m': { type: gicV2m as AnyDeviceType, configure: (given) => given },
  pl011: { type: pl011 as AnyDeviceType, configure: (given, host) => ({ ...given, backend: host.console }) },
  pl031: { type: pl031 as AnyDeviceType, configure: (given, host) => ({ start: host.startTime, ...given }) },
};
