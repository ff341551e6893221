// The IMPLEMENTATION DEFINED registers of the modelled parts, for each vCPU its own (HCR_EL2.TIDCP brings them here): they hold what is
// written, as the hardware's do, and a VM cannot reach another through them.

import { bits, list } from '@worldswitch/platform';
import type { Shape, Word64 } from '@worldswitch/platform';

/** Their names; the last one says where the GIC is, which no board of ours does. */
const NAMES = [
  'L2CTLR_EL1',
  'L2ECTLR_EL1',
  'L2ACTLR_EL1',
  'CPUACTLR_EL1',
  'CPUECTLR_EL1',
  'CPUMERRSR_EL1',
  'L2MERRSR_EL1',
  'CBAR_EL1',
] as const;
const [L2CTLR, CBAR] = [NAMES.indexOf('L2CTLR_EL1'), NAMES.indexOf('CBAR_EL1')];
/** L2CTLR_EL1: the number of cores, less one. */
const CORES = 0x300_0000;

/** What is saved: halves, in the order of the names. */
export type ImplementationDefinedState = readonly number[];

/** How it is checked. */
export const implementationDefinedShape: Shape<ImplementationDefinedState> = list(bits(), 2 * NAMES.length);

/** Those of one vCPU. */
export class ImplementationDefined {
  private readonly values: Uint32Array;
  private readonly cores: number;

  /**
   * @param cores - of the VM
   * @param state - from `save`, checked
   */
  constructor(cores: number, state: ImplementationDefinedState = []) {
    this.values = new Uint32Array(2 * NAMES.length);
    this.values.set(state);
    this.cores = ((cores - 1) << 24) & CORES;
  }

  /** As out of reset. */
  reset(): void {
    this.values.fill(0);
  }

  /** A trapped read; false for a register that is none of these. */
  read(name: string, out: Word64): boolean {
    const at = (NAMES as readonly string[]).indexOf(name);
    if (at < 0) return false;
    out.lo = ((this.values[2 * at] ?? 0) | (at === L2CTLR ? this.cores : 0)) >>> 0;
    out.hi = this.values[2 * at + 1] ?? 0;
    return true;
  }

  /** A trapped write; false for a register that is none of these, or that cannot be written. */
  write(name: string, lo: number, hi: number): boolean {
    const at = (NAMES as readonly string[]).indexOf(name);
    if (at < 0 || at === CBAR) return false;
    this.values[2 * at] = at === L2CTLR ? lo & ~CORES : lo;
    this.values[2 * at + 1] = at === L2CTLR ? 0 : hi;
    return true;
  }

  /** As plain data. */
  save(): ImplementationDefinedState {
    return Array.from(this.values);
  }
}
