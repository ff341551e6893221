// Which vCPU each of the host's CPUs runs, and the world switches that follow from it.

import { StateError } from '@worldswitch/platform';
import type { CpuPort } from '@worldswitch/platform';
import { Scheduler } from '@worldswitch/vmm';
import type { CheckedVm, Current, HostDeadline, HostGic, HostTimer, SchedulerState } from '@worldswitch/vmm';

import type { HypervisorSetup } from './setup.ts';

/** A vCPU, as the scheduler sees it. */
export interface ScheduledVcpu {
  /** Its number among all of the host's. */
  readonly id: number;
  /** The number of its VM, and its own in that. */
  readonly vm: number;
  readonly index: number;
  on: boolean;
  waiting: boolean;
  /** The registers of a CPU that comes out of reset at an address. */
  reset(entry: bigint, x0: bigint): void;
}

/** A VM, as the scheduler sees it. */
export interface ScheduledVm<V extends ScheduledVcpu> {
  readonly vcpus: readonly V[];
  readonly checked: Pick<CheckedVm, 'weight' | 'pinned'>;
  readonly setup: { readonly entry: number; readonly x0: number };
  readonly gic: { wakes(port: CpuPort, vcpu: number): boolean };
}

/** The world switch of a technique. */
export interface World<V extends ScheduledVcpu, M extends ScheduledVm<V>> {
  /** A vCPU may come to another CPU than before; absent where each stays where it was put. */
  readonly migrates?: boolean;
  /** The vCPU stops running and stays loaded: only what an interrupt of the hypervisor's own would destroy is saved. */
  park(port: CpuPort, vcpu: V): void;
  unpark(port: CpuPort, vcpu: V): void;
  /** A vCPU leaves the CPU; `parked`: `park` has been called. */
  unload(port: CpuPort, vm: M, vcpu: V, parked: boolean): void;
  /** A vCPU comes to a CPU that has none. */
  load(port: CpuPort, vm: M, vcpu: V): void;
  /** What is kept of a vCPU that starts anew is void. */
  forget(vcpu: V): void;
}

/** The software-generated interrupt by which one CPU of the hypervisor's interrupts another. */
export const KICK = 0;

/** One of the host's CPUs. */
export interface PhysicalCpu {
  /** Switched on and in the hypervisor's hands. */
  on: boolean;
  /** The vCPU whose registers it has, or -1. */
  loaded: number;
  /** The vCPU that it runs, or -1: it waits. */
  running: number;
  /** ELR_EL2 and SPSR_EL2 are the loaded vCPU's: they are not once it waits. */
  fresh: boolean;
  /** Somebody else may have to run. */
  reschedule: boolean;
  /** The counter when it was last charged. */
  since: number;
}

/** What is saved of one CPU. */
export type PhysicalCpuState = Readonly<{
  on: boolean;
  loaded: number | null;
  running: number | null;
  fresh: boolean;
  reschedule: boolean;
  since: number;
}>;

/** What is saved. */
export interface CpuSchedulerState {
  readonly scheduler: SchedulerState;
  readonly cpus: readonly PhysicalCpuState[];
  /** When each CPU's slice ends, in ticks. */
  readonly slices: readonly (number | null)[];
}

const orNull = (n: number): number | null => (n < 0 || n === Infinity ? null : n);

/** The host's CPUs and who is on them. */
export class CpuScheduler<
  V extends ScheduledVcpu,
  M extends ScheduledVm<V>,
  W extends World<V, M> = World<V, M>,
