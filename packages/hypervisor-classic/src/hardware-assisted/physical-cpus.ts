// The host's CPUs: which vCPU's registers each has, which one runs, and moving them (the world switch).

import type { CpuPort, Word64 } from '@worldswitch/platform';
import {
  Classes,
  identifyAs,
  LazyFloat,
  restoreClasses,
  saveClasses,
  systemOperation,
  systemRegister,
} from '@worldswitch/vmm';
import type { LazyFloatState, Moved } from '@worldswitch/vmm';

import type { World } from '../host/cpu-scheduler.ts';
import type { Vcpu } from './vcpu.ts';
import type { VirtualMachine } from './virtual-machine.ts';

const ELR_EL2 = systemRegister('ELR_EL2');
const SPSR_EL2 = systemRegister('SPSR_EL2');
const VTTBR_EL2 = systemRegister('VTTBR_EL2');
const VTCR_EL2 = systemRegister('VTCR_EL2');
const ISB = systemOperation('ISB');
const DSB_NSH = systemOperation('DSB NSH');
const TLBI_VMALLE1 = systemOperation('TLBI VMALLE1');

/** Everything that moves when another vCPU comes to a CPU; FP follows when it is used, the GIC's and the timer's by themselves. */
const SWITCHED = Classes.General | Classes.El1 | Classes.Debug | Classes.Monitors;

/** What is saved of the world switch. */
export type WorldState = Readonly<{
  float: LazyFloatState;
  /** By CPU and VM: which of the VM's vCPUs was there last, from 1; 0 for none. */
  ran: readonly number[];
}>;

/** What a world switch moved, for the ledger. */
export interface SwitchCosts {
  registers: number;
  bytes: number;
}

/** The world switch. */
export class WorldSwitch implements World<Vcpu, VirtualMachine> {
  readonly float: LazyFloat;
  readonly migrates = true;
  readonly costs: SwitchCosts = { registers: 0, bytes: 0 };
  private readonly vms: number;
  /** By CPU and VM: which of the VM's vCPUs was there last, from 1; 0 for none. */
  private readonly ran: Uint16Array;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(cpus: number, vms: number, state?: WorldState) {
    this.float = new LazyFloat(cpus, state?.float);
    this.vms = vms;
    this.ran = new Uint16Array(cpus * vms);
    if (state) this.ran.set(state.ran);
  }

  /** As plain data. */
  save(): WorldState {
    return { float: this.float.save(), ran: Array.from(this.ran) };
  }

  private count({ registers, bytes }: Moved): void {
    this.costs.registers += registers;
    this.costs.bytes += bytes;
  }

  /** The vCPU stops running and stays loaded: where it is to go on is all that an interrupt of EL2's own would destroy. */
  park(port: CpuPort, vcpu: Vcpu): void {
    const { word } = this;
    port.readSystem(ELR_EL2, word);
    vcpu.context.set('ELR_EL2', word.lo, word.hi);
    port.readSystem(SPSR_EL2, word);
    vcpu.context.set('SPSR_EL2', word.lo, word.hi);
    this.count({ registers: 2, bytes: 16 });
  }

  /** The counterpart of `park`. */
  unpark(port: CpuPort, vcpu: Vcpu): void {
    const { word } = this;
    vcpu.context.get('ELR_EL2', word);
    port.writeSystem(ELR_EL2, word.lo, word.hi);
    vcpu.context.get('SPSR_EL2', word);
    port.writeSystem(SPSR_EL2, word.lo, word.hi);
    this.count({ registers: 2, bytes: 16 });
  }

  /** A vCPU leaves the CPU. `parked`: its PC and PSTATE have been saved. */
  unload(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu, parked: boolean): void {
    if (parked) this.unpark(port, vcpu);
    this.count(vcpu.timer.unload(port));
    this.count(vm.gic.unload(port, vcpu.index));
    this.count(this.float.unload(port, vcpu.id, vcpu.context));
    this.count(saveClasses(port, vcpu.context, SWITCHED));
  }

  /** A vCPU comes to a CPU that has none. */
  load(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu): void {
    this.count(restoreClasses(port, vcpu.context, SWITCHED));
    port.writeSystem(VTCR_EL2, ...vm.stage2.vtcr);
    port.writeSystem(VTTBR_EL2, ...vm.stage2.vttbr);
    this.forgetSibling(port, vm, vcpu);
    identifyAs(port, vcpu.index);
    this.float.load(port);
    this.count(vm.gic.load(port, vcpu.index));
    this.count(vcpu.timer.load(port));
  }

  /** A vCPU starts anew: what FP registers of it are on a CPU are void. */
  forget(vcpu: Vcpu): void {
    this.float.forget(vcpu.id);
  }

  /**
   * A TLB knows the vCPUs of a VM apart by nothing: where another one of them was last, what it left goes. A vCPU's own entries on
   * CPUs that it has left are kept right by HCR_EL2.FB, which makes its invalidations reach all of them (DDI 0487 D8.14.5).
   */
  private forgetSibling(port: CpuPort, vm: VirtualMachine, vcpu: Vcpu): void {
    const at = port.index * this.vms + vm.number;
    const last = this.ran[at] ?? 0;
    this.ran[at] = vcpu.index + 1;
    if (last === 0 || last === vcpu.index + 1) return;
    port.operate(ISB);
    port.operate(TLBI_VMALLE1);
    port.operate(DSB_NSH);
    port.operate(ISB);
  }

  /** The first use of FP since it came to the CPU. */
  useFloat(port: CpuPort, vcpu: Vcpu): void {
    this.count(this.float.use(port, vcpu.id, vcpu.context));
  }

  /** What was moved since the last time that somebody asked. */
  taken(): Moved {
    const { registers, bytes } = this.costs;
    this.costs.registers = this.costs.bytes = 0;
    return { registers, bytes };
  }
}
