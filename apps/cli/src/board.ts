// The board that the options describe: QEMU's `virt`, or the user's file, with what was asked for on it.

import { networkLink } from '@worldswitch/devices';
import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { virt } from '@worldswitch/machine';
import type { DeviceConfig, MachineConfig } from '@worldswitch/machine';

import type { ConsoleOption } from './channels/consoles.ts';
import { Slots } from './devices.ts';
import { CliError } from './errors.ts';
import type { Guest } from './guests.ts';
import type { Destination } from './options/destination.ts';
import type { RunOptions } from './options/run-options.ts';
import type { Outside } from './outside.ts';

/** A board, and where its consoles go. */
export interface Described {
  readonly config: MachineConfig;
  readonly consoles: readonly ConsoleOption[];
  /** What is behind its devices. */
  readonly disks: Readonly<Record<string, DiskBackend>>;
  readonly networks: Readonly<Record<string, NetworkPeerFactory>>;
  /** Ways out of its networks. */
  readonly outside: readonly Outside[];
  /** What must be closed in the end. */
  readonly opened: readonly { close(): void }[];
}

/** Where clocks start: always the same, and no year in which file systems take a time for none. */
const CLOCK_START = Date.UTC(2026, 0, 1) / 1000;

/** The device behind hvc0. */
const VIRTIO_CONSOLE = 'hvc';

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
    ...(o.rtc !== undefined && { startTime: o.rtc.start }),
    ...(seed !== undefined && { seed }),
    ...o.engine,
    ...(o.timing !== undefined && { timing: o.timing }),
  };
}

/** The consoles that the options ask for, and the serial ports that the board has not got yet. */
function serialPorts(o: RunOptions, known: readonly DeviceConfig[]): [ConsoleOption[], DeviceConfig[]] {
  const wanted: readonly Destination[] = o.serial ?? [{ kind: 'stdio' }];
  const option = o.serial === undefined ? 'the terminal' : '--serial';
  const name = (i: number): string => (i === 0 ? (o.terminal ?? 'serial') : `serial${i}`);
  const consoles = wanted.map((to, i) => ({
    device: name(i),
    to,
    option: i === 0 && o.terminal !== undefined ? '--terminal' : option,
  }));
  const more = wanted
    .map((_, i) => i)
    .filter((i) => i > 0 && !known.some((d) => d.name === name(i)))
    .map(serialPort);
  return [consoles, more];
}

/** Network cards, each with what is at the other end of its cable. */
function networkCards(o: RunOptions, slots: Slots): void {
  const cards = [o.nic, o.net, o.netdev].flatMap((given) =>
    (given ?? []).filter((card) => card !== undefined),
  );
  const hubs = new Map<number, NetworkPeerFactory[]>();
  for (const { hub } of cards) {
    if (hub === undefined || hubs.has(hub)) continue;
    const ends = cards.filter((card) => card.hub === hub).length;
    if (ends < 2 || ends > 8)
      throw new CliError(`--nic hubport,hubid=${hub}: a hub joins 2 to 8 cards, and this one has ${ends}`);
    hubs.set(hub, [...networkLink({ ends }).ends]);
  }
  for (const card of cards) {
    const end = card.hub === undefined ? undefined : hubs.get(card.hub)?.shift();
    if (end === undefined) slots.otherNetwork(card);
    else slots.network(card, () => end);
  }
}

/** Disks, network cards and the rest of the virtio devices. */
function virtioDevices(o: RunOptions, known: readonly DeviceConfig[]): Slots {
  const slots = new Slots(known);
  for (const drive of o.drive ?? []) slots.disk(drive);
  networkCards(o, slots);
  if (o.console !== undefined) slots.console(VIRTIO_CONSOLE);
  if (o.rng === true) slots.entropy();
  return slots;
}

function checkTerminal(consoles: readonly ConsoleOption[]): void {
  const [, second] = consoles.filter(({ to }) => to.kind === 'stdio');
  if (second === undefined) return;
  throw new CliError(
    `${second.option} stdio: only one console can be at the terminal; send the others to file:PATH, unix:PATH or null, for example --serial null --console stdio`,
  );
}

/** Describes the board, and opens the files of its devices. Throws a `CliError`. */
export function describeBoard(o: RunOptions, given: MachineConfig | undefined, guest: Guest): Described {
  const chosen = settings(o, guest);
  const base = given
    ? { ...given, ...chosen }
    : virt({ memory: guest.memory, startTime: CLOCK_START, ...chosen });
  const [consoles, ports] = serialPorts(o, base.devices ?? []);
  if (o.console !== undefined) consoles.push({ device: VIRTIO_CONSOLE, to: o.console, option: '--console' });
  checkTerminal(consoles);
  const known = [...(base.devices ?? []), ...ports];
  const { devices, ...outside } = virtioDevices(o, known);
  return { config: { ...base, devices: [...known, ...devices] }, consoles, ...outside };
}
