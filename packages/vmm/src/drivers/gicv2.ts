// A driver for the board's GICv2 (IHI 0048B 4.3, 4.4).

import type { CpuPort } from '@worldswitch/platform';

import { HOST_PRIORITY } from './gic.ts';
import type { HostGic } from './gic.ts';
import { readRegister, writeRegister } from './registers.ts';

const GICD_CTLR = 0x000;
const GICD_ISENABLER = 0x100;
const GICD_ICENABLER = 0x180;
const GICD_ISACTIVER = 0x300;
const GICD_IPRIORITYR = 0x400;
const GICD_ITARGETSR = 0x800;
const GICD_SGIR = 0xf00;
const GICC_CTLR = 0x00;
const GICC_PMR = 0x04;
const GICC_IAR = 0x0c;
const GICC_EOIR = 0x10;
const GICC_DIR = 0x1000;
/** Enable, and EOImode: GICC_EOIR drops the priority only. */
const CTLR_ON = 0x201;

/** Drives a GICv2 whose distributor and CPU interface are at these physical addresses. */
export function hostGicV2(distributor: number, cpuInterface: number): HostGic {
  const bit = (interrupt: number): [number, number] => [(interrupt >>> 5) * 4, 1 << (interrupt & 31)];
  return {
    initialise(port) {
      writeRegister(port, distributor + GICD_CTLR, 1);
    },
    initialiseCpu(port) {
      writeRegister(port, cpuInterface + GICC_PMR, 0xff);
      writeRegister(port, cpuInterface + GICC_CTLR, CTLR_ON);
    },
    enable(port, interrupt, target) {
      writeRegister(port, distributor + GICD_IPRIORITYR + interrupt, HOST_PRIORITY, 1);
      if (interrupt >= 32) writeRegister(port, distributor + GICD_ITARGETSR + interrupt, 1 << target, 1);
      const [word, mask] = bit(interrupt);
      writeRegister(port, distributor + GICD_ISENABLER + word, mask);
    },
    disable(port, interrupt) {
      const [word, mask] = bit(interrupt);
      writeRegister(port, distributor + GICD_ICENABLER + word, mask);
    },
    acknowledge: (port) => readRegister(port, cpuInterface + GICC_IAR),
    numberOf: (acknowledged) => acknowledged & 0x3ff,
    drop(port, acknowledged) {
      writeRegister(port, cpuInterface + GICC_EOIR, acknowledged);
    },
    deactivate(port: CpuPort, acknowledged: number) {
      writeRegister(port, cpuInterface + GICC_DIR, acknowledged);
    },
    activate(port, interrupt) {
      const [word, mask] = bit(interrupt);
      writeRegister(port, distributor + GICD_ISACTIVER + word, mask);
    },
    send(port, cpu, sgi) {
      writeRegister(port, distributor + GICD_SGIR, (1 << (16 + cpu)) | sgi);
    },
  };
}
