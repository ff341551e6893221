// Wires of the CPUs themselves to private interrupts: PMUIRQ of the performance monitors, with their node (Linux's binding arm,pmu),
// and COMMIRQ of the debug communication channel.

import type { Cpu } from '@worldswitch/isa-core';

import type { PlacedPart } from '../tree/board.ts';
import type { BoardGic } from './gic.ts';
import type { Wire } from './wire.ts';

/** PMUIRQ's private peripheral interrupt, as on all boards of Arm's. */
const PMUIRQ = 7;

/** COMMIRQ's. */
const COMMIRQ = 6;

/** Connects the monitors and channels of all CPUs. */
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
    const channel = wire(`dcc.irq${cpu.index}`, (level) => {
      gic.inputs.ppi(cpu.index, COMMIRQ).set(level);
    });
    cpu.debug.channelInterrupt = (level) => {
      channel.set(level);
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
