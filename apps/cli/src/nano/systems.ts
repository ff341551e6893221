// What the nanobenchmarks run on: the bare machine, and each technique with each way to follow the guest's tables.

import { createHost } from '@worldswitch/hypervisor-classic';
import type { HostDescription, TrapHostDescription } from '@worldswitch/hypervisor-classic';
import { createMachine, virt } from '@worldswitch/machine';
import type { BootImages, CostProfileName, Machine, MachineOptions, VirtOptions } from '@worldswitch/machine';
import type { Ledger, ShadowVariant } from '@worldswitch/vmm';

/** A system, by the options of its host. */
export interface NanoSystem {
  /** As the user names it. */
  readonly name: string;
  /** The head of its column: two lines. */
  readonly head: readonly [string, string];
  /** The host's technique; the bare machine has none. */
  readonly technique?: 'hardware-assisted' | 'trap-and-emulate' | 'binary-translation';
  /** How the guest's tables are followed. */
  readonly shadow?: ShadowVariant;
  /** How its kernel is rewritten before it runs. */
  readonly impure?: NonNullable<TrapHostDescription['impure']>;
}

const trap = (shadow: ShadowVariant): NanoSystem => ({
  name: `trap-and-emulate:${shadow}`,
  head: ['T&E', shadow],
  technique: 'trap-and-emulate',
  shadow,
});
const translation = (shadow: ShadowVariant): NanoSystem => ({
  name: `binary-translation:${shadow}`,
  head: ['BT', shadow],
  technique: 'binary-translation',
  shadow,
});

const rewritten = (impure: NonNullable<NanoSystem['impure']>): NanoSystem => ({
  name: `rewritten:${impure}`,
  head: ['rewritten', impure],
  technique: 'trap-and-emulate',
  shadow: 'lazy',
  impure,
});

/** All of them, in the order of the table. */
export const nanoSystems: readonly NanoSystem[] = [
  { name: 'native', head: ['native', ''] },
  trap('lazy'),
  trap('traced'),
  trap('bounded'),
  trap('real'),
  rewritten('trap'),
  rewritten('vectors'),
  rewritten('fix-up'),
  translation('lazy'),
  translation('traced'),
  { name: 'hardware-assisted', head: ['HW', 'stage 2'], technique: 'hardware-assisted' },
];

const GUEST_MEMORY = 32 * 2 ** 20;
const OWN = 16 * 2 ** 20;

/** How they are run. */
export interface NanoWishes {
  /** The cost profile: `cortex-a57` when absent. */
  readonly timing?: CostProfileName;
  /** The engine; counts are the same on all. */
  readonly engine?: VirtOptions['engine'];
  /** Controls of the hardware-assisted hypervisor. */
  readonly traps?: HostDescription['traps'];
}

/** Makes the machine with the guest on it. */
export function nanoMachine(
  { technique, shadow, impure }: NanoSystem,
  images: BootImages,
  wishes: NanoWishes,
  options: MachineOptions,
  ledger: Ledger,
): Machine {
  const { timing = 'cortex-a57', engine, traps } = wishes;
  const guest = virt({ memory: GUEST_MEMORY, engine });
  if (technique === undefined) {
    const machine = createMachine({ ...guest, timing }, options);
    machine.load(images);
    return machine;
  }
  const host = {
    board: { ...virt({ memory: GUEST_MEMORY + OWN, engine }), timing },
    hypervisorMemory: OWN,
    vms: [{ name: 'guest', board: guest }],
  };
  const made =
    technique === 'hardware-assisted'
      ? createHost({ ...host, technique, traps } satisfies HostDescription, { guest: images }, options)
      : createHost(
          { ...host, technique, shadow, impure } satisfies TrapHostDescription,
          { guest: images },
          options,
        );
  made.keepLedger(ledger);
  return made.machine;
}
