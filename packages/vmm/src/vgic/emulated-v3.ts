// A VM's GICv3 where the CPU has no virtual CPU interface for it: the whole hardware model is emulated. Distributor and redistributors are
// register blocks, and each access of the guest's kernel to ICC_*_EL1 is an exit (IHI 0069 12.2, 12.9, 12.11).

import { gicV3 } from '@worldswitch/gic';
import type { GicV3, GicV3Pin, GicV3State } from '@worldswitch/gic';
import { alone, record } from '@worldswitch/platform';
import type { CpuPort, InterruptLine, Shape, Word64 } from '@worldswitch/platform';

import { virtualMpidr } from '../id/virtual-id.ts';
import { codecShape } from './vgic-v2.ts';
import type { VirtualGicBlock, VirtualGicHost } from './vgic.ts';

/** The saved state. */
export type EmulatedGicV3State = Readonly<{ gic: GicV3State }>;

/** How it is checked. */
export const emulatedGicV3Shape: Shape<EmulatedGicV3State> = record<EmulatedGicV3State>({
  gic: codecShape((from) => gicV3.state.parse(from, gicV3.state.version)),
});

/** A VM's GICv3. */
export interface EmulatedGicV3Config {
  readonly vcpus: number;
  /** Interrupt IDs, as of the hardware model; 288 when absent. */
  readonly interrupts?: number;
}

/** Pins as ISR_EL1 has them. */
const [IRQ, FIQ] = [1 << 7, 1 << 6];

/** A VM's GICv3, emulated whole. */
export class EmulatedGicV3 {
  /** GICD and the redistributors. */
  readonly blocks: readonly VirtualGicBlock[];
  private readonly gic: GicV3;
  /** The CPU interface's registers by name. */
  private readonly registers: ReadonlyMap<string, number>;
  private readonly attention: (vcpu: number) => void;
  /** By vCPU: its pins. */
  private readonly pins: number[];

  /** A saved state has been checked by `emulatedGicV3Shape`. Throws a `StateError` for one of another configuration. */
  constructor(
    { vcpus, interrupts }: EmulatedGicV3Config,
    { attention }: Pick<VirtualGicHost, 'attention'>,
    state?: EmulatedGicV3State,
  ) {
    this.attention = attention;
    this.pins = Array.from({ length: vcpus }, () => 0);
    const affinities = Array.from({ length: vcpus }, (_, vcpu) => virtualMpidr(vcpu) & 0xff_ffff);
    this.gic = gicV3.create(
      { cpus: vcpus, affinities, ...(interrupts !== undefined && { interrupts }) },
      alone<GicV3Pin>((pin, level) => {
        this.pinChanged(pin, level);
      }),
      state?.gic,
    );
    this.registers = new Map(this.gic.bank.registers.map((name, register) => [name, register]));
    this.blocks = gicV3.regions.map(({ name, size, widths }, index) => {
      const mmio = this.gic.mmio[index];
      if (mmio === undefined) throw new RangeError('a GICv3 has redistributors');
      return { name, size, widths, mmio };
    });
  }

  private pinChanged(pin: GicV3Pin, level: boolean): void {
    const vcpu = Number(pin.slice(3));
    const bit = pin.startsWith('irq') ? IRQ : pin.startsWith('fiq') ? FIQ : 0;
    if (bit === 0 || vcpu >= this.pins.length) return;
    this.pins[vcpu] = level ? (this.pins[vcpu] ?? 0) | bit : (this.pins[vcpu] ?? 0) & ~bit;
    if (level) this.attention(vcpu);
  }

  /** The wire of a shared interrupt, from 0. */
  spi(n: number): InterruptLine {
    return this.gic.inputs.spi(n);
  }

  /** The wire of a private interrupt of a vCPU, from 0. */
  ppi(vcpu: number, n: number): InterruptLine {
    return this.gic.inputs.ppi(vcpu, n);
  }

  /** A vCPU reads a register of its CPU interface, as ICC_PMR_EL1; reading ICC_IAR0_EL1 or ICC_IAR1_EL1 acknowledges. */
  read(vcpu: number, name: string, out: Word64): void {
    this.gic.bank.read(vcpu, this.registers.get(name) ?? -1, out);
  }

  /** It writes one. */
  write(vcpu: number, name: string, lo: number, hi: number): void {
    this.gic.bank.write(vcpu, this.registers.get(name) ?? -1, lo, hi);
  }

  /** A vCPU comes out of reset, and its CPU interface with it. */
  reset(vcpu: number): void {
    this.gic.resetCpu(vcpu);
  }

  /** A vCPU's pins: bit 7 is IRQ, bit 6 FIQ, as in ISR_EL1. */
  lines(vcpu: number): number {
    return this.pins[vcpu] ?? 0;
  }

  /** True where a vCPU that waits has an interrupt that ends the wait. */
  wakes(_port: CpuPort, vcpu: number): boolean {
    return this.pins[vcpu] !== 0;
  }

  /** As plain data. */
  save(): EmulatedGicV3State {
    return { gic: this.gic.save() };
  }
}
