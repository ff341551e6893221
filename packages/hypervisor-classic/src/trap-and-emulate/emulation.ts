// What the emulation of an instruction works on: the exit's vCPU, its VM, and where the guest is. One for each CPU of the host, reused.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { steps } from './debug.ts';
import { takeSynchronous, takeUndefined } from './exceptions.ts';
import { Frame, Spsr } from './frame.ts';
import type { VirtualCpu } from './virtual-cpu.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/** What emulation asks of the hypervisor. */
export interface EmulationHost {
  /** The vCPU waits for an interrupt. */
  wait(vcpu: VirtualCpu): void;
  /** It may go on, but others may, too. */
  yield(): void;
  /** Another vCPU exits before its next instruction. */
  kick(vcpu: VirtualCpu): void;
  /** HVC: PSCI, or nothing. */
  call(port: CpuPort, vm: VirtualMachine, vcpu: VirtualCpu): void;
  /** The VM cannot go on, and its console says why; others do. */
  end(vm: VirtualMachine, reason: string): void;
}

/** EC of a trapped MSR, MRS or system instruction. */
const SYSTEM = 0x18;

/** EC of software step from EL0; ISV and IFSC of one whose instruction was stepped. */
const SOFTWARE_STEP = 0x32;
const STEPPED = (1 << 24) | 0x22;

/** The circumstances of one exit. */
export class Emulation {
  readonly host: EmulationHost;
  readonly frame: Frame = new Frame();
  /** The value that is moved. */
  readonly value: Word64 = { lo: 0, hi: 0 };
  /** The instruction. */
  word = 0;
  /** The guest's own instruction where it is known, though its text has another one there; -1 otherwise. */
  original = -1;
  /** Controls of the hardware must be looked at again: the level or a register that they follow has changed. */
  stale = true;
  /** The instruction is counted as retired: by the hardware, as what exited for it was, or already here. */
  retired = false;
  private entered: CpuPort | undefined;
  private machine: VirtualMachine | undefined;
  private cpu: VirtualCpu | undefined;

  constructor(host: EmulationHost) {
    this.host = host;
  }

  /** An exit, or another entry, begins. */
  begin(port: CpuPort): void {
    this.entered = port;
    this.original = -1;
    this.retired = false;
    this.frame.begin(port);
  }

  /** The vCPU that it is about. */
  of(vm: VirtualMachine, vcpu: VirtualCpu): void {
    this.machine = vm;
    this.cpu = vcpu;
  }

  get port(): CpuPort {
    if (this.entered === undefined) throw new Error('the machine is reached during entries only');
    return this.entered;
  }
  get vm(): VirtualMachine {
    if (this.machine === undefined) throw new Error('no VM runs');
    return this.machine;
  }
  get vcpu(): VirtualCpu {
    if (this.cpu === undefined) throw new Error('no vCPU runs');
    return this.cpu;
  }

  /** The instruction retires. */
  retire(): void {
    const { monitors, level } = this.vcpu;
    if (monitors.counting && !this.retired) monitors.retire(this.port, level);
    this.retired = true;
  }

  /** The instruction is done. */
  next(): void {
    this.retire();
    const { frame, vcpu } = this;
    const stepped = vcpu.stepping && (frame.spsr & Spsr.SS) !== 0;
    frame.skip();
    if (!stepped) return;
    frame.setSpsr(frame.spsr & ~Spsr.SS);
    if (steps(vcpu, vcpu.level, vcpu.daif)) this.raise(SOFTWARE_STEP, STEPPED, undefined, SOFTWARE_STEP + 1);
  }

  /** A synchronous exception to the guest's EL1, whose class from EL1 is `same`. */
  raise(ec: number, iss: number, far?: Readonly<Word64>, same: number = ec): void {
    takeSynchronous(this.port, this.vcpu, this.frame, ec, iss, far, same);
    this.stale = true;
  }

  /** UNDEFINED. */
  undefined(): void {
    takeUndefined(this.port, this.vcpu, this.frame);
    this.stale = true;
  }

  /** The guest's own control traps the access from EL0: the syndrome is that of the instruction (DDI 0487 D17.2.37). */
  trapped(): void {
    this.raise(SYSTEM, syndromeOf(this.word));
  }
}

/** ISS of MSR, MRS and system instructions from their encoding. */
function syndromeOf(word: number): number {
  const op0 = (word >>> 19) & 3;
  const op1 = (word >>> 16) & 7;
  const crn = (word >>> 12) & 15;
  const crm = (word >>> 8) & 15;
  const op2 = (word >>> 5) & 7;
  const rt = word & 31;
  const read = (word >>> 21) & 1;
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | read;
}

/** The counterpart: the instruction of a syndrome, which says everything. */
export function wordOf(iss: number): number {
  const op0 = (iss >>> 20) & 3;
  const op2 = (iss >>> 17) & 7;
  const op1 = (iss >>> 14) & 7;
  const crn = (iss >>> 10) & 15;
  const rt = (iss >>> 5) & 31;
  const crm = (iss >>> 1) & 15;
  const read = iss & 1;
  return (
    (0xd500_0000 | (read << 21) | (op0 << 19) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5) | rt) >>>
    0
  );
}
