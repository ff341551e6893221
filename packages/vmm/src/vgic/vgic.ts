// A VM's interrupt controller with the hardware's virtual CPU interface: the distributor is emulated, its interrupts are delivered
// by list registers, and the guest acknowledges and ends them without an exit (IHI 0048B 5; IHI 0069 6).

import type { Distributor } from '@worldswitch/gic';
import type { CpuPort, InterruptLine, Mmio, Plain, Transaction } from '@worldswitch/platform';

import type { Current } from '../current.ts';
import type { Moved } from '../world-switch/classes.ts';
import { Delivery } from './delivery.ts';
import type { HostInterrupts } from './delivery.ts';
import { InFlight } from './in-flight.ts';
import type { InFlightState } from './in-flight.ts';
import type { ListRegisters } from './list-registers.ts';

/** What a VM's interrupt controller is given by its hypervisor. */
export interface VirtualGicHost {
  readonly current: Current;
  /** The board's interrupts, of which some stand behind the guest's. */
  readonly host: HostInterrupts;
  /**
   * A vCPU may have something new to be given: one that waits is to run, one that runs on another CPU is to be interrupted there; for
   * the one of the current entry there is nothing to do.
   */
  attention(vcpu: number): void;
}

/** Looks at a wire of the vCPU that is on the CPU: true while it is high. */
export type Asserts = (port: CpuPort) => boolean;

/** A register block for the VM's bus. */
export interface VirtualGicBlock {
  readonly name: string;
  readonly size: number;
  readonly widths: readonly (1 | 2 | 4 | 8)[];
  readonly mmio: Mmio;
}

/** What an access to a register block is about. */
export interface BlockAccess {
  /** The vCPU whose private interrupts they are. */
  readonly cpu: number;
  /** Of a pending register: its word. Else -1. */
  readonly pendingWord: number;
  /** Of a register that clears pending states. */
  readonly clearsPending: boolean;
  /** Of a register of pending or active states. */
  readonly states: boolean;
  /** A write can only make more interrupts pending. */
  readonly adds: boolean;
}

/** The parts of which the two versions make one. */
export interface VirtualGicParts {
  readonly of: Distributor;
  readonly lists: ListRegisters;
  readonly blocks: readonly VirtualGicBlock[];
  /** What an access to a block is about. */
  describe(block: number, offset: number, requester: number): BlockAccess;
  save(): Plain;
}

/** The saved state: that of the distributor, by the codec of its hardware model, and what is in list registers. */
export type VirtualGicState = Readonly<{ distributor: Plain; flight: InFlightState }>;

/** A VM's interrupt controller over list registers. */
export class VirtualGic {
  /** Register blocks, in the order of the hardware's. */
  readonly blocks: readonly VirtualGicBlock[];
  private readonly of: Distributor;
  private readonly parts: VirtualGicParts;
  private readonly given: VirtualGicHost;
  private readonly flight: InFlight;
  private readonly delivery: Delivery;
  /** By private interrupt that stands for one of the host's: how the wire of the vCPU on this CPU is looked at. */
  private readonly wires = new Map<number, Asserts>();
  /** A bit for each of them. */
  private wired = 0;

  /** Of its parts; `virtualGicV2` and `virtualGicV3` make them. */
  constructor(parts: VirtualGicParts, given: VirtualGicHost, state?: InFlightState) {
    this.parts = parts;
    this.given = given;
    this.of = parts.of;
    this.flight = new InFlight(parts.of, parts.lists.count, state);
    this.delivery = new Delivery(parts.of, this.flight, parts.lists, given.host, (vcpu) => {
      given.attention(vcpu);
    });
    this.blocks = parts.blocks.map((block, index) => ({ ...block, mmio: this.watched(block.mmio, index) }));
  }

  // Interrupts come

  /** The wire of a shared interrupt, from 0: interrupt ID 32 + n. */
  spi(n: number): InterruptLine {
    if (!Number.isInteger(n) || n < 0 || n + 32 >= this.of.interrupts)
      throw new RangeError(`there is no SPI ${n}`);
    return this.line(0, n + 32);
  }

  /** The wire of a private interrupt of a vCPU, from 0: interrupt ID 16 + n. */
  ppi(vcpu: number, n: number): InterruptLine {
    this.delivery.vcpu(vcpu);
    if (!Number.isInteger(n) || n < 0 || n >= 16) throw new RangeError(`there is no PPI ${n}`);
    return this.line(vcpu, n + 16);
  }

  private line(vcpu: number, id: number): InterruptLine {
    const { of } = this;
    const isHigh = (): boolean => (((of.level[of.slot(vcpu, id >>> 5)] ?? 0) >>> (id & 31)) & 1) !== 0;
    return {
      get level() {
        return isHigh();
      },
      set: (level) => {
        if (isHigh() === level) return;
        of.drive(vcpu, id, level);
        this.lineChanged(vcpu, id, level);
      },
    };
  }

