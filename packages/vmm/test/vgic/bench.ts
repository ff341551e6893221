// A board's GIC, its CPUs' ports, and a VM's interrupt controller on them, with a guest that acknowledges and ends by hand.

import { gicV2, gicV3, maintenanceInterrupt } from '@worldswitch/gic';
import type { GicV2, GicV3 } from '@worldswitch/gic';
import { alone, requester } from '@worldswitch/platform';
import type { Mmio, SystemRegister, Transaction, Word64 } from '@worldswitch/platform';

import { Current, systemRegister, virtualGicV2, virtualGicV3, VirtualGicV3 } from '../../src/index.ts';
import type { VirtualGic, VirtualGicState } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const GICD = 0x0800_0000;
const GICH = 0x0803_0000;

/** A port whose GICv3 registers are the board's. */
class BankedPort extends FakePort {
  private readonly bank: GicV3['bank'] | undefined;
  private readonly numbers: ReadonlyMap<SystemRegister, number>;

  constructor(index: number, bank: GicV3['bank'] | undefined, numbers: ReadonlyMap<SystemRegister, number>) {
    super({ index, bytes: 0x1000 });
    this.bank = bank;
    this.numbers = numbers;
  }

  override readSystem(register: SystemRegister, out: Word64): void {
    const number = this.numbers.get(register);
    if (number !== undefined) this.bank?.read(this.index, number, out);
    super.readSystem(register, number === undefined ? out : { lo: 0, hi: 0 });
  }

  override writeSystem(register: SystemRegister, lo: number, hi: number): void {
    const number = this.numbers.get(register);
    if (number !== undefined) this.bank?.write(this.index, number, lo, hi);
    super.writeSystem(register, lo, hi);
  }
}

/** What is tried out. */
export interface Bench {
  readonly version: 2 | 3;
  readonly vgic: VirtualGic;
  readonly ports: readonly FakePort[];
  /** vCPUs for which attention was asked, in order. */
  readonly asked: number[];
  /** Maintenance interrupts that were handled. */
  maintained: number;
  /** A vCPU comes to a CPU, where vCPU n is on CPU n unless said otherwise. */
  load(vcpu: number, cpu?: number): void;
  unload(vcpu: number): void;
  /** What a hypervisor does around each exit: maintenance if it is due, and entry. True where there was an exit for maintenance. */
  enter(vcpu: number): boolean;
  /** The guest's virtual IRQ pin. */
  signalled(vcpu: number): boolean;
  /** The guest acknowledges: what it is told. */
  acknowledge(vcpu: number): number;
  /** The guest ends an interrupt. */
  end(vcpu: number, told: number): void;
  /** The guest's accesses to its distributor; `private` to its own redistributor of a GICv3. */
  read(vcpu: number, offset: number, width?: 1 | 4): number;
  write(vcpu: number, offset: number, value: number, width?: 1 | 4): void;
  /** Enables an interrupt, with a priority, for a vCPU; level-triggered unless `edge`. */
  enable(id: number, priority: number, vcpu: number, edge?: boolean): void;
  /** An SGI. */
  send(from: number, to: number, id: number): void;
  /** The board's state of a private interrupt of a CPU. */
  physical: (cpu: number, id: number) => { readonly active: boolean; readonly pending: boolean };
  /** Accesses to the board's interrupt controller so far, in order. */
  accesses(cpu: number): number;
  /** Sets the guest's group enables, mask and EOI mode. */
  guestControl(vcpu: number, enables: number, mask: number, split: boolean): void;
  guestDeactivate(vcpu: number, told: number): void;
  /** Within an entry on a vCPU's CPU. */
  within<Result>(vcpu: number, body: () => Result): Result;
  save(): VirtualGicState;
}

