// A hypervisor for tests, on the simulated CPU: VMs with their interrupt controllers and timers, vCPUs that take turns on CPUs.

import { assembleProgram, systemRegisterAt } from '@worldswitch/isa-core';
import { attachSoftware, createMachine } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import { requester, stateCodec, uint } from '@worldswitch/platform';
import type {
  CpuPort,
  Exception,
  Leave,
  Mmio,
  PrivilegedSoftware,
  SoftwareContext,
  Transaction,
  Word64,
} from '@worldswitch/platform';

import type { HostGic } from '../../src/drivers/gic.ts';
import { hostGicV2 } from '../../src/drivers/gicv2.ts';
import { hostGicV3 } from '../../src/drivers/gicv3.ts';
import {
  Classes,
  Context,
  Current,
  EmulatedGicV2,
  HostTimer,
  hostTimerInterrupt,
  identifyAs,
  LazyFloat,
  listRegisterCountV2,
  listRegisterCountV3,
  maintenanceInterrupt,
  PageAllocator,
  physicalTimerRegisters,
  PhysicalMemory,
  restoreClasses,
  saveClasses,
  Stage2Map,
  systemOperation,
  systemRegister,
  trapPhysicalTimer,
  vcpuOfAffinity,
  virtualGicV2,
  VirtualGicV3,
  virtualGicV3,
  VirtualId,
  virtualPsci,
  VirtualTimer,
  virtualTimerInterrupt,
  VmClock,
} from '../../src/index.ts';
import type { VirtualGic } from '../../src/index.ts';

/** Guests' RAM as they see it. */
const GUEST = 0x4000_0000;
const RAM = 0x20_0000;
const TABLES = 0x4300_0000;
const [GICD, GICC, GICH, GICV, GICR] = [
  0x0800_0000, 0x0801_0000, 0x0803_0000, 0x0804_0000, 0x080a_0000,
] as const;

const R = {
  VBAR: systemRegister('VBAR_EL2'),
  HCR: systemRegister('HCR_EL2'),
  VTCR: systemRegister('VTCR_EL2'),
  VTTBR: systemRegister('VTTBR_EL2'),
  ESR: systemRegister('ESR_EL2'),
  ELR: systemRegister('ELR_EL2'),
  FAR: systemRegister('FAR_EL2'),
  HPFAR: systemRegister('HPFAR_EL2'),
  CNTHCTL: systemRegister('CNTHCTL_EL2'),
  CNTFRQ: systemRegister('CNTFRQ_EL0'),
} as const;
const SMC = systemOperation('SMC');

/** HCR_EL2: VM, FMO, IMO, AMO, TWI, TID3, TSC, RW. */
const HCR = 0x8000_0000 | 0x8_0000 | 0x4_0000 | 0x2000 | 0x39;

/** What is tried out. */
export interface RigOptions {
  readonly gic?: 2 | 3;
  /** GICC is emulated: no virtual CPU interface. */
  readonly emulated?: boolean;
  readonly cpus?: number;
  readonly engine?: 'reference' | 'jit';
  /** What the hypervisor leaves undone, to see that it is missed. */
  readonly without?: 'link' | 'maintenance' | 'float' | 'exceptions';
  /** Each VM's program, and how many vCPUs start at its first instruction with X0 their number. */
  readonly guests: readonly { readonly text: string; readonly vcpus?: number }[];
}

interface Vm {
  readonly map: Stage2Map;
  readonly clock: VmClock;
  readonly gic: VirtualGic | EmulatedGicV2;
  readonly id: VirtualId;
  readonly vcpus: Vcpu[];
}

interface Vcpu {
  readonly vm: Vm;
  readonly number: number;
  /** Of all vCPUs. */
  readonly global: number;
  readonly cpu: number;
  readonly context: Context;
  readonly timer: VirtualTimer;
  runs: boolean;
  waits: boolean;
}

