// Why the interpreter's loop is left. TypeScript deals with it and comes back.

/** The answer of `run`. In all but the marked cases the instruction at the PC has not begun. */
export const Reason = {
  /** `remaining` is zero. */
  Budget: 0,
  /** The record at the PC is empty. */
  Decode: 1,
  /** The PC is not in the fetch TLB. */
  Fetch: 2,
  /** `exitVa` is not in the data TLB. */
  MissRead: 3,
  MissWrite: 4,
  MissUnprivilegedRead: 5,
  MissUnprivilegedWrite: 6,
  /** The reference engine has to execute this instruction. */
  Step: 7,
  /** The instruction before the PC unmasked interrupts, and one may be pending. */
  Poll: 8,
  /** The record belongs to another function or module, by the number in `exitInfo`. */
  Other: 9,
  /** The instruction at the PC is where a compiled region begins. */
  Hot: 10,
  /** The PC was reached often from compiled code, and there is no region. */
  Heat: 11,
  /** Compiled code was left for an access: `exitVa`, or an access that is looked up with it, is not in the data TLB. */
  HotMissRead: 12,
  HotMissWrite: 13,
} as const;
/** The answer of `run`. */
export type Reason = (typeof Reason)[keyof typeof Reason];

/** Case numbers that every decoded page uses. */
export const Fixed = {
  /** Not decoded yet. */
  decode: 0,
  /** After the last instruction of a page. */
  endOfPage: 1,
  /** For the reference engine. */
  step: 2,
  /** Where a compiled region is entered. */
  hot: 3,
  /** First number of the table's cases. */
  first: 4,
} as const;
