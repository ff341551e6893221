// The conformance kit: what every device must be, as a list of named checks that any test runner can run.

import { Reset } from '@worldswitch/platform';
import type { Device, Plain } from '@worldswitch/platform';

import { fuzz, sweep } from './fuzz.ts';
import { withoutHost } from './host.ts';
import { refuseHostile } from './hostile.ts';
import { copy, difference, requirePlain, textOf } from './plain.ts';
import { random } from './random.ts';
import { specimen, surroundings } from './subject.ts';
import type { Specimen, Subject, TypeOf } from './subject.ts';

/** One thing that a device must be. */
export interface Check {
  /** As a sentence about the device. */
  readonly name: string;
  /** Throws where the device is not so, and says how. */
  readonly run: () => void;
}

/** A type with what the kit is told about it, and how long to play. */
interface Trial<Config, State extends Plain, Pin extends string, Made extends Device<State>> {
  readonly type: TypeOf<Config, State, Pin, Made>;
  readonly subject: Subject<Config, State, Pin, Made>;
  readonly steps: number;
  readonly runs: number;
}

/** Throws at the first line in which two records of what happened differ. */
function requireSame(one: readonly string[], two: readonly string[], what: string): void {
  const at = Array.from({ length: Math.max(one.length, two.length) }, (_, i) => i).find(
    (i) => one[i] !== two[i],
  );
  if (at === undefined) return;
  throw new Error(`${what}: event ${at} is "${one[at] ?? 'none'}" against "${two[at] ?? 'none'}"`);
}

function requireSameState(one: Plain, two: Plain, what: string): void {
  const found = difference(one, two);
  if (found !== undefined) throw new Error(`${what}: ${found}`);
}

/** The type's declarations fit together. */
function soundly<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  trial: Trial<Config, State, Pin, Made>,
): void {
  const { type } = trial;
  const require = (holds: boolean, problem: string): void => {
    if (!holds) throw new Error(problem);
  };
  require(type.compatible !== '', 'compatible is empty');
  require(Number.isInteger(type.state.version) && type.state.version >= 1, 'state.version must be 1 or more');
  require(new Set(type.pins).size === type.pins.length, 'two pins have the same name');
  require(new Set(type.regions.map(({ name }) => name)).size ===
    type.regions.length, 'two regions have the same name');
  for (const { name, size, widths, registers } of type.regions) {
    require(Number.isSafeInteger(size) &&
      size > 0 &&
      size % 4 === 0, `${name}: size must be a multiple of 4`);
    const known = widths.every((width) => [1, 2, 4, 8].includes(width));
    require(widths.length > 0 && known, `${name}: widths must be some of 1, 2, 4 and 8`);
    require(new Set(widths).size === widths.length, `${name}: a width is declared twice`);
    for (const row of registers ?? []) {
      const end = row.offset + 4 * (row.words ?? 1);
      require(row.offset % 4 === 0 && end <= size, `${name}: ${row.name} does not lie in the region`);
    }
  }
  const { device, bench } = specimen(type, trial.subject);
  require(device.mmio.length === type.regions.length, 'the device must have one mmio per region');
  require(bench.log.length === 0, `being made moves: ${bench.log.join('; ')}`);
}

/** A run from power-up; what was seen, and what is left. */
function play<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  { type, subject, steps }: Trial<Config, State, Pin, Made>,
  seed: number,
  trace?: number,
): Specimen<State, Pin, Made> & { readonly seen: readonly string[] } {
  const on = specimen(type, subject, trace === undefined ? {} : { trace });
  const seen = fuzz(type, subject, on, random(seed), steps);
  return { ...on, seen };
}

function deterministically<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  trial: Trial<Config, State, Pin, Made>,
  seed: number,
): void {
  const one = play(trial, seed);
  const two = play(trial, seed, 0);
  requireSame(one.seen, two.seen, 'two runs differ (the second with traces off)');
  requireSameState(one.device.save(), two.device.save(), 'two runs end in different states');
  const dma = one.bench.memory.findIndex((byte, i) => byte !== two.bench.memory[i]);
  if (dma >= 0) throw new Error(`two runs leave different memory at ${dma}`);
}

/** The first phase of reset moves nothing outside; after all of them the device is like a new one, and stays like it. */
function resets<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  trial: Trial<Config, State, Pin, Made>,
  seed: number,
): void {
  const { type, subject, steps } = trial;
  const { device, bench } = play(trial, seed);
  subject.release?.(device);
  const [before, touches] = [bench.log.length, bench.touches];
  device.reset(Reset.Enter);
  const moved = bench.log.slice(before);
  if (moved.length > 0) throw new Error(`the first phase of reset moves: ${moved.join('; ')}`);
  if (bench.touches > touches) throw new Error('the first phase of reset drives a wire or memory');
  device.reset(Reset.Hold);
  device.reset(Reset.Exit);
  const start = { now: bench.clock.now, memory: bench.memory };
  const fresh = specimen(type, subject, start);
  requireSameState(device.save(), fresh.device.save(), 'after reset against a new device');
  requireSameState(
    Object.fromEntries(Object.entries(bench.levels).filter(([, level]) => level)),
    Object.fromEntries(Object.entries(fresh.bench.levels).filter(([, level]) => level)),
    'wires after reset against those of a new device',
  );
  requireSamePending(bench.clock.pending, fresh.bench.clock.pending, 'after reset against a new device');
  const one = fuzz(type, subject, { device, bench }, random(seed + 1), steps);
  const two = fuzz(type, subject, fresh, random(seed + 1), steps);
  requireSame(one, two, 'what follows a reset differs from what follows power-up');
}

