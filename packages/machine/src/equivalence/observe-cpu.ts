// The events of a guest that a CPU executes at its own EL1 and EL0: on the bare machine, and on a hypervisor at EL2 (DDI 0487 D1.3,
// D17.2.37). All of it is seen at the CPU: no hypervisor is asked.

import { CpuLayout, EC, registerByName, Vector } from '@worldswitch/isa-core';
import type { ArchitecturalObserver, Cpu, TakenException } from '@worldswitch/isa-core';

import type { Machine } from '../machine.ts';
import type { GuestEventKind, GuestProbe, GuestView, ObservedGuest } from './events.ts';
import { GuestPlace, guestSystemRegisters } from './guest-state.ts';
import type { GuestState } from './guest-state.ts';

/** The guest's memory in its own addresses, and the VM's number. */
export interface VmPlace {
  readonly ramBase: number;
  readonly memory: number;
  /** Where that begins in the machine's memory. */
  readonly offset: number;
  /** VTTBR_EL2.VMID; that of whatever runs below EL2 when absent. */
  readonly vmid?: number | undefined;
}

const cell = (name: string): number => registerByName(name).cell;
const [VBAR, ELR, ESR, SCTLR] = [cell('VBAR_EL1'), cell('ELR_EL1'), cell('ESR_EL1'), cell('SCTLR_EL1')];
const [ELR2, SPSR2, VTTBR] = [cell('ELR_EL2'), cell('SPSR_EL2'), cell('VTTBR_EL2')];
const CNTKCTL = cell('CNTKCTL_EL1');
const system: readonly number[] = guestSystemRegisters.map(cell);

/** Reads that depend on time, each with the bit of CNTKCTL_EL1 that lets EL0 do it. */
const counterReads: ReadonlyMap<number, number> = new Map(
  (
    [
      ['CNTPCT_EL0', 0],
      ['CNTVCT_EL0', 1],
      ['CNTV_TVAL_EL0', 8],
      ['CNTV_CTL_EL0', 8],
      ['CNTP_TVAL_EL0', 9],
      ['CNTP_CTL_EL0', 9],
    ] as const
  ).map(([name, bit]) => [registerByName(name).id, bit]),
);

const HCR_VM = 1n;
const DATA_ABORT_LOWER = 0x24;
/** ISS of a data abort: cache maintenance, and a fault of a table walk. */
const CM = 1 << 8;
const S1PTW = 1 << 7;
/** SCTLR_EL1.nTWI and nTWE. */
const NTWI = 1 << 16;
const NTWE = 1 << 18;

class CpuView implements GuestView, ArchitecturalObserver {
  readonly steps: boolean = true;
  private readonly cpu: Cpu;
  private readonly probe: GuestProbe;
  private readonly vm: VmPlace | undefined;
  /** The guest has executed something, or is about to. */
  private entered: boolean;
  /** Where it was when it last came to EL2. */
  private exitLo = 0;
  private exitHi = 0;

  constructor(cpu: Cpu, probe: GuestProbe, vm: VmPlace | undefined) {
    this.cpu = cpu;
    this.probe = probe;
    this.vm = vm;
    cpu.architectural = this;
    this.entered = vm === undefined;
  }

  get inGuest(): boolean {
    return this.entered && this.isGuest(this.cpu.state.el);
  }

  private isGuest(el: number): boolean {
    if (this.vm === undefined) return true;
    const { cpu, vm } = this;
    if (el >= 2 || (cpu.hcr & HCR_VM) === 0n) return false;
    return vm.vmid === undefined || (cpu.state.cellHi(VTTBR) >>> 16) % 256 === vm.vmid;
  }

  /** The current instruction. */
  private note(kind: GuestEventKind, detail = 0): void {
    const { state } = this.cpu;
    this.probe.event(kind, state.pcLo, state.pcHi, detail);
  }

  exceptionTaken(e: TakenException, from: number): void {
    if (!this.isGuest(from)) return;
    if (e.el === 1) {
      this.probe.event(...this.described(e));
      return;
    }
    this.exitLo = e.pcLo;
    this.exitHi = e.pcHi;
    this.probe.left();
    if (this.isDeviceAccess(e)) this.probe.event('mmio', e.pcLo, e.pcHi, e.farLo);
  }

  private described(e: TakenException): [GuestEventKind, number, number, number] {
    const { pcLo, pcHi, esr = 0 } = e;
    if (e.vector === Vector.Irq) return ['irq', pcLo, pcHi, 0];
    if (e.vector === Vector.Fiq) return ['fiq', pcLo, pcHi, 0];
    if (e.vector === Vector.SError) return ['serror', pcLo, pcHi, esr];
    if (esr >>> 26 !== EC.Svc64) return ['fault', pcLo, pcHi, esr];
    return ['svc', (pcLo - 4) >>> 0, pcLo < 4 ? pcHi - 1 : pcHi, esr];
  }