  private lineChanged(from: number, id: number, level: boolean): void {
    const vcpu = this.delivery.receiver(from, id);
    if (vcpu < 0) return;
    const own = this.delivery.vcpu(vcpu);
    const isListed = (((own.listed[id >>> 5] ?? 0) >>> (id & 31)) & 1) !== 0;
    const comes = level && this.delivery.isForwarded(vcpu, id);
    if (!comes && !isListed) return;
    own.dirty = true;
    this.given.attention(vcpu);
  }

  /**
   * A vCPU's private interrupt stands for one of the host's: the guest's end of interrupt deactivates that.
   *
   * @param asserts - looks whether the wire of the vCPU that is on the CPU is high: `follow` asks it. Without it the interrupt knows
   * edges alone
   */
  link(vcpu: number, id: number, physical: number, asserts?: Asserts): void {
    this.delivery.link(vcpu, id, physical);
    if (asserts === undefined) return;
    this.wires.set(id, asserts);
    this.wired |= 1 << id;
  }

  /** A private interrupt of a vCPU comes: its wire is high where it has one, else it is pending as by an edge. */
  raise(vcpu: number, id: number): void {
    const { of } = this;
    if (((this.wired >>> id) & 1) !== 0) {
      this.settle(vcpu);
      of.drive(vcpu, id, true);
    } else {
      const at = of.slot(vcpu, 0);
      of.latched[at] = (of.latched[at] ?? 0) | (1 << id);
    }
    this.delivery.vcpu(vcpu).dirty = true;
    if (this.delivery.isForwarded(vcpu, id)) this.given.attention(vcpu);
  }

  /** The wire of a vCPU's private interrupt is low: what was pending by it alone is not any more. */
  lower(vcpu: number, id: number): void {
    const { of } = this;
    if ((((of.level[of.slot(vcpu, 0)] ?? 0) >>> id) & 1) === 0) return;
    this.settle(vcpu);
    of.drive(vcpu, id, false);
    this.delivery.vcpu(vcpu).dirty = true;
    const { current, host } = this.given;
    const physical = this.delivery.linkOf(vcpu, id);
    const here = current.inside && this.flight.vcpus[vcpu]?.cpu === current.port.index;
    if (here && physical >= 0 && !this.delivery.isRaised(vcpu, id)) host.deactivate(current.port, physical);
  }

  /** At each exit of the vCPU: wires that the guest has made low without one. */
  follow(port: CpuPort, vcpu: number): void {
    const { of } = this;
    let high = (of.level[of.slot(vcpu, 0)] ?? 0) & this.wired;
    for (; high !== 0; high &= high - 1) {
      const id = 31 - Math.clz32(high & -high);
      if (this.wires.get(id)?.(port) === false) this.lower(vcpu, id);
    }
  }

  /** True where list registers hold a pending interrupt whose wire the guest may make low without an exit. */
  mayWithdraw(vcpu: number): boolean {
    return this.delivery.offered(vcpu, this.wired) !== 0;
  }

  /** True where a vCPU's interrupt is pending or active, or its wire is high. */
  isRaised(vcpu: number, id: number): boolean {
    this.settle(vcpu);
    return this.delivery.isRaised(vcpu, id);
  }

  // vCPUs come and go

  /** A vCPU comes to the CPU: its virtual CPU interface is put there. Before its timers. */
  load(port: CpuPort, vcpu: number): Moved {
    const own = this.delivery.vcpu(vcpu);
    own.cpu = port.index;
    own.dirty = true;
    this.parts.lists.load(port, vcpu);
    this.forRaisedLinks(vcpu, (physical) => {
      this.given.host.activate(port, physical);
    });
    return this.parts.lists.control;
  }

  /** It leaves the CPU. After its timers. */
  unload(port: CpuPort, vcpu: number): Moved {
    const { lists } = this.parts;
    const own = this.delivery.vcpu(vcpu);
    let listed = 0;
    for (let left = own.used; left !== 0; left &= left - 1) listed++;
    this.delivery.sync(port, vcpu);
    for (let index = 0; index < lists.count; index++) lists.clear(port, vcpu, index);
    lists.unload(port, vcpu);
    this.forRaisedLinks(vcpu, (physical) => {
      this.given.host.deactivate(port, physical);
    });
    own.cpu = -1;
    return {
      registers: lists.control.registers + listed,
      bytes: lists.control.bytes + lists.listBytes * listed,
    };
  }

  private forRaisedLinks(vcpu: number, then: (physical: number) => void): void {
    for (let id = 16; id < 32; id++) {
      const physical = this.delivery.linkOf(vcpu, id);
      if (physical >= 0 && this.delivery.isRaised(vcpu, id)) then(physical);
    }
  }

  /** Before each entry of the vCPU: does nothing unless something has changed. */
  enter(port: CpuPort, vcpu: number): void {
    if (!this.delivery.vcpu(vcpu).dirty) return;
    this.delivery.sync(port, vcpu);
    this.delivery.flush(port, vcpu);
  }

  /**
   * The CPU's maintenance interrupt: list registers are filled anew, so that it is quiet whoever runs next. Before the interrupt is
   * ended on the host.
   */
  maintain(port: CpuPort, vcpu: number): void {
    this.delivery.sync(port, vcpu);
    this.delivery.flush(port, vcpu);
  }