/** What the hypervisor's HVC calls are. */
const Call = { Null: 0x10, Off: 0x11, Yield: 0x12, Burst: 0x13, Line: 0x14 } as const;

/** The hypervisor. */
export class Rig implements PrivilegedSoftware<number> {
  /** Exits by cause. */
  readonly exits = new Map<string, number>();
  /** What was moved by world switches. */
  readonly moved = { switches: 0, registers: 0, bytes: 0 };
  readonly vms: Vm[] = [];
  private readonly options: RigOptions;
  private readonly context: SoftwareContext;
  private readonly current = new Current();
  private readonly host: HostGic;
  private readonly timer: HostTimer;
  private readonly float: LazyFloat;
  private readonly here: (Vcpu | undefined)[] = [];
  private readonly by: readonly Transaction[] = [0, 1, 2, 3].map((index) => requester({ requester: index }));
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(context: SoftwareContext, options: RigOptions) {
    this.context = context;
    this.options = options;
    this.host = options.gic === 3 ? hostGicV3(GICD, GICR) : hostGicV2(GICD, GICC);
    this.timer = new HostTimer(this.current, context.cpus);
    this.float = new LazyFloat(context.cpus);
  }

  save(): number {
    return 0;
  }

  private count(cause: string): void {
    this.exits.set(cause, (this.exits.get(cause) ?? 0) + 1);
  }

  boot(port: CpuPort): Leave {
    return this.current.during(port, () => {
      if (port.index === 0) this.build(port);
      port.writeSystem(R.VBAR, this.context.page, 0);
      port.writeSystem(R.HCR, HCR, 0);
      port.writeSystem(R.CNTHCTL, trapPhysicalTimer, 0);
      this.host.initialiseCpu(port);
      for (const id of [0, maintenanceInterrupt, hostTimerInterrupt, virtualTimerInterrupt])
        this.host.enable(port, id, port.index);
      return this.schedule(port);
    });
  }

  private build(port: CpuPort): void {
    this.host.initialise(port);
    const memory = new PhysicalMemory();
    const allocator = new PageAllocator(TABLES, 256);
    port.readSystem(R.CNTFRQ, this.word);
    const frequency = this.word.lo;
    let global = 0;
    this.options.guests.forEach(({ vcpus = 1 }, n) => {
      const map = Stage2Map.create(port, memory, allocator, { ipaBits: 32, paBits: 40, vmid: n + 1 });
      map.map(port, GUEST as never, (GUEST + n * RAM) as never, RAM, { write: true, execute: true });
      const attention = (number: number): void => {
        this.attend(port.index, n, number);
      };
      const host = { current: this.current, host: this.host, attention };
      const gic = this.controller(port, vcpus, host, map);
      const clock = new VmClock(this.timer, frequency);
      const id = VirtualId.ofHost(port, { gic: this.options.gic ?? 2, monitors: false });
      const vm: Vm = { map, clock, gic, id, vcpus: [] };
      this.vms.push(vm);
      for (let number = 0; number < vcpus; number++) {
        if (this.options.without !== 'link') gic.link(number, virtualTimerInterrupt, virtualTimerInterrupt);
        vm.vcpus.push(this.vcpu(vm, number, global++));
      }
    });
    for (let cpu = 1; cpu < this.context.cpus; cpu++) {
      [0xc400_0003, cpu, this.context.page + 0x800].forEach((value, n) => {
        port.writeX(n, value, 0);
      });
      port.operate(SMC);
    }
  }

  private controller(
    port: CpuPort,
    vcpus: number,
    host: ConstructorParameters<typeof EmulatedGicV2>[1],
    map: Stage2Map,
  ): VirtualGic | EmulatedGicV2 {
    if (this.options.emulated === true) return new EmulatedGicV2(vcpus, host);
    if (this.options.gic === 3)
      return virtualGicV3({ vcpus, listRegisters: listRegisterCountV3(port) }, host);
    map.map(port, GICC as never, GICV as never, 0x2000, { write: true, memory: 'device' });
    return virtualGicV2({ vcpus, listRegisters: listRegisterCountV2(port, GICH), gich: GICH }, host);
  }

