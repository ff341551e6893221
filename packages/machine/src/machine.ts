// A machine: a board, what is loaded into it, virtual time, the outside world through recorded inputs.

import { CpuLayout } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import { Reset, StateError } from '@worldswitch/platform';
import type { Engine, Pa, Plain, Timer } from '@worldswitch/platform';

import { buildBoard } from './board/board.ts';
import type { Board } from './board/board.ts';
import type { SystemBus } from './bus/bus.ts';
import { checkConfig } from './config/config.ts';
import type { MachineConfig } from './config/config.ts';
import { ConfigurationError } from './errors.ts';
import { ExceptionWatch } from './exception-watch.ts';
import { psciCall } from './firmware/psci.ts';
import type { PsciHost } from './firmware/psci.ts';
import { hashWords, MemoryHash } from './hash.ts';
import { mpidr } from './id/registers.ts';
import { InputQueue } from './input.ts';
import type { InputRecord } from './input.ts';
import { placeBoot } from './load/boot.ts';
import type { BootImages, Placed } from './load/boot.ts';
import { fromPlain, loadRam, saveRam, toPlain } from './snapshot/snapshot.ts';
import type { MachineState } from './snapshot/snapshot.ts';

/** Why a run ended. */
export type RunEnd =
  /** The instructions that were asked for are executed. */
  | 'budget'
  /** The CPU waits, no timer is armed and no input is queued: nothing will ever happen by itself. */
  | 'idle'
  /** The guest switched the machine off. */
  | 'off'
  /** The guest asked for a reset. */
  | 'reset'
  /** The CPU waits for the next deadline, and `run` was told not to jump there. */
  | 'waiting'
  /** The guest takes one exception after the other and its vectors lead nowhere: see `report`. */
  | 'dead'
  /** `stop` was called. */
  | 'stopped';

/** Options that have nothing to do with the board. */
export interface MachineOptions {
  /** A device's console sent bytes. */
  readonly output?: (device: string, byte: number) => void;
  /** Something that the guest used is not modelled: told once for each. */
  readonly warn?: (line: string) => void;
}

/** Instructions of a slice when no deadline is near. */
const SLICE = 10_000_000;
/** Jumps of a run in which nothing is executed. */
const JUMPS = 10_000;

/** A machine. */
export class Machine {
  readonly board: Board;
  readonly options: MachineOptions;
  /** Instructions executed since power-on. */
  instructions = 0;
  private readonly inputs: InputQueue;
  private readonly ramHash: MemoryHash;
  private readonly watch: ExceptionWatch;
  private boot: Placed | undefined;
  private end: RunEnd | undefined;
  private stopping = false;
  private readonly poll: Timer;

  /** Use `createMachine` or `restoreMachine`. */
  constructor(config: MachineConfig, options: MachineOptions = {}, saved?: MachineState) {
    this.options = options;
    this.board = buildBoard(
      checkConfig(config),
      {
        firmware: {
          call: (cpu, by) => {
            if (by !== (this.board.config.el2 ? 'smc' : 'hvc')) return false;
            psciCall(this.psci, cpu);
            return true;
          },
        },
        output: (device, byte) => options.output?.(device, byte),
      },
      saved?.parts,
    );
    this.inputs = new InputQueue(this.board.devices);
    this.ramHash = new MemoryHash(this.board.ram);
    this.watch = new ExceptionWatch(
      this.board.cpu,
      () => {
        this.finish('dead');
      },
      (line) => options.warn?.(line),
    );
    this.poll = this.board.clock.timer((now) => {
      this.deliver(now);
    });
    if (saved) this.resume(saved);
  }

  private resume(saved: MachineState): void {
    loadRam(this.board.ram, saved.ram);
    this.cpu.restore(saved.cpu);
    this.instructions = saved.instructions;
    this.moveMonitor(this.board.ram.offset);
    this.boot = saved.boot;
    for (const [i, input] of saved.inputs.entries()) {
      if (!this.inputs.takes(input.device))
        throw new StateError(`inputs[${i}].device`, 'must be a device that receives characters');
      this.inputs.schedule(input);
    }
    this.poll.armAt(saved.poll);
  }

  /** The exclusive monitor's address is a host offset: in a snapshot it is relative to RAM. */
  private moveMonitor(by: number): void {
    const { state } = this.cpu;
    if (state.word(CpuLayout.exclusiveOpen) !== 0) {
      state.setWord(CpuLayout.exclusiveHost, state.word(CpuLayout.exclusiveHost) + by);
    }
  }

