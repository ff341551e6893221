// The devices of one VM: the very models of a board, on the VM's bus, with its clock, its memory and its interrupt controller.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import { buildDevices, Wire } from '@worldswitch/machine';
import type { BoardDevice } from '@worldswitch/machine';
import type { Dma, InterruptLine, Ipa, Plain } from '@worldswitch/platform';
import type { CheckedVm, VmBus, VmClock } from '@worldswitch/vmm';

/** What they are connected to. */
export interface VmDeviceParts {
  readonly board: CheckedVm['board'];
  readonly bus: VmBus;
  readonly clock: VmClock;
  readonly dma: Dma;
  /** A shared interrupt of the VM's interrupt controller. */
  spi(n: number): InterruptLine;
  /** A byte that a serial port has sent. */
  output(device: string, byte: number): void;
  /** What is behind disks and network cards, by their names. */
  readonly disks: Readonly<Record<string, DiskBackend>>;
  readonly networks: Readonly<Record<string, NetworkPeerFactory>>;
}

/** A VM, as its devices see it. */
export interface VmWithDevices extends Pick<VmDeviceParts, 'bus' | 'clock' | 'dma'> {
  readonly checked: Pick<CheckedVm, 'board'>;
  readonly number: number;
  readonly gic: Pick<VmDeviceParts, 'spi'>;
}

/** What is saved of them. */
export type VmDevicesState = Readonly<{
  devices: Readonly<Record<string, Plain>>;
  wires: Readonly<Record<string, boolean>>;
}>;

/** The devices of one VM. */
export class VmDevices {
  readonly all: readonly BoardDevice[];
  private readonly wires = new Map<string, Wire>();

  constructor(parts: VmDeviceParts, state?: VmDevicesState) {
    const { board, bus, clock, dma, disks, networks } = parts;
    this.all = buildDevices(board.devices, {
      config: board,
      map: (region, mmio) => {
        bus.map({ ...region, base: region.base as number as Ipa }, mmio);
      },
      spi: (n) => parts.spi(n),
      clock,
      dma,
      wire: (name, drive) => this.wire(name, drive, state),
      output: (device, byte) => {
        parts.output(device, byte);
      },
      disks,
      networks,
      states: state?.devices,
    });
  }

  /** Those of a VM, on what it has for them. */
  static of(
    vm: VmWithDevices,
    parts: Pick<VmDeviceParts, 'disks' | 'networks'> & {
      output(vm: number, device: string, byte: number): void;
    },
    state: VmDevicesState | undefined,
  ): VmDevices {
    const { bus, clock, dma, gic, number } = vm;
    const { disks, networks } = parts;
    return new VmDevices(
      {
        ...{ board: vm.checked.board, bus, clock, dma, disks, networks },
        spi: (n) => gic.spi(n),
        output: (device, byte) => {
          parts.output(number, device, byte);
        },
      },
      state,
    );
  }

  private wire(
    name: string,
    drive: (level: boolean) => void,
    state: VmDevicesState | undefined,
  ): InterruptLine {
    const known = this.wires.get(name);
    if (known) return known;
    const made = new Wire(drive, state?.wires[name] ?? false);
    this.wires.set(name, made);
    return made;
  }

  /** Bytes that a serial port would take now, and how many it took. */
  type(device: string, bytes: Uint8Array): number {
    const found = this.all.find(({ name }) => name === device)?.device;
    if (found === undefined || !('receive' in found)) return 0;
    return (found as unknown as { receive(bytes: Uint8Array): number }).receive(bytes);
  }

  /** As plain data. */
  save(): VmDevicesState {
    return {
      devices: Object.fromEntries(this.all.map(({ name, device }) => [name, device.save()])),
      // Those that are high: a wire is made when a device first drives it.
      wires: Object.fromEntries(
        [...this.wires]
          .filter(([, { level }]) => level)
          .map(([name]) => [name, true] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    };
  }
}
