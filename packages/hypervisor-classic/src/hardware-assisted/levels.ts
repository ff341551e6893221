// Level-sensitive interrupts of the CPU's own that guests have in list registers: the virtual timer and the performance monitors
// (DDI 0487 D11.2.4, D12.4). A list register knows no level, and a guest may take its interrupt back (by switching the timer off, or
// moving its compare value) without an exit: the wire is looked at on each exit, and by a deadline while one is offered to the guest.

import { deadline, list, savedDeadline } from '@worldswitch/platform';
import type { CpuPort, Shape, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';
import type { Current, HostDeadline, HostGic, HostTimer } from '@worldswitch/vmm';

import { KICK } from '../host/cpu-scheduler.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/** Seconds for which a guest may see an interrupt that it has taken back. */
const LONGEST = 0.0002;

const PMCR_EL0 = systemRegister('PMCR_EL0');
const PMOVSCLR_EL0 = systemRegister('PMOVSCLR_EL0');
const PMINTENSET_EL1 = systemRegister('PMINTENSET_EL1');
const PMINTENCLR_EL1 = systemRegister('PMINTENCLR_EL1');

/** True while the performance monitors of this CPU assert their interrupt. */
export function monitorsAssert(port: CpuPort): boolean {
  const word: Word64 = { lo: 0, hi: 0 };
  port.readSystem(PMOVSCLR_EL0, word);
  const overflowed = word.lo;
  port.readSystem(PMINTENSET_EL1, word);
  if ((overflowed & word.lo) === 0) return false;
  port.readSystem(PMCR_EL0, word);
  return (word.lo & 1) !== 0;
}

/** Performance monitors of a vCPU that has left the CPU interrupt nobody. */
export function silenceMonitors(port: CpuPort): void {
  port.writeSystem(PMINTENCLR_EL1, 0xffff_ffff, 0);
}

/** What is saved: by CPU, when it looks again, in ticks. */
export type LevelsState = readonly (number | null)[];

/** How it is checked. */
export const levelsShape = (cpus: number): Shape<LevelsState> => list(deadline, cpus);

/** The deadlines by which each CPU looks at wires. */
export class Levels {
  private readonly timer: HostTimer;
  private readonly period: number;
  private readonly deadlines: readonly HostDeadline[];

  constructor(
    current: Current,
    gic: HostGic,
    timer: HostTimer,
    frequency: number,
    cpus: number,
    state?: LevelsState,
  ) {
    this.timer = timer;
    this.period = Math.ceil(frequency * LONGEST);
    this.deadlines = Array.from({ length: cpus }, (_, index) => {
      // The exit itself is what is wanted, on the CPU where the vCPU is.
      const made = timer.deadline(() => {
        if (index !== current.port.index) gic.send(current.port, index, KICK);
      });
      const at = state?.[index];
      if (at != null) made.armAt(at);
      return made;
    });
  }

  /** Before the entry of a vCPU. */
  watch(port: CpuPort, { gic }: VirtualMachine, vcpu: number): void {
    const own = this.deadlines[port.index];
    if (own === undefined) return;
    if (!gic.mayWithdraw(vcpu)) {
      if (own.ticks !== Infinity) own.cancel();
    } else if (own.ticks === Infinity) own.armAt(this.timer.ticks + this.period);
  }

  /** As plain data. */
  save(): LevelsState {
    return this.deadlines.map(({ ticks }) => savedDeadline(ticks));
  }
}
