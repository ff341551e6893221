// One measured run: the kernel, where it began and ended, and what had been spent by then. All other files of this folder speak of these.

/** What had been spent at one moment. */
export interface Sample {
  /** Processor time of the process that runs the guest, in seconds: all its threads. */
  readonly cpu: number;
  /** The host's clock, in seconds. */
  readonly wall: number;
  /** Instructions that the guest had executed, where the engine tells. */
  readonly instructions?: number | undefined;
  /** Named numbers of the engine, where it counts. */
  readonly counters?: Readonly<Record<string, number>>;
}

/** A kernel's run on one engine. */
export interface KernelRun {
  readonly kernel: string;
  readonly units: number;
  /** Of the result; the same on all engines. */
  readonly checksum: string;
  /** Ticks of CNTVCT_EL0 that the guest saw. */
  readonly ticks: number;
  readonly begin: Sample;
  /** In between, after so many units. */
  readonly laps: readonly { readonly units: number; readonly at: Sample }[];
  readonly end: Sample;
  /** What the engine counted in between, by name. */
  readonly counters?: Readonly<Record<string, number>>;
}

/** Seconds by the part of the program that they were spent in. */
export type Shares = Readonly<Record<string, number>>;

/** A boot of Debian to its shell. */
export interface BootRun {
  readonly cpu: number;
  readonly wall: number;
  readonly instructions?: number | undefined;
  /** Resident memory of the process that is not the guest's, in bytes. */
  readonly memory?: number | undefined;
  readonly counters?: Readonly<Record<string, number>>;
}

/** What is to be run. */
export interface KernelJob {
  readonly kernel: string;
  readonly units: number;
  /** Units between samples. */
  readonly lap: number;
  /** The image is entered at EL2. */
  readonly el2: boolean;
}

/** The image's command line. */
export function bootargs({ kernel, units, lap }: KernelJob): string {
  return `bench:${kernel},${units},${lap}`;
}
