// A host: a board, the hypervisor on it, and VMs with their images, assembled like a machine.

import {
  attachSoftware,
  checkConfig,
  ConfigurationError,
  createMachine,
  planBoot,
  restoreMachine,
} from '@worldswitch/machine';
import type {
  BoardSoftware,
  BootImages,
  Machine,
  MachineConfig,
  MachineOptions,
  Placed,
} from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';
import { checkShadowChoice, checkVms, TECHNIQUES } from '@worldswitch/vmm';
import type {
  CheckedVm,
  Ledger,
  ShadowChoice,
  ShadowVariant,
  Technique,
  VmDescription,
} from '@worldswitch/vmm';

import { TRANSLATION_BYTES } from './binary-translation/places.ts';
import { HardwareAssisted } from './hardware-assisted/hypervisor.ts';
import { checkHostBoard, checkOwnMemory, checkVmBoards } from './hardware-assisted/room.ts';
import { hypervisorCodec } from './hardware-assisted/state.ts';
import type { TrapControls } from './hardware-assisted/traps.ts';
import type { HypervisorSetup, SchedulingTimes, VmSetup } from './host/setup.ts';
import { ledgerWatcher } from './host/watcher.ts';
import type { WatcherPlace } from './host/watcher.ts';
import { checkImpure, rewrittenImages } from './impure/images.ts';
import type { Rewriting } from './impure/rewrite.ts';
import type { Impure } from './impure/sensitive.ts';
import { TrapAndEmulate } from './trap-and-emulate/hypervisor.ts';
import { trapCodec } from './trap-and-emulate/state.ts';

const MIB = 1024 * 1024;

/** A host and its VMs, as a user describes them. */
export interface HostDescription {
  /** The board; whether EL2 is there is the technique's. */
  readonly board: MachineConfig;
  /** What the hypervisor keeps for itself, at the beginning of memory: bytes; when absent, as `hypervisorMemory` says. */
  readonly hypervisorMemory?: number | undefined;
  readonly vms: readonly VmDescription[];
  readonly traps?: TrapControls | undefined;
  readonly scheduling?: SchedulingTimes | undefined;
  readonly technique?: 'hardware-assisted' | undefined;
}

/** Throws a `ConfigurationError` for times that are none. */
function checkScheduling(times: SchedulingTimes): SchedulingTimes {
  for (const name of ['slice', 'period'] as const) {
    const given = times[name];
    if (given !== undefined && !(given >= 1e-5 && given <= 10))
      throw new ConfigurationError(
        `scheduling.${name}`,
        `must be 0.00001 to 10 seconds, but is ${String(given)}`,
      );
  }
  return times;
}

/**
 * A host without EL2, whose VMs are virtualised by trap-and-emulate; with binary translation their kernels run from a translation
 * cache for each vCPU.
 */
export interface TrapHostDescription extends Omit<HostDescription, 'technique' | 'traps'> {
  readonly technique: 'trap-and-emulate' | 'binary-translation';
  /** How guests' tables are shadowed, and a bounded shadow's size; lazily when absent. */
  readonly shadow?: ShadowVariant | ShadowChoice | undefined;
  /** Binary translation: with false every sensitive instruction is called out, to show what doing them in line saves. */
  readonly inline?: boolean | undefined;
  /**
   * Trap-and-emulate of one VM with one vCPU: its kernel is rewritten before it runs. `trap`: each sensitive instruction is a call of the
   * hypervisor; `fix-up`: those that can be done in line branch to code that does; `vectors`: only those behind the exception vectors do,
   * and those that would not trap.
   */
  readonly impure?: Impure | undefined;
}

type AnyHostDescription = HostDescription | TrapHostDescription;
type AnyHypervisor = HardwareAssisted | TrapAndEmulate;

/** What each VM boots, by its name. */
export type VmImages = Readonly<Record<string, BootImages>>;

/** A machine with a hypervisor on it. */
export interface Host<H = HardwareAssisted> {
  readonly machine: Machine;
  readonly setup: HypervisorSetup;
  /** The hypervisor that runs now: after a reset it is another one. */
  readonly hypervisor: H;
  /** Enters a row for each exit of a guest from now on; without a ledger it stops. */
  keepLedger(ledger: Ledger | undefined): void;
}

