// A driver for the board's PL011 (DDI 0183G 3.3): a queue of bytes to send that its interrupt drains, and what was typed.

import { bytes, record, uint } from '@worldswitch/platform';
import type { CpuPort, Shape } from '@worldswitch/platform';

import { readRegister, writeRegister } from './registers.ts';

const UARTDR = 0x00;
const UARTFR = 0x18;
const UARTIBRD = 0x24;
const UARTFBRD = 0x28;
const UARTLCR_H = 0x2c;
const UARTCR = 0x30;
const UARTIMSC = 0x38;
const UARTICR = 0x44;
/** Receive FIFO empty, transmit FIFO full. */
const RXFE = 1 << 4;
const TXFF = 1 << 5;
/** Interrupts: receive, receive timeout; transmit. */
const RX = (1 << 4) | (1 << 6);
const TX = 1 << 5;
/** Bytes that wait at most; more than that, and the sender is too fast for the line. */
const LONGEST = 1 << 20;

/** What is saved: bytes that wait to be sent, and how many were lost, which has not been told yet. */
export type HostSerialState = Readonly<{ waiting: Uint8Array; lost: number }>;

/** How it is checked. */
export const hostSerialShape: Shape<HostSerialState> = record<HostSerialState>({
  waiting: bytes(0, LONGEST),
  lost: uint(),
});

/** Drives the PL011 at a physical address: 8 bits, no parity, FIFOs on, as fast as its clock allows. */
export class HostSerial {
  private readonly base: number;
  private waiting: number[];
  /** Bytes that were lost, as the line was slower than the senders; told once all others are sent. */
  private lost: number;

  constructor(base: number, saved?: HostSerialState) {
    this.base = base;
    this.waiting = [...(saved?.waiting ?? [])];
    this.lost = saved?.lost ?? 0;
  }

  /** Switches it on. */
  initialise(port: CpuPort): void {
    writeRegister(port, this.base + UARTCR, 0);
    writeRegister(port, this.base + UARTIBRD, 1);
    writeRegister(port, this.base + UARTFBRD, 0);
    writeRegister(port, this.base + UARTLCR_H, 0x70);
    writeRegister(port, this.base + UARTIMSC, RX);
    // UARTEN, TXE, RXE
    writeRegister(port, this.base + UARTCR, 0x301);
  }

  private full(port: CpuPort): boolean {
    return (readRegister(port, this.base + UARTFR) & TXFF) !== 0;
  }

  /** Sends a byte, now or when there is room. */
  send(port: CpuPort, byte: number): void {
    if (this.waiting.length === 0 && !this.full(port)) {
      writeRegister(port, this.base + UARTDR, byte);
      return;
    }
    if (this.waiting.length === LONGEST) {
      this.lost++;
      return;
    }
    if (this.waiting.push(byte) === 1) writeRegister(port, this.base + UARTIMSC, RX | TX);
  }

  /** At its interrupt: sends what waits, and gives what came to `receive`, byte by byte. */
  interrupt(port: CpuPort, receive: (byte: number) => void): void {
    writeRegister(port, this.base + UARTICR, RX | TX);
    while ((readRegister(port, this.base + UARTFR) & RXFE) === 0)
      receive(readRegister(port, this.base + UARTDR) & 0xff);
    let sent = 0;
    while (sent < this.waiting.length && !this.full(port))
      writeRegister(port, this.base + UARTDR, this.waiting[sent++] ?? 0);
    if (sent === 0) return;
    this.waiting.splice(0, sent);
    if (this.waiting.length > 0) return;
    writeRegister(port, this.base + UARTIMSC, RX);
    this.tellLost(port);
  }

  private tellLost(port: CpuPort): void {
    const { lost } = this;
    if (lost === 0) return;
    this.lost = 0;
    for (const c of `\r\n(${lost} bytes were lost: the serial line is too slow)\r\n`)
      this.send(port, c.charCodeAt(0));
  }

  /** The whole state, as plain data. */
  save(): HostSerialState {
    return { waiting: Uint8Array.from(this.waiting), lost: this.lost };
  }
}
