// PSCI of a VM: what switching vCPUs on and off means to the scheduler.

import type { Current, PsciVm } from '@worldswitch/vmm';
import { vcpuOfAffinity } from '@worldswitch/vmm';

import type { CpuScheduler, ScheduledVcpu, ScheduledVm } from './cpu-scheduler.ts';

/** What PSCI does with one VM. */
export function vmPower<V extends ScheduledVcpu, M extends ScheduledVm<V>>(
  vm: M,
  scheduler: CpuScheduler<V, M>,
  current: Current,
): PsciVm {
  const vcpu = (index: number): V => {
    const found = vm.vcpus[index];
    if (found === undefined) throw new RangeError(`the VM has no vCPU ${index}`);
    return found;
  };
  return {
    cpuOf: (affinity) => vcpuOfAffinity(affinity, vm.vcpus.length),
    isOn: (index) => vcpu(index).on,
    start(index, entry, context) {
      scheduler.switchOn(vcpu(index), entry, context);
    },
    stop(index) {
      scheduler.switchOff(current.port, vcpu(index));
    },
    suspend(index) {
      scheduler.wait(vcpu(index));
    },
    powerOff() {
      for (const each of vm.vcpus) scheduler.switchOff(current.port, each);
    },
    reset() {
      // Its memory holds no fresh images: a VM that asks for a reset ends.
      for (const each of vm.vcpus) scheduler.switchOff(current.port, each);
    },
  };
}