/** The name of the hypervisor among the board's parts. */
const NAME = 'hypervisor';

/** Moves what a VM's boot loader placed to where the VM's memory is on the host. */
function moved({ pieces }: Placed, vm: CheckedVm): Placed['pieces'] {
  const by = vm.base - vm.board.ramBase;
  return pieces.map((piece) => ({ ...piece, name: `${vm.name} ${piece.name}`, at: piece.at + by }));
}

/** What a VM boots, rewritten where that is wished. */
function imagesOf(
  vm: CheckedVm,
  images: VmImages,
  impure: Impure | undefined,
): { readonly images: BootImages; readonly rewriting?: Rewriting } {
  const own = images[vm.name];
  if (own === undefined)
    throw new ConfigurationError(`images.${vm.name}`, 'is missing: what is the VM to boot?');
  return impure === undefined ? { images: own } : rewrittenImages(own, impure, vm);
}

/**
 * What a hypervisor keeps for itself where nobody says: 16 MiB, and for each further vCPU whose kernel is translated its cache.
 *
 * @param vcpus - of all VMs
 */
export const hypervisorMemory = (technique: Technique, vcpus: number): number =>
  16 * MIB + (technique === 'binary-translation' ? Math.max(vcpus - 1, 0) * TRANSLATION_BYTES : 0);

/** How many vCPUs there are to be; what is no number is refused later. */
const vcpusOf = ({ vms }: AnyHostDescription): number =>
  vms.reduce((sum, { board: { cpus } }) => sum + (Number.isInteger(cpus) ? Number(cpus) : 1), 0);

function planned(description: AnyHostDescription, images: VmImages) {
  const technique = techniqueOf(description);
  const shadow = shadowOf(description, technique);
  const board = { ...description.board, el2: technique === 'hardware-assisted' };
  const host = checkConfig(board);
  const size = description.hypervisorMemory ?? hypervisorMemory(technique, vcpusOf(description));
  checkHostBoard(host);
  checkOwnMemory(size, host, []);
  const vms = checkVms(description.vms, { config: host, from: host.ramBase + size, technique });
  checkOwnMemory(size, host, vms, technique === 'binary-translation' ? TRANSLATION_BYTES : 0);
  checkVmBoards(vms);
  const impure = 'impure' in description ? description.impure : undefined;
  const rewritten = vms.map((vm) => imagesOf(vm, images, impure));
  const plans = rewritten.map(({ images: own }, i) => {
    try {
      return planBoot(description.vms[i]?.board ?? {}, own);
    } catch (thrown) {
      if (!(thrown instanceof ConfigurationError)) throw thrown;
      const problem = thrown.message.slice(thrown.field.length + 2);
      throw new ConfigurationError(`vms[${i}].${thrown.field}`, problem);
    }
  });
  const setup: HypervisorSetup = {
    host,
    memory: { base: host.ramBase, size },
    vms: vms.map((vm, i): VmSetup => ({ vm, entry: plans[i]?.entry ?? 0, x0: plans[i]?.x0 ?? 0 })),
    traps: ('traps' in description ? description.traps : undefined) ?? {},
    scheduling: checkScheduling(description.scheduling ?? {}),
    shadow,
    translation: translationOf(description, technique),
    impure: rewritten[0]?.rewriting,
  };
  return {
    board,
    technique,
    setup,
    pieces: vms.flatMap((vm, i) => moved(plans[i] ?? { pieces: [], entry: 0, x0: 0 }, vm)),
  };
}

function withHypervisor(
  board: MachineConfig,
  technique: Technique,
  setup: HypervisorSetup,
  place: WatcherPlace,
): MachineConfig {
  const software =
    technique !== 'hardware-assisted'
      ? attachSoftware(
          NAME,
          (context, state) => new TrapAndEmulate(setup, context, state, place),
          trapCodec(setup),
        )
      : attachSoftware(
          NAME,
          (context, state) => new HardwareAssisted(setup, context, state, place),
          hypervisorCodec(setup),
        );
  return { ...board, software: [software] };
}

