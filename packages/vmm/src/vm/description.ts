// A virtual machine as a user describes it: a board like any other, and how it shares the host. Checked before anything runs.

import { checkConfig, ConfigurationError, deviceKinds } from '@worldswitch/machine';
import type { AddressInput, CheckedConfig, MachineConfig } from '@worldswitch/machine';

import type { Weight } from '../schedule/scheduler.ts';

/** How a VM is virtualised. */
export type Technique = 'hardware-assisted' | 'trap-and-emulate' | 'binary-translation';

/** The techniques. */
export const TECHNIQUES: readonly Technique[] = [
  'hardware-assisted',
  'trap-and-emulate',
  'binary-translation',
];

/** One virtual machine. */
export interface VmDescription {
  /** Unique among the host's VMs. */
  readonly name: string;
  /** Its board, as one would write it for a machine: without EL2 and EL3. */
  readonly board: MachineConfig;
  readonly technique?: Technique | undefined;
  /** Where its memory is on the host: a multiple of 2 MiB; behind the VM before it when absent. */
  readonly at?: AddressInput | undefined;
  /** 0 to 255; a VM with a higher priority runs whenever it can. 100 when absent. */
  readonly priority?: number | undefined;
  /** 1 to 65536: what it gets in proportion to others of its priority. 1024 when absent. */
  readonly share?: number | undefined;
  /** Per cent of a CPU that each of its vCPUs gets at most: 1 to 100. */
  readonly cap?: number | undefined;
  /** The host CPUs that it may run on; all when absent. */
  readonly cpus?: readonly number[] | undefined;
  /** Each vCPU stays on the CPU where it is put; without it one that could run goes to a CPU that is idle. */
  readonly pinned?: boolean | undefined;
  /** For each of its disks, the host's that is behind it: names of `virtio-blk` devices on the two boards. */
  readonly disks?: Readonly<Record<string, string>> | undefined;
}

/** A checked VM. */
export interface CheckedVm {
  readonly name: string;
  readonly board: CheckedConfig;
  readonly technique: Technique;
  /** First physical address of its memory. */
  readonly base: number;
  /** How its vCPUs are scheduled. */
  readonly weight: Weight;
  /** Its vCPUs stay where they are put. */
  readonly pinned: boolean;
  /** By the name of the VM's disk, that of the host's. */
  readonly disks: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
/** Memory of VMs is mapped in blocks of this size. */
const BLOCK = 2 * MIB;
/** Each VM has a VMID of its own, of eight bits, and 0 is nobody's; the switch has a port more. */
const MOST_VMS = 254;
/** The end of a VM's physical addresses. */
const IPA_END = 2 ** 40;

/** The part of the host that VMs may have. */
export interface HostRoom {
  readonly config: CheckedConfig;
  /** First address behind what the hypervisor keeps for itself. */
  readonly from: number;
  /** How VMs are virtualised that do not say it themselves; hardware-assisted when absent. */
  readonly technique?: Technique;
}

/** The same error for a field inside of another. */
function inside<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    throw new ConfigurationError(`${field}.${thrown.field}`, thrown.message.slice(thrown.field.length + 2));
  }
}

/** A whole number within bounds, or the default. */
function within(
  given: number | undefined,
  [low, high]: readonly [number, number],
  field: string,
  absent: number,
): number {
  if (given === undefined) return absent;
  if (Number.isInteger(given) && given >= low && given <= high) return given;
  throw new ConfigurationError(field, `must be a whole number of ${low} to ${high}, but is ${String(given)}`);
}

function affinityOf(cpus: readonly number[] | undefined, field: string, hostCpus: number): number {
  if (cpus === undefined) return (1 << hostCpus) - 1;
  if (cpus.length === 0) throw new ConfigurationError(field, 'must name a CPU at least');
  const wrong = cpus.findIndex((cpu) => !Number.isInteger(cpu) || cpu < 0 || cpu >= hostCpus);
  if (wrong >= 0)
    throw new ConfigurationError(
      `${field}[${wrong}]`,
      `must be a CPU of the host, 0 to ${hostCpus - 1}, but is ${String(cpus[wrong])}`,
    );
  return cpus.reduce((mask, cpu) => mask | (1 << cpu), 0);
}

