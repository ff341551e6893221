// What the hypervisor does about each exit of a guest, in place: no EL1 register moves for any of them.

import type { CpuPort, Word64 } from '@worldswitch/platform';
import {
  injectSynchronous,
  injectUndefined,
  physicalTimerRegisters,
  skipInstruction,
  systemRegister,
  trappedGicRegisters,
  VirtualGicV3,
  VirtualId,
  virtualPsci,
} from '@worldswitch/vmm';
import type { DataAbortExit, Exit, PsciVm, SystemRegisterExit } from '@worldswitch/vmm';

import type { Vcpu } from './vcpu.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/** What handlers ask of the hypervisor. */
export interface ExitHost {
  /** The vCPU waits for an interrupt. */
  wait(vcpu: Vcpu): void;
  /** It may go on, but others may, too. */
  yield(): void;
  /** Its first use of FP since it came to this CPU. */
  useFloat(port: CpuPort, vcpu: Vcpu): void;
  /** The VM's PSCI. */
  psci(vm: VirtualMachine): PsciVm;
}

/** SMC Calling Convention: the function is not there. */
const NOT_SUPPORTED = 0xffff_ffff;

/** Registers whose writes HCR_EL2.TVM traps. */
const translationRegisters: ReadonlySet<string> = new Set([
  'SCTLR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'MAIR_EL1',
  'AMAIR_EL1',
  'CONTEXTIDR_EL1',
]);

/** Handles exits of guests. */
export class ExitHandlers {
  private readonly host: ExitHost;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(host: ExitHost) {
    this.host = host;
  }

  /** Does what a synchronous exit asks for, and says who did: a name for the ledger. */
  handle(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu, exit: Exit): string {
    switch (exit.kind) {
      case 'wfx':
        return this.wait(port, vcpu, exit.event);
      case 'hvc':
        return this.call(port, vm, vcpu);
      case 'smc':
        // A VM has no EL3: SMC is UNDEFINED, as on a board without one.
        injectUndefined(port);
        return 'undefined';
      case 'system-register':
        return this.systemRegister(port, vm, vcpu, exit);
      case 'fp':
        this.host.useFloat(port, vcpu);
        return 'float';
      case 'data-abort':
        return this.dataAbort(port, vm, vcpu, exit);
      case 'instruction-abort':
        return vm.mmio.fetch(port, exit, vcpu.index) === 'aborted' ? 'abort' : 'retry';
      case 'brk':
        return this.debug(port, { kind: exit.kind, esr: exit.esr });
      case 'breakpoint':
      case 'software-step':
      case 'watchpoint':
        return this.debug(port, { kind: exit.kind, esr: exit.esr, va: exit.va });
      case 'undefined':
      case 'svc':
      case 'sve':
      case 'eret':
      case 'illegal-state':
      case 'pc-alignment':
      case 'sp-alignment':
      case 'fp-exception':
      case 'serror':
      case 'irq':
      case 'fiq':
      case 'host-fault':
      case 'unknown':
        // None of these is routed to EL2 by the controls that are set.
        injectUndefined(port);
        return 'undefined';
    }
  }

  private wait(port: CpuPort, vcpu: Vcpu, event: boolean): string {
    skipInstruction(port);
    if (event) this.host.yield();
    else this.host.wait(vcpu);
    return 'scheduler';
  }

  private call(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu): string {
    if (virtualPsci(port, this.host.psci(vm), vcpu.index)) return 'psci';
    port.writeX(0, NOT_SUPPORTED, NOT_SUPPORTED);
    return 'hypercall';
  }

  private systemRegister(
    port: CpuPort,
    vm: VirtualMachine,
    vcpu: Vcpu,
    { name = '', register, write }: SystemRegisterExit,
  ): string {
    const { word } = this;
    if (!write && VirtualId.has(name)) {
      vm.id.read(name, word);
      port.writeX(register, word.lo, word.hi);
      skipInstruction(port);
      return 'id';
    }
    if (physicalTimerRegisters.includes(name)) {
      if (write) {
        port.readX(register, word);
        vcpu.timer.write(name, word.lo, word.hi);
      } else {
        vcpu.timer.read(name, word);
        port.writeX(register, word.lo, word.hi);
      }
      skipInstruction(port);
      return 'timer';
    }
    if (write) {
      port.readX(register, word);
      if (vcpu.implementation.write(name, word.lo, word.hi)) {
        skipInstruction(port);
        return 'implementation defined';
      }
    } else if (vcpu.implementation.read(name, word)) {
      port.writeX(register, word.lo, word.hi);
      skipInstruction(port);
      return 'implementation defined';
    }
    if (write && translationRegisters.has(name)) {
      port.readX(register, word);
      port.writeSystem(systemRegister(name), word.lo, word.hi);
      skipInstruction(port);
      return 'translation';
    }
    if (write && vm.gic instanceof VirtualGicV3 && trappedGicRegisters.includes(name)) {
      port.readX(register, word);
      skipInstruction(port);
      vm.gic.write(port, vcpu.index, name, word.lo, word.hi);
      return 'gic';
    }
    injectUndefined(port);
    return 'undefined';
  }

  private dataAbort(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu, exit: DataAbortExit): string {
    if (exit.fault === 'permission' && exit.write && exit.ipa !== -1 && vm.stage2.written(port, exit.ipa))
      return 'dirty log';
    const device = exit.ipa === -1 ? undefined : vm.bus.deviceAt(exit.ipa);
    const outcome = vm.mmio.emulate(port, exit, vcpu.index);
    return outcome === 'aborted' ? 'abort' : (device ?? outcome);
  }

  /** MDCR_EL2.TDE brought it here: the guest's own EL1 is to have it. */
  private debug(port: CpuPort, { kind, esr, va }: DebugExit): string {
    const ec = esr >>> 26;
    injectSynchronous(port, ec, esr & 0x1ff_ffff, va, kind === 'brk' ? ec : ec + 1);
    return 'debug';
  }
}

interface DebugExit {
  readonly kind: string;
  readonly esr: number;
  readonly va?: Word64;
}
