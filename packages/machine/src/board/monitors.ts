// The performance monitors' wires and node: PMUIRQ of each CPU is a private interrupt (Linux's binding arm,pmu).

import type { Cpu } from '@worldswitch/isa-core';

import type { PlacedPart } from '../tree/board.ts';
import type { BoardGic } from './gic.ts';
import type { Wire } from './wire.ts';

/** PMUIRQ's private peripheral interrupt, as on all boards of Arm's. */
const PMUIRQ = 7;

/** Connects the monitors of all CPUs. */
export function connectMonitors(
  cpus: readonly Cpu[],
  gic: BoardGic,
  wire: (name: string, drive: (level: boolean) => void) => Wire,
): void {
  for (const cpu of cpus) {
    const line = wire(`pmu.irq${cpu.index}`, (level) => {
      gic.inputs.ppi(cpu.index, PMUIRQ).set(level);
    });
    cpu.pmuInterrupt = (level) => {
      line.set(level);
    };
  }
}

/** Their part of the device tree. */
export const monitorsPart = (cells: (ppi: number) => readonly number[]): PlacedPart => ({
  type: {
    treeNode: (_config, at) => ({
      name: 'pmu',
      properties: { compatible: 'arm,armv8-pmuv3', interrupts: at.interrupt('irq') },
    }),
  },
  config: undefined,
  bases: [],
  interrupts: () => cells(PMUIRQ),
});
