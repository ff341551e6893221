// The systems that `compare` runs one guest on, each in a few lines over the public API.

import { createHost, hypervisorMemory, IMPURE, observedGuest } from '@worldswitch/hypervisor-classic';
import type { HardwareAssisted, Host, Impure, TrapAndEmulate } from '@worldswitch/hypervisor-classic';
import { createMachine } from '@worldswitch/machine';
import type { BootImages, Machine, MachineConfig, MachineOptions, ObservedGuest } from '@worldswitch/machine';
import { Ledger, SHADOW_VARIANTS } from '@worldswitch/vmm';
import type { ShadowChoice } from '@worldswitch/vmm';

import { CliError } from '../errors.ts';
import { parseShadow, shadowCountsOf } from './shadow.ts';
import type { ShadowCounts } from './shadow.ts';
import type { TrapChoice } from './traps.ts';

/** What all systems run. */
export interface ComparedGuest {
  readonly name: string;
  /** The guest's board. */
  readonly board: MachineConfig;
  readonly images: BootImages;
  /** Further controls that send something of it to the hypervisor. */
  readonly traps?: TrapChoice | undefined;
}

/** A system with the guest on it, ready to run. */
export interface RunningSystem {
  readonly machine: Machine;
  /** Rows of exits, where there is a hypervisor. */
  readonly ledger?: Ledger;
  readonly hypervisor?: HardwareAssisted | TrapAndEmulate;
  /** What its shadow tables have counted so far, where it has some. */
  readonly shadow?: () => ShadowCounts | undefined;
}

/** A way to run a guest. */
export interface SystemKind {
  /** As the user names it. */
  readonly name: string;
  readonly about: string;
  /** Why it cannot run a board's guest, where it cannot. */
  refuses(board: MachineConfig): string | undefined;
  build(guest: ComparedGuest, options: MachineOptions): RunningSystem;
  /** The same to be compared with the bare machine by its guest's architectural events. */
  readonly observe?: (guest: ComparedGuest) => ObservedGuest;
}

/** Bytes beside the guest's memory: the hypervisor's own. */
const MIB = 1024 * 1024;
const OWN = 16 * MIB;

/** `512M` as bytes. */
function bytesOf(memory: MachineConfig['memory']): number {
  if (typeof memory === 'number') return memory;
  const [, digits = '256', unit = 'M'] = /^(\d+)([KMG]?)$/.exec(memory ?? '256M') ?? [];
  return Number(digits) * (unit === 'G' ? 1024 * MIB : unit === 'M' ? MIB : unit === 'K' ? 1024 : 1);
}

/** The bare machine. */
export const native: SystemKind = {
  name: 'native',
  about: 'the bare machine',
  refuses: () => undefined,
  build(guest, options) {
    const machine = createMachine(guest.board, options);
    machine.load(guest.images);
    return { machine };
  },
};

/** A host whose only VM is the guest. */
export function hostOf({ board, images, traps }: ComparedGuest, options: MachineOptions): Host {
  return createHost(
    {
      board: { ...board, el2: true, memory: bytesOf(board.memory) + OWN },
      hypervisorMemory: OWN,
      vms: [{ name: 'guest', board: { ...board, el2: false } }],
      traps: traps?.controls,
    },
    { guest: images },
    options,
  );
}

/** The system whose traps can be chosen. */
export const HARDWARE = 'hardware-assisted';

const hardwareAssisted: SystemKind = {
  name: HARDWARE,
  about: 'a hypervisor at EL2: stage 2, virtual CPU interface, syndromes',
  refuses: () => undefined,
  build(guest, options) {
    const host = hostOf(guest, options);
    const ledger = new Ledger();
    host.keepLedger(ledger);
    return { machine: host.machine, ledger, hypervisor: host.hypervisor };
  },
  observe: (guest) => observedGuest(HARDWARE, hostOf(guest, {})),
};

type WithoutEl2 = 'trap-and-emulate' | 'binary-translation';

/** What is chosen of a system without EL2. */
interface Choice {
  readonly shadow?: ShadowChoice;
  /** Trap-and-emulate of a kernel that is rewritten. */
  readonly impure?: Impure;
}

