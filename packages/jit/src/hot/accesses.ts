// Accesses of a block that lie close together: one look into the TLB serves all that are relative to the same value.

import { ZERO_SLOT } from '../isa.ts';
import type { Block } from './blocks.ts';
import type { Effects } from './effects.ts';
import type { Decoded } from './flow.ts';

/** Accesses that are looked up together: by the first of them, or not at all. */
export interface AccessGroup {
  /** The lowest byte of all, relative to the first access, and how many bytes from there to the end of the last one. */
  low: number;
  bytes: number;
  /** Number in its block of the first access. */
  readonly first: number;
  /** The local with the address in memory of the lowest byte, once the first was emitted. */
  local: number;
}

/** One access in a group. */
export interface PlannedAccess {
  readonly group: AccessGroup;
  /** Its first byte relative to the group's first access. */
  readonly at: number;
}

/** Most bytes that accesses of a group lie apart: the farther, the likelier they are on two pages. */
const SPAN = 256;

/** A value that is known up to what it was in the beginning. */
interface Linear {
  readonly root: number;
  readonly offset: number;
}

/** An access of an instruction: base register, offset of its first byte, what is added to the base afterwards. */
export interface SimpleAccess {
  readonly base: number;
  readonly offset: number;
  readonly moved: number;
  readonly bytes: number;
  readonly store: boolean;
}

const PAIR = 'Load/store register pair';
const SINGLE = /^Load\/store register \((unsigned|unscaled|immediate post- and pre-indexed)/;

/** The access of an instruction, if it is of the simple kinds. */
export function accessOf({ row, operands, split }: Decoded): SimpleAccess | undefined {
  const base = operands['n']?.value ?? 0;
  const by = operands['i']?.value ?? 0;
  const { size = 0, opc = 0, L = 0, mode = 2, pre } = split;
  if (row.name.startsWith(PAIR)) {
    const bytes = row.gate === 'fp' ? 8 << opc : opc === 2 ? 16 : 8;
    return { base, offset: mode === 1 ? 0 : by, moved: (mode & 1) === 1 ? by : 0, bytes, store: L === 0 };
  }
  if (!SINGLE.test(row.name)) return undefined;
  const vector = row.gate === 'fp';
  const bytes = 1 << (vector ? size + ((opc & 2) << 1) : size);
  const store = vector ? (opc & 1) === 0 : opc === 0;
  return { base, offset: pre === 0 ? 0 : by, moved: pre === undefined ? 0 : by, bytes, store };
}

/** What registers hold, as far as it is known. */
class Values {
  private readonly known = new Map<number, Linear>();
  private roots = 0;

  of(register: number): Linear {
    const here = this.known.get(register) ?? { root: this.roots++, offset: 0 };
    this.known.set(register, here);
    return here;
  }

  set(register: number, value: Linear | undefined): void {
    if (register === ZERO_SLOT) return;
    this.known.set(register, value ?? { root: this.roots++, offset: 0 });
  }
}

const moved = ({ root, offset }: Linear, by: number): Linear => ({ root, offset: offset + by });

/** The groups of a block, by the numbers of its instructions. Accesses that nothing can be shared with are not there. */
export function accessesOf(block: Block, effects: Effects): ReadonlyMap<number, PlannedAccess> {
  const values = new Values();
  const open = new Map<string, { group: AccessGroup; start: number; members: [number, PlannedAccess][] }>();
  const planned = new Map<number, PlannedAccess>();
  const close = (members: readonly [number, PlannedAccess][]): void => {
    if (members.length > 1) for (const [i, access] of members) planned.set(i, access);
  };
  for (const [i, decoded] of block.code.entries()) {
    const access = accessOf(decoded);
    const base = access && values.of(access.base);
    if (access !== undefined && base !== undefined) {
      const at = base.offset + access.offset;
      const key = `${base.root} ${String(access.store)}`;
      let here = open.get(key);
      const low = here && Math.min(here.group.low, at - here.start);
      const end = here && Math.max(here.group.low + here.group.bytes, at - here.start + access.bytes);
      if (here === undefined || low === undefined || end === undefined || end - low > SPAN) {
        if (here !== undefined) close(here.members);
        here = { group: { low: 0, bytes: access.bytes, first: i, local: -1 }, start: at, members: [] };
        open.set(key, here);
      } else {
        here.group.low = low;
        here.group.bytes = end - low;
      }
      here.members.push([i, { group: here.group, at: at - here.start }]);
    }
    const after = linearResult(decoded, values);
    for (const r of effects.written(decoded)) values.set(r, undefined);
    if (after !== undefined) values.set(after[0], after[1]);
    if (access !== undefined && base !== undefined && access.moved !== 0) {
      values.set(access.base, moved(base, access.moved));
    }
  }
  for (const { members } of open.values()) close(members);
  return planned;
}

/** The register that gets another's value plus a number, and that value. */
function linearResult(
  { row, operands, split }: Decoded,
  values: Values,
): readonly [number, Linear] | undefined {
  if (row.name !== 'ADD/SUB (immediate)' || split['sf'] !== 1) return undefined;
  const { d, n, i } = operands;
  if (d === undefined || n === undefined || i === undefined || d.value === ZERO_SLOT) return undefined;
  return [d.value, moved(values.of(n.value), split['op'] === 1 ? -i.value : i.value)];
}
