// The typed configuration of a machine, and its check. YAML and TypeScript boards are the same plain data; a TypeScript board may
// also hold device types of its own.

import { z } from 'zod';

import type { CostProfile } from '@worldswitch/platform';

import { costProfileNames } from '../cost/profiles.ts';
import type { CostProfileName } from '../cost/profiles.ts';
import { ConfigurationError } from '../errors.ts';
import { cpuModels } from '../id/models.ts';
import type { CpuModelName } from '../id/models.ts';
import { checkConnections } from './connections.ts';
import type { Connected, Connection } from './connections.ts';
import { deviceKinds } from './devices.ts';
import type { AnyDeviceType, DeviceKind } from './devices.ts';
import { checkEngineOptions, engineNames, engineOptionsSchema } from './engine-options.ts';
import type { EngineName, EngineOptions } from './engine-options.ts';
import { checkSoftware } from './software.ts';
import type { CheckedSoftware, SoftwareConfig } from './software.ts';
import { checkTiming, timingSchema } from './timing.ts';

const MIB = 1024 * 1024;

/** An address: a number, or a hexadecimal string such as `0x0900_0000`. */
export type AddressInput = number | string;

/** One device on the bus. */
export interface DeviceConfig {
  /** Unique; a serial port is addressed by it. */
  readonly name: string;
  /** A known device (`pl011`, `pl031`), or in TypeScript a `DeviceType` of one's own. */
  readonly type: string | AnyDeviceType | DeviceKind;
  /** Base address of each register block. */
  readonly at: AddressInput | readonly AddressInput[];
  /** SPI number of each pin, from 0. */
  readonly interrupts?: Readonly<Record<string, number>> | undefined;
  /** The input of a device before it in the list that a pin drives: `gpio.3`. */
  readonly connect?: Readonly<Record<string, string>> | undefined;
  /** The device's own settings. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** Which GIC, where its blocks are, and how many interrupts it has. */
export interface GicConfig {
  /** GICv2 or GICv3; 2 when absent. */
  readonly version?: 2 | 3 | undefined;
  readonly distributor?: AddressInput | undefined;
  /** GICv2 only: GICC. */
  readonly cpuInterface?: AddressInput | undefined;
  /** GICv2 only: GICH. */
  readonly hypervisor?: AddressInput | undefined;
  /** GICv2 only: GICV. */
  readonly virtualCpu?: AddressInput | undefined;
  /** GICv3 only: the redistributors, 128 KiB for each CPU. */
  readonly redistributors?: AddressInput | undefined;
  /** 32 to 1020, private ones among them. */
  readonly interrupts?: number | undefined;
}

/** A machine's configuration, as a user writes it; everything has a default. */
export interface MachineConfig {
  /** CPU model; `cortex-a57` when absent. */
  readonly cpu?: CpuModelName | undefined;
  /** Number of CPUs: 1 to 8. */
  readonly cpus?: number | undefined;
  /** EL2 is there, and the guest is entered at it. */
  readonly el2?: boolean | undefined;
  /** EL3 is there, and the guest is entered at it; there is no firmware then. */
  readonly el3?: boolean | undefined;
  /** RAM in bytes, or `"256M"`, `"1G"`. */
  readonly memory?: number | string | undefined;
  /** First address of RAM; 0x4000_0000 when absent. */
  readonly ramBase?: AddressInput | undefined;
  readonly gic?: GicConfig | undefined;
  /** Frequency of the generic timer in hertz. */
  readonly timer?: { readonly frequency?: number | undefined } | undefined;
  /** Firmware answers PSCI: by SMC with EL2, by HVC without. */
  readonly psci?: boolean | undefined;
  /** Virtual time of an instruction, or in timing mode of a cycle; 1 when absent. */
  readonly nanosecondsPerInstruction?: number | undefined;
  /** Timing mode: the cost profile by which cycles are counted, which then are virtual time. */
  readonly timing?: CostProfileName | CostProfile | undefined;
  /** Seconds since 1970 at virtual time 0. */
  readonly startTime?: number | undefined;
  /** What the guest's entropy comes from: `kaslr-seed` and `rng-seed` in `/chosen`. 0 gives it none. */
  readonly seed?: number | undefined;
  /** What executes instructions. */
  readonly engine?: EngineName | undefined;
  /** How it does that: modes for tests. */
  readonly engineOptions?: EngineOptions | undefined;
  readonly devices?: readonly DeviceConfig[] | undefined;
  /** Privileged software in TypeScript: see `attachSoftware`. */
  readonly software?: readonly SoftwareConfig[] | undefined;
}

/** The configuration with its defaults, before addresses and devices are looked at. */
interface Parsed {
  cpu: CpuModelName;
  cpus: number;
  el2: boolean;
  el3: boolean;
  memory: number | string;
  ramBase: AddressInput;
  gic: Record<
    'distributor' | 'cpuInterface' | 'hypervisor' | 'virtualCpu' | 'redistributors',
    AddressInput
  > & { version: 2 | 3; interrupts: number };
  timer: { frequency: number };
  psci: boolean;
  nanosecondsPerInstruction: number;
  timing?: CostProfileName | CostProfile | undefined;
  startTime: number;
  seed: number;
  engine: EngineName;
  engineOptions: EngineOptions;
  devices: DeviceConfig[];
}

/** The checked configuration, complete. */
export interface CheckedConfig extends Omit<Parsed, 'memory' | 'ramBase' | 'devices' | 'gic' | 'timing'> {
  readonly timing: CostProfile | undefined;
  readonly memory: number;
  readonly ramBase: number;
  readonly gic: {
    readonly version: 2 | 3;
    /** GICv2: GICD, GICC, GICH, GICV. GICv3: GICD, redistributors. */
    readonly bases: readonly number[];
    readonly interrupts: number;
  };
  readonly devices: readonly CheckedDevice[];
  readonly software: readonly CheckedSoftware[];
}
/** `"256M"`, `"1G"`, `268435456`. */
const size = z.union([
  z.number().int().positive(),
  z.string().regex(/^\d+[KMG]?$/, 'must be a number, or one with K, M or G'),
]);
/** An address: a number, or a hexadecimal string. */
const address = z.union([
  z.number().int().nonnegative(),
  z.string().regex(/^0x[0-9a-fA-F][0-9a-fA-F_]*$/, 'must be a number or a hexadecimal string'),
]);

const deviceType = z
  .custom<string | AnyDeviceType | DeviceKind>()
  .describe('A known device (pl011, pl031), or in TypeScript a DeviceType');

const device = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'must be lower case letters, digits and -')
    .describe('Unique name; a serial port is addressed by it'),
  type: deviceType,
  at: z.union([address, z.array(address)]).describe('Base address of each register block'),
  interrupts: z
    .record(z.string(), z.number().int().min(0).max(987))
    .optional()
    .describe('SPI number of each pin, from 0'),
  connect: z
    .record(z.string(), z.string())
    .optional()
    .describe('The input of a device before it that a pin drives, such as gpio.3'),
  config: z.record(z.string(), z.unknown()).optional().describe("The device's own settings"),
});

