// What of a VM's interrupts is in list registers: the part of the state that a hardware distributor would not have.

import type { Distributor } from '@worldswitch/gic';
import { bits, flag, list, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** A vCPU's list registers. */
export interface VcpuLists {
  /** The CPU on which it is, or -1. */
  cpu: number;
  /** What the list registers should hold may have changed. */
  dirty: boolean;
  /** A bit per list register in use. */
  used: number;
  /** By list register: the interrupt, the state with which it was written, the sender of an SGI. */
  readonly id: Uint16Array;
  readonly state: Uint8Array;
  readonly source: Uint8Array;
  /** Interrupts in list registers: a bitmap as the vCPU sees it. */
  readonly listed: Uint32Array;
  /** Active interrupts for which there was no list register, the most urgent first. */
  evicted: readonly number[];
}

/** The saved state. */
export type InFlightState = Readonly<{
  held: readonly number[];
  activeSource: readonly number[];
  owner: readonly number[];
  vcpus: readonly Readonly<{
    cpu: number;
    dirty: boolean;
    used: number;
    id: readonly number[];
    state: readonly number[];
    source: readonly number[];
    evicted: readonly number[];
  }>[];
}>;

const most = 123;

/** How it is checked; whether it fits the VM is checked when it is restored. */
export const inFlightShape: Shape<InFlightState> = record<InFlightState>({
  held: list(bits(), 1, most + 31),
  activeSource: list(uint(7), 16, 16 * most),
  owner: list(uint(most), 0, 992),
  vcpus: list(
    record({
      cpu: uint(256),
      dirty: flag,
      used: bits(),
      id: list(uint(1019), 0, 32),
      state: list(uint(3), 0, 32),
      source: list(uint(7), 0, 32),
      evicted: list(uint(1019), 0, 1020),
    }),
    1,
    most,
  ),
});

/** The state of a VM's interrupts in flight. */
export class InFlight {
  /** Pending states that list registers have: they come back when the guest has not taken them. */
  readonly held: Uint32Array;
  /** By vCPU and SGI, who sent the one that is active. */
  readonly activeSource: Uint8Array;
  /** By shared interrupt, the vCPU that has it in a list register or active, or -1. */
  readonly owner: Int16Array;
  readonly vcpus: readonly VcpuLists[];

  /** For a distributor and a number of list registers. Throws a StateError for a state that does not fit. */
  constructor(of: Distributor, lists: number, state?: InFlightState) {
    this.held = new Uint32Array(of.latched.length);
    this.activeSource = new Uint8Array(16 * of.cpus);
    this.owner = new Int16Array(of.interrupts - 32).fill(-1);
    this.vcpus = Array.from({ length: of.cpus }, () => ({
      cpu: -1,
      dirty: true,
      used: 0,
      id: new Uint16Array(lists),
      state: new Uint8Array(lists),
      source: new Uint8Array(lists),
      listed: new Uint32Array(of.words),
      evicted: [],
    }));
    if (state !== undefined) this.restore(state, of.interrupts, lists);
  }

  private restore(from: InFlightState, interrupts: number, lists: number): void {
    const fill = (
      field: string,
      to: Uint8Array | Uint16Array | Uint32Array,
      values: readonly number[],
    ): void => {
      if (values.length !== to.length) {
        throw new StateError(field, `must have ${to.length} elements here, but has ${values.length}`);
      }
      to.set(values);
    };
    const refuse = (field: string, holds: boolean, must: string): void => {
      if (!holds) throw new StateError(field, must);
    };
    fill('held', this.held, from.held);
    fill('activeSource', this.activeSource, from.activeSource);
    refuse('owner', from.owner.length === this.owner.length, `must have ${this.owner.length} elements here`);
    from.owner.forEach((vcpu, n) => (this.owner[n] = vcpu - 1));
    refuse(
      'owner',
      from.owner.every((vcpu) => vcpu <= this.vcpus.length),
      'must be vCPUs of this VM',
    );
    refuse('vcpus', from.vcpus.length === this.vcpus.length, `must have ${this.vcpus.length} elements here`);
    this.vcpus.forEach((to, i) => {
      const saved = from.vcpus[i];
      if (saved === undefined) return;
      to.cpu = saved.cpu - 1;
      to.dirty = saved.dirty;
      const there = lists === 32 ? 0xffff_ffff : 2 ** lists - 1;
      refuse(`vcpus[${i}].used`, (saved.used & ~there) === 0, `must be of ${lists} list registers`);
      to.used = saved.used;
      for (const name of ['id', 'state', 'source'] as const)
        fill(`vcpus[${i}].${name}`, to[name], saved[name]);
      const known = (id: number): boolean => id < interrupts;
      refuse(`vcpus[${i}].id`, saved.id.every(known), `must be of ${interrupts} interrupts`);
      refuse(`vcpus[${i}].evicted`, saved.evicted.every(known), `must be of ${interrupts} interrupts`);
      to.evicted = saved.evicted;
      for (let index = 0; index < lists; index++) {
        const id = to.id[index] ?? 0;
        if (((to.used >>> index) & 1) !== 0)
          to.listed[id >>> 5] = (to.listed[id >>> 5] ?? 0) | (1 << (id & 31));
      }
    });
  }

  /** As plain data; what may be -1 is one more. */
  save(): InFlightState {
    return {
      held: Array.from(this.held),
      activeSource: Array.from(this.activeSource),
      owner: Array.from(this.owner, (vcpu) => vcpu + 1),
      vcpus: this.vcpus.map(({ cpu, dirty, used, id, state, source, evicted }) => ({
        cpu: cpu + 1,
        dirty,
        used: used >>> 0,
        id: Array.from(id),
        state: Array.from(state),
        source: Array.from(source),
        evicted,
      })),
    };
  }
}
