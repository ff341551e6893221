// What a shadow is put together of, by its variant.

import type { RegimeControls } from '@worldswitch/mmu';

import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { AdoptedPages } from './adopted.ts';
import { Filler } from './filler.ts';
import { GuestMemory } from './guest-memory.ts';
import { GuestRam } from './guest-ram.ts';
import type { RamRange } from './guest-ram.ts';
import { GuestWalk, noTranslation } from './guest-walk.ts';
import type { Half } from './half.ts';
import { Halves } from './halves.ts';
import type { Space } from './halves.ts';
import type { HostSpace } from './host-space.ts';
import { RecentlyUsed } from './lru.ts';
import { checkShadowOptions, noShadowCounters } from './options.ts';
import type { ShadowCounters, ShadowOptions } from './options.ts';
import { ShadowTables } from './tables.ts';
import { Traces } from './traces.ts';
import { Tracing } from './tracing.ts';
import { VIEWS } from './views.ts';
import type { ShadowView } from './views.ts';

/** One virtual CPU. */
export interface VirtualCpu {
  readonly registers: RegimeControls;
  /** What each view was entered with last, while `version` is that of the halves. */
  readonly spaces: (Space | undefined)[];
  version: number;
  /** The view that is loaded, on which CPU, and what was counted of its loads: nothing is to be done for it again. */
  view: ShadowView | undefined;
  cpu: number;
  loads: number;
}

/** The parts of a shadow. */
export interface ShadowParts {
  readonly counters: ShadowCounters;
  readonly ram: GuestRam;
  /** What of it is not the guest's to map. */
  readonly planted: RamRange | undefined;
  readonly guest: GuestMemory;
  readonly walk: GuestWalk;
  readonly tables: ShadowTables;
  readonly halves: Halves;
  readonly filler: Filler;
  readonly vcpus: readonly VirtualCpu[];
  /** Traced and real. */
  readonly traces: Traces | undefined;
  readonly tracing: Tracing | undefined;
  /** Real. */
  readonly adopted: AdoptedPages | undefined;
  /** Bounded. */
  readonly lru: RecentlyUsed | undefined;
}

/** Puts them together. */
export function shadowParts(
  host: HostSpace,
  memory: PhysicalMemory,
  pages: PageAllocator,
  options: ShadowOptions,
): ShadowParts {
  const { variant, vcpus, quota, capacity, open, largest, ...rest } = checkShadowOptions(options);
  const counters = noShadowCounters();
  const { planted } = options;
  const ram = new GuestRam(planted ? [...rest.ram, planted] : rest.ram);
  const tables = new ShadowTables(host, memory, pages, { quota, guest: options.guest ?? 0 }, 0);
  const traces = variant === 'traced' || variant === 'real' ? new Traces(variant === 'real') : undefined;
  const adopted = variant === 'real' ? new AdoptedPages(ram, memory, tables) : undefined;
  const lru = variant === 'bounded' ? new RecentlyUsed(capacity, open, vcpus) : undefined;
  const guest: GuestMemory = new GuestMemory(
    memory,
    (ipa) => adopted?.toHost(ipa) ?? ram.toHost(ipa),
    (port, ipa, bytes) => {
      tracing?.stored(port, ipa, bytes);
      if (tracing !== undefined) halves.finish(port);
    },
    vcpus,
  );
  const walk = new GuestWalk(guest, options.features ?? {});
  const halves: Halves = new Halves(
    host,
    tables,
    {
      dropped: (leaf) => {
        lru?.remove(leaf);
        traces?.unmapped(leaf);
      },
      cleared: (half) => {
        for (const leaf of half.leaves.values()) lru?.remove(leaf);
        traces?.removeAll(half);
      },
    },
    { vcpus, exact: traces !== undefined, adopted, features: walk.features },
  );
  const filler = new Filler(walk, ram, tables, halves, counters, traces, adopted, largest);
  const cpus = Array.from({ length: vcpus }, () => ({
    registers: noTranslation(),
    spaces: VIEWS.map(() => undefined),
    version: -1,
    view: undefined,
    cpu: -1,
    loads: 0,
  }));
  const isCurrent = (half: Half): boolean => cpus.some(({ registers }) => half.hasTableOf(registers));
  const tracing: Tracing | undefined = traces && new Tracing(traces, halves, filler, walk, ram, isCurrent);
  return {
    counters,
    ram,
    planted,
    guest,
    walk,
    tables,
    halves,
    filler,
    vcpus: cpus,
    traces,
    tracing,
    adopted,
    lru,
  };
}