  private vcpu(vm: Vm, number: number, global: number): Vcpu {
    const context = new Context();
    context.setX(0, number);
    context.set('ELR_EL2', GUEST);
    context.set('SPSR_EL2', 0x3c5);
    context.set('SCTLR_EL1', 0x30d0_0800);
    context.set('CPACR_EL1', 0x30_0000);
    const { gic } = vm;
    const timer = new VirtualTimer(this.timer, vm.clock, context, {
      raise: () => {
        gic.raise(number, virtualTimerInterrupt);
      },
      isRaised: () => gic.isRaised(number, virtualTimerInterrupt),
      physical: gic.ppi(number, 14),
    });
    const cpu = global % this.context.cpus;
    return { vm, number, global, cpu, context, timer, runs: true, waits: false };
  }

  /** A vCPU may have an interrupt: it waits no longer, and where it runs on another CPU it is interrupted there. */
  private attend(_: number, vm: number, number: number): void {
    const vcpu = this.vms[vm]?.vcpus[number];
    if (vcpu === undefined || !this.current.inside) return;
    vcpu.waits = false;
    const { port } = this.current;
    if (vcpu.cpu !== port.index) this.host.send(port, vcpu.cpu, 0);
  }

  // Turns

  private classes(): number {
    const all = Classes.General | Classes.El1;
    return this.options.without === 'exceptions' ? all & ~Classes.Exceptions : all;
  }

  private load(port: CpuPort, vcpu: Vcpu): void {
    this.here[port.index] = vcpu;
    port.writeSystem(R.VTCR, vcpu.vm.map.vtcr[0], vcpu.vm.map.vtcr[1]);
    port.writeSystem(R.VTTBR, vcpu.vm.map.vttbr[0], vcpu.vm.map.vttbr[1]);
    identifyAs(port, vcpu.number);
    const moves = [
      vcpu.vm.gic.load(port, vcpu.number),
      vcpu.timer.load(port),
      restoreClasses(port, vcpu.context, this.classes()),
    ];
    if (this.options.without !== 'float') this.float.load(port);
    this.moved.switches++;
    for (const { registers, bytes } of moves) {
      this.moved.registers += registers;
      this.moved.bytes += bytes;
    }
  }

  private unload(port: CpuPort): void {
    const vcpu = this.here[port.index];
    if (vcpu === undefined) return;
    this.here[port.index] = undefined;
    const moves = [
      saveClasses(port, vcpu.context, this.classes()),
      this.float.unload(port, vcpu.global, vcpu.context),
      vcpu.timer.unload(port),
      vcpu.vm.gic.unload(port, vcpu.number),
    ];
    for (const { registers, bytes } of moves) {
      this.moved.registers += registers;
      this.moved.bytes += bytes;
    }
  }

  /** The next vCPU of this CPU after `after` that can run. */
  private schedule(port: CpuPort, after = -1): Leave {
    const own = this.vms.flatMap(({ vcpus }) => vcpus).filter(({ cpu }) => cpu === port.index);
    const order = [
      ...own.filter(({ global }) => global > after),
      ...own.filter(({ global }) => global <= after),
    ];
    const next = order.find(({ runs, waits }) => runs && !waits);
    if (next === undefined) {
      this.unload(port);
      if (this.vms.every(({ vcpus }) => vcpus.every(({ runs }) => !runs))) this.off(port);
      return 'wait';
    }
    if (this.here[port.index] !== next) {
      this.unload(port);
      this.load(port, next);
    }
    next.vm.gic.enter(port, next.number);
    return 'eret';
  }

  private off(port: CpuPort): void {
    port.writeX(0, 0x8400_0008, 0);
    port.operate(SMC);
  }

