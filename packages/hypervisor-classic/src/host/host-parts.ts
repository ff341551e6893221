// What there is once a hypervisor has booted, whatever its technique: made in one order, switched on, left, and switched off for good.

import { pa } from '@worldswitch/platform';
import type { CpuPort, Exception, Leave, SoftwareContext, SystemOperation } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';
import type { Current, HostGic, HostTimer, PageAllocator, PhysicalMemory } from '@worldswitch/vmm';

import { ConsoleHub } from './console-hub.ts';
import type { ConsoleHubState } from './console-hub.ts';
import { CpuScheduler } from './cpu-scheduler.ts';
import type { CpuSchedulerState, ScheduledVcpu, ScheduledVm, World } from './cpu-scheduler.ts';
import { HostDevices } from './host-devices.ts';
import type { HostDevicesState } from './host-devices.ts';
import type { HypervisorSetup } from './setup.ts';

/** PSCI of the board's firmware (DEN 0022). */
const CPU_ON = 0xc400_0003;
const SYSTEM_OFF = 0x8400_0008;
/** Where a CPU of the host enters the software's page at power-on. */
const BOOT_ENTRY = 0x800;

/** A VM, as its host sees it. */
export interface HostVm<V extends ScheduledVcpu> extends ScheduledVm<V> {
  /** One of its vCPUs is switched on. */
  readonly running: boolean;
  /** Bytes that a serial port would take now, and how many it took. */
  type(device: string, bytes: Uint8Array): number;
}

/** What there is after the boot. */
export interface HostParts<V extends ScheduledVcpu, M extends HostVm<V>, W extends World<V, M>> {
  readonly pages: PageAllocator;
  readonly timer: HostTimer;
  readonly vms: readonly M[];
  readonly scheduler: CpuScheduler<V, M, W>;
  readonly console: ConsoleHub;
  readonly devices: HostDevices;
}

/** What VMs are told of the host, and tell it. */
export interface VmEnds {
  readonly devices: HostDevices;
  /** A byte that one of a VM's serial ports has sent. */
  output(vm: number, device: string, byte: number): void;
  /** A vCPU, by its number among all, has an interrupt now. */
  kick(id: number): void;
}

/** What they are made with. */
export interface HostMaking {
  readonly setup: HypervisorSetup;
  readonly current: Current;
  readonly memory: PhysicalMemory;
  readonly gic: HostGic;
  /** Of the entry; none is needed with a state. */
  readonly port: CpuPort | undefined;
  readonly state?: (ConsoleHubState & CpuSchedulerState & { readonly devices: HostDevicesState }) | undefined;
}

/** What a technique makes itself. */
export interface OwnParts<M, W> {
  readonly pages: PageAllocator;
  readonly timer: HostTimer;
  /** Shows unfinished lines of consoles after a time; without it, when a CPU has nothing to do. */
  readonly consoleTimer?: HostTimer | undefined;
  vms(ends: VmEnds): readonly M[];
  world(): W;
}

/** Makes them: drivers, consoles, VMs, scheduler. */
export function makeHostParts<V extends ScheduledVcpu, M extends HostVm<V>, W extends World<V, M>>(
  { setup, current, memory, gic, port, state }: HostMaking,
  { pages, timer, consoleTimer, ...own }: OwnParts<M, W>,
): HostParts<V, M, W> {
  const devices = new HostDevices(port, setup, { current, memory, pages }, state?.devices);
  let vms: readonly M[] = [];
  const type = (vm: number, device: string, bytes: Uint8Array): number => vms[vm]?.type(device, bytes) ?? 0;
  const console = new ConsoleHub(setup, current, type, state, consoleTimer);
  const made: { scheduler?: CpuScheduler<V, M, W> } = {};
  vms = own.vms({
    devices,
    output: (from, device, byte) => {
      console.output(from, device, byte);
    },
    kick: (id) => {
      // While they are made nobody waits.
      made.scheduler?.kick(id);
    },
  });
  const scheduler = new CpuScheduler<V, M, W>(setup, current, gic, timer, vms, own.world(), state);
  made.scheduler = scheduler;
  return { pages, timer, vms, scheduler, console, devices };
}

/** The first CPU of the host is ready: serial line and devices, the other CPUs, the VMs. */
export function startHost<V extends ScheduledVcpu, M extends HostVm<V>, W extends World<V, M>>(
  port: CpuPort,
  gic: HostGic,
  { console, devices, scheduler, vms }: HostParts<V, M, W>,
  context: SoftwareContext,
  firmware: SystemOperation,
): void {
  console.initialise(port);
  const serial = console.interruptNumber;
  const shared = [...(serial === undefined ? [] : [serial]), ...devices.interrupts];
  for (const interrupt of shared) gic.enable(port, interrupt, port.index);
  for (let cpu = 1; cpu < context.cpus; cpu++) {
    port.writeX(0, CPU_ON, 0);
    port.writeX(1, cpu, 0);
    port.writeX(2, context.page + BOOT_ENTRY, 0);
    port.writeX(3, 0, 0);
    port.operate(firmware);
  }
  for (const vm of vms) scheduler.start(vm);
}

/** A shared interrupt of the board's: one that nobody expects is not seen again. */
export function sharedInterrupt(
  port: CpuPort,
  gic: HostGic,
  { console, devices }: { readonly console: ConsoleHub; readonly devices: HostDevices },
  interrupt: number,
): void {
  if (console.interrupt(port, interrupt) || devices.interrupt(port, interrupt)) return;
  gic.disable(port, interrupt);
}

/** The last act, where no VM is left: the firmware does not return from it. */
export function offIfDone(
  port: CpuPort,
  leave: Leave,
  vms: readonly { readonly running: boolean }[],
  firmware: SystemOperation,
): Leave {
  if (leave === 'wait' && vms.every(({ running }) => !running)) {
    port.writeX(0, SYSTEM_OFF, 0);
    port.operate(firmware);
  }
  return leave;
}

/** An exception of the hypervisor's own, in words. */
export function describeOwn({ kind, from }: Exception, port: CpuPort, level: 'EL1' | 'EL2'): string {
  const [esr, elr] = [
    { lo: 0, hi: 0 },
    { lo: 0, hi: 0 },
  ];
  port.readSystem(systemRegister(`ESR_${level}`), esr);
  port.readSystem(systemRegister(`ELR_${level}`), elr);
  const at = pa(elr.hi * 2 ** 32 + elr.lo);
  return `an exception of its own: ${kind} from ${from}, ESR_${level} 0x${esr.lo.toString(16)}, ELR_${level} 0x${at.toString(16)}`;
}
