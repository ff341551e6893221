// The hypervisor at EL1 of a CPU without EL2: guests' kernels run at EL0, and everything that they may not do there comes here.
// Nothing of it runs outside of its entries.

import type { CpuPort, Exception, Leave, PrivilegedSoftware, SoftwareContext } from '@worldswitch/platform';
import { Current, PhysicalMemory, systemOperation, virtualPsci } from '@worldswitch/vmm';
import type { HostGic, LinearPort, PsciVm } from '@worldswitch/vmm';

import {
  enterTranslated,
  interruptTranslated,
  isTranslated,
  serveKernelExit,
  serveUserExit,
} from '../binary-translation/exits.ts';
import type { TranslatedKernel } from '../binary-translation/kernel.ts';
import { hostGicOf } from '../host/host-gic.ts';
import { describeOwn, offIfDone, sharedInterrupt, startHost } from '../host/host-parts.ts';
import { vmPower } from '../host/power.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import type { WatcherPlace } from '../host/watcher.ts';
import { enterRewritten, serveRewritten } from '../impure/exits.ts';
import type { RewrittenKernelRun } from '../impure/kernel.ts';
import { Controls } from './controls.ts';
import { Emulation } from './emulation.ts';
import { takeException, Vector } from './exceptions.ts';
import { Exits } from './exits.ts';
import { resetInterface } from './guest-gic.ts';
import { enablePrivate, interruptName, serveInterrupt } from './interrupts.ts';
import { silenceMonitors } from './monitors.ts';
import { makeParts } from './parts.ts';
import type { Booted } from './parts.ts';
import type { BootedState, TrapState } from './state.ts';
import type { VirtualCpu } from './virtual-cpu.ts';
import type { VirtualMachine } from './virtual-machine.ts';

const HVC = systemOperation('HVC');
/** SMC Calling Convention: the function is not there. */
const NOT_SUPPORTED = 0xffff_ffff;
/** PSTATE.I and F, in SPSR's place; the pins, as ISR_EL1 has them. */
const [MASK_I, MASK_F, IRQ, FIQ] = [1 << 7, 1 << 6, 1 << 7, 1 << 6];

/** What each CPU of the host has for its exits. */
interface CpuParts {
  port: LinearPort | undefined;
  readonly emulation: Emulation;
  readonly controls: Controls;
  /** The vCPU whose controls and roots are the hardware's. */
  entered: VirtualCpu | undefined;
}

/** A Type-1 hypervisor by trap-and-emulate. */
export class TrapAndEmulate implements PrivilegedSoftware<TrapState> {
  private readonly setup: HypervisorSetup;
  private readonly context: SoftwareContext;
  private readonly current: Current = new Current();
  private readonly memory: PhysicalMemory = new PhysicalMemory();
  private readonly gic: HostGic;
  private readonly exits: Exits = new Exits();
  private readonly place: WatcherPlace;
  private readonly cpus: readonly CpuParts[];
  private booted: Booted | undefined;

  /**
   * @param setup - the board and the VMs
   * @param context - where it is
   * @param state - from `save`, checked by `trapCodec`
   * @param place - where somebody may put a watcher of exits
   */
  constructor(
    setup: HypervisorSetup,
    context: SoftwareContext,
    state: TrapState = null,
    place: WatcherPlace = {},
  ) {
    this.setup = setup;
    this.context = context;
    this.place = place;
    this.gic = hostGicOf(setup.host);
    this.cpus = Array.from({ length: context.cpus }, () => ({
      port: undefined,
      emulation: this.emulation(),
      controls: new Controls(),
      entered: undefined,
    }));
    if (state !== null) this.restore(state);
  }

  private emulation(): Emulation {
    return new Emulation({
      wait: (vcpu) => {
        this.parts.scheduler.wait(vcpu);
      },
      yield: () => {
        this.parts.scheduler.reschedule(this.current.port.index);
      },
      kick: (vcpu) => {
        this.parts.scheduler.kick(vcpu.id);
      },
      call: (port, vm, vcpu) => {
        if (virtualPsci(port, this.power(vm), vcpu.index)) return;
        port.writeX(0, NOT_SUPPORTED, NOT_SUPPORTED);
      },
      end: (vm, reason) => {
        this.parts.console.tell(vm.number, `the hypervisor ends this VM: ${reason}`);
        this.power(vm).powerOff();
      },
    });
  }

