// PL011: a serial port with two FIFOs, eleven interrupts on one wire, and a character back end (DDI 0183).

import { Reset, savedDeadline } from '@worldswitch/platform';
import type { Device, DeviceType, Placement, Timer, TreeNode, Wiring } from '@worldswitch/platform';

import type { CharacterBackend, CharacterSink } from '../backend.ts';
import { bitTime, dataMask, depth, frameTime, receiveLevel, transmitLevel } from './frame.ts';
import { Cell, Control, Flag, Interrupt, ReceiveError, registers } from './registers.ts';
import type { Host } from './registers.ts';
import { pl011Codec } from './state.ts';
import type { Pl011State } from './state.ts';

/** A PL011's configuration. */
export interface Pl011Config {
  /** Where transmitted characters go. Nowhere when absent. */
  readonly backend?: CharacterBackend;
  /**
   * `instant`, the default: a character is through at once, whatever UARTCR and the frame say, as guests made for QEMU expect.
   * `line`: transmission must be enabled, takes the time of its frame, and sends as many bits as UARTLCR_H says.
   */
  readonly timing?: 'instant' | 'line';
  /** UARTCLK in hertz; 24 MHz when absent. */
  readonly clock?: number;
}

/** Modem inputs. */
export interface ModemInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
  readonly ri: boolean;
}

/** A PL011. */
export interface Pl011 extends Device<Pl011State>, CharacterSink {
  /**
   * A character from the line as it is, ready or not: one that finds the FIFO full is lost as an overrun.
   *
   * @param frame - the data in bits 7:0; framing, parity and break error in bits 8, 9 and 10
   */
  receiveFrame(frame: number): void;
  /** Sets the modem inputs; all are inactive at first. */
  setModem(inputs: ModemInputs): void;
}

/** A PL011's type: what its devices have besides what all devices have. */
export interface Pl011Type extends DeviceType<Pl011Config, Pl011State, 'irq'> {
  /** Makes one. */
  create(config: Pl011Config, wiring: Wiring<'irq'>, state?: Pl011State): Pl011;
}

const defaultClock = 24_000_000;

/** Arm's PrimeCell UART, revision r1p4. */
export const pl011: Pl011Type = {
  compatible: 'arm,pl011',
  regions: [{ name: 'UART', size: 0x1000, widths: [1, 2, 4], registers: registers.registers }],
  pins: ['irq'],
  state: pl011Codec,
  create: (config, wiring, state) => new Uart(config, wiring, state),
  treeNode,
};

/** The node as Linux's binding has it, `pl011.yaml`. */
function treeNode(config: Pl011Config, at: Placement<'irq'>): TreeNode {
  const base = at.bases[0] ?? 0;
  const clock = { ref: at.fixedClock(config.clock ?? defaultClock) };
  return {
    name: `pl011@${base.toString(16)}`,
    properties: {
      compatible: ['arm,pl011', 'arm,primecell'],
      reg: [{ u64: base }, { u64: 0x1000 }],
      interrupts: at.interrupt('irq'),
      clocks: [clock, clock],
      'clock-names': ['uartclk', 'apb_pclk'],
    },
  };
}

/** The device; a class, as its parts share a dozen fields. */
class Uart implements Pl011, Host {
  readonly mmio: Pl011['mmio'];
  readonly cells: Uint32Array = registers.powerUp();
  receiveStatus = 0;
  raw = 0;
  private readonly clock: number;
  private readonly instant: boolean;
  private readonly backend: CharacterBackend | undefined;
  private readonly wiring: Wiring<'irq'>;
  private readonly receiveTimer: Timer;
  private readonly transmitTimer: Timer;
  private receiveFifo: number[] = [];
  private transmitFifo: number[] = [];
  private shifting: number | null = null;
  private overrun = false;
  private modem = 0;
  private modemSeen = 0;
  /** UARTLCR_H as last written, to see FEN change. */
  private lineControl = 0;

  constructor(config: Pl011Config, wiring: Wiring<'irq'>, state?: Pl011State) {
    const { clock = defaultClock, timing = 'instant' } = config;
    if (!Number.isInteger(clock) || clock < 1 || clock > 1_000_000_000) {
      throw new RangeError(`pl011: clock must be 1 to 10^9 Hz, but is ${clock}`);
    }
    this.clock = clock;
    this.instant = timing === 'instant';
    this.backend = config.backend;
    this.wiring = wiring;
    this.receiveTimer = wiring.clock.timer(() => {
      this.timeOut();
    });
    this.transmitTimer = wiring.clock.timer(() => {
      this.frameIsThrough();
    });
    this.mmio = [registers.mmio(this, this.cells, wiring.trace)];
    if (state !== undefined) this.restore(state);
  }

