// `--engine-trace FILE`: the engine's counters over a run as counter tracks, for Perfetto and chrome://tracing (the "Trace Event
// Format": counter events, microseconds of virtual time, as the traces of the ledger have them).

import type { Machine } from '@worldswitch/machine';

import { engineCounts } from './engine-stats.ts';

/** Instructions between two samples at first, and samples that are kept: then every second goes. */
const EVERY = 1_000_000;
const MOST = 4096;

/** Counters of how many there are now, not of how often something happened. */
const LEVELS = /^(pages\.alive|regions\.(alive|entries|unfit))$/;

/** One counter event. */
export interface CounterEvent {
  readonly name: string;
  readonly ph: 'C';
  /** Microseconds of virtual time. */
  readonly ts: number;
  readonly pid: number;
  /** By counter: how often since the event before, or how many there are. */
  readonly args: Readonly<Record<string, number>>;
}

/** What a trace looks at. */
type Traced = Pick<Machine, 'engines' | 'instructions' | 'now'>;

interface Sample {
  readonly instructions: number;
  readonly now: number;
  readonly counts: readonly number[];
}

/** The track of a counter: what is before the first dot. */
const trackOf = (name: string): string => (name.includes('.') ? name.slice(0, name.indexOf('.')) : 'engine');

/** Samples of a machine's counters. */
export class EngineTrace {
  private readonly machine: Traced;
  private readonly names: readonly string[];
  private samples: Sample[] = [];
  private every = EVERY;
  /** Instructions at which the next sample is due. */
  next: number;

  constructor(machine: Traced) {
    this.machine = machine;
    this.names = engineCounts(machine).map(({ name }) => name);
    this.next = machine.instructions;
    this.look();
  }

  /** Takes a sample if it is time for one, or the last one. */
  look(last = false): void {
    const { instructions, now } = this.machine;
    if (instructions < this.next && !last) return;
    this.samples.push({ instructions, now, counts: engineCounts(this.machine).map(({ count }) => count) });
    if (this.samples.length > MOST) {
      this.samples = this.samples.filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }
    this.next = instructions + this.every;
  }

  /** The events of all samples after the first. */
  get events(): readonly CounterEvent[] {
    return this.samples.slice(1).flatMap((sample, i) => {
      const before = this.samples[i] ?? sample;
      const tracks = new Map<string, Record<string, number>>([
        ['instructions', { instructions: sample.instructions - before.instructions }],
      ]);
      for (const [k, name] of this.names.entries()) {
        const count = sample.counts[k] ?? 0;
        const track = tracks.get(trackOf(name)) ?? {};
        track[name] = LEVELS.test(name) ? count : count - (before.counts[k] ?? 0);
        tracks.set(trackOf(name), track);
      }
      return [...tracks].map(([name, args]) => ({
        name,
        ph: 'C' as const,
        ts: sample.now / 1000,
        pid: 0,
        args,
      }));
    });
  }

  /** The file. */
  toJson(): string {
    return JSON.stringify({ traceEvents: this.events });
  }
}
