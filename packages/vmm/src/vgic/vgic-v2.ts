// A VM's GICv2: the distributor of the hardware model, delivery by GICH. The VM's GICC is the board's GICV, which stage 2 maps there
// (IHI 0048B 5.1).

import { distributorV2, gicV2 } from '@worldswitch/gic';
import type { GicV2State } from '@worldswitch/gic';
import { noTrace, record, StateError } from '@worldswitch/platform';
import type { Plain, Shape } from '@worldswitch/platform';

import { gichListRegisters } from './gich.ts';
import { inFlightShape } from './in-flight.ts';
import type { InFlightState } from './in-flight.ts';
import { VirtualGic } from './vgic.ts';
import type { BlockAccess, VirtualGicHost, VirtualGicState } from './vgic.ts';

/** A VM's GICv2. */
export interface VirtualGicV2Config {
  readonly vcpus: number;
  /** Interrupt IDs, as of the hardware model; 288 when absent. */
  readonly interrupts?: number;
  /** The board's list registers: `listRegisterCountV2`. */
  readonly listRegisters: number;
  /** Where the board's GICH is. */
  readonly gich: number;
}

/** Checks a part's state by the codec of its hardware model. */
export function codecShape<State extends Plain>(parse: (from: Plain) => State): Shape<State> {
  return {
    check(from, path) {
      try {
        return parse(from ?? null);
      } catch (thrown) {
        if (!(thrown instanceof StateError)) throw thrown;
        throw new StateError(`${path}.${thrown.field}`, thrown.message.slice(thrown.field.length + 1));
      }
    },
  };
}

/** How a saved state is checked. */
export const virtualGicV2Shape: Shape<VirtualGicState> = record<VirtualGicState>({
  distributor: codecShape((from) => gicV2.state.parse(from, gicV2.state.version)),
  flight: inFlightShape,
});

function describe(_block: number, offset: number, requester: number): BlockAccess {
  const pending = offset >= 0x200 && offset < 0x300;
  return {
    cpu: requester,
    pendingWord: pending ? (offset & 0x7f) >>> 2 : -1,
    clearsPending: offset >= 0x280 && offset < 0x300,
    states: (offset >= 0x200 && offset < 0x400) || (offset >= 0xf10 && offset < 0xf30),
    adds: (offset >= 0x200 && offset < 0x280) || offset === 0xf00 || (offset >= 0xf20 && offset < 0xf30),
  };
}

/** Makes one; a saved state has been checked by `virtualGicV2Shape`. Its block is GICD. */
export function virtualGicV2(
  config: VirtualGicV2Config,
  host: VirtualGicHost,
  state?: VirtualGicState,
): VirtualGic {
  const { vcpus, interrupts, listRegisters, gich } = config;
  const of = distributorV2(
    { cpus: vcpus, listRegisters, ...(interrupts !== undefined && { interrupts }) },
    () => undefined,
    noTrace,
    state?.distributor as GicV2State | undefined,
  );
  const [gicd] = of.mmio;
  if (gicd === undefined) throw new RangeError('a GICv2 has a distributor');
  const lists = gichListRegisters(gich, of.interfaces);
  const blocks = [{ name: 'GICD', size: 0x1_0000, widths: [1, 4] as const, mmio: gicd }];
  const flight: InFlightState | undefined = state?.flight;
  return new VirtualGic({ of, lists, blocks, describe, save: () => of.save() }, host, flight);
}
