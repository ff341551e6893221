/** What to declare tests with: vitest's own, or stand-ins for a machine that lacks something. */
export interface Gate {
  /** Whether everything asked for is here. */
  readonly available: boolean;
  /** Declares a suite; skipped with the reason in its name, or failed under `CI=true`, when something is missing. */
  readonly describe: (name: string, body: () => void) => void;
  /** Declares a test; skipped with the reason in its name, or failed under `CI=true`, when something is missing. */
  readonly test: (name: string, body: () => unknown, timeoutMs?: number) => void;
}

/** The path of a program on the `PATH`, or `undefined`. */
export declare function findTool(name: string): string | undefined;

/** A gate that is open when every named program is on the `PATH`. */
export declare function requireTool(...names: string[]): Gate;

/** A gate that is open when `available`; `what` names the thing in the report, such as `a Debian kernel`. */
export declare function requireThat(available: boolean, what: string): Gate;

export interface RunOptions {
  readonly cwd?: string;
  /** Standard input; empty by default. */
  readonly input?: string | Uint8Array;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** After so many milliseconds the program and all it started are killed, and the promise rejects. Default: 60000. */
  readonly timeoutMs?: number;
  /** More output than that is a failure too. Default: 64 MiB. */
  readonly maxBytes?: number;
}

export interface RunResult {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
}

/** Runs a program to its end; rejects when it cannot be started, hangs, or ends with another status than 0. */
export declare function run(
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult>;

/** As `run`, but any exit status resolves. */
export declare function tryRun(
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult>;

/**
 * QEMU as an oracle of its devices: commands of the qtest protocol on a machine of these options, on which no CPU runs. Returns
 * what each answered: a value for reads, 0 for others.
 */
export declare function qtest(
  options: readonly string[],
  commands: readonly string[],
): Promise<readonly number[]>;

/** A new empty folder, removed when the test file has run. */
export declare function tempDir(): string;
