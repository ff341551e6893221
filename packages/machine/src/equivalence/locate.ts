// Which instruction it was: both runs once more up to the last point at which they were equal, and from there on instruction by
// instruction. What makes a difference need not be what has the event at which it shows.

import type { Culprit, Equivalence, EquivalenceOptions } from './check.ts';
import { EquivalenceCheck, instructionAt, registersThatDiffer } from './check.ts';
import type { NativePoint } from './event-run.ts';
import type { ObservedGuest } from './events.ts';
import { GuestPlace } from './guest-state.ts';

/** Makes a system with its guest anew: as it was before its first instruction. */
export type GuestMaker = () => ObservedGuest;

/** Instructions that are looked at one by one, before a culprit is given up. */
const MOST_STEPS = 20_000_000;
const MOST_SHOWN = 8;

/** Compares a guest natively and on another system, and where they part finds the instruction. Each is made up to three times. */
export function compareGuests(
  native: GuestMaker,
  other: GuestMaker,
  options: EquivalenceOptions = {},
): Equivalence {
  const check = new EquivalenceCheck(native(), other(), options);
  const result = check.run();
  const { difference } = result;
  if (difference === undefined || !check.other.steps) return result;
  const culprit = locate(() => new EquivalenceCheck(native(), other()), check.equalPoints);
  return culprit === undefined ? result : { ...result, difference: { ...difference, culprit } };
}

/**
 * Finds the instruction with which two runs part.
 *
 * @param points - that both pass without a difference
 */
function locate(make: () => EquivalenceCheck, points: number): Culprit | undefined {
  // Once to find the last point at which nothing differs, and once to go on from there.
  const finder = make();
  let last = 0;
  let point: NativePoint;
  for (;;) {
    const passed = finder.pass();
    point = passed.plan;
    if (last >= points && finder.differs(passed)) break;
    last++;
  }
  const check = make();
  for (let i = 0; i < last; i++) check.pass();
  check.settle();
  return stepThrough(check, point);
}

/** Goes on instruction by instruction, up to a point. */
function stepThrough(check: EquivalenceCheck, { quiet, instructions }: NativePoint): Culprit | undefined {
  for (let after = 0; after < MOST_STEPS; after++) {
    if (quiet && after === instructions) return undefined;
    const found = stepBoth(check, after);
    if (found === 'point') return undefined;
    if (found !== 'equal') return found;
  }
  return undefined;
}

/** One instruction on both. */
function stepBoth(check: EquivalenceCheck, after: number): Culprit | 'equal' | 'point' {
  const { native, other } = check;
  const pc = native.look().value(GuestPlace.pc);
  const { machine } = native.guest;
  const { word, text } = instructionAt(machine, pc);
  const mine = native.step();
  const its = other.step(mine.time, mine.events.length);
  const what: string[] = [];
  if (mine.end !== its.end) what.push(`it ended: ${mine.end}, on ${other.guest.system} ${its.end}`);
  const [a, b] = [mine, its].map(({ events }) => events.map(({ kind }) => kind).join(', '));
  if (a !== b)
    what.push(`events: ${a === '' ? 'none' : a}, on ${other.guest.system} ${b === '' ? 'none' : b}`);
  what.push(...registersThatDiffer(check), ...check.memoryThatDiffers());
  check.settle();
  if (what.length > 0)
    return { pc: `0x${pc.toString(16)}`, word, text, after, what: what.slice(0, MOST_SHOWN) };
  return mine.events.length > 0 ? 'point' : 'equal';
}
