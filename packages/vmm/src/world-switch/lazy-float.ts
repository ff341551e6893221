// FP and SIMD registers moved only when somebody uses them: CPTR_EL2.TFP makes the first use after a switch an exit
// (DDI 0487 D17.2.31, D1.13).

import { flag, list, nullable, record, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import { Classes } from './classes.ts';
import type { Moved } from './classes.ts';
import { restoreClasses, saveClasses } from './context.ts';
import type { Context } from './context.ts';

const CPTR_EL2 = systemRegister('CPTR_EL2');
/** CPTR_EL2.TFP. */
const TFP = 1 << 10;

/** Whose FP registers a CPU has. `vcpu` is a number that the hypervisor gives each vCPU. */
interface Owner {
  /** Whose they are, or -1 for nobody's. */
  vcpu: number;
  /** They may have changed since they were saved. */
  used: boolean;
}

/** The saved state. */
export type LazyFloatState = Readonly<{
  cpus: readonly Readonly<{ vcpu: number | null; used: boolean }>[];
}>;

/** How it is checked. */
export const lazyFloatShape: Shape<LazyFloatState> = record<LazyFloatState>({
  cpus: list(record({ vcpu: nullable(uint(0xffff)), used: flag }), 1, 256),
});

const none: Moved = { registers: 0, bytes: 0 };

/** Who has the FP registers of each CPU. */
export class LazyFloat {
  private readonly cpus: readonly Owner[];
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /** For a number of CPUs. Throws a StateError for a state of another number. */
  constructor(cpus: number, state?: LazyFloatState) {
    if (state !== undefined && state.cpus.length !== cpus) {
      throw new StateError('cpus', `must have ${cpus} elements here, but has ${state.cpus.length}`);
    }
    this.cpus = Array.from({ length: cpus }, (_, i) => ({
      vcpu: state?.cpus[i]?.vcpu ?? -1,
      used: state?.cpus[i]?.used ?? false,
    }));
  }

  private owner(port: CpuPort): Owner {
    const found = this.cpus[port.index];
    if (found === undefined) throw new RangeError(`there is no CPU ${port.index}`);
    return found;
  }

  private trap(port: CpuPort, on: boolean): void {
    port.readSystem(CPTR_EL2, this.word);
    const { lo, hi } = this.word;
    if (((lo & TFP) !== 0) !== on) port.writeSystem(CPTR_EL2, (on ? lo | TFP : lo & ~TFP) >>> 0, hi);
  }

  /** A vCPU comes to the CPU: its first use of FP is to be an exit. */
  load(port: CpuPort): void {
    this.trap(port, true);
  }

  /** The exit of the first use: the vCPU's registers are put in the CPU unless they are still there. */
  use(port: CpuPort, vcpu: number, context: Context): Moved {
    const owner = this.owner(port);
    this.trap(port, false);
    owner.used = true;
    if (owner.vcpu === vcpu) return none;
    // What another CPU may still have of this vCPU is old from now on.
    for (const other of this.cpus) if (other.vcpu === vcpu) other.vcpu = -1;
    owner.vcpu = vcpu;
    return restoreClasses(port, context, Classes.Float);
  }

  /** A vCPU leaves the CPU: its registers are saved if it used them. */
  unload(port: CpuPort, vcpu: number, context: Context): Moved {
    const owner = this.owner(port);
    if (!owner.used || owner.vcpu !== vcpu) return none;
    owner.used = false;
    return saveClasses(port, context, Classes.Float);
  }

  /** A vCPU's context was given new values: no CPU has its registers. */
  forget(vcpu: number): void {
    for (const owner of this.cpus) if (owner.vcpu === vcpu) owner.vcpu = -1;
  }

  /** As plain data. */
  save(): LazyFloatState {
    return { cpus: this.cpus.map(({ vcpu, used }) => ({ vcpu: vcpu < 0 ? null : vcpu, used })) };
  }
}