/** Makes one. */
export function bench(
  version: 2 | 3,
  vcpus = 1,
  listRegisters = 4,
  state?: VirtualGicState,
  from?: Bench,
): Bench {
  const cpus = vcpus;
  const levels = new Map<string, boolean>();
  const wiring = alone<string>((pin, level) => levels.set(pin, level));
  const board: GicV2 | GicV3 =
    version === 2
      ? gicV2.create({ cpus, listRegisters }, wiring)
      : gicV3.create({ cpus, listRegisters }, wiring);
  const bank = 'bank' in board ? board.bank : undefined;
  const numbers = new Map<SystemRegister, number>();
  bank?.registers.forEach((name, i) => {
    if (/^IC[CH]_\w+_EL\d$/.test(name)) numbers.set(systemRegister(name), i);
  });
  const by = Array.from({ length: cpus }, (_, i) => requester({ requester: i }));
  const byOf = (i: number): Transaction => by[i] ?? requester();
  const ports = Array.from({ length: cpus }, (_, i) => new BankedPort(i, bank, numbers));
  for (const port of ports) {
    port.device(GICD, 0x1_0000, blockOf(board.mmio, 0));
    if (version === 2) port.device(GICH, 0x1_0000, blockOf(board.mmio, 2));
  }
  const current = new Current();
  const asked: number[] = [];
  const place = new Map<number, number>();
  const portOf = (vcpu: number): FakePort => {
    const port = ports[place.get(vcpu) ?? vcpu];
    if (port === undefined) throw new Error(`vCPU ${vcpu} is on no CPU`);
    return port;
  };
  const privateBlock = (cpu: number): { mmio: Mmio; base: number } =>
    version === 2
      ? { mmio: blockOf(board.mmio, 0), base: 0 }
      : { mmio: blockOf(board.mmio, 1), base: 0x2_0000 * cpu + 0x1_0000 };
  const privateBit = (cpu: number, offset: number, id: number): boolean => {
    const { mmio, base } = privateBlock(cpu);
    return ((mmio.read(base + offset, 4, byOf(cpu)) >>> id) & 1) !== 0;
  };
  const setPrivate = (cpu: number, offset: number, id: number): void => {
    const { mmio, base } = privateBlock(cpu);
    mmio.write(base + offset, 4, 2 ** id, byOf(cpu));
  };
  const host = {
    current,
    host: {
      activate: (port: { index: number }, id: number) => {
        setPrivate(port.index, 0x300, id);
      },
      deactivate: (port: { index: number }, id: number) => {
        setPrivate(port.index, 0x380, id);
      },
    },
    attention: (vcpu: number) => {
      asked.push(vcpu);
    },
  };
  const vgic =
    version === 2
      ? virtualGicV2({ vcpus, listRegisters, gich: GICH }, host, state)
      : virtualGicV3({ vcpus, listRegisters }, host, state);
  const system = (cpu: number, name: string, value?: number): number => {
    const number = bank?.registers.indexOf(name) ?? -1;
    const out = { lo: 0, hi: 0 };
    if (value === undefined) bank?.read(cpu, number, out);
    else bank?.write(cpu, number, value, 0);
    return out.lo;
  };
  const gicv = (cpu: number, offset: number, value?: number): number => {
    const block = blockOf(board.mmio, 3);
    if (value === undefined) return block.read(offset, 4, byOf(cpu));
    block.write(offset, 4, value, byOf(cpu));
    return 0;
  };
  const cpuOf = (vcpu: number): number => portOf(vcpu).index;
  /** Private registers are in the guest's own redistributor of a GICv3. */
  const target = (vcpu: number, offset: number): { mmio: Mmio; at: number } => {
    const own = version === 3 && isPrivate(offset);
    const block = vgic.blocks[own ? 1 : 0];
    if (block === undefined) throw new Error('no block');
    return { mmio: block.mmio, at: own ? 0x2_0000 * vcpu + 0x1_0000 + offset : offset };
  };
  const self: Bench = {
    version,
    vgic,
    ports,
    asked,
    maintained: 0,
    load(vcpu, cpu = vcpu) {
      place.set(vcpu, cpu);
      self.within(vcpu, () => vgic.load(portOf(vcpu), vcpu));
    },
    unload(vcpu) {
      self.within(vcpu, () => vgic.unload(portOf(vcpu), vcpu));
      place.delete(vcpu);
    },
    enter(vcpu) {
      const due = self.physical(cpuOf(vcpu), maintenanceInterrupt).pending;
      self.within(vcpu, () => {
        if (due) vgic.maintain(portOf(vcpu), vcpu);
        vgic.enter(portOf(vcpu), vcpu);
      });
      if (due) self.maintained++;
      return due;
    },
    signalled: (vcpu) => levels.get(`virq${cpuOf(vcpu)}`) ?? false,
    acknowledge: (vcpu) => (version === 2 ? gicv(cpuOf(vcpu), 0xc) : system(cpuOf(vcpu), 'ICV_IAR1_EL1')),
    end(vcpu, told) {
      if (version === 2) gicv(cpuOf(vcpu), 0x10, told);
      else system(cpuOf(vcpu), 'ICV_EOIR1_EL1', told);
    },
    read: (vcpu, offset, width = 4) =>
      self.within(vcpu, () => {
        const { mmio, at } = target(vcpu, offset);
        return mmio.read(at, width, byOf(vcpu));
      }),
    write(vcpu, offset, value, width = 4) {
      self.within(vcpu, () => {
        const { mmio, at } = target(vcpu, offset);
        mmio.write(at, width, value, byOf(vcpu));
      });
    },
    enable(id, priority, vcpu, edge = false) {
      self.write(vcpu, 0x400 + id, priority, 1);
      if (id >= 32 && version === 2) self.write(vcpu, 0x800 + id, 1 << vcpu, 1);
      if (id >= 32 && version === 3) self.write(vcpu, 0x6000 + 8 * id, vcpu);
      if (id >= 16) {
        const [offset, shift] = [0xc00 + 4 * (id >>> 4), 2 * (id & 15)];
        const others = self.read(vcpu, offset) & ~(3 << shift);
        self.write(vcpu, offset, (others | (edge ? 2 << shift : 0)) >>> 0);
      }
      if (version === 3) {
        const offset = 0x80 + 4 * (id >>> 5);
        self.write(vcpu, offset, (self.read(vcpu, offset) | (2 ** (id & 31))) >>> 0);
      }
      self.write(vcpu, 0x100 + 4 * (id >>> 5), 2 ** (id & 31));
    },
    send(sender, to, id) {
      if (version === 2) self.write(sender, 0xf00, (1 << (16 + to)) | id);
      else if (vgic instanceof VirtualGicV3) {
        self.within(sender, () => {
          vgic.write(portOf(sender), sender, 'ICC_SGI1R_EL1', ((id << 24) | (1 << to)) >>> 0, 0);
        });
      }
    },
    physical: (cpu, id) => ({ active: privateBit(cpu, 0x300, id), pending: privateBit(cpu, 0x200, id) }),
    accesses: (cpu) =>
      ports[cpu]?.done.filter(
        (d) =>
          ((d.what === 'load' || d.what === 'store') && d.at >= GICH) ||
          d.what === 'read' ||
          d.what === 'write',
      ).length ?? 0,
    guestControl(vcpu, enables, mask, split) {
      const cpu = cpuOf(vcpu);
      if (version === 2) {
        gicv(cpu, 0x0, enables | (split ? 0x200 : 0) | 4);
        gicv(cpu, 0x4, mask);
      } else {
        system(cpu, 'ICV_IGRPEN0_EL1', enables & 1);
        system(cpu, 'ICV_IGRPEN1_EL1', enables >>> 1);
        system(cpu, 'ICV_CTLR_EL1', split ? 2 : 0);
        system(cpu, 'ICV_PMR_EL1', mask);
      }
    },
    guestDeactivate(vcpu, told) {
      if (version === 2) gicv(cpuOf(vcpu), 0x1000, told);
      else system(cpuOf(vcpu), 'ICV_DIR_EL1', told);
    },
    within: (vcpu, body) => current.during(portOf(vcpu), body),
    save: () => vgic.save(),
  };
  if (state === undefined) {
    for (let vcpu = 0; vcpu < vcpus; vcpu++) self.load(vcpu);
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      self.write(vcpu, 0, 3);
      self.guestControl(vcpu, 3, 0xf8, false);
      self.enter(vcpu);
    }
    if (version === 3) for (let vcpu = 0; vcpu < vcpus; vcpu++) self.write(vcpu, 0x80, 0xffff);
    if (version === 3) for (let vcpu = 0; vcpu < vcpus; vcpu++) self.write(vcpu, 0x100, 0xffff);
    asked.length = 0;
  } else from?.within(0, () => undefined);
  return self;
}

/** Registers of private interrupts: the first 32 of each kind. */
function isPrivate(offset: number): boolean {
  if (offset < 0x80 || offset >= 0xd00) return false;
  if (offset < 0x400) return (offset & 0x7f) < 4;
  if (offset < 0xc00) return (offset & 0x3ff) < 32;
  return offset < 0xc08;
}

function blockOf(blocks: readonly Mmio[], index: number): Mmio {
  const found = blocks[index];
  if (found === undefined) throw new Error(`no block ${index}`);
  return found;
}
