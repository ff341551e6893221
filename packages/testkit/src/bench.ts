// The bench: all that a device sees (wires, clock, DMA port, trace), recording what the device does to it.

import { Fault } from '@worldswitch/platform';
import type { Dma, InterruptLine, Iova, Trace, Width, Wiring, Word64 } from '@worldswitch/platform';

import { benchClock } from './clock.ts';
import type { BenchClock } from './clock.ts';

/** A device's surroundings in a test. */
export interface Bench<Pin extends string = string> extends Wiring<Pin> {
  readonly clock: BenchClock;
  /** What the device did, each with its time: `1000 wire irq 1`. */
  readonly log: string[];
  /** Notes an event that a back end of the device saw. */
  readonly note: (event: string) => void;
  /** How often a wire was driven or memory accessed, even to no effect. */
  readonly touches: number;
  /** The levels of all wires that were asked for. */
  readonly levels: Readonly<Record<string, boolean>>;
  /** What the DMA port reaches, from address 0 on. */
  readonly memory: Uint8Array;
  /** Makes DMA to addresses of `from` to `to` - 1 answer `fault`; several ranges add up. */
  failDma(from: number, to: number, fault: Fault): void;
}

/** How a bench starts. */
export interface BenchStart {
  /** Virtual time, in nanoseconds. */
  readonly now?: number;
  /** Levels of wires that are high. */
  readonly levels?: Readonly<Record<string, boolean>>;
  /** Contents of memory, copied. */
  readonly memory?: Uint8Array;
  /** Trace kinds that are on; all when absent. */
  readonly trace?: number;
}

/** Makes a bench. */
export function bench<Pin extends string = string>(start: BenchStart = {}): Bench<Pin> {
  const clock = benchClock(start.now);
  const log: string[] = [];
  const note = (event: string): void => {
    log.push(`${clock.now} ${event}`);
  };
  let touches = 0;
  const touch = (): void => {
    touches++;
  };
  const wires = recordingWires(start.levels ?? {}, note, touch);
  const memory = Uint8Array.from(start.memory ?? new Uint8Array(0x1_0000));
  const faults: (readonly [from: number, to: number, fault: Fault])[] = [];
  const trace: Trace = { on: start.trace ?? 0x7fff_ffff, emit: () => undefined };
  return {
    clock,
    log,
    note,
    memory,
    trace,
    get touches() {
      return touches;
    },
    get levels() {
      return Object.fromEntries([...wires].map(([pin, wire]) => [pin, wire.level]));
    },
    line: (pin) => wires.get(pin),
    dma: recordingDma(memory, faults, (event) => {
      touch();
      note(event);
    }),
    failDma: (from, to, fault) => void faults.push([from, to, fault]),
  };
}

/** Wires by pin, made when first asked for. */
interface Wires extends Iterable<[string, InterruptLine]> {
  get(pin: string): InterruptLine;
}

function recordingWires(
  levels: Readonly<Record<string, boolean>>,
  note: (event: string) => void,
  touch: () => void,
): Wires {
  const wires = new Map<string, InterruptLine>();
  const make = (pin: string, start: boolean): InterruptLine => {
    let level = start;
    return {
      get level() {
        return level;
      },
      set(to) {
        touch();
        if (to === level) return;
        level = to;
        note(`wire ${pin} ${to ? 1 : 0}`);
      },
    };
  };
  for (const [pin, level] of Object.entries(levels)) wires.set(pin, make(pin, level));
  return {
    [Symbol.iterator]: () => wires[Symbol.iterator](),
    get(pin) {
      const wire = wires.get(pin) ?? make(pin, false);
      wires.set(pin, wire);
      return wire;
    },
  };
}

/** A DMA port over bytes, little-endian. */
function recordingDma(
  memory: Uint8Array,
  faults: readonly (readonly [from: number, to: number, fault: Fault])[],
  note: (event: string) => void,
): Dma {
  const check = (at: number, bytes: number): Fault => {
    for (const [from, to, fault] of faults) if (at < to && at + bytes > from) return fault;
    return at >= 0 && at + bytes <= memory.length ? Fault.None : Fault.Decode;
  };
  const word = (at: number, width: Width): number => {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (memory[at + i] ?? 0);
    return value;
  };
  const put = (at: number, width: Width, value: number): void => {
    for (let i = 0; i < width; i++) memory[at + i] = value >>> (8 * i);
  };
  return {
    readInto(from: Iova, into: Uint8Array): Fault {
      const fault = check(from, into.length);
      note(`dma read ${from} ${into.length} ${fault}`);
      if (fault === Fault.None) into.set(memory.subarray(from, from + into.length));
      return fault;
    },
    writeFrom(to: Iova, from: Uint8Array): Fault {
      const fault = check(to, from.length);
      note(`dma write ${to} ${from.join(',')} ${fault}`);
      if (fault === Fault.None) memory.set(from, to);
      return fault;
    },
    load(at: Iova, width: Width | 8, out: Word64): Fault {
      const fault = check(at, width);
      note(`dma load ${at} ${width} ${fault}`);
      if (fault !== Fault.None) return fault;
      out.lo = word(at, width === 8 ? 4 : width);
      out.hi = width === 8 ? word(at + 4, 4) : 0;
      return fault;
    },
    store(at: Iova, width: Width | 8, lo: number, hi: number): Fault {
      const fault = check(at, width);
      note(`dma store ${at} ${width} ${lo} ${hi} ${fault}`);
      if (fault !== Fault.None) return fault;
      put(at, width === 8 ? 4 : width, lo);
      if (width === 8) put(at + 4, 4, hi);
      return fault;
    },
    message(at: Iova, data: number): Fault {
      note(`dma message ${at} ${data}`);
      return Fault.None;
    },
  };
}
