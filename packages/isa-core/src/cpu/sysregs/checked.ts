// Checked registers: their cells are accessed directly wherever no trap applies. Which may be is one bit in
// `Layout.accessTraps` for each group of accesses that are decided alike, derived again when the level or a control changes.

import type { Cpu } from '../cpu.ts';
import { ALL, LOW32 } from './entry.ts';
import type { SystemRegisterEntry, TrapControl } from './entry.ts';
import { systemRegisters } from './table.ts';

/** Accesses that go straight to the cell under the same conditions. */
interface Group {
  readonly write: boolean;
  /** The lowest exception level. */
  readonly level: number;
  /** EL2's own: without EL2, EL3 has zeros in their place. */
  readonly isEl2: boolean;
  readonly traps: readonly TrapControl[];
  /** A further condition. */
  readonly when: ((cpu: Cpu) => boolean) | undefined;
}

/** Bits of `Layout.accessTraps`. */
const MOST = 32;
const groups: Group[] = [];

function numberOf(wanted: Group): number {
  const known = groups.findIndex(
    (g) =>
      g.write === wanted.write &&
      g.level === wanted.level &&
      g.isEl2 === wanted.isEl2 &&
      g.when === wanted.when &&
      g.traps.length === wanted.traps.length &&
      g.traps.every((control, i) => control === wanted.traps[i]),
  );
  if (known >= 0) return known;
  if (groups.length === MOST) throw new RangeError('more groups of checked registers than bits');
  return groups.push(wanted) - 1;
}

/** The bits that writes may change: all, the low half, or those of a vector base address. The others are zero. */
export type Writable = '63:0' | '31:0' | '63:11';
const WRITABLE = new Map<bigint, Writable>([
  [ALL, '63:0'],
  [LOW32, '31:0'],
  [ALL ^ 0x7ffn, '63:11'],
]);
/** How engines access a checked register. */
export interface CheckedRegister {
  /** The bit of `Layout.accessTraps` that must be clear to read the cell, or -1 where reads have a handler. */
  readonly read: number;
  /** The same for writes. */
  readonly write: number;
  readonly writable: Writable;
}

function checked(entry: SystemRegisterEntry): CheckedRegister | undefined {
  const { checked: how, traps } = entry;
  if (how === undefined) return undefined;
  const isEl2 = ((entry.id >>> 11) & 7) === 4;
  const group = (write: boolean, level: number): number =>
    level > 3 ? -1 : numberOf({ write, level, isEl2, traps, when: how.when });
  const bits = WRITABLE.get(entry.writable);
  const isWritten = how.write === true && entry.write === undefined && bits !== undefined;
  return {
    read: group(false, entry.minRead),
    write: isWritten ? group(true, entry.minWrite) : -1,
    writable: bits ?? '63:0',
  };
}

const registers = new Map(systemRegisters.map((entry) => [entry.id, checked(entry)]));

/** How engines access the register of an `id`, or undefined where it is not checked. */
export const checkedRegister = (id: number): CheckedRegister | undefined => registers.get(id);

/** `Layout.accessTraps` for the current level. */
export function accessTraps(cpu: Cpu): number {
  const { el } = cpu.state;
  let bits = 0;
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (group === undefined) continue;
    const { level, isEl2, traps, write, when } = group;
    const isDirect =
      el >= level &&
      (!isEl2 || cpu.features.el2) &&
      (when === undefined || when(cpu)) &&
      !traps.some((control) => control(cpu, write));
    if (!isDirect) bits |= 1 << i;
  }
  return bits;
}

const identifications = systemRegisters.filter(({ checked: how }) => how?.identification === true);

/** Gives the cells of identification registers this CPU's values. */
export function setIdentification(cpu: Cpu): void {
  for (const { name, cell } of identifications) cpu.state.setCell(cell, cpu.idRegister(name));
}
