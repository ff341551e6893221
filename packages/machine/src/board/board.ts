// The parts of a machine and their wires: memory, bus, GIC, timers, devices, CPU.

import { genericTimer, timerInterrupts } from '@worldswitch/devices';
import type { GenericTimer, GenericTimerState, TimerPin } from '@worldswitch/devices';
import { gicV2 } from '@worldswitch/gic';
import type { GicPin, GicV2, GicV2State } from '@worldswitch/gic';
import { Cpu, CpuLayout, referenceEngine } from '@worldswitch/isa-core';
import type { Firmware } from '@worldswitch/isa-core';
import { cpuHost, createInterpreter, interpreterBytes } from '@worldswitch/jit';
import { noTrace } from '@worldswitch/platform';
import type { CpuPin, Device, Engine, Memory, Mmio, Pa, Plain, Width, Wiring } from '@worldswitch/platform';

import { SystemBus } from '../bus/bus.ts';
import { VirtualClock } from '../clock/clock.ts';
import type { CheckedConfig, CheckedDevice } from '../config/config.ts';
import { ConfigurationError } from '../errors.ts';
import { models } from '../id/models.ts';
import { idRegisters } from '../id/registers.ts';
import { createArena } from '../memory/arena.ts';
import { memoryWindow } from '../memory/window.ts';
import type { PlacedPart } from '../tree/board.ts';
import { directDma } from './dma.ts';
import { Wire } from './wire.ts';

/** Saved states of the parts; absent at power-on. */
export interface PartStates {
  /** Virtual time. */
  readonly now: number;
  readonly gic: GicV2State;
  readonly timer: GenericTimerState;
  readonly devices: Readonly<Record<string, Plain>>;
  /** Levels of the wires, by name. */
  readonly wires: Readonly<Record<string, boolean>>;
}

/** A device on the board. */
export interface BoardDevice {
  readonly name: string;
  readonly checked: CheckedDevice;
  readonly device: Device<Plain>;
  readonly config: unknown;
}

/** Everything on the board, connected. */
export interface Board {
  readonly config: CheckedConfig;
  readonly memory: WebAssembly.Memory;
  readonly ram: Memory;
  readonly bus: SystemBus;
  readonly clock: VirtualClock;
  readonly gic: GicV2;
  readonly timer: GenericTimer;
  readonly devices: readonly BoardDevice[];
  readonly cpu: Cpu;
  readonly engine: Engine;
  /** Wires by name, for snapshots. */
  readonly wires: ReadonlyMap<string, Wire>;
  /** For the device tree. */
  readonly parts: readonly PlacedPart[];
}

/** What the board needs of the machine around it. */
export interface BoardSurroundings {
  readonly firmware: Firmware;
  /** A device's console sent a byte. */
  output(device: string, byte: number): void;
}

/** Interrupt cells of a GIC's binding: a shared peripheral interrupt, level-sensitive. */
const spiCells = (n: number): readonly number[] => [0, n, 4];
/** A private one, for CPU 0. */
const ppiCells = (n: number): readonly number[] => [1, n, 0x104];

