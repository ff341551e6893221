// The hypervisor at EL2: boots on the bare machine, makes its VMs, and serves their exits. Nothing of it runs outside of its entries.

import { pa } from '@worldswitch/platform';
import type { CpuPort, Exception, Leave, PrivilegedSoftware, SoftwareContext } from '@worldswitch/platform';
import {
  buildHostMap,
  Current,
  decodeExit,
  HostTimer,
  PAGE,
  PageAllocator,
  PhysicalMemory,
  systemOperation,
  systemRegister,
  useHostMap,
} from '@worldswitch/vmm';
import type { HostGic, HostMap, HostRange } from '@worldswitch/vmm';

import { ConsoleHub } from '../host/console-hub.ts';
import { CpuScheduler } from '../host/cpu-scheduler.ts';
import { HostDevices } from '../host/host-devices.ts';
import {
  hostGicOf,
  listRegistersOf,
  virtualCpuInterfaceOf,
  virtualInterfaceControlOf,
} from '../host/host-gic.ts';
import { vmPower } from '../host/power.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import { causeOf } from '../host/watcher.ts';
import type { WatcherPlace } from '../host/watcher.ts';
import { ExitHandlers } from './exits.ts';
import { enablePrivate, interruptName, MONITORS, serveInterrupt } from './interrupts.ts';
import { Levels, silenceMonitors } from './levels.ts';
import { WorldSwitch } from './physical-cpus.ts';
import type { BootedState, HypervisorState } from './state.ts';
import { setTraps } from './traps.ts';
import type { Vcpu } from './vcpu.ts';
import { VirtualMachine } from './virtual-machine.ts';
import type { VmParts } from './virtual-machine.ts';

const VBAR_EL2 = systemRegister('VBAR_EL2');
const SMC = systemOperation('SMC');
/** PSCI of the board's firmware. */
const CPU_ON = 0xc400_0003;
const SYSTEM_OFF = 0x8400_0008;
const BOOT_ENTRY = 0x800;

/** Everything that is there once it has booted. */
interface Booted {
  readonly pages: PageAllocator;
  readonly map: HostMap;
  readonly timer: HostTimer;
  readonly vms: readonly VirtualMachine[];
  readonly scheduler: CpuScheduler<Vcpu, VirtualMachine, WorldSwitch>;
  readonly console: ConsoleHub;
  readonly devices: HostDevices;
  readonly levels: Levels;
  readonly listRegisters: number;
}

/** A Type-1 hypervisor on the virtualisation extensions. */
export class HardwareAssisted implements PrivilegedSoftware<HypervisorState> {
  private readonly setup: HypervisorSetup;
  private readonly context: SoftwareContext;
  private readonly current: Current = new Current();
  private readonly memory: PhysicalMemory = new PhysicalMemory();
  private readonly gic: HostGic;
  private readonly exits: ExitHandlers;
  private readonly place: WatcherPlace;
  private booted: Booted | undefined;

  /**
   * @param setup - the board and the VMs
   * @param context - where it is
   * @param state - from `save`, checked by `hypervisorCodec`
   * @param place - where somebody may put a watcher of exits
   */
  constructor(
    setup: HypervisorSetup,
    context: SoftwareContext,
    state: HypervisorState = null,
    place: WatcherPlace = {},
  ) {
    this.setup = setup;
    this.place = place;
    this.context = context;
    this.gic = hostGicOf(setup.host);
    this.exits = new ExitHandlers({
      wait: (vcpu) => {
        this.scheduler.wait(vcpu);
      },
      yield: () => {
        this.scheduler.reschedule(this.current.port.index);
      },
      useFloat: (port, vcpu) => {
        this.scheduler.world.useFloat(port, vcpu);
      },
      psci: (vm) => vmPower(vm, this.scheduler, this.current),
    });
    if (state !== null) this.booted = this.make(undefined, state);
  }

  /** What there is after the boot. */
  private get parts(): Booted {
    if (this.booted === undefined) throw new Error('the hypervisor has not booted');
    return this.booted;
  }
  private get scheduler(): Booted['scheduler'] {
    return this.parts.scheduler;
  }

  /** The VMs, for those who look at them from outside. */
  get vms(): readonly VirtualMachine[] {
    return this.booted?.vms ?? [];
  }

  /** Ticks of the system counter that a vCPU, by its number among all, has had. */
  ticksOf(id: number): number {
    return this.booted?.scheduler.ticksOf(id) ?? 0;
  }

