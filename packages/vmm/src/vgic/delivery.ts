// Delivery of virtual interrupts by list registers (IHI 0048B 5.2; IHI 0069 6): `sync` brings what the guest did in them back to
// the distributor, `flush` puts what is most urgent in them.
//
// When there are more interrupts than list registers, the most urgent pending one has one, then those that are active, then the
// other pending ones in order. NPIE interrupts when the guest has taken all that it could; LRENPIE when it ends an active one
// without a list register, of which only the number is told: they end in the order of their priorities.

import { HypervisorControl } from '@worldswitch/gic';
import type { Distributor } from '@worldswitch/gic';
import type { CpuPort } from '@worldswitch/platform';

import type { InFlight, VcpuLists } from './in-flight.ts';
import { ListState } from './list-registers.ts';
import type { ListEntry, ListRegisters } from './list-registers.ts';

/** Sort keys of pending interrupts of groups that the guest has not enabled come after all others. */
const disabledGroup = 1 << 20;

const bitOf = (of: Uint32Array, at: number, id: number): boolean => (((of[at] ?? 0) >>> (id & 31)) & 1) !== 0;
const setBit = (of: Uint32Array, at: number, id: number): void => {
  of[at] = (of[at] ?? 0) | (1 << (id & 31));
};
const clearBit = (of: Uint32Array, at: number, id: number): void => {
  of[at] = (of[at] ?? 0) & ~(1 << (id & 31));
};
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/** The host's interrupts behind a guest's: a driver of the board's interrupt controller. */
export interface HostInterrupts {
  /** Makes a private interrupt of the CPU active, so that it does not come. */
  activate(port: CpuPort, interrupt: number): void;
  deactivate(port: CpuPort, interrupt: number): void;
}

/** Delivers the interrupts of one VM. */
export class Delivery {
  private readonly of: Distributor;
  private readonly flight: InFlight;
  private readonly lists: ListRegisters;
  private readonly host: HostInterrupts;
  private readonly attention: (vcpu: number) => void;
  /** By vCPU and private interrupt, the host's interrupt behind it, or -1. */
  private readonly links: Int16Array;
  private readonly entry: ListEntry = {
    id: 0,
    state: 0,
    priority: 0,
    group1: false,
    physical: -1,
    notice: false,
    source: 0,
  };
  /** Sort keys: priority and interrupt ID. */
  private readonly pending: number[] = [];
  private readonly active: number[] = [];
  /** List registers of what was chosen. */
  private readonly places = new Int8Array(32);

  constructor(
    of: Distributor,
    flight: InFlight,
    lists: ListRegisters,
    host: HostInterrupts,
    attention: (vcpu: number) => void,
  ) {
    this.host = host;
    this.attention = attention;
    this.of = of;
    this.flight = flight;
    this.lists = lists;
    this.links = new Int16Array(32 * of.cpus).fill(-1);
  }

  /** A vCPU's private interrupt stands for one of the host's. */
  link(vcpu: number, id: number, physical: number): void {
    this.links[32 * vcpu + id] = physical;
  }

  /** The host's interrupt behind a vCPU's, or -1. */
  linkOf(vcpu: number, id: number): number {
    return id < 32 ? (this.links[32 * vcpu + id] ?? -1) : -1;
  }

  /** A vCPU's list registers. */
  vcpu(vcpu: number): VcpuLists {
    const found = this.flight.vcpus[vcpu];
    if (found === undefined) throw new RangeError(`there is no vCPU ${vcpu}`);
    return found;
  }

  /** The vCPU to which an interrupt goes now, or -1. */
  receiver(vcpu: number, id: number): number {
    if (id < 32) return vcpu;
    const owner = this.flight.owner[id - 32] ?? -1;
    return owner >= 0 ? owner : this.of.target(id);
  }

  /** Interrupts of a word that the distributor forwards, as far as groups and enables say. */
  private forwarded(vcpu: number, word: number): number {
    const { groups } = this.of;
    const at = this.of.slot(vcpu, word);
    const group = this.of.group[at] ?? 0;
    const allowed = ((groups & 1) !== 0 ? ~group : 0) | ((groups & 2) !== 0 ? group : 0);
    return allowed & (this.of.enabled[at] ?? 0) & this.of.implemented(word);
  }