  // --- receiving

  private is(bit: number): boolean {
    return ((this.cells[Cell.CR] ?? 0) & bit) !== 0;
  }

  private get receives(): boolean {
    return this.is(Control.UARTEN) && this.is(Control.RXE);
  }

  canReceive(): number {
    if (!this.receives || this.is(Control.LBE)) return 0;
    // With RTS flow control the other end stops at the receive level.
    const most = this.is(Control.RTSEn) ? receiveLevel(this.cells) : depth(this.cells);
    return Math.max(0, most - this.receiveFifo.length);
  }

  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.canReceive());
    for (let i = 0; i < taken; i++) this.push(bytes[i] ?? 0);
    if (taken > 0) this.updateInterrupts();
    return taken;
  }

  receiveFrame(frame: number): void {
    if (!this.receives || this.is(Control.LBE)) return;
    this.push(frame & 0x7ff);
    this.updateInterrupts();
  }

  /** Puts a character into the receive FIFO. */
  private push(frame: number): void {
    if (frame & ReceiveError.FE) this.raw |= Interrupt.FE;
    if (frame & ReceiveError.PE) this.raw |= Interrupt.PE;
    if (frame & ReceiveError.BE) this.raw |= Interrupt.BE;
    if (this.receiveFifo.length >= depth(this.cells)) {
      this.overrun = true;
      this.receiveStatus |= ReceiveError.OE >>> 8;
      this.raw |= Interrupt.OE;
      return;
    }
    this.overrun = false;
    this.receiveFifo.push(frame);
    this.receiveLevelChanged();
    this.startTimeOut();
  }

  readData(): number {
    const couldReceive = this.canReceive() > 0;
    const frame = this.receiveFifo.shift();
    const lost = this.overrun ? ReceiveError.OE : 0;
    if (frame === undefined) return lost;
    this.receiveStatus = (this.receiveStatus & (ReceiveError.OE >>> 8)) | (frame >>> 8);
    this.receiveLevelChanged();
    if (this.receiveFifo.length === 0) {
      this.raw &= ~Interrupt.RT;
      this.receiveTimer.cancel();
    }
    this.updateInterrupts();
    if (!couldReceive && this.canReceive() > 0) this.backend?.ready?.();
    return frame | lost;
  }

  private receiveLevelChanged(): void {
    if (this.receiveFifo.length >= receiveLevel(this.cells)) this.raw |= Interrupt.RX;
    else this.raw &= ~Interrupt.RX;
  }

  /** The receive time-out interrupts after 32 bits' time with no further character (DDI 0183 3.4). */
  private startTimeOut(): void {
    this.receiveTimer.armAt(this.wiring.clock.now + 32 * bitTime(this.cells, this.clock));
  }

  private timeOut(): void {
    if (this.receiveFifo.length > 0) this.raw |= Interrupt.RT;
    this.updateInterrupts();
  }

  // --- transmitting

  writeData(byte: number): void {
    // A character that finds the FIFO full is lost (DDI 0183 3.3.1).
    if (this.transmitFifo.length < depth(this.cells)) this.transmitFifo.push(byte);
    if (this.transmitFifo.length > transmitLevel(this.cells)) this.raw &= ~Interrupt.TX;
    this.transmit();
    this.updateInterrupts();
  }

  private get transmits(): boolean {
    if (this.is(Control.CTSEn) && (this.modemSeen & Flag.CTS) === 0) return false;
    return this.instant || (this.is(Control.UARTEN) && this.is(Control.TXE));
  }

  /** Moves characters on, as far as they may. */
  private transmit(): void {
    while (this.transmitFifo.length > 0 && this.shifting === null && this.transmits) {
      const byte = this.transmitFifo.shift() ?? 0;
      if (this.instant) {
        this.raw |= Interrupt.TX;
        this.emit(byte);
        continue;
      }
      // The interrupt comes of the transition to the level, and not of the level (DDI 0183 3.4).
      if (this.transmitFifo.length === transmitLevel(this.cells)) this.raw |= Interrupt.TX;
      this.shifting = byte;
      this.transmitTimer.armAt(this.wiring.clock.now + frameTime(this.cells, this.clock));
    }
  }

  private frameIsThrough(): void {
    const byte = this.shifting;
    this.shifting = null;
    if (byte !== null) this.emit(byte & dataMask(this.cells));
    this.transmit();
    this.updateInterrupts();
  }

  private emit(byte: number): void {
    if (!this.is(Control.LBE)) this.backend?.write(byte);
    else if (this.receives) this.push(byte);
  }

  // --- lines and registers

  setModem({ cts, dsr, dcd, ri }: ModemInputs): void {
    this.modem = (cts ? Flag.CTS : 0) | (dsr ? Flag.DSR : 0) | (dcd ? Flag.DCD : 0) | (ri ? Flag.RI : 0);
    this.modemChanged();
    this.transmit();
    this.updateInterrupts();
  }

  /** The modem inputs; in loopback the outputs: RTS, DTR, Out1 and Out2 (DDI 0183 2.4.6). */
  private modemChanged(): void {
    const looped =
      (this.is(Control.RTS) ? Flag.CTS : 0) |
      (this.is(Control.DTR) ? Flag.DSR : 0) |
      (this.is(Control.Out1) ? Flag.DCD : 0) |
      (this.is(Control.Out2) ? Flag.RI : 0);
    const seen = this.is(Control.LBE) ? looped : this.modem;
    const changed = seen ^ this.modemSeen;
    this.modemSeen = seen;
    if (changed & Flag.CTS) this.raw |= Interrupt.CTS;
    if (changed & Flag.DSR) this.raw |= Interrupt.DSR;
    if (changed & Flag.DCD) this.raw |= Interrupt.DCD;
    if (changed & Flag.RI) this.raw |= Interrupt.RI;
  }

  readFlags(): number {
    const received = this.receiveFifo.length;
    const waiting = this.transmitFifo.length;
    return (
      this.modemSeen |
      (this.shifting !== null || waiting > 0 ? Flag.BUSY : 0) |
      (received === 0 ? Flag.RXFE : 0) |
      (received >= depth(this.cells) ? Flag.RXFF : 0) |
      (waiting === 0 ? Flag.TXFE : 0) |
      (waiting >= depth(this.cells) ? Flag.TXFF : 0)
    );
  }

  lineControlWritten(): void {
    const control = this.cells[Cell.LCR_H] ?? 0;
    if ((control ^ this.lineControl) & 0x10) {
      this.receiveFifo = [];
      this.transmitFifo = [];
      this.raw &= ~Interrupt.RT;
      this.receiveTimer.cancel();
    }
    this.lineControl = control;
    this.controlWritten();
  }

  controlWritten(): void {
    this.modemChanged();
    this.receiveLevelChanged();
    this.transmit();
    this.updateInterrupts();
    if (this.canReceive() > 0) this.backend?.ready?.();
  }

  clearInterrupts(which: number): void {
    this.raw &= ~which;
    // What is still in the FIFO is announced again, or a driver that clears before it reads would never see it.
    if (which & Interrupt.RT && this.receiveFifo.length > 0) this.startTimeOut();
    this.updateInterrupts();
  }

  updateInterrupts(): void {
    this.wiring.line('irq').set((this.raw & (this.cells[Cell.IMSC] ?? 0)) !== 0);
  }

  // --- reset and state

  reset(phase: Reset): void {
    if (phase === Reset.Enter) {
      registers.reset(this.cells);
      this.receiveFifo = [];
      this.transmitFifo = [];
      this.shifting = null;
      this.overrun = false;
      this.receiveStatus = this.raw = this.lineControl = 0;
      this.modemSeen = this.modem;
      this.receiveTimer.cancel();
      this.transmitTimer.cancel();
    }
    if (phase === Reset.Hold) this.updateInterrupts();
  }

  save(): Pl011State {
    return {
      registers: registers.save(this.cells),
      receiveFifo: [...this.receiveFifo],
      transmitFifo: [...this.transmitFifo],
      shifting: this.shifting,
      receiveStatus: this.receiveStatus,
      overrun: this.overrun,
      raw: this.raw,
      modem: this.modem,
      modemSeen: this.modemSeen,
      receiveDeadline: savedDeadline(this.receiveTimer.deadline),
      transmitDeadline: savedDeadline(this.transmitTimer.deadline),
    };
  }

  private restore(state: Pl011State): void {
    registers.restore(this.cells, state.registers);
    this.receiveFifo = [...state.receiveFifo];
    this.transmitFifo = [...state.transmitFifo];
    this.shifting = state.shifting;
    this.receiveStatus = state.receiveStatus;
    this.overrun = state.overrun;
    this.raw = state.raw;
    this.modem = state.modem;
    this.modemSeen = state.modemSeen;
    this.lineControl = this.cells[Cell.LCR_H] ?? 0;
    this.updateInterrupts();
    if (state.receiveDeadline !== null) this.receiveTimer.armAt(state.receiveDeadline);
    if (state.transmitDeadline !== null) this.transmitTimer.armAt(state.transmitDeadline);
  }
}
