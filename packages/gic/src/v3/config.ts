// What a GICv3 is made of: CPUs and their affinities, interrupts, list registers, Security states (IHI 0069 1.3; 12.9, 12.11: the TYPERs).

/** A GICv3's configuration. It has five priority bits, as Arm's CPU interfaces have. */
export interface GicV3Config {
  /** CPUs with a redistributor and a CPU interface each, 1 to 123. */
  readonly cpus: number;
  /** Interrupt IDs, the 32 private ones included: a multiple of 32 of 32 to 992, or 1020. 288 when absent. */
  readonly interrupts?: number;
  /** List registers of the virtual CPU interfaces, 0 to 16; none when absent or 0: then there are no ICH and ICV registers. */
  readonly listRegisters?: number;
  /** Two Security states; else GICD_CTLR.DS is fixed at one. Off when absent. */
  readonly security?: boolean;
  /**
   * Affinities of the CPUs, as `Aff3.Aff2.Aff1.Aff0` in 32 bits: what MPIDR_EL1 says. When absent CPUs are in clusters of 16:
   * Aff0 counts within a cluster, Aff1 clusters.
   */
  readonly affinities?: readonly number[];
}

/** A configuration with every choice made. */
export interface Features {
  readonly cpus: number;
  readonly interrupts: number;
  readonly listRegisters: number;
  readonly security: boolean;
  readonly affinities: readonly number[];
}

/** As many as there is room for redistributors on QEMU's `virt` board below the devices. */
export const mostCpus = 123;

/** The affinity of a CPU in clusters of 16, which is as many as ICC_SGI1R_EL1 can name. */
const clusteredAffinity = (cpu: number): number => ((cpu >> 4) << 8) | (cpu & 15);

/**
 * Fills in what is absent.
 *
 * @throws RangeError that names the field
 */
export function features(config: GicV3Config): Features {
  const { cpus, interrupts = 288, listRegisters = 0, security = false } = config;
  const require = (holds: boolean, field: string, must: string, value: number): void => {
    if (!holds) throw new RangeError(`gic: ${field} must be ${must}, but is ${value}`);
  };
  const within = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high;
  require(within(cpus, 1, mostCpus), 'cpus', `1 to ${mostCpus}`, cpus);
  const whole = within(interrupts, 32, 992) && interrupts % 32 === 0;
  require(whole || interrupts === 1020, 'interrupts', 'a multiple of 32 of 32 to 992, or 1020', interrupts);
  require(within(listRegisters, 0, 16), 'listRegisters', '0 to 16', listRegisters);
  const affinities = config.affinities ?? Array.from({ length: cpus }, (_, i) => clusteredAffinity(i));
  require(affinities.length === cpus, 'affinities.length', `${cpus}`, affinities.length);
  affinities.forEach((affinity, i) => {
    require(within(affinity, 0, 0xffff_ffff), `affinities[${i}]`, '32 bits', affinity);
    require(affinities.indexOf(affinity) === i, `affinities[${i}]`, 'one of its own', affinity);
  });
  return { cpus, interrupts, listRegisters, security, affinities };
}
