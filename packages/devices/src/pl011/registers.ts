// PL011: its registers (DDI 0183 3.2, 3.3).

import { identification, registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable } from '@worldswitch/platform';

/** What the registers act on. */
export interface Host {
  readonly cells: Uint32Array;
  readData(): number;
  writeData(value: number): void;
  /** UARTRSR. */
  receiveStatus: number;
  readFlags(): number;
  /** After a write of UARTLCR_H, which latches the divisors; FIFOs are emptied when FEN changes. */
  lineControlWritten(): void;
  /** After a change of UARTCR or UARTIFLS. */
  controlWritten(): void;
  /** UARTRIS. */
  raw: number;
  clearInterrupts(which: number): void;
  /** After a change of what the interrupts depend on. */
  updateInterrupts(): void;
}

/** Bits of UARTFR. */
export const Flag = {
  CTS: 0x001,
  DSR: 0x002,
  DCD: 0x004,
  BUSY: 0x008,
  RXFE: 0x010,
  TXFF: 0x020,
  RXFF: 0x040,
  TXFE: 0x080,
  RI: 0x100,
} as const;

/** Bits of UARTCR. */
export const Control = {
  UARTEN: 0x0001,
  LBE: 0x0080,
  TXE: 0x0100,
  RXE: 0x0200,
  DTR: 0x0400,
  RTS: 0x0800,
  Out1: 0x1000,
  Out2: 0x2000,
  RTSEn: 0x4000,
  CTSEn: 0x8000,
} as const;

/** Bits of UARTRIS, UARTIMSC, UARTMIS and UARTICR. */
export const Interrupt = {
  RI: 0x001,
  CTS: 0x002,
  DCD: 0x004,
  DSR: 0x008,
  RX: 0x010,
  TX: 0x020,
  RT: 0x040,
  FE: 0x080,
  PE: 0x100,
  BE: 0x200,
  OE: 0x400,
} as const;

/** Bits of UARTDR above the data, and in UARTRSR eight places lower. */
export const ReceiveError = { FE: 0x100, PE: 0x200, BE: 0x400, OE: 0x800 } as const;

const interruptFields = {
  RI: [0, 0],
  CTS: [1, 1],
  DCD: [2, 2],
  DSR: [3, 3],
  RX: [4, 4],
  TX: [5, 5],
  RT: [6, 6],
  FE: [7, 7],
  PE: [8, 8],
  BE: [9, 9],
  OE: [10, 10],
} as const;

