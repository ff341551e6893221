// One run of a machine for a user: consoles in and out, --until, --timeout, pacing, signals, and what is said at the end.

import {
  countsOf,
  createMachine,
  decodeSnapshot,
  encodeSnapshot,
  restoreMachine,
} from '@worldswitch/machine';
import type {
  BootImages,
  LockStep,
  Machine,
  MachineConfig,
  MachineOptions,
  RunEnd,
} from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';

import { Consoles } from './channels/consoles.ts';
import type { ConsoleOption } from './channels/consoles.ts';
import type { Escape } from './channels/terminal.ts';
import { countAll, engineCounts, engineLines } from './engine-stats.ts';
import { EngineTrace } from './engine-trace.ts';
import { checkWritable, writeNamed } from './files.ts';
import { lockStepLines, lockStepOf } from './lock-step.ts';
import type { Outside } from './outside.ts';
import { onSignals, statusOf } from './signals.ts';
import type { EndSignal } from './signals.ts';
import { countLines, firstLine, jsonSummary } from './summary.ts';
import type { RunFacts } from './summary.ts';
import { TextWatch } from './text-watch.ts';

/** Something typed when a text was printed, as a script does. */
export interface Typed {
  /** On the console; at once when absent. */
  readonly after?: string | undefined;
  readonly bytes: Uint8Array;
}

/** How a session goes. */
export interface SessionOptions {
  readonly config: MachineConfig;
  /** What to boot; unused with `restore`. */
  readonly images?: BootImages | undefined;
  /** Devices and where their bytes go. The first that goes to the terminal, or else the first, is what scripts talk to. */
  readonly consoles: readonly ConsoleOption[];
  /** What is behind the board's disks and network cards. */
  readonly disks?: MachineOptions['disks'];
  readonly networks?: MachineOptions['networks'];
  /** Ways out of networks. */
  readonly outside?: readonly Outside[] | undefined;
  /** What is closed at the end: the files of disks. */
  readonly opened?: readonly { close(): void }[] | undefined;
  /** Text on the console that ends the run. */
  readonly until?: string | undefined;
  /** Typed into the console, in any order. */
  readonly typed?: readonly Typed[] | undefined;
  /** Host seconds after which the run ends. */
  readonly timeout?: number | undefined;
  /** Instructions after which the run ends. */
  readonly instructions?: number | undefined;
  /** Print a hash of the machine at every so many instructions. */
  readonly hashEvery?: number | undefined;
  /** Compare with the reference engine after every so many instructions. */
  readonly lockStep?: number | undefined;
  /** Write a snapshot here when the run ends. */
  readonly save?: string | undefined;
  /** A snapshot to go on from, instead of booting. */
  readonly restore?: Uint8Array | undefined;
  /** Read standard input. */
  readonly stdin: boolean;
  /** Write the counts as JSON to this file; `-` is standard output. */
  readonly json?: string | undefined;
  /** Count what engines do, and say it at the end. */
  readonly engineStats?: boolean | undefined;
  /** Write what engines do over the run to this file, as a trace. */
  readonly engineTrace?: string | undefined;
  /** A reset that the guest asks for ends the run. */
  readonly noReboot?: boolean | undefined;
}

/** How a session ended. */
export interface SessionEnd {
  readonly how: RunEnd | 'until' | 'timeout' | 'quit' | 'closed' | 'differs' | EndSignal;
  /** Exit status of the command. */
  readonly status: number;
}

/** Instructions between looks at the host: some tens of milliseconds. */
const CHUNK = 4_000_000;
/** Nanoseconds that a host's timer can wait at least. */
const SHORTEST = 1e6;

const STATUS: Readonly<Partial<Record<SessionEnd['how'], number>>> = {
  timeout: 124,
  dead: 1,
  differs: 1,
  idle: 3,
  closed: 141,
  SIGINT: statusOf('SIGINT'),
  SIGTERM: statusOf('SIGTERM'),
  SIGHUP: statusOf('SIGHUP'),
  SIGQUIT: statusOf('SIGQUIT'),
};

const WORDS: Readonly<Partial<Record<string, string>>> = {
  off: 'the guest powered off',
  reset: 'the guest asked for a reset',
  quit: 'quit',
  closed: 'nobody reads the output any more',
  idle: 'the guest waits, and nothing will ever wake it',
  dead: 'the guest is lost: it takes one exception after the other',
  budget: 'all instructions executed',
  differs: 'the engines differ',
};

