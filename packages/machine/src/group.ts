// Machines on one virtual time, joined by links that take time: each runs as far ahead as nothing of the others can reach it yet
// (conservative lookahead, after Chandy and Misra). What happens does not depend on how far that is, nor on how runs are cut.

import type { Machine, RunEnd } from './machine.ts';

/** Why a run of several machines ended. */
export type GroupEnd =
  /** The time that was asked for has passed. */
  | 'time'
  /** All machines that are on wait, and nothing will ever happen by itself. */
  | 'idle'
  /** All machines are off, or lost. */
  | 'over'
  /** `stop` was called on one of them. */
  | 'stopped';

/** What joins the machines. */
export interface GroupOptions {
  /** The shortest latency of the links between them, in virtual nanoseconds. */
  readonly lookahead: number;
}

/** A machine, and how it ended. */
interface Member {
  readonly machine: Machine;
  end: RunEnd | undefined;
}

/** Machines that run together. Each is saved and restored by itself, with its end of the links. */
export class MachineGroup {
  private readonly members: readonly Member[];
  private readonly lookahead: number;

  /** Throws a RangeError where there are no machines, or no time to run ahead. */
  constructor(machines: readonly Machine[], { lookahead }: GroupOptions) {
    if (machines.length === 0) throw new RangeError('a group has at least one machine');
    if (!(Number.isInteger(lookahead) && lookahead >= 1))
      throw new RangeError(`lookahead must be a whole number of nanoseconds, 1 or more, but is ${lookahead}`);
    this.members = machines.map((machine) => ({ machine, end: undefined }));
    this.lookahead = lookahead;
  }

  /** How each machine ended: `off` or `dead`, or undefined while it is on. */
  get ends(): readonly (RunEnd | undefined)[] {
    return this.members.map(({ end }) => end);
  }

  /** Virtual time: that of the machine which is behind the others, by less than the lookahead. */
  get now(): number {
    const on = this.members.filter(({ end }) => end === undefined);
    return Math.min(...(on.length === 0 ? this.members : on).map(({ machine }) => machine.now));
  }

  /** Runs all machines for so much virtual time, and by an instruction at most longer. */
  run(nanoseconds: number): GroupEnd {
    const until = this.now + nanoseconds;
    for (;;) {
      const on = this.members.filter(({ end }) => end === undefined);
      if (on.length === 0) return 'over';
      if (this.now >= until) return 'time';
      // Nobody sends anything before this time, so that nothing arrives before the lookahead after it.
      const first = Math.min(...on.map(({ machine }) => machine.nextActivity));
      if (first === Infinity) return 'idle';
      const horizon = Math.min(first + this.lookahead, until);
      const stopped = on.map((member) => advance(member, horizon));
      if (stopped.includes(true)) return 'stopped';
    }
  }
}

/** Brings a machine to a time, unless it ends before. True when it was stopped. */
function advance(member: Member, horizon: number): boolean {
  const { machine } = member;
  while (machine.now < horizon) {
    const why = machine.run(Infinity, true, horizon);
    if (why === 'off' || why === 'dead') {
      member.end = why;
      return false;
    }
    if (why === 'stopped') return true;
    if (why === 'idle') machine.pass(horizon - machine.now);
  }
  return false;
}