function requireSamePending(one: readonly number[], two: readonly number[], what: string): void {
  if (one.join() === two.join()) return;
  throw new Error(`${what}: pending deadlines are [${one.join()}] against [${two.join()}]`);
}

/** Saved in the middle of a run, copied as if through a file, and restored: the copy's future is the original's. */
function restores<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  trial: Trial<Config, State, Pin, Made>,
  seed: number,
): void {
  const { type, subject, steps } = trial;
  const original = specimen(type, subject);
  for (let part = 0; part < 4; part++) {
    // The first copy is one of an untouched device.
    if (part > 0) fuzz(type, subject, original, random(seed * 8 + part), Math.ceil(steps / 4));
    const saved = original.device.save();
    requirePlain(saved);
    const kept = copy(saved);
    const restored = specimen(
      type,
      subject,
      surroundings(original.bench),
      type.state.parse(copy(saved), type.state.version),
    );
    if (restored.bench.log.length > 0) throw new Error(`restoring moves: ${restored.bench.log.join('; ')}`);
    requireSameState(kept, restored.device.save(), 'a restored copy against what was saved');
    requireSamePending(original.bench.clock.pending, restored.bench.clock.pending, 'a restored copy');
    const one = fuzz(type, subject, original, random(seed * 8 + part + 100), Math.ceil(steps / 4));
    const two = fuzz(type, subject, restored, random(seed * 8 + part + 100), Math.ceil(steps / 4));
    requireSame(one, two, "a restored copy's future differs from the original's");
    requireSameState(original.device.save(), restored.device.save(), 'a restored copy, later');
    if (textOf(saved) !== textOf(kept)) throw new Error('a saved state changes when the device goes on');
  }
}

/** Saving is looking: a run with saves in it is the run without. */
function savesQuietly<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  { type, subject, steps }: Trial<Config, State, Pin, Made>,
  seed: number,
): void {
  const [watched, alone] = [specimen(type, subject), specimen(type, subject)];
  for (let part = 0; part < 8; part++) {
    const before = watched.bench.log.length;
    watched.device.save();
    if (watched.bench.log.length > before) throw new Error('saving moves something outside');
    const one = fuzz(type, subject, watched, random(seed * 16 + part), Math.ceil(steps / 8));
    const two = fuzz(type, subject, alone, random(seed * 16 + part), Math.ceil(steps / 8));
    requireSame(one, two, 'a run with saves differs from one without');
  }
}

/**
 * Everything that a device must be. Each check is independent, deterministic, and runs with the host's clock and chance out of
 * reach.
 *
 * @param type - the device's type
 * @param subject - its configuration, and what acts on it from outside
 */
export function conformance<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
): readonly Check[] {
  const trial = { type, subject, steps: subject.steps ?? 600, runs: subject.runs ?? 8 };
  const check = (name: string, run: () => void): Check => ({
    name,
    run: () => {
      withoutHost(run);
    },
  });
  const seeded = (name: string, run: (seed: number) => void): Check =>
    check(name, () => {
      for (let seed = 1; seed <= trial.runs; seed++) {
        try {
          run(seed);
        } catch (cause) {
          throw new Error(`${cause instanceof Error ? cause.message : String(cause)} (seed ${seed})`, {
            cause,
          });
        }
      }
    });
  return [
    check('declares regions, widths and pins that fit together', () => {
      soundly(trial);
    }),
    check('answers at every offset and width', () => {
      sweep(type, specimen(type, subject), random(1));
    }),
    seeded('is total: any access at any width, in any order, by any requester', (seed) => {
      play(trial, seed);
    }),
    seeded('is deterministic: two runs are identical', (seed) => {
      deterministically(trial, seed);
    }),
    seeded('resets in phases, and is then like a new one', (seed) => {
      resets(trial, seed);
    }),
    seeded('restores to identical futures', (seed) => {
      restores(trial, seed);
    }),
    seeded('saves without being disturbed', (seed) => {
      savesQuietly(trial, seed);
    }),
    seeded('refuses hostile state', (seed) => {
      if (seed > 2) return; // the damage is the same for every seed; two states cover idle and busy
      const { device, bench } = play(trial, seed);
      refuseHostile(type, subject, copy(device.save()), bench.clock.now);
    }),
  ];
}
