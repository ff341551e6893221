// A machine: a board, what is loaded into it, virtual time, the outside world through recorded inputs.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { CpuLayout } from '@worldswitch/isa-core';
import type { Cpu, SoftwareError } from '@worldswitch/isa-core';
import { Reset, SoftwareEntry, StateError } from '@worldswitch/platform';
import type { Engine, Pa, Plain, Timer } from '@worldswitch/platform';

import { buildBoard } from './board/board.ts';
import type { Board } from './board/board.ts';
import type { BoardSoftware } from './board/software.ts';
import type { SystemBus } from './bus/bus.ts';
import { checkConfig } from './config/config.ts';
import type { MachineConfig } from './config/config.ts';
import { ConfigurationError } from './errors.ts';
import { ExceptionWatch } from './exception-watch.ts';
import { psciOf } from './firmware/psci-host.ts';
import { psciCall } from './firmware/psci.ts';
import { hashWords, MemoryHash } from './hash.ts';
import { findPowerButton, InputQueue } from './input.ts';
import type { InputRecord } from './input.ts';
import { placeBoot } from './load/boot.ts';
import type { BootImages, Placed } from './load/boot.ts';
import { fromPlain, loadRam, saveRam, toPlain } from './snapshot/snapshot.ts';
import type { MachineState } from './snapshot/snapshot.ts';
import { QUANTUM, Turns } from './turns.ts';

/** Why a run ended. */
export type RunEnd =
  /** The instructions that were asked for are executed. */
  | 'budget'
  /** All CPUs wait, no timer is armed and no input is queued: nothing will ever happen by itself. */
  | 'idle'
  /** The guest switched the machine off. */
  | 'off'
  /** The guest asked for a reset. */
  | 'reset'
  /** All CPUs wait for the next deadline, and `run` was told not to jump there. */
  | 'waiting'
  /** The guest takes one exception after the other and its vectors lead nowhere: see `report`. */
  | 'dead'
  /** `stop` was called. */
  | 'stopped';

/** Options that have nothing to do with the board. */
export interface MachineOptions {
  /** A device's console sent bytes. */
  readonly output?: (device: string, byte: number) => void;
  /** Disks by the names of the devices that have them. A snapshot holds those in memory; files it only refers to. */
  readonly disks?: Readonly<Record<string, DiskBackend>> | undefined;
  /** What is at the other end of network cards' cables, by the names of the cards. */
  readonly networks?: Readonly<Record<string, NetworkPeerFactory>> | undefined;
  /** False keeps no record of what comes from outside, which is as long as all of it together. */
  readonly record?: boolean;
  /** Something that the guest used is not modelled: told once for each. */
  readonly warn?: (line: string) => void;
}

/** Instructions of a slice when no deadline is near. */
const SLICE = 10_000_000;
/** The largest budget of an engine. */
const MOST = 2 ** 30;
/** Jumps of a run in which nothing is executed. */
const JUMPS = 10_000;

/** A machine. */
export class Machine {
  readonly board: Board;
  readonly options: MachineOptions;
  /** What software in TypeScript failed with: nothing is executed any more, and `run` returns `dead`. */
  failure: SoftwareError | undefined;
  /** Instructions executed since power-on. */
  instructions = 0;
  private readonly inputs: InputQueue;
  private readonly ramHash: MemoryHash;
  private readonly watches: readonly ExceptionWatch[];
  private readonly turns: Turns;
  private boot: Placed | undefined;
  private end: RunEnd | undefined;
  private stopping = false;
  /** An engine runs. */
  private executing = false;
  private readonly poll: Timer;

