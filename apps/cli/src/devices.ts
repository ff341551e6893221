// Devices that options add to the board, in the slots of QEMU's `virt`: 32 virtio-mmio windows, filled from the highest down.

import { overlay, userNetwork } from '@worldswitch/devices';
import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { fileDisk } from '@worldswitch/devices/node';
import type { FileDisk } from '@worldswitch/devices/node';
import type { DeviceConfig } from '@worldswitch/machine';

import { CliError } from './errors.ts';
import type { DriveOption } from './options/drive.ts';
import type { NetworkOption } from './options/network.ts';
import { CableOutside, UserOutside } from './outside.ts';
import type { Outside } from './outside.ts';

const FIRST_SLOT = 0x0a00_0000;
const SLOT_SIZE = 0x200;
const FIRST_SPI = 16;
const SLOTS = 32;

/** Devices in slots, in the order in which the guest finds them, and what is behind them. */
export class Slots {
  readonly devices: DeviceConfig[] = [];
  /** Disks by the names of their devices. */
  readonly disks: Record<string, DiskBackend> = {};
  /** Ends of cables by the names of the cards. */
  readonly networks: Record<string, NetworkPeerFactory> = {};
  /** Ways out of networks. */
  readonly outside: Outside[] = [];
  /** Files that must be closed. */
  readonly opened: FileDisk[] = [];
  private readonly known: readonly DeviceConfig[];
  private cards = 0;

  /** @param known - the devices that the board has already */
  constructor(known: readonly DeviceConfig[]) {
    this.known = known;
  }

  private add(name: string, type: string, config?: DeviceConfig['config']): void {
    const taken = (at: number): boolean => this.known.some((d) => Number(d.at) === at);
    let slot = SLOTS - 1 - this.devices.length;
    while (slot >= 0 && taken(FIRST_SLOT + SLOT_SIZE * slot)) slot--;
    if (slot < 0) throw new CliError(`there is room for ${SLOTS} virtio devices, and these are more`);
    const at = FIRST_SLOT + SLOT_SIZE * slot;
    this.devices.push({ name, type, at, interrupts: { irq: FIRST_SPI + slot }, ...(config && { config }) });
  }

  /** A disk: /dev/vda, /dev/vdb ... Throws a `CliError` where its file is none. */
  disk(drive: DriveOption): void {
    let file: FileDisk;
    try {
      file = fileDisk(drive.file, { readOnly: drive.readonly || drive.snapshot });
    } catch (thrown) {
      for (const other of this.opened) other.close();
      throw new CliError(`--drive ${(thrown as Error).message}`);
    }
    this.opened.push(file);
    const { id = `disk${this.opened.length - 1}` } = drive;
    if (id in this.disks) throw new CliError(`--drive ${drive.file}: id ${id} is taken by another drive`);
    this.disks[id] = drive.snapshot ? overlay(file, drive.readonly) : file;
    // A board of the user's own may have the device already, and lack the disk alone.
    if (!this.known.some((d) => d.name === id)) this.add(id, 'virtio-blk', { serial: id.slice(0, 20) });
  }

  /** A network card: eth0, eth1 ...; `connect` makes what is at the end of its cable from its name. */
  network({ mac }: NetworkOption, connect: (name: string) => NetworkPeerFactory): void {
    const i = this.cards++;
    const name = `net${i}`;
    const last = (0x56 + i).toString(16);
    this.networks[name] = connect(name);
    this.add(name, 'virtio-net', { mac: mac ?? `52:54:00:12:34:${last}` });
  }

  /** A network card with a user-mode network and its way out, or with a cable to another process. */
  otherNetwork(card: NetworkOption): void {
    const { outside: outgoing = false, forwards = [], cable } = card;
    this.network(card, (name) => {
      if (cable === undefined && !outgoing && forwards.length === 0) return userNetwork();
      const outside =
        cable === undefined ? new UserOutside(name, outgoing, forwards) : new CableOutside(name, cable);
      this.outside.push(outside);
      return outside.peer;
    });
  }

  /** The console hvc0. */
  console(name: string): void {
    this.add(name, 'virtio-console');
  }

  /** The entropy device; its bytes follow from the machine's seed. */
  entropy(): void {
    this.add('rng', 'virtio-rng');
  }
}
