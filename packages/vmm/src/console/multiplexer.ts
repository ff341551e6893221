// One serial line for several VMs: whole lines, each with the name of its VM, and typing that goes to one of them at a time.

import { bytes, list, record, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** What is saved. */
export type ConsoleState = Readonly<{
  /** By VM: the unfinished line. */
  lines: readonly Uint8Array[];
  /** The VM that gets what is typed. */
  focus: number;
  /** The last byte was the key that switches. */
  escape: number;
}>;

/** Bytes after which an unfinished line is shown all the same. */
const LONGEST_LINE = 4096;
/** Ctrl-] and then the number of a VM. */
const SWITCH = 0x1d;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** How it is checked. */
export const consoleShape = (vms: number): Shape<ConsoleState> =>
  record<ConsoleState>({ lines: list(bytes(0, LONGEST_LINE), vms), focus: uint(vms - 1), escape: uint(1) });

/** Where bytes go. */
export interface ConsoleEnds {
  /** To the host's serial line. */
  send(byte: number): void;
  /** To the serial port of a VM. */
  type(vm: number, byte: number): void;
}

/** Several consoles on one line. With a single VM its bytes pass as they are. */
export class ConsoleMultiplexer {
  private readonly names: readonly string[];
  private readonly ends: ConsoleEnds;
  private readonly lines: number[][];
  private focus: number;
  private escape: boolean;

  /**
   * @param names - of the VMs
   * @param ends - where bytes go
   * @param saved - from `save`, checked by `consoleShape`
   */
  constructor(names: readonly string[], ends: ConsoleEnds, saved?: ConsoleState) {
    this.names = names;
    this.ends = ends;
    this.lines = names.map((_, i) => [...(saved?.lines[i] ?? [])]);
    this.focus = saved?.focus ?? 0;
    this.escape = saved?.escape === 1;
  }

  /** The VM that gets what is typed. */
  get focused(): number {
    return this.focus;
  }

  /** A VM's serial port has sent a byte. */
  output(vm: number, byte: number): void {
    if (this.names.length === 1) {
      this.ends.send(byte);
      return;
    }
    const line = this.lines[vm];
    if (line === undefined) return;
    if (byte !== NEWLINE) line.push(byte);
    if (byte === NEWLINE || line.length >= LONGEST_LINE) this.flush(vm, line);
  }

  /** Shows unfinished lines: a prompt has no end. */
  idle(): void {
    this.lines.forEach((line, vm) => {
      if (line.some((byte) => byte !== CARRIAGE_RETURN)) this.flush(vm, line);
    });
  }

  private flush(vm: number, line: number[]): void {
    const prefix = Array.from(`[${this.names[vm] ?? ''}] `, (c) => c.charCodeAt(0));
    const shown = line.filter((byte) => byte !== CARRIAGE_RETURN);
    for (const byte of [...prefix, ...shown, CARRIAGE_RETURN, NEWLINE]) this.ends.send(byte);
    line.length = 0;
  }

  /** A byte was typed: to the VM in focus, or, after Ctrl-], the number of the VM that is to have it, from 1. */
  typed(byte: number): void {
    if (this.names.length === 1) {
      this.ends.type(0, byte);
      return;
    }
    if (!this.escape) {
      if (byte === SWITCH) this.escape = true;
      else this.ends.type(this.focus, byte);
      return;
    }
    this.escape = false;
    const vm = byte - 0x31;
    if (vm >= 0 && vm < this.names.length) this.focus = vm;
    else if (byte === SWITCH) this.ends.type(this.focus, byte);
  }

  /** The whole state, as plain data. */
  save(): ConsoleState {
    return {
      lines: this.lines.map((line) => Uint8Array.from(line)),
      focus: this.focus,
      escape: this.escape ? 1 : 0,
    };
  }
}
