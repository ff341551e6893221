// A vCPU's generic timers, emulated whole (DDI 0487 D11.2): every access traps (CNTKCTL_EL1 is 0), and a deadline of the hypervisor's own
// timer raises the interrupt. Without EL2 there is no offset: the virtual count is the physical one, as the guest's own board has it.

import { bits, list, record } from '@worldswitch/platform';
import type { InterruptLine, Shape, Word64 } from '@worldswitch/platform';
import type { HostDeadline, HostTimer, VmClock } from '@worldswitch/vmm';

/** CNTx_CTL. */
const Control = { Enable: 1, Mask: 2, Status: 4 } as const;

/** What is saved of one timer: control, and the halves of the compare value. */
export type GuestTimerState = readonly number[];

/** How it is checked. */
const timerShape: Shape<GuestTimerState> = list(bits(), 3);

/** One timer: CNTx_CTL, CNTx_CVAL and CNTx_TVAL. */
export class GuestTimer {
  private readonly clock: VmClock;
  private readonly line: InterruptLine;
  private readonly deadline: HostDeadline;
  private control: number;
  private readonly compare: Word64;

  constructor(host: HostTimer, clock: VmClock, line: InterruptLine, state: GuestTimerState = [0, 0, 0]) {
    this.clock = clock;
    this.line = line;
    const [control = 0, lo = 0, hi = 0] = state;
    this.control = control & 3;
    this.compare = { lo, hi };
    this.deadline = host.deadline(() => {
      this.update();
    });
    clock.onChange(() => {
      this.update();
    });
    // A saved timer's deadline is armed again.
    if (this.control !== 0) this.update();
  }

  /** The wire and the deadline follow the registers. */
  private update(): void {
    const { control, line, deadline, clock } = this;
    const open = (control & (Control.Enable | Control.Mask)) === Control.Enable;
    const met = open && clock.ticks >= this.when;
    line.set(met);
    if (open && !met && !clock.isPaused) deadline.armAt(clock.hostTicks(this.when));
    else deadline.cancel();
  }

  /** Beyond 2^53 it never comes. */
  private get when(): number {
    const value = this.compare.hi * 2 ** 32 + this.compare.lo;
    return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
  }

  readControl(out: Word64): void {
    const met = (this.control & Control.Enable) !== 0 && this.clock.ticks >= this.when;
    out.lo = this.control | (met ? Control.Status : 0);
    out.hi = 0;
  }
  readCompare(out: Word64): void {
    out.lo = this.compare.lo;
    out.hi = this.compare.hi;
  }
  readValue(out: Word64): void {
    out.lo = (this.compare.lo - this.clock.ticks) >>> 0;
    out.hi = 0;
  }
  writeControl(lo: number): void {
    this.control = lo & 3;
    this.update();
  }
  writeCompare(lo: number, hi: number): void {
    this.compare.lo = lo;
    this.compare.hi = hi;
    this.update();
  }
  /** A signed distance from now, modulo 2^64. */
  writeValue(lo: number): void {
    const at = this.clock.ticks + (lo | 0);
    this.writeCompare(at >>> 0, Math.floor(at / 2 ** 32) >>> 0);
  }

  /** As out of reset. */
  reset(): void {
    this.control = 0;
    this.writeCompare(0, 0);
  }

  /** As plain data. */
  save(): GuestTimerState {
    return [this.control, this.compare.lo, this.compare.hi];
  }
}

/** INTIDs of the timers' private interrupts. */
const TimerInterrupt = { virtual: 27, physical: 30 } as const;

/** What is saved. */
export type GuestTimersState = Readonly<{ virtual: GuestTimerState; physical: GuestTimerState }>;

/** How it is checked. */
export const guestTimersShape: Shape<GuestTimersState> = record<GuestTimersState>({
  virtual: timerShape,
  physical: timerShape,
});

/** Both timers of a vCPU. */
export class GuestTimers {
  readonly virtual: GuestTimer;
  readonly physical: GuestTimer;
  readonly clock: VmClock;

  /** `line` gives the wire of a private interrupt by its INTID. */
  constructor(
    host: HostTimer,
    clock: VmClock,
    line: (interrupt: number) => InterruptLine,
    state?: GuestTimersState,
  ) {
    this.clock = clock;
    this.virtual = new GuestTimer(host, clock, line(TimerInterrupt.virtual), state?.virtual);
    this.physical = new GuestTimer(host, clock, line(TimerInterrupt.physical), state?.physical);
  }

  /** The count, which both counters show. */
  count(out: Word64): void {
    const { ticks } = this.clock;
    out.lo = ticks >>> 0;
    out.hi = Math.floor(ticks / 2 ** 32);
  }

  /** As out of reset. */
  reset(): void {
    this.virtual.reset();
    this.physical.reset();
  }

  /** As plain data. */
  save(): GuestTimersState {
    return { virtual: this.virtual.save(), physical: this.physical.save() };
  }
}