  /** Power-on of a CPU. */
  boot(port: CpuPort): Leave {
    return this.current.during(port, () => {
      const first = this.booted === undefined;
      if (first) this.gic.initialise(port);
      port.writeSystem(VBAR_EL2, port.page.lo, port.page.hi);
      this.booted ??= this.make(port);
      useHostMap(port, this.parts.map);
      this.gic.initialiseCpu(port);
      enablePrivate(port, this.gic);
      setTraps(port, this.setup.traps);
      this.scheduler.online(port.index);
      if (first) {
        this.parts.console.initialise(port);
        const serial = this.parts.console.interruptNumber;
        const shared = [...(serial === undefined ? [] : [serial]), ...this.parts.devices.interrupts];
        for (const interrupt of shared) this.gic.enable(port, interrupt, port.index);
        this.startOthers(port);
        for (const vm of this.parts.vms) this.scheduler.start(vm);
      }
      const leave = this.leave(port);
      // What the first switch moved belongs to no exit.
      this.scheduler.world.taken();
      return leave;
    });
  }

  private startOthers(port: CpuPort): void {
    for (let cpu = 1; cpu < this.context.cpus; cpu++) {
      port.writeX(0, CPU_ON, 0);
      port.writeX(1, cpu, 0);
      port.writeX(2, this.context.page + BOOT_ENTRY, 0);
      port.writeX(3, 0, 0);
      port.operate(SMC);
    }
  }

  private make(port: CpuPort | undefined, state?: BootedState): Booted {
    const { setup, current, memory } = this;
    const { base, size } = setup.memory;
    const pages = new PageAllocator(base, size / PAGE, state?.pages);
    const timer = new HostTimer(current, setup.host.cpus, state?.timer);
    const map = state ? savedMap(state.map) : buildHostMap(this.current.port, memory, pages, this.ranges());
    const { frequency } = setup.host.timer;
    const listRegisters = state?.listRegisters ?? listRegistersOf(setup.host, current.port);
    const devices = new HostDevices(port, setup, { current, memory, pages }, state?.devices);
    const console = new ConsoleHub(
      setup,
      current,
      (vm, device, bytes) => vms[vm]?.type(device, bytes) ?? 0,
      state,
      timer,
    );
    const vms = this.makeVms(
      port,
      state,
      { pages, timer, listRegisters, devices },
      {
        output: (from, device, byte) => {
          console.output(from, device, byte);
        },
        kick: (id) => {
          scheduler.kick(id);
        },
      },
    );
    const world = new WorldSwitch(setup.host.cpus, setup.vms.length, state);
    const scheduler: Booted['scheduler'] = new CpuScheduler(
      setup,
      current,
      this.gic,
      timer,
      vms,
      world,
      state,
    );
    const levels = new Levels(current, this.gic, timer, frequency, setup.host.cpus, state?.levels);
    return { pages, map, timer, vms, scheduler, console, devices, levels, listRegisters };
  }

  private makeVms(
    port: CpuPort | undefined,
    state: BootedState | undefined,
    parts: Pick<Booted, 'pages' | 'timer' | 'listRegisters' | 'devices'>,
    ends: Pick<VmParts, 'output' | 'kick'>,
  ): readonly VirtualMachine[] {
    const { setup, current, memory, gic } = this;
    const { host } = setup;
    const { devices, ...own } = parts;
    let first = 0;
    return setup.vms.map((one, number) => {
      const vmParts: VmParts = {
        ...own,
        ...ends,
        current,
        memory,
        gic,
        frequency: host.timer.frequency,
        virtualCpuInterface: virtualCpuInterfaceOf(host),
        virtualInterfaceControl: virtualInterfaceControlOf(host),
        disks: devices.disksOf(one.vm),
        networks: devices.networksOf(one.vm),
      };
      const vm = new VirtualMachine(port, number, first, one, vmParts, state?.vms[number]);
      first += vm.vcpus.length;
      return vm;
    });
  }

  /** What EL2 maps: all memory, the devices below it, and its own page. */
  private ranges(): readonly HostRange[] {
    const { ramBase, memory } = this.setup.host;
    return [
      { base: 0, size: ramBase, kind: 'device' },
      { base: ramBase, size: memory, kind: 'memory' },
      { base: this.context.page, size: PAGE, kind: 'memory', execute: true },
    ];
  }

