// One VM: its map of memory, its interrupt controller, its devices with their clock, its vCPUs.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';
import type { CpuPort, Dma, Ipa, Pa } from '@worldswitch/platform';
import {
  GuestDma,
  MmioEmulator,
  Stage2Map,
  virtualGicV2,
  virtualGicV3,
  VirtualId,
  virtualTimerAsserts,
  VmBus,
  VmClock,
} from '@worldswitch/vmm';
import type {
  CheckedVm,
  Current,
  HostGic,
  HostTimer,
  MmioState,
  PageAllocator,
  PhysicalMemory,
  Stage2State,
  TimerWires,
  VirtualGic,
  VirtualGicState,
  VirtualIdState,
  VmClockState,
} from '@worldswitch/vmm';

import { MONITORS } from '../host/host-gic.ts';
import type { VmSetup } from '../host/setup.ts';
import { VmDevices } from '../host/vm-devices.ts';
import type { VmDevicesState } from '../host/vm-devices.ts';
import { monitorsAssert } from './levels.ts';
import { IPA_BITS } from './state-check.ts';
import { Vcpu } from './vcpu.ts';
import type { VcpuState } from './vcpu.ts';

/** What a VM is made with. */
export interface VmParts {
  readonly current: Current;
  readonly memory: PhysicalMemory;
  readonly pages: PageAllocator;
  readonly timer: HostTimer;
  /** Frequency of the system counter in hertz. */
  readonly frequency: number;
  /** Where the host's GICV and GICH are, for a GICv2. */
  readonly virtualCpuInterface: number | undefined;
  readonly virtualInterfaceControl: number | undefined;
  /** How many list registers each CPU of the host has. */
  readonly listRegisters: number;
  readonly gic: HostGic;
  /** What is behind its disks and network cards, by their names. */
  readonly disks: Readonly<Record<string, DiskBackend>>;
  readonly networks: Readonly<Record<string, NetworkPeerFactory>>;
  /** A byte that one of its serial ports has sent. */
  output(vm: number, device: string, byte: number): void;
  /** One of its vCPUs, by its number among all, has an interrupt now. */
  kick(id: number): void;
}

/** What is saved. */
export type VmState = VmDevicesState &
  Readonly<{
    stage2: Stage2State;
    clock: VmClockState;
    id: VirtualIdState;
    gic: VirtualGicState;
    mmio: MmioState;
    vcpus: readonly VcpuState[];
  }>;

/** The interrupt controller of the version that the VM's board names. */
function makeGic(
  { vm }: VmSetup,
  { current, gic, listRegisters, virtualInterfaceControl = 0 }: VmParts,
  attention: (vcpu: number) => void,
  state: VirtualGicState | undefined,
): VirtualGic {
  const { version, interrupts } = vm.board.gic;
  const host = { current, host: gic, attention };
  const common = { vcpus: vm.board.cpus, interrupts, listRegisters };
  return version === 3
    ? virtualGicV3(common, host, state)
    : virtualGicV2({ ...common, gich: virtualInterfaceControl }, host, state);
}

/** INTIDs of the private interrupts of timers. */
const PHYSICAL_TIMER = 30;
const VIRTUAL_TIMER = 27;

/** What is made in an entry needs its port. */
function inEntry(port: CpuPort | undefined): CpuPort {
  if (port === undefined) throw new Error('a VM is made in an entry');
  return port;
}

/** Its map of memory, which is empty at first. */
function stage2Of(
  port: CpuPort | undefined,
  number: number,
  { memory, pages }: VmParts,
  state: Stage2State | undefined,
): Stage2Map {
  if (state) return new Stage2Map(memory, pages, state);
  const shape = { ipaBits: IPA_BITS, paBits: IPA_BITS, vmid: number + 1 };
  return Stage2Map.create(inEntry(port), memory, pages, shape);
}

