// A vCPU's timers. The virtual one is the CPU's own while the vCPU is on a CPU, and a deadline of the hypervisor's timer while it
// is not; the physical one is trapped (CNTHCTL_EL2.EL1PCEN and EL1PCTEN are 0) and emulated (DDI 0487 D11.2).

import { bits, deadline, flag, list, record, savedDeadline } from '@worldswitch/platform';
import type { CpuPort, InterruptLine, Shape, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import { Classes } from '../world-switch/classes.ts';
import type { Moved } from '../world-switch/classes.ts';
import { restoreClasses, saveClasses } from '../world-switch/context.ts';
import type { Context } from '../world-switch/context.ts';
import type { HostDeadline, HostTimer } from './host-timer.ts';
import type { VmClock } from './vm-clock.ts';

const CNTV_CTL_EL0 = systemRegister('CNTV_CTL_EL0');

/** The virtual timer's interrupt, on the board and in a VM. */
export const virtualTimerInterrupt = 27;
/** The physical timer's interrupt. */
export const physicalTimerInterrupt = 30;
/** CNTHCTL_EL2 under which a guest's accesses to the physical counter and timer are exits. */
export const trapPhysicalTimer = 0;

/** CNTx_CTL. */
const Control = { Enable: 1, Mask: 2, Status: 4 } as const;
/** CNTx_CTL of a timer whose interrupt is asserted: enabled, not masked, its condition met. */
const Asserted = Control.Enable | Control.Status;
const isOpen = (control: number): boolean => (control & (Control.Enable | Control.Mask)) === Control.Enable;

const status: Word64 = { lo: 0, hi: 0 };
/** True while the virtual timer of the vCPU on this CPU asserts its interrupt. */
export function virtualTimerAsserts(port: CpuPort): boolean {
  port.readSystem(CNTV_CTL_EL0, status);
  return (status.lo & (Asserted | Control.Mask)) === Asserted;
}

/** Where a vCPU's timers' interrupts go. */
export interface TimerWires {
  /** The virtual timer's interrupt has come: pends it, with the host's interrupt behind it. */
  raise(): void;
  /** The virtual timer's condition does not hold any more: its interrupt is level-sensitive. Absent where that is not followed. */
  lower?(): void;
  /** The virtual timer's interrupt is pending or active already. */
  isRaised(): boolean;
  /** The emulated physical timer's wire. */
  readonly physical: InterruptLine;
}

/** The saved state. */
export type VirtualTimerState = Readonly<{
  loaded: boolean;
  deadline: number | null;
  control: number;
  compare: readonly number[];
  physicalDeadline: number | null;
}>;

/** How it is checked. */
export const virtualTimerShape: Shape<VirtualTimerState> = record<VirtualTimerState>({
  loaded: flag,
  deadline,
  control: bits(3),
  compare: list(bits(), 2),
  physicalDeadline: deadline,
});

/** The trapped registers. */
export const physicalTimerRegisters: readonly string[] = [
  'CNTPCT_EL0',
  'CNTP_CTL_EL0',
  'CNTP_CVAL_EL0',
  'CNTP_TVAL_EL0',
];

/** A 64-bit count as a number; beyond 2^53 it never comes. */
function joined({ lo, hi }: Word64): number {
  const value = hi * 2 ** 32 + lo;
  return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
}

/** A vCPU's timers. */
export class VirtualTimer {
  private readonly clock: VmClock;
  private readonly context: Context;
  private readonly wires: TimerWires;
  private readonly deadline: HostDeadline;
  private readonly physicalDeadline: HostDeadline;
  private loaded: boolean;
  /** CNTP_CTL_EL0 and CNTP_CVAL_EL0 of the guest. */
  private control: number;
  private readonly compare: Word64;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /** Made with the vCPU's context, in which the virtual timer's registers are while it is not on a CPU. */
  constructor(
    host: HostTimer,
    clock: VmClock,
    context: Context,
    wires: TimerWires,
    state?: VirtualTimerState,
  ) {
    this.clock = clock;
    this.context = context;
    this.wires = wires;
    this.deadline = host.deadline(() => {
      wires.raise();
    });
    this.physicalDeadline = host.deadline(() => {
      this.updatePhysical();
    });
    this.loaded = state?.loaded ?? false;
    this.control = state?.control ?? 0;
    this.compare = { lo: state?.compare[0] ?? 0, hi: state?.compare[1] ?? 0 };
    if (state?.deadline != null) this.deadline.armAt(state.deadline);
    if (state?.physicalDeadline != null) this.physicalDeadline.armAt(state.physicalDeadline);
    clock.onChange(() => {
      this.await();
      this.updatePhysical();
    });
  }

  /** The vCPU comes to the CPU. After its virtual interrupts: one that is raised must be active on the host before the timer is on. */
  load(port: CpuPort): Moved {
    this.deadline.cancel();
    this.loaded = true;
    this.clock.setOffset(port);
    return restoreClasses(port, this.context, Classes.Timer);
  }

  /** The vCPU leaves the CPU: its timer goes on as a deadline. Before its virtual interrupts leave. */
  unload(port: CpuPort): Moved {
    const moved = saveClasses(port, this.context, Classes.Timer);
    port.writeSystem(CNTV_CTL_EL0, 0, 0);
    this.loaded = false;
    this.await();
    return moved;
  }

  /** The host's virtual timer interrupt, on the CPU where the vCPU is. It stays active there until the guest ends its own. */
  interrupted(): void {
    this.wires.raise();
  }

  /** When the virtual timer of a vCPU that is not on a CPU expires, by the host's counter; `Infinity` for never. */
  get expires(): number {
    return this.deadline.ticks;
  }

  /** Sets the deadline of the virtual timer, or raises its interrupt where it has passed. */
  private await(): void {
    this.deadline.cancel();
    if (this.loaded || this.clock.isPaused) return;
    const { context, word } = this;
    context.get('CNTV_CTL_EL0', word);
    const open = isOpen(word.lo);
    context.get('CNTV_CVAL_EL0', word);
    const when = joined(word);
    if (!open || when > this.clock.ticks) {
      this.wires.lower?.();
      if (open) this.deadline.armAt(this.clock.hostTicks(when));
    } else if (!this.wires.isRaised()) this.wires.raise();
  }

  /** True where the emulated physical timer's condition is met. */
  private isMet(): boolean {
    return this.clock.ticks >= joined(this.compare);
  }

  private updatePhysical(): void {
    const open = isOpen(this.control);
    const met = open && this.isMet();
    this.wires.physical.set(met);
    if (open && !met && !this.clock.isPaused) {
      this.physicalDeadline.armAt(this.clock.hostTicks(joined(this.compare)));
    } else this.physicalDeadline.cancel();
  }

  /** A trapped read of one of `physicalTimerRegisters`. */
  read(name: string, out: Word64): void {
    out.lo = out.hi = 0;
    const { ticks } = this.clock;
    if (name === 'CNTP_CTL_EL0') {
      const on = (this.control & Control.Enable) !== 0;
      out.lo = this.control | (on && this.isMet() ? Control.Status : 0);
    } else if (name === 'CNTP_CVAL_EL0') {
      out.lo = this.compare.lo;
      out.hi = this.compare.hi;
    } else if (name === 'CNTP_TVAL_EL0') out.lo = (this.compare.lo - (ticks >>> 0)) >>> 0;
    else if (name === 'CNTPCT_EL0') {
      out.lo = ticks >>> 0;
      out.hi = Math.floor(ticks / 2 ** 32);
    }
  }

  /** A trapped write. */
  write(name: string, lo: number, hi: number): void {
    if (name === 'CNTP_CTL_EL0') this.control = lo & 3;
    else if (name === 'CNTP_CVAL_EL0') {
      this.compare.lo = lo;
      this.compare.hi = hi;
    } else if (name === 'CNTP_TVAL_EL0') {
      // A signed distance from now, modulo 2^64.
      const at = this.clock.ticks + (lo | 0);
      this.compare.lo = at >>> 0;
      this.compare.hi = Math.floor(at / 2 ** 32) >>> 0;
    } else return;
    this.updatePhysical();
  }

  /** As plain data. */
  save(): VirtualTimerState {
    return {
      loaded: this.loaded,
      deadline: savedDeadline(this.deadline.ticks),
      control: this.control,
      compare: [this.compare.lo, this.compare.hi],
      physicalDeadline: savedDeadline(this.physicalDeadline.ticks),
    };
  }
}