  /** True where an interrupt would go to a vCPU if it were pending. */
  isForwarded(vcpu: number, id: number): boolean {
    return this.of.isAwake(vcpu) && ((this.forwarded(vcpu, id >>> 5) >>> (id & 31)) & 1) !== 0;
  }

  /** True where an interrupt is pending or active, in a list register or not, or its wire is high. */
  isRaised(vcpu: number, id: number): boolean {
    const { of, flight } = this;
    const at = of.slot(vcpu, id >>> 5);
    const pending = bitOf(of.latched, at, id) || bitOf(flight.held, at, id) || bitOf(of.level, at, id);
    return pending || bitOf(of.active, at, id);
  }

  /** Of these private interrupts of a vCPU, those whose wires are high and which list registers hold as pending. */
  offered(vcpu: number, of: number): number {
    const { level, active } = this.of;
    const at = this.of.slot(vcpu, 0);
    return of & (level[at] ?? 0) & ~(active[at] ?? 0) & (this.vcpu(vcpu).listed[0] ?? 0);
  }

  /** True where a vCPU has something to be given that its list registers have not. */
  isFresh(vcpu: number): boolean {
    const { of } = this;
    if (!of.isAwake(vcpu)) return false;
    const { listed } = this.vcpu(vcpu);
    for (let word = 0; word < of.words; word++) {
      const at = of.slot(vcpu, word);
      const level = (of.level[at] ?? 0) & ~(of.edge[at] ?? 0) & ~(listed[word] ?? 0);
      let left = ((of.latched[at] ?? 0) | level) & this.forwarded(vcpu, word);
      if (word === 0 && left !== 0) return true;
      for (; left !== 0; left &= left - 1) {
        if (this.receiver(vcpu, 32 * word + lowestBit(left)) === vcpu) return true;
      }
    }
    return false;
  }

  /** True where a vCPU has an interrupt that would wake it: pending and inactive, of an enabled group, above its mask. Synced. */
  wakes(vcpu: number): boolean {
    this.gather(vcpu, this.lists.groups(vcpu));
    const mask = this.lists.mask(vcpu);
    return this.pending.some((key) => key < disabledGroup && key >>> 10 < mask);
  }

  /** Brings back what the guest did. */
  sync(port: CpuPort, vcpu: number): void {
    const own = this.vcpu(vcpu);
    if (own.evicted.length > 0) this.endEvicted(port, vcpu, own);
    if (own.used === 0) return;
    // One register is read directly; of several it is asked first which are free.
    const free = (own.used & (own.used - 1)) === 0 ? 0 : this.lists.readFree(port);
    for (let left = own.used; left !== 0; left &= left - 1) {
      const index = lowestBit(left);
      const isFree = ((free >>> index) & 1) !== 0;
      if (isFree) this.lists.ended(vcpu, index);
      const now = isFree ? ListState.Free : this.lists.readState(port, vcpu, index);
      this.comeBack(vcpu, own, index, now);
      port.work(12);
    }
    own.used = 0;
    own.listed.fill(0);
    own.dirty = true;
  }

  /** One list register's interrupt, now in state `now`, is the distributor's again. */
  private comeBack(vcpu: number, own: VcpuLists, index: number, now: number): void {
    const { of, flight } = this;
    const id = own.id[index] ?? 0;
    const was = own.state[index] ?? 0;
    const at = of.slot(vcpu, id >>> 5);
    const taken = (was & ListState.Pending) !== 0 && (now & ListState.Pending) === 0;
    if (bitOf(flight.held, at, id)) {
      clearBit(flight.held, at, id);
      if (!taken) {
        setBit(of.latched, at, id);
        if (id < 16 && of.sgiSources !== undefined) {
          const sgi = 16 * vcpu + id;
          of.sgiSources[sgi] = (of.sgiSources[sgi] ?? 0) | (1 << (own.source[index] ?? 0));
        }
      }
    }
    const ended = (was & ListState.Active) !== 0 && (now & ListState.Active) === 0;
    if (taken && (now & ListState.Active) !== 0) {
      setBit(of.active, at, id);
      if (id < 16) flight.activeSource[16 * vcpu + id] = own.source[index] ?? 0;
    } else if (ended) clearBit(of.active, at, id);
    if (id >= 32 && !bitOf(of.active, at, id)) this.release(vcpu, id);
    if (now === ListState.Free) this.freed(vcpu, id);
  }

