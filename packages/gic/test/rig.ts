// A GICv2 on a bench, with registers by name and interrupts by ID.

import { gicV2 } from '@worldswitch/gic';
import type { GicPin, GicV2, GicV2Config } from '@worldswitch/gic';
import { bench, requester } from '@worldswitch/testkit';
import type { Bench } from '@worldswitch/testkit';

/** Who accesses: a CPU, in the Secure or Non-secure world. */
export interface Access {
  readonly cpu?: number;
  readonly secure?: boolean;
}

export interface Rig {
  readonly on: Bench<GicPin>;
  readonly device: GicV2;
  readonly read: (register: string, access?: Access) => number;
  readonly write: (register: string, value: number, access?: Access) => void;
  /** Byte accesses to the distributor. */
  readonly writeByte: (offset: number, value: number, access?: Access) => void;
  readonly readByte: (offset: number, access?: Access) => number;
  /** The pins that are high. */
  readonly pins: () => readonly string[];
  /** Drives an interrupt's wire, private ones of a CPU. */
  readonly wire: (id: number, level: boolean, cpu?: number) => void;
}

/** `GICD_ICFGR[2]` as block, offset. */
function locate(register: string): readonly [block: number, offset: number] {
  const [, name = '', index = '0'] = /^(\w+)(?:\[(\d+)\])?$/.exec(register) ?? [];
  const block = ['GICD', 'GICC', 'GICH', 'GICV'].indexOf(name.slice(0, 4));
  const row = gicV2.regions[block]?.registers?.find((each) => each.name === name);
  if (row === undefined) throw new Error(`no ${register}`);
  return [block, row.offset + 4 * Number(index)];
}

/** A GICv2 as it powers up. */
export function poweredUp(config: GicV2Config): Rig {
  const on = bench<GicPin>();
  const device = gicV2.create(config, on);
  const by = ({ cpu = 0, secure = false }: Access = {}): ReturnType<typeof requester> =>
    requester({ requester: cpu, secure });
  return {
    on,
    device,
    read: (register, access) => {
      const [block, offset] = locate(register);
      return device.mmio[block]?.read(offset, 4, by(access)) ?? -1;
    },
    write: (register, value, access) => {
      const [block, offset] = locate(register);
      device.mmio[block]?.write(offset, 4, value >>> 0, by(access));
    },
    writeByte: (offset, value, access) => device.mmio[0]?.write(offset, 1, value, by(access)),
    readByte: (offset, access) => device.mmio[0]?.read(offset, 1, by(access)) ?? -1,
    pins: () => Object.entries(on.levels).flatMap(([pin, level]) => (level ? [pin] : [])),
    wire: (id, level, cpu = 0) => {
      const line = id < 32 ? device.inputs.ppi(cpu, id - 16) : device.inputs.spi(id - 32);
      line.set(level);
    },
  };
}

/** One that is set up as a kernel does: Group 0 forwarded, all priorities unmasked, shared interrupts to CPU 0. */
export function running(config: GicV2Config = { cpus: 1 }): Rig {
  const rig = poweredUp(config);
  const secure = true;
  rig.write('GICD_CTLR', 1, { secure });
  for (let cpu = 0; cpu < config.cpus; cpu++) {
    rig.write('GICC_PMR', 0xff, { cpu, secure });
    rig.write('GICC_CTLR', 1, { cpu, secure });
  }
  for (let id = 32; id < (config.interrupts ?? 288); id++) rig.writeByte(0x800 + id, 1, { secure });
  return rig;
}

/** Enables an interrupt at a priority. */
export function enable(rig: Rig, id: number, priority = 0xa0, access: Access = { secure: true }): void {
  rig.writeByte(0x400 + id, priority, access);
  rig.write(`GICD_ISENABLER[${Math.floor(id / 32)}]`, 2 ** (id % 32), access);
}

/** A register's bit for an interrupt, for registers of one bit each. */
export const bitOf = (rig: Rig, register: string, id: number, access?: Access): number =>
  (rig.read(`${register}[${Math.floor(id / 32)}]`, access) >>> (id % 32)) & 1;
