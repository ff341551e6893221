// How the guest sees its memory at each of its levels, and what of that EL0 gets (DDI 0487 D8.4): the guest's kernel runs at EL0.

import { leafDescriptor, Permission } from '@worldswitch/mmu';
import type { Descriptor, RegimeControls, Translation } from '@worldswitch/mmu';

import { attributeIndex } from './attributes.ts';

/** The guest's EL0, its EL1, and its EL1 with PSTATE.PAN set. */
export type ShadowView = 'user' | 'kernel' | 'kernel-pan';

/** The views, as they are numbered in states. */
export const VIEWS: readonly ShadowView[] = ['user', 'kernel', 'kernel-pan'];

const { UnprivilegedRead, UnprivilegedWrite, UnprivilegedExecute } = Permission;
const USER = UnprivilegedRead | UnprivilegedWrite | UnprivilegedExecute;

/** What EL0 may do in a view, as the EL0 bits of `Permission`, given what the guest's tables say of both levels. */
export function rightsOf(view: ShadowView, permissions: number): number {
  if (view === 'user') return permissions & USER;
  const denied = view === 'kernel-pan' && (permissions & Permission.PanDenies) !== 0;
  const rights = (permissions << 3) & USER;
  return denied ? rights & UnprivilegedExecute : rights;
}

/** The shadow's descriptor: never global, never executable for the hypervisor. */
export function shadowLeaf(
  level: number,
  pa: number,
  rights: number,
  from: Pick<Translation, 'dataAttributes' | 'shareability'>,
): Descriptor {
  const reads = (rights & UnprivilegedRead) !== 0;
  const writes = reads && (rights & UnprivilegedWrite) !== 0;
  const permissions =
    Permission.PrivilegedRead |
    (writes ? Permission.PrivilegedWrite | UnprivilegedWrite : 0) |
    (reads ? UnprivilegedRead : 0) |
    (rights & UnprivilegedExecute);
  return leafDescriptor('two-ranges', level === 3, pa, permissions, {
    index: attributeIndex(from.dataAttributes),
    shareability: from.shareability,
    global: false,
  });
}

/** The bits of TCR_EL1 that one range has: T0SZ, EPD0, TG0, IPS, TBI0, HA, HD, HPD0, E0PD0, or those of TTBR1's. */
const TCR_LOWER = [0xc0bf, 0x0080_03a7] as const;
const TCR_UPPER = [0xc0bf_0000, 0x0100_05c7] as const;
/** M, C, I, WXN, EE. */
const SCTLR = 0x1 | 0x4 | 0x1000 | 0x8_0000 | 0x200_0000;

/** What translation in one range depends on, as text: without translation PAN does not matter. */
export function keyOf(registers: RegimeControls, upper: boolean, view: ShadowView): string {
  const range = upper ? 'upper' : 'lower';
  const { sctlr, tcrLo, tcrHi, mairLo, mairHi } = registers;
  if ((sctlr & 1) === 0) {
    return `${range} off ${view === 'user' ? 'user' : 'kernel'} ${(tcrHi & 0x60) >>> 0}`;
  }
  const [lo, hi] = upper ? TCR_UPPER : TCR_LOWER;
  const table = upper ? [registers.ttbr1Lo, registers.ttbr1Hi] : [registers.ttbr0Lo, registers.ttbr0Hi];
  const parts = [
    (table[0] ?? 0) & ~1,
    (table[1] ?? 0) & 0xffff,
    tcrLo & lo,
    tcrHi & hi,
    sctlr & SCTLR,
    mairLo,
    mairHi,
  ];
  return `${range} ${view} ${parts.map((part) => (part >>> 0).toString(16)).join(' ')}`;
}

/** The current virtual ASID: from the TTBR that TCR_EL1.A1 names, of 8 bits unless TCR_EL1.AS. */
export function virtualAsid(registers: RegimeControls, wide: boolean): number {
  const asid = ((registers.tcrLo >>> 22) & 1 ? registers.ttbr1Hi : registers.ttbr0Hi) >>> 16;
  return wide && (registers.tcrHi >>> 4) & 1 ? asid : asid & 0xff;
}
