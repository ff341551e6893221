// EL1's real controls while the guest runs at EL0: what traps, and what of the guest's own controls the hardware can apply to EL0
// (DDI 0487 D17.2.118 SCTLR_EL1, D17.2.30 CPACR_EL1).

import type { CpuPort } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import { debugOf, loadPoints, Mdscr, unlockDebug } from './debug.ts';
import { silenceMonitors } from './monitors.ts';
import type { VirtualCpu } from './virtual-cpu.ts';

const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const CPACR_EL1 = systemRegister('CPACR_EL1');
const MDSCR_EL1 = systemRegister('MDSCR_EL1');
const CNTKCTL_EL1 = systemRegister('CNTKCTL_EL1');
const PMUSERENR_EL0 = systemRegister('PMUSERENR_EL0');

/** SCTLR_EL1 fields. */
export const Sctlr = {
  M: 1,
  A: 0x2,
  SA: 0x8,
  SA0: 0x10,
  UMA: 0x200,
  DZE: 0x4000,
  UCT: 0x8000,
  nTWI: 0x10000,
  nTWE: 0x40000,
  WXN: 0x80000,
  E0E: 0x1000000,
  EE: 0x2000000,
  UCI: 0x4000000,
} as const;

/** RES1 bits, I, SA, C and M: with UMA, nTWI and nTWE clear, DAIF, WFI and WFE trap. */
const BASE = 0x30d0_0980 | 0x1000 | Sctlr.SA | 0x4 | Sctlr.M;
/** What EL1 may do without asking, so that the guest's kernel may, too. */
const KERNEL = Sctlr.DZE | Sctlr.UCT | Sctlr.UCI;
const FPEN_SHIFT = 20;

/** SCTLR_EL1 for a vCPU at its level. */
function sctlrOf(vcpu: VirtualCpu): number {
  const own = vcpu.get(SCTLR_EL1);
  const common = BASE | (own & Sctlr.A);
  if (vcpu.level === 0) return (common | (own & (KERNEL | Sctlr.SA0 | Sctlr.E0E))) >>> 0;
  const sa0 = (own & Sctlr.SA) !== 0 ? Sctlr.SA0 : 0;
  const e0e = (own & Sctlr.EE) !== 0 ? Sctlr.E0E : 0;
  return (common | KERNEL | sa0 | e0e) >>> 0;
}

/** The guest may use FP at its level, by its own CPACR_EL1. */
export function mayUseFloat(vcpu: VirtualCpu): boolean {
  const fpen = (vcpu.get(CPACR_EL1) >>> FPEN_SHIFT) & 3;
  return vcpu.level === 0 ? fpen === 3 : (fpen & 1) !== 0;
}

/** What one CPU's controls are: they are written when they change. */
export class Controls {
  private sctlr = -1;
  private float = -1;
  private debug = -1;

  /** From `save`, and as plain data. */
  restore([sctlr = -1, float = -1, debug = -1]: readonly number[]): void {
    this.sctlr = sctlr;
    this.float = float;
    this.debug = debug;
  }
  save(): readonly number[] {
    return [this.sctlr, this.float, this.debug];
  }

  /** Those that never change. */
  initialise(port: CpuPort): void {
    port.writeSystem(CNTKCTL_EL1, 0, 0);
    port.writeSystem(PMUSERENR_EL0, 0, 0);
    silenceMonitors(port);
    unlockDebug(port);
    this.set(port, 1, Mdscr.TDCC);
  }

  /** Makes them right for a vCPU. */
  apply(port: CpuPort, vcpu: VirtualCpu): void {
    const sctlr = sctlrOf(vcpu);
    if (sctlr !== this.sctlr) {
      port.writeSystem(SCTLR_EL1, sctlr, 0);
      this.sctlr = sctlr;
    }
    // EL1 itself, which is the hypervisor, always may.
    const debug = debugOf(vcpu);
    if ((debug & Mdscr.MDE) !== 0) loadPoints(port, vcpu);
    this.set(port, mayUseFloat(vcpu) ? 3 : 1, Mdscr.TDCC | debug);
  }

  private set(port: CpuPort, float: number, debug: number): void {
    if (float !== this.float) {
      port.writeSystem(CPACR_EL1, (float << FPEN_SHIFT) >>> 0, 0);
      this.float = float;
    }
    if (debug !== this.debug) {
      port.writeSystem(MDSCR_EL1, debug, 0);
      this.debug = debug;
    }
  }
}
