// The consoles of a run: each device's bytes to its channel and back.

import { CliError } from '../errors.ts';
import type { Destination } from '../options/destination.ts';
import { nowhere } from './channel.ts';
import type { Channel } from './channel.ts';
import { openChannel } from './open.ts';
import { openTerminal } from './terminal.ts';
import type { TerminalEvents } from './terminal.ts';

/** A device and where its bytes go. */
export interface ConsoleOption {
  /** The device's name on the board. */
  readonly device: string;
  readonly to: Destination;
  /** How the user asked for it, for messages. */
  readonly option: string;
}

/** What consoles tell their session. */
export interface ConsoleEvents extends Omit<TerminalEvents, 'typed'> {
  typed(device: string, bytes: Uint8Array): void;
}

/** Bytes of a line that are kept together. */
const LINE = 4096;

interface Line {
  channel: Channel;
  pending: number[];
}

/** All consoles of a run. */
export class Consoles {
  /** The device that scripts talk to. */
  readonly main: string;
  private readonly lines = new Map<string, Line>();
  private readonly options: readonly ConsoleOption[];
  private readonly events: ConsoleEvents;

  /** Throws a `CliError` for a device that the board does not have. */
  constructor(options: readonly ConsoleOption[], devices: readonly string[], events: ConsoleEvents) {
    for (const { device, option } of options) {
      if (devices.includes(device)) continue;
      const there = devices.join(', ') || 'none';
      throw new CliError(`${option}: the board has no device called ${device}; it has ${there}`);
    }
    this.options = options;
    this.events = events;
    this.main = (options.find(({ to }) => to.kind === 'stdio') ?? options[0])?.device ?? '';
    for (const { device } of options) this.lines.set(device, { channel: nowhere, pending: [] });
  }

  /** Opens the channels; the terminal last, as it becomes raw. Throws a `CliError`. */
  async open(stdin: boolean): Promise<void> {
    const ordered = [...this.options].sort(
      (a, b) => Number(a.to.kind === 'stdio') - Number(b.to.kind === 'stdio'),
    );
    for (const { device, to, option } of ordered) {
      const line = this.lines.get(device);
      if (line === undefined) continue;
      const typed = (bytes: Uint8Array): void => {
        this.events.typed(device, bytes);
      };
      const events = { ...this.events, typed };
      line.channel =
        to.kind === 'stdio' ? openTerminal(events, stdin) : await openChannel(option, to, events);
      await line.channel.ready?.();
    }
  }

  /** The console that scripts talk to is at the terminal. */
  get atTerminal(): boolean {
    return this.options.some(({ to }) => to.kind === 'stdio');
  }
  /** Somebody may still type. */
  get live(): boolean {
    return [...this.lines.values()].some(({ channel }) => channel.live);
  }
  /** With a person at a console, idle time passes as fast as the host's. */
  get paced(): boolean {
    return [...this.lines.values()].some(({ channel }) => channel.paced && channel.live);
  }

  /** A device sent a byte. */
  printed(device: string, byte: number): void {
    const line = this.lines.get(device);
    if (line === undefined) return;
    line.pending.push(byte);
    if (line.pending.length >= LINE || byte === 10) send(line);
  }

  /** Sends what is there, and waits for readers that are far behind. */
  async flush(): Promise<void> {
    for (const line of this.lines.values()) {
      send(line);
      await line.channel.drained();
    }
  }

  /** Gives the terminal back; the run is over. */
  async release(): Promise<void> {
    for (const { device, to } of this.options) {
      const line = this.lines.get(device);
      if (to.kind !== 'stdio' || line === undefined) continue;
      await line.channel.close();
      line.channel = nowhere;
    }
  }

  /** Closes every channel; what was written arrives. */
  async close(): Promise<void> {
    for (const line of this.lines.values()) {
      send(line);
      await line.channel.close();
      line.channel = nowhere;
    }
  }
}

function send(line: Line): void {
  if (line.pending.length === 0) return;
  line.channel.write(Uint8Array.from(line.pending));
  line.pending = [];
}
