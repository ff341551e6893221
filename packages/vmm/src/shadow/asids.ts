// Hardware ASIDs for shadow roots, by generations: when there are none left, everything is invalidated and they are given out anew
// (DDI 0487 D8.16).

import { list, record, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Shape } from '@worldswitch/platform';

import { systemOperation } from '../names.ts';

const VMALLE1IS = systemOperation('TLBI VMALLE1IS');
const DSB_ISH = systemOperation('DSB ISH');
const ISB = systemOperation('ISB');

/** Who gave out what, as plain data. */
export type AsidsState = Readonly<{
  bits: number;
  generation: number;
  next: number;
  running: readonly number[];
}>;

const shape = record<AsidsState>({
  bits: uint(16),
  generation: uint(),
  next: uint(65536),
  running: list(uint(65535), 1, 4096),
});

/** Checks a saved allocator. */
export const asidsShape: Shape<AsidsState> = {
  check(from, path) {
    const state = shape.check(from, path);
    if (state.bits < 2) throw new StateError(`${path}.bits`, 'must be 2 to 16');
    if (state.next < 1 || state.next > 2 ** state.bits) {
      throw new StateError(`${path}.next`, `must be 1 to ${2 ** state.bits}`);
    }
    if (state.generation < 1) throw new StateError(`${path}.generation`, 'must be 1 or more');
    if (state.running.some((asid) => asid >= 2 ** state.bits)) {
      throw new StateError(`${path}.running`, `must be below ${2 ** state.bits}`);
    }
    return state;
  },
};

/** Gives out ASIDs. 0 is the hypervisor's own. */
export class Asids {
  /** An ASID of an older generation is no one's. */
  generation: number;
  /** Times that they ran out. */
  rollovers = 0;
  private readonly bits: number;
  private next: number;
  /** The ASID that each CPU runs with. */
  private readonly running: number[];

  /**
   * @param state - what `save` returned, checked
   */
  constructor(state: AsidsState) {
    this.bits = state.bits;
    this.generation = state.generation;
    this.next = state.next;
    this.running = [...state.running];
  }

  /** A new one for this CPU, which runs with it from now on. */
  allocate(port: CpuPort): number {
    for (;;) {
      if (this.next >= 2 ** this.bits) this.rollOver(port);
      const asid = this.next++;
      // Another CPU goes on with one of an older generation.
      if (this.running.includes(asid)) continue;
      this.use(port, asid);
      return asid;
    }
  }

  /** This CPU runs with an ASID. */
  use(port: CpuPort, asid: number): void {
    this.running[port.index] = asid;
  }

  /** Its state, for `asidsShape`. */
  save(): AsidsState {
    return { bits: this.bits, generation: this.generation, next: this.next, running: [...this.running] };
  }

  private rollOver(port: CpuPort): void {
    this.generation++;
    this.rollovers++;
    this.next = 1;
    // This CPU's own is given up; the TLBs of all others keep nothing either, and their ASIDs are passed over.
    this.running[port.index] = 0;
    port.operate(VMALLE1IS);
    port.operate(DSB_ISH);
    port.operate(ISB);
  }
}
