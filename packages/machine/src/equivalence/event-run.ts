// One guest on one system, run from event to event with time standing still between them. So timers expire, and interrupts come,
// at events alone: at the same ones on every system that is given the times of the native run.

import type { Machine, RunEnd } from '../machine.ts';
import type { GuestEvent, GuestEventKind, GuestView, ObservedGuest } from './events.ts';
import { GuestMemory } from './guest-memory.ts';
import { GuestPlace, GuestState } from './guest-state.ts';

/** Why a run came no further. */
export type PointEnd =
  /** The guest has had an event, the instruction is done, and the guest goes on. */
  | 'point'
  /** The guest executes on and on without an event. */
  | 'silent'
  /** The CPU waits, and nothing is due by the time at which the guest went on natively. */
  | 'asleep'
  | Exclude<RunEnd, 'budget' | 'waiting' | 'stopped'>;

/** A part of a run: up to the end of an instruction that had events. */
export interface Point {
  readonly end: PointEnd;
  /** The events of the instruction: a device access and the abort that it ends in are two. */
  readonly events: readonly GuestEvent[];
  /** Virtual time when the guest goes on, in nanoseconds. */
  readonly time: number;
  /** Instructions of the guest since the last point. */
  readonly instructions: number;
}

/** How the native run came to its next point, which another is to come to in the same way. */
export type NativePoint = Pick<Point, 'time' | 'instructions'> & {
  /** How many events it has. What another run has besides, its hypervisor has done in one go: it belongs to the next point. */
  readonly count: number;
  /** The point is no event, but a number of instructions. */
  readonly quiet: boolean;
};

/** Instructions without an event after which an interrupt may come all the same. */
const QUIET = 100_000;
/** Instructions without an event after which a run gives up, where there are no quiet points. */
const PATIENCE = 400_000_000;
/** Instructions of the guest by which another run may come later to an event than the native one. */
const LATE = 64;
/** Steps of the machine for one instruction of a guest. */
const MOST_ATTEMPTS = 1_000_000;
const CHUNK = 5_000_000;
const BILLION = 1_000_000_000;
const PC: number = GuestPlace.pc;

/** The nanoseconds after which the system counter has made whole ticks again: times are multiples of them. */
function grainOf({ board }: Machine): number {
  let [a, b] = [board.config.timer.frequency, BILLION];
  while (b !== 0) [a, b] = [b, a % b];
  return BILLION / a;
}

/** A guest that runs by its events. */
export class EventRun {
  readonly guest: ObservedGuest;
  readonly memory: GuestMemory;
  private readonly seen: GuestState = new GuestState();
  private readonly view: GuestView;
  private readonly events: GuestEvent[] = [];
  private readonly grain: number;
  /** Instructions of the machine when time last moved. */
  private counted: number;
  /** Instructions of the guest since its last point. */
  private instructions = 0;
  /** Where the guest was left for its hypervisor. */
  private leftAt = 0n;

  /** Throws a RangeError for a machine of several CPUs. */
  constructor(guest: ObservedGuest) {
    const { machine } = guest;
    const { board } = machine;
    if (machine.cpus.length !== 1)
      throw new RangeError('runs are compared event by event on one CPU: there is no order of several');
    this.guest = guest;
    this.grain = grainOf(machine);
    this.counted = machine.instructions;
    board.clock.standing = true;
    this.memory = new GuestMemory(
      board.ram,
      guest.memory,
      () => {
        machine.cpu.listener?.droppedAll();
      },
      guest,
    );
    const stop = (): void => {
      machine.stop();
    };
    this.view = guest.observe({
      event: (kind, pcLo, pcHi, detail) => {
        this.note(kind, pcLo, pcHi, detail);
      },
      left: stop,
      resumed: stop,
    });
    // On a hypervisor the guest's entry comes later, and is told.
    if (this.view.inGuest) this.noteHere('entry');
  }

  private note(kind: GuestEventKind, pcLo: number, pcHi: number, detail: number): void {
    // Further accesses of one instruction are no events of their own.
    if (kind === 'mmio' && this.events.length > 0) return;
    const state = new GuestState();
    this.view.read(state);
    this.events.push({ kind, pcLo, pcHi, detail, hash: state.hash(), state });
    this.guest.machine.stop();
  }

  private noteHere(kind: GuestEventKind): void {
    const pc = this.look().value(PC);
    this.note(kind, Number(pc & 0xffff_ffffn), Number(pc >> 32n), 0);
  }

  /** True where the guest's instructions are executed one for one. */
  get steps(): boolean {
    return this.view.steps;
  }

  /** True where they can be counted up to the next event. */
  get counts(): boolean {
    return this.view.counts ?? this.view.steps;
  }

  /** True when the guest has had events already that the native run will have at its next point. */
  get ahead(): boolean {
    return this.events.length > 0;
  }

  /** Reads the guest's registers as they are between its instructions. */
  look(): GuestState {
    this.view.read(this.seen);
    return this.seen;
  }

