// Wires between devices: which input of which other device a pin drives.

import { ConfigurationError } from '../errors.ts';
import type { DeviceKind } from './devices.ts';

/** An input of a device. */
export interface Connection {
  /** The device's name. */
  readonly device: string;
  readonly input: string;
}

/** What connections are checked against: the devices before this one, and the inputs that have a wire already. */
export interface Connected {
  readonly kinds: Map<string, DeviceKind>;
  readonly taken: Map<string, string>;
}

/** Checks the connections of a device. Throws a `ConfigurationError`. */
export function checkConnections(
  name: string,
  given: Readonly<Record<string, string>>,
  pins: readonly string[],
  field: string,
  { kinds, taken }: Connected,
): Readonly<Record<string, Connection>> {
  const checked = Object.entries(given).map(([pin, to]): [string, Connection] => {
    if (!pins.includes(pin))
      throw new ConfigurationError(field, `there is no pin ${pin}; there are ${pins.join(', ') || 'none'}`);
    const dot = to.indexOf('.');
    const [device, input] = [to.slice(0, Math.max(dot, 0)), to.slice(dot + 1)];
    const inputs = kinds.get(device)?.type.inputs ?? [];
    if (!inputs.includes(input)) {
      const there = [...kinds].flatMap(([d, { type }]) => (type.inputs ?? []).map((i) => `${d}.${i}`));
      throw new ConfigurationError(
        `${field}.${pin}`,
        `no device before it has an input ${to}; there are ${there.join(', ') || 'none'}`,
      );
    }
    const other = taken.get(to);
    if (other !== undefined) throw new ConfigurationError(`${field}.${pin}`, `${to} is taken by ${other}`);
    taken.set(to, name);
    return [pin, { device, input }];
  });
  return Object.fromEntries(checked);
}
