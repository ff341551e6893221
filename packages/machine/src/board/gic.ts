// The board's interrupt controller, whichever version it is.

import { gicV2, gicV3 } from '@worldswitch/gic';
import type { GicInputs } from '@worldswitch/gic';
import type { Device, DeviceType, Plain, SystemRegisterBank, Wiring } from '@worldswitch/platform';

import type { CheckedConfig } from '../config/config.ts';

/** What the board needs of a GIC. */
export interface BoardGic extends Device<Plain> {
  /** Where other parts' wires end. */
  readonly inputs: GicInputs;
  /** System registers of its CPU interface: GICv3 has them. */
  readonly bank?: SystemRegisterBank;
  /** Resets a CPU's interface, where it is part of the CPU. */
  resetCpu?(cpu: number): void;
}

/** A GIC's type as the board sees it: the configuration is `gicConfigOf`'s. */
export interface BoardGicType extends DeviceType<never, Plain> {
  create(config: never, wiring: Wiring, state?: Plain): BoardGic;
}

const gics = { 2: gicV2 as unknown as BoardGicType, 3: gicV3 as unknown as BoardGicType } as const;

/** The type of GIC that a configuration names. */
export const gicTypeOf = (config: CheckedConfig): BoardGicType => gics[config.gic.version];

/** Its configuration. */
export const gicConfigOf = (config: CheckedConfig): never =>
  ({
    cpus: config.cpus,
    interrupts: config.gic.interrupts,
    listRegisters: config.el2 ? 4 : 0,
    security: config.el3, // as QEMU's board: the Security Extensions come with EL3
  }) as never;

/** How many of its register blocks are on the board: GICH and GICV of a GICv2 only with EL2. */
export const gicBlocksOf = ({ gic, el2 }: CheckedConfig): number =>
  gic.version === 2 && !el2 ? 2 : gic.bases.length;

/** A CPU's pin by the name of a part's: `irq0` is `['irq', 0]`. */
export function pinOf(name: string): readonly [string, number] {
  const digits = /\d+$/.exec(name)?.[0] ?? '';
  return [name.slice(0, name.length - digits.length), Number(digits)];
}
