// What the kit is told about a device type, and one made on a bench.

import type { Device, DeviceType, Plain, SystemRegisterBank } from '@worldswitch/platform';

import { bench } from './bench.ts';
import type { Bench, BenchStart } from './bench.ts';
import type { Random } from './random.ts';

/** A device type whose `create` returns more than a plain device. */
export type TypeOf<Config, State extends Plain, Pin extends string, Made extends Device<State>> = Omit<
  DeviceType<Config, State, Pin>,
  'create'
> & {
  create(config: Config, wiring: Bench<Pin>, state?: State): Made;
};

/** What the kit needs besides the type. */
export interface Subject<Config, State extends Plain, Pin extends string, Made extends Device<State>> {
  /** Makes the configuration for one device. Back ends note what they are given with `bench.note`. */
  config(on: Bench<Pin>): Config;
  /** Events from outside (input lines, received bytes), which the fuzzer mixes in. */
  readonly stimuli?: readonly ((device: Made, random: Random) => void)[];
  /** System registers that the device offers, which the fuzzer accesses too. */
  banks?(device: Made): readonly SystemRegisterBank[];
  /** Lets go of everything that stimuli hold, so that reset alone decides what remains. */
  release?(device: Made): void;
  /** How many CPUs the fuzzer plays; 3 when absent. */
  readonly cpus?: number;
  /** Accesses per run; 600 when absent. */
  readonly steps?: number;
  /** Runs per check, each with its own seed; 8 when absent. */
  readonly runs?: number;
}

/** A device on its bench. */
export interface Specimen<State extends Plain, Pin extends string, Made extends Device<State>> {
  readonly device: Made;
  readonly bench: Bench<Pin>;
}

/** Makes a device on a bench of its own. */
export function specimen<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
  start: BenchStart = {},
  state?: State,
): Specimen<State, Pin, Made> {
  const on = bench<Pin>(start);
  return { bench: on, device: type.create(subject.config(on), on, state) };
}

/** How a bench must start so that a copy of a device finds what the original has. */
export function surroundings<Pin extends string>(of: Bench<Pin>): BenchStart {
  return { now: of.clock.now, levels: of.levels, memory: of.memory };
}
