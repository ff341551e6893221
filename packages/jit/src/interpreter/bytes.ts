// The room that an interpreter takes.

import { Tables } from '../emit/frame.ts';
import { DISPATCH_BYTES } from '../hot/dispatcher.ts';
import { WALK_BYTES } from '../walks/layout.ts';
import { FastLayout } from './fast-layout.ts';

/** Decoded pages unless told. */
export const DEFAULT_PAGES = 2048;
/** Bytes of what is one CPU's alone: the fast TLBs, and behind them the walker's block. */
export const OWN_BYTES: number = FastLayout.bytes + WALK_BYTES;

/** Bytes that the interpreter's tables take; with 0 pages, those of one that shares another's. */
export const interpreterBytes = (pages: number = DEFAULT_PAGES): number =>
  OWN_BYTES + (pages === 0 ? 0 : DISPATCH_BYTES + pages * Tables.pageBytes);
