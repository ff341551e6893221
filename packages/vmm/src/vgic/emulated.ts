// A VM's GICv2 without the hardware's virtual CPU interface: the whole hardware model is an emulated device, every access of the
// guest to GICC is an exit, and its pins are HCR_EL2.VI and VF (IHI 0048B 4.4; DDI 0487 D1.13). What the virtual CPU interface saves is
// the difference.

import { gicV2 } from '@worldswitch/gic';
import type { GicV2, GicPin, GicV2State } from '@worldswitch/gic';
import { alone, bits, list, record, requester, StateError } from '@worldswitch/platform';
import type { CpuPort, InterruptLine, Mmio, Shape, Transaction, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import type { Moved } from '../world-switch/classes.ts';
import { codecShape } from './vgic-v2.ts';
import type { VirtualGicBlock, VirtualGicHost } from './vgic.ts';

const HCR_EL2 = systemRegister('HCR_EL2');
/** HCR_EL2.VF and VI. */
const [VF, VI] = [1 << 6, 1 << 7];
const GICD_ISACTIVER0 = 0x300;

/** The saved state. */
export type EmulatedGicV2State = Readonly<{ gic: GicV2State; raised: readonly number[] }>;

/** How it is checked. */
export const emulatedGicV2Shape: Shape<EmulatedGicV2State> = record<EmulatedGicV2State>({
  gic: codecShape((from) => gicV2.state.parse(from, gicV2.state.version)),
  raised: list(bits(0xffff_0000), 1, 8),
});

const nothing: Moved = { registers: 0, bytes: 0 };

/** A VM's GICv2, emulated whole. What it has in common with `VirtualGic` is used in the same way. */
export class EmulatedGicV2 {
  /** GICD and GICC. */
  readonly blocks: readonly VirtualGicBlock[];
  private readonly gic: GicV2;
  private readonly given: VirtualGicHost;
  /** By vCPU: bits of HCR_EL2 that its pins stand for. */
  private readonly pins: number[];
  /** By vCPU: private interrupts that are the host's, and have not been ended. */
  private readonly raised: Uint32Array;
  private readonly links: Int16Array;
  private readonly by: readonly Transaction[];
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /** For a number of vCPUs and of interrupt IDs; a saved state has been checked by `emulatedGicV2Shape`. */
  constructor(vcpus: number, host: VirtualGicHost, state?: EmulatedGicV2State, interrupts?: number) {
    this.given = host;
    this.pins = Array.from({ length: vcpus }, () => 0);
    this.raised = new Uint32Array(vcpus);
    this.links = new Int16Array(32 * vcpus).fill(-1);
    this.by = Array.from({ length: vcpus }, (_, index) => requester({ requester: index }));
    const wiring = alone<GicPin>((pin, level) => {
      this.pinChanged(pin, level);
    });
    if (state !== undefined) {
      if (state.raised.length !== vcpus) {
        throw new StateError('raised', `must have ${vcpus} elements here, but has ${state.raised.length}`);
      }
      this.raised.set(state.raised);
    }
    this.gic = gicV2.create(
      { cpus: vcpus, ...(interrupts !== undefined && { interrupts }) },
      wiring,
      state?.gic,
    );
    this.blocks = gicV2.regions.slice(0, 2).map(({ name, size }, index) => {
      const mmio = this.gic.mmio[index];
      if (mmio === undefined) throw new RangeError('a GICv2 has two blocks');
      return {
        name,
        size,
        widths: index === 0 ? ([1, 4] as const) : ([4] as const),
        mmio: this.watched(mmio),
      };
    });
  }

  private pinChanged(pin: GicPin, level: boolean): void {
    const vcpu = Number(pin.slice(3));
    const bit = pin.startsWith('irq') ? VI : pin.startsWith('fiq') ? VF : 0;
    if (bit === 0 || vcpu >= this.pins.length) return;
    this.pins[vcpu] = level ? (this.pins[vcpu] ?? 0) | bit : (this.pins[vcpu] ?? 0) & ~bit;
    if (level) this.given.attention(vcpu);
  }

  private activePrivate(vcpu: number): number {
    return this.gic.mmio[0]?.read(GICD_ISACTIVER0, 4, this.by[vcpu] ?? requester()) ?? 0;
  }

  /** Accesses by which the guest may end an interrupt of the host's. */
  private watched(block: Mmio): Mmio {
    return {
      read: (offset, width, by) => block.read(offset, width, by),
      write: (offset, width, value, by) => {
        const vcpu = by.requester;
        const before = (this.raised[vcpu] ?? 0) === 0 ? 0 : this.activePrivate(vcpu);
        block.write(offset, width, value, by);
        if (before === 0) return;
        const ended = before & ~this.activePrivate(vcpu) & (this.raised[vcpu] ?? 0);
        for (let left = ended; left !== 0; left &= left - 1) this.ended(vcpu, 31 - Math.clz32(left & -left));
      },
    };
  }

  /** The guest has ended an interrupt of the host's: the host's may come again. */
  private ended(vcpu: number, id: number): void {
    this.raised[vcpu] = (this.raised[vcpu] ?? 0) & ~(1 << id);
    this.gic.inputs.ppi(vcpu, id - 16).set(false);
    const { current, host } = this.given;
    const physical = this.links[32 * vcpu + id] ?? -1;
    if (current.inside && physical >= 0) host.deactivate(current.port, physical);
  }

  /** The wire of a shared interrupt, from 0. */
  spi(n: number): InterruptLine {
    return this.gic.inputs.spi(n);
  }

  /** The wire of a private interrupt of a vCPU, from 0. */
  ppi(vcpu: number, n: number): InterruptLine {
    return this.gic.inputs.ppi(vcpu, n);
  }

  /** A vCPU's private interrupt stands for one of the host's. */
  link(vcpu: number, id: number, physical: number): void {
    this.links[32 * vcpu + id] = physical;
  }

  /** The host's interrupt behind a private one has come. */
  raise(vcpu: number, id: number): void {
    this.raised[vcpu] = (this.raised[vcpu] ?? 0) | (1 << id);
    this.gic.inputs.ppi(vcpu, id - 16).set(true);
  }

  /** True until the guest has ended it. */
  isRaised(vcpu: number, id: number): boolean {
    return (((this.raised[vcpu] ?? 0) >>> id) & 1) !== 0;
  }

  /** A vCPU comes to the CPU. */
  load(port: CpuPort, vcpu: number): Moved {
    this.forRaised(vcpu, (physical) => {
      this.given.host.activate(port, physical);
    });
    return nothing;
  }

  /** It leaves the CPU. */
  unload(port: CpuPort, vcpu: number): Moved {
    this.setPins(port, 0);
    this.forRaised(vcpu, (physical) => {
      this.given.host.deactivate(port, physical);
    });
    return nothing;
  }

  private forRaised(vcpu: number, then: (physical: number) => void): void {
    for (let id = 16; id < 32; id++) {
      const physical = this.links[32 * vcpu + id] ?? -1;
      if (physical >= 0 && this.isRaised(vcpu, id)) then(physical);
    }
  }

  /** Before each entry of the vCPU: its pins. */
  enter(port: CpuPort, vcpu: number): void {
    this.setPins(port, this.pins[vcpu] ?? 0);
  }

  private setPins(port: CpuPort, pins: number): void {
    port.readSystem(HCR_EL2, this.word);
    const { lo, hi } = this.word;
    if ((lo & (VI | VF)) !== pins) port.writeSystem(HCR_EL2, ((lo & ~(VI | VF)) | pins) >>> 0, hi);
  }

  /** There is no maintenance. */
  maintain(): void {
    return;
  }

  /** A vCPU's pins where no HCR_EL2 takes them: bit 7 is IRQ, bit 6 FIQ, as in ISR_EL1. */
  lines(vcpu: number): number {
    return this.pins[vcpu] ?? 0;
  }

  /** True where a vCPU that waits has an interrupt that ends the wait. */
  wakes(_port: CpuPort, vcpu: number): boolean {
    return this.pins[vcpu] !== 0;
  }

  /** As plain data. */
  save(): EmulatedGicV2State {
    return { gic: this.gic.save(), raised: Array.from(this.raised) };
  }
}