  /** True where a vCPU that waits has an interrupt that ends the wait. */
  wakes(port: CpuPort, vcpu: number): boolean {
    if (this.delivery.vcpu(vcpu).cpu === port.index) {
      this.delivery.sync(port, vcpu);
      this.parts.lists.readGroups(port, vcpu);
    }
    return this.delivery.wakes(vcpu);
  }

  /** True where the vCPU's list registers or its distributor's interrupts have changed since they were written. */
  isDirty(vcpu: number): boolean {
    return this.delivery.vcpu(vcpu).dirty;
  }

  /** A trapped deactivation: ICC_DIR_EL1. */
  deactivate(port: CpuPort, vcpu: number, id: number): void {
    this.delivery.sync(port, vcpu);
    if (id < this.of.interrupts && this.delivery.receiver(vcpu, id) === vcpu) {
      this.delivery.deactivate(port, vcpu, id);
    }
    this.delivery.vcpu(vcpu).dirty = true;
  }

  // The guest's accesses to the distributor

  /** The state of a vCPU that is on this CPU is brought up to date. */
  private settle(vcpu: number): void {
    const { current } = this.given;
    if (!current.inside || this.flight.vcpus[vcpu]?.cpu !== current.port.index) return;
    this.delivery.sync(current.port, vcpu);
  }

  private watched(block: Mmio, index: number): Mmio {
    const about = (offset: number, by: Transaction): BlockAccess =>
      this.parts.describe(index, offset, by.requester);
    const write = (offset: number, by: Transaction, value: number, then: () => void): void => {
      const access = about(offset, by);
      if (access.states) this.settle(by.requester);
      const before = this.raisedLinks(by.requester);
      then();
      if (access.clearsPending && access.pendingWord >= 0) this.forget(access, value, offset);
      this.dropLinks(by.requester, before);
      this.review(access.adds, access.pendingWord === 0 ? access.cpu : -1);
    };
    const watched: Mmio = {
      read: (offset, width, by) => {
        const access = about(offset, by);
        if (access.states) this.settle(by.requester);
        const value = block.read(offset, width, by);
        if (access.pendingWord < 0) return value;
        const held = this.flight.held[this.of.slot(access.cpu, access.pendingWord)] ?? 0;
        return (value | ((held >>> (8 * (offset & 3))) & (width === 1 ? 0xff : 0xffff_ffff))) >>> 0;
      },
      write: (offset, width, value, by) => {
        write(offset, by, value, () => {
          block.write(offset, width, value, by);
        });
      },
    };
    if (block.write64 === undefined) return watched;
    return {
      ...watched,
      read64(offset, out, by) {
        out.lo = watched.read(offset, 4, by);
        out.hi = watched.read(offset + 4, 4, by);
      },
      // GICD_IROUTER alone is of 64 bits.
      write64(offset, lo, hi, by) {
        if (offset >= 0x6000) {
          write(offset, by, 0, () => {
            block.write64?.(offset, lo, hi, by);
          });
          return;
        }
        watched.write(offset, 4, lo, by);
        watched.write(offset + 4, 4, hi, by);
      },
    };
  }

  /** Pending states that a list register of another vCPU holds are cleared: it does not give them back. */
  private forget({ cpu, pendingWord }: BlockAccess, value: number, offset: number): void {
    const at = this.of.slot(cpu, pendingWord);
    this.flight.held[at] = (this.flight.held[at] ?? 0) & ~(value << (8 * (offset & 3)));
  }

  private raisedLinks(vcpu: number): number {
    let raised = 0;
    for (let id = 16; id < 32; id++) {
      if (this.delivery.linkOf(vcpu, id) >= 0 && this.delivery.isRaised(vcpu, id)) raised |= 1 << id;
    }
    return raised;
  }

  /** The host's interrupts behind those that the guest itself has made idle may come again. */
  private dropLinks(vcpu: number, before: number): void {
    const { current, host } = this.given;
    for (let left = before & ~this.raisedLinks(vcpu); left !== 0; left &= left - 1) {
      const physical = this.delivery.linkOf(vcpu, 31 - Math.clz32(left & -left));
      if (current.inside && this.flight.vcpus[vcpu]?.cpu === current.port.index)
        host.deactivate(current.port, physical);
    }
  }

  /** After a change: who has something new to be given, or (unless it only added) has what may have been taken back. */
  private review(adds: boolean, only: number): void {
    for (let vcpu = 0; vcpu < this.of.cpus; vcpu++) {
      if (only >= 0 && vcpu !== only) continue;
      const own = this.delivery.vcpu(vcpu);
      if (!this.delivery.isFresh(vcpu) && (adds || own.used === 0)) continue;
      own.dirty = true;
      this.given.attention(vcpu);
    }
  }

  /** After an SGI was sent by a system register. */
  sent(): void {
    this.review(true, -1);
  }

  /** As plain data. */
  save(): VirtualGicState {
    return { distributor: this.parts.save(), flight: this.flight.save() };
  }
}