/** How guests' tables are shadowed, where they are. */
function shadowOf(description: AnyHostDescription, technique: Technique): ShadowChoice | undefined {
  const given = 'shadow' in description ? description.shadow : undefined;
  if (given === undefined) return undefined;
  if (technique === 'hardware-assisted')
    throw new ConfigurationError('shadow', 'is for hosts without EL2: hardware-assisted has a second stage');
  return checkShadowChoice(given);
}

/** How kernels are translated, where they are. */
function translationOf(
  description: AnyHostDescription,
  technique: Technique,
): HypervisorSetup['translation'] {
  const inline = 'inline' in description ? description.inline : undefined;
  if (technique === 'binary-translation') return { inline: inline ?? true };
  if (inline === undefined) return undefined;
  throw new ConfigurationError('inline', `is for binary-translation, not ${technique}`);
}

/** The technique of a host, which is that of all its VMs. */
function techniqueOf(description: AnyHostDescription): Technique {
  const { technique = 'hardware-assisted', vms } = description;
  const oneOf = (field: string, given: string, all: readonly string[]): void => {
    if (!all.includes(given))
      throw new ConfigurationError(field, `there is none called "${given}"; there is ${all.join(', ')}`);
  };
  oneOf('technique', technique, TECHNIQUES);
  vms.forEach((vm, i) => {
    if (vm.technique !== undefined && TECHNIQUES.includes(vm.technique) && vm.technique !== technique)
      throw new ConfigurationError(`vms[${i}].technique`, `must be ${technique}, as the host's is`);
  });
  if ('impure' in description && description.impure !== undefined) checkImpure(description);
  return technique;
}

function hostOf(machine: Machine, setup: HypervisorSetup, place: WatcherPlace): Host<AnyHypervisor> {
  const part = (): BoardSoftware => {
    const found = machine.board.software.find(({ name }) => name === NAME);
    if (found === undefined) throw new Error('the machine has no hypervisor');
    return found;
  };
  return {
    machine,
    setup,
    get hypervisor() {
      const { software } = part();
      if (!(software instanceof HardwareAssisted || software instanceof TrapAndEmulate))
        throw new Error('the machine has no hypervisor');
      return software;
    },
    keepLedger(ledger) {
      place.watcher =
        ledger &&
        ledgerWatcher(
          ledger,
          () => part().counts,
          () => machine.now,
        );
    },
  };
}

/**
 * Makes a host, powered on, with its VMs' images in memory.
 *
 * @throws ConfigurationError that names the first field that is wrong
 */
export function createHost(
  description: TrapHostDescription,
  images: VmImages,
  options?: MachineOptions,
): Host<TrapAndEmulate>;
/** The same on the virtualisation extensions. */
export function createHost(description: HostDescription, images: VmImages, options?: MachineOptions): Host;
export function createHost(
  description: AnyHostDescription,
  images: VmImages,
  options: MachineOptions = {},
): Host<AnyHypervisor> {
  const { board, technique, setup, pieces } = planned(description, images);
  const place: WatcherPlace = {};
  const machine = createMachine(withHypervisor(board, technique, setup, place), options);
  machine.place({ pieces, entry: 0, x0: 0 });
  return hostOf(machine, setup, place);
}

/** The host that `machine.save` described. Throws a `StateError` or a `ConfigurationError`. */
export function restoreHost(
  description: TrapHostDescription,
  images: VmImages,
  saved: Plain,
  options?: MachineOptions,
): Host<TrapAndEmulate>;
/** The same on the virtualisation extensions. */
export function restoreHost(
  description: HostDescription,
  images: VmImages,
  saved: Plain,
  options?: MachineOptions,
): Host;
export function restoreHost(
  description: AnyHostDescription,
  images: VmImages,
  saved: Plain,
  options: MachineOptions = {},
): Host<AnyHypervisor> {
  const { board, technique, setup } = planned(description, images);
  const place: WatcherPlace = {};
  return hostOf(restoreMachine(withHypervisor(board, technique, setup, place), saved, options), setup, place);
}