  /** PSCI of a VM: a vCPU that starts has its part of the interrupt controller in reset, too. */
  private power(vm: VirtualMachine): PsciVm {
    const power = vmPower(vm, this.parts.scheduler, this.current);
    return {
      ...power,
      start(index, entry, context) {
        resetInterface(vm.gic, index);
        power.start(index, entry, context);
      },
    };
  }

  private restore(state: BootedState): void {
    this.booted = this.make(undefined, state);
    const { scheduler } = this.booted;
    this.cpus.forEach((cpu, i) => {
      const [sctlr = -1, float = -1, debug = -1, entered = -1, stale = 1] =
        state.hardware[i]?.map((n) => n - 1) ?? [];
      cpu.controls.restore([sctlr, float, debug]);
      cpu.entered = scheduler.vcpu(entered);
      cpu.emulation.stale = stale !== 0;
    });
  }

  /** What there is after the boot. */
  private get parts(): Booted {
    if (this.booted === undefined) throw new Error('the hypervisor has not booted');
    return this.booted;
  }

  private cpu(index: number): CpuParts {
    const found = this.cpus[index];
    if (found === undefined) throw new RangeError(`the host has no CPU ${index}`);
    return found;
  }

  /** The kernel of the first vCPU, where kernels are translated, for those who look at it from outside. */
  get translated(): TranslatedKernel | undefined {
    return this.translatedOf(0);
  }

  /** The kernel of a vCPU, by its number among all. */
  translatedOf(id: number): TranslatedKernel | undefined {
    return this.booted?.kernels[id];
  }

