// A virtual CPU: its registers while it is on no CPU, its timers, and whether it wants to run.

import { flag, record } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';
import { Context, contextShape, VirtualTimer, virtualTimerShape } from '@worldswitch/vmm';
import type { ContextState, HostTimer, TimerWires, VirtualTimerState, VmClock } from '@worldswitch/vmm';

import { ImplementationDefined, implementationDefinedShape } from './implementation-defined.ts';
import type { ImplementationDefinedState } from './implementation-defined.ts';

/** What is saved. */
export type VcpuState = Readonly<{
  on: boolean;
  waiting: boolean;
  context: ContextState;
  timer: VirtualTimerState;
  implementation: ImplementationDefinedState;
}>;

/** How it is checked. */
export const vcpuShape: Shape<VcpuState> = record<VcpuState>({
  on: flag,
  waiting: flag,
  context: contextShape,
  timer: virtualTimerShape,
  implementation: implementationDefinedShape,
});

/** EL1h, with D, A, I and F masked: how a CPU comes out of reset. */
const RESET_PSTATE = 0x3c5;
/** SCTLR_EL1 out of reset: the RES1 bits, MMU and caches off. */
const RESET_SCTLR = 0x30d0_0800;

/** What a vCPU is made with. */
export interface VcpuParts {
  readonly host: HostTimer;
  readonly clock: VmClock;
  readonly wires: TimerWires;
  /** How many vCPUs its VM has. */
  readonly cores: number;
}

/** One of a VM's CPUs. */
export class Vcpu {
  /** Its number among all of the host's. */
  readonly id: number;
  /** The number of its VM, and its own in that. */
  readonly vm: number;
  readonly index: number;
  readonly context: Context;
  readonly timer: VirtualTimer;
  readonly implementation: ImplementationDefined;
  /** Switched on, as PSCI sees it. */
  on: boolean;
  /** It executed WFI and nothing has come since. */
  waiting: boolean;

  constructor(id: number, vm: number, index: number, parts: VcpuParts, state?: VcpuState) {
    this.id = id;
    this.vm = vm;
    this.index = index;
    this.context = new Context(state?.context);
    this.timer = new VirtualTimer(parts.host, parts.clock, this.context, parts.wires, state?.timer);
    this.implementation = new ImplementationDefined(parts.cores, state?.implementation);
    this.on = state?.on ?? false;
    this.waiting = state?.waiting ?? false;
  }

  /** Gives it the registers of a CPU that comes out of reset at an address. It must be on no CPU. */
  reset(entry: bigint, x0: bigint): void {
    const { context } = this;
    context.general.fill(0);
    context.system.fill(0);
    context.vectors.fill(0);
    this.implementation.reset();
    context.setX(0, Number(x0 & 0xffff_ffffn), Number(x0 >> 32n));
    context.set('ELR_EL2', Number(entry & 0xffff_ffffn), Number(entry >> 32n));
    context.set('SPSR_EL2', RESET_PSTATE);
    context.set('SCTLR_EL1', RESET_SCTLR);
    // OSLSR_EL1.OSLK: the OS lock is set out of reset.
    context.set('OSLSR_EL1', 2);
    this.on = true;
    this.waiting = false;
  }

  /** As plain data. */
  save(): VcpuState {
    return {
      on: this.on,
      waiting: this.waiting,
      context: this.context.save(),
      timer: this.timer.save(),
      implementation: this.implementation.save(),
    };
  }
}
