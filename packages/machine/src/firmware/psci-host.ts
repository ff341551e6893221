// What PSCI does with the CPUs of a machine (DEN 0022).

import type { Cpu } from '@worldswitch/isa-core';

import { mpidr } from '../id/registers.ts';
import type { PsciHost } from './psci.ts';

/** The machine, as its firmware needs it. */
export interface FirmwareMachine {
  readonly cpus: () => readonly Cpu[];
  /** Resets what is part of a CPU but not in it. */
  readonly resetCpu: (index: number) => void;
  readonly end: (how: 'off' | 'reset') => void;
}

/** The affinity fields of MPIDR_EL1. */
const AFFINITY = 0xff_00ff_ffffn;

/** The firmware's hands on a machine. */
export function psciOf(machine: FirmwareMachine): PsciHost {
  const cpu = (index: number): Cpu | undefined => machine.cpus()[index];
  return {
    argument: (index, register) => cpu(index)?.state.x(register) ?? 0n,
    setResult: (index, value) => {
      cpu(index)?.state.setX(0, value);
    },
    cpuOf: (affinity) => machine.cpus().findIndex(({ index }) => affinity === (mpidr(index) & AFFINITY)),
    isOn: (index) => cpu(index)?.off === false,
    start(index, entry, context) {
      // Entered at the level below the firmware's, little-endian, MMU off: as the first CPU was.
      const target = cpu(index);
      machine.resetCpu(index);
      target?.reset({ pc: entry, el: target.highestEl, x0: context });
    },
    stopCpu(index) {
      cpu(index)?.switchOff();
      if (machine.cpus().every(({ off }) => off)) machine.end('off');
    },
    suspend: (index) => {
      cpu(index)?.waitForInterrupt();
    },
    powerOff: () => {
      machine.end('off');
    },
    reset: () => {
      machine.end('reset');
    },
  };
}
