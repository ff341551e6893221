// A VM's GICv3: distributor and redistributors of the hardware model, delivery by ICH registers. The guest's ICC registers are ICV
// ones; sending an SGI is an exit (IHI 0069 6.1, 4.4).

import { distributorV3, gicV3 } from '@worldswitch/gic';
import type { DistributorV3, GicV3State } from '@worldswitch/gic';
import { noTrace, record } from '@worldswitch/platform';
import type { CpuPort, Shape } from '@worldswitch/platform';

import { virtualMpidr } from '../id/virtual-id.ts';
import { ichListRegisters } from './ich.ts';
import { inFlightShape } from './in-flight.ts';
import type { InFlightState } from './in-flight.ts';
import { codecShape } from './vgic-v2.ts';
import { VirtualGic } from './vgic.ts';
import type { BlockAccess, VirtualGicHost, VirtualGicParts, VirtualGicState } from './vgic.ts';

/** A VM's GICv3. */
export interface VirtualGicV3Config {
  readonly vcpus: number;
  /** Interrupt IDs, as of the hardware model; 288 when absent. */
  readonly interrupts?: number;
  /** The board's list registers: `listRegisterCountV3`. */
  readonly listRegisters: number;
}

/** How a saved state is checked. */
export const virtualGicV3Shape: Shape<VirtualGicState> = record<VirtualGicState>({
  distributor: codecShape((from) => gicV3.state.parse(from, gicV3.state.version)),
  flight: inFlightShape,
});

/** Bytes of a CPU's redistributor frames. */
const frames = 0x2_0000;

function describe(block: number, offset: number, requester: number): BlockAccess {
  const cpu = block === 0 ? requester : Math.floor(offset / frames);
  const at = block === 0 ? offset : (offset % frames) - 0x1_0000;
  const word = at >= 0x200 && at < 0x300 ? (at & 0x7f) >>> 2 : -1;
  return {
    cpu,
    // Private interrupts are the redistributors', shared ones the distributor's.
    pendingWord: block === 0 ? (word === 0 ? -1 : word) : word === 0 ? 0 : -1,
    clearsPending: at >= 0x280 && at < 0x300,
    states: at >= 0x200 && at < 0x400,
    adds: at >= 0x200 && at < 0x280,
  };
}

/** The registers whose writes by a VM with a GICv3 are exits. */
export const trappedGicRegisters: readonly string[] = [
  'ICC_SGI0R_EL1',
  'ICC_SGI1R_EL1',
  'ICC_ASGI1R_EL1',
  'ICC_DIR_EL1',
];

/** A VM's GICv3 over list registers. */
export class VirtualGicV3 extends VirtualGic {
  private readonly distributor: DistributorV3;

  /** Of its parts; `virtualGicV3` makes them. */
  constructor(of: DistributorV3, parts: VirtualGicParts, host: VirtualGicHost, state?: InFlightState) {
    super(parts, host, state);
    this.distributor = of;
  }

  /** A trapped write of one of `trappedGicRegisters`. */
  write(port: CpuPort, vcpu: number, name: string, lo: number, hi: number): void {
    // With one Security state there is no other Group 1 to which ICC_ASGI1R_EL1 could send.
    if (name === 'ICC_SGI1R_EL1' || name === 'ICC_SGI0R_EL1') {
      this.distributor.sendSgi(vcpu, lo, hi, name === 'ICC_SGI0R_EL1');
      this.sent();
    } else if (name === 'ICC_DIR_EL1') this.deactivate(port, vcpu, lo & 0xff_ffff);
  }
}

/** Makes one; a saved state has been checked by `virtualGicV3Shape`. Its blocks are GICD and the redistributors. */
export function virtualGicV3(
  config: VirtualGicV3Config,
  host: VirtualGicHost,
  state?: VirtualGicState,
): VirtualGicV3 {
  const { vcpus, interrupts, listRegisters } = config;
  const affinities = Array.from({ length: vcpus }, (_, vcpu) => virtualMpidr(vcpu) & 0xff_ffff);
  const of = distributorV3(
    { cpus: vcpus, listRegisters, affinities, ...(interrupts !== undefined && { interrupts }) },
    () => undefined,
    noTrace,
    state?.distributor as GicV3State | undefined,
  );
  const [gicd, gicr] = of.mmio;
  if (gicd === undefined || gicr === undefined) throw new RangeError('a GICv3 has redistributors');
  const widths = [1, 4, 8] as const;
  const blocks = [
    { name: 'GICD', size: 0x1_0000, widths, mmio: gicd },
    { name: 'GICR', size: vcpus * frames, widths, mmio: gicr },
  ];
  const lists = ichListRegisters(of.interfaces);
  return new VirtualGicV3(of, { of, lists, blocks, describe, save: () => of.save() }, host, state?.flight);
}
