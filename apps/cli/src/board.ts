// The board that the options describe: QEMU's `virt`, or the user's file, with what was asked for on it.

import { virt } from '@worldswitch/machine';
import type { DeviceConfig, MachineConfig } from '@worldswitch/machine';

import type { ConsoleOption } from './channels/consoles.ts';
import { CliError } from './errors.ts';
import type { Guest } from './guests.ts';
import type { Destination } from './options/destination.ts';
import type { RunOptions } from './options/run-options.ts';

/** A board, and where its consoles go. */
export interface Described {
  readonly config: MachineConfig;
  readonly consoles: readonly ConsoleOption[];
}

/** Serial ports after the first: where QEMU's virt has its second one, and their SPIs. */
const MORE_SERIAL = [
  { at: 0x0904_0000, spi: 8 },
  { at: 0x0904_1000, spi: 10 },
  { at: 0x0904_2000, spi: 11 },
] as const;

function serialPort(i: number): DeviceConfig {
  const place = MORE_SERIAL[i - 1];
  if (place === undefined)
    throw new CliError(`--serial: there are at most ${MORE_SERIAL.length + 1} serial ports`);
  return { name: `serial${i}`, type: 'pl011', at: place.at, interrupts: { irq: place.spi } };
}

/** Options that change the board itself. */
function settings(o: RunOptions, guest: Guest): Partial<MachineConfig> {
  const { machine } = o;
  const gic = o.gic ?? machine?.gic;
  const el2 = o.el2 ?? machine?.el2 ?? guest.el2;
  const el3 = o.el3 ?? machine?.el3;
  const seed = o.seed ?? (machine?.randomness === false ? 0 : undefined);
  return {
    ...(o.cpu !== undefined && { cpu: o.cpu }),
    ...(o.smp !== undefined && { cpus: o.smp }),
    ...(o.memory !== undefined && { memory: o.memory }),
    ...(gic !== undefined && { gic: { version: gic } }),
    ...(el2 !== undefined && { el2 }),
    ...(el3 !== undefined && { el3 }),
    ...(o.rtc !== undefined && { startTime: o.rtc }),
    ...(seed !== undefined && { seed }),
    ...(o.engine !== undefined && { engine: o.engine }),
  };
}

/** Describes the board. Throws a `CliError`. */
export function describeBoard(o: RunOptions, given: MachineConfig | undefined, guest: Guest): Described {
  const base = given ?? virt({ memory: guest.memory, ...settings(o, guest) });
  const serial: readonly Destination[] = o.serial ?? [{ kind: 'stdio' }];
  const first = o.terminal ?? 'serial';
  const name = (i: number): string => (i === 0 ? first : `serial${i}`);
  const consoles: ConsoleOption[] = serial.map((to, i) => ({
    device: name(i),
    to,
    option: o.serial === undefined ? (o.terminal === undefined ? 'the terminal' : '--terminal') : '--serial',
  }));
  const known = base.devices ?? [];
  const more = serial
    .map((_, i) => i)
    .filter((i) => i > 0 && !known.some((d) => d.name === name(i)))
    .map(serialPort);
  const atTerminal = consoles.filter(({ to }) => to.kind === 'stdio');
  if (atTerminal.length > 1)
    throw new CliError(
      `${atTerminal[1]?.option ?? ''} stdio: only one console can be at the terminal; send the others to file:PATH, unix:PATH or null`,
    );
  return { config: { ...base, ...settings(o, guest), devices: [...known, ...more] }, consoles };
}
