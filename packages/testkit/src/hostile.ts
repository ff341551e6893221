// Hostile states: a real state with one thing wrong, and whether the type must refuse it.

import { StateError } from '@worldswitch/platform';
import type { Device, Plain } from '@worldswitch/platform';

import { bench } from './bench.ts';
import { fuzz } from './fuzz.ts';
import { copy, pathText, places, withChange } from './plain.ts';
import type { Path } from './plain.ts';
import { random } from './random.ts';
import type { Subject, TypeOf } from './subject.ts';

/** One thing that may be wrong with a value. */
interface Damage {
  readonly name: string;
  /** The damaged value; `undefined` removes it. */
  change(old: Plain): Plain | undefined;
  /** Whether it can be done to the value. */
  applies(old: Plain, path: Path): boolean;
  /** True where no type can mean this: it must be refused. Else it may be accepted, if the device then works. */
  fatal(old: Plain): boolean;
}

const isNumber = (value: Plain): boolean => typeof value === 'number';
const isList = (value: Plain): value is readonly Plain[] => Array.isArray(value);
const isRecord = (value: Plain): boolean =>
  value !== null && typeof value === 'object' && !isList(value) && !(value instanceof Uint8Array);
const always = (): boolean => true;

/** A damage that replaces the value. */
const becomes = (name: string, to: Plain, applies: (old: Plain) => boolean, fatal = true): Damage => ({
  name,
  change: () => to,
  applies,
  fatal: () => fatal,
});

const damages: readonly Damage[] = [
  { name: 'missing', change: () => undefined, applies: (_, path) => path.length > 0, fatal: always },
  becomes('a text', 'seven', (old) => typeof old !== 'string'),
  becomes('null', null, (old) => old !== null, false), // idle deadlines and the like are null by right
  becomes('true', true, (old) => typeof old !== 'boolean'),
  becomes('a record', { lo: 0 }, (old) => !isRecord(old)),
  becomes('an empty list', [], (old) => !isList(old)),
  becomes('a number', 7, (old) => !isNumber(old) && old !== null),
  becomes('NaN', NaN, isNumber),
  becomes('Infinity', Infinity, isNumber),
  becomes('a fraction', 0.5, isNumber),
  becomes('negative', -1, isNumber, false),
  becomes('2^32', 2 ** 32, isNumber, false),
  becomes('2^53', 2 ** 53, isNumber),
  {
    name: 'with a field too many',
    change: (old) => ({ ...(old as Readonly<Record<string, Plain>>), surplus: 0 }),
    applies: isRecord,
    fatal: always,
  },
  {
    name: 'longer',
    change: (old) => (isList(old) ? [...old, old[0] ?? 0] : old),
    applies: isList,
    fatal: () => false,
  },
  {
    name: 'much longer',
    change: (old) => (isList(old) ? Array.from({ length: 100_000 }, () => old[0] ?? 0) : old),
    applies: isList,
    fatal: always,
  },
];

/** Throws unless every damaged variant of a state is refused by name, or makes a device that works. */
export function refuseHostile<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
  state: Plain,
  now: number,
): void {
  for (const [path, old] of places(state)) {
    for (const damage of damages) {
      if (!damage.applies(old, path)) continue;
      // A list's element removed leaves a shorter list, which a type may allow.
      const element = typeof path.at(-1) === 'number' && damage.name === 'missing';
      const hostile = withChange(state, path, (value) => damage.change(value));
      if (hostile === undefined) continue;
      tryLoading(type, subject, hostile, now, path, damage, damage.fatal(old) && !element);
    }
  }
  for (const version of [0, type.state.version + 1, 0.5, NaN]) {
    requireRefusal(() => type.state.parse(copy(state), version), `version ${version}`);
  }
}

/** Loads one damaged state. */
function tryLoading<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
  hostile: Plain,
  now: number,
  path: Path,
  damage: Damage,
  fatal: boolean,
): void {
  const what = `a state whose ${pathText(path) || 'root'} is ${damage.name}`;
  const on = bench<Pin>({ now });
  const config = subject.config(on);
  let device: Made;
  try {
    device = type.create(config, on, type.state.parse(hostile, type.state.version));
  } catch (error) {
    requireStateError(error, what, path);
    if (on.log.length > 0)
      throw new Error(`${what} is refused, but only after: ${on.log.join('; ')}`, { cause: error });
    if (on.clock.pending.length > 0) {
      throw new Error(`${what} is refused, but a timer was armed first`, { cause: error });
    }
    return;
  }
  if (fatal) throw new Error(`${what} is accepted`);
  fuzz(type, subject, { device, bench: on }, random(1), 200);
}

/** Throws unless an error is a `StateError` that names the place or something around or inside it. */
function requireStateError(error: unknown, what: string, path: Path): void {
  if (!(error instanceof StateError)) {
    throw new Error(`${what} must be refused with a StateError, but: ${String(error)}`, { cause: error });
  }
  if (error.field === '') throw new Error(`${what}: the StateError names no field`);
  // The first name on the way; a check of how fields fit together may name a neighbour below it.
  const top = String(path[0] ?? '');
  if (!error.message.includes(top)) {
    throw new Error(`${what}: the StateError speaks of ${error.field} instead`);
  }
}

function requireRefusal(load: () => unknown, what: string): void {
  try {
    load();
  } catch (error) {
    requireStateError(error, what, []);
    return;
  }
  throw new Error(`a state of ${what} is accepted`);
}
