// What of a guest comes to EL2 (DDI 0487 D17.2: HCR_EL2, MDCR_EL2, CNTHCTL_EL2). System calls and faults of guests do not: each of the
// further controls can be switched on to show what it costs.

import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemRegister, trapPhysicalTimer } from '@worldswitch/vmm';

/** Bits of HCR_EL2. */
const Hcr = {
  VM: 1,
  SWIO: 1 << 1,
  PTW: 1 << 2,
  FMO: 1 << 3,
  IMO: 1 << 4,
  AMO: 1 << 5,
  FB: 1 << 9,
  BSU: 1 << 10,
  TWI: 1 << 13,
  TWE: 1 << 14,
  TID3: 1 << 18,
  TSC: 1 << 19,
  TIDCP: 1 << 20,
  TVM: 1 << 26,
  RW: 2 ** 31,
} as const;

/** Controls that are off, or on, only to show what they cost. All have a default. */
export interface TrapControls {
  /** WFI is an exit (HCR_EL2.TWI), so that others may run; on when absent. */
  readonly waits?: boolean | undefined;
  /** WFE, too (TWE); off when absent. */
  readonly waitsForEvents?: boolean | undefined;
  /** Writes of EL1's translation registers (TVM); off when absent. */
  readonly translation?: boolean | undefined;
  /** SMC (TSC); on when absent: a guest that reaches the board's firmware could switch the board off. */
  readonly secureCalls?: true | undefined;
  /** Software breakpoints and other debug exceptions (MDCR_EL2.TDE); off when absent. */
  readonly debug?: boolean | undefined;
}

const HCR_EL2 = systemRegister('HCR_EL2');
const MDCR_EL2 = systemRegister('MDCR_EL2');
const CNTHCTL_EL2 = systemRegister('CNTHCTL_EL2');
const HSTR_EL2 = systemRegister('HSTR_EL2');

/** MDCR_EL2.TDE with the traps that it implies (TDRA, TDOSA, TDA). */
const DEBUG = 0xf00;
/** MDCR_EL2.HPMN: all event counters are the guest's. */
const HPMN = 0x1f;

/** HCR_EL2 while a guest runs. */
function hcrOf(controls: TrapControls): number {
  let value =
    Hcr.VM | Hcr.SWIO | Hcr.FMO | Hcr.IMO | Hcr.AMO | Hcr.FB | Hcr.BSU | Hcr.TID3 | Hcr.TSC | Hcr.TIDCP;
  if (controls.waits !== false) value |= Hcr.TWI;
  if (controls.waitsForEvents === true) value |= Hcr.TWE;
  if (controls.translation === true) value |= Hcr.TVM;
  return value + Hcr.RW;
}

/** Sets the controls of this CPU for guests. They hold for all VMs, so that a switch between them moves none. */
export function setTraps(port: CpuPort, controls: TrapControls): void {
  port.writeSystem(HCR_EL2, hcrOf(controls), 0);
  const word: Word64 = { lo: 0, hi: 0 };
  port.readSystem(MDCR_EL2, word);
  port.writeSystem(MDCR_EL2, (word.lo & HPMN) | (controls.debug === true ? DEBUG : 0), 0);
  // The physical counter and timer are emulated: they must agree, and the timer's deadlines are in the VM's own time.
  port.writeSystem(CNTHCTL_EL2, trapPhysicalTimer, 0);
  port.writeSystem(HSTR_EL2, 0, 0);
}