  take({ kind }: Exception, port: CpuPort): Leave {
    return this.current.during(port, () => {
      const vcpu = this.here[port.index];
      if (kind === 'irq') this.interrupted(port, vcpu);
      else if (vcpu === undefined) throw new Error('an exit of nobody');
      else this.exit(port, vcpu);
      const now = this.here[port.index];
      if (now === undefined || now.waits || !now.runs) return this.schedule(port, vcpu?.global);
      now.vm.gic.enter(port, now.number);
      return 'eret';
    });
  }

  private interrupted(port: CpuPort, vcpu: Vcpu | undefined): void {
    const told = this.host.acknowledge(port);
    const id = this.host.numberOf(told);
    this.count(vcpu === undefined ? 'irq while waiting' : `irq ${id}`);
    if (id >= 1020) return;
    if (id === virtualTimerInterrupt) {
      this.host.drop(port, told);
      vcpu?.timer.interrupted();
      return;
    }
    if (id === maintenanceInterrupt && vcpu !== undefined && this.options.without !== 'maintenance') {
      vcpu.vm.gic.maintain(port, vcpu.number);
    }
    if (id === hostTimerInterrupt) this.timer.expire(port);
    this.host.drop(port, told);
    this.host.deactivate(port, told);
  }

  private skip(port: CpuPort): void {
    port.readSystem(R.ELR, this.word);
    port.writeSystem(R.ELR, this.word.lo + 4, this.word.hi);
  }

  private exit(port: CpuPort, vcpu: Vcpu): void {
    port.readSystem(R.ESR, this.word);
    const esr = this.word.lo;
    switch (esr >>> 26) {
      case 0x01:
        this.count('wfi');
        this.skip(port);
        vcpu.waits = !vcpu.vm.gic.wakes(port, vcpu.number);
        return;
      case 0x07:
        this.count('fp');
        this.addMoved(this.float.use(port, vcpu.global, vcpu.context));
        return;
      case 0x16:
        this.called(port, vcpu, esr & 0xffff);
        return;
      case 0x18:
        this.system(port, vcpu, esr);
        return;
      case 0x24:
        this.access(port, vcpu, esr);
        return;
      default:
        throw new Error(`exception class 0x${(esr >>> 26).toString(16)} is not expected`);
    }
  }

  private addMoved({ registers, bytes }: { readonly registers: number; readonly bytes: number }): void {
    this.moved.registers += registers;
    this.moved.bytes += bytes;
  }

  private called(port: CpuPort, vcpu: Vcpu, immediate: number): void {
    const { gic } = vcpu.vm;
    this.count(`hvc ${immediate}`);
    port.readX(0, this.word);
    const argument = this.word.lo;
    if (immediate === 0) {
      virtualPsci(port, this.psci(vcpu), vcpu.number);
    } else if (immediate === Call.Off) vcpu.runs = false;
    else if (immediate === Call.Yield) this.schedule(port, vcpu.global);
    else if (immediate === Call.Burst) {
      // Edges of SPIs 0 to n-1, the last first.
      for (let n = argument - 1; n >= 0; n--) {
        gic.spi(n).set(false);
        gic.spi(n).set(true);
      }
    } else if (immediate === Call.Line) {
      port.readX(1, this.word);
      gic.spi(argument).set(this.word.lo !== 0);
    }
  }

  private psci(caller: Vcpu): Parameters<typeof virtualPsci>[1] {
    const { vcpus } = caller.vm;
    return {
      cpuOf: (affinity) => vcpuOfAffinity(affinity, vcpus.length),
      isOn: (vcpu) => vcpus[vcpu]?.runs ?? false,
      start: () => {
        throw new Error('all start together');
      },
      stop: (vcpu) => {
        const found = vcpus[vcpu];
        if (found !== undefined) found.runs = false;
      },
      suspend: () => undefined,
      powerOff: () => {
        for (const vcpu of vcpus) vcpu.runs = false;
      },
      reset: () => undefined,
    };
  }