  /** The kernel that was rewritten, if one was, for those who look at it from outside. */
  get rewritten(): RewrittenKernelRun | undefined {
    return this.booted?.rewritten;
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
  boot(raw: CpuPort): Leave {
    return this.current.during(raw, () => {
      const first = this.booted === undefined;
      if (first) this.gic.initialise(raw);
      this.booted ??= this.make(raw);
      const { space, scheduler } = this.booted;
      space.start(raw);
      const port = this.linear(raw);
      return this.current.during(port, () => {
        this.gic.initialiseCpu(port);
        enablePrivate(port, this.gic);
        this.cpu(port.index).controls.initialise(port);
        scheduler.online(port.index);
        if (first) startHost(port, this.gic, this.parts, this.context, HVC);
        this.cpu(port.index).emulation.begin(port);
        const leave = this.leave(port);
        // What the first switch moved belongs to no exit.
        scheduler.world.taken();
        if (leave !== 'wait') return leave;
        space.leaveToWait(port);
        return 'eret';
      });
    });
  }

  /** The port of a CPU, once translation is on. */
  private linear(raw: CpuPort): LinearPort {
    return (this.cpu(raw.index).port ??= this.parts.space.port(raw));
  }

  private make(port: CpuPort | undefined, state?: BootedState): Booted {
    const { setup, current, memory, gic, context } = this;
    return makeParts({ setup, current, memory, gic, port, state, page: context.page });
  }

  /** A vector of EL1. */
  take(exception: Exception, raw: CpuPort): Leave {
    const port = this.linear(raw);
    const { current } = this;
    current.port = port;
    try {
      return this.serve(exception, port);
    } finally {
      current.port = undefined;
    }
  }

  private serve(exception: Exception, port: CpuPort): Leave {
    const { scheduler, kernels, rewritten, vms } = this.parts;
    const { emulation } = this.cpu(port.index);
    const { running } = scheduler.cpu(port.index);
    const { watcher } = this.place;
    emulation.begin(port);
    if (watcher) {
      watcher.begin();
      scheduler.world.taken();
    }
    const { served } = this.exits;
    const vcpu = scheduler.vcpu(running);
    const vm = vms[vcpu?.vm ?? -1];
    if (vcpu && vm && exception.from === 'lower-a64') emulation.of(vm, vcpu);
    const isKernel = vcpu !== undefined && isTranslated(exception, vcpu);
    const kernel = kernels[vcpu?.id ?? -1];
    const translated = isKernel ? kernel : undefined;
    const changed = isKernel ? rewritten : undefined;
    if (exception.kind === 'irq') {
      if (translated) interruptTranslated(translated, emulation);
      changed?.arrive(emulation, -1);
      const interrupt = this.interrupt(port);
      served.cause = interruptName(interrupt);
      served.syndrome = interrupt;
      served.handler = 'interrupt';
    } else if (exception.from !== 'lower-a64') throw new Error(describeOwn(exception, port, 'EL1'));
    else if (vcpu === undefined || vm === undefined) throw new Error('an exit came while no vCPU ran');
    else if (translated) serveKernelExit(translated, emulation, this.exits);
    else if (changed) serveRewritten(changed, emulation, this.exits);
    else if (kernel) serveUserExit(kernel, emulation, this.exits);
    else this.exits.serve(emulation);
    const leave = this.leave(port);
    if (vcpu && scheduler.cpu(port.index).running !== vcpu.id) translated?.left();
    if (vcpu && watcher) watcher.end(vcpu.vm, vcpu.index, served, scheduler.world.taken());
    return offIfDone(port, leave, vms, HVC);
  }

  /** Serves an interrupt and says which. */
  private interrupt(port: CpuPort): number {
    const { parts } = this;
    return serveInterrupt(port, this.gic, {
      timer: () => {
        parts.timer.expire(port);
      },
      monitors: () => {
        const vcpu = parts.scheduler.vcpu(parts.scheduler.cpu(port.index).loaded);
        vcpu?.monitors.settle(port);
        // And whatever else asserts it.
        silenceMonitors(port);
      },
      shared: (_, interrupt) => {
        sharedInterrupt(port, this.gic, parts, interrupt);
      },
    });
  }

  /** Back to a guest, or to wait for something to do. */
  private leave(port: CpuPort): Leave {
    const { parts } = this;
    const cpu = this.cpu(port.index);
    // Before the choice: a VM that waits for what was typed runs for it.
    parts.console.offer();
    cpu.emulation.frame.end(port);
    const running = parts.scheduler.settle(port);
    const vm = parts.vms[running?.vm ?? -1];
    if (running === undefined || vm === undefined) {
      parts.console.idle();
      return 'wait';
    }
    this.enter(port, cpu, vm, running);
    return 'eret';
  }

  /** The guest goes on: a virtual interrupt that it does not mask is taken first, and the hardware made what its level needs. */
  private enter(port: CpuPort, cpu: CpuParts, vm: VirtualMachine, vcpu: VirtualCpu): void {
    const { emulation } = cpu;
    const pins = vm.gic.lines(vcpu.index);
    if (pins !== 0) this.interruptGuest(port, emulation, vcpu, pins);
    if (cpu.entered !== vcpu) {
      vm.memory.written(port, vcpu);
      cpu.entered = vcpu;
      emulation.stale = true;
    }
    if (emulation.stale) {
      cpu.controls.apply(port, vcpu);
      emulation.stale = false;
    }
    vm.memory.enter(port, vcpu);
    const { kernels, rewritten } = this.parts;
    const kernel = kernels[vcpu.id];
    if (kernel) enterTranslated(kernel, emulation, vm, vcpu, pins !== 0);
    if (rewritten) enterRewritten(rewritten, emulation, vm, vcpu, pins !== 0);
    vcpu.monitors.enter(port, vcpu.level);
  }

  private interruptGuest(port: CpuPort, emulation: Emulation, vcpu: VirtualCpu, pins: number): void {
    const isIrq = (pins & IRQ) !== 0 && (vcpu.daif & MASK_I) === 0;
    const isFiq = (pins & FIQ) !== 0 && (vcpu.daif & MASK_F) === 0;
    if (!isIrq && !isFiq) return;
    emulation.frame.begin(port);
    takeException(port, vcpu, emulation.frame, isFiq ? Vector.Fiq : Vector.Irq);
    emulation.frame.end(port);
    emulation.stale = true;
  }

  /** The whole state, as plain data. */
  save(): TrapState {
    const { booted } = this;
    if (booted === undefined) return null;
    const { pages, space, kernels, rewritten, timer, vms, scheduler, console, devices } = booted;
    return {
      pages: pages.save(),
      space: space.save(),
      kernels: kernels.map((kernel) => kernel.save()),
      rewritten: rewritten?.save() ?? null,
      timer: timer.save(),
      devices: devices.save(),
      ...scheduler.save(),
      ...console.save(),
      hardware: this.cpus.map(({ controls, entered, emulation }) =>
        [...controls.save(), entered?.id ?? -1, emulation.stale ? 1 : 0].map((n) => n + 1),
      ),
      vms: vms.map((vm) => vm.save()),
    };
  }
}
