// Instructions that engines hand over as a whole, by the names that the rows use: MSR, MRS, SYS, ERET, WFI, WFE and the like.

import type { Cpu } from './cpu.ts';
import { defaultTarget, exceptionReturn, takeSynchronous, takeUndefined } from './exceptions.ts';
import { wakesUp } from './interrupts.ts';
import { EC } from './syndrome.ts';
import type { SystemRegisterEntry } from './sysregs/entry.ts';
import { registerById } from './sysregs/table.ts';
import { HCR } from './sysregs/traps.ts';
import { systemInstruction } from './system-instructions.ts';

/** What a handler did: finished (the PC moves on), jumped (the PC is set), or ended in an exception. */
export type Handled = 'next' | 'jumped';

/** ISS of a trapped MSR, MRS or system instruction (DDI 0487 D17.2.37). */
function systemIss(id: number, rt: number, read: boolean): number {
  const op0 = id >>> 14;
  const op1 = (id >>> 11) & 7;
  const crn = (id >>> 7) & 15;
  const crm = (id >>> 3) & 15;
  const op2 = id & 7;
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | (rt << 5) | (crm << 1) | (read ? 1 : 0);
}

/** Traps the current instruction, an access to the register or instruction `id`. */
function trapSystem(cpu: Cpu, el: number, ec: number | undefined, id: number, read: boolean): void {
  const rt = cpu.currentWord() & 31;
  if (ec === 0) takeSynchronous(cpu, el, EC.Unknown, 0);
  else if (ec === EC.FpAccess) takeSynchronous(cpu, el, ec, 0x1e0_0000);
  else takeSynchronous(cpu, el, ec ?? EC.SystemRegister, systemIss(id, rt, read));
}

/** Encodings that are reserved for implementations: CRn 11 and 15 of MRS and MSR, and of SYS and SYSL. */
const isReserved = (id: number): boolean => ((id >>> 7) & 11) === 11 && (id >>> 14) % 2 === 1;

/** An encoding that is not modelled: UNDEFINED, but those that are reserved for implementations have a trap, HCR_EL2.TIDCP. */
function notModelled(cpu: Cpu, id: number, write: boolean): void {
  if (isReserved(id) && cpu.state.el === 1 && cpu.el2Enabled && (cpu.hcr & HCR.TIDCP) !== 0n) {
    trapSystem(cpu, 2, undefined, id, !write);
    return;
  }
  cpu.reportUnimplemented(id, write);
  takeUndefined(cpu);
}

/** EL2's registers where there is no EL2: EL3 reads zero, and what it writes is ignored. SP_EL1 is EL1's. */
const isAbsentEl2 = (cpu: Cpu, entry: SystemRegisterEntry): boolean =>
  !cpu.features.el2 && ((entry.id >>> 11) & 7) === 4 && entry.name !== 'SP_EL1';

/** What EL3 reads of the two that stand for EL1's. */
const absentEl2Value = (cpu: Cpu, { name }: SystemRegisterEntry): bigint =>
  name === 'VPIDR_EL2'
    ? cpu.idRegister('MIDR_EL1')
    : name === 'VMPIDR_EL2'
      ? cpu.idRegister('MPIDR_EL1')
      : 0n;

/** True when the access may go on; else the exception has been taken. */
function mayAccess(cpu: Cpu, id: number, write: boolean): boolean {
  const entry = registerById(id);
  const minimum = entry && (write ? entry.minWrite : entry.minRead);
  if (entry === undefined || minimum === undefined || cpu.state.el < minimum) {
    if (entry === undefined) notModelled(cpu, id, write);
    else takeUndefined(cpu);
    return false;
  }
  if (entry.present?.(cpu) === false) {
    if (isReserved(id)) notModelled(cpu, id, write);
    else takeUndefined(cpu);
    return false;
  }
  if (isAbsentEl2(cpu, entry)) return true;
  for (const control of entry.traps) {
    const trap = control(cpu, write);
    if (trap === undefined) continue;
    trapSystem(cpu, trap.el, trap.ec, id, !write);
    return false;
  }
  return true;
}

/** What a bank has behind an access. */
const bankBehind = (cpu: Cpu, entry: SystemRegisterEntry): ReturnType<Cpu['bankOf']> =>
  entry.bank === undefined ? cpu.bankOf(entry.cell) : cpu.bankRegister(entry.bank(cpu));

/** MRS. The value, or undefined when an exception was taken. */
export function readSystemRegister(cpu: Cpu, id: number): bigint | undefined {
  cpu.architectural?.registerRead(id);
  if (!mayAccess(cpu, id, false)) return undefined;
  const entry = registerById(id);
  if (entry === undefined) return undefined;
  if (isAbsentEl2(cpu, entry)) return absentEl2Value(cpu, entry);
  const bank = bankBehind(cpu, entry);
  if (bank) return bank.read();
  if (entry.name.startsWith('CNT') || entry.bank !== undefined) {
    unplugged(cpu);
    return undefined;
  }
  return entry.read ? entry.read(cpu) : cpu.state.cell(entry.cell);
}