  private system(port: CpuPort, vcpu: Vcpu, esr: number): void {
    const field = (at: number, bits: number): number => (esr >>> at) & (2 ** bits - 1);
    const name =
      systemRegisterAt(field(20, 2), field(14, 3), field(10, 4), field(1, 4), field(17, 3))?.name ?? '?';
    const [rt, read] = [field(5, 5), (esr & 1) !== 0];
    this.count(name);
    this.skip(port);
    const { gic } = vcpu.vm;
    if (read) {
      if (VirtualId.has(name)) vcpu.vm.id.read(name, this.word);
      else if (physicalTimerRegisters.includes(name)) vcpu.timer.read(name, this.word);
      else throw new Error(`${name} is not expected`);
      port.writeX(rt, this.word.lo, this.word.hi);
      return;
    }
    port.readX(rt, this.word);
    if (physicalTimerRegisters.includes(name)) vcpu.timer.write(name, this.word.lo, this.word.hi);
    else if (gic instanceof VirtualGicV3) gic.write(port, vcpu.number, name, this.word.lo, this.word.hi);
    else throw new Error(`${name} is not expected`);
  }

  private access(port: CpuPort, vcpu: Vcpu, esr: number): void {
    if ((esr & 0x100_0000) === 0) throw new Error('a data abort without a syndrome');
    port.readSystem(R.HPFAR, this.word);
    const page = (this.word.lo >>> 4) * 0x1000;
    port.readSystem(R.FAR, this.word);
    const at = page + (this.word.lo & 0xfff);
    const [mmio, offset, name] = this.block(vcpu.vm, at);
    this.count(`mmio ${name}`);
    const width = (1 << ((esr >>> 22) & 3)) as 1 | 4;
    const rt = (esr >>> 16) & 31;
    const by = this.by[vcpu.number] ?? requester();
    if ((esr & 0x40) !== 0) {
      port.readX(rt, this.word);
      mmio.write(offset, width, width === 1 ? this.word.lo & 0xff : this.word.lo, by);
    } else port.writeX(rt, mmio.read(offset, width, by), 0);
    this.skip(port);
  }

  private block({ gic }: Vm, at: number): readonly [Mmio, number, string] {
    const bases = this.options.gic === 3 ? [GICD, GICR] : [GICD, GICC];
    for (const [index, base] of bases.entries()) {
      const block = gic.blocks[index];
      if (block !== undefined && at >= base && at < base + block.size)
        return [block.mmio, at - base, block.name];
    }
    throw new Error(`nothing is at 0x${at.toString(16)}`);
  }
}

/** A machine with the hypervisor and its guests, and the hypervisor. */
export function rig(options: RigOptions): { readonly machine: Machine; readonly rig: () => Rig } {
  let made: Rig | undefined;
  const software = attachSoftware(
    'rig',
    (context) => (made = new Rig(context, options)),
    stateCodec(1, uint()),
  );
  const machine = createMachine({
    el2: true,
    memory: '64M',
    // The quickest to make; runs are short.
    engine: options.engine ?? 'reference',
    cpus: options.cpus ?? 1,
    gic: { version: options.gic ?? 2 },
    software: [software],
  });
  options.guests.forEach(({ text }, n) => {
    const { words } = assembleProgram(text, GUEST);
    machine.bus.load((GUEST + n * RAM) as never, new Uint8Array(words.buffer));
  });
  return {
    machine,
    rig() {
      if (made === undefined) throw new Error('not made yet');
      return made;
    },
  };
}

/** A word of a guest's memory. */
export function guestWord(machine: Machine, at: number, vm = 0): number {
  const seen = machine.bus.memoryAt((at + vm * RAM) as never);
  if (seen === undefined) throw new Error('no memory');
  const { bytes } = seen.memory;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + vm * RAM - seen.base, true);
}
