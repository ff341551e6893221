// A guest's kernel over a shadow, for tests of its variants: its memory in pages, and stores to its descriptors.

import { Access, Permission } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';

import type { ShadowOptions } from '../../src/shadow/index.ts';
import { GUEST_AT, GUEST_RAM, ShadowRig } from './shadow-rig.ts';

export const MIB = 2 ** 20;
export const P: typeof Permission = Permission;
export const KERNEL: number = P.PrivilegedRead | P.PrivilegedWrite;
export const TEXT: number = P.PrivilegedRead | P.PrivilegedExecute;
export const host = (at: number): number => at - GUEST_RAM + GUEST_AT;
/** Where the kernel sees its memory. */
const LINEAR = 0xffff_8000_0000_0000n;
export const linear = (at: number): bigint => LINEAR + BigInt(at - GUEST_RAM);

/** A kernel that sees its memory in pages, and 2 MiB of pages more, in a table of their own. */
export function kernel(options: Partial<ShadowOptions>): {
  rig: ShadowRig;
  tables: Tables;
  pte: (i: number) => number;
} {
  const rig = new ShadowRig(options);
  const tables = rig.tables();
  tables.map({
    va: BigInt.asIntN(64, LINEAR),
    pa: GUEST_RAM,
    size: 16 * MIB,
    permissions: KERNEL,
    maxShift: 12,
  });
  tables.map({ va: 0x4000_0000, pa: GUEST_RAM, size: 2 * MIB, permissions: KERNEL, maxShift: 12 });
  rig.use(tables);
  const pte = (i: number): number => tables.find(0x4000_0000 + i * 4096)?.pa ?? 0;
  return { rig, tables, pte };
}

/** A store of the kernel's to one of its descriptors, as it does it: through its linear map. */
export function setPte(rig: ShadowRig, at: number, to: number): void {
  const value = [(to | 0x703) >>> 0, 0x60_0000] as const;
  const outcome = rig.access(linear(at), Access.Write, 'kernel');
  rig.pc += 4;
  if (outcome.kind === 'done') rig.poke(at, ...value);
  else if (outcome.kind === 'traced') rig.shadow.store(rig.linear, outcome.value, 8, ...value);
  else throw new Error(outcome.kind);
}

/** Where 512 pages are after they were mapped elsewhere. */
export const REMAPPED: readonly number[] = Array.from({ length: 512 }, (_, i) =>
  host(GUEST_RAM + 4 * MIB + i * 4096),
);
