// One run of a machine for a user: console in and out, --until, --timeout, pacing, the summary line.

import { writeFile } from 'node:fs/promises';

import { createMachine, decodeSnapshot, encodeSnapshot, restoreMachine } from '@worldswitch/machine';
import type { BootImages, Machine, MachineConfig, MachineOptions, RunEnd } from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';

import { CliError } from './errors.ts';
import { openTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';
import { TextWatch } from './text-watch.ts';

/** How a session goes. */
export interface SessionOptions {
  readonly config: MachineConfig;
  /** What to boot; unused with `restore`. */
  readonly images?: BootImages | undefined;
  /** The device that is the console. */
  readonly console: string;
  /** End when the console has printed this. */
  readonly until?: string | undefined;
  /** Typed into the console, after `inputAfter` was printed if that is given. */
  readonly input?: Uint8Array | undefined;
  readonly inputAfter?: string | undefined;
  /** Host seconds after which the run ends. */
  readonly timeout?: number | undefined;
  /** Instructions after which the run ends. */
  readonly instructions?: number | undefined;
  /** Print a hash of the machine at every so many instructions. */
  readonly hashEvery?: number | undefined;
  /** Write a snapshot here when the run ends. */
  readonly save?: string | undefined;
  /** A snapshot to go on from, instead of booting. */
  readonly restore?: Uint8Array | undefined;
  /** Read standard input. */
  readonly stdin: boolean;
}

/** How a session ended. */
export interface SessionEnd {
  readonly how: RunEnd | 'until' | 'timeout' | 'quit';
  /** Exit status of the command. */
  readonly status: number;
}

/** Instructions between looks at the host: some tens of milliseconds. */
const CHUNK = 4_000_000;

const STATUS: Readonly<Partial<Record<SessionEnd['how'], number>>> = { timeout: 124, dead: 1, idle: 3 };

/** Runs a machine until it ends. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const saved = options.restore && (await decodeSnapshot(options.restore));
  const session = new Session(options, saved);
  try {
    return await session.run();
  } finally {
    session.close();
  }
}

class Session {
  private readonly options: SessionOptions;
  private readonly machine: Machine;
  private readonly terminal: Terminal | undefined;
  private readonly until: TextWatch | undefined;
  private readonly inputAfter: TextWatch | undefined;
  private pendingOutput: number[] = [];
  private ending: SessionEnd['how'] | undefined;
  private readonly began = Date.now();
  private nextHash: number;

  constructor(options: SessionOptions, saved?: Plain) {
    this.options = options;
    this.until = options.until === undefined ? undefined : new TextWatch(options.until);
    this.inputAfter = options.inputAfter === undefined ? undefined : new TextWatch(options.inputAfter);
    this.nextHash = options.hashEvery ?? Infinity;
    const outside: MachineOptions = {
      output: (device, byte) => {
        if (device === options.console) this.output(byte);
      },
      warn: (line) => process.stderr.write(`worldswitch: ${line}\n`),
    };
    this.machine =
      saved === undefined
        ? createMachine(options.config, outside)
        : restoreMachine(options.config, saved, outside);
    if (!this.machine.board.devices.some((d) => d.name === options.console)) {
      throw new CliError(
        `--console ${options.console}: the board has no such device; it has ${this.machine.board.devices.map((d) => d.name).join(', ') || 'none'}`,
      );
    }
    if (saved === undefined && options.images) this.machine.load(options.images);
    if (options.stdin) {
      this.terminal = openTerminal(
        (bytes) => {
          this.machine.type(options.console, bytes);
        },
        (what) => {
          this.escape(what);
        },
      );
    }
    if (options.input && this.inputAfter === undefined) this.machine.type(options.console, options.input);
  }

  private escape(what: 'quit' | 'help' | 'status'): void {
    if (what === 'quit') this.finish('quit');
    else if (what === 'status') process.stderr.write(`\r\n${this.summary('running')}\r\n`);
    else process.stderr.write('\r\nCtrl-A x quits, Ctrl-A s shows counts, Ctrl-A Ctrl-A types Ctrl-A\r\n');
  }

  private output(byte: number): void {
    this.pendingOutput.push(byte);
    if (this.pendingOutput.length >= 4096 || byte === 10) this.flush();
    if (this.until?.seen(byte) === true) this.finish('until');
    const { input } = this.options;
    if (input && this.inputAfter?.seen(byte) === true) this.machine.type(this.options.console, input);
  }

  private flush(): void {
    if (this.pendingOutput.length === 0) return;
    process.stdout.write(Uint8Array.from(this.pendingOutput));
    this.pendingOutput = [];
  }

  private finish(how: SessionEnd['how']): void {
    this.ending ??= how;
    this.machine.stop();
  }

  async run(): Promise<SessionEnd> {
    while (this.ending === undefined) {
      const why = this.machine.run(this.budget(), !this.paced);
      this.flush();
      this.hashes();
      await this.react(why);
      this.limits();
    }
    const how = this.ending;
    process.stderr.write(`${this.summary(how)}\n`);
    if (this.options.save !== undefined) {
      await writeFile(this.options.save, await encodeSnapshot(this.machine.save()));
      process.stderr.write(`worldswitch: saved to ${this.options.save}\n`);
    }
    if (how === 'dead') process.stderr.write(`${this.machine.report()}\n`);
    return { how, status: STATUS[how] ?? 0 };
  }

  /** With a person at the terminal, idle time passes as fast as the host's. */
  private get paced(): boolean {
    return this.terminal?.interactive === true;
  }

  private budget(): number {
    const { instructions = Infinity } = this.options;
    const left = Math.min(instructions, this.nextHash) - this.machine.instructions;
    return Math.max(1, Math.min(CHUNK, left));
  }

  private hashes(): void {
    const { hashEvery } = this.options;
    if (hashEvery === undefined || this.machine.instructions < this.nextHash) return;
    process.stderr.write(`hash ${this.machine.instructions} ${this.machine.hash()}\n`);
    this.nextHash = this.machine.instructions + hashEvery;
  }

  private async react(why: RunEnd): Promise<void> {
    if (why === 'off' || why === 'dead') this.ending ??= why;
    else if (why === 'waiting') {
      const wanted = Math.min(this.machine.untilDeadline / 1e6, 100);
      const before = Date.now();
      await this.terminal?.wait(Math.max(1, wanted));
      this.machine.pass(Math.min((Date.now() - before) * 1e6, this.machine.untilDeadline));
    } else if (why === 'idle') {
      if (this.terminal === undefined || this.terminal.ended) this.ending ??= 'idle';
      else await this.terminal.wait(1000);
    } else await new Promise(setImmediate);
  }

  private limits(): void {
    const { timeout, instructions = Infinity } = this.options;
    if (timeout !== undefined && Date.now() - this.began > timeout * 1000) this.ending ??= 'timeout';
    if (this.machine.instructions >= instructions) this.ending ??= 'budget';
  }

  private summary(how: string): string {
    const seconds = (Date.now() - this.began) / 1000;
    const { instructions, engines } = this.machine;
    const words: Readonly<Record<string, string>> = {
      off: 'the guest powered off',
      until: `the console printed "${this.options.until ?? ''}"`,
      timeout: `time-out after ${this.options.timeout ?? 0} s`,
      quit: 'quit',
      idle: 'the guest waits, and nothing will ever wake it',
      dead: 'the guest is lost: it takes one exception after the other',
      budget: 'all instructions executed',
    };
    const mips = seconds > 0 ? instructions / seconds / 1e6 : 0;
    return `worldswitch: ${words[how] ?? how}: ${instructions} instructions, ${seconds.toFixed(2)} s, ${mips.toFixed(1)} MIPS (${engines[0]?.name ?? 'no engine'})`;
  }

  close(): void {
    this.flush();
    this.terminal?.close();
  }
}
