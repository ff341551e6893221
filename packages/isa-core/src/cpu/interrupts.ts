// Which interrupt is pending, where it goes, and whether PSTATE lets it through (DDI 0487 D1.3.6, D1.13).

import type { CpuPin } from '@worldswitch/platform';

import type { Cpu } from './cpu.ts';
import { enterException, TakenException, Vector } from './exceptions.ts';
import { Layout } from './layout.ts';
import { DAIF } from './state.ts';
import { EC, syndrome } from './syndrome.ts';
import { HCR } from './sysregs/traps.ts';

/** Bits of the pins' levels. */
export const Pin: Readonly<Record<CpuPin, number>> = { irq: 1, fiq: 2, virq: 4, vfiq: 8, serror: 16 };

/** SCR_EL3 bits that route physical interrupts to EL3. */
const SCR = { IRQ: 2n, FIQ: 4n, EA: 8n } as const;

/** Pins and the virtual interrupts that HCR_EL2 itself makes pending. */
function pendingInterrupts(cpu: Cpu): number {
  let pending = cpu.pinLevels;
  if (!cpu.features.el2) return pending & (Pin.irq | Pin.fiq | Pin.serror);
  const hcr = cpu.hcr;
  if ((hcr & HCR.VI) !== 0n) pending |= Pin.virq;
  if ((hcr & HCR.VF) !== 0n) pending |= Pin.vfiq;
  return pending;
}

/** The level that takes a physical interrupt. One that SCR_EL3 leaves to the levels below stays pending while EL3 executes. */
function physicalTarget(cpu: Cpu, scr: bigint, hcr: bigint): number {
  if (cpu.features.el3 && (cpu.register('SCR_EL3') & scr) !== 0n) return 3;
  return cpu.el2Enabled && (cpu.hcr & (hcr | HCR.TGE)) !== 0n ? 2 : 1;
}

/** Whether an IRQ or FIQ would be taken at a level above `el` now, whatever that level masks: somebody there can intervene. */
export function interruptsGoAbove(cpu: Cpu, el: number): boolean {
  return PHYSICAL.some(
    ({ vector, scr, hcr }) => vector !== Vector.SError && physicalTarget(cpu, scr, hcr) > Math.max(el, 1),
  );
}

/** True when an interrupt for `target` is taken now, given its mask bit. */
function unmasked(cpu: Cpu, target: number, mask: number): boolean {
  const { el, daif } = cpu.state;
  if (target < el) return false;
  if (target > el && target > 1) return true;
  return (daif & mask) === 0;
}

interface Kind {
  readonly pin: number;
  readonly vector: Vector;
  readonly mask: number;
  readonly scr: bigint;
  readonly hcr: bigint;
}
const PHYSICAL: readonly Kind[] = [
  { pin: Pin.serror, vector: Vector.SError, mask: DAIF.A, scr: SCR.EA, hcr: HCR.AMO },
  { pin: Pin.fiq, vector: Vector.Fiq, mask: DAIF.F, scr: SCR.FIQ, hcr: HCR.FMO },
  { pin: Pin.irq, vector: Vector.Irq, mask: DAIF.I, scr: SCR.IRQ, hcr: HCR.IMO },
];
const VIRTUAL: readonly (Kind & { readonly bit: bigint })[] = [
  { pin: 0, bit: HCR.VSE, vector: Vector.SError, mask: DAIF.A, scr: 0n, hcr: HCR.AMO },
  { pin: Pin.vfiq, bit: HCR.VF, vector: Vector.Fiq, mask: DAIF.F, scr: 0n, hcr: HCR.FMO },
  { pin: Pin.virq, bit: HCR.VI, vector: Vector.Irq, mask: DAIF.I, scr: 0n, hcr: HCR.IMO },
];

/** Takes the interrupt of highest priority that can be taken, if any. True when it did. */
export function takePendingInterrupt(cpu: Cpu): boolean {
  const pending = pendingInterrupts(cpu);
  const hcr = cpu.hcr;
  if (pending === 0 && (hcr & HCR.VSE) === 0n) return false;
  for (const kind of PHYSICAL) {
    if ((pending & kind.pin) === 0) continue;
    const el = physicalTarget(cpu, kind.scr, kind.hcr);
    if (unmasked(cpu, el, kind.mask)) return take(cpu, el, kind.vector);
  }
  if (cpu.state.el >= 2 || !cpu.el2Enabled || (hcr & HCR.TGE) !== 0n) return false;
  for (const kind of VIRTUAL) {
    const raised = (pending & kind.pin) !== 0 || (hcr & kind.bit) !== 0n;
    if (!raised || (hcr & kind.hcr) === 0n || (cpu.state.daif & kind.mask) !== 0) continue;
    if (kind.vector === Vector.SError) cpu.setHcr(hcr & ~HCR.VSE);
    return take(cpu, 1, kind.vector);
  }
  return false;
}

function take(cpu: Cpu, el: number, vector: Vector): true {
  cpu.counters.interrupts++;
  const { pcLo, pcHi } = cpu.state;
  const esr = vector === Vector.SError ? syndrome(EC.SError) : undefined;
  enterException(cpu, new TakenException(el, vector, esr, pcLo, pcHi));
  return true;
}

/** True when WFI would not wait: a physical interrupt is pending, masked or not and wherever it goes, or a virtual one for EL1. */
export function wakesUp(cpu: Cpu): boolean {
  const pending = pendingInterrupts(cpu);
  if ((pending & (Pin.irq | Pin.fiq | Pin.serror)) !== 0) return true;
  if (cpu.state.el >= 2 || !cpu.el2Enabled || (cpu.hcr & HCR.TGE) !== 0n) return false;
  return VIRTUAL.some(
    (kind) => (cpu.hcr & kind.hcr) !== 0n && ((pending & kind.pin) !== 0 || (cpu.hcr & kind.bit) !== 0n),
  );
}

/** ISR_EL1: what is pending for the current level, the virtual ones where they stand for the physical (DDI 0487 D17.2.71). */
export function interruptStatus(cpu: Cpu): bigint {
  const pending = pendingInterrupts(cpu);
  const hcr = cpu.hcr;
  const virtual = cpu.state.el === 1 && cpu.el2Enabled;
  const bit = (physical: number, kind: number): boolean => {
    const v = VIRTUAL[kind];
    if (virtual && v !== undefined && (hcr & v.hcr) !== 0n)
      return (pending & v.pin) !== 0 || (hcr & v.bit) !== 0n;
    return (pending & physical) !== 0;
  };
  return (
    (bit(Pin.serror, 0) ? 1n << 8n : 0n) |
    (bit(Pin.irq, 2) ? 1n << 7n : 0n) |
    (bit(Pin.fiq, 1) ? 1n << 6n : 0n)
  );
}

/** Recomputes `Layout.pendingPins`. */
export function updatePending(cpu: Cpu): void {
  const raised = pendingInterrupts(cpu) !== 0 || (cpu.features.el2 && (cpu.hcr & HCR.VSE) !== 0n);
  cpu.state.setWord(Layout.pendingPins, raised ? 1 : 0);
}
