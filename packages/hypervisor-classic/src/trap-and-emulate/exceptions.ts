// Exceptions of the guest, taken to its virtual EL1 as hardware takes them, and its returns from them (DDI 0487 D1.3,
// AArch64.TakeException and AArch64.ExceptionReturn). Each is routed by the virtual exception level: the hardware's is always EL0.

import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import { steps } from './debug.ts';
import { HARDWARE, Spsr } from './frame.ts';
import type { Frame } from './frame.ts';
import { exceptionTaken, happened } from './guest-events.ts';
import { MonitorEvent } from './monitors.ts';
import { MASKED } from './virtual-cpu.ts';
import type { VirtualCpu } from './virtual-cpu.ts';

const ELR_EL1 = systemRegister('ELR_EL1');
const SPSR_EL1 = systemRegister('SPSR_EL1');
const ESR_EL1 = systemRegister('ESR_EL1');
const FAR_EL1 = systemRegister('FAR_EL1');
const VBAR_EL1 = systemRegister('VBAR_EL1');

/** Offset of a kind of exception in its group of vectors. */
export const Vector = { Synchronous: 0, Irq: 0x80, Fiq: 0x100, SError: 0x180 } as const;
/** ESR_ELx.IL: the instruction has 32 bits. */
const IL = 1 << 25;
/** PSTATE.M. */
const MODE = 0x1f;

/** SPSR_EL1 of the guest, if it took an exception now. */
function pstateOf(vcpu: VirtualCpu, frame: Frame): number {
  const mode = vcpu.level === 0 ? 0 : 4 | vcpu.spSel;
  return (frame.spsr | vcpu.daif | mode) >>> 0;
}

/** Takes an exception: the vCPU is at its vector when the hypervisor returns. */
export function takeException(port: CpuPort, vcpu: VirtualCpu, frame: Frame, vector: number): void {
  const { pc } = frame;
  if (vcpu.monitors.counting) vcpu.monitors.happened(MonitorEvent.EXC_TAKEN, vcpu.level);
  vcpu.set(ELR_EL1, pc.lo, pc.hi);
  vcpu.set(SPSR_EL1, pstateOf(vcpu, frame), 0);
  const group = vcpu.level === 0 ? 0x400 : vcpu.spSel === 0 ? 0 : 0x200;
  vcpu.daif = MASKED;
  vcpu.setMode(port, 1, 1);
  frame.setSpsr(frame.spsr & Spsr.NZCV);
  // VBAR_EL1 is aligned to more than that.
  frame.setPc(vcpu.get(VBAR_EL1) + group + vector, vcpu.getHi(VBAR_EL1));
  if (vcpu.events === undefined) return;
  exceptionTaken(vcpu, frame, vector, {
    lo: vcpu.get(ELR_EL1),
    hi: vcpu.getHi(ELR_EL1),
    esr: vcpu.get(ESR_EL1),
  });
}

/**
 * Takes a synchronous exception.
 *
 * @param ec - the class as it is from EL0
 * @param iss - the syndrome's bits 24:0, and IL where it is clear
 * @param far - FAR_EL1, where the exception sets it
 * @param same - the class where it comes from EL1
 */
export function takeSynchronous(
  port: CpuPort,
  vcpu: VirtualCpu,
  frame: Frame,
  ec: number,
  iss: number,
  far?: Readonly<Word64>,
  same: number = ec,
): void {
  const code = vcpu.level === 0 ? ec : same;
  vcpu.set(ESR_EL1, ((code << 26) | (iss & 0x1ff_ffff) | IL) >>> 0, 0);
  if (far !== undefined) vcpu.set(FAR_EL1, far.lo, far.hi);
  takeException(port, vcpu, frame, Vector.Synchronous);
}

/** UNDEFINED, as what EL1's software may not do. */
export function takeUndefined(port: CpuPort, vcpu: VirtualCpu, frame: Frame): void {
  takeSynchronous(port, vcpu, frame, 0, 0);
}

/** True for a mode that EL1 may return to: EL0t, EL1t, EL1h. */
const isLegal = (mode: number): boolean => mode === 0 || mode === 4 || mode === 5;

/** ERET at the virtual EL1. */
export function returnFromException(port: CpuPort, vcpu: VirtualCpu, frame: Frame): void {
  const spsr = vcpu.get(SPSR_EL1);
  const mode = spsr & MODE;
  const legal = isLegal(mode);
  const level = legal ? mode >>> 2 : vcpu.level;
  const keepsStep = steps(vcpu, level, spsr) && !steps(vcpu, vcpu.level, vcpu.daif);
  const kept = HARDWARE & ~(keepsStep ? 0 : Spsr.SS);
  frame.setSpsr((spsr & kept) | (legal ? 0 : Spsr.IL));
  vcpu.daif = spsr & Spsr.DAIF;
  if (legal) vcpu.setMode(port, level, level === 0 ? 0 : mode & 1);
  frame.setPc(vcpu.get(ELR_EL1), vcpu.getHi(ELR_EL1));
  happened(vcpu, 'eret', frame);
}