> {
  readonly world: W;
  private readonly current: Current;
  private readonly gic: HostGic;
  private readonly timer: HostTimer;
  private readonly vms: readonly M[];
  private readonly vcpus: readonly V[];
  private readonly scheduler: Scheduler;
  private readonly cpus: readonly PhysicalCpu[];
  private readonly slices: readonly HostDeadline[];

  constructor(
    setup: HypervisorSetup,
    current: Current,
    gic: HostGic,
    timer: HostTimer,
    vms: readonly M[],
    world: W,
    state?: CpuSchedulerState,
  ) {
    const { cpus, timer: counter } = setup.host;
    const { slice = 0.01, period = 0.1 } = setup.scheduling;
    this.current = current;
    this.gic = gic;
    this.timer = timer;
    this.vms = vms;
    this.vcpus = vms.flatMap((vm) => vm.vcpus);
    this.world = world;
    const homes = homesOf(vms, cpus);
    this.scheduler = new Scheduler(
      this.vcpus.map((vcpu, id) => {
        const { weight, pinned } = this.machineOf(vcpu).checked;
        return world.migrates === true && !pinned ? weight : { ...weight, affinity: 1 << (homes[id] ?? 0) };
      }),
      { slice: Math.ceil(counter.frequency * slice), period: Math.ceil(counter.frequency * period) },
      state?.scheduler,
    );
    this.cpus = Array.from({ length: cpus }, (_, i) => {
      const s = state?.cpus[i];
      return {
        on: s?.on ?? false,
        loaded: s?.loaded ?? -1,
        running: s?.running ?? -1,
        fresh: s?.fresh ?? false,
        reschedule: s?.reschedule ?? false,
        since: s?.since ?? 0,
      };
    });
    this.checkCpus();
    this.cpus.forEach(({ loaded }, i) => {
      if (loaded >= 0) this.scheduler.hold(loaded, i);
    });
    this.slices = this.cpus.map((_, i) =>
      timer.deadline(() => {
        this.reschedule(i);
      }),
    );
    state?.slices.forEach((ticks, i) => {
      if (ticks !== null) this.slices[i]?.armAt(ticks);
    });
  }

  /** Throws a StateError where a vCPU is on a CPU that is none of its own. */
  private checkCpus(): void {
    this.cpus.forEach(({ loaded }, i) => {
      if (loaded >= 0 && !this.scheduler.allows(loaded, i))
        throw new StateError(`cpus[${i}].loaded`, 'must be a vCPU that may be on this CPU');
    });
  }

  /** A CPU of the host. */
  cpu(index: number): PhysicalCpu {
    const found = this.cpus[index];
    if (found === undefined) throw new RangeError(`the host has no CPU ${index}`);
    return found;
  }

  /** A vCPU by its number among all. */
  vcpu(id: number): V | undefined {
    return this.vcpus[id];
  }

  /** Ticks that a vCPU has had, up to the last exit of anybody. */
  ticksOf(id: number): number {
    const cpu = this.cpus.find(({ running }) => running === id);
    return this.scheduler.ticksOf(id) + (cpu ? Math.max(this.timer.ticks - cpu.since, 0) : 0);
  }

  /** A CPU of the host is the hypervisor's from now on. */
  online(index: number): void {
    this.cpu(index).on = true;
    this.cpu(index).reschedule = true;
  }

  /** The first vCPU of a VM starts where its boot loader would have entered it. */
  start(vm: M): void {
    const [first] = vm.vcpus;
    if (first) this.switchOn(first, BigInt(vm.setup.entry), BigInt(vm.setup.x0));
  }

  /** A vCPU, which is off and on no CPU, starts. */
  switchOn(vcpu: V, entry: bigint, x0: bigint): void {
    this.world.forget(vcpu);
    vcpu.reset(entry, x0);
    this.wake(vcpu);
  }

  /** A vCPU is off from now on, wherever it is. */
  switchOff(port: CpuPort, vcpu: V): void {
    vcpu.on = false;
    this.scheduler.block(vcpu.id);
    this.cpus.forEach((cpu, index) => {
      if (cpu.loaded !== vcpu.id) return;
      if (index === port.index) this.unload(port, cpu);
      this.reschedule(index);
    });
  }

  /** It waits for an interrupt, unless there is one. */
  wait(vcpu: V): void {
    if (this.machineOf(vcpu).gic.wakes(this.current.port, vcpu.index)) return;
    vcpu.waiting = true;
    this.scheduler.block(vcpu.id);
    this.reschedule(this.current.port.index);
  }

  /** It has an interrupt: it runs when it can, and sees it. */
  kick(id: number): void {
    const vcpu = this.vcpus[id];
    if (vcpu?.on !== true) return;
    if (vcpu.waiting) {
      this.wake(vcpu);
      return;
    }
    const on = this.scheduler.cpuOf(id);
    if (on >= 0 && this.current.inside && on !== this.current.port.index)
      this.gic.send(this.current.port, on, KICK);
  }

  private wake(vcpu: V): void {
    vcpu.waiting = false;
    this.chargeRunning();
    this.scheduler.wake(vcpu.id);
    const target = this.whoShould(vcpu);
    // A busy CPU of the same priority gives it a turn when the slice ends, which may not be armed yet.
    this.cpus.forEach((_, index) => {
      if (index === target || (target < 0 && this.mayRunOn(vcpu, index))) this.reschedule(index);
    });
  }

  /** What runs is charged up to now, so that who wakes is compared with what the others really had. */
  private chargeRunning(): void {
    const now = this.timer.ticks;
    this.cpus.forEach((cpu, index) => {
      if (cpu.running < 0) return;
      this.scheduler.charge(index, Math.max(now - cpu.since, 0), now);
      cpu.since = now;
    });
  }

  private mayRunOn(vcpu: V, index: number): boolean {
    return this.scheduler.allows(vcpu.id, index);
  }

  /** Somebody else may have to run on a CPU. */
  reschedule(index: number): void {
    const cpu = this.cpu(index);
    cpu.reschedule = true;
    if (cpu.on && index !== this.current.port.index) this.gic.send(this.current.port, index, KICK);
  }

  private machineOf(vcpu: V): M {
    const vm = this.vms[vcpu.vm];
    if (vm === undefined) throw new RangeError(`there is no VM ${vcpu.vm}`);
    return vm;
  }

  private unload(port: CpuPort, cpu: PhysicalCpu): void {
    const vcpu = this.vcpus[cpu.loaded];
    if (vcpu) {
      this.world.unload(port, this.machineOf(vcpu), vcpu, !cpu.fresh);
      this.scheduler.letGo(vcpu.id);
    }
    cpu.loaded = cpu.running = -1;
    cpu.fresh = false;
  }

  /** Chooses who runs on this CPU and makes it so: the vCPU that the CPU returns to, if any. */
  settle(port: CpuPort): V | undefined {
    const cpu = this.cpu(port.index);
    // Who leaves may find that its timer has expired, and want the CPU again: nothing else would tell this CPU.
    while (cpu.reschedule) this.choose(port, cpu);
    const vcpu = this.vcpus[cpu.running];
    if (vcpu && !cpu.fresh) {
      this.world.unpark(port, vcpu);
      cpu.fresh = true;
    }
    return vcpu;
  }

  private choose(port: CpuPort, cpu: PhysicalCpu): void {
    cpu.reschedule = false;
    const now = this.timer.ticks;
    this.scheduler.charge(port.index, Math.max(now - cpu.since, 0), now);
    cpu.since = now;
    const next = this.scheduler.pick(port.index, now);
    const slice = this.slices[port.index];
    const until = this.scheduler.nextPick(port.index, now);
    if (until === Infinity) slice?.cancel();
    else slice?.armAt(until);
    if (next === cpu.running) return;
    const before = this.vcpus[cpu.running];
    if (before && cpu.fresh) {
      this.world.park(port, before);
      cpu.fresh = false;
    }
    cpu.running = next;
    if (next < 0 || next === cpu.loaded) return;
    this.unloadFor(port, cpu);
    const vcpu = this.vcpus[next];
    if (vcpu === undefined) return;
    this.world.load(port, this.machineOf(vcpu), vcpu);
    this.scheduler.hold(next, port.index);
    cpu.loaded = cpu.running = next;
    cpu.fresh = true;
    if (before) this.offer(port, before);
  }

  /** Who had to leave this CPU may go on at another: one that is idle, or runs a lower priority, or would give it no turn. */
  private offer(port: CpuPort, vcpu: V): void {
    if (!this.scheduler.isRunnable(vcpu.id)) return;
    const target = this.whoShould(vcpu);
    this.cpus.forEach((_, index) => {
      const waits = target < 0 && this.mayRunOn(vcpu, index) && this.slices[index]?.ticks === Infinity;
      if (index !== port.index && (index === target || waits)) this.reschedule(index);
    });
  }

  /** The CPU that should run a vCPU at once, or -1. */
  private whoShould(vcpu: V): number {
    return this.scheduler.preempts(
      vcpu.id,
      (cpu) => this.cpu(cpu).on && this.cpu(cpu).running < 0,
      this.cpus.length,
    );
  }

  /** Whoever is loaded goes. */
  private unloadFor(port: CpuPort, cpu: PhysicalCpu): void {
    const { running } = cpu;
    if (cpu.loaded >= 0) this.unload(port, cpu);
    cpu.running = running;
  }

  /** As plain data. */
  save(): CpuSchedulerState {
    return {
      scheduler: this.scheduler.save(),
      cpus: this.cpus.map(({ on, loaded, running, fresh, reschedule, since }) => ({
        on,
        loaded: orNull(loaded),
        running: orNull(running),
        fresh,
        reschedule,
        since,
      })),
      slices: this.slices.map(({ ticks }) => orNull(ticks)),
    };
  }
}

/** The CPU of each vCPU: vCPUs stay where they are put, one after the other over the CPUs that their VM may have. */
function homesOf<V extends ScheduledVcpu>(vms: readonly ScheduledVm<V>[], cpus: number): readonly number[] {
  const load = new Array<number>(cpus).fill(0);
  return vms.flatMap((vm) =>
    vm.vcpus.map(() => {
      let best = -1;
      for (let cpu = 0; cpu < cpus; cpu++) {
        const allowed = ((vm.checked.weight.affinity >>> cpu) & 1) !== 0;
        if (allowed && (best < 0 || (load[cpu] ?? 0) < (load[best] ?? 0))) best = cpu;
      }
      load[best] = (load[best] ?? 0) + 1;
      return best;
    }),
  );
}
