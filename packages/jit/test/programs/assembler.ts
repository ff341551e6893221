// A program under construction: lines of assembly with labels, assembled where it will lie.

import { assemble } from '@worldswitch/isa-core';

/** A place in a program. */
export type Label = symbol;

type Line = string | { readonly to: Label; readonly text: (offset: string) => string };

/** Collects lines. */
export class Program {
  private readonly lines: Line[] = [];
  private readonly places = new Map<Label, number>();

  /** Instructions so far. */
  get length(): number {
    return this.lines.length;
  }

  /** Appends instructions. */
  add(...lines: readonly string[]): void {
    this.lines.push(...lines);
  }

  /** Appends an instruction that names a label as an offset from itself: `to('b.ne', top)`, `to('adr x9,', top)`. */
  to(before: string, to: Label): void {
    this.lines.push({ to, text: (offset) => `${before} ${offset}` });
  }

  /** A label that is not placed yet. */
  label(): Label {
    return Symbol();
  }

  /** Places a label here. */
  place(label: Label = this.label()): Label {
    this.places.set(label, this.lines.length);
    return label;
  }

  /** Offset of a label in bytes. */
  at(label: Label): number {
    const place = this.places.get(label);
    if (place === undefined) throw new Error('a label without a place');
    return place * 4;
  }

  /** The words. */
  words(): number[] {
    return this.lines.map((line, i) =>
      assemble(typeof line === 'string' ? line : line.text(String(this.at(line.to) - 4 * i))),
    );
  }

  /** The lines, for messages. */
  text(): string[] {
    return this.lines.map((line, i) =>
      typeof line === 'string' ? line : line.text(String(this.at(line.to) - 4 * i)),
    );
  }
}
