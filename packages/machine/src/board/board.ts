// The parts of a machine and their wires: memory, bus, GIC, timers, devices, CPU.

import { genericTimer, timerInterrupts } from '@worldswitch/devices';
import type {
  DiskBackend,
  GenericTimer,
  GenericTimerState,
  NetworkPeerFactory,
  TimerPin,
} from '@worldswitch/devices';
import { Cpu, CpuLayout, referenceEngine } from '@worldswitch/isa-core';
import type { CpuCosts, Firmware, SoftwareError } from '@worldswitch/isa-core';
import { cpuHost, createInterpreter, interpreterBytes } from '@worldswitch/jit';
import type { Interpreter } from '@worldswitch/jit';
import { noTrace } from '@worldswitch/platform';
import type { CpuPin, Engine, Memory, Pa, Plain, SystemRegisterBank, Wiring } from '@worldswitch/platform';

import { SystemBus } from '../bus/bus.ts';
import { VirtualClock } from '../clock/clock.ts';
import type { CheckedConfig } from '../config/config.ts';
import { interpreterOptions } from '../config/engine-options.ts';
import { cpuCosts } from '../cost/profiles.ts';
import { models } from '../id/models.ts';
import { idRegisters } from '../id/registers.ts';
import { createArena } from '../memory/arena.ts';
import { memoryWindow } from '../memory/window.ts';
import type { PlacedPart } from '../tree/board.ts';
import { buildDevices, mapBlocks, named } from './devices.ts';
import type { BoardDevice } from './devices.ts';
import { directDma } from './dma.ts';
import { gicBlocksOf, gicConfigOf, gicTypeOf, pinOf } from './gic.ts';
import type { BoardGic } from './gic.ts';
import { connectMonitors, monitorsPart } from './monitors.ts';
import { buildSoftware } from './software.ts';
import type { BoardSoftware } from './software.ts';
import { Wire } from './wire.ts';

/** Saved states of the parts; absent at power-on. */
export interface PartStates {
  /** Virtual time, and of the nanosecond that has begun, in quarters: in timing mode alone. */
  readonly now: number;
  readonly fraction: number;
  readonly gic: Plain;
  readonly timer: GenericTimerState;
  readonly devices: Readonly<Record<string, Plain>>;
  /** Levels of the wires, by name. */
  readonly wires: Readonly<Record<string, boolean>>;
  /** States of software in TypeScript. */
  readonly software: Readonly<Record<string, Plain>>;
}

/** Everything on the board, connected. */
export interface Board {
  readonly config: CheckedConfig;
  readonly memory: WebAssembly.Memory;
  readonly ram: Memory;
  readonly bus: SystemBus;
  readonly clock: VirtualClock;
  readonly gic: BoardGic;
  readonly timer: GenericTimer;
  readonly devices: readonly BoardDevice[];
  readonly cpus: readonly Cpu[];
  /** Privileged software in TypeScript. */
  readonly software: readonly BoardSoftware[];
  /** What instructions cost, in timing mode. */
  readonly costs: CpuCosts | undefined;
  /** By CPU. */
  readonly engines: readonly Engine[];
  /** Wires by name, for snapshots. */
  readonly wires: ReadonlyMap<string, Wire>;
  /** For the device tree. */
  readonly parts: readonly PlacedPart[];
}

/** What the board needs of the machine around it. */
export interface BoardSurroundings {
  readonly firmware: Firmware;
  /** Software in TypeScript failed: nothing may be executed any more. */
  readonly failed?: (error: SoftwareError) => void;
  /** True when the run is to end: firmware was asked to. */
  readonly over?: () => boolean;
  /** A device's console sent a byte. */
  output(device: string, byte: number): void;
  /** Disks, and networks' other ends, by the names of devices. */
  readonly disks?: Readonly<Record<string, DiskBackend>> | undefined;
  readonly networks?: Readonly<Record<string, NetworkPeerFactory>> | undefined;
}

/** Interrupt cells of a GIC's binding: a shared peripheral interrupt, level-sensitive. */
const spiCells = (n: number): readonly number[] => [0, n, 4];
/** A private one: level-sensitive, and with a GICv2 the mask of the CPUs that have it. */
const ppiCells = (n: number, { cpus, gic }: CheckedConfig): readonly number[] => [
  1,
  n,
  gic.version === 2 ? (((1 << cpus) - 1) << 8) | 4 : 4,
];

