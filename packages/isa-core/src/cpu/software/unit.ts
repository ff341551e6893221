// Where a CPU meets software in TypeScript: fetches from its pages, calls, and how it leaves. One for each CPU that has some.
// See the architecture's notes on privileged software; nothing here knows a level as special.

import { Access } from '@worldswitch/mmu';
import { SoftwareEntry } from '@worldswitch/platform';
import type { Leave, Pa, Plain, PrivilegedSoftware, SoftwareCounts } from '@worldswitch/platform';

import { InstructionEnded } from '../../reference/host.ts';
import type { Cpu } from '../cpu.ts';
import { exceptionReturn } from '../exceptions.ts';
import type { ExceptionRecord } from '../exceptions.ts';
import { handlers } from '../handlers.ts';
import { raise } from '../raise.ts';
import { DAIF } from '../state.ts';
import { exceptions, isEntry } from './entries.ts';
import { switchedOff } from './errors.ts';
import type { SoftwareError } from './errors.ts';
import { Port } from './port.ts';

/** One piece of software and its page, the same for all CPUs. */
export interface AttachedSoftware {
  /** For messages. */
  readonly name: string;
  /** The physical address of its page of 4 KiB. */
  readonly page: Pa;
  /** The software itself. A reset may exchange it. */
  software: PrivilegedSoftware<Plain>;
  /** What it did, on all CPUs. */
  readonly counts: SoftwareCounts;
}

/** Who wants to know what happens while software runs. */
export interface SoftwareSurroundings {
  /** Software failed; the run must end. Where this is not given, the error is thrown out of the engine. */
  readonly failed?: (error: SoftwareError) => void;
  /** Instructions were retired in the middle of a call: what is due by now may happen. */
  readonly timePassed?: () => void;
  /** True when firmware was asked for the end of the run: a call that asked does not go on. */
  readonly over?: () => boolean;
}

/** WFI, as HCR_EL2.TWI's syndrome needs it. */
const WFI = 0xd503_207f;
/** Port operations and instructions of one call, before it counts as one that never ends. */
const MOST_OPERATIONS = 1 << 24;
const MOST_INSTRUCTIONS = 1 << 30;

/** Software of one CPU. */
export class SoftwareUnit {
  readonly cpu: Cpu;
  private readonly ports: readonly Port[];
  private readonly surroundings: SoftwareSurroundings;
  /** Where the last fetch was from. */
  private fetched: Port | undefined;
  private offset = 0;
  /** An operation is executed now; what it would take to its own level is `caught`, what it took to a higher one `taken`. */
  private executing = false;
  caught: ExceptionRecord | undefined;
  taken = false;
  private operations = 0;
  /** Instructions, or units of cost, that the call may still spend. */
  private left = 0;
  /** The CPU or the machine was switched off under the call. */
  private ended = false;
  private broken: SoftwareError | undefined;

  constructor(cpu: Cpu, attached: readonly AttachedSoftware[], surroundings: SoftwareSurroundings) {
    this.cpu = cpu;
    this.surroundings = surroundings;
    this.ports = attached.map((one) => new Port(cpu, this, one));
  }

  /** True for a physical address in a page of software, which is then where the last fetch was from. */
  holds(pa: number): boolean {
    const offset = pa % 4096;
    this.offset = offset;
    for (const port of this.ports) {
      if (port.attached.page !== pa - offset) continue;
      this.fetched = port;
      return true;
    }
    this.fetched = undefined;
    return false;
  }

  /** The page of addresses that software was entered in last. */
  private lastLo = 0;
  private lastHi = -1;
  /** True where the PC is likely in a page of software: an engine that steps there need not find out by a fetch of its own. */
  get isLikely(): boolean {
    const { state } = this.cpu;
    return (state.pcLo & ~0xfff) === this.lastLo && state.pcHi === this.lastHi && state.el > 0;
  }

  /** Does what the instruction at the PC is, which was fetched from a page of software: -1 when it is done, UDF where there is none. */
  enter(): number {
    const { fetched: port, offset, cpu } = this;
    if (port === undefined) return 0;
    this.lastLo = cpu.state.pcLo & ~0xfff;
    this.lastHi = cpu.state.pcHi;
    if (offset === SoftwareEntry.wait) this.waitLoop();
    else if (offset === SoftwareEntry.wait + 4) cpu.state.pc -= 4n;
    else if (isEntry(offset)) this.callFromOutside(port, offset);
    else return 0;
    return -1;
  }

  private callFromOutside(port: Port, offset: number): void {
    this.operations = 0;
    // What is left of a slice is a number of 32 bits.
    this.left = MOST_INSTRUCTIONS;
    this.ended = false;
    try {
      this.call(port, offset, false);
    } catch (thrown) {
      // What asked for the end was the last instruction: the one that would leave is not executed.
      if (thrown === switchedOff) this.cpu.slice.retire(-1);
      else this.broken ??= port.failure(thrown);
    }
    const { broken } = this;
    if (broken === undefined) return;
    this.broken = undefined;
    if (this.surroundings.failed === undefined) throw broken;
    this.surroundings.failed(broken);
  }