  /** The host's interrupt behind one that has ended is inactive again: if its wire is still high, it comes anew. */
  private freed(vcpu: number, id: number): void {
    if (this.linkOf(vcpu, id) >= 0) this.of.drive(vcpu, id, false);
  }

  /** A shared interrupt is no vCPU's any more: if it is pending again, and the guest has moved it meanwhile, another one's. */
  private release(vcpu: number, id: number): void {
    const { of } = this;
    this.flight.owner[id - 32] = -1;
    const next = of.target(id);
    if (next < 0 || next === vcpu || ((of.pending(next, id >>> 5) >>> (id & 31)) & 1) === 0) return;
    this.vcpu(next).dirty = true;
    if (this.isForwarded(next, id)) this.attention(next);
  }

  /** Interrupts that ended without a list register. */
  private endEvicted(port: CpuPort, vcpu: number, own: VcpuLists): void {
    const count = Math.min(this.lists.takeEndCount(port), own.evicted.length);
    for (const id of own.evicted.slice(0, count)) this.deactivate(port, vcpu, id);
    own.evicted = own.evicted.slice(count);
    if (count > 0) own.dirty = true;
  }

  /** Makes an interrupt inactive that no list register holds, and the host's behind it. */
  deactivate(port: CpuPort, vcpu: number, id: number): void {
    clearBit(this.of.active, this.of.slot(vcpu, id >>> 5), id);
    if (id >= 32) this.release(vcpu, id);
    const physical = this.linkOf(vcpu, id);
    if (physical < 0) return;
    this.freed(vcpu, id);
    this.host.deactivate(port, physical);
  }

  /** Collects sort keys of what a vCPU is to be given. What is active counts as such, whether pending as well or not. */
  private gather(vcpu: number, enabledGroups: number): void {
    const { of, pending, active } = this;
    pending.length = active.length = 0;
    const awake = of.isAwake(vcpu);
    for (let word = 0; word < of.words; word++) {
      const at = of.slot(vcpu, word);
      const actives = (of.active[at] ?? 0) & of.implemented(word);
      const wanted = awake ? of.pending(vcpu, word) & this.forwarded(vcpu, word) : 0;
      for (let left = actives | wanted; left !== 0; left &= left - 1) {
        const bit = lowestBit(left);
        const id = 32 * word + bit;
        if (this.receiver(vcpu, id) !== vcpu) continue;
        const key = ((of.priority[32 * at + bit] ?? 0) << 10) | id;
        if (((actives >>> bit) & 1) !== 0) active.push(key);
        else {
          const group = ((of.group[at] ?? 0) >>> bit) & 1;
          pending.push(((enabledGroups >>> group) & 1) !== 0 ? key : key | disabledGroup);
        }
      }
    }
  }

  /** Puts what is most urgent in the list registers. */
  flush(port: CpuPort, vcpu: number): void {
    const own = this.vcpu(vcpu);
    this.gather(vcpu, 3);
    const { pending, active } = this;
    const { count } = this.lists;
    let control: number = HypervisorControl.En;
    let evicts = false;
    if (pending.length + active.length > count) {
      const groups = this.lists.readGroups(port, vcpu);
      this.gather(vcpu, groups);
      control |= this.choose(own, count, groups);
      evicts = own.evicted.length > 0;
    } else own.evicted = [];
    this.put(port, vcpu, own);
    this.lists.setControl(port, vcpu, control >>> 0, evicts);
    port.work(20 + 15 * (pending.length + active.length));
    own.dirty = false;
  }

  /** Leaves in `pending` and `active` what there is room for; returns the maintenance interrupts that the rest needs. */
  private choose(own: VcpuLists, count: number, groups: number): number {
    const { pending, active } = this;
    const byUrgency = (a: number, b: number): number => a - b;
    pending.sort(byUrgency);
    active.sort(byUrgency);
    const keptActive = Math.min(active.length, count - Math.min(pending.length, 1));
    const keptPending = Math.min(pending.length, count - keptActive);
    own.evicted = active.slice(keptActive).map((key) => key & 0x3ff);
    active.length = keptActive;
    let control = own.evicted.length > 0 ? HypervisorControl.LRENPIE : 0;
    if (pending.length > keptPending) {
      // A change of the guest's enables changes the order.
      control |= HypervisorControl.NPIE;
      control |= (groups & 1) !== 0 ? HypervisorControl.VGrp0DIE : HypervisorControl.VGrp0EIE;
      control |= (groups & 2) !== 0 ? HypervisorControl.VGrp1DIE : HypervisorControl.VGrp1EIE;
      pending.length = keptPending;
    }
    return control;
  }

