// A GICv3 on a bench, with registers by name and interrupts by ID.

import { gicV3 } from '@worldswitch/gic';
import type { GicV3, GicV3Config, GicV3Pin } from '@worldswitch/gic';
import { bench, requester } from '@worldswitch/testkit';
import type { Bench } from '@worldswitch/testkit';

/** Who accesses a memory-mapped register, and for GICR_* whose redistributor it is of. */
export interface Access {
  readonly cpu?: number;
  readonly secure?: boolean;
}

export interface Rig {
  readonly on: Bench<GicV3Pin>;
  readonly device: GicV3;
  readonly config: GicV3Config;
  /** GICD_* and GICR_*: `GICR_ISENABLER0`, `GICD_ICFGR[2]`. */
  readonly read: (register: string, access?: Access) => number;
  readonly write: (register: string, value: number, access?: Access) => void;
  readonly readByte: (register: string, at: number, access?: Access) => number;
  readonly writeByte: (register: string, at: number, value: number, access?: Access) => void;
  /** ICC_*, ICV_* and ICH_* of a CPU: `ICC_IAR1_EL1`, or without the level `ICC_IAR1`. */
  readonly mrs: (register: string, cpu?: number) => number;
  readonly msr: (register: string, value: number, cpu?: number, high?: number) => void;
  readonly mrsHigh: (register: string, cpu?: number) => number;
  /** The pins that are high. */
  readonly pins: () => readonly string[];
  /** Drives an interrupt's wire, private ones of a CPU. */
  readonly wire: (id: number, level: boolean, cpu?: number) => void;
}

/** Block, row's offset and the address of `GICD_ICFGR[2]`. */
function locate(register: string, cpu: number): readonly [block: number, offset: number] {
  const [, name = '', index = '0'] = /^(\w+)(?:\[(\d+)\])?$/.exec(register) ?? [];
  const block = ['GICD', 'GICR'].indexOf(name.slice(0, 4));
  const row = gicV3.regions[block]?.registers?.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no ${register}`);
  return [block, row.offset + 4 * Number(index) + (block === 1 ? cpu * 0x2_0000 : 0)];
}

/** A GICv3 as it powers up. */
export function poweredUp(config: GicV3Config, state?: ReturnType<GicV3['save']>): Rig {
  const on = bench<GicV3Pin>();
  const device = gicV3.create(config, on, state);
  const { bank } = device;
  const by = ({ secure = false }: Access): ReturnType<typeof requester> => requester({ secure });
  const numberOf = (register: string): number => {
    const at = bank.registers.findIndex(
      (name) => name === register || name.replace(/_EL[12]$/, '') === register,
    );
    if (at < 0) throw new Error(`no ${register}`);
    return at;
  };
  const mrs = (register: string, cpu: number): { lo: number; hi: number } => {
    const out = { lo: -1, hi: -1 };
    bank.read(cpu, numberOf(register), out);
    return out;
  };
  return {
    on,
    device,
    config,
    read: (register, access = {}) => {
      const [block, offset] = locate(register, access.cpu ?? 0);
      return device.mmio[block]?.read(offset, 4, by(access)) ?? -1;
    },
    write: (register, value, access = {}) => {
      const [block, offset] = locate(register, access.cpu ?? 0);
      device.mmio[block]?.write(offset, 4, value >>> 0, by(access));
    },
    readByte: (register, at, access = {}) => {
      const [block, offset] = locate(register, access.cpu ?? 0);
      return device.mmio[block]?.read(offset + at, 1, by(access)) ?? -1;
    },
    writeByte: (register, at, value, access = {}) => {
      const [block, offset] = locate(register, access.cpu ?? 0);
      device.mmio[block]?.write(offset + at, 1, value, by(access));
    },
    mrs: (register, cpu = 0) => mrs(register, cpu).lo,
    mrsHigh: (register, cpu = 0) => mrs(register, cpu).hi,
    msr: (register, value, cpu = 0, high = 0) => {
      bank.write(cpu, numberOf(register), value >>> 0, high >>> 0);
    },
    pins: () => Object.entries(on.levels).flatMap(([pin, level]) => (level ? [pin] : [])),
    wire: (id, level, cpu = 0) => {
      const line = id < 32 ? device.inputs.ppi(cpu, id - 16) : device.inputs.spi(id - 32);
      line.set(level);
    },
  };
}

/** Which of the two groups of words an interrupt is in. */
const word = (id: number, register: string): string =>
  id < 32 ? `GICR_${register}0` : `GICD_${register}[${Math.floor(id / 32)}]`;

/** A register's bit for an interrupt, for registers of one bit each. */
export const bitOf = (rig: Rig, register: string, id: number, access?: Access): number =>
  (rig.read(word(id, register), access) >>> (id % 32)) & 1;

/** Sets an interrupt's bit in a register that is written in whole. */
export function setBit(rig: Rig, register: string, id: number, to: boolean, access?: Access): void {
  const old = rig.read(word(id, register), access);
  rig.write(word(id, register), to ? old | (1 << (id % 32)) : old & ~(1 << (id % 32)), access);
}

/** The group of an interrupt: 0, 1 (Non-secure, or the only Group 1), or Secure Group 1. */
export function group(rig: Rig, id: number, to: 0 | 1 | '1S', cpu = 0): void {
  const access = { cpu, secure: true };
  setBit(rig, 'IGROUPR', id, to === 1, access);
  if (to === '1S') setBit(rig, 'IGRPMODR', id, true, access);
}

/** Enables an interrupt at a priority. */
export function enable(rig: Rig, id: number, priority = 0xa0, cpu = 0): void {
  const access = { cpu, secure: true };
  if (id < 32) rig.writeByte('GICR_IPRIORITYR', id, priority, access);
  else rig.writeByte('GICD_IPRIORITYR', id, priority, access);
  rig.write(word(id, 'ISENABLER'), 2 ** (id % 32), access);
}

/** Routes a shared interrupt to an affinity, or to any CPU. */
export function route(rig: Rig, id: number, to: number | 'any'): void {
  rig.write(`GICD_IROUTER[${2 * id}]`, to === 'any' ? 0x8000_0000 : to, { secure: true });
}

/** What a CPU tells its interface: bits Secure 1, EL3 2, SCR_EL3.FIQ 4, SCR_EL3.IRQ 8. */
export const world = (rig: Rig, bits: number, cpu = 0): void => {
  rig.msr('ICC_PE_STATE', bits, cpu);
};

/** One that is set up as a kernel does: all groups forwarded and enabled, everything in Group 1, no priority masked. */
export function running(config: GicV3Config = { cpus: 1 }): Rig {
  const rig = poweredUp(config);
  const secure = true;
  rig.write('GICD_CTLR', 7, { secure });
  for (let i = 1; i < (config.interrupts ?? 288) / 32; i++) {
    rig.write(`GICD_IGROUPR[${i}]`, 0xffff_ffff, { secure });
  }
  for (let cpu = 0; cpu < config.cpus; cpu++) {
    rig.write('GICR_IGROUPR0', 0xffff_ffff, { cpu, secure });
    rig.write('GICR_WAKER', 0, { cpu, secure });
    rig.msr('ICC_PMR', 0xf8, cpu);
    rig.msr('ICC_IGRPEN0', 1, cpu);
    rig.msr('ICC_IGRPEN1_EL3', 3, cpu);
  }
  return rig;
}
