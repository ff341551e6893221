// The hypervisor at EL1 of a CPU without EL2: guests' kernels run at EL0, and everything that they may not do there comes here.
// Nothing of it runs outside of its entries.

import { pa } from '@worldswitch/platform';
import type {
  CpuPort,
  Exception,
  Leave,
  PrivilegedSoftware,
  SoftwareContext,
  Word64,
} from '@worldswitch/platform';
import {
  Current,
  HostSpace,
  HostTimer,
  PAGE,
  PageAllocator,
  PhysicalMemory,
  ShadowMmu,
  systemOperation,
  systemRegister,
  virtualPsci,
} from '@worldswitch/vmm';
import type { HostGic, LinearPort, ShadowVariant } from '@worldswitch/vmm';

import { emulateCalledOut } from '../binary-translation/emulate.ts';
import { TranslatedKernel } from '../binary-translation/kernel.ts';
import { placesFor, savedPlaces } from '../binary-translation/places.ts';
import { Arrival } from '../binary-translation/translator.ts';
import { ConsoleHub } from '../host/console-hub.ts';
import { CpuScheduler } from '../host/cpu-scheduler.ts';
import { HostDevices } from '../host/host-devices.ts';
import { hostGicOf } from '../host/host-gic.ts';
import { vmPower } from '../host/power.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import type { WatcherPlace } from '../host/watcher.ts';
import { Controls } from './controls.ts';
import { Emulation } from './emulation.ts';
import { takeException, Vector } from './exceptions.ts';
import { Exits } from './exits.ts';
import { ESR_EL1 } from './handles.ts';
import { enablePrivate, interruptName, serveInterrupt } from './interrupts.ts';
import { ShadowMemory } from './shadow-memory.ts';
import type { BootedState, TrapState } from './state.ts';
import type { VirtualCpu } from './virtual-cpu.ts';
import { VirtualMachine } from './virtual-machine.ts';
import { TrapWorld } from './world.ts';

const HVC = systemOperation('HVC');
const ELR_EL1 = systemRegister('ELR_EL1');
/** PSCI of the board's firmware. */
const CPU_ON = 0xc400_0003;
const SYSTEM_OFF = 0x8400_0008;
const BOOT_ENTRY = 0x800;
/** SMC Calling Convention: the function is not there. */
const NOT_SUPPORTED = 0xffff_ffff;
const EC_SVC = 0x15;
const esr: Word64 = { lo: 0, hi: 0 };
/** PSTATE.I and F, in SPSR's place; the pins, as ISR_EL1 has them. */
const [MASK_I, MASK_F, IRQ, FIQ] = [1 << 7, 1 << 6, 1 << 7, 1 << 6];