/** MSR. True unless an exception was taken. */
function writeSystemRegister(cpu: Cpu, id: number, value: bigint): boolean {
  if (!mayAccess(cpu, id, true)) return false;
  const entry = registerById(id);
  if (entry === undefined) return false;
  if (isAbsentEl2(cpu, entry)) return true;
  const bank = bankBehind(cpu, entry);
  if (bank) {
    bank.write(value);
    return true;
  }
  if (entry.name.startsWith('CNT') || entry.bank !== undefined) {
    unplugged(cpu);
    return false;
  }
  const old = cpu.state.cell(entry.cell);
  const merged = (old & ~entry.writable) | (value & entry.writable);
  if (entry.write) entry.write(cpu, merged);
  else cpu.state.setCell(entry.cell, merged);
  if (cpu.pmu.active) cpu.pmu.registerWritten(entry.name);
  return true;
}

/** A register whose part is not there: a timer's on a board without timers, the virtual CPU interface's of a GIC without one. */
function unplugged(cpu: Cpu): void {
  takeUndefined(cpu);
}

/** WFI and WFE: trapped by SCTLR_EL1.nTWI/nTWE at EL0, HCR_EL2.TWI/TWE below EL2, SCR_EL3.TWI/TWE below EL3. */
function waitFor(cpu: Cpu, event: boolean): Handled {
  const { el } = cpu.state;
  cpu.architectural?.waits(event);
  if (event ? cpu.takeEvent() : wakesUp(cpu)) return 'next';
  const iss = (1 << 24) | (0xe << 20) | (event ? 1 : 0);
  const allow = event ? 1n << 18n : 1n << 16n;
  if (el === 0 && (cpu.register('SCTLR_EL1') & allow) === 0n) {
    takeSynchronous(cpu, defaultTarget(cpu), EC.Wfx, iss);
    return 'jumped';
  }
  if (el < 2 && cpu.el2Enabled && (cpu.hcr & (event ? HCR.TWE : HCR.TWI)) !== 0n) {
    takeSynchronous(cpu, 2, EC.Wfx, iss);
    return 'jumped';
  }
  if (el < 3 && cpu.features.el3 && (cpu.register('SCR_EL3') & (event ? 1n << 13n : 1n << 12n)) !== 0n) {
    takeSynchronous(cpu, 3, EC.Wfx, iss);
    return 'jumped';
  }
  if (event) cpu.waitForEvent();
  else cpu.waitForInterrupt();
  return 'next';
}

/** MSR (immediate): op1 and op2 in bits 5:0 of `field`, the immediate in `value`. */
function msrImmediate(cpu: Cpu, field: number, value: number): Handled {
  const { state } = cpu;
  if (field === 0x1e || field === 0x1f) {
    if (state.el === 0 && (cpu.register('SCTLR_EL1') & (1n << 9n)) === 0n) {
      takeSynchronous(
        cpu,
        defaultTarget(cpu),
        EC.SystemRegister,
        systemIss((0 << 14) | (3 << 11) | (4 << 7) | (value << 3) | (field & 7), 31, false),
      );
      return 'jumped';
    }
    state.daif = field === 0x1e ? state.daif | value : state.daif & ~value;
    cpu.interruptsChanged();
    return 'next';
  }
  if (state.el === 0) return undefinedInstruction(cpu);
  if (field === 0x05) cpu.selectSp(value & 1);
  else if (field === 0x04 && cpu.features.pan) {
    state.pan = value;
    cpu.modeChanged();
  } else return undefinedInstruction(cpu);
  return 'next';
}

function undefinedInstruction(cpu: Cpu): Handled {
  takeUndefined(cpu);
  return 'jumped';
}

/** Handlers without a result. Arguments are as the rows pass them. */
export const handlers: Readonly<Record<string, (cpu: Cpu, args: readonly bigint[]) => Handled>> = {
  msr: (cpu, [id = 0n, value = 0n]) => (writeSystemRegister(cpu, Number(id), value) ? 'next' : 'jumped'),
  msrImmediate: (cpu, [field = 0n, value = 0n]) => msrImmediate(cpu, Number(field), Number(value)),
  sys: (cpu, [id = 0n, value = 0n]) => systemInstruction(cpu, Number(id), value, trapSystem, notModelled),
  eret: (cpu) => {
    if (cpu.state.el === 0) return undefinedInstruction(cpu);
    exceptionReturn(cpu);
    return 'jumped';
  },
  wfi: (cpu) => waitFor(cpu, false),
  wfe: (cpu) => waitFor(cpu, true),
  sev: (cpu) => {
    cpu.sendEvent();
    return 'next';
  },
  sevl: (cpu) => {
    cpu.event = true;
    return 'next';
  },
};
