// The board's disks and network card in the hypervisor's hands: back ends of the VMs' emulated ones.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import type { CheckedConfig, CheckedDevice } from '@worldswitch/machine';
import { deviceKinds } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';
import type { CpuPort } from '@worldswitch/platform';
import { HostDisk, HostNic, macOf, NetworkSwitch } from '@worldswitch/vmm';
import type {
  CheckedVm,
  Current,
  HostDiskState,
  HostNicState,
  PageAllocator,
  PhysicalMemory,
  SwitchState,
} from '@worldswitch/vmm';

import type { HypervisorSetup } from './setup.ts';

/** What is saved. */
export interface HostDevicesState {
  readonly disks: Readonly<Record<string, HostDiskState>>;
  readonly nic: HostNicState | null;
  readonly network: SwitchState;
}

/** What drivers are made with. */
export interface DriverParts {
  readonly current: Current;
  readonly memory: PhysicalMemory;
  readonly pages: PageAllocator;
}

/** The first network card of a board. */
const nicOf = ({ devices }: CheckedConfig): CheckedDevice | undefined =>
  devices.find(({ kind }) => kind === deviceKinds['virtio-net']);

/** The address of a card, as six bytes. */
const addressOf = (card: CheckedDevice): Uint8Array =>
  Uint8Array.from(macOf(card).split(':'), (byte) => parseInt(byte, 16));

/** The host's disks that VMs have, by name, each with its address. */
export function diskBases({ host, vms }: HypervisorSetup): ReadonlyMap<string, number> {
  const names = vms.flatMap(({ vm }) => Object.values(vm.disks));
  return new Map(
    names.map((name) => [name, host.devices.find((device) => device.name === name)?.bases[0] ?? 0]),
  );
}

/** The board's devices that VMs share. */
export class HostDevices {
  private readonly disks: ReadonlyMap<string, HostDisk>;
  private readonly nic: HostNic | undefined;
  private readonly network: NetworkSwitch;
  private readonly nicInterrupt: number;
  private readonly uplink: number;

  /**
   * Starts the devices, or takes them over as they were saved.
   *
   * @param port - of the entry; none is needed with a state
   */
  constructor(
    port: CpuPort | undefined,
    setup: HypervisorSetup,
    parts: DriverParts,
    state?: HostDevicesState,
  ) {
    const { current, memory, pages } = parts;
    const start = (): CpuPort => {
      if (port === undefined) throw new Error('devices are started in an entry');
      return port;
    };
    this.disks = new Map(
      [...diskBases(setup)].map(([name, base]) => {
        const saved = state?.disks[name];
        return [
          name,
          saved
            ? new HostDisk(current, memory, base, saved)
            : HostDisk.start(start(), current, memory, pages, base),
        ];
      }),
    );
    this.network = new NetworkSwitch(state?.network);
    const card = nicOf(setup.host);
    const [base] = card?.bases ?? [];
    this.nicInterrupt = (card?.interrupts['irq'] ?? -33) + 32;
    if (base !== undefined) {
      if (state?.nic === null) throw new StateError('devices.nic', 'must be there, as the board has a card');
      const nic = state?.nic
        ? new HostNic(current, memory, base, state.nic)
        : HostNic.start(start(), current, memory, pages, base);
      this.nic = nic;
    }
    this.uplink = this.network.connect({ send: (frame) => this.nic?.send(frame) });
  }

  /** The back ends of a VM's disks, by the names that they have there. */
  disksOf(vm: CheckedVm): Readonly<Record<string, DiskBackend>> {
    return Object.fromEntries(
      Object.entries(vm.disks).flatMap(([name, behind]) => {
        const disk = this.disks.get(behind);
        return disk === undefined ? [] : [[name, disk]];
      }),
    );
  }

  /** What a VM's network cards are plugged into, by their names: the switch. */
  networksOf({ board }: CheckedVm): Readonly<Record<string, NetworkPeerFactory>> {
    return Object.fromEntries(
      board.devices
        .filter(({ kind }) => kind === deviceKinds['virtio-net'])
        .map((card) => [card.name, this.network.socket(addressOf(card))]),
    );
  }

  /** The shared interrupts that must be enabled. */
  get interrupts(): readonly number[] {
    return this.nic === undefined ? [] : [this.nicInterrupt];
  }

  /** A shared interrupt: true where it was one of these devices'. */
  interrupt(port: CpuPort, interrupt: number): boolean {
    if (this.nic === undefined || interrupt !== this.nicInterrupt) return false;
    this.nic.interrupt(port, (frame) => {
      this.network.forward(this.uplink, frame);
    });
    return true;
  }

  /** As plain data. */
  save(): HostDevicesState {
    return {
      disks: Object.fromEntries([...this.disks].map(([name, disk]) => [name, disk.saveDriver()])),
      nic: this.nic?.save() ?? null,
      network: this.network.save(),
    };
  }
}
