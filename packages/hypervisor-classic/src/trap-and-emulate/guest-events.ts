// Who is told of a guest's architectural events, for its comparison with the bare machine. Nothing of it is done where nobody is.

import type { GuestEventKind } from '@worldswitch/machine';

import type { Frame } from './frame.ts';
import type { VirtualCpu } from './virtual-cpu.ts';

/** Is told of the events of one vCPU. */
export type EventListener = (
  kind: GuestEventKind,
  frame: Frame,
  pcLo: number,
  pcHi: number,
  detail: number,
) => void;

const SVC = 0x15;
/** HVC, and MRS of CNT*_EL0 (op0 3, op1 3, CRn 14). */
const HVC = { mask: 0xffe0_001f, value: 0xd400_0002 } as const;
const SMC = { mask: 0xffe0_001f, value: 0xd400_0003 } as const;
const MRS_COUNTER = { mask: 0xffff_f000, value: 0xd53b_e000 } as const;
const isOf = (word: number, { mask, value }: { readonly mask: number; readonly value: number }): boolean =>
  (word & mask) >>> 0 === value;

/** The counters, and what timers say that depends on them: CNTPCT, CNTVCT, CNTx_TVAL, CNTx_CTL, by CRm and op2; CNTKCTL_EL1's bit for EL0. */
const counters: ReadonlyMap<number, number> = new Map([
  [0x01, 0],
  [0x02, 1],
  [0x30, 8],
  [0x31, 8],
  [0x20, 9],
  [0x21, 9],
]);

/** The guest is at its vector: an exception was taken. */
export function exceptionTaken(vcpu: VirtualCpu, frame: Frame, vector: number, at: ExceptionPlace): void {
  const { events } = vcpu;
  if (events === undefined) return;
  if (vector !== 0) {
    events(vector === 0x80 ? 'irq' : vector === 0x100 ? 'fiq' : 'serror', frame, at.lo, at.hi, 0);
    return;
  }
  if (at.esr >>> 26 !== SVC) events('fault', frame, at.lo, at.hi, at.esr);
  else events('svc', frame, (at.lo - 4) >>> 0, at.lo < 4 ? at.hi - 1 : at.hi, at.esr);
}

/** Where an exception came from, and its syndrome. */
export interface ExceptionPlace {
  readonly lo: number;
  readonly hi: number;
  readonly esr: number;
}

/** A privileged instruction is about to be emulated. */
export function instructionTrapped(
  vcpu: VirtualCpu,
  frame: Frame,
  word: number,
  kernelControl: number,
): void {
  const { events } = vcpu;
  if (events === undefined) return;
  const { lo, hi } = frame.pc;
  if (isOf(word, MRS_COUNTER)) {
    const bit = counters.get((((word >>> 8) & 15) << 4) | ((word >>> 5) & 7));
    if (bit === undefined || (vcpu.level === 0 && (kernelControl & (1 << bit)) === 0)) return;
    events('counter', frame, lo, hi, 0);
  } else if (vcpu.level === 1 && isOf(word, HVC)) events('hvc', frame, lo, hi, 0);
  else if (vcpu.level === 1 && isOf(word, SMC)) events('smc', frame, lo, hi, 0);
}

/** An access to a device is about to be emulated, or ERET is done. */
export function happened(vcpu: VirtualCpu, kind: GuestEventKind, frame: Frame, detail = 0): void {
  const { events } = vcpu;
  if (events === undefined) return;
  const { lo, hi } = frame.pc;
  events(kind, frame, lo, hi, detail);
}
