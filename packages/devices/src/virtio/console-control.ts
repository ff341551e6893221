// How a console with several ports and its driver tell each other of them (Virtio 1.2, 5.3.6.2): what each side has said of a port, and
// which messages the device owes the driver.

import { bits, flag, list, record } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** VIRTIO_CONSOLE_DEVICE_READY and so on. */
const Event = {
  DeviceReady: 0,
  PortAdd: 1,
  PortReady: 3,
  ConsolePort: 4,
  PortOpen: 6,
  PortName: 7,
} as const;

/** Messages that a port may be owed, in the order in which they are sent: bit 0 is the first. */
const OWED = [Event.PortAdd, Event.ConsolePort, Event.PortName, Event.PortOpen] as const;
const owes = (event: (typeof OWED)[number]): number => 1 << OWED.indexOf(event);

/** Ports of one console. */
export const MOST_PORTS = 16;
/** Bytes of a message without a name: port, event, value. */
const MESSAGE = 8;

/** What a port is. */
export interface PortKind {
  /** True for one that is a terminal, the driver's `hvc`. */
  readonly console: boolean;
  /** What the driver may call it; no name when empty. */
  readonly name: string;
}

/** What is saved of a port. */
export type PortState = Readonly<{
  /** Messages that the driver has yet to get. */
  owed: number;
  /** The driver has the port open. */
  open: boolean;
}>;

/** How it is checked. */
export const portsShape: Shape<readonly PortState[]> = list(
  record<PortState>({ owed: bits(2 ** OWED.length - 1), open: flag }),
  1,
  MOST_PORTS,
);

/** The conversation. What is owed is a bit per port and message, so that a driver that keeps asking fills nothing. */
export class Control {
  private readonly kinds: readonly PortKind[];
  private ports: { owed: number; open: boolean }[];

  constructor(kinds: readonly PortKind[], state?: readonly PortState[]) {
    this.kinds = kinds;
    this.ports = kinds.map((_, i) => ({ owed: 0, open: false, ...state?.[i] }));
  }

  reset(): void {
    this.ports = this.kinds.map(() => ({ owed: 0, open: false }));
  }
  save(): readonly PortState[] {
    return this.ports.map((port) => ({ ...port }));
  }

  /** True for a port that the driver has open. */
  isOpen(port: number): boolean {
    return this.ports[port]?.open === true;
  }

  /** A message of the driver's; one that makes no sense is passed over. Gives the port that it has opened, if it has. */
  take(message: Uint8Array): number | undefined {
    if (message.length < MESSAGE) return undefined;
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const id = view.getUint32(0, true);
    const event = view.getUint16(4, true);
    const value = view.getUint16(6, true);
    if (event === Event.DeviceReady) {
      if (value === 1) for (const port of this.ports) port.owed |= owes(Event.PortAdd);
      return undefined;
    }
    const [port, kind] = [this.ports[id], this.kinds[id]];
    if (port === undefined || kind === undefined) return undefined;
    if (event === Event.PortReady && value === 1) {
      port.owed |= owes(Event.PortOpen);
      if (kind.console) port.owed |= owes(Event.ConsolePort);
      if (kind.name !== '') port.owed |= owes(Event.PortName);
    }
    if (event !== Event.PortOpen) return undefined;
    const opened = value === 1 && !port.open;
    port.open = value === 1;
    return opened ? id : undefined;
  }

  /** The next message for the driver; `sent` says that it has it. */
  next(): Uint8Array | undefined {
    const id = this.ports.findIndex((port) => port.owed !== 0);
    const first = this.first(id);
    if (first === undefined) return undefined;
    const name = first === Event.PortName ? new TextEncoder().encode(this.kinds[id]?.name) : [];
    const message = new Uint8Array(MESSAGE + name.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, id, true);
    view.setUint16(4, first, true);
    view.setUint16(6, 1, true);
    message.set(name, MESSAGE);
    return message;
  }
  /** The driver has what `next` gave. */
  sent(): void {
    const port = this.ports.find(({ owed }) => owed !== 0);
    if (port !== undefined) port.owed &= port.owed - 1;
  }

  /** The first message that a port is owed. */
  private first(id: number): number | undefined {
    const owed = this.ports[id]?.owed ?? 0;
    return OWED.find((event) => (owed & owes(event)) !== 0);
  }
}