  /** WFI at the page's waiting place; the branch back is part of it unless it is trapped. */
  private waitLoop(): void {
    this.cpu.word = WFI;
    handlers['wfi']?.(this.cpu, []);
  }

  /** Runs software from an entry until it leaves. */
  private call(port: Port, offset: number, nested: boolean): void {
    const { software, counts } = port.attached;
    const index = offset < SoftwareEntry.boot ? offset >>> 7 : offset === SoftwareEntry.boot ? 16 : 17;
    counts.calls[index] = (counts.calls[index] ?? 0) + 1;
    const exception = exceptions[index];
    const before = port.begin(offset);
    const { slice } = this.cpu;
    if (slice.costs?.software !== undefined) slice.retire(0, slice.costs.software.call);
    try {
      const leave = exception
        ? software.take(exception, port)
        : index === 16
          ? software.boot(port)
          : software.task?.(port);
      if (leave === undefined) throw new Error('it has no task');
      this.leave(port, leave, nested);
    } catch (thrown) {
      if (thrown === switchedOff) throw thrown;
      throw (this.broken ??= port.failure(thrown));
    } finally {
      port.end(before);
    }
  }

  private leave(port: Port, how: Leave, nested: boolean): void {
    const { cpu } = this;
    const { counts } = port.attached;
    counts.instructions++;
    if (how === 'eret') {
      if (port.level === 0) throw new Error('it left with ERET at EL0');
      counts.erets++;
      exceptionReturn(cpu);
      return;
    }
    if (nested)
      throw new Error(
        `it left with ${how} though it served an operation of other software, which cannot be resumed`,
      );
    if (how === 'wait') {
      counts.waits++;
      if (port.level > 0) cpu.state.daif &= DAIF.D;
      port.goTo(SoftwareEntry.wait);
      cpu.interruptsChanged();
    } else if (port.level === 0) {
      counts.environmentCalls++;
      port.goTo(SoftwareEntry.task - 4);
      raise(cpu, 'svc', 0);
    } else throw new Error(`it left with ${how} at EL${port.level}`);
  }

  /** For `takeException`: true where an exception to the level of the software whose operation is executed is not to be taken. */
  catches(e: ExceptionRecord): boolean {
    if (!this.executing) return false;
    if (e.el === this.cpu.state.el) {
      this.caught = e;
      return true;
    }
    this.taken = true;
    return false;
  }

  /** Executes an instruction on behalf of software: true where nothing was caught or taken. */
  attempt(run: () => void): boolean {
    this.caught = undefined;
    this.taken = false;
    this.executing = true;
    try {
      run();
    } catch (thrown) {
      if (!(thrown instanceof InstructionEnded)) throw thrown;
    } finally {
      this.executing = false;
    }
    // A standby of the firmware's may end at once, and must: JavaScript cannot wait.
    if (!this.cpu.off) this.cpu.waiting = false;
    this.ended = this.cpu.off || this.surroundings.over?.() === true;
    return this.nothingHappened();
  }

  private nothingHappened(): boolean {
    return this.caught === undefined && !this.taken;
  }

  /** Runs the software of the level that took the exception of an operation, until it returns. */
  serve(port: Pick<Port, 'attached'>, what: string): void {
    const { cpu } = this;
    const { pc, el } = cpu.state;
    const pa = cpu.translator.translate(pc, Access.Execute, false, false);
    const found = pa >= 0 && this.holds(pa) ? this.fetched : undefined;
    if (found === undefined || !isEntry(this.offset)) {
      throw new Error(
        `${what} is intercepted by EL${el}, whose vector 0x${pc.toString(16)} is no software in TypeScript: it can only be served by such`,
      );
    }
    port.attached.counts.intercepted++;
    found.attached.counts.nested++;
    this.call(found, this.offset, true);
    this.retire(1, cpu.slice.costs?.least ?? 1);
  }

  /** Instructions are over, which cost so many units. */
  retire(instructions: number, units: number): void {
    this.left -= units;
    const most = ++this.operations > MOST_OPERATIONS || this.left < 0;
    if (!most) this.cpu.slice.retire(instructions, units);
    if (this.ended) throw switchedOff;
    if (most) throw new Error('it goes on and on and does not leave');
    this.surroundings.timePassed?.();
  }
}

/** Attaches software to CPUs: from now on it is what they fetch from its pages. */
export function attachSoftware(
  cpus: readonly Cpu[],
  attached: readonly AttachedSoftware[],
  surroundings: SoftwareSurroundings = {},
): void {
  for (const cpu of cpus) cpu.software = new SoftwareUnit(cpu, attached, surroundings);
}