  /** Writes what was chosen. An interrupt stays in the list register where it is. */
  private put(port: CpuPort, vcpu: number, own: VcpuLists): void {
    const { places, lists } = this;
    const all = this.active.length + this.pending.length;
    let used = 0;
    for (let i = 0; i < all; i++) {
      const index = this.placeOf(own, this.chosen(i), used);
      places[i] = index;
      if (index >= 0) used |= 1 << index;
    }
    for (let i = 0; i < all; i++) {
      let index = places[i] ?? -1;
      if (index < 0) {
        index = lowestBit(~used);
        used |= 1 << index;
      }
      this.prepare(vcpu, own, this.chosen(i), index);
      lists.write(port, vcpu, index, this.entry);
    }
    for (let index = 0; index < lists.count; index++) {
      if (((used >>> index) & 1) === 0) lists.clear(port, vcpu, index);
    }
    own.used = used;
  }

  /** The interrupt ID of the i-th that was chosen. */
  private chosen(i: number): number {
    const { active, pending } = this;
    return ((i < active.length ? active[i] : pending[i - active.length]) ?? 0) & 0x3ff;
  }

  /** The list register that had an interrupt last, unless it is taken; or -1. */
  private placeOf(own: VcpuLists, id: number, taken: number): number {
    for (let index = 0; index < this.lists.count; index++) {
      if (own.id[index] === id && own.state[index] !== 0 && ((taken >>> index) & 1) === 0) return index;
    }
    return -1;
  }

  /** Makes `entry` of an interrupt, and notes that it is in a list register. */
  private prepare(vcpu: number, own: VcpuLists, id: number, index: number): void {
    const { of, flight, entry } = this;
    const at = of.slot(vcpu, id >>> 5);
    const isActive = bitOf(of.active, at, id);
    entry.id = id;
    entry.priority = of.priority[32 * at + (id & 31)] ?? 0;
    entry.group1 = bitOf(of.group, at, id);
    entry.physical = this.linkOf(vcpu, id);
    entry.source = 0;
    // An interrupt of the host's is active there until the guest's ends: no second one can come meanwhile.
    const single = entry.physical >= 0 || (id < 16 && of.sgiSources !== undefined);
    entry.state = isActive ? ListState.Active : ListState.Pending;
    if (isActive && !single && bitOf(of.latched, at, id) && this.isForwarded(vcpu, id))
      entry.state = ListState.Both;
    if (id < 16 && of.sgiSources !== undefined) this.chooseSource(vcpu, isActive);
    const takes = (entry.state & ListState.Pending) !== 0 && bitOf(of.latched, at, id);
    if (takes) {
      setBit(flight.held, at, id);
      if (id >= 16 || (of.sgiSources?.[16 * vcpu + id] ?? 0) === 0) clearBit(of.latched, at, id);
    }
    // Ends with a notice what may be pending again then: a wire that is still high, an SGI that somebody else sent.
    const stillHigh = bitOf(of.level, at, id) && !bitOf(of.edge, at, id);
    entry.notice = entry.physical < 0 && (stillHigh || (id < 16 && bitOf(of.latched, at, id)));
    own.id[index] = id;
    own.state[index] = entry.state;
    own.source[index] = entry.source;
    setBit(own.listed, id >>> 5, id);
    if (id >= 32) flight.owner[id - 32] = vcpu;
  }

  /** The sender of an SGI of a GICv2: of the active one who sent it, else of those that are pending the lowest. */
  private chooseSource(vcpu: number, isActive: boolean): void {
    const { of, flight, entry } = this;
    const sgi = 16 * vcpu + entry.id;
    if (isActive) entry.source = flight.activeSource[sgi] ?? 0;
    else if (of.sgiSources !== undefined) {
      const sources = of.sgiSources[sgi] ?? 0;
      entry.source = sources === 0 ? 0 : lowestBit(sources);
      of.sgiSources[sgi] = sources & ~(1 << entry.source);
    }
  }
}