  /** Use `createMachine` or `restoreMachine`. */
  constructor(config: MachineConfig, options: MachineOptions = {}, saved?: MachineState) {
    this.options = options;
    const psci = psciOf({
      cpus: () => this.cpus,
      resetCpu: (index) => {
        this.board.gic.resetCpu?.(index);
      },
      end: (how) => {
        this.finish(how);
      },
    });
    this.board = buildBoard(
      checkConfig(config),
      {
        firmware: {
          call: (cpu, by) => {
            if (by !== (this.board.config.el2 ? 'smc' : 'hvc')) return false;
            psciCall(psci, cpu);
            return true;
          },
        },
        failed: (error) => {
          this.failure = error;
          this.finish('dead');
        },
        over: () => this.end !== undefined,
        output: (device, byte) => options.output?.(device, byte),
        disks: options.disks,
        networks: options.networks,
      },
      saved?.parts,
    );
    this.inputs = new InputQueue(this.board.devices, options.record);
    this.ramHash = new MemoryHash(this.board.ram);
    this.watches = this.cpus.map(
      (cpu) =>
        new ExceptionWatch(
          cpu,
          () => {
            this.lost = cpu.index;
            this.finish('dead');
          },
          (line) => options.warn?.(line),
        ),
    );
    this.turns = new Turns(this.cpus, QUANTUM * (this.board.costs?.perCycle ?? 1), saved?.turns);
    this.poll = this.board.clock.timer((now) => {
      this.deliver(now);
    });
    if (saved) this.resume(saved);
    else this.powerOn(this.bootSoftware === undefined ? 0 : this.bootSoftware.page + SoftwareEntry.boot, 0);
  }

  private resume(saved: MachineState): void {
    loadRam(this.board.ram, saved.ram);
    saved.cpus.forEach((state, i) => this.cpus[i]?.restore(state));
    this.instructions = saved.instructions;
    this.moveMonitors(this.board.ram.offset);
    this.boot = saved.boot;
    for (const [i, input] of saved.inputs.entries()) {
      if (!this.inputs.takes(input.device))
        throw new StateError(`inputs[${i}].device`, 'must be a device that receives characters');
      this.inputs.schedule(input);
    }
    this.poll.armAt(saved.poll);
  }

  /** An exclusive monitor's address is a host offset: in a snapshot it is relative to RAM. */
  private moveMonitors(by: number): void {
    for (const { state } of this.cpus) {
      if (state.word(CpuLayout.exclusiveOpen) !== 0) {
        state.setWord(CpuLayout.exclusiveHost, state.word(CpuLayout.exclusiveHost) + by);
      }
    }
  }

  /** The whole machine as plain data. Between runs only. */
  save(): Plain {
    const { gic, timer, devices, wires, software, config, ram } = this.board;
    this.moveMonitors(-ram.offset);
    const cpus = this.cpus.map((cpu) => cpu.save());
    this.moveMonitors(ram.offset);
    return toPlain(config, {
      parts: {
        now: this.now,
        fraction: this.board.clock.fraction,
        gic: gic.save(),
        timer: timer.save(),
        devices: Object.fromEntries(devices.map((d) => [d.name, d.device.save()])),
        wires: Object.fromEntries([...wires].map(([name, wire]) => [name, wire.level])),
        software: Object.fromEntries(software.map(({ name, software: own }) => [name, own.save()])),
      },
      cpus,
      turns: this.turns.save(),
      ram: saveRam(ram),
      instructions: this.instructions,
      inputs: this.inputs.waiting,
      poll: this.poll.deadline,
      boot: this.boot,
    });
  }