/** Builds the board; with states, as it was. Throws a `ConfigurationError` or a `StateError`. */
export function buildBoard(config: CheckedConfig, around: BoardSurroundings, states?: PartStates): Board {
  const arena = createArena();
  const blocks = places(config.cpus, () => arena.reserve(CpuLayout.size, 8192));
  const engineOptions = interpreterOptions(config.engine, config.engineOptions);
  const tables = places(config.engine === 'reference' ? 0 : config.cpus, (i) =>
    arena.reserve(interpreterBytes(i === 0 ? engineOptions.pages : 0), 65536),
  );
  const ramOffset = arena.reserve(config.memory, 65536);
  const memory = arena.open();
  const ram = memoryWindow(memory, ramOffset, config.memory, true);
  const bus = new SystemBus(memory);
  bus.mapMemory({ name: 'memory', base: config.ramBase as Pa, size: config.memory }, ram);
  const costs = config.timing && cpuCosts(config.timing);
  const { nanosecondsPerInstruction } = config;
  const clock = new VirtualClock(nanosecondsPerInstruction, states?.now, costs?.perCycle, states?.fraction);
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

  // The CPUs come last but the GIC drives their pins: they meet here.
  const cpus: Cpu[] = [];
  const gicType = gicTypeOf(config);
  const gic = named('gic', () =>
    gicType.create(
      gicConfigOf(config),
      wiring((name) => {
        const [pin, cpu] = pinOf(name);
        return wire(`gic.${name}`, (level) => cpus[cpu]?.setPin(pin as CpuPin, level));
      }),
      states?.gic,
    ),
  );
  const gicBlocks = gicType.regions.slice(0, gicBlocksOf(config));
  mapBlocks((region, mmio) => bus.map(region, mmio), 'gic', gicBlocks, config.gic.bases, gic.mmio);
  const timerConfig = { cpus: config.cpus, frequency: config.timer.frequency };
  const timer = genericTimer.create(
    { ...timerConfig, signalEvent: (index) => cpus[index]?.signalEvent() },
    wiring<TimerPin>((name) => {
      const [pin, cpu] = pinOf(name);
      const interrupt = timerInterrupts[pin as keyof typeof timerInterrupts];
      return wire(`timer.${name}`, (level) => {
        if (cpu < config.cpus) gic.inputs.ppi(cpu, interrupt).set(level);
      });
    }),
    states?.timer,
  );
  const devices = buildDevices(config.devices, {
    ...around,
    config,
    map: (region, mmio) => {
      bus.map(region, mmio);
    },
    spi: (n) => gic.inputs.spi(n),
    clock,
    dma,
    wire,
    states: states?.devices,
  });
  const banks = [timer.bank, ...(gic.bank ? [gic.bank] : [])];
  blocks.forEach((base, index) =>
    cpus.push(buildCpu(config, index, memory, base, bus, banks, around, costs)),
  );
  for (const cpu of cpus) cpu.peers = cpus;
  connectMonitors(cpus, gic, wire);
  const software = buildSoftware(config, bus, cpus, states?.software, {
    ...(around.failed && { failed: around.failed }),
    ...(around.over && { over: around.over }),
    timePassed: () => {
      clock.catchUp();
    },
  });
  const engines = buildEngines(config, cpus, tables);
  bus.onForeignStore((at, bytes) => {
    // Engines on one memory share what they know of it.
    engines[0]?.invalidate(at, bytes);
  });
  clock.onEarlier = () => {
    for (const engine of engines) engine.stop();
  };
  const gicPart: PlacedPart = {
    type: gicType,
    config: gicConfigOf(config),
    bases: config.gic.bases.slice(0, gicBlocksOf(config)),
    interrupts: () => ppiCells(9, config),
  };
  const timerPart: PlacedPart = {
    type: genericTimer,
    config: timerConfig,
    bases: [],
    interrupts: (pin) => ppiCells(timerInterrupts[pinOf(pin)[0] as keyof typeof timerInterrupts], config),
  };
  const parts = [
    gicPart,
    timerPart,
    monitorsPart((ppi) => ppiCells(ppi, config)),
    ...software.map(({ part }) => part),
    ...devices.map(({ checked, config: own }): PlacedPart => ({
      type: checked.kind.type,
      config: own,
      bases: checked.bases,
      interrupts: (pin) => {
        const spi = checked.interrupts[pin];
        return spi === undefined ? [] : spiCells(spi);
      },
      label: labelOf(checked.name),
      connection: (pin) => {
        const to = checked.connections[pin];
        return to && { label: labelOf(to.device), input: to.input };
      },
    })),
  ];
  return {
    config,
    memory,
    ram,
    bus,
    clock,
    gic,
    timer,
    devices,
    cpus,
    software,
    engines,
    costs,
    wires,
    parts,
  };
}

/** The label of a device's node. */
const labelOf = (device: string): string => `device-${device}`;

const places = (count: number, reserve: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => reserve(i));

function buildCpu(
  config: CheckedConfig,
  index: number,
  memory: WebAssembly.Memory,
  base: number,
  bus: SystemBus,
  banks: readonly SystemRegisterBank[],
  around: BoardSurroundings,
  costs: CpuCosts | undefined,
): Cpu {
  const model = models[config.cpu];
  const { el2, el3 } = config;
  return new Cpu({
    memory,
    base,
    index,
    bus,
    features: {
      el2,
      el3,
      pan: false,
      uao: false,
      crypto: model.crypto,
      mmu: { paBits: model.paBits, granule16k: false },
    },
    id: idRegisters({ model, index, el2, el3, banks }),
    cacheSizes: model.cacheSizes,
    banks,
    costs,
    ...(config.psci && { firmware: around.firmware }),
  });
}

function buildEngines(config: CheckedConfig, cpus: readonly Cpu[], tables: readonly number[]): Engine[] {
  if (config.engine === 'reference') return cpus.map((cpu) => referenceEngine(cpu));
  const made: Interpreter[] = [];
  cpus.forEach((cpu, i) => {
    const first = made[0];
    made.push(
      createInterpreter({
        host: cpuHost(cpu),
        tables: tables[i] ?? 0,
        ...interpreterOptions(config.engine, config.engineOptions),
        ...(first && { with: first }),
      }),
    );
  });
  return made;
}
