// Whether a guest has the same events, with the same registers and the same memory, on two systems.

import { disassemble } from '@worldswitch/isa-core';
import type { Pa } from '@worldswitch/platform';

import type { Machine } from '../machine.ts';
import { EventRun } from './event-run.ts';
import type { NativePoint, Point, PointEnd } from './event-run.ts';
import type { GuestEvent, ObservedGuest } from './events.ts';
import type { GuestState } from './guest-state.ts';

/** What of a comparison can be chosen. */
export interface EquivalenceOptions {
  /** Events after which it ends; all when absent. */
  readonly most?: number | undefined;
  /** Points between two looks at the memory, 64 when absent; there is one at the end, too. */
  readonly memoryEvery?: number | undefined;
  /** Is told every now and then how many events were equal. */
  readonly progress?: ((events: number) => void) | undefined;
}

/** The instruction with which two runs part. */
export interface Culprit {
  /** Its address, in hexadecimal. */
  readonly pc: string;
  readonly word: number | undefined;
  /** As the disassembler writes it. */
  readonly text: string;
  /** Instructions of the guest since the last point at which all was equal. */
  readonly after: number;
  /** What it did otherwise. */
  readonly what: readonly string[];
}

/** The first difference. */
export interface EquivalenceDifference {
  /** Events before it that were equal. */
  readonly event: number;
  /** The event on either system, in words. */
  readonly native: string;
  readonly other: string;
  /** Registers and memory that differ there. */
  readonly what: readonly string[];
  readonly culprit?: Culprit | undefined;
}

/** What a comparison came to. */
export interface Equivalence {
  readonly system: string;
  /** Events that were equal, and looks at all of the memory that found no difference. */
  readonly events: number;
  readonly memories: number;
  /** 64 bits over all events of the native run, in hexadecimal. */
  readonly hash: string;
  /** Words of the guest's that are others there, and were compared as what the guest had. */
  readonly rewritten?: number | undefined;
  /** How the native run ended; `point` where the wanted number of events was reached. */
  readonly end: PointEnd;
  readonly difference?: EquivalenceDifference | undefined;
}

/** Both runs came to their next points. */
export interface Passed {
  readonly mine: Point;
  readonly its: Point;
  /** How the native run came there. */
  readonly plan: NativePoint;
}

const MOST_DIFFERENCES = 12;
const MEMORY_EVERY = 64;
/** How it may be translated: code of EL0 is not executable at EL1. */
const FETCH_OR_READ = [2, 0] as const;

const hex = (n: number | bigint): string => `0x${n.toString(16)}`;
const pcOf = ({ pcLo, pcHi }: GuestEvent): bigint => (BigInt(pcHi >>> 0) << 32n) | BigInt(pcLo >>> 0);

/** The instruction at an address of the guest's that is executed now, or has just been. */
export function instructionAt(machine: Machine, pc: bigint): { word: number | undefined; text: string } {
  const { cpu } = machine;
  const pa = FETCH_OR_READ.map((access) => cpu.translator.translate(pc, access, false, false)).find(
    (at) => at >= 0,
  );
  const host = pa === undefined ? -1 : cpu.bus.host(pa as Pa);
  if (host < 0) return { word: undefined, text: 'what cannot be read' };
  const word = new DataView(cpu.memory.buffer).getUint32(host, true);
  return { word, text: disassemble(word, Number(pc)) ?? `.word ${hex(word)}` };
}

/** An event in words. */
function described(run: EventRun, { end }: Point, event: GuestEvent | undefined): string {
  if (event === undefined) {
    if (end === 'point') return 'no event';
    if (end === 'silent') return 'no event, though it executes on and on';
    return end === 'asleep' ? 'no event: it waits, and nothing comes' : `its end: ${end}`;
  }
  const pc = pcOf(event);
  const { text } = instructionAt(run.guest.machine, pc);
  const detail = event.detail === 0 ? '' : ` (${hex(event.detail)})`;
  return `${event.kind}${detail} at PC ${hex(pc)}: ${text}`;
}

const same = (a: GuestEvent, b: GuestEvent): boolean =>
  a.kind === b.kind && a.hash[0] === b.hash[0] && a.hash[1] === b.hash[1];

/** A guest on two systems, event by event. */
export class EquivalenceCheck {
  readonly native: EventRun;
  readonly other: EventRun;
  /** Points that both have passed. */
  points = 0;
  /** The last of them at which the memory was equal, too. */
  equalPoints = 0;
  private readonly every: number;
  private readonly options: EquivalenceOptions;
  private events = 0;
  private memories = 0;
  private hashed: [number, number] = [0, 0];
  private memoryDue = 0;

  constructor(native: ObservedGuest, other: ObservedGuest, options: EquivalenceOptions = {}) {
    this.native = new EventRun(native);
    this.other = new EventRun(other);
    this.options = options;
    this.every = options.memoryEvery ?? MEMORY_EVERY;
  }

