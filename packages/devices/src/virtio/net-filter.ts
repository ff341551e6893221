// Which frames a card takes, and the control queue's commands that say so (Virtio 1.2, 5.1.6.5).

import { bytes, flag, list, record } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** The filter in a saved state. */
export type FilterState = Readonly<{
  mac: Uint8Array;
  promiscuous: boolean;
  allMulticast: boolean;
  allUnicast: boolean;
  noMulticast: boolean;
  noUnicast: boolean;
  noBroadcast: boolean;
  unicast: readonly Uint8Array[];
  multicast: readonly Uint8Array[];
}>;

const MAC = 6;
/** Addresses of one table, beyond which everything of its kind is taken. */
const TABLE = 64;

const addresses = list(bytes(MAC), 0, TABLE);
/** How it is checked. */
export const filterShape: Shape<FilterState> = record<FilterState>({
  mac: bytes(MAC),
  promiscuous: flag,
  allMulticast: flag,
  allUnicast: flag,
  noMulticast: flag,
  noUnicast: flag,
  noBroadcast: flag,
  unicast: addresses,
  multicast: addresses,
});

/** VIRTIO_NET_CTRL_RX's commands by number: which switch each sets. */
const SWITCHES = [
  'promiscuous',
  'allMulticast',
  'allUnicast',
  'noMulticast',
  'noUnicast',
  'noBroadcast',
] as const;
const Class = { Rx: 0, Mac: 1 } as const;
const MacCommand = { TableSet: 0, AddressSet: 1 } as const;

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** A card's filter. */
export class ControlFilter {
  mac: Uint8Array;
  private promiscuous = true;
  private allMulticast = false;
  private allUnicast = false;
  private noMulticast = false;
  private noUnicast = false;
  private noBroadcast = false;
  private unicast: readonly Uint8Array[] = [];
  private multicast: readonly Uint8Array[] = [];

  constructor(mac: Uint8Array, state?: FilterState) {
    this.mac = mac.slice();
    if (state !== undefined) Object.assign(this, state);
  }

  /** As after power-on: a driver that sets no filter gets everything. */
  reset(mac: Uint8Array): void {
    this.mac = mac.slice();
    this.promiscuous = true;
    this.allMulticast = this.allUnicast = false;
    this.noMulticast = this.noUnicast = this.noBroadcast = false;
    this.unicast = this.multicast = [];
  }
  save(): FilterState {
    const { mac, promiscuous, allMulticast, allUnicast, noMulticast, noUnicast, noBroadcast } = this;
    return {
      mac: mac.slice(),
      promiscuous,
      allMulticast,
      allUnicast,
      noMulticast,
      noUnicast,
      noBroadcast,
      unicast: this.unicast.map((a) => a.slice()),
      multicast: this.multicast.map((a) => a.slice()),
    };
  }

  /** True for a frame that the driver wants. */
  accepts(frame: Uint8Array): boolean {
    const to = frame.subarray(0, MAC);
    if (this.promiscuous) return true;
    if (to.every((byte) => byte === 0xff)) return !this.noBroadcast;
    if (((to[0] ?? 0) & 1) !== 0)
      return !this.noMulticast && (this.allMulticast || this.multicast.some((a) => equal(a, to)));
    if (this.noUnicast) return false;
    return this.allUnicast || equal(this.mac, to) || this.unicast.some((a) => equal(a, to));
  }

  /** One command: class, number, data. False for one that is not known or malformed. */
  command(bytesOf: Uint8Array): boolean {
    const [group, number] = bytesOf;
    const data = bytesOf.subarray(2);
    if (group === Class.Rx) {
      const name = SWITCHES[number ?? SWITCHES.length];
      if (name === undefined || data.length !== 1) return false;
      this[name] = data[0] !== 0;
      return true;
    }
    if (group !== Class.Mac) return false;
    if (number === MacCommand.AddressSet) {
      if (data.length !== MAC) return false;
      this.mac = data.slice();
      return true;
    }
    return number === MacCommand.TableSet && this.setTables(data);
  }

  /** Two tables, each a 32-bit count and its addresses. */
  private setTables(data: Uint8Array): boolean {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const tables: Uint8Array[][] = [];
    let at = 0;
    for (let i = 0; i < 2; i++) {
      if (at + 4 > data.length) return false;
      const count = view.getUint32(at, true);
      at += 4;
      if (count > (data.length - at) / MAC) return false;
      tables.push(Array.from({ length: count }, (_, n) => data.slice(at + n * MAC, at + (n + 1) * MAC)));
      at += count * MAC;
    }
    if (at !== data.length) return false;
    const [unicast = [], multicast = []] = tables;
    this.allUnicast = unicast.length > TABLE;
    this.allMulticast = multicast.length > TABLE;
    this.unicast = unicast.slice(0, TABLE);
    this.multicast = multicast.slice(0, TABLE);
    return true;
  }
}
