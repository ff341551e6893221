// A shadow to plain data and back: what depends on the VM that it is of is checked here.

import { list, StateError, uint } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import { MONITOR_NUMBERS } from './guest-memory.ts';
import type { Half } from './half.ts';
import type { Space } from './halves.ts';
import type { ShadowCounters } from './options.ts';
import type { ShadowParts } from './parts.ts';
import { restoreHalf, saveHalf } from './saved-half.ts';
import type { ShadowState } from './state.ts';

/** A shadow as plain data. */
export function saveShadow({
  halves,
  vcpus,
  counters,
  traces,
  lru,
  adopted,
  guest,
}: ShadowParts): ShadowState {
  const spaces = [...halves.spaces.values()];
  return {
    vcpus: vcpus.map(({ registers, version, spaces: known }, i) => {
      const entered = halves.entered[i];
      return {
        registers: { ...registers },
        changed: version === -1,
        entered: entered ? { lower: entered.lower.id, upper: entered.upper.id, asid: entered.asid } : null,
        spaces: known.map((one) => (version === halves.version && one ? spaces.indexOf(one) + 1 : 0)),
      };
    }),
    halves: [...halves.all.values()].map(saveHalf),
    spaces: spaces.map(({ lower, upper, asid, generation }) => ({
      lower: lower.id,
      upper: upper.id,
      asid,
      generation,
    })),
    nextId: halves.nextId,
    clock: halves.clock,
    counters: Object.values(counters) as number[],
    opened: traces?.openPages ?? [],
    text: traces?.textPages ?? [],
    ...(lru?.save() ?? { recent: [], instructions: [] }),
    monitors: guest.save(),
    real: adopted?.save() ?? [],
  };
}

/** Pages of tables, and of what the guest wrote to its own, that a saved shadow has. */
export function shadowPages({ halves, real }: ShadowState): number {
  return halves.reduce(
    (sum, { tables, borrowed }) => sum + 1 + tables.length / 2 - borrowed.length,
    real.length / 4,
  );
}

/** Puts a saved state into a new shadow. Throws a StateError that names what cannot be. */
export function restoreShadow(parts: ShadowParts, state: ShadowState, pages: PageAllocator): void {
  const { halves, traces, lru, counters, adopted } = parts;
  restoreHalves(parts, state, pages);
  const spaces = state.spaces.map(({ lower, upper, asid, generation }, i): Space => {
    const path = `spaces[${i}]`;
    return {
      lower: halfOf(parts, lower, false, path),
      upper: halfOf(parts, upper, true, path),
      asid,
      generation,
    };
  });
  for (const space of spaces) halves.spaces.set(`${space.lower.id} ${space.upper.id}`, space);
  restoreVcpus(parts, state, spaces);
  for (const [i, name] of (Object.keys(counters) as (keyof ShadowCounters)[]).entries()) {
    counters[name] = state.counters[i] ?? 0;
  }
  for (const page of state.text) traces?.execute(page * PAGE);
  for (const page of state.opened) traces?.open(page * PAGE);
  lru?.restore(state.recent, state.instructions, (leaf, path) => {
    const found = halves.all.get(leaf.half)?.leaves.get(leaf.offset);
    if (found === undefined) throw new StateError(path, 'must be a leaf of the shadow');
    return found;
  });
  parts.guest.restore(list(uint(), MONITOR_NUMBERS * parts.vcpus.length).check(state.monitors, 'monitors'));
  adopted?.restore(state.real, halves.all, pages);
  for (const half of halves.all.values()) checkBorrowed(parts, half);
}

function restoreHalves(
  { ram, walk, traces, adopted, halves, tables }: ShadowParts,
  state: ShadowState,
  pages: PageAllocator,
): void {
  const owner = { ram, pages, features: walk.features, traces, halves };
  for (const [i, saved] of state.halves.entries()) {
    if (saved.id >= state.nextId || halves.all.has(saved.id))
      throw new StateError(`halves[${i}].id`, 'is taken');
    const half = restoreHalf(saved, owner, `halves[${i}]`);
    if (adopted === undefined && half.borrowed.size > 0)
      throw new StateError(`halves[${i}].borrowed`, 'must be empty');
    halves.restore(half);
    tables.used += 1 + half.tables.size - half.borrowed.size;
  }
  halves.nextId = state.nextId;
  halves.clock = state.clock;
}

function restoreVcpus(parts: ShadowParts, state: ShadowState, spaces: readonly Space[]): void {
  const { halves, vcpus } = parts;
  if (state.vcpus.length !== vcpus.length) throw new StateError('vcpus', 'must be those of the VM');
  for (const [i, v] of vcpus.entries()) {
    const saved = state.vcpus[i];
    if (saved === undefined) continue;
    const path = `vcpus[${i}]`;
    Object.assign(v.registers, saved.registers);
    v.version = saved.changed ? -1 : halves.version;
    for (const [view, index] of saved.spaces.entries()) {
      if (index > spaces.length) throw new StateError(`${path}.spaces`, 'must be spaces of the shadow');
      v.spaces[view] = spaces[index - 1];
    }
    if (saved.entered === null) continue;
    const { lower, upper, asid } = saved.entered;
    halves.entered[i] = {
      lower: halfOf(parts, lower, false, `${path}.entered`),
      upper: halfOf(parts, upper, true, `${path}.entered`),
      asid,
    };
  }
}

function halfOf({ halves }: ShadowParts, id: number, upper: boolean, path: string): Half {
  const found = halves.all.get(id);
  if (found?.upper !== upper) throw new StateError(path, 'must be a half of the shadow');
  return found;
}

/** The guest's tables that a half walks are those that were taken for it. */
function checkBorrowed({ ram, adopted }: ShadowParts, half: Half): void {
  for (const key of half.borrowed) {
    const page = ram.toGuest(half.tables.get(key) ?? -1);
    const found = page === -1 ? undefined : adopted?.find(page);
    if (found?.half !== half || found.key !== key) {
      throw new StateError('real', `must have the tables of half ${half.id}`);
    }
  }
}
