// All counters of an engine, with what they have counted.

import {
  compilingCounters,
  decodingCounters,
  emittedCounters,
  pageCounters,
  tierCounters,
} from '../hot/counters.ts';
import type { EngineCount } from '../hot/counters.ts';
import type { CounterList, Tally } from '../hot/tally.ts';
import { engineCounters, keptCounters, reasonCounters } from './counters.ts';
import type { EngineCounter } from './counters.ts';
import { tlbCounters } from './fast-tlb.ts';
import type { TlbCounter } from './fast-tlb.ts';
import type { InterpreterCounters } from './options.ts';
import type { Sharing } from './sharing.ts';

/** Where one engine's counts are. */
export interface Counted {
  readonly kept: InterpreterCounters;
  /** By `Reason`. */
  readonly left: Float64Array;
  readonly tally: Tally<EngineCounter>;
  readonly tlb: Tally<TlbCounter>;
  readonly sharing: Sharing;
}

const named = (of: CounterList<string>, counts: ArrayLike<number>, shared = false): EngineCount[] =>
  of.map(([name, text], i) => ({ name, text, shared, count: counts[i] ?? 0 }));

/** The counters in the order in which they are shown. */
export function allCounts({ kept, left, tally, tlb, sharing }: Counted): readonly EngineCount[] {
  const { pages, tier } = sharing;
  const { made, givenUp, evicted } = pages.counters;
  const { tier: compiled, emitted } = tier.counts;
  return [
    ...named(
      keptCounters,
      keptCounters.map(([name]) => kept[name]),
    ),
    ...named(reasonCounters, left),
    ...named(engineCounters, tally.counts),
    ...named(tlbCounters, tlb.counts),
    ...named(pageCounters, [made, givenUp, evicted, pages.alive], true),
    ...named(decodingCounters, pages.tally.counts, true),
    ...named(tierCounters, compiled, true),
    ...named(compilingCounters, tier.tally.counts, true),
    ...named(emittedCounters, emitted, true),
  ];
}
