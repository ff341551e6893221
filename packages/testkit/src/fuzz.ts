// The fuzzer: a hostile guest with a seed. Every result is checked, and all of them are what a run leaves behind.

import { Fault, requester } from '@worldswitch/platform';
import type { Device, Plain, SystemRegisterBank, Transaction, Width, Word64 } from '@worldswitch/platform';

import { value } from './random.ts';
import type { Random } from './random.ts';
import type { Specimen, Subject, TypeOf } from './subject.ts';

/** What the fuzzer saw, line by line, interleaved with what the device did. */
export type Observed = readonly string[];

const faults = new Set<number>(Object.values(Fault));

/** Throws unless a value is an unsigned integer of at most `bytes` bytes (4 or fewer). */
function requireUnsigned(got: number, bytes: number, what: string): void {
  if (Number.isInteger(got) && !Object.is(got, -0) && got >= 0 && got < 2 ** (8 * bytes)) return;
  throw new Error(`${what} gave ${got}, not an unsigned value of ${bytes} bytes`);
}

/** Runs one step and puts the step's name into whatever it throws. */
function attempt<T>(what: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * Plays a hostile guest for some steps.
 *
 * @param type - the device's type
 * @param subject - what the kit is told
 * @param on - the device and its bench
 * @param random - decides everything
 * @param steps - how many accesses, advances of time and outside events
 */
export function fuzz<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
  on: Specimen<State, Pin, Made>,
  random: Random,
  steps: number,
): Observed {
  const { device, bench } = on;
  const first = bench.log.length;
  const banks = subject.banks?.(device) ?? [];
  const stimuli = subject.stimuli ?? [];
  const by = requester();
  for (let i = 0; i < steps; i++) {
    const dice = random.below(16);
    if (dice === 0) advance(on, random);
    else if (dice === 1 && stimuli.length > 0) {
      const chosen = random.below(stimuli.length);
      attempt(`outside event ${chosen}`, () => stimuli[chosen]?.(device, random));
    } else if (banks.length > 0 && (type.regions.length === 0 || dice < 8)) {
      accessBank(random.pick(banks), subject, random, bench.note);
    } else if (type.regions.length > 0) accessRegion(type, subject, on, by, random);
  }
  return bench.log.slice(first);
}

/** Moves time by a little, by a lot, or to just around the next deadline. */
function advance<State extends Plain, Pin extends string>(
  { bench }: Specimen<State, Pin, Device<State>>,
  random: Random,
): void {
  const { clock } = bench;
  const due = clock.pending[0];
  const near = due !== undefined && due >= clock.now && random.below(2) === 0;
  const to = near ? due + random.below(3) - 1 : clock.now + Math.floor(2 ** (random.below(400) / 10));
  const when = Math.min(Math.max(to, clock.now), 2 ** 52);
  if (when < clock.now) return;
  attempt(`time moving to ${when} ns`, () => {
    clock.advanceTo(when);
  });
}

/** One access to a system register. */
function accessBank<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  bank: SystemRegisterBank,
  subject: Subject<Config, State, Pin, Made>,
  random: Random,
  note: (event: string) => void,
): void {
  const register = random.below(bank.registers.length);
  const cpu = random.below(subject.cpus ?? 3);
  const name = `${bank.registers[register] ?? ''} of CPU ${cpu}`;
  if (random.below(2) === 0) {
    const out: Word64 = { lo: 0, hi: 0 };
    attempt(`reading ${name}`, () => {
      bank.read(cpu, register, out);
    });
    requireUnsigned(out.lo, 4, `reading ${name} (low half)`);
    requireUnsigned(out.hi, 4, `reading ${name} (high half)`);
    note(`${name} is ${out.hi} ${out.lo}`);
  } else {
    const [lo, hi] = [value(random), value(random)];
    attempt(`writing ${hi}:${lo} to ${name}`, () => {
      bank.write(cpu, register, lo, hi);
    });
  }
}

