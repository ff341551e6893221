// A VM's time: the system counter less what it did not live through (CNTVOFF_EL2), and the clock that its emulated devices are
// given, in nanoseconds, whose timers are deadlines of the hypervisor's own timer (DDI 0487 D11.1.2).

import { counter } from '@worldswitch/devices';
import type { Counter } from '@worldswitch/devices';
import { nullable, record, StateError, uint } from '@worldswitch/platform';
import type { Clock, CpuPort, Plain, Shape, Timer, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import type { HostTimer } from './host-timer.ts';

const CNTVOFF_EL2 = systemRegister('CNTVOFF_EL2');

/** The saved state: by how many ticks the VM is behind, and while it is paused, the count at which it stands. */
export type VmClockState = Readonly<{ offset: number; paused: number | null }>;

/** An integer of either sign: a VM may be ahead of a machine to which it was moved. */
const offsetShape: Shape<number> = {
  check(from: Plain | undefined, path) {
    if (typeof from === 'number' && Number.isSafeInteger(from)) return from === 0 ? 0 : from;
    throw new StateError(path, 'must be an integer below 2^53');
  },
};

/** How it is checked. */
export const vmClockShape: Shape<VmClockState> = record<VmClockState>({
  offset: offsetShape,
  paused: nullable(uint()),
});

interface VmTimer extends Timer {
  deadline: number;
  rearm(): void;
}

/** A VM's time. */
export class VmClock implements Clock {
  private readonly host: HostTimer;
  private readonly counter: Counter;
  private readonly timers: VmTimer[] = [];
  private behind: number;
  private paused: number | null;
  private readonly moved: (() => void)[] = [];

  /**
   * Starts at 0 now, or as it was saved.
   *
   * @param host - the hypervisor's timer
   * @param frequency - CNTFRQ_EL0
   * @param state - checked by `vmClockShape`
   */
  constructor(host: HostTimer, frequency: number, state?: VmClockState) {
    this.host = host;
    this.counter = counter(frequency);
    this.behind = state?.offset ?? host.ticks;
    this.paused = state?.paused ?? null;
  }

  /** What CNTVOFF_EL2 is while the VM runs. */
  get offset(): number {
    return this.behind;
  }

  /** True between `pause` and `resume`. */
  get isPaused(): boolean {
    return this.paused !== null;
  }

  /** The VM's count: what CNTVCT_EL0 shows it. */
  get ticks(): number {
    return this.paused ?? Math.max(this.host.ticks - this.behind, 0);
  }

  /** Nanoseconds that the VM has lived. */
  get now(): number {
    return this.counter.reaches(this.ticks);
  }

  /** A device's timer. */
  timer(fire: (now: number) => void): Timer {
    const expire = (): void => {
      made.deadline = Infinity;
      fire(this.now);
    };
    const entry = this.host.deadline(expire);
    const made: VmTimer = {
      deadline: Infinity,
      armAt: (when) => {
        made.deadline = when <= Number.MAX_SAFE_INTEGER ? when : Infinity;
        made.rearm();
      },
      cancel: () => {
        made.deadline = Infinity;
        entry.cancel();
      },
      rearm: () => {
        if (made.deadline === Infinity || this.isPaused) entry.cancel();
        else entry.armAt(this.hostTicksAt(made.deadline));
      },
    };
    this.timers.push(made);
    return made;
  }

  /** When the host's counter is to show that the VM has lived `when` nanoseconds. */
  private hostTicksAt(when: number): number {
    const ticks = this.counter.at(Math.max(when, 0));
    return this.hostTicks(this.counter.reaches(ticks) < when ? ticks + 1 : ticks);
  }

  /** What the host's counter is when the VM's is `ticks`. */
  hostTicks(ticks: number): number {
    return ticks + this.behind;
  }

  /** Is called after each pause and each resumption, by whom other deadlines of the VM are. */
  onChange(changed: () => void): void {
    this.moved.push(changed);
  }

  /** The VM's time stands still from now on. No vCPU of it may be on a CPU. */
  pause(): void {
    this.paused ??= this.ticks;
    this.settle();
  }

  /** It goes on from where it stood. */
  resume(): void {
    if (this.paused === null) return;
    this.behind = this.host.ticks - this.paused;
    this.paused = null;
    this.settle();
  }

  private settle(): void {
    for (const timer of this.timers) timer.rearm();
    for (const changed of this.moved) changed();
  }

  /** Writes CNTVOFF_EL2. */
  setOffset(port: CpuPort): void {
    const word: Word64 = { lo: 0, hi: 0 };
    word.lo = this.behind >>> 0;
    word.hi = Math.floor(this.behind / 2 ** 32) >>> 0;
    port.writeSystem(CNTVOFF_EL2, word.lo, word.hi);
  }

  /** As plain data. */
  save(): VmClockState {
    return { offset: this.behind, paused: this.paused };
  }
}