/** Builds the board; with states, as it was. Throws a `ConfigurationError` or a `StateError`. */
export function buildBoard(config: CheckedConfig, around: BoardSurroundings, states?: PartStates): Board {
  const arena = createArena();
  const cpuBlock = arena.reserve(CpuLayout.size, 8192);
  const tables = config.engine === 'jit' ? arena.reserve(interpreterBytes(), 65536) : 0;
  const ramOffset = arena.reserve(config.memory, 65536);
  const memory = arena.open();
  const ram = memoryWindow(memory, ramOffset, config.memory, true);
  const bus = new SystemBus(memory);
  bus.mapMemory({ name: 'memory', base: config.ramBase as Pa, size: config.memory }, ram);
  const clock = new VirtualClock(config.nanosecondsPerInstruction, states?.now);
  const wires = new Map<string, Wire>();
  const wire = (name: string, drive: (level: boolean) => void): Wire => {
    // A pin has one wire, however often its device asks for it.
    const known = wires.get(name);
    if (known) return known;
    const made = new Wire(drive, states?.wires[name] ?? false);
    wires.set(name, made);
    return made;
  };
  const dma = directDma(bus);
  const wiring = <Pin extends string>(line: (pin: Pin) => Wire): Wiring<Pin> => ({
    line,
    clock,
    dma,
    trace: noTrace,
  });

  // The CPU comes last but the GIC drives its pins: they meet here.
  const pins: { cpu: Cpu | undefined } = { cpu: undefined };
  const gicConfig = { cpus: 1, interrupts: config.gic.interrupts, listRegisters: config.el2 ? 4 : 0 };
  const gic = named('gic', () =>
    gicV2.create(
      gicConfig,
      wiring<GicPin>((pin) =>
        wire(`gic.${pin}`, (level) => {
          if (pin.endsWith('0')) pins.cpu?.setPin(pin.slice(0, -1) as CpuPin, level);
        }),
      ),
      states?.gic,
    ),
  );
  const blocks = config.el2 ? 4 : 2;
  mapBlocks(bus, 'gic', gicV2.regions.slice(0, blocks), config.gic.bases, gic.mmio);
  const timerConfig = { cpus: 1, frequency: config.timer.frequency };
  const timer = genericTimer.create(
    timerConfig,
    wiring<TimerPin>((pin) =>
      wire(`timer.${pin}`, (level) => {
        const name = pin.slice(0, -1) as keyof typeof timerInterrupts;
        if (pin.endsWith('0')) gic.inputs.ppi(0, timerInterrupts[name]).set(level);
      }),
    ),
    states?.timer,
  );
  const devices = config.devices.map((d) => buildDevice(d, config, around, bus, gic, wiring, wire, states));
  const model = models[config.cpu];
  const cpu = new Cpu({
    memory,
    base: cpuBlock,
    index: 0,
    bus,
    features: {
      el2: config.el2,
      el3: false,
      pan: false,
      uao: false,
      mmu: { paBits: model.paBits, granule16k: false },
    },
    id: idRegisters({ model, index: 0, el2: config.el2, el3: false, banks: [timer.bank] }),
    cacheSizes: model.cacheSizes,
    banks: [timer.bank],
    ...(config.psci && { firmware: around.firmware }),
  });
  pins.cpu = cpu;
  const engine =
    config.engine === 'jit' ? createInterpreter({ host: cpuHost(cpu), tables }) : referenceEngine(cpu);
  bus.onForeignStore((at, bytes) => {
    engine.invalidate(at, bytes);
  });
  clock.onEarlier = () => {
    engine.stop();
  };
  const gicPart: PlacedPart = {
    type: gicV2,
    config: gicConfig,
    bases: config.gic.bases.slice(0, blocks),
    interrupts: () => ppiCells(9),
  };
  const timerPart: PlacedPart = {
    type: genericTimer,
    config: timerConfig,
    bases: [],
    interrupts: (pin) => ppiCells(timerInterrupts[pin.slice(0, -1) as keyof typeof timerInterrupts]),
  };
  const parts = [
    gicPart,
    timerPart,
    ...devices.map(({ checked, config: own }): PlacedPart => ({
      type: checked.kind.type,
      config: own,
      bases: checked.bases,
      interrupts: (pin) => {
        const spi = checked.interrupts[pin];
        return spi === undefined ? [] : spiCells(spi);
      },
    })),
  ];
  return { config, memory, ram, bus, clock, gic, timer, devices, cpu, engine, wires, parts };
}

function buildDevice(
  d: CheckedDevice,
  config: CheckedConfig,
  around: BoardSurroundings,
  bus: SystemBus,
  gic: GicV2,
  wiring: <Pin extends string>(line: (pin: Pin) => Wire) => Wiring<Pin>,
  wire: (name: string, drive: (level: boolean) => void) => Wire,
  states: PartStates | undefined,
): BoardDevice {
  const own = d.kind.configure(d.config, {
    console: {
      write: (byte) => {
        around.output(d.name, byte);
      },
    },
    startTime: config.startTime,
  });
  const inputs = new Map(
    Object.entries(d.interrupts).map(([pin, n]) => [pin, named(d.name, () => gic.inputs.spi(n))]),
  );
  const device = named(d.name, () =>
    d.kind.type.create(
      own,
      wiring((pin) => wire(`${d.name}.${pin}`, (level) => inputs.get(pin)?.set(level))),
      states?.devices[d.name],
    ),
  ) as Device<Plain>;
  mapBlocks(bus, d.name, d.kind.type.regions, d.bases, device.mmio);
  return { name: d.name, checked: d, device, config: own };
}

/** A part's own complaint about its configuration becomes one about the board's. */
function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new ConfigurationError(name, thrown.message);
    throw thrown;
  }
}

function mapBlocks(
  bus: SystemBus,
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
    bus.map({ name: `${name} ${block}`, base: (bases[i] ?? 0) as Pa, size, widths }, mmio);
  });
}