/** A register that the table names, or any offset at all; mostly aligned. */
function offsetIn(
  region: TypeOf<never, Plain, string, Device<Plain>>['regions'][number],
  random: Random,
): number {
  const named = region.registers;
  if (named !== undefined && named.length > 0 && random.below(8) !== 0) {
    const row = random.pick(named);
    const at = row.offset + 4 * random.below(row.words ?? 1);
    return Math.min(random.below(4) === 0 ? at + random.below(4) : at, region.size - 1);
  }
  const any = random.below(region.size);
  return random.below(4) === 0 ? any : any - (any % 4);
}

/** Touches every offset at every width once: all of the first 4352 bytes of each block, and its end. */
export function sweep<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  on: Specimen<State, Pin, Made>,
  random: Random,
): void {
  const by = requester();
  type.regions.forEach((region, number) => {
    for (let offset = 0; offset < region.size; offset++) {
      if (offset === 0x1100 && region.size > 0x1200) offset = region.size - 0x100;
      for (const width of region.widths) {
        access(type, on, { number, offset, width, store: false }, by, random);
        access(type, on, { number, offset, width, store: true }, by, random);
      }
    }
  });
}

/** One access to a register block, by anyone. */
function accessRegion<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  subject: Subject<Config, State, Pin, Made>,
  on: Specimen<State, Pin, Made>,
  by: Transaction,
  random: Random,
): void {
  const number = random.below(type.regions.length);
  const region = type.regions[number];
  if (region === undefined) return;
  // Mostly a CPU; now and then a device.
  Object.assign(by, {
    requester: random.below(32) === 0 ? -1 : random.below(subject.cpus ?? 3),
    secure: random.below(2) === 0,
    privileged: random.below(4) !== 0,
  });
  const [width, offset] = [random.pick(region.widths), offsetIn(region, random)];
  access(type, on, { number, offset, width, store: random.below(2) === 0 }, by, random);
}

/** Where and how an access goes. */
interface Access {
  readonly number: number;
  readonly offset: number;
  readonly width: Width | 8;
  readonly store: boolean;
}

/** One access, checked and noted. */
function access<Config, State extends Plain, Pin extends string, Made extends Device<State>>(
  type: TypeOf<Config, State, Pin, Made>,
  { device, bench }: Specimen<State, Pin, Made>,
  { number, offset, width, store }: Access,
  by: Transaction,
  random: Random,
): void {
  const [region, mmio] = [type.regions[number], device.mmio[number]];
  if (region === undefined || mmio === undefined) throw new Error(`there is no mmio[${number}]`);
  Object.assign(by, { fault: Fault.None }); // not narrowed: the device sets it
  const narrow: Width = width === 8 ? 4 : width;
  const long = width === 8 && offset % 8 === 0 && offset + 8 <= region.size;
  const what = `${region.name}+0x${offset.toString(16)}, ${long ? 8 : narrow} bytes, requester ${by.requester}`;
  if (store) {
    const data = value(random);
    attempt(`writing ${data} to ${what}`, () => {
      if (long && mmio.write64 !== undefined) mmio.write64(offset, data, value(random), by);
      else mmio.write(offset, narrow, narrow === 4 ? data : data % 2 ** (8 * narrow), by);
    });
    if (by.fault !== Fault.None) bench.note(`${what} faults ${by.fault}`);
  } else {
    const out: Word64 = { lo: 0, hi: 0 };
    attempt(`reading ${what}`, () => {
      if (long && mmio.read64 !== undefined) mmio.read64(offset, out, by);
      else out.lo = mmio.read(offset, narrow, by);
    });
    requireUnsigned(out.lo, long ? 4 : narrow, `reading ${what}`);
    requireUnsigned(out.hi, 4, `reading ${what} (high half)`);
    bench.note(`${what} is ${out.hi} ${out.lo} fault ${by.fault}`);
  }
  if (!faults.has(by.fault)) throw new Error(`${what}: the fault ${String(by.fault)} is none of the known`);
}
