// The hypervisor's own timer, CNTHP_EL2 or, without EL2, CNTP_EL0, shared by everything that waits for a moment: a queue of deadlines in ticks of the
// system counter (DDI 0487 D11.2). A deadline may expire on any CPU: some CPU's timer is set to it or to an earlier one.

import { list, nullable, record, savedDeadline, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, Word64 } from '@worldswitch/platform';

import type { Current } from '../current.ts';
import { systemRegister } from '../names.ts';

const CNTPCT_EL0 = systemRegister('CNTPCT_EL0');
/** Control and compare value by the hypervisor's level. */
const registers = {
  EL2: [systemRegister('CNTHP_CTL_EL2'), systemRegister('CNTHP_CVAL_EL2')],
  EL1: [systemRegister('CNTP_CTL_EL0'), systemRegister('CNTP_CVAL_EL0')],
} as const;

/** The timer's interrupt, a PPI. */
export const hostTimerInterrupt = 26;

/** What is left for the next interrupt when so many have expired: a device that always asks for now cannot hold the CPU. */
const mostAtOnce = 256;

/** One deadline. */
export interface HostDeadline {
  /** Ticks of the system counter; `Infinity` when idle. */
  readonly ticks: number;
  /** One that has passed expires at the next opportunity. Ticks beyond 2^53 are none. */
  armAt(ticks: number): void;
  cancel(): void;
}

interface Entry extends HostDeadline {
  ticks: number;
  readonly fire: (ticks: number) => void;
}

/** The saved state. Deadlines are their owners', who arm them again. */
export type HostTimerState = Readonly<{ seen: number; set: readonly (number | null)[] }>;

/** How it is checked. */
export const hostTimerShape: Shape<HostTimerState> = record<HostTimerState>({
  seen: uint(),
  set: list(nullable(uint()), 1, 256),
});

/** A queue of deadlines on the CPUs' CNTHP_EL2. */
export class HostTimer {
  private readonly current: Current;
  private readonly entries: Entry[] = [];
  /** By CPU, what CNTHP_CVAL_EL2 is; `Infinity` where the timer is off. */
  private readonly set: number[];
  private seen: number;
  private readonly registers: (typeof registers)['EL1' | 'EL2'];
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /**
   * @param cpus - of the host
   * @param state - from `save`, checked; throws a StateError for one of another number of CPUs
   * @param level - the hypervisor's: at EL1 the timer is the physical one
   */
  constructor(current: Current, cpus: number, state?: HostTimerState, level: 'EL1' | 'EL2' = 'EL2') {
    if (state !== undefined && state.set.length !== cpus) {
      throw new StateError('set', `must have ${cpus} elements here, but has ${state.set.length}`);
    }
    this.current = current;
    this.registers = registers[level];
    this.set = Array.from({ length: cpus }, (_, i) => state?.set[i] ?? Infinity);
    this.seen = state?.seen ?? 0;
  }

  /** The system counter; outside of entries, what it was in the last one. */
  get ticks(): number {
    if (!this.current.inside) return this.seen;
    this.current.port.readSystem(CNTPCT_EL0, this.word);
    this.seen = this.word.hi * 2 ** 32 + this.word.lo;
    return this.seen;
  }

  /** Makes a deadline, which starts idle. Of equal ones the first made expires first. */
  deadline(fire: (ticks: number) => void): HostDeadline {
    const entry: Entry = {
      ticks: Infinity,
      fire,
      armAt: (ticks) => {
        entry.ticks = ticks <= Number.MAX_SAFE_INTEGER ? Math.max(ticks, 0) : Infinity;
        if (!this.current.inside) return;
        const { port } = this.current;
        if (entry.ticks < (this.set[port.index] ?? 0)) this.program(port, entry.ticks);
      },
      cancel: () => {
        entry.ticks = Infinity;
      },
    };
    this.entries.push(entry);
    return entry;
  }

  /** The CPU's timer interrupt: everything that is due expires, and the timer is set to what comes next. */
  expire(port: CpuPort): void {
    const now = this.ticks;
    for (let left = mostAtOnce; left > 0; left--) {
      const next = this.earliest();
      if (next === undefined || next.ticks > now) break;
      next.ticks = Infinity;
      next.fire(now);
    }
    this.program(port, this.earliest()?.ticks ?? Infinity);
  }

  private earliest(): Entry | undefined {
    let found: Entry | undefined;
    for (const entry of this.entries) {
      if (entry.ticks < (found?.ticks ?? Infinity)) found = entry;
    }
    return found;
  }

  private program(port: CpuPort, ticks: number): void {
    this.set[port.index] = ticks;
    const isSet = ticks !== Infinity;
    const [control, compare] = this.registers;
    if (isSet) port.writeSystem(compare, ticks >>> 0, Math.floor(ticks / 2 ** 32));
    port.writeSystem(control, isSet ? 1 : 0, 0);
  }

  /** As plain data. */
  save(): HostTimerState {
    return { seen: this.seen, set: this.set.map(savedDeadline) };
  }
}
