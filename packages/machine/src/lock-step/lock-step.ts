// Two engines in lock-step: the machine runs some instructions, another of the same state runs the same on the reference engine,
// and both are compared. The first difference ends it, and is told with the instruction that made it where that can be found.

import { disassemble } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import type { Pa, Plain } from '@worldswitch/platform';

import type { MachineConfig } from '../config/config.ts';
import { restoreMachine } from '../machine.ts';
import type { Machine, MachineOptions, RunEnd } from '../machine.ts';
import { Comparison } from './compare.ts';

/** How two engines go together. */
export interface LockStepOptions {
  /** Instructions between two comparisons; 1 unless given. */
  readonly every?: number | undefined;
  /** What is behind the other machine's devices, which must not be what is behind the machine's. */
  readonly outside?: Pick<MachineOptions, 'disks' | 'networks'> | undefined;
}

/** The first difference. */
export interface Difference {
  /** Instructions before those that made it. */
  readonly after: number;
  /** The number of those: 1, or the distance of comparisons. */
  readonly within: number;
  /** The instruction: CPU, address, word and text; missing where several could have been. */
  readonly culprit?: string | undefined;
  /** What differs. */
  readonly what: readonly string[];
}

/** Dirty pages that are compared again and again before all are made clean. */
const DIRTY = 64;
/** Instructions between two states to which the search for an instruction can go back. */
const CHECKPOINT = 2_000_000;

/** A place to go back to. */
interface Checkpoint {
  readonly state: Plain;
  readonly instructions: number;
  /** Inputs that came before it. */
  readonly inputs: number;
}

/** A machine and its shadow on the reference engine. The machine must record what comes from outside. */
export class LockStep {
  readonly machine: Machine;
  /** Does the same on the reference engine. */
  readonly shadow: Machine;
  /** The first difference: nothing runs any more. */
  difference: Difference | undefined;
  /** Comparisons that found nothing. */
  compared = 0;
  private readonly config: MachineConfig;
  private readonly options: LockStepOptions;
  private readonly every: number;
  private readonly comparison: Comparison;
  /** Inputs that the shadow knows of. */
  private known: number;
  private checkpoint: Checkpoint;

  /**
   * @param config - the machine's
   * @param machine - which may have run before
   */
  constructor(config: MachineConfig, machine: Machine, options: LockStepOptions = {}) {
    this.machine = machine;
    this.config = config;
    this.options = options;
    this.every = options.every ?? 1;
    this.known = machine.recorded.length;
    this.checkpoint = this.taken();
    this.shadow = this.restored({ ...config, engine: 'reference', engineOptions: {} });
    this.comparison = new Comparison(machine, this.shadow);
  }

  private taken(): Checkpoint {
    const { machine, known } = this;
    return { state: machine.save(), instructions: machine.instructions, inputs: known };
  }

  private restored(config: MachineConfig): Machine {
    return restoreMachine(config, this.checkpoint.state, { ...this.options.outside, record: false });
  }

  /** Runs both, as `Machine.run` does; `stopped` where they differ. */
  run(instructions: number, jump = true, until: number = Number.POSITIVE_INFINITY): RunEnd {
    const { machine } = this;
    const last = machine.instructions + instructions;
    while (machine.instructions < last) {
      const end = this.step(Math.min(this.every, last - machine.instructions), jump, until);
      if (this.difference !== undefined) return 'stopped';
      if (end !== 'budget' || machine.now >= until) return end;
    }
    return 'budget';
  }

  /** Lets virtual time pass on both. */
  pass(nanoseconds: number): void {
    this.tell(this.shadow);
    this.machine.pass(nanoseconds);
    this.shadow.pass(nanoseconds);
  }