  /** The whole machine as plain data. Between runs only. */
  save(): Plain {
    const { gic, timer, devices, wires, config, ram } = this.board;
    this.moveMonitor(-ram.offset);
    const cpu = this.cpu.save();
    this.moveMonitor(ram.offset);
    return toPlain(config, {
      parts: {
        now: this.now,
        gic: gic.save(),
        timer: timer.save(),
        devices: Object.fromEntries(devices.map((d) => [d.name, d.device.save()])),
        wires: Object.fromEntries([...wires].map(([name, wire]) => [name, wire.level])),
      },
      cpu,
      ram: saveRam(ram),
      instructions: this.instructions,
      inputs: this.inputs.waiting,
      poll: this.poll.deadline,
      boot: this.boot,
    });
  }

  get cpu(): Cpu {
    return this.board.cpu;
  }
  get bus(): SystemBus {
    return this.board.bus;
  }
  get engine(): Engine {
    return this.board.engine;
  }
  /** Virtual time in nanoseconds. */
  get now(): number {
    return this.board.clock.now;
  }

  /** Puts a kernel and what belongs to it into memory and the CPU at its entry. Throws a `ConfigurationError`. */
  load(images: BootImages): void {
    this.boot = placeBoot(this.board, images);
    this.enter(this.boot);
  }

  private enter(boot: Placed): void {
    const found = boot.pieces.map(({ name, at, size }) => {
      const window = this.bus.memoryAt(at as Pa);
      if (window === undefined || at - window.base + size > window.memory.size) {
        throw new ConfigurationError(name, `does not fit: it needs ${size} bytes at 0x${at.toString(16)}`);
      }
      return window;
    });
    for (const [i, { at, bytes, size }] of boot.pieces.entries()) {
      const { base = 0, memory } = found[i] ?? {};
      memory?.bytes.fill(0, at - base, at - base + size);
      memory?.bytes.set(bytes, at - base);
      this.bus.foreignStore(at as Pa, size);
    }
    this.cpu.reset({ pc: BigInt(boot.entry), el: this.board.config.el2 ? 2 : 1, x0: BigInt(boot.x0) });
  }

  /** Reset as the guest's PSCI asks for it: all devices, then the CPU at the kernel's entry with fresh images. */
  reset(): void {
    const parts = [this.board.gic, this.board.timer, ...this.board.devices.map((d) => d.device)];
    for (const phase of [Reset.Enter, Reset.Hold, Reset.Exit]) for (const part of parts) part.reset(phase);
    if (this.boot) this.enter(this.boot);
  }

  /** Queues bytes for a serial device; they enter at the current virtual time and are recorded. */
  type(device: string, bytes: Uint8Array): void {
    this.inputs.push({ at: this.now, device, bytes });
    this.poll.armAt(this.now);
  }
  /** Everything that came from outside so far. */
  get recorded(): readonly InputRecord[] {
    return this.inputs.recorded;
  }
  /** Bytes that no device has taken yet. */
  get pendingInput(): number {
    return this.inputs.pending;
  }
  /** Replays recorded inputs at their times. Before the first run. */
  replay(records: readonly InputRecord[]): void {
    for (const record of records) this.inputs.schedule(record);
    this.poll.armAt(this.inputs.dueAfter(-1));
  }

  private deliver(now: number): void {
    const before = this.inputs.pending;
    const more = this.inputs.deliver(now);
    this.blocked = more && this.inputs.pending === before;
    // A device that is full is asked again: on a grid of virtual time, and whenever the next input is due, so that a replay asks
    // at the times at which the recorded run asked.
    this.poll.armAt(Math.min(this.inputs.dueAfter(now), more ? now + 100_000 : Infinity));
  }

  /** Asks `run` to return after the current instruction. */
  stop(): void {
    this.stopping = true;
    this.engine.stop();
  }

  /** Virtual nanoseconds until the next deadline, or `Infinity`. */
  get untilDeadline(): number {
    return this.board.clock.next - this.now;
  }
  /** Lets virtual time pass while the CPU waits. */
  pass(nanoseconds: number): void {
    this.board.clock.advanceTo(this.now + nanoseconds);
  }
  /** What the guest's exceptions were like, in words: for a guest that got lost. */
  report(): string {
    return this.watch.report();
  }

