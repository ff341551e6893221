// The hypervisor at EL2: boots on the bare machine, makes its VMs, and serves their exits. Nothing of it runs outside of its entries.

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

import {
  hostGicOf,
  listRegistersOf,
  virtualCpuInterfaceOf,
  virtualInterfaceControlOf,
  MONITORS,
} from '../host/host-gic.ts';
import { describeOwn, makeHostParts, offIfDone, sharedInterrupt, startHost } from '../host/host-parts.ts';
import type { HostParts, VmEnds } from '../host/host-parts.ts';
import { vmPower } from '../host/power.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import { causeOf } from '../host/watcher.ts';
import type { WatcherPlace } from '../host/watcher.ts';
import { ExitHandlers } from './exits.ts';
import { enablePrivate, interruptName, serveInterrupt } from './interrupts.ts';
import { Levels, silenceMonitors } from './levels.ts';
import { WorldSwitch } from './physical-cpus.ts';
import type { BootedState, HypervisorState } from './state.ts';
import { setTraps } from './traps.ts';
import type { Vcpu } from './vcpu.ts';
import { VirtualMachine } from './virtual-machine.ts';
import type { VmParts } from './virtual-machine.ts';

const VBAR_EL2 = systemRegister('VBAR_EL2');
const SMC = systemOperation('SMC');

/** Everything that is there once it has booted. */
interface Booted extends HostParts<Vcpu, VirtualMachine, WorldSwitch> {
  readonly map: HostMap;
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
      if (first) startHost(port, this.gic, this.parts, this.context, SMC);
      const leave = this.leave(port);
      // What the first switch moved belongs to no exit.
      this.scheduler.world.taken();
      return leave;
    });
  }

  private make(port: CpuPort | undefined, state?: BootedState): Booted {
    const { setup, current, memory, gic } = this;
    const { cpus, timer: counter } = setup.host;
    const { base, size } = setup.memory;
    const pages = new PageAllocator(base, size / PAGE, state?.pages);
    const timer = new HostTimer(current, cpus, state?.timer);
    const map = state ? savedMap(state.map) : buildHostMap(current.port, memory, pages, this.ranges());
    const listRegisters = state?.listRegisters ?? listRegistersOf(setup.host, current.port);
    const parts = makeHostParts<Vcpu, VirtualMachine, WorldSwitch>(
      { setup, current, memory, gic, port, state },
      {
        pages,
        timer,
        consoleTimer: timer,
        vms: (ends) => this.makeVms(port, state, { pages, timer, listRegisters }, ends),
        world: () => new WorldSwitch(cpus, setup.vms.length, state),
      },
    );
    const levels = new Levels(current, gic, timer, counter.frequency, cpus, state?.levels);
    return { ...parts, map, levels, listRegisters };
  }

  private makeVms(
    port: CpuPort | undefined,
    state: BootedState | undefined,
    own: Pick<Booted, 'pages' | 'timer' | 'listRegisters'>,
    ends: VmEnds,
  ): readonly VirtualMachine[] {
    const { setup, current, memory, gic } = this;
    const { host } = setup;
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
        disks: ends.devices.disksOf(one.vm),
        networks: ends.devices.networksOf(one.vm),
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
      } else if (exception.from !== 'lower-a64') throw new Error(describeOwn(exception, port, 'EL2'));
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
        watcher.end(vm, index, served, this.scheduler.world.taken());
      }
      return offIfDone(port, leave, this.parts.vms, SMC);
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
        sharedInterrupt(port, this.gic, parts, interrupt);
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
