// The world switch of trap-and-emulate: no level has a second set of registers, so what EL0 has is saved, and everything else is virtual
// anyway.

import type { CpuPort } from '@worldswitch/platform';
import type { Moved } from '@worldswitch/vmm';

import type { World } from '../host/cpu-scheduler.ts';
import type { VirtualCpu } from './virtual-cpu.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/** Moves vCPUs. */
export class TrapWorld implements World<VirtualCpu, VirtualMachine> {
  private registers = 0;
  private readonly restarted: (vcpu: VirtualCpu) => void;

  /**
   * @param restarted - a vCPU starts anew
   */
  constructor(restarted: (vcpu: VirtualCpu) => void) {
    this.restarted = restarted;
  }

  park(port: CpuPort, vcpu: VirtualCpu): void {
    vcpu.park(port);
    this.registers += 2;
  }

  unpark(port: CpuPort, vcpu: VirtualCpu): void {
    vcpu.unpark(port);
    this.registers += 2;
  }

  unload(port: CpuPort, _vm: VirtualMachine, vcpu: VirtualCpu, parked: boolean): void {
    vcpu.monitors.settle(port);
    if (parked) this.unpark(port, vcpu);
    this.registers += vcpu.unload(port);
  }

  load(port: CpuPort, _vm: VirtualMachine, vcpu: VirtualCpu): void {
    this.registers += vcpu.load(port);
  }

  forget(vcpu: VirtualCpu): void {
    this.restarted(vcpu);
  }

  /** What was moved since the last time that somebody asked. */
  taken(): Moved {
    const { registers } = this;
    this.registers = 0;
    return { registers, bytes: 8 * registers };
  }
}