/** Runs a machine until it ends. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  try {
    return await opened(options);
  } finally {
    for (const file of [...(options.opened ?? []), ...(options.outside ?? [])]) file.close();
  }
}

async function opened(options: SessionOptions): Promise<SessionEnd> {
  await checkWritable(options.save, '--save');
  await checkWritable(options.json, '--json');
  await checkWritable(options.engineTrace, '--engine-trace');
  const saved = options.restore && (await decodeSnapshot(options.restore));
  const session = new Session(options, saved);
  const quiet = onSignals(
    (signal) => {
      session.finish(signal);
    },
    () => {
      session.powerButton();
    },
  );
  try {
    return await session.run();
  } finally {
    await session.close();
    quiet();
  }
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

class Session {
  private readonly options: SessionOptions;
  private readonly machine: Machine;
  private readonly pair: LockStep | undefined;
  private readonly trace: EngineTrace | undefined;
  private readonly consoles: Consoles;
  private readonly until: TextWatch | undefined;
  private readonly scripts: readonly { readonly watch: TextWatch; readonly bytes: Uint8Array }[];
  private ending: SessionEnd['how'] | undefined;
  /** Virtual nanoseconds of idle time that passed and that the host has yet to wait for. */
  private ahead = 0;
  private readonly began = Date.now();
  private nextHash: number;
  private wake: (() => void) | undefined;
  private isOver: (() => void) | undefined;
  /** Resolves when something ends the run. */
  private readonly over = new Promise<void>((resolve) => (this.isOver = resolve));
  /** The last byte on the console. */
  private lastByte = 10;

  constructor(options: SessionOptions, saved?: Plain) {
    this.options = options;
    const { typed = [], config } = options;
    this.until = options.until === undefined ? undefined : new TextWatch(options.until);
    this.scripts = typed.flatMap(({ after, bytes }) =>
      after === undefined ? [] : [{ watch: new TextWatch(after), bytes }],
    );
    this.nextHash = options.hashEvery ?? Infinity;
    const outside: MachineOptions = {
      disks: options.disks,
      networks: options.networks,
      // Nobody else asks for the record, and what comes through a network may be long.
      record: options.lockStep !== undefined,
      output: (device, byte) => {
        this.consoles.printed(device, byte);
        if (device === this.consoles.main) this.watch(byte);
      },
      warn: (line) => {
        say(`worldswitch: ${line}`);
      },
    };
    this.machine =
      saved === undefined ? createMachine(config, outside) : restoreMachine(config, saved, outside);
    if (options.engineStats === true || options.engineTrace !== undefined) countAll(this.machine);
    if (options.engineTrace !== undefined) this.trace = new EngineTrace(this.machine);
    this.consoles = new Consoles(
      options.consoles,
      this.machine.board.devices.map((d) => d.name),
      {
        typed: (device, bytes) => {
          this.machine.type(device, bytes);
          this.wake?.();
        },
        changed: () => this.wake?.(),
        escape: (what) => {
          this.escape(what);
        },
        outputClosed: () => {
          this.finish('closed');
        },
      },
    );
    if (saved === undefined && options.images) this.machine.load(options.images);
    this.pair = lockStepOf(options.lockStep, config, this.machine, options);
    for (const { after, bytes } of typed) {
      if (after === undefined) this.machine.type(this.consoles.main, bytes);
    }
  }

  private escape(what: Escape): void {
    if (what === 'quit') this.finish('quit');
    else if (what === 'status') say(`\r\n${this.lines('running').join('\r\n')}\r`);
    else if (what === 'power') this.powerButton();
    else
      say(
        '\r\nCtrl-A x quits, Ctrl-A p presses the power button, Ctrl-A s shows counts, Ctrl-A Ctrl-A types Ctrl-A\r',
      );
  }

  /** As QEMU's `system_powerdown`: whether it does anything is the guest's business. */
  powerButton(): void {
    if (!this.machine.powerButton()) say('worldswitch: this board has no power button\r');
    this.wake?.();
  }

  private watch(byte: number): void {
    this.lastByte = byte;
    if (this.until?.seen(byte) === true) this.finish('until');
    for (const { watch, bytes } of this.scripts) {
      if (watch.seen(byte)) this.machine.type(this.consoles.main, bytes);
    }
  }

  /** Ends the run after the current instruction. */
  finish(how: SessionEnd['how']): void {
    this.ending ??= how;
    this.machine.stop();
    this.wake?.();
    this.isOver?.();
  }

  async run(): Promise<SessionEnd> {
    // A signal ends the wait for a socket's peer too.
    await Promise.race([this.consoles.open(this.options.stdin), this.over]);
    for (const way of this.outside) {
      await way.open((input) => {
        this.machine.type(way.card, input);
        this.wake?.();
      });
    }
    while (this.ending === undefined) {
      const why = (this.pair ?? this.machine).run(this.budget(), !this.isPaced);
      if (this.pair?.difference !== undefined) this.ending ??= 'differs';
      await this.consoles.flush();
      this.trace?.look();
      this.hashes();
      await this.react(why);
      this.limits();
    }
    if (this.pair?.finish() !== undefined) this.ending = 'differs';
    const how = this.ending;
    const status = STATUS[how] ?? 0;
    // What is said at the end comes after all that the guest said.
    await this.consoles.flush();
    await this.consoles.release();
    if (this.lastByte !== 10 && this.consoles.atTerminal) say('');
    for (const line of this.lines(how)) say(line);
    await this.records(status);
    if (how === 'dead') say(this.machine.report());
    for (const line of this.pair ? lockStepLines(this.pair) : []) say(line);
    return { how, status };
  }

  private async records(status: number): Promise<void> {
    const { save, json, engineTrace } = this.options;
    if (engineTrace !== undefined && this.trace !== undefined) {
      this.trace.look(true);
      await writeNamed(engineTrace, '--engine-trace', this.trace.toJson());
    }
    if (save !== undefined) {
      await writeNamed(save, '--save', await encodeSnapshot(this.machine.save()));
      say(`worldswitch: saved to ${save}`);
    }
    if (json === undefined) return;
    const text = `${jsonSummary(this.facts(this.ending ?? 'running'), status)}\n`;
    if (json === '-') process.stdout.write(text);
    else await writeNamed(json, '--json', text);
  }

  private get outside(): readonly Outside[] {
    return this.options.outside ?? [];
  }
  /** Idle time passes as fast as the host's: somebody types, or something may come from outside. */
  private get isPaced(): boolean {
    return this.consoles.paced || this.outside.some(({ live }) => live);
  }

  private budget(): number {
    const { instructions = Infinity } = this.options;
    const { next = Infinity } = this.trace ?? {};
    const left = Math.min(instructions, this.nextHash, next) - this.machine.instructions;
    return Math.max(1, Math.min(CHUNK, left));
  }

  private hashes(): void {
    const { hashEvery } = this.options;
    if (hashEvery === undefined || this.machine.instructions < this.nextHash) return;
    say(`hash ${this.machine.instructions} ${this.machine.hash()}`);
    this.nextHash = this.machine.instructions + hashEvery;
  }

  private async react(why: RunEnd): Promise<void> {
    if (why === 'off' || why === 'dead') this.ending ??= why;
    else if (why === 'reset' && this.options.noReboot === true) this.ending ??= why;
    else if (why === 'waiting') await this.idle();
    else if (why === 'idle') {
      if (this.consoles.live || this.outside.some(({ live }) => live)) await this.wait(1000);
      else this.ending ??= 'idle';
    } else await new Promise(setImmediate);
  }

  /** Lets idle time pass as fast as the host's. Waits that are too short for a host's timer are saved up until they are not. */
  private async idle(): Promise<void> {
    const { machine } = this;
    const wanted = this.ahead + machine.untilDeadline;
    if (wanted < SHORTEST) {
      this.ahead = wanted;
      this.pass(machine.untilDeadline);
      await new Promise(setImmediate);
      return;
    }
    const before = Date.now();
    await this.wait(Math.min(wanted / 1e6, 100));
    const waited = (Date.now() - before) * 1e6;
    this.pass(Math.min(Math.max(0, waited - this.ahead), machine.untilDeadline));
    this.ahead = Math.max(0, this.ahead - waited);
  }

  private pass(nanoseconds: number): void {
    (this.pair ?? this.machine).pass(nanoseconds);
  }

  /** Until something was typed, or so many milliseconds. */
  private async wait(milliseconds: number): Promise<void> {
    if (this.ending !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  private limits(): void {
    const { timeout, instructions = Infinity } = this.options;
    if (timeout !== undefined && Date.now() - this.began > timeout * 1000) this.ending ??= 'timeout';
    if (this.machine.instructions >= instructions) this.ending ??= 'budget';
  }

  private facts(how: string): RunFacts {
    const { until = '', timeout = 0 } = this.options;
    const words: Readonly<Partial<Record<string, string>>> = {
      ...WORDS,
      until: `the console printed "${until}"`,
      timeout: `time-out after ${timeout} s`,
    };
    return {
      how: words[how] ?? how,
      hostSeconds: (Date.now() - this.began) / 1000,
      engine: this.machine.engines[0]?.name ?? 'no engine',
      counts: countsOf(this.machine),
      ...(this.options.engineStats === true && { counters: engineCounts(this.machine) }),
    };
  }

  private lines(how: string): readonly string[] {
    const facts = this.facts(how);
    return [firstLine(facts), ...countLines(facts), ...engineLines(facts.counters ?? [])];
  }

  /** Closes the consoles. */
  async close(): Promise<void> {
    await this.consoles.close();
  }
}