const idOf = (
  port: CpuPort | undefined,
  { gic }: CheckedVm['board'],
  state: VirtualIdState | undefined,
): VirtualId =>
  state ? VirtualId.restored(state) : VirtualId.ofHost(inEntry(port), { gic: gic.version, monitors: true });

/** A virtual machine. */
export class VirtualMachine {
  readonly number: number;
  readonly setup: VmSetup;
  readonly checked: CheckedVm;
  readonly stage2: Stage2Map;
  readonly clock: VmClock;
  readonly id: VirtualId;
  readonly gic: VirtualGic;
  readonly bus: VmBus = new VmBus();
  readonly mmio: MmioEmulator;
  readonly devices: VmDevices;
  readonly vcpus: readonly Vcpu[];
  readonly dma: Dma;

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
    const { current, memory, timer, frequency } = parts;
    const { board } = setup.vm;
    this.number = number;
    this.setup = setup;
    this.checked = setup.vm;
    this.clock = new VmClock(timer, frequency, state?.clock);
    this.stage2 = stage2Of(port, number, parts, state?.stage2);
    this.id = idOf(port, board, state?.id);
    const attention = (vcpu: number): void => {
      parts.kick(first + vcpu);
    };
    this.gic = makeGic(setup, parts, attention, state?.gic);
    this.connectGic();
    this.vcpus = Array.from({ length: board.cpus }, (_, i) => {
      const vcpuParts = { host: timer, cores: board.cpus, clock: this.clock, wires: this.timerWires(i) };
      return new Vcpu(first + i, number, i, vcpuParts, state?.vcpus[i]);
    });
    this.mmio = new MmioEmulator(this.bus, this.stage2, board.cpus, memory, state?.mmio);
    this.dma = new GuestDma(current, memory, this.stage2);
    this.devices = VmDevices.of(this, parts, state);
    if (state === undefined && port !== undefined) this.mapMemory(port, parts.virtualCpuInterface);
  }

  /** Its registers are on the bus, and some private interrupts stand for the host's. */
  private connectGic(): void {
    const { board } = this.checked;
    this.gic.blocks.forEach(({ name, size, widths, mmio }, i) => {
      this.bus.map({ name, base: (board.gic.bases[i] ?? 0) as Ipa, size, widths }, mmio);
    });
    for (let vcpu = 0; vcpu < board.cpus; vcpu++) {
      this.gic.link(vcpu, VIRTUAL_TIMER, VIRTUAL_TIMER, virtualTimerAsserts);
      this.gic.link(vcpu, MONITORS, MONITORS, monitorsAssert);
    }
  }

  private timerWires(vcpu: number): TimerWires {
    const { gic } = this;
    return {
      raise: () => {
        gic.raise(vcpu, VIRTUAL_TIMER);
      },
      lower: () => {
        gic.lower(vcpu, VIRTUAL_TIMER);
      },
      isRaised: () => gic.isRaised(vcpu, VIRTUAL_TIMER),
      physical: gic.ppi(vcpu, PHYSICAL_TIMER - 16),
    };
  }

  /** Memory, and with a GICv2 the virtual CPU interface where the guest expects its CPU interface (IHI 0048B 5.3). */
  private mapMemory(port: CpuPort, virtualCpuInterface: number | undefined): void {
    const { base, board } = this.checked;
    this.stage2.map(port, board.ramBase as Ipa, base as Pa, board.memory);
    if (virtualCpuInterface === undefined) return;
    const [, cpuInterface = 0] = board.gic.bases;
    this.stage2.map(port, cpuInterface as Ipa, virtualCpuInterface as Pa, 0x2000, { memory: 'device' });
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
      stage2: this.stage2.save(),
      clock: this.clock.save(),
      id: this.id.save(),
      gic: this.gic.save(),
      mmio: this.mmio.save(),
      ...this.devices.save(),
      vcpus: this.vcpus.map((vcpu) => vcpu.save()),
    };
  }
}
