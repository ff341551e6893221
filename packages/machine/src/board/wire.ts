// A wire: it remembers its level and drives what it is connected to when that changes.

import type { InterruptLine } from '@worldswitch/platform';

/** A wire between an output and whatever `drive` reaches. */
export class Wire implements InterruptLine {
  level: boolean;
  private readonly drive: (level: boolean) => void;

  constructor(drive: (level: boolean) => void, level = false) {
    this.drive = drive;
    this.level = level;
  }
  set(level: boolean): void {
    if (level === this.level) return;
    this.level = level;
    this.drive(level);
  }
}