/** Everything that is there once it has booted. */
interface Booted {
  readonly pages: PageAllocator;
  readonly space: HostSpace;
  readonly timer: HostTimer;
  readonly vms: readonly VirtualMachine[];
  readonly scheduler: CpuScheduler<VirtualCpu, VirtualMachine, TrapWorld>;
  readonly console: ConsoleHub;
  readonly devices: HostDevices;
}

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
  /** The kernel of the one VM, where it is translated. */
  private kernel: TranslatedKernel | undefined;

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
      call: (port, vm, vcpu) => {
        if (virtualPsci(port, vmPower(vm, this.parts.scheduler, this.current), vcpu.index)) return;
        port.writeX(0, NOT_SUPPORTED, NOT_SUPPORTED);
      },
    });
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

  /** The kernel that is translated, if one is, for those who look at it from outside. */
  get translated(): TranslatedKernel | undefined {
    return this.kernel;
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
      const { space, scheduler, console, devices, vms } = this.booted;
      space.start(raw);
      const port = this.linear(raw);
      return this.current.during(port, () => {
        this.gic.initialiseCpu(port);
        enablePrivate(port, this.gic);
        this.cpu(port.index).controls.initialise(port);
        scheduler.online(port.index);
        if (first) {
          console.initialise(port);
          const serial = console.interruptNumber;
          for (const interrupt of [...(serial === undefined ? [] : [serial]), ...devices.interrupts])
            this.gic.enable(port, interrupt, port.index);
          this.startOthers(port);
          for (const vm of vms) scheduler.start(vm);
        }
        this.cpu(port.index).emulation.begin(port);
        const leave = this.leave(port);
        // What the first switch moved belongs to no exit.
        scheduler.world.taken();
        return leave;
      });
    });
  }

  /** The port of a CPU, once translation is on. */
  private linear(raw: CpuPort): LinearPort {
    return (this.cpu(raw.index).port ??= this.parts.space.port(raw));
  }

  private startOthers(port: CpuPort): void {
    for (let cpu = 1; cpu < this.context.cpus; cpu++) {
      port.writeX(0, CPU_ON, 0);
      port.writeX(1, cpu, 0);
      port.writeX(2, this.context.page + BOOT_ENTRY, 0);
      port.writeX(3, 0, 0);
      port.operate(HVC);
    }
  }

  private make(port: CpuPort | undefined, state?: BootedState): Booted {
    const { setup, current, memory } = this;
    const { base, size } = setup.memory;
    const { host } = setup;
    const pages = new PageAllocator(base, size / PAGE, state?.pages);
    const timer = new HostTimer(current, host.cpus, state?.timer, 'EL1');
    const translated = setup.translation && state === undefined ? placesFor(pages) : undefined;
    const space = state
      ? new HostSpace(pages, host.cpus, state.space)
      : HostSpace.create(current.port, memory, pages, {
          page: this.context.page,
          ranges: [
            { base: 0, size: host.ramBase, kind: 'device' },
            { base: host.ramBase, size: host.memory, kind: 'memory' },
          ],
          paBits: 40,
          cpus: host.cpus,
          ...(translated && { translated }),
        });
    const places = translated ?? (state?.kernel ? savedPlaces(state.kernel.places) : undefined);
    if (places)
      this.kernel = new TranslatedKernel(
        space,
        places,
        setup.translation?.inline,
        state?.kernel ?? undefined,
      );
    const devices = new HostDevices(port, setup, { current, memory, pages }, state?.devices);
    const console = new ConsoleHub(
      setup,
      current,
      (vm, device, bytes) => vms[vm]?.type(device, bytes) ?? 0,
      state,
    );
    let firstId = 0;
    const vms = setup.vms.map((one, number) => {
      const { board } = one.vm;
      const shadow = new ShadowMmu(
        space,
        memory,
        pages,
        {
          variant: this.variant,
          ram: [{ ipa: board.ramBase, pa: one.vm.base, size: board.memory }],
          vcpus: board.cpus,
        },
        state?.vms[number]?.shadow,
      );
      const vm = new VirtualMachine(
        port,
        number,
        firstId,
        one,
        {
          current,
          memory,
          timer,
          frequency: host.timer.frequency,
          gic: this.gic,
          translation: new ShadowMemory(shadow),
          disks: devices.disksOf(one.vm),
          networks: devices.networksOf(one.vm),
          output: (from, device, byte) => {
            console.output(from, device, byte);
          },
          kick: (id) => {
            // While it is made nobody waits.
            this.booted?.scheduler.kick(id);
          },
        },
        state?.vms[number],
      );
      firstId += vm.vcpus.length;
      return vm;
    });
    const world = new TrapWorld();
    const scheduler: Booted['scheduler'] = new CpuScheduler(
      setup,
      current,
      this.gic,
      timer,
      vms,
      world,
      state,
    );
    return { pages, space, timer, vms, scheduler, console, devices };
  }

  /** How guests' tables are shadowed. */
  private get variant(): ShadowVariant {
    return this.setup.shadow ?? 'lazy';
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
    const { scheduler } = this.parts;
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
    const vm = this.parts.vms[vcpu?.vm ?? -1];
    if (vcpu && vm && exception.from === 'lower-a64') emulation.of(vm, vcpu);
    if (exception.kind === 'irq') {
      if (vcpu && this.isTranslated(exception, vcpu)) this.kernel?.arrive(emulation, -1);
      const interrupt = this.interrupt(port);
      served.cause = interruptName(interrupt);
      served.syndrome = interrupt;
      served.handler = 'interrupt';
    } else if (exception.from !== 'lower-a64') throw new Error(describeOwn(exception, port));
    else {
      if (vcpu === undefined || vm === undefined) throw new Error('an exit came while no vCPU ran');
      const translated = this.isTranslated(exception, vcpu);
      if (!translated || !this.serveTranslated(emulation)) {
        this.exits.serve(emulation);
        // A kernel that is emulated trap by trap changes its text and tables, too.
        if (translated) this.kernel?.followed(emulation, served.cause, emulation.word);
      }
    }
    const leave = this.leave(port);
    if (vcpu && watcher)
      watcher.end({ vm: vcpu.vm, vcpu: vcpu.index, ...served, moved: scheduler.world.taken() });
    return this.offIfDone(port, leave);
  }

  /** The guest's kernel was running, from the translation cache. */
  private isTranslated({ from }: Exception, vcpu: VirtualCpu): boolean {
    return this.kernel !== undefined && from === 'lower-a64' && vcpu.level === 1;
  }

  /** An exit of translated code. False where the exception is the guest's. */
  private serveTranslated(emulation: Emulation): boolean {
    const { kernel } = this;
    if (kernel === undefined) return false;
    emulation.port.readSystem(ESR_EL1, esr);
    const call = esr.lo >>> 26 === EC_SVC ? esr.lo & 0xffff : -1;
    const arrival = kernel.arrive(emulation, call);
    if (arrival === Arrival.Other) return false;
    const { served } = this.exits;
    served.syndrome = esr.lo;
    served.cause = served.handler = 'translator';
    if (arrival === Arrival.Emulate) {
      served.cause = emulateCalledOut(emulation, kernel.instruction, this.exits.instructions);
      served.handler = 'emulate';
      kernel.followed(emulation, served.cause, kernel.instruction);
    }
    return true;
  }

  /** Serves an interrupt and says which. */
  private interrupt(port: CpuPort): number {
    const { parts } = this;
    return serveInterrupt(port, this.gic, {
      timer: () => {
        parts.timer.expire(port);
      },
      shared: (_, interrupt) => {
        if (parts.console.interrupt(port, interrupt) || parts.devices.interrupt(port, interrupt)) return;
        this.gic.disable(port, interrupt);
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
    // With SP_EL0 as its stack pointer, or while it is debugged, the kernel is emulated trap by trap.
    if (this.kernel === undefined || vcpu.level === 0) return;
    if (vcpu.spSel === 0 || vcpu.stepping) {
      this.kernel.passBy();
      return;
    }
    emulation.begin(port);
    emulation.of(vm, vcpu);
    this.kernel.depart(emulation, pins !== 0);
    emulation.frame.end(port);
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

  /** The last act, where no VM is left: the firmware does not return from it. */
  private offIfDone(port: CpuPort, leave: Leave): Leave {
    if (leave === 'wait' && this.parts.vms.every((vm) => !vm.running)) {
      port.writeX(0, SYSTEM_OFF, 0);
      port.operate(HVC);
    }
    return leave;
  }

  /** The whole state, as plain data. */
  save(): TrapState {
    const { booted } = this;
    if (booted === undefined) return null;
    const { pages, space, timer, vms, scheduler, console, devices } = booted;
    return {
      pages: pages.save(),
      space: space.save(),
      kernel: this.kernel?.save() ?? null,
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

/** An exception of the hypervisor's own, in words. */
function describeOwn({ kind, from }: Exception, port: CpuPort): string {
  const esr: Word64 = { lo: 0, hi: 0 };
  const elr: Word64 = { lo: 0, hi: 0 };
  port.readSystem(ESR_EL1, esr);
  port.readSystem(ELR_EL1, elr);
  const at = pa(elr.hi * 2 ** 32 + elr.lo);
  return `an exception of its own: ${kind} from ${from}, ESR_EL1 0x${esr.lo.toString(16)}, ELR_EL1 0x${at.toString(16)}`;
}
