// PSCI (Arm DEN 0022, 5): the board's firmware in place of EL3 or EL2 code. A convention of the board and not of the
// architecture: calls arrive by SMC where the machine has EL2, by HVC where it has none, after all architectural traps.

/** The functions that are there. Function identifiers with bit 30 set take 64-bit arguments. */
const VERSION = 0x8400_0000;
const CPU_SUSPEND = 0x8400_0001;
const CPU_OFF = 0x8400_0002;
const CPU_ON = 0x8400_0003;
const AFFINITY_INFO = 0x8400_0004;
const MIGRATE_INFO_TYPE = 0x8400_0006;
const SYSTEM_OFF = 0x8400_0008;
const SYSTEM_RESET = 0x8400_0009;
const FEATURES = 0x8400_000a;
const WIDE = 0x4000_0000;

const SUCCESS = 0;
const NOT_SUPPORTED = -1;
const INVALID_PARAMETERS = -2;
const ALREADY_ON = -4;

/** What the firmware does with the machine. */
export interface PsciHost {
  /** Argument registers of the caller. */
  argument(cpu: number, register: number): bigint;
  setResult(cpu: number, value: bigint): void;
  /** The CPU whose MPIDR affinity is this, or -1. */
  cpuOf(affinity: bigint): number;
  isOn(cpu: number): boolean;
  /** Starts a CPU at an address with X0. */
  start(cpu: number, entry: bigint, context: bigint): void;
  /** Stops the calling CPU until it is started again. */
  stopCpu(cpu: number): void;
  /** Waits for an interrupt. */
  suspend(cpu: number): void;
  powerOff(): void;
  reset(): void;
}

/** Bits of CPU_SUSPEND's `power_state` that must be zero, in its original format. */
const RESERVED_POWER_STATE = 0xfcfe_0000n;

const LOW32 = 0xffff_ffffn;
/** The form of a function that takes 64-bit arguments. */
const wide64 = (fn: number): number => (fn | WIDE) >>> 0;
const known: ReadonlySet<number> = new Set([
  VERSION,
  CPU_OFF,
  MIGRATE_INFO_TYPE,
  SYSTEM_OFF,
  SYSTEM_RESET,
  FEATURES,
  ...[CPU_SUSPEND, CPU_ON, AFFINITY_INFO].flatMap((fn) => [fn, wide64(fn)]),
]);

/** Answers one call of the SMC Calling Convention. An unknown function gives NOT_SUPPORTED. */
export function psciCall(host: PsciHost, cpu: number): void {
  const fn = Number(host.argument(cpu, 0) & LOW32);
  const wide = (fn & WIDE) !== 0;
  const argument = (n: number): bigint => (wide ? host.argument(cpu, n) : host.argument(cpu, n) & LOW32);
  const result = perform(host, cpu, fn, argument);
  if (result !== undefined) host.setResult(cpu, BigInt.asUintN(64, BigInt(result)));
}

function perform(
  host: PsciHost,
  cpu: number,
  fn: number,
  argument: (n: number) => bigint,
): number | undefined {
  switch (known.has(fn) ? fn & ~WIDE : -1) {
    case VERSION & ~WIDE:
      return 0x0001_0001;
    case FEATURES & ~WIDE: {
      const asked = Number(argument(1) & LOW32);
      return known.has(asked) ? SUCCESS : NOT_SUPPORTED;
    }
    case CPU_ON & ~WIDE:
      return cpuOn(host, argument);
    case CPU_OFF & ~WIDE:
      host.stopCpu(cpu);
      return undefined;
    case CPU_SUSPEND & ~WIDE:
      // Every power state is a standby here; one with reserved bits is none (5.4.2, original format).
      if ((argument(1) & RESERVED_POWER_STATE) !== 0n) return INVALID_PARAMETERS;
      host.suspend(cpu);
      return SUCCESS;
    case AFFINITY_INFO & ~WIDE: {
      const target = host.cpuOf(argument(1) & 0xff_00ff_ffffn);
      if (target < 0) return INVALID_PARAMETERS;
      return host.isOn(target) ? 0 : 1;
    }
    case MIGRATE_INFO_TYPE & ~WIDE:
      // 2: no trusted OS that would have to be migrated.
      return 2;
    case SYSTEM_OFF & ~WIDE:
      host.powerOff();
      return undefined;
    case SYSTEM_RESET & ~WIDE:
      host.reset();
      return undefined;
    default:
      return NOT_SUPPORTED;
  }
}

function cpuOn(host: PsciHost, argument: (n: number) => bigint): number {
  const target = host.cpuOf(argument(1) & 0xff_00ff_ffffn);
  if (target < 0) return INVALID_PARAMETERS;
  if (host.isOn(target)) return ALREADY_ON;
  host.start(target, argument(2), argument(3));
  return SUCCESS;
}