  /**
   * Runs on to the next event and to the end of its instruction.
   *
   * @param native - how the native run came there; absent in the native run, which finds it out
   * @param quiet - whether a number of instructions counts as an event, in the native run
   */
  next(native?: NativePoint, quiet = true): Point {
    const { machine } = this.guest;
    const last = machine.instructions + PATIENCE;
    const most = native === undefined ? (quiet ? QUIET : Infinity) : this.mostOf(native);
    while (!this.isDone()) {
      if (this.events.length === 0 && this.view.inGuest && this.instructions >= most) {
        if (native?.quiet === false) return this.ended('silent');
        this.noteHere('quiet');
        break;
      }
      if (machine.instructions >= last) return this.ended('silent');
      const end = this.execute(Math.min(CHUNK, Math.max(1, most - this.instructions)), native?.time);
      if (end !== undefined) return this.ended(end);
    }
    return this.complete(native?.time, native?.count);
  }

  /** Instructions of the guest after which an event must have come. */
  private mostOf({ instructions, quiet }: NativePoint): number {
    if (!this.counts) return Infinity;
    return quiet ? instructions : instructions + LATE;
  }

  /** True when the instruction that had events is done, or its CPU waits. */
  private isDone(): boolean {
    return this.events.length > 0 && this.view.inGuest && !this.guest.machine.cpu.waiting;
  }

  /** Runs the machine, which may have to wait. Returns why it cannot go on. */
  private execute(instructions: number, time: number | undefined): Exclude<PointEnd, 'point'> | undefined {
    const { machine } = this.guest;
    const { inGuest } = this.view;
    const before = machine.instructions;
    const end = machine.run(instructions, false);
    this.count(inGuest, machine.instructions - before);
    if (end === 'waiting' || end === 'idle') return this.wait(time) ? undefined : 'asleep';
    return end === 'budget' || end === 'stopped' ? undefined : end;
  }

  /** The machine has executed some, either in the guest or out of it. */
  private count(wasInGuest: boolean, executed: number): void {
    const { inGuest } = this.view;
    if (wasInGuest && inGuest) this.instructions += executed;
    else if (wasInGuest) {
      // What led to the hypervisor is done by it, or will be executed again.
      this.instructions += executed - 1;
      this.leftAt = this.look().value(PC);
    } else if (inGuest && this.look().value(PC) !== this.leftAt) this.instructions++;
  }

  /** The CPU waits: time goes on to what is due next, but not beyond the event's. False where nothing will wake it. */
  private wait(time: number | undefined): boolean {
    const { machine } = this.guest;
    const { clock } = machine.board;
    if (time === undefined) this.spend();
    // What it was to wait for has come with the time of its own instructions.
    if (!machine.cpu.waiting) return true;
    const next = this.rounded(clock.next);
    // A hypervisor that waits while its guest does not has the time that it is.
    const last = this.events.length === 0 ? clock.now : (time ?? Number.MAX_SAFE_INTEGER);
    if (next <= last) {
      clock.advanceTo(next);
      return true;
    }
    // WFE may end without an event, and whether it does depends on the exceptions of a hypervisor, too.
    if (time === undefined || !machine.cpu.waitingForEvent || !this.view.inGuest) return false;
    machine.cpu.signalEvent();
    return true;
  }

  /** The guest goes on: at the time that the native run says, or after its own instructions. */
  private complete(time: number | undefined, count?: number): Point {
    const { clock } = this.guest.machine.board;
    if (time === undefined) this.spend();
    else if (clock.now < time) clock.advanceTo(time);
    return this.ended('point', count);
  }

  /** Lets the time of the executed instructions pass. */
  private spend(): void {
    const { machine } = this.guest;
    const { clock, config } = machine.board;
    const executed = machine.instructions - this.counted;
    this.counted = machine.instructions;
    if (executed > 0) clock.advanceTo(this.rounded(clock.now + executed * config.nanosecondsPerInstruction));
  }

  private rounded(time: number): number {
    return Math.ceil(time / this.grain) * this.grain;
  }

  private ended(end: PointEnd, count: number = this.events.length): Point {
    const { instructions } = this;
    const events = this.events.splice(0, count);
    this.instructions = 0;
    return { end, events, time: this.guest.machine.now, instructions };
  }

  /**
   * Executes one instruction of the guest, and what it leads to in a hypervisor; the point is only there if it had events.
   *
   * @param time - when the guest goes on natively, if the instruction has an event; absent in the native run
   * @param count - how many events it has natively
   */
  step(time?: number, count?: number): Point {
    const { machine } = this.guest;
    if (this.ahead) return this.complete(time, count);
    for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
      const end = this.execute(1, time);
      if (end !== undefined) return this.ended(end);
      if (!this.view.inGuest || machine.cpu.waiting) continue;
      if (this.events.length > 0) return this.complete(time, count);
      // The hypervisor was there and the guest tries the same instruction again: that is none yet.
      if (this.instructions > 0) return this.ended('point');
    }
    return this.ended('silent');
  }
}