const rows: readonly Register<Host>[] = [
  {
    name: 'UARTDR',
    offset: 0x000,
    access: 'RW',
    about: 'receives with the errors of the character, and transmits',
    fields: { DATA: [7, 0], FE: [8, 8], PE: [9, 9], BE: [10, 10], OE: [11, 11] },
    read: (host) => host.readData(),
    write: (host, value, lanes) => {
      if ((lanes & 0xff) !== 0) host.writeData(value & 0xff);
    },
  },
  {
    name: 'UARTRSR',
    offset: 0x004,
    access: 'RW',
    about: 'errors of the character read last; any write clears them',
    fields: { FE: [0, 0], PE: [1, 1], BE: [2, 2], OE: [3, 3] },
    read: (host) => host.receiveStatus,
    write: (host) => {
      host.receiveStatus = 0;
    },
  },
  {
    name: 'UARTFR',
    offset: 0x018,
    access: 'RO',
    about: 'FIFOs and modem lines',
    fields: {
      CTS: [0, 0],
      DSR: [1, 1],
      DCD: [2, 2],
      BUSY: [3, 3],
      RXFE: [4, 4],
      TXFF: [5, 5],
      RXFF: [6, 6],
      TXFE: [7, 7],
      RI: [8, 8],
    },
    read: (host) => host.readFlags(),
  },
  { name: 'UARTILPR', offset: 0x020, access: 'RW', about: 'IrDA divisor, kept only', reset: 0, mask: 0xff },
  { name: 'UARTIBRD', offset: 0x024, access: 'RW', about: 'baud rate divisor', reset: 0, mask: 0xffff },
  { name: 'UARTFBRD', offset: 0x028, access: 'RW', about: 'its fraction, in 64ths', reset: 0, mask: 0x3f },
  {
    name: 'UARTLCR_H',
    offset: 0x02c,
    access: 'RW',
    about: 'the frame, and whether FIFOs are used',
    fields: {
      BRK: [0, 0],
      PEN: [1, 1],
      EPS: [2, 2],
      STP2: [3, 3],
      FEN: [4, 4],
      WLEN: [6, 5],
      SPS: [7, 7],
    },
    reset: 0,
    mask: 0xff,
    written: (host) => {
      host.lineControlWritten();
    },
  },
  {
    name: 'UARTCR',
    offset: 0x030,
    access: 'RW',
    about: 'enables, loopback, modem outputs, flow control',
    fields: {
      UARTEN: [0, 0],
      SIREN: [1, 1],
      SIRLP: [2, 2],
      LBE: [7, 7],
      TXE: [8, 8],
      RXE: [9, 9],
      DTR: [10, 10],
      RTS: [11, 11],
      Out1: [12, 12],
      Out2: [13, 13],
      RTSEn: [14, 14],
      CTSEn: [15, 15],
    },
    reset: 0x0300,
    mask: 0xff87,
    written: (host) => {
      host.controlWritten();
    },
  },
  {
    name: 'UARTIFLS',
    offset: 0x034,
    access: 'RW',
    about: 'FIFO levels that interrupt',
    fields: { TXIFLSEL: [2, 0], RXIFLSEL: [5, 3] },
    reset: 0x12,
    mask: 0x3f,
    written: (host) => {
      host.controlWritten();
    },
  },
  {
    name: 'UARTIMSC',
    offset: 0x038,
    access: 'RW',
    about: 'interrupts that may pass',
    fields: interruptFields,
    reset: 0,
    mask: 0x7ff,
    written: (host) => {
      host.updateInterrupts();
    },
  },
  {
    name: 'UARTRIS',
    offset: 0x03c,
    access: 'RO',
    about: 'interrupts before masking',
    fields: interruptFields,
    read: (host) => host.raw,
  },
  {
    name: 'UARTMIS',
    offset: 0x040,
    access: 'RO',
    about: 'interrupts after masking',
    fields: interruptFields,
    read: (host) => host.raw & (host.cells[imsc] ?? 0),
  },
  {
    name: 'UARTICR',
    offset: 0x044,
    access: 'WO',
    about: 'clears interrupts',
    fields: interruptFields,
    write: (host, value) => {
      host.clearInterrupts(value);
    },
  },
  {
    name: 'UARTDMACR',
    offset: 0x048,
    access: 'RW',
    about: 'DMA requests, kept only',
    fields: { RXDMAE: [0, 0], TXDMAE: [1, 1], DMAONERR: [2, 2] },
    reset: 0,
    mask: 7,
  },
  // Revision r1p4, whose FIFOs hold 16.
  ...identification<Host>(0xfe0, 'UARTPeriphID', [0x11, 0x10, 0x14, 0x00]),
  ...identification<Host>(0xff0, 'UARTPCellID', [0x0d, 0xf0, 0x05, 0xb1]),
];

/** The registers of a PL011. */
export const registers: RegisterTable<Host> = registerTable(rows);

const imsc = registers.cell('UARTIMSC');

/** Where the cells are. */
export const Cell: Readonly<Record<'IBRD' | 'FBRD' | 'LCR_H' | 'CR' | 'IFLS' | 'IMSC', number>> = {
  IBRD: registers.cell('UARTIBRD'),
  FBRD: registers.cell('UARTFBRD'),
  LCR_H: registers.cell('UARTLCR_H'),
  CR: registers.cell('UARTCR'),
  IFLS: registers.cell('UARTIFLS'),
  IMSC: imsc,
};