/** QEMU's places. */
const gicDefaults: Parsed['gic'] = {
  version: 2,
  distributor: 0x0800_0000,
  cpuInterface: 0x0801_0000,
  hypervisor: 0x0803_0000,
  virtualCpu: 0x0804_0000,
  redistributors: 0x080a_0000,
  interrupts: 288,
};

const schema: z.ZodType<Parsed> = z.strictObject({
  cpu: z.enum(cpuModels).default('cortex-a57').describe('CPU model'),
  cpus: z
    .number()
    .int()
    .min(1, 'must be 1 to 8')
    .max(8, 'must be 1 to 8')
    .default(1)
    .describe('Number of CPUs'),
  el2: z.boolean().default(false).describe('EL2 (virtualisation) is there, and the guest is entered at it'),
  el3: z
    .boolean()
    .default(false)
    .describe('EL3 (Secure state) is there, and the guest is entered at it; there is no firmware then'),
  memory: size.default('256M').describe('RAM'),
  ramBase: address.default(0x4000_0000).describe('First address of RAM'),
  gic: z
    .strictObject({
      version: z.literal([2, 3], 'must be 2 or 3').default(2),
      distributor: address.default(gicDefaults.distributor),
      cpuInterface: address.default(gicDefaults.cpuInterface),
      hypervisor: address.default(gicDefaults.hypervisor),
      virtualCpu: address.default(gicDefaults.virtualCpu),
      redistributors: address.default(gicDefaults.redistributors),
      interrupts: z.number().int().min(32).max(1020).default(gicDefaults.interrupts),
    })
    .default(gicDefaults)
    .describe('The GIC: its version, blocks and number of interrupts'),
  timer: z
    .strictObject({ frequency: z.number().int().min(1).max(1e9).default(62_500_000) })
    .default({ frequency: 62_500_000 })
    .describe('Generic timer'),
  psci: z.boolean().default(true).describe('Firmware answers PSCI: by SMC with EL2, by HVC without'),
  nanosecondsPerInstruction: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe('Virtual time of an instruction, or in timing mode of a cycle'),
  timing: timingSchema.optional(),
  startTime: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0)
    .describe('Seconds since 1970 at virtual time 0'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1)
    .describe("What the guest's entropy comes from; 0 gives it none"),
  engine: z.enum(engineNames).default('jit').describe('What executes instructions'),
  engineOptions: engineOptionsSchema,
  devices: z.array(device).default([]).describe('Devices on the bus'),
});