  /** A vector of EL2. */
  take(exception: Exception, port: CpuPort): Leave {
    return this.current.during(port, () => {
      const { running } = this.scheduler.cpu(port.index);
      const { watcher } = this.place;
      let served = { cause: 'interrupt', syndrome: 0, handler: 'interrupt' };
      if (watcher) {
        watcher.begin();
        // What was moved without a row, as when a CPU that waited was given a vCPU, belongs to no later exit.
        this.scheduler.world.taken();
      }
      this.follow(port);
      if (exception.kind === 'irq') {
        const interrupt = this.interrupt(port);
        if (watcher) served = { ...served, cause: interruptName(interrupt), syndrome: interrupt };
      } else if (exception.from !== 'lower-a64') throw new Error(describeOwn(exception, port));
      else {
        const vcpu = this.scheduler.vcpu(running);
        const vm = this.parts.vms[vcpu?.vm ?? -1];
        if (vcpu === undefined || vm === undefined) throw new Error('an exit came while no vCPU ran');
        const exit = decodeExit(port, exception);
        // Another CPU has switched it off meanwhile: nothing that it asks for is done any more.
        const handler = vcpu.on ? this.exits.handle(port, vm, vcpu, exit) : 'off';
        if (watcher) served = { cause: causeOf(exit, handler), syndrome: exit.esr, handler };
      }
      const leave = this.leave(port);
      if (running >= 0 && watcher) {
        const { vm = -1, index = -1 } = this.scheduler.vcpu(running) ?? {};
        watcher.end({ vm, vcpu: index, ...served, moved: this.scheduler.world.taken() });
      }
      return this.offIfDone(port, leave);
    });
  }

  /** Wires that the loaded vCPU has made low since the last exit. */
  private follow(port: CpuPort): void {
    const vcpu = this.scheduler.vcpu(this.scheduler.cpu(port.index).loaded);
    if (vcpu) this.parts.vms[vcpu.vm]?.gic.follow(port, vcpu.index);
  }

  /** Serves an interrupt and says which. */
  private interrupt(port: CpuPort): number {
    const { parts, scheduler } = this;
    const vcpu = scheduler.vcpu(scheduler.cpu(port.index).loaded);
    const vm = parts.vms[vcpu?.vm ?? -1];
    return serveInterrupt(port, this.gic, {
      timer: () => {
        parts.timer.expire(port);
      },
      virtualTimer: () => {
        vcpu?.timer.interrupted();
        return vcpu !== undefined;
      },
      monitors: () => {
        if (vcpu) vm?.gic.raise(vcpu.index, MONITORS);
        else silenceMonitors(port);
        return vcpu !== undefined;
      },
      maintenance: () => vcpu && vm?.gic.maintain(port, vcpu.index),
      shared: (_, interrupt) => {
        if (parts.console.interrupt(port, interrupt) || parts.devices.interrupt(port, interrupt)) return;
        this.gic.disable(port, interrupt);
      },
    });
  }

  /** Back to a guest, or to wait for something to do. */
  private leave(port: CpuPort): Leave {
    const { parts, scheduler } = this;
    // Before the choice: a VM that waits for what was typed runs for it.
    parts.console.offer();
    const running = scheduler.settle(port);
    if (running !== undefined) {
      const vm = parts.vms[running.vm];
      vm?.gic.enter(port, running.index);
      if (vm) parts.levels.watch(port, vm, running.index);
      return 'eret';
    }
    return 'wait';
  }

  /** The last act, where no VM is left: the firmware does not return from it. */
  private offIfDone(port: CpuPort, leave: Leave): Leave {
    if (leave === 'wait' && this.parts.vms.every((vm) => !vm.running)) {
      port.writeX(0, SYSTEM_OFF, 0);
      port.operate(SMC);
    }
    return leave;
  }

  /** The whole state, as plain data. */
  save(): HypervisorState {
    const { booted } = this;
    if (booted === undefined) return null;
    const { pages, map, timer, vms, scheduler, console, devices, levels, listRegisters } = booted;
    return {
      pages: pages.save(),
      map: [...map.ttbr0, ...map.tcr, ...map.mair],
      timer: timer.save(),
      listRegisters,
      devices: devices.save(),
      levels: levels.save(),
      ...scheduler.world.save(),
      ...scheduler.save(),
      show: null,
      ...console.save(),
      vms: vms.map((vm) => vm.save()),
    };
  }
}

const savedMap = ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: readonly number[]): HostMap => ({
  ttbr0: [a, b],
  tcr: [c, d],
  mair: [e, f],
});

const ESR_EL2 = systemRegister('ESR_EL2');
const ELR_EL2 = systemRegister('ELR_EL2');

/** An exception of the hypervisor's own, in words. */
function describeOwn({ kind, from }: Exception, port: CpuPort): string {
  const [esr, elr] = [
    { lo: 0, hi: 0 },
    { lo: 0, hi: 0 },
  ];
  port.readSystem(ESR_EL2, esr);
  port.readSystem(ELR_EL2, elr);
  const at = pa(elr.hi * 2 ** 32 + elr.lo);
  return `an exception of its own: ${kind} from ${from}, ESR_EL2 0x${esr.lo.toString(16)}, ELR_EL2 0x${at.toString(16)}`;
}