function checkBoard(
  vm: VmDescription,
  field: string,
  host: CheckedConfig,
  technique: Technique,
): CheckedConfig {
  const board = inside(`${field}.board`, () => checkConfig(vm.board));
  for (const level of ['el2', 'el3'] as const)
    if (board[level])
      throw new ConfigurationError(`${field}.board.${level}`, 'must be false: a VM has no such level');
  if (technique === 'hardware-assisted' && board.gic.version !== host.gic.version)
    throw new ConfigurationError(
      `${field}.board.gic.version`,
      `must be ${host.gic.version}, as the host's is: its virtual CPU interface has no other`,
    );
  if (board.cpu !== host.cpu)
    throw new ConfigurationError(`${field}.board.cpu`, `must be ${host.cpu}, as the host's is`);
  if (board.timer.frequency !== host.timer.frequency)
    throw new ConfigurationError(
      `${field}.board.timer.frequency`,
      `must be ${host.timer.frequency}, as the host's is: CNTFRQ_EL0 is the host's`,
    );
  if (board.memory % BLOCK !== 0)
    throw new ConfigurationError(`${field}.board.memory`, 'must be whole blocks of 2 MiB');
  if (board.ramBase % BLOCK !== 0)
    throw new ConfigurationError(`${field}.board.ramBase`, 'must be a multiple of 2 MiB');
  if (board.ramBase + board.memory > IPA_END)
    throw new ConfigurationError(
      `${field}.board.ramBase`,
      'must be so low that memory ends at 2^40 or below',
    );
  return board;
}

/** An address that the user gave, as a number. */
const addressOf = (given: AddressInput): number =>
  typeof given === 'number' ? given : Number(given.replaceAll('_', ''));

interface Range {
  readonly field: string;
  readonly base: number;
  readonly end: number;
}

/** Where a VM's memory goes. */
function place(
  vm: VmDescription,
  field: string,
  size: number,
  room: HostRoom,
  taken: readonly Range[],
): number {
  const { config, from } = room;
  const end = config.ramBase + config.memory;
  const behind = Math.max(from, ...taken.map((r) => r.end));
  const base = vm.at === undefined ? Math.ceil(behind / BLOCK) * BLOCK : addressOf(vm.at);
  if (vm.at !== undefined) {
    if (!Number.isSafeInteger(base) || base % BLOCK !== 0)
      throw new ConfigurationError(`${field}.at`, 'must be a multiple of 2 MiB');
    if (base < from)
      throw new ConfigurationError(
        `${field}.at`,
        `must be 0x${from.toString(16)} or more: below is the hypervisor's memory, or none`,
      );
    const other = taken.find((r) => base < r.end && base + size > r.base);
    if (other)
      throw new ConfigurationError(
        `${field}.at`,
        `overlaps the memory of ${other.field}, 0x${other.base.toString(16)} to 0x${(other.end - 1).toString(16)}`,
      );
  }
  if (base + size > end) {
    const left = Math.max(0, Math.floor((end - base) / MIB));
    throw new ConfigurationError(
      `${field}.board.memory`,
      `is ${size / MIB} MiB, but the host has ${left} MiB left for it; give the host more`,
    );
  }
  return base;
}

/** Disks of a board, by name. */
const disksOf = ({ devices }: CheckedConfig): readonly string[] =>
  devices.filter(({ kind }) => kind === deviceKinds['virtio-blk']).map(({ name }) => name);

/** The address that a network card gets when none is given: that of the device model. */
const DEFAULT_MAC = '52:54:00:12:34:56';

/** The address of a network card. */
export function macOf({ config }: CheckedConfig['devices'][number]): string {
  const { mac } = config;
  return typeof mac === 'string' ? mac.toLowerCase() : DEFAULT_MAC;
}

