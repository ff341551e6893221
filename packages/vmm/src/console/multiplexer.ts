// One serial line for several VMs: whole lines, each with the name of its VM, and typing that goes to one of them at a time.

import { bytes, flag, list, record, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** What is saved. */
export type ConsoleState = Readonly<{
  /** By VM: the unfinished line. */
  lines: readonly Uint8Array[];
  /** The VM that gets what is typed. */
  focus: number;
  /** The last byte was the key that switches. */
  escape: number;
  /** By VM: something came for the unfinished line since `quiet` was called last. */
  fresh: readonly boolean[];
  /** By VM: what was typed and lost, and has not been told. */
  lost: readonly number[];
}>;

/** Bytes after which an unfinished line is shown all the same. */
const LONGEST_LINE = 4096;
/** Ctrl-] and then the number of a VM. */
const SWITCH = 0x1d;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** How it is checked. */
export const consoleShape = (vms: number): Shape<ConsoleState> =>
  record<ConsoleState>({
    lines: list(bytes(0, LONGEST_LINE), vms),
    focus: uint(vms - 1),
    escape: uint(1),
    fresh: list(flag, vms),
    lost: list(uint(), vms),
  });

/** Where bytes go. */
export interface ConsoleEnds {
  /** To the host's serial line. */
  send(byte: number): void;
  /** To the serial port of a VM. */
  type(vm: number, byte: number): void;
}

const hasText = (line: readonly number[]): boolean => line.some((byte) => byte !== CARRIAGE_RETURN);

/** Several consoles on one line. With a single VM its bytes pass as they are. */
export class ConsoleMultiplexer {
  private readonly names: readonly string[];
  private readonly ends: ConsoleEnds;
  private readonly lines: number[][];
  private focus: number;
  private escape: boolean;
  private readonly fresh: boolean[];
  private readonly lost: number[];

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
    this.fresh = names.map((_, i) => saved?.fresh[i] ?? false);
    this.lost = names.map((_, i) => saved?.lost[i] ?? 0);
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
    this.fresh[vm] = true;
    if (byte === NEWLINE || line.length >= LONGEST_LINE) this.flush(vm, line);
  }

  /** Shows unfinished lines: a prompt has no end. */
  idle(): void {
    this.lines.forEach((line, vm) => {
      if (hasText(line)) this.flush(vm, line);
    });
  }

  /** Some line is unfinished. */
  get unfinished(): boolean {
    return this.lines.some(hasText);
  }

  /** Shows unfinished lines for which nothing came since the last call. */
  quiet(): void {
    this.lines.forEach((line, vm) => {
      if (this.fresh[vm] !== true && hasText(line)) this.flush(vm, line);
      this.fresh[vm] = false;
    });
  }

  private flush(vm: number, line: number[]): void {
    this.sendLine(
      vm,
      line.filter((byte) => byte !== CARRIAGE_RETURN),
    );
    line.length = 0;
  }

  private sendLine(vm: number, shown: readonly number[]): void {
    const prefix = Array.from(`[${this.names[vm] ?? ''}] `, (c) => c.charCodeAt(0));
    for (const byte of [...prefix, ...shown, CARRIAGE_RETURN, NEWLINE]) this.ends.send(byte);
  }

  /** A byte that was typed at a VM is lost: it takes none. */
  lose(vm: number): void {
    this.lost[vm] = (this.lost[vm] ?? 0) + 1;
  }

  /** The VM takes what is typed again: what was lost is told, in a line of its own. */
  tellLost(vm: number): void {
    const count = this.lost[vm] ?? 0;
    if (count === 0) return;
    this.lost[vm] = 0;
    this.tell(vm, `${count} typed bytes were lost`);
  }

  /** Says something about a VM, in parentheses and a line of its own. */
  tell(vm: number, text: string): void {
    const line = this.lines[vm];
    if (line && hasText(line)) this.flush(vm, line);
    this.sendLine(
      vm,
      Array.from(`(${text})`, (c) => c.charCodeAt(0)),
    );
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
      fresh: [...this.fresh],
      lost: [...this.lost],
    };
  }
}