  /** A fault of stage 2 where no memory of the guest's is. */
  private isDeviceAccess({ esr = 0, hpfar }: TakenException): boolean {
    const { vm } = this;
    if (vm === undefined || hpfar === undefined || esr >>> 26 !== DATA_ABORT_LOWER) return false;
    if ((esr & (CM | S1PTW)) !== 0) return false;
    const ipa = Number((hpfar >> 4n) << 12n);
    return ipa < vm.ramBase || ipa >= vm.ramBase + vm.memory;
  }

  returned(from: number): void {
    const { cpu } = this;
    const { state } = cpu;
    if (from === 1 && this.isGuest(1)) {
      this.note('eret');
      return;
    }
    if (this.vm === undefined || !this.isGuest(state.el)) return;
    if (!this.entered) {
      this.entered = true;
      this.note('entry');
    } else if (this.isInjected()) {
      const esr = state.cellLo(ESR);
      this.probe.event('fault', this.exitLo, this.exitHi, esr);
    }
    this.probe.resumed();
  }

  /** The hypervisor returns to a vector of the guest's, as if the guest had taken an exception where it was. */
  private isInjected(): boolean {
    const { state } = this.cpu;
    const { exitLo, exitHi } = this;
    if (state.el !== 1 || (state.pcLo === exitLo && state.pcHi === exitHi)) return false;
    if (state.cellLo(ELR) !== exitLo || state.cellHi(ELR) !== exitHi) return false;
    if (state.cellHi(VBAR) !== state.pcHi) return false;
    return [0, 0x200, 0x400].includes(state.pcLo - state.cellLo(VBAR));
  }

  called(by: 'hvc' | 'smc'): void {
    if (this.cpu.state.el === 1 && this.isGuest(1)) this.note(by);
  }

  waits(event: boolean): void {
    const { el } = this.cpu.state;
    if (el > 1 || !this.isGuest(el)) return;
    if (el === 0 && (this.cpu.state.cellLo(SCTLR) & (event ? NTWE : NTWI)) === 0) return;
    this.note(event ? 'wfe' : 'wfi');
  }

  registerRead(id: number): void {
    const bit = counterReads.get(id);
    const { el } = this.cpu.state;
    if (bit === undefined || el > 1 || !this.isGuest(el)) return;
    if (el === 0 && (this.valueOf(CNTKCTL) & (1n << BigInt(bit))) === 0n) return;
    this.note('counter');
  }

  deviceAccess(vaLo: number): void {
    const { el } = this.cpu.state;
    if (el < 2 && this.isGuest(el)) this.note('mmio', vaLo);
  }

  private valueOf(at: number): bigint {
    return this.cpu.bankOf(at)?.read() ?? this.cpu.state.cell(at);
  }

  read(out: GuestState): void {
    const { cpu } = this;
    const { state } = cpu;
    const { el, u32 } = state;
    const { words } = out;
    words.set(u32.subarray(CpuLayout.x >> 2, (CpuLayout.x >> 2) + 62), 2 * GuestPlace.x);
    this.stackPointer(out, 0);
    this.stackPointer(out, 1);
    if (el < 2) {
      out.set(GuestPlace.pc, state.pcLo, state.pcHi);
      out.set(GuestPlace.pstate, state.spsr, 0);
    } else {
      out.set(GuestPlace.pc, state.cellLo(ELR2), state.cellHi(ELR2));
      out.set(GuestPlace.pstate, state.cellLo(SPSR2), 0);
    }
    system.forEach((at, i) => {
      const bank = cpu.bankOf(at);
      if (bank === undefined) out.set(GuestPlace.system + i, state.cellLo(at), state.cellHi(at));
      else {
        const value = bank.read();
        out.set(GuestPlace.system + i, Number(value & 0xffff_ffffn), Number(value >> 32n));
      }
    });
    out.set(GuestPlace.fpcr, state.word(CpuLayout.fpcr), 0);
    out.set(GuestPlace.fpsr, state.word(CpuLayout.fpsr), 0);
    words.set(u32.subarray(CpuLayout.v >> 2, (CpuLayout.v >> 2) + 128), 2 * GuestPlace.v);
  }

  private stackPointer(out: GuestState, level: 0 | 1): void {
    const { cpu } = this;
    const { state } = cpu;
    const place = level === 0 ? GuestPlace.sp0 : GuestPlace.sp1;
    const current = state.spSel === 0 ? 0 : state.el;
    if (current === level) {
      const at = (CpuLayout.x >> 2) + 62;
      out.set(place, state.u32[at] ?? 0, state.u32[at + 1] ?? 0);
      return;
    }
    const at = cpu.spCells[level] ?? 0;
    out.set(place, state.cellLo(at), state.cellHi(at));
  }
}

/** A guest on the bare machine. */
export function nativeGuest(system: string, machine: Machine): ObservedGuest {
  return {
    system,
    machine,
    memory: { offset: 0, size: machine.board.ram.size },
    observe: (probe) => new CpuView(machine.cpu, probe, undefined),
  };
}

/** A guest in a virtual machine whose EL1 and EL0 are the CPU's own. */
export function hardwareGuest(system: string, machine: Machine, vm: VmPlace): ObservedGuest {
  return {
    system,
    machine,
    memory: { offset: vm.offset, size: vm.memory },
    observe: (probe) => new CpuView(machine.cpu, probe, vm),
  };
}
