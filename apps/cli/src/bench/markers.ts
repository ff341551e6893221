// The image's lines: `begin`, `lap` and `end`. What was spent is looked at when a line arrives.

import { CliError } from '../errors.ts';
import type { KernelRun, Sample } from './run.ts';

/** A line is taken as such at its first bytes: an `end` that is printed costs nothing of what is measured. */
const LONGEST = 200;

/** Reads the console of one machine. */
export class Markers {
  private line = '';
  private at: Sample | undefined;
  private begin: Sample | undefined;
  private laps: { units: number; at: Sample }[] = [];
  /** The runs that are over. */
  readonly runs: KernelRun[] = [];
  private readonly now: () => Sample;

  /**
   * Begins to read.
   *
   * @param now - what has been spent
   */
  constructor(now: () => Sample) {
    this.now = now;
  }

  /** A byte of the console; true when it ends one of the lines after which the guest may wait. */
  printed(byte: number): boolean {
    if (byte === 13) return false;
    if (byte === 10) {
      this.ended();
      const waits = /^(begin|lap|end) /.test(this.line);
      this.line = '';
      return waits;
    }
    if (this.line === '') this.at = this.now();
    if (this.line.length < LONGEST) this.line += String.fromCharCode(byte);
    return false;
  }

  private ended(): void {
    const [word = '', kernel = '', count = '', ...rest] = this.line.split(' ');
    const at = this.at ?? this.now();
    if (word === 'begin') {
      this.laps = [];
      this.begin = this.now();
    } else if (word === 'lap') this.laps.push({ units: Number(count), at });
    else if (word === 'end') this.runs.push(this.finished(kernel, Number(count), rest.join(' '), at));
    else if (/^(kit|bench: no)/.test(this.line)) throw new CliError(`the benchmark's image: ${this.line}`);
  }

  private finished(kernel: string, units: number, result: string, end: Sample): KernelRun {
    const found = /^checksum=([0-9a-f]{16}) ticks=(\d+)$/.exec(result);
    if (found?.[1] === undefined || this.begin === undefined)
      throw new CliError(`${kernel}: two units of the same work gave different results`);
    return {
      kernel,
      units,
      checksum: found[1],
      ticks: Number(found[2]),
      begin: this.begin,
      laps: this.laps,
      end,
    };
  }
}
