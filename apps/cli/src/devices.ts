// Devices that options add to the board, in the slots of QEMU's `virt`: 32 virtio-mmio windows, filled from the highest down.

import { overlay, virtioBlk, virtioConsole, virtioNet, virtioRng } from '@worldswitch/devices';
import type { NetworkPeerFactory } from '@worldswitch/devices';
import { fileDisk } from '@worldswitch/devices/node';
import type { FileDisk } from '@worldswitch/devices/node';
import type { AnyDeviceType, DeviceConfig, DeviceHost, DeviceKind } from '@worldswitch/machine';

import { CliError } from './errors.ts';
import type { DriveOption } from './options/drive.ts';
import type { NetworkOption } from './options/network.ts';

const FIRST_SLOT = 0x0a00_0000;
const SLOT_SIZE = 0x200;
const FIRST_SPI = 16;
const SLOTS = 32;

/** What was opened for devices, and must be closed. */
export interface Opened {
  close(): void;
}

/** Devices in slots, in the order in which the guest finds them. */
export class Slots {
  readonly devices: DeviceConfig[] = [];
  readonly opened: Opened[] = [];
  private counts = { disk: 0, net: 0 };

  private add(name: string, type: AnyDeviceType, configure: DeviceKind['configure']): void {
    const slot = SLOTS - 1 - this.devices.length;
    if (slot < 0) throw new CliError(`there is room for ${SLOTS} virtio devices, and these are more`);
    this.devices.push({
      name,
      type: { type, configure },
      at: FIRST_SLOT + SLOT_SIZE * slot,
      interrupts: { irq: FIRST_SPI + slot },
    });
  }

  /** A disk: /dev/vda, /dev/vdb ... Throws a `CliError` where its file is none. */
  disk(drive: DriveOption): void {
    let file: FileDisk;
    try {
      file = fileDisk(drive.file, { readOnly: drive.readonly || drive.snapshot });
    } catch (thrown) {
      throw new CliError(`--drive ${(thrown as Error).message}`);
    }
    this.opened.push(file);
    const disk = drive.snapshot ? overlay(file, drive.readonly) : file;
    const name = `disk${this.counts.disk++}`;
    this.add(name, virtioBlk as AnyDeviceType, () => ({ disk, serial: name }));
  }

  /** A network card: eth0, eth1 ... */
  network({ mac }: NetworkOption, peer: NetworkPeerFactory): void {
    const i = this.counts.net++;
    const bytes =
      mac === undefined
        ? Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56 + i)
        : Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
    this.add(`net${i}`, virtioNet as AnyDeviceType, () => ({ mac: bytes, peer }));
  }

  /** The console hvc0. */
  console(name: string): void {
    this.add(name, virtioConsole as AnyDeviceType, (_given, host: DeviceHost) => ({ backend: host.console }));
  }

  /** The entropy device. */
  entropy(seed: number): void {
    const bytes = new Uint8Array(32);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(seed), true);
    this.add('rng', virtioRng as AnyDeviceType, () => ({ seed: bytes }));
  }
}
