// A VM's PSCI (Arm DEN 0022, 5): the firmware's own rules, over the calling vCPU's registers. HVC and SMC are the same to it.

import { psciCall } from '@worldswitch/machine';
import type { PsciHost } from '@worldswitch/machine';
import type { CpuPort, Word64 } from '@worldswitch/platform';

/** What PSCI does with a VM: the hypervisor's part. Numbers are those of vCPUs in the VM. */
export interface PsciVm {
  /** The vCPU of an affinity (MPIDR_EL1 without its flags), or -1. */
  cpuOf(affinity: bigint): number;
  isOn(vcpu: number): boolean;
  /** Makes a vCPU that is off ready to start in its reset state, at an address, with X0. */
  start(vcpu: number, entry: bigint, context: bigint): void;
  /** The caller is off until it is started. */
  stop(vcpu: number): void;
  /** The caller waits for an interrupt. */
  suspend(vcpu: number): void;
  /** The VM is to be switched off: nothing of it runs any more. */
  powerOff(): void;
  /** The VM is to be reset. */
  reset(): void;
}

/** PSCI's part of the Standard Secure Service range of the SMC Calling Convention. */
const isPsci = (id: number): boolean => ((id & ~0x4000_0000) >>> 0) >>> 5 === 0x8400_0000 >>> 5;

/**
 * Answers the call in X0 to X3 of the current vCPU, where it is one of PSCI: false where it is none, and nothing has been done. The
 * answer is in X0 unless the call does not return.
 *
 * An SMC that was trapped has its own address in ELR_EL2: the hypervisor steps over it. An HVC has the next.
 */
export function virtualPsci(port: CpuPort, vm: PsciVm, vcpu: number): boolean {
  const word: Word64 = { lo: 0, hi: 0 };
  port.readX(0, word);
  if (!isPsci(word.lo)) return false;
  const host: PsciHost = {
    argument(_, register) {
      port.readX(register, word);
      return (BigInt(word.hi) << 32n) | BigInt(word.lo);
    },
    setResult(_, value) {
      port.writeX(0, Number(value & 0xffff_ffffn), Number(value >> 32n));
    },
    cpuOf: (affinity) => vm.cpuOf(affinity),
    isOn: (cpu) => vm.isOn(cpu),
    start: (cpu, entry, context) => {
      vm.start(cpu, entry, context);
    },
    stopCpu: (cpu) => {
      vm.stop(cpu);
    },
    suspend: (cpu) => {
      vm.suspend(cpu);
    },
    powerOff: () => {
      vm.powerOff();
    },
    reset: () => {
      vm.reset();
    },
  };
  psciCall(host, vcpu);
  port.work(20);
  return true;
}