  private step(most: number, jump: boolean, until: number): RunEnd {
    const { machine, shadow, comparison } = this;
    const after = machine.instructions;
    const before = machine.cpus.map((cpu) => instructionAt(cpu));
    const counts = machine.cpus.map((cpu) => cpu.counters.instructions);
    const end = machine.run(most, jump, until);
    this.tell(shadow);
    const executed = machine.instructions - after;
    // What stopped the machine came from outside, and stops the shadow after as many instructions.
    const otherEnd =
      end === 'stopped' ? (executed === 0 ? end : shadow.run(executed)) : shadow.run(most, jump, until);
    const what = [
      ...comparison.registers(),
      ...(end === otherEnd || end === 'stopped'
        ? []
        : [`the run ended: ${end}, on the other engine ${otherEnd}`]),
      ...(machine.now === shadow.now
        ? []
        : [`virtual time: ${machine.now}, on the other engine ${shadow.now}`]),
      ...(machine.instructions === shadow.instructions
        ? []
        : [`instructions: ${machine.instructions}, on the other engine ${shadow.instructions}`]),
    ];
    const pages = comparison.dirtyPages();
    what.push(...comparison.memory(pages));
    this.compared++;
    if (what.length === 0 && pages.length > DIRTY) what.push(...this.clean());
    if (what.length === 0) return end;
    const ran = machine.cpus.findIndex((cpu, i) => cpu.counters.instructions !== counts[i]);
    const culprit = executed === 1 ? before[ran]?.() : undefined;
    const found = culprit === undefined ? this.found(after) : undefined;
    this.difference = found ?? { after, within: executed, ...(culprit !== undefined && { culprit }), what };
    return end;
  }

  /** Compares what is compared now and then: all of memory, devices. Takes a checkpoint when it is time. */
  private clean(): readonly string[] {
    const { machine, shadow, comparison } = this;
    const what = [...(machine.hash() === shadow.hash() ? [] : ['memory: its hash']), ...comparison.parts()];
    if (what.length === 0 && machine.instructions - this.checkpoint.instructions >= CHECKPOINT)
      this.checkpoint = this.taken();
    return what;
  }

  /** Compares everything once more: at the end. */
  finish(): Difference | undefined {
    if (this.difference !== undefined) return this.difference;
    const what = this.clean();
    if (what.length > 0)
      this.difference = {
        after: this.checkpoint.instructions,
        within: this.machine.instructions - this.checkpoint.instructions,
        what,
      };
    return this.difference;
  }

  /** Inputs that the machine got meanwhile, at their times. */
  private tell(shadow: Machine): void {
    const inputs = this.machine.recorded.slice(this.known);
    this.known += inputs.length;
    if (inputs.length > 0) shadow.replay(inputs);
  }

  /** Goes there again from the checkpoint, the last part instruction by instruction: what has been compiled is not the same then. */
  private found(after: number): Difference | undefined {
    const inputs = this.machine.recorded.slice(this.checkpoint.inputs);
    const again = this.restored(this.config);
    again.replay(inputs);
    while (again.instructions < after) {
      const end = again.run(Math.min(this.every, after - again.instructions));
      if (end !== 'budget') return undefined;
    }
    const steps = new LockStep(this.config, again, { outside: this.options.outside, every: 1 });
    steps.run(this.every + 1);
    return steps.difference;
  }
}

/** Tells the instruction that a CPU is at, when it is asked: before it is executed it can be read without a trace. */
function instructionAt(cpu: Cpu): () => string {
  const { pc, el } = cpu.state;
  return () => {
    const pa = cpu.translator.translate(pc, 2, false, false);
    const host = pa < 0 ? -1 : cpu.bus.host(pa as Pa);
    const where = `CPU ${cpu.index} at EL${el}, PC 0x${pc.toString(16)}`;
    if (host < 0) return where;
    const word = new DataView(cpu.memory.buffer).getUint32(host, true);
    return `${where}: ${word.toString(16).padStart(8, '0')}  ${disassemble(word, Number(pc)) ?? 'no instruction'}`;
  };
}
