// A driver for the board's GICv3 (IHI 0069 12.9, 12.10, 12.11): distributor, redistributors, and the CPU interface by system registers.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import { HOST_PRIORITY } from './gic.ts';
import type { HostGic } from './gic.ts';
import { readRegister, writeRegister } from './registers.ts';

const GICD_CTLR = 0x0000;
const GICD_IGROUPR = 0x0080;
const GICD_ISENABLER = 0x0100;
const GICD_ICENABLER = 0x0180;
const GICD_ISACTIVER = 0x0300;
const GICD_IPRIORITYR = 0x0400;
const GICD_IROUTER = 0x6000;
const GICR_WAKER = 0x0014;
/** Bytes of a CPU's two frames, and of the first. */
const REDISTRIBUTOR = 0x2_0000;
const SGI_FRAME = 0x1_0000;
/** Affinity routing, group 1. */
const CTLR_ON = 0x12;
const PROCESSOR_SLEEP = 2;

/** System registers are used: ICC_SRE of the hypervisor's level, and at EL2 EL1 may use its own. */
const enableAccess = {
  EL2: [systemRegister('ICC_SRE_EL2'), 0x9],
  EL1: [systemRegister('ICC_SRE_EL1'), 0x1],
} as const;
const ICC_PMR_EL1 = systemRegister('ICC_PMR_EL1');
const ICC_CTLR_EL1 = systemRegister('ICC_CTLR_EL1');
const ICC_IGRPEN1_EL1 = systemRegister('ICC_IGRPEN1_EL1');
const ICC_IAR1_EL1 = systemRegister('ICC_IAR1_EL1');
const ICC_EOIR1_EL1 = systemRegister('ICC_EOIR1_EL1');
const ICC_DIR_EL1 = systemRegister('ICC_DIR_EL1');
const ICC_SGI1R_EL1 = systemRegister('ICC_SGI1R_EL1');
const EOI_MODE = 2;

const value: Word64 = { lo: 0, hi: 0 };

/** Drives a GICv3 whose distributor and redistributors are at these physical addresses, from the hypervisor's level. */
export function hostGicV3(
  distributor: number,
  redistributors: number,
  level: 'EL1' | 'EL2' = 'EL2',
): HostGic {
  const private_ = (port: CpuPort): number => redistributors + port.index * REDISTRIBUTOR + SGI_FRAME;
  const block = (port: CpuPort, interrupt: number): number => (interrupt < 32 ? private_(port) : distributor);
  const bit = (interrupt: number): [number, number] => [(interrupt >>> 5) * 4, 1 << (interrupt & 31)];
  return {
    initialise(port) {
      writeRegister(port, distributor + GICD_CTLR, CTLR_ON);
    },
    initialiseCpu(port) {
      const waker = redistributors + port.index * REDISTRIBUTOR + GICR_WAKER;
      writeRegister(port, waker, readRegister(port, waker) & ~PROCESSOR_SLEEP);
      writeRegister(port, private_(port) + GICD_IGROUPR, 0xffff_ffff);
      const [register, enable] = enableAccess[level];
      port.writeSystem(register, enable, 0);
      port.writeSystem(ICC_PMR_EL1, 0xff, 0);
      port.writeSystem(ICC_CTLR_EL1, EOI_MODE, 0);
      port.writeSystem(ICC_IGRPEN1_EL1, 1, 0);
    },
    enable(port, interrupt, target) {
      const base = block(port, interrupt);
      const [word, mask] = bit(interrupt);
      if (interrupt >= 32) {
        const group = distributor + GICD_IGROUPR + word;
        writeRegister(port, group, readRegister(port, group) | mask);
        writeRegister(port, distributor + GICD_IROUTER + 8 * interrupt, target);
        writeRegister(port, distributor + GICD_IROUTER + 8 * interrupt + 4, 0);
      }
      writeRegister(port, base + GICD_IPRIORITYR + interrupt, HOST_PRIORITY, 1);
      writeRegister(port, base + GICD_ISENABLER + word, mask);
    },
    disable(port, interrupt) {
      const [word, mask] = bit(interrupt);
      writeRegister(port, block(port, interrupt) + GICD_ICENABLER + word, mask);
    },
    acknowledge(port) {
      port.readSystem(ICC_IAR1_EL1, value);
      return value.lo;
    },
    numberOf: (acknowledged) => acknowledged & 0xff_ffff,
    drop(port, acknowledged) {
      port.writeSystem(ICC_EOIR1_EL1, acknowledged, 0);
    },
    deactivate(port, acknowledged) {
      port.writeSystem(ICC_DIR_EL1, acknowledged, 0);
    },
    activate(port, interrupt) {
      const [word, mask] = bit(interrupt);
      writeRegister(port, block(port, interrupt) + GICD_ISACTIVER + word, mask);
    },
    send(port, cpu, sgi) {
      // Affinity 0.0.0: the target list is CPUs 0 to 15.
      port.writeSystem(ICC_SGI1R_EL1, (sgi << 24) | (1 << cpu), 0);
    },
  };
}