/** One device of a checked configuration. */
export interface CheckedDevice {
  readonly name: string;
  readonly kind: DeviceKind;
  readonly bases: readonly number[];
  readonly interrupts: Readonly<Record<string, number>>;
  /** By pin. */
  readonly connections: Readonly<Record<string, Connection>>;
  readonly config: Readonly<Record<string, unknown>>;
}

const numberOf = (a: number | string): number => (typeof a === 'number' ? a : Number(a.replaceAll('_', '')));

/** Bytes of `"256M"`. */
function bytesOf(given: number | string): number {
  if (typeof given === 'number') return given;
  const unit = { K: 1024, M: MIB, G: 1024 * MIB }[given.slice(-1)];
  return unit === undefined ? Number(given) : Number(given.slice(0, -1)) * unit;
}

function kindOf(given: unknown, field: string): DeviceKind {
  if (typeof given === 'string') {
    const kind = deviceKinds[given];
    if (kind) return kind;
    throw new ConfigurationError(
      field,
      `no device is called "${given}"; there are ${Object.keys(deviceKinds).join(', ')}`,
    );
  }
  if (typeof given === 'object' && given !== null) {
    if ('create' in given) return { type: given as AnyDeviceType, configure: (config) => config };
    if ('type' in given && 'configure' in given) return given as DeviceKind;
  }
  throw new ConfigurationError(field, 'must be the name of a device, or a DeviceType');
}

/** The first thing that the schema says, in words for a user. */
function explained(issue: z.core.$ZodIssue | undefined): ConfigurationError {
  const path = (issue?.path ?? []).map((p) => (typeof p === 'number' ? `[${p}]` : `.${String(p)}`)).join('');
  if (issue?.code === 'unrecognized_keys') {
    const field = `${path}.${issue.keys[0] ?? ''}`;
    return new ConfigurationError(field.replace(/^\./, ''), 'there is no such field');
  }
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return new ConfigurationError(path.replace(/^\./, ''), 'is missing');
  }
  // Of the alternatives of a size or an address, the text's says what is allowed.
  const alternatives = issue?.code === 'invalid_union' ? issue.errors.flat() : [];
  const best = alternatives.find((a) => a.code === 'invalid_format') ?? alternatives.at(0) ?? issue;
  return new ConfigurationError(path.replace(/^\./, '') || 'configuration', best?.message ?? 'is wrong');
}

/** Names of parts that are on every board. */
const PARTS: readonly string[] = ['gic', 'timer', 'memory'];

