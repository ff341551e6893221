// PL011: its saved state.

import { bits, deadline, flag, list, nullable, record, stateCodec, uint } from '@worldswitch/platform';
import type { CellState, StateCodec } from '@worldswitch/platform';

import { fifoDepth } from './frame.ts';
import { registers } from './registers.ts';

/** A PL011's saved state. */
export type Pl011State = Readonly<{
  registers: CellState;
  /** Received characters, oldest first, with their error bits as UARTDR has them. */
  receiveFifo: readonly number[];
  /** Characters to transmit, oldest first. */
  transmitFifo: readonly number[];
  /** The character on the line. */
  shifting: number | null;
  /** UARTRSR. */
  receiveStatus: number;
  /** A character was lost, and none has been received since. */
  overrun: boolean;
  /** UARTRIS. */
  raw: number;
  /** Modem inputs from outside, as bits of UARTFR. */
  modem: number;
  /** Modem inputs as last seen, which in loopback are the outputs. */
  modemSeen: number;
  /** When the receive time-out interrupts. */
  receiveDeadline: number | null;
  /** When the character on the line is through. */
  transmitDeadline: number | null;
}>;

const modemBits = bits(0x107);

/** Checks a saved state. */
export const pl011Codec: StateCodec<Pl011State> = stateCodec(
  1,
  record<Pl011State>({
    registers: registers.shape,
    receiveFifo: list(bits(0x7ff), 0, fifoDepth),
    transmitFifo: list(uint(0xff), 0, fifoDepth),
    shifting: nullable(uint(0xff)),
    receiveStatus: uint(0xf),
    overrun: flag,
    raw: bits(0x7ff),
    modem: modemBits,
    modemSeen: modemBits,
    receiveDeadline: deadline,
    transmitDeadline: deadline,
  }),
);