  /**
   * Runs at most `instructions`. A machine that only jumps from deadline to deadline returns `budget` early.
   *
   * @param jump - false to return `waiting` instead of jumping to the next deadline when the CPU waits
   */
  run(instructions: number, jump = true): RunEnd {
    const { clock, engine } = this.board;
    this.stopping = false;
    let left = instructions;
    let jumps = 0;
    while (left > 0) {
      if (clock.next <= clock.now) clock.advanceTo(clock.now);
      clock.limit = clock.next;
      const budget = Math.min(left, SLICE, clock.instructionsUntil(clock.next));
      clock.elapsed = () => engine.executed;
      const why = engine.run(budget);
      const executed = engine.executed;
      const now = clock.now;
      clock.elapsed = () => 0;
      clock.limit = -Infinity;
      clock.advanceTo(now);
      this.instructions += executed;
      left -= executed;
      if (this.end !== undefined) return this.taken();
      if (this.stopAsked()) return 'stopped';
      if (why === 'wait' && this.cpu.waiting) {
        if (this.nothingWillHappen()) return 'idle';
        if (!jump) return 'waiting';
        clock.advanceTo(clock.next);
        // A timer that nobody listens to may fire for ever: the caller wants to look at the host now and then.
        if (executed === 0 && ++jumps === JUMPS) return 'budget';
      }
    }
    return 'budget';
  }

  /** No deadline, or only the one at which a device that takes no input is asked again: it will not without the CPU. */
  private nothingWillHappen(): boolean {
    const { clock } = this.board;
    if (clock.next < this.poll.deadline) return false;
    return clock.next === Infinity || (this.blocked && this.inputs.dueAfter(this.now) === Infinity);
  }
  /** The last time that it was asked, a device took nothing of what waits for it. */
  private blocked = false;

  /** Whether `stop` was called since the run began. */
  private stopAsked(): boolean {
    return this.stopping;
  }

  private taken(): RunEnd {
    const end = this.end ?? 'stopped';
    this.end = undefined;
    if (end === 'reset') this.reset();
    return end;
  }

  /** 128 bits in hexadecimal over registers, memory and time; equal machines have equal hashes. Cheap when little changed. */
  hash(): string {
    const block = new Uint32Array(this.cpu.memory.buffer, this.cpu.base, CpuLayout.size / 4);
    const [a, b] = this.ramHash.update(() => this.cpu.listener?.droppedAll());
    const [c, d] = this.registerHash(block);
    return [a, b, c, d].map((n) => n.toString(16).padStart(8, '0')).join('');
  }

  /** Registers without what engines keep for themselves: the slice's count, exits, derived words, scratch. */
  private registerHash(block: Uint32Array): readonly [number, number] {
    const copy = block.slice();
    copy.fill(0, CpuLayout.remaining >> 2, CpuLayout.exclusiveOpen >> 2);
    copy.fill(0, CpuLayout.tlb >> 2, CpuLayout.bigEndian >> 2);
    copy.fill(0, (CpuLayout.x + 8 * 33) >> 2, CpuLayout.pc >> 2);
    copy.fill(0, (CpuLayout.v + 16 * 32) >> 2, CpuLayout.cells >> 2);
    copy[CpuLayout.exclusiveHost >> 2] = 0;
    if (copy[CpuLayout.exclusiveOpen >> 2] === 0)
      copy.fill(0, CpuLayout.exclusiveBytes >> 2, CpuLayout.tlb >> 2);
    const seed = (this.now % 2 ** 32) ^ Math.floor(this.now / 2 ** 32);
    return hashWords(copy, 0, copy.length, seed);
  }

  private readonly psci: PsciHost = {
    argument: (_cpu, register) => this.cpu.state.x(register),
    setResult: (_cpu, value) => {
      this.cpu.state.setX(0, value);
    },
    cpuOf: (affinity) => (affinity === (mpidr(0) & 0xff_00ff_ffffn) ? 0 : -1),
    isOn: () => true,
    start: () => undefined,
    stopCpu: () => {
      this.finish('off');
    },
    suspend: () => {
      this.cpu.waitForInterrupt();
    },
    powerOff: () => {
      this.finish('off');
    },
    reset: () => {
      this.finish('reset');
    },
  };

  private finish(end: RunEnd): void {
    this.end = end;
    this.engine.stop();
  }
}

/** Makes a machine, powered on with nothing loaded. Throws a `ConfigurationError`. */
export function createMachine(config: MachineConfig, options: MachineOptions = {}): Machine {
  return new Machine(config, options);
}

/** The machine that `save` described, on the same configuration. Throws a `StateError` that names the field. */
export function restoreMachine(config: MachineConfig, saved: Plain, options: MachineOptions = {}): Machine {
  return new Machine(config, options, fromPlain(config, saved));
}
