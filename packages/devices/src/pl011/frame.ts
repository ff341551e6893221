// PL011: how long bits and characters take, and which FIFO levels interrupt (DDI 0183 2.4.4, 3.3.6 to 3.3.9).

import { Cell } from './registers.ts';

/** The depth of each FIFO in revisions up to r1p4. */
export const fifoDepth = 16;

/** UARTLCR_H.FEN: without it each FIFO is one holding register. */
const fifosEnabled = (cells: Uint32Array): boolean => ((cells[Cell.LCR_H] ?? 0) & 0x10) !== 0;

/** Characters that a FIFO holds now. */
export const depth = (cells: Uint32Array): number => (fifosEnabled(cells) ? fifoDepth : 1);

/** Characters at 1/8, 1/4, 1/2, 3/4 and 7/8; reserved selections count as the last. */
const levels = [2, 4, 8, 12, 14] as const;

/** The receive level: that many characters interrupt. */
export const receiveLevel = (cells: Uint32Array): number =>
  fifosEnabled(cells) ? (levels[((cells[Cell.IFLS] ?? 0) >>> 3) & 7] ?? 14) : 1;

/** The transmit level: falling to that many characters interrupts. */
export const transmitLevel = (cells: Uint32Array): number =>
  fifosEnabled(cells) ? (levels[(cells[Cell.IFLS] ?? 0) & 7] ?? 14) : 0;

/** The character's bits, by UARTLCR_H.WLEN. */
export const dataMask = (cells: Uint32Array): number => 0xff >>> (3 - (((cells[Cell.LCR_H] ?? 0) >>> 5) & 3));

/** A bit's time in nanoseconds. The divisor counts 64ths, of a clock of 16 per bit; one of zero counts as one. */
export function bitTime(cells: Uint32Array, clock: number): number {
  const divisor = 64 * (cells[Cell.IBRD] ?? 0) + (cells[Cell.FBRD] ?? 0);
  return Math.ceil((Math.max(divisor, 64) * 250_000_000) / clock);
}

/** A character's time: start, data, parity and stop bits. */
export function frameTime(cells: Uint32Array, clock: number): number {
  const control = cells[Cell.LCR_H] ?? 0;
  const data = 5 + ((control >>> 5) & 3);
  const parity = (control >>> 1) & 1;
  const stop = 1 + ((control >>> 3) & 1);
  return (1 + data + parity + stop) * bitTime(cells, clock);
}
