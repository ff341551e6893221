// One VM under trap-and-emulate: its memory, its interrupt controller, emulated whole, its devices with their clock, its vCPUs.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import type { CpuPort, Dma, Ipa, Pa } from '@worldswitch/platform';
import { GuestDma, systemRegister, VirtualId, VmBus, VmClock } from '@worldswitch/vmm';
import type {
  CheckedVm,
  Current,
  HostGic,
  HostTimer,
  PhysicalMemory,
  ShadowState,
  VirtualIdState,
  VmClockState,
} from '@worldswitch/vmm';

import { MONITORS } from '../host/host-gic.ts';
import type { VmSetup } from '../host/setup.ts';
import { VmDevices } from '../host/vm-devices.ts';
import type { VmDevicesState } from '../host/vm-devices.ts';
import { guestGic } from './guest-gic.ts';
import type { GuestGic, GuestGicState } from './guest-gic.ts';
import { Mmio } from './mmio.ts';
import type { ShadowMemory } from './shadow-memory.ts';
import { GuestTimers } from './timers.ts';
import type { GuestTimersState } from './timers.ts';
import { VirtualCpu } from './virtual-cpu.ts';
import type { VirtualCpuState } from './virtual-cpu.ts';

const CNTFRQ_EL0 = systemRegister('CNTFRQ_EL0');

/** What a VM is made with. */
export interface VmParts {
  readonly current: Current;
  readonly memory: PhysicalMemory;
  readonly timer: HostTimer;
  /** Frequency of the system counter in hertz. */
  readonly frequency: number;
  readonly gic: HostGic;
  /** What is behind its disks and network cards, by their names. */
  readonly disks: Readonly<Record<string, DiskBackend>>;
  readonly networks: Readonly<Record<string, NetworkPeerFactory>>;
  /** Its translation. */
  readonly translation: ShadowMemory;
  /** A byte that one of its serial ports has sent. */
  output(vm: number, device: string, byte: number): void;
  /** One of its vCPUs, by its number among all, has an interrupt now. */
  kick(id: number): void;
}

/** What is saved. */
export type VmState = VmDevicesState &
  Readonly<{
    shadow: ShadowState;
    clock: VmClockState;
    id: VirtualIdState;
    gic: GuestGicState;
    vcpus: readonly VirtualCpuState[];
    timers: readonly GuestTimersState[];
  }>;

/** A vCPU's interrupt pins. */
export interface InterruptPins {
  /** As in ISR_EL1: bit 7 is IRQ, bit 6 FIQ. */
  status(vcpu: number): number;
}

/** A virtual machine. */
export class VirtualMachine {
  readonly number: number;
  readonly setup: VmSetup;
  readonly checked: CheckedVm;
  readonly clock: VmClock;
  readonly id: VirtualId;
  readonly gic: GuestGic;
  readonly interrupts: InterruptPins;
  readonly bus: VmBus = new VmBus();
  readonly memory: ShadowMemory;
  readonly mmio: Mmio;
  readonly devices: VmDevices;
  readonly vcpus: readonly VirtualCpu[];
  readonly dma: Dma;
  private readonly own: readonly GuestTimers[];

  /**
   * Makes a VM: in an entry at power-on, or from a saved state.
   *
   * @param port - of the entry; none is needed with a state
   * @param first - the number of its first vCPU among all
   */
  constructor(
    port: CpuPort | undefined,
    number: number,
    first: number,
    setup: VmSetup,
    parts: VmParts,
    state?: VmState,
  ) {
    const { timer, frequency, current } = parts;
    const { board } = setup.vm;
    this.number = number;
    this.setup = setup;
    this.checked = setup.vm;
    this.memory = parts.translation;
    this.clock = new VmClock(timer, frequency, state?.clock);
    if (state) this.id = VirtualId.restored(state.id);
    else {
      if (port === undefined) throw new Error('a VM is made in an entry');
      this.id = VirtualId.ofHost(port, { gic: board.gic.version, monitors: true });
    }
    const attention = (vcpu: number): void => {
      parts.kick(first + vcpu);
    };
    this.gic = guestGic(setup, { current, host: parts.gic, attention }, state?.gic);
    this.interrupts = { status: (vcpu) => this.gic.lines(vcpu) };
    this.gic.blocks.forEach(({ name, size, widths, mmio }, i) => {
      this.bus.map({ name, base: (board.gic.bases[i] ?? 0) as Ipa, size, widths }, mmio);
    });
    this.vcpus = Array.from(
      { length: board.cpus },
      (_, i) => new VirtualCpu(first + i, number, i, state?.vcpus[i]),
    );
    this.vcpus.forEach((vcpu, i) => {
      vcpu.monitors.connect(this.gic.ppi(i, MONITORS - 16));
    });
    // Firmware has written it (DDI 0487 D11.1.1).
    if (state === undefined) for (const vcpu of this.vcpus) vcpu.set(CNTFRQ_EL0, frequency, 0);
    this.own = this.vcpus.map(
      (_, i) =>
        new GuestTimers(timer, this.clock, (interrupt) => this.gic.ppi(i, interrupt - 16), state?.timers[i]),
    );
    this.mmio = new Mmio(this.bus, parts.translation, parts.memory, board.cpus, (ipa) => this.hostOf(ipa));
    this.dma = new GuestDma(current, parts.memory, {
      find: (_, ipa) => {
        const pa = this.hostOf(ipa);
        return pa === -1 ? undefined : { pa: pa as Pa, memory: 'normal', write: true };
      },
      noteWrite: (ipa) => {
        this.memory.shadow.written(current.port, ipa);
      },
    });
    this.devices = VmDevices.of(this, parts, state);
  }

  /** Where what the VM has at an address of its memory is on the host, or -1. */
  hostOf(ipa: number): number {
    return this.memory.shadow.hostOf(ipa);
  }

  /** The timers of a vCPU. */
  timers(vcpu: VirtualCpu): GuestTimers {
    const found = this.own[vcpu.index];
    if (found === undefined) throw new RangeError(`the VM has no vCPU ${vcpu.index}`);
    return found;
  }

  /** True while one of its vCPUs is switched on. */
  get running(): boolean {
    return this.vcpus.some(({ on }) => on);
  }

  /** Bytes that a serial port would take now, and how many it took. */
  type(device: string, bytes: Uint8Array): number {
    return this.devices.type(device, bytes);
  }

  /** As plain data. */
  save(): VmState {
    return {
      shadow: this.memory.shadow.save(),
      clock: this.clock.save(),
      id: this.id.save(),
      gic: this.gic.save(),
      ...this.devices.save(),
      vcpus: this.vcpus.map((vcpu) => vcpu.save()),
      timers: this.own.map((timers) => timers.save()),
    };
  }
}
