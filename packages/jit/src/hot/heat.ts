// Where time is spent: samples of the PC. Interpreted code is looked at every few thousand instructions; where many samples
// fall close together, the next loop or function that is come to is the root of a region.

import type { Sharing } from '../interpreter/sharing.ts';
import { CALLED, LOOPING } from './worth.ts';

/** Instructions between two samples of interpreted code, and at most, when almost all code is compiled. */
const SHORT = 8192;
const LONG = 1 << 20;
/** Samples that make a line of code hot, and instructions of a line. */
const HOT_SAMPLES = 100;
/** For how many a sample counts in the line of the one before: a loop that goes on is likely to go on. */
const IN_A_ROW = 4;
const LINE_BITS = 8;
const LINES = 1 << 14;
/** Instructions that are followed one by one to find a loop's or a function's beginning. */
const FOLLOWED = 400;

/** The samples of one CPU. */
export class Heat {
  /** Instructions until the next sample, or 1 while control is followed. */
  period: number = SHORT;
  private readonly lines = new Uint8Array(LINES);
  private lastLine = -1;
  private following = 0;
  private since = 0;
  /** Of `since`, what was interpreted. */
  private slow = 0;
  private lastLo = 0;
  private lastHi = 0;
  private lastWord = 0;

  /** Some instructions were executed, so many of them interpreted: true when it is time for a sample. */
  due(executed: number, interpreted: number): boolean {
    if (this.following > 0) return executed > 0;
    this.since += executed;
    this.slow += interpreted;
    if (this.since < this.period) return false;
    this.period = this.slow * 8 > this.since ? SHORT : Math.min(this.period * 2, LONG);
    this.since = this.slow = 0;
    return interpreted > 0;
  }

  /** Takes a sample at an address: the nanoseconds that were lost for want of a region that begins there, 0 for none. */
  sample(page: number, lo: number, hi: number, { pages, tier }: Sharing): number {
    const host = pages.hostOf(page) + (lo & 0xfff);
    const instruction = (lo & 0xfff) >>> 2;
    if (this.following > 0) return this.follow(lo, hi, pages.wordAt(host));
    if (tier.covers(page, instruction)) return 0;
    const line = (host >>> LINE_BITS) & (LINES - 1);
    const count = (this.lines[line] ?? 0) + (line === this.lastLine ? IN_A_ROW : 1);
    this.lines[line] = count;
    this.lastLine = line;
    if (count < HOT_SAMPLES) return 0;
    this.lines[line] = 0;
    this.following = FOLLOWED;
    this.period = 1;
    this.remember(lo, hi, pages.wordAt(host));
    return 0;
  }

  /** One more instruction: the one before it may have called this, or jumped back to it. */
  private follow(lo: number, hi: number, word: number): number {
    const called =
      (this.lastWord & 0xfc00_0000) >>> 0 === 0x9400_0000 ||
      (this.lastWord & 0xffff_fc1f) >>> 0 === 0xd63f_0000;
    const back =
      hi === this.lastHi &&
      lo >>> 0 <= this.lastLo >>> 0 &&
      (this.lastWord & 0xfe00_0000) >>> 0 !== 0xd600_0000;
    this.following--;
    this.remember(lo, hi, word);
    if (!called && !back && this.following > 0) return 0;
    this.following = 0;
    this.period = SHORT;
    return HOT_SAMPLES * SHORT * (back ? LOOPING : CALLED);
  }

  private remember(lo: number, hi: number, word: number): void {
    this.lastLo = lo;
    this.lastHi = hi;
    this.lastWord = word;
  }
}