/** No two cards have one address. */
function checkCards(field: string, { devices }: CheckedConfig, taken: Map<string, string>): void {
  devices.forEach((device, i) => {
    if (device.kind !== deviceKinds['virtio-net']) return;
    const other = taken.get(macOf(device));
    const own = `${field}.board.devices[${i}].config.mac`;
    if (other !== undefined)
      throw new ConfigurationError(own, `must be another than ${macOf(device)}, which is that of ${other}`);
    taken.set(macOf(device), own);
  });
}

/** Each disk of the VM has one of the host's for itself. */
function checkDisks(
  vm: VmDescription,
  field: string,
  board: CheckedConfig,
  host: CheckedConfig,
  taken: Map<string, string>,
): Readonly<Record<string, string>> {
  const given = vm.disks ?? {};
  const [own, theirs] = [disksOf(board), disksOf(host)];
  const missing = own.find((name) => !(name in given));
  if (missing !== undefined)
    throw new ConfigurationError(
      `${field}.disks.${missing}`,
      'is missing: which disk of the host is behind it?',
    );
  for (const [name, behind] of Object.entries(given)) {
    if (!own.includes(name))
      throw new ConfigurationError(`${field}.disks.${name}`, 'there is no such disk on the board of the VM');
    if (!theirs.includes(behind))
      throw new ConfigurationError(
        `${field}.disks.${name}`,
        `the host has no disk "${behind}"; it has ${theirs.join(', ') || 'none'}`,
      );
    const other = taken.get(behind);
    if (other !== undefined)
      throw new ConfigurationError(`${field}.disks.${name}`, `"${behind}" is taken by ${other}`);
    taken.set(behind, `${field}.disks.${name}`);
  }
  return given;
}

/**
 * Checks VMs against the host that they are to share.
 *
 * @throws ConfigurationError that names the first field that is wrong
 */
export function checkVms(vms: readonly VmDescription[], room: HostRoom): readonly CheckedVm[] {
  if (vms.length === 0) throw new ConfigurationError('vms', 'must have a VM at least');
  if (vms.length > MOST_VMS)
    throw new ConfigurationError(
      'vms',
      `must be ${MOST_VMS} VMs at most, but are ${vms.length}: a VMID has eight bits; share them out over more hosts`,
    );
  const taken: Range[] = [];
  const takenDisks = new Map<string, string>();
  const takenAddresses = new Map<string, string>();
  return vms.map((vm, i): CheckedVm => {
    const field = `vms[${i}]`;
    if (typeof vm.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(vm.name))
      throw new ConfigurationError(`${field}.name`, 'must be lower case letters, digits and -');
    if (vms.findIndex(({ name }) => name === vm.name) !== i)
      throw new ConfigurationError(`${field}.name`, `"${vm.name}" is the name of another VM`);
    const technique = vm.technique ?? room.technique ?? 'hardware-assisted';
    if (!TECHNIQUES.includes(technique))
      throw new ConfigurationError(
        `${field}.technique`,
        `there is none called "${technique}"; there is ${TECHNIQUES.join(', ')}`,
      );
    const board = checkBoard(vm, field, room.config, technique);
    const base = place(vm, field, board.memory, room, taken);
    taken.push({ field, base, end: base + board.memory });
    checkCards(field, board, takenAddresses);
    return {
      name: vm.name,
      board,
      technique,
      base,
      weight: {
        priority: within(vm.priority, [0, 255], `${field}.priority`, 100),
        share: within(vm.share, [1, 65536], `${field}.share`, 1024),
        cap: within(vm.cap, [1, 100], `${field}.cap`, 100),
        affinity: affinityOf(vm.cpus, `${field}.cpus`, room.config.cpus),
      },
      pinned: vm.pinned === true,
      disks: checkDisks(vm, field, board, room.config, takenDisks),
    };
  });
}