/** Checks one device against those before it, whose names and interrupts are taken. */
function checkDevice(
  d: DeviceConfig,
  field: string,
  names: Set<string>,
  spis: Map<number, string>,
  connected: Connected,
): CheckedDevice {
  if (names.has(d.name))
    throw new ConfigurationError(`${field}.name`, `"${d.name}" is taken by another part`);
  names.add(d.name);
  const kind = kindOf(d.type, `${field}.type`);
  const { regions, pins } = kind.type;
  const bases = (typeof d.at === 'object' ? d.at : [d.at]).map(numberOf);
  if (bases.length !== regions.length) {
    const wanted = `${regions.length} address${regions.length === 1 ? '' : 'es'}`;
    throw new ConfigurationError(`${field}.at`, `must give ${wanted}, but gives ${bases.length}`);
  }
  for (const [pin, spi] of Object.entries(d.interrupts ?? {})) {
    if (!pins.includes(pin)) {
      throw new ConfigurationError(
        `${field}.interrupts`,
        `there is no pin ${pin}; there are ${pins.join(', ') || 'none'}`,
      );
    }
    const taken = spis.get(spi);
    if (taken !== undefined)
      throw new ConfigurationError(`${field}.interrupts.${pin}`, `SPI ${spi} is taken by ${taken}`);
    spis.set(spi, d.name);
  }
  const connections = checkConnections(d.name, d.connect ?? {}, pins, `${field}.connect`, connected);
  const both = Object.keys(connections).find((pin) => pin in (d.interrupts ?? {}));
  if (both !== undefined)
    throw new ConfigurationError(`${field}.connect.${both}`, 'the pin is connected to an interrupt');
  connected.kinds.set(d.name, kind);
  return { name: d.name, kind, bases, interrupts: d.interrupts ?? {}, connections, config: d.config ?? {} };
}

/** Software in TypeScript is for TypeScript boards alone: the schema, which is also that of files, does not know it. */
function apart(given: unknown): [plain: unknown, software: unknown] {
  if (typeof given !== 'object' || given === null || !('software' in given)) return [given, undefined];
  const { software, ...plain } = given;
  return [plain, software];
}

/** Checks a configuration. Throws a `ConfigurationError` that names the first field that is wrong. */
export function checkConfig(given: unknown): CheckedConfig {
  const [plain, software] = apart(given);
  const result = schema.safeParse(plain);
  if (!result.success) throw explained(result.error.issues[0]);
  const config = result.data;
  checkEngineOptions(config.engine, config.engineOptions);
  const memory = bytesOf(config.memory);
  if (memory % MIB !== 0 || memory < MIB || memory > 3072 * MIB) {
    throw new ConfigurationError('memory', `must be 1M to 3G in whole MiB, but is ${String(config.memory)}`);
  }
  const { gic } = config;
  const names = new Set<string>(PARTS);
  const spis = new Map<number, string>();
  const connected: Connected = { kinds: new Map(), taken: new Map() };
  const devices = config.devices.map((d, i) => checkDevice(d, `devices[${i}]`, names, spis, connected));
  return {
    ...config,
    timing: checkTiming(config.timing),
    memory,
    ramBase: numberOf(config.ramBase),
    // With EL3 its software is the firmware.
    psci: config.psci && !config.el3,
    gic: {
      version: gic.version,
      bases: (gic.version === 3
        ? [gic.distributor, gic.redistributors]
        : [gic.distributor, gic.cpuInterface, gic.hypervisor, gic.virtualCpu]
      ).map(numberOf),
      interrupts: gic.interrupts,
    },
    devices,
    software: checkSoftware(software, names, numberOf),
  };
}

/** Gives a board's configuration its type and checks it at once. */
export function defineMachine(config: MachineConfig): MachineConfig {
  checkConfig(config);
  return config;
}

/** The JSON Schema of YAML and JSON boards. */
export function configurationSchema(): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // In a file a device is named; device types of one's own are for TypeScript.
      if ((zodSchema as unknown) === timingSchema)
        Object.assign(jsonSchema, { type: 'string', enum: [...costProfileNames] });
      if (zodSchema === deviceType)
        Object.assign(jsonSchema, { type: 'string', enum: Object.keys(deviceKinds) });
    },
  });
}
