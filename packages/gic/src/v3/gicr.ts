// The redistributors' registers, GICR_*: a control frame and an SGI frame of 64 KiB per CPU (IHI 0069 12.11, 12.12), without LPIs.

import { Fault, identification, registerTable } from '@worldswitch/platform';
import type { Mmio, Register, RegisterTable, Trace, Transaction } from '@worldswitch/platform';

import { implementer } from './gicd.ts';
import { interruptRows, merge, nonSecure } from './host.ts';
import type { Host } from './host.ts';
import { redistributorControlBits } from './saved-state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** Bytes of a CPU's two frames. */
export const redistributorSize = 0x2_0000;

const interfaceOf = ({ gic, cpu }: Host): CpuInterface => {
  const found = gic.cpu[cpu];
  if (found === undefined) throw new RangeError(`no redistributor ${cpu}`);
  return found;
};

/** The DPG bits that an access may see: a Non-secure one DPG1NS alone. */
const declining = (host: Host, by: Transaction): number =>
  nonSecure(host.gic, by) ? 1 << 25 : redistributorControlBits;

/** GICR_TYPER, in halves: affinity; processor number, DPGS, Last. */
function readType({ gic, cpu }: Host, word: number): number {
  if (word === 1) return gic.is.affinities[cpu] ?? 0;
  return (cpu << 8) | (1 << 5) | (cpu === gic.is.cpus - 1 ? 1 << 4 : 0);
}

const rows: readonly Register<Host>[] = [
  {
    name: 'GICR_CTLR',
    offset: 0x0000,
    access: 'RW',
    about: 'declines interrupts that any CPU may take, by group',
    fields: {
      EnableLPIs: [0, 0],
      RWP: [3, 3],
      DPG0: [24, 24],
      DPG1NS: [25, 25],
      DPG1S: [26, 26],
      UWP: [31, 31],
    },
    read: (host, _, by) => interfaceOf(host).redistributorControl & declining(host, by),
    write(host, value, lanes, _, by) {
      const cpu = interfaceOf(host);
      const change = lanes & declining(host, by);
      cpu.redistributorControl = (cpu.redistributorControl & ~change) | (value & change);
      host.update();
    },
  },
  {
    name: 'GICR_IIDR',
    offset: 0x0004,
    access: 'RO',
    about: 'identification',
    fields: { ProductID: [31, 24], Variant: [19, 16], Revision: [15, 12], Implementer: [11, 0] },
    read: () => implementer,
  },
  {
    name: 'GICR_TYPER',
    offset: 0x0008,
    words: 2,
    access: 'RO',
    about: 'whose it is; whether it is the last',
    fields: { PLPIS: [0, 0], VLPIS: [1, 1], Last: [4, 4], DPGS: [5, 5], Processor_Number: [23, 8] },
    read: readType,
  },
  { name: 'GICR_STATUSR', offset: 0x0010, access: 'RW', about: 'optional, not implemented: zero' },
  {
    name: 'GICR_WAKER',
    offset: 0x0014,
    access: 'RW',
    about: 'a sleeping CPU is given nothing; for the Secure state alone where there are two',
    fields: { ProcessorSleep: [1, 1], ChildrenAsleep: [2, 2] },
    read: (host, _, by) => (nonSecure(host.gic, by) || interfaceOf(host).asleep === 0 ? 0 : 6),
    write(host, value, lanes, _, by) {
      if (nonSecure(host.gic, by)) return;
      const cpu = interfaceOf(host);
      cpu.asleep = (merge(cpu.asleep << 1, value, lanes) >>> 1) & 1;
      host.update();
    },
  },
  { name: 'GICR_PROPBASER', offset: 0x0070, words: 2, access: 'RW', about: 'no LPIs: zero' },
  { name: 'GICR_PENDBASER', offset: 0x0078, words: 2, access: 'RW', about: 'no LPIs: zero' },
  ...identification<Host>(0xffd0, 'GICR_PIDR', [0x44, 0x00, 0x00, 0x00], 4),
  ...identification<Host>(0xffe0, 'GICR_PIDR', [0x93, 0xb4, 0x3b, 0x00]),
  ...identification<Host>(0xfff0, 'GICR_CIDR', [0x0d, 0xf0, 0x05, 0xb1]),
  ...interruptRows({ prefix: 'GICR_', suffix: '0', base: 0x1_0000, words: 1 }),
];

/** The registers of one redistributor. */
export const gicr: RegisterTable<Host> = registerTable(rows);

const none = new Uint32Array(0);

/** All redistributors on the bus, one after the other. Beyond them nothing decodes. */
export function redistributors(gic: Gic, update: () => void, trace: Trace): Mmio {
  const frames = gic.cpu.map((_, cpu) => gicr.mmio({ gic, cpu, update }, none, trace));
  return {
    read(offset, width, by) {
      const frame = frames[Math.floor(offset / redistributorSize)];
      if (frame !== undefined) return frame.read(offset % redistributorSize, width, by);
      by.fault = Fault.Decode;
      return 0;
    },
    write(offset, width, value, by) {
      const frame = frames[Math.floor(offset / redistributorSize)];
      if (frame !== undefined) frame.write(offset % redistributorSize, width, value, by);
      else by.fault = Fault.Decode;
    },
  };
}
