// What the hot tier knows of its regions.

/** Why a region is wanted. */
export interface Wish {
  /** Nanoseconds that were lost since the last time for want of it. */
  readonly lost: number;
  /** Compiled code came here again and again: perhaps by a jump to an address. */
  readonly reached?: boolean;
  /** Its stores beside code are to be done in it. */
  readonly mixedStores?: boolean;
}

/** Instructions of a page that a region has, first and last. `copied`: only in the place of a call. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly copied: boolean;
}

/** A place where a region is entered. */
export interface Mark {
  readonly entry: number;
  readonly record: number;
  /** The record's number without the mark. */
  original: number;
  readonly region: Region;
}

/** A compiled region. */
export interface Region {
  readonly element: number;
  readonly marks: Mark[];
  /** Addresses of its decoded pages, with the first and last instruction there. */
  readonly spans: ReadonlyMap<number, readonly Span[]>;
  /** Address of the decoded root page, and the instructions there where it was asked for. */
  readonly page: number;
  readonly roots: readonly number[];
  /** By addresses of decoded pages: where they are relative to the root page. */
  readonly places: ReadonlyMap<number, number>;
  /** Its stores beside code need nobody else. */
  readonly mixedStores: boolean;
  /** It jumps to addresses: more ways in may be found. */
  readonly jumps: boolean;
}
