// What a GICv2 is made of: how many CPUs, interrupts and priority bits, and which extensions (IHI 0048B 1.1, 4.3.2).

/** A GICv2's configuration. */
export interface GicV2Config {
  /** CPU interfaces, 1 to 8. */
  readonly cpus: number;
  /** Interrupt IDs, the 32 private ones included: a multiple of 32 of 32 to 992, or 1020. 288 when absent. */
  readonly interrupts?: number;
  /** Priority bits, 4 to 8, and at least 5 with the Security Extensions. 5 when absent, as a GIC-400 has. */
  readonly priorityBits?: number;
  /** The Security Extensions: banked views for Secure and Non-secure accesses. Off when absent. */
  readonly security?: boolean;
  /** The Virtualization Extensions: GICH and GICV with this many list registers, 1 to 64. None when absent or 0. */
  readonly listRegisters?: number;
}

/** A configuration with every choice made. */
export interface Features {
  readonly cpus: number;
  readonly interrupts: number;
  readonly priorityBits: number;
  readonly security: boolean;
  readonly listRegisters: number;
}

/** The maintenance interrupt, a PPI (IHI 0048B 5.2.2 leaves it to the system; a GIC-400 has it here). */
export const maintenanceInterrupt = 25;

/**
 * Fills in what is absent.
 *
 * @throws RangeError that names the field
 */
export function features(config: GicV2Config): Features {
  const { cpus, interrupts = 288, priorityBits = 5, security = false, listRegisters = 0 } = config;
  const require = (holds: boolean, field: string, must: string, value: number): void => {
    if (!holds) throw new RangeError(`gic: ${field} must be ${must}, but is ${value}`);
  };
  const within = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high;
  require(within(cpus, 1, 8), 'cpus', '1 to 8', cpus);
  const whole = within(interrupts, 32, 992) && interrupts % 32 === 0;
  require(whole || interrupts === 1020, 'interrupts', 'a multiple of 32 of 32 to 992, or 1020', interrupts);
  const fewest = security ? 5 : 4;
  require(within(priorityBits, fewest, 8), 'priorityBits', `${fewest} to 8`, priorityBits);
  require(within(listRegisters, 0, 64), 'listRegisters', '0 to 64', listRegisters);
  return { cpus, interrupts, priorityBits, security, listRegisters };
}
