// The devices of a configuration, made and connected: on a board, and for a virtual machine's bus.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { noTrace } from '@worldswitch/platform';
import type {
  Clock,
  Device,
  Dma,
  InterruptLine,
  Mmio,
  Pa,
  Plain,
  Region,
  Width,
} from '@worldswitch/platform';

import type { CheckedConfig, CheckedDevice } from '../config/config.ts';
import { ConfigurationError } from '../errors.ts';
import { deviceEntropy } from '../load/seeds.ts';

/** A device on the board. */
export interface BoardDevice {
  readonly name: string;
  readonly checked: CheckedDevice;
  readonly device: Device<Plain>;
  readonly config: unknown;
}

/** What devices are connected to. */
export interface DeviceSurroundings {
  /** Start time and seed are asked of it. */
  readonly config: Pick<CheckedConfig, 'startTime' | 'seed'>;
  /** Puts a register block on the bus. */
  readonly map: (region: Region, mmio: Mmio) => void;
  /** The wire into a shared peripheral interrupt, from 0. */
  spi(n: number): InterruptLine;
  readonly clock: Clock;
  readonly dma: Dma;
  /** A wire by its name, `DEVICE.PIN`; the same whenever it is asked for. */
  wire(name: string, drive: (level: boolean) => void): InterruptLine;
  /** A device's console sent a byte. */
  output(device: string, byte: number): void;
  /** Disks, and networks' other ends, by the names of devices. */
  readonly disks?: Readonly<Record<string, DiskBackend>> | undefined;
  readonly networks?: Readonly<Record<string, NetworkPeerFactory>> | undefined;
  /** Saved states by the names of devices; absent at power-on. */
  readonly states?: Readonly<Record<string, Plain>> | undefined;
}

/** Makes devices in their order, each connected to those before it. Throws a `ConfigurationError` or a `StateError`. */
export function buildDevices(
  devices: readonly CheckedDevice[],
  around: DeviceSurroundings,
): readonly BoardDevice[] {
  const built: BoardDevice[] = [];
  for (const d of devices) built.push(buildDevice(d, around, inputsOf(d, around, built)));
  return built;
}

/** What a device's pins drive: interrupts, and inputs of devices that are there already. */
function inputsOf(
  d: CheckedDevice,
  around: DeviceSurroundings,
  devices: readonly BoardDevice[],
): ReadonlyMap<string, InterruptLine> {
  const inputs = new Map<string, InterruptLine>();
  for (const [pin, n] of Object.entries(d.interrupts))
    inputs.set(
      pin,
      named(d.name, () => around.spi(n)),
    );
  for (const [pin, to] of Object.entries(d.connections)) {
    const other = devices.find(({ name }) => name === to.device);
    const input = other?.device.input?.(to.input);
    if (input) inputs.set(pin, input);
  }
  return inputs;
}

function buildDevice(
  d: CheckedDevice,
  around: DeviceSurroundings,
  inputs: ReadonlyMap<string, InterruptLine>,
): BoardDevice {
  const own = named(d.name, () =>
    d.kind.configure(d.config, {
      console: {
        write: (byte) => {
          around.output(d.name, byte);
        },
      },
      port: (index) => ({
        write: (byte) => {
          around.output(`${d.name}.${index}`, byte);
        },
      }),
      startTime: around.config.startTime,
      entropy: deviceEntropy(around.config.seed, d.name),
      disk: around.disks?.[d.name],
      network: around.networks?.[d.name],
    }),
  );
  const device = named(d.name, () =>
    d.kind.type.create(
      own,
      {
        line: (pin: string) => around.wire(`${d.name}.${pin}`, (level) => inputs.get(pin)?.set(level)),
        clock: around.clock,
        dma: around.dma,
        trace: noTrace,
      },
      around.states?.[d.name],
    ),
  ) as Device<Plain>;
  mapBlocks(around.map, d.name, d.kind.type.regions, d.bases, device.mmio);
  return { name: d.name, checked: d, device, config: own };
}

/** A part's own complaint about its configuration becomes one about the board's. */
export function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new ConfigurationError(name, thrown.message);
    throw thrown;
  }
}

export function mapBlocks(
  map: (region: Region, mmio: Mmio) => void,
  name: string,
  regions: readonly {
    readonly name: string;
    readonly size: number;
    readonly widths: readonly (Width | 8)[];
  }[],
  bases: readonly number[],
  blocks: readonly Mmio[],
): void {
  regions.forEach(({ name: block, size, widths }, i) => {
    const mmio = blocks[i];
    if (mmio === undefined) return;
    map({ name: `${name} ${block}`, base: (bases[i] ?? 0) as Pa, size, widths }, mmio);
  });
}
