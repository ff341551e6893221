// Registers of a device on a bench, by name.

import type { Device, DeviceType, Plain, Wiring } from '@worldswitch/platform';
import { bench, requester } from '@worldswitch/testkit';
import type { Bench, BenchStart } from '@worldswitch/testkit';

/** A device with its first register block's registers by name. */
export interface Bed<Made> {
  readonly on: Bench<'irq'>;
  readonly device: Made;
  readonly read: (register: string) => number;
  readonly write: (register: string, value: number) => void;
  readonly irq: () => boolean;
}

/** Makes a device on a bench. */
export function bed<Config, State extends Plain, Made extends Device<State>>(
  type: Pick<DeviceType<Config, State, 'irq'>, 'regions'> & {
    create(config: Config, wiring: Wiring<'irq'>, state?: State): Made;
  },
  config: (on: Bench<'irq'>) => Config,
  start: BenchStart = {},
): Bed<Made> {
  const on = bench<'irq'>(start);
  const device = type.create(config(on), on);
  const by = requester();
  const offset = (name: string): number => {
    const row = type.regions[0]?.registers?.find((each) => each.name === name);
    if (row === undefined) throw new Error(`no ${name}`);
    return row.offset;
  };
  return {
    on,
    device,
    read: (name) => device.mmio[0]?.read(offset(name), 4, by) ?? -1,
    write: (name, value) => device.mmio[0]?.write(offset(name), 4, value, by),
    irq: () => on.line('irq').level,
  };
}
