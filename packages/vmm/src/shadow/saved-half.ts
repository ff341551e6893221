// Halves to plain data and back.

import type { MmuFeatures } from '@worldswitch/mmu';
import { StateError } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import { levelShift } from '../stage2/geometry.ts';
import type { GuestRam } from './guest-ram.ts';
import { granuleOf } from './guest-walk.ts';
import { Half } from './half.ts';
import type { Leaf } from './half.ts';
import type { Halves } from './halves.ts';
import { grouped } from './state.ts';
import type { HalfState } from './state.ts';
import { levelOf } from './tables.ts';
import type { Traces } from './traces.ts';
import { keyOf, VIEWS } from './views.ts';

const NON_GLOBAL = 1 << 8;
const OPEN = 1 << 9;
const NO_HOLE = 512;

/** A half as plain data. */
export function saveHalf(half: Half): HalfState {
  const { id, upper, view, registers, root, hole, retired, lastUse, strays } = half;
  const leaves = [...half.leaves.values()].flatMap((leaf) => [
    leaf.offset,
    leaf.shift,
    leaf.ipa,
    leaf.rights | (leaf.nonGlobal ? NON_GLOBAL : 0) | (leaf.open ? OPEN : 0),
  ]);
  return {
    id,
    upper,
    view: VIEWS.indexOf(view),
    registers: { ...registers },
    root,
    hole: hole === -1 ? NO_HOLE : hole,
    retired,
    lastUse,
    strays,
    asids: [...half.asids],
    tables: [...half.tables].flat(),
    borrowed: [...half.borrowed],
    leaves,
    splits: [...half.splits].flat(),
    uses: [...half.uses.values()].flatMap(({ level, start, end, base, shift }) => [
      level,
      start,
      end,
      base,
      shift,
    ]),
  };
}

/** What restored halves belong to. */
export interface HalfOwner {
  readonly ram: GuestRam;
  readonly pages: PageAllocator;
  readonly features: MmuFeatures;
  readonly traces: Traces | undefined;
  readonly halves: Halves;
}

/** A half again. Throws a StateError that names what cannot be. */
export function restoreHalf(state: HalfState, owner: HalfOwner, path: string): Half {
  const wrong = (field: string, what: string): StateError => new StateError(`${path}.${field}`, what);
  const view = VIEWS[state.view] ?? 'user';
  const { upper, registers } = state;
  if (upper === (state.hole === NO_HOLE)) throw wrong('hole', 'is in the upper range alone');
  const half = new Half({
    id: state.id,
    key: keyOf(registers, upper, view),
    upper,
    view,
    registers,
    root: state.root,
    hole: upper ? state.hole : -1,
    granule: granuleOf(registers, upper, owner.features),
    real: owner.halves.isReal(registers, upper, view),
  });
  half.retired = state.retired;
  half.lastUse = state.lastUse;
  half.strays = state.strays;
  for (const asid of state.asids) half.asids.add(asid);
  const page = (at: number): boolean => at % PAGE === 0 && owner.pages.owns(at, PAGE);
  if (!page(state.root)) throw wrong('root', 'must be a table that its owner has allocated');
  const borrowed = new Set(state.borrowed);
  for (const [key = 0, at = 0] of grouped(state.tables, 2)) {
    const guests = borrowed.has(key);
    const good = guests ? half.real && at % PAGE === 0 && owner.ram.toGuest(at) !== -1 : page(at);
    if (key % 4 === 0 || key >= 2 ** 29 || !good)
      throw wrong('tables', 'must be tables that their owner has allocated');
    if (guests) half.borrowed.add(key);
    half.tables.set(key, at);
  }
  for (const [base = 0, shift = 0] of grouped(state.splits, 2)) {
    if (shift > 42 || base % 2 ** shift !== 0 || base >= 2 ** 48) throw wrong('splits', 'must be blocks');
    half.split(base, shift);
  }
  restoreLeaves(half, state, owner, wrong);
  for (const [level = 0, start = 0, end = 0, base = 0, shift = 0] of grouped(state.uses, 5)) {
    const inPage = end > start && Math.floor(start / PAGE) === Math.floor((end - 1) / PAGE);
    if (level > 3 || shift > 47 || start % 8 !== 0 || end % 8 !== 0 || !inPage || base >= 2 ** 48) {
      throw wrong('uses', 'must be tables of the guest');
    }
    owner.traces?.add({ half, level, start, end, base, shift });
  }
  return half;
}

function restoreLeaves(
  half: Half,
  state: HalfState,
  owner: HalfOwner,
  wrong: (field: string, what: string) => StateError,
): void {
  for (const [offset = 0, shift = 0, ipa = 0, flags = 0] of grouped(state.leaves, 4)) {
    const size = 2 ** shift;
    const known = [12, 21, 30].includes(shift) && offset < 2 ** 48 && flags < 1 << 10;
    if (
      !known ||
      offset % size !== 0 ||
      ipa % size !== 0 ||
      (shift === 12 ? owner.ram.toHost(ipa) === -1 : !owner.ram.hasBlock(ipa, shift))
    ) {
      throw wrong('leaves', 'must be of the guest’s memory');
    }
    const table = half.tables.get(half.tableKey(offset, levelOf(shift)));
    if (table === undefined || half.find(offset) !== undefined)
      throw wrong('leaves', 'must each be in a table');
    const leaf: Leaf = {
      half,
      offset,
      shift,
      ipa,
      place: table + (Math.floor(offset / 2 ** levelShift(levelOf(shift))) % 512) * 8,
      rights: flags & 0x38,
      nonGlobal: (flags & NON_GLOBAL) !== 0,
      open: (flags & OPEN) !== 0,
    };
    half.leaves.set(offset, leaf);
    if (leaf.nonGlobal) half.nonGlobal++;
    if ((leaf.rights & 16) !== 0 || owner.traces?.reads === true) owner.traces?.mapped(leaf);
  }
}