  /** Runs both to the end of the native run, to the wanted number of events, or to the first difference. */
  run(): Equivalence {
    const { most = Infinity, progress } = this.options;
    for (;;) {
      const { mine, its } = this.pass();
      const over = mine.end !== 'point' || this.events + mine.events.length >= most;
      const difference = this.compare(mine, its) ?? this.compareMemory(over);
      if (difference !== undefined || over) return this.ended(mine.end, difference);
      this.points++;
      if (this.memoryDue === 0) this.equalPoints = this.points;
      if (progress && this.points % 4096 === 0) progress(this.events);
    }
  }

  /** Runs both to their next point, the other one as the native run came there. */
  pass(): Passed {
    const mine = this.native.next(undefined, this.other.counts);
    const { time, instructions, end, events } = mine;
    const count = events.length;
    const plan: NativePoint = { time, instructions, count, quiet: events[0]?.kind === 'quiet' };
    const its = this.other.next(end === 'silent' ? { ...plan, instructions: 0 } : plan);
    return { mine, its, plan };
  }

  /** Whether anything differs after a point, what its instruction did among it, or the native run is over. */
  differs({ mine, its }: Passed): boolean {
    if (mine.end !== 'point' || its.end !== 'point' || mine.events.length !== its.events.length) return true;
    const equal = mine.events.every((a, i) => {
      const b = its.events[i];
      return b !== undefined && same(a, b);
    });
    return (
      !equal || registersThatDiffer(this).length > 0 || this.memoryThatDiffers().length > 0 || !this.settle()
    );
  }

  /** Brings the hashes of the memory up to date: what was written before is compared no more. False where they differ. */
  settle(): boolean {
    const [a, b] = [this.native.memory.hash(), this.other.memory.hash()];
    return a[0] === b[0] && a[1] === b[1];
  }

  private compare(mine: Point, its: Point): EquivalenceDifference | undefined {
    const count = Math.max(mine.events.length, its.events.length);
    for (let i = 0; i < count; i++) {
      const [a, b] = [mine.events[i], its.events[i]];
      if (a === undefined || b === undefined || !same(a, b)) return this.difference(mine, its, i);
      this.events++;
      this.hashed = [mixed(this.hashed[0], a.hash[0]), mixed(this.hashed[1], a.hash[1])];
    }
    return mine.end === its.end ? undefined : this.difference(mine, its, count);
  }

  private difference(mine: Point, its: Point, i: number): EquivalenceDifference {
    const [a, b] = [mine.events[i], its.events[i]];
    const what = a && b ? inWords(a.state, b.state, this.other.guest.system) : [];
    return {
      event: this.events,
      native: described(this.native, mine, a),
      other: described(this.other, its, b),
      what: [...what, ...this.memoryThatDiffers()].slice(0, MOST_DIFFERENCES),
    };
  }

  private compareMemory(now: boolean): EquivalenceDifference | undefined {
    this.memoryDue = (this.memoryDue + 1) % this.every;
    if (!now && this.memoryDue !== 0) return undefined;
    const what = this.memoryThatDiffers();
    const [a, b] = [this.native.memory.hash(), this.other.memory.hash()];
    if (what.length === 0 && a[0] === b[0] && a[1] === b[1]) {
      this.memories++;
      this.hashed = [mixed(this.hashed[0], a[0]), mixed(this.hashed[1], a[1])];
      return undefined;
    }
    const equal = 'the same event';
    return { event: this.events, native: equal, other: equal, what };
  }

  /** Words that differ in the pages that either has written to since the last comparison. */
  memoryThatDiffers(): readonly string[] {
    const { native, other } = this;
    const pages = new Set([...native.memory.written(), ...other.memory.written()]);
    const base = native.guest.machine.board.config.ramBase;
    return native.memory
      .differences(other.memory, pages, MOST_DIFFERENCES)
      .map(
        (at) =>
          `memory at ${hex(base + at)}: ${hex(native.memory.word(at >> 2))}, ` +
          `on ${other.guest.system} ${hex(other.memory.word(at >> 2))}`,
      );
  }

  private ended(end: PointEnd, difference: EquivalenceDifference | undefined): Equivalence {
    const { events, memories, hashed } = this;
    const hash = hashed.map((n) => n.toString(16).padStart(8, '0')).join('');
    const system = this.other.guest.system;
    const rewritten = this.other.memory.changedWords || undefined;
    return { system, events, memories, hash, rewritten, end, ...(difference && { difference }) };
  }
}

/** Registers that differ now; none where one run is ahead. */
export function registersThatDiffer({ native, other }: EquivalenceCheck): readonly string[] {
  if (other.ahead) return [];
  return inWords(native.look(), other.look(), other.guest.system);
}

const inWords = (mine: GuestState, its: GuestState, system: string): readonly string[] =>
  mine
    .differences(its)
    .map(({ register, values: [a, b] }) => `${register}: ${hex(a)}, on ${system} ${hex(b)}`);

const mixed = (hash: number, more: number): number => {
  const h = Math.imul(hash ^ more, 0x9e37_79b1);
  return (h ^ (h >>> 15)) >>> 0;
};