  get cpus(): readonly Cpu[] {
    return this.board.cpus;
  }
  /** The first CPU. */
  get cpu(): Cpu {
    const [first] = this.board.cpus;
    if (first === undefined) throw new RangeError('a machine has a CPU');
    return first;
  }
  get bus(): SystemBus {
    return this.board.bus;
  }
  /** The engines of the CPUs, in their order. */
  get engines(): readonly Engine[] {
    return this.board.engines;
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

  /** Puts pieces where they say, for a boot loader of one's own, and the CPU at its entry. Throws a `ConfigurationError`. */
  place(placed: Placed): void {
    this.boot = placed;
    this.enter(placed);
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
    const software = this.bootSoftware;
    this.powerOn(software === undefined ? boot.entry : software.page + SoftwareEntry.boot, boot.x0);
    this.turns.reset();
  }

  /** What CPUs are powered on into, where it is software in TypeScript. */
  private get bootSoftware(): BoardSoftware | undefined {
    return this.board.software.find(({ checked }) => checked.boot);
  }
  private powerOn(pc: number, x0: number): void {
    for (const cpu of this.cpus) cpu.reset({ pc: BigInt(pc), el: cpu.highestEl, x0: BigInt(x0) });
    this.parkSecondaries();
  }

  /** Firmware starts the other CPUs when it is asked to; where there is none, all start at once. */
  private parkSecondaries(): void {
    if (!this.board.config.psci) return;
    for (const cpu of this.cpus) if (cpu.index > 0) cpu.switchOff();
  }

  /** Reset as the guest's PSCI asks for it: all devices, then the first CPU at the kernel's entry with fresh images. */
  reset(): void {
    const parts = [this.board.gic, this.board.timer, ...this.board.devices.map((d) => d.device)];
    for (const phase of [Reset.Enter, Reset.Hold, Reset.Exit]) for (const part of parts) part.reset(phase);
    for (const software of this.board.software) software.reset();
    if (this.boot) this.enter(this.boot);
    else if (this.bootSoftware) this.powerOn(this.bootSoftware.page + SoftwareEntry.boot, 0);
  }

  /** Queues bytes for a serial device; they enter at the current virtual time, or after the instruction that is executed, and are recorded. */
  type(device: string, bytes: Uint8Array): void {
    // An answer to what an instruction does comes after that instruction, in a replay as now.
    const at = this.now + (this.executing ? this.board.config.nanosecondsPerInstruction : 0);
    this.inputs.push({ at, device, bytes });
    this.poll.armAt(at);
  }
  /** Presses the power button, which the guest sees as a key; recorded as what is typed is. False where the board has none. */
  powerButton(): boolean {
    const button = findPowerButton(this.board.devices);
    if (button) this.type(button.device, Uint8Array.of(button.key));
    return button !== undefined;
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
    this.stopEngines();
  }

  /** Virtual nanoseconds until the next deadline, or `Infinity`. */
  get untilDeadline(): number {
    return this.board.clock.next - this.now;
  }
  /** The first virtual time at which it does anything by itself: now, the next deadline, or never (`Infinity`). */
  get nextActivity(): number {
    if (this.cpus.some((cpu) => !cpu.waiting)) return this.now;
    return this.nothingWillHappen() ? Infinity : Math.max(this.now, this.board.clock.next);
  }
  /** Lets virtual time pass while the CPU waits. */
  pass(nanoseconds: number): void {
    this.board.clock.advanceTo(this.now + nanoseconds);
  }
  /** What the guest's exceptions were like, in words: for a guest that got lost. */
  report(): string {
    if (this.failure !== undefined) return this.failure.message;
    const report = this.watches[this.lost]?.report() ?? '';
    return this.cpus.length === 1 ? report : `CPU ${this.lost}: ${report}`;
  }

  /**
   * Runs at most `instructions`. A machine that only jumps from deadline to deadline returns `budget` early.
   *
   * @param jump - false to return `waiting` instead of jumping to the next deadline when the CPU waits
   * @param until - the virtual time at which it returns `budget`, with the first instruction that ends then or later
   */
  run(instructions: number, jump = true, until: number = Number.POSITIVE_INFINITY): RunEnd {
    const { clock } = this.board;
    this.stopping = false;
    if (this.failure !== undefined) return 'dead';
    let left = instructions;
    let jumps = 0;
    while (left > 0) {
      if (clock.next <= clock.now) clock.advanceTo(clock.now);
      if (clock.now >= until) break;
      const index = this.turns.next();
      if (index < 0) {
        if (this.nothingWillHappen()) return 'idle';
        if (!jump) return 'waiting';
        clock.advanceTo(Math.min(clock.next, until));
        // A timer that nobody listens to may fire for ever: the caller wants to look at the host now and then.
        if (++jumps === JUMPS) return 'budget';
        continue;
      }
      left -= this.slice(index, Math.min(this.atMost(left), this.turns.most, clock.until(until)));
      if (this.end !== undefined) return this.taken();
      if (this.stopAsked()) return 'stopped';
    }
    return 'budget';
  }

  /** What engines may spend on so many instructions and not execute more of them: with costs it takes several slices to do all. */
  private atMost(instructions: number): number {
    return Math.min(instructions, SLICE) * (this.board.costs?.least ?? 1);
  }

  /** Runs one CPU until it waits, a deadline comes or `most` is spent; says how many instructions were executed. */
  private slice(index: number, most: number): number {
    const { clock, engines } = this.board;
    const engine = engines[index];
    if (engine === undefined) return 0;
    clock.limit = clock.next;
    const budget = Math.min(most, clock.until(clock.next), MOST);
    clock.elapsed = () => engine.spent;
    this.executing = true;
    engine.run(budget);
    this.executing = false;
    const { executed, spent } = engine;
    clock.elapsed = () => 0;
    clock.limit = -Infinity;
    clock.spend(spent);
    this.instructions += executed;
    const ran = this.cpus[index];
    if (ran) {
      ran.counters.instructions += executed;
      ran.counters.spent += spent;
    }
    this.turns.spend(spent);
    if (executed > 0) for (const cpu of this.cpus) if (cpu.index !== index) cpu.othersExecuted();
    return executed;
  }

  /** No deadline, or only the one at which a device that takes no input is asked again: it will not without the CPU. */
  private nothingWillHappen(): boolean {
    if (this.board.clock.nextBut(this.poll) !== Infinity) return false;
    return this.poll.deadline === Infinity || (this.blocked && this.inputs.dueAfter(this.now) === Infinity);
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
    const [a, b] = this.ramHash.update(() => {
      for (const cpu of this.cpus) cpu.listener?.droppedAll();
    });
    let [c, d] = [0, 0];
    for (const cpu of this.cpus) {
      const block = new Uint32Array(cpu.memory.buffer, cpu.base, CpuLayout.size / 4);
      [c, d] = this.registerHash(block, c, d);
    }
    return [a, b, c, d].map((n) => n.toString(16).padStart(8, '0')).join('');
  }

  /** Registers without what engines keep for themselves: the slice's count, exits, derived words, scratch. */
  private registerHash(block: Uint32Array, c: number, d: number): [number, number] {
    const copy = block.slice();
    copy.fill(0, CpuLayout.remaining >> 2, CpuLayout.exclusiveOpen >> 2);
    copy.fill(0, CpuLayout.tlb >> 2, CpuLayout.bigEndian >> 2);
    copy.fill(0, (CpuLayout.x + 8 * 33) >> 2, CpuLayout.pc >> 2);
    copy.fill(0, (CpuLayout.v + 16 * 32) >> 2, CpuLayout.cells >> 2);
    copy[CpuLayout.exclusiveHost >> 2] = 0;
    if (copy[CpuLayout.exclusiveOpen >> 2] === 0)
      copy.fill(0, CpuLayout.exclusiveBytes >> 2, CpuLayout.tlb >> 2);
    const fraction = Math.imul(this.board.clock.fraction, 0x9e37_79b9);
    const seed = (this.now % 2 ** 32) ^ Math.floor(this.now / 2 ** 32) ^ fraction;
    const [e, f] = hashWords(copy, 0, copy.length, seed ^ c);
    return [e, (f ^ Math.imul(d, 31)) >>> 0];
  }

  /** The CPU whose guest got lost. */
  private lost = 0;

  private finish(end: RunEnd): void {
    this.end = end;
    this.stopEngines();
  }

  private stopEngines(): void {
    for (const engine of this.engines) engine.stop();
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