/** A host without EL2 whose only VM is the guest. */
function trapHostOf(
  { board, images }: ComparedGuest,
  options: MachineOptions,
  technique: WithoutEl2,
  choice: Choice,
): Host<TrapAndEmulate> {
  const own = hypervisorMemory(technique, board.cpus ?? 1);
  return createHost(
    {
      board: { ...board, el2: false, memory: bytesOf(board.memory) + own },
      technique,
      ...choice,
      hypervisorMemory: own,
      vms: [{ name: 'guest', board: { ...board, el2: false } }],
    },
    { guest: images },
    options,
  );
}

/** A system without EL2, over shadow tables of one kind: of the usual one where none is said. */
function withoutEl2(technique: WithoutEl2, about: string, name: string, choice: Choice = {}): SystemKind {
  return {
    name,
    about,
    refuses({ cpus = 1 }) {
      return choice.impure !== undefined && cpus !== 1 ? 'it rewrites for one CPU' : undefined;
    },
    build(guest, options) {
      const host = trapHostOf(guest, options, technique, choice);
      const ledger = new Ledger();
      host.keepLedger(ledger);
      const { machine, hypervisor } = host;
      return { machine, ledger, hypervisor, shadow: () => shadowCountsOf(host.hypervisor) };
    },
    observe: (guest) => observedGuest(name, trapHostOf(guest, {}, technique, choice)),
  };
}

const ABOUT: Readonly<Record<WithoutEl2, string>> = {
  'trap-and-emulate': 'a hypervisor at EL1 of a CPU without EL2: the kernel runs at EL0, over shadow tables',
  'binary-translation':
    "the same, and the kernel runs from a cache of translated code; its instructions count as the guest's own",
};
const names = Object.keys(ABOUT) as readonly WithoutEl2[];

/** All systems, in the order of the table. */
export const systems: readonly SystemKind[] = [
  native,
  hardwareAssisted,
  ...names.map((name) => withoutEl2(name, ABOUT[name], name)),
];

/** Trap-and-emulate of a kernel that is rewritten before it runs, by how it is. */
const impureSystems: readonly SystemKind[] = IMPURE.map((impure) =>
  withoutEl2(
    'trap-and-emulate',
    `trap-and-emulate of a kernel that is rewritten before it runs: ${impure}`,
    `rewritten:${impure}`,
    { impure },
  ),
);

/** All of them, and trap-and-emulate by each kind of shadow tables. */
const ALL = [
  native.name,
  HARDWARE,
  ...SHADOW_VARIANTS.map((variant) => `trap-and-emulate${variant === 'lazy' ? '' : `:${variant}`}`),
  ...impureSystems.map(({ name }) => name),
  'binary-translation',
];

/**
 * The systems that are named, in the order of the table: a name, or one of those without EL2 with a colon and its kind of shadow tables;
 * one of a kernel that is rewritten, such as `rewritten:fix-up`; or `all`.
 *
 * @throws CliError for a name that nobody has
 */
export function namedSystems(text: string): readonly SystemKind[] {
  const found = new Map<string, readonly [number, SystemKind]>();
  for (const given of text === 'all' ? ALL : text.split(',').map((name) => name.trim())) {
    const rewritten = impureSystems.find((kind) => kind.name === given);
    if (rewritten !== undefined) {
      // Behind trap-and-emulate.
      found.set(given, [2, rewritten]);
      continue;
    }
    const [name = '', ...shadow] = given.split(':');
    const order = systems.findIndex((kind) => kind.name === name);
    const kind = systems[order];
    if (kind === undefined)
      throw new CliError(
        `--systems: there is no system "${given}"; there are ${[...systems, ...impureSystems].map((one) => one.name).join(', ')}, and all`,
      );
    found.set(given, [order, shadow.length === 0 ? kind : shadowed(kind, given, shadow.join(':'))]);
  }
  return [...found.values()].sort(([a], [b]) => a - b).map(([, kind]) => kind);
}

function shadowed(kind: SystemKind, given: string, text: string): SystemKind {
  const technique = names.find((name) => name === kind.name);
  if (technique === undefined) throw new CliError(`--systems: ${kind.name} has no shadow tables: "${given}"`);
  return withoutEl2(technique, `${ABOUT[technique]}: ${text}`, given, { shadow: parseShadow(text) });
}
