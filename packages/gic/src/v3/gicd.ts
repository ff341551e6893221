// The distributor's registers, GICD_* (IHI 0069 12.9), with affinity routing in both Security states.

import { identification, registerTable } from '@worldswitch/platform';
import type { Mmio, Register, RegisterTable, Trace, Transaction } from '@worldswitch/platform';

import { interruptRows, merge, nonSecure, visible } from './host.ts';
import type { Host } from './host.ts';
import { routeChanged } from './interrupts.ts';
import { routeBits } from './saved-state.ts';
import { Control, implemented, single } from './state.ts';

/** Arm's JEP106 code, as in QEMU. */
export const implementer = 0x43b;

/** Affinity routing is always on: these bits read as one. */
const routed = ({ gic }: Host): number => Control.ARE_S | (single(gic) ? 0 : Control.ARE_NS);

function readControl(host: Host, _word: number, by: Transaction): number {
  const { gic } = host;
  // The Non-secure view has EnableGrp1A and ARE_NS.
  return nonSecure(gic, by) ? (gic.control & 2) | 0x10 : gic.control | routed(host);
}

function writeControl(host: Host, value: number, lanes: number, _word: number, by: Transaction): void {
  const { gic } = host;
  const merged = merge(gic.control, value, lanes);
  if (nonSecure(gic, by)) gic.control = (gic.control & ~2) | (merged & 2);
  // DS cannot be taken back but by a reset; with it there is no Secure Group 1.
  else if (single(gic)) gic.control = (merged & 3) | Control.DS;
  else gic.control = (merged & Control.DS) !== 0 ? (merged & 3) | Control.DS : merged & 7;
  host.update();
}

/** The shared interrupt of a word of GICD_IROUTER that an access may see, counted from 0; or -1. */
function routed32(host: Host, word: number, by: Transaction): number {
  const id = word >>> 1;
  if (id < 32 || ((implemented(host.gic, id >>> 5) >>> (id & 31)) & 1) === 0) return -1;
  return ((visible(host, id >>> 5, by, 3) >>> (id & 31)) & 1) === 0 ? -1 : id - 32;
}

const routes: Register<Host> = {
  name: 'GICD_IROUTER',
  offset: 0x6000,
  words: 2040,
  access: 'RW',
  about: 'where a shared interrupt goes: an affinity, or any CPU; 64 bits each',
  fields: { Aff0: [7, 0], Aff1: [15, 8], Aff2: [23, 16], Interrupt_Routing_Mode: [31, 31] },
  read(host, word, by) {
    const n = routed32(host, word, by);
    return ((word & 1) === 0 ? host.gic.route[n] : host.gic.routeHigh[n]) ?? 0;
  },
  write(host, value, lanes, word, by) {
    const n = routed32(host, word, by);
    if (n < 0) return;
    const { gic } = host;
    if ((word & 1) === 0) gic.route[n] = merge(gic.route[n] ?? 0, value, lanes) & routeBits;
    else gic.routeHigh[n] = merge(gic.routeHigh[n] ?? 0, value, lanes);
    routeChanged(gic, n);
    host.update();
  },
};

const rows: readonly Register<Host>[] = [
  {
    name: 'GICD_CTLR',
    offset: 0x0000,
    access: 'RW',
    about: 'forwards groups to the CPU interfaces; one or two Security states',
    fields: {
      EnableGrp0: [0, 0],
      EnableGrp1NS: [1, 1],
      EnableGrp1S: [2, 2],
      ARE_S: [4, 4],
      ARE_NS: [5, 5],
      DS: [6, 6],
      E1NWF: [7, 7],
      RWP: [31, 31],
    },
    read: readControl,
    write: writeControl,
  },
  {
    name: 'GICD_TYPER',
    offset: 0x0004,
    access: 'RO',
    about: 'what is implemented',
    fields: {
      ITLinesNumber: [4, 0],
      CPUNumber: [7, 5],
      SecurityExtn: [10, 10],
      MBIS: [16, 16],
      LPIS: [17, 17],
      IDbits: [23, 19],
      A3V: [24, 24],
      No1N: [25, 25],
    },
    // Ten bits of interrupt ID, and Aff3.
    read: ({ gic }) => (gic.words - 1) | (single(gic) ? 0 : 1 << 10) | (9 << 19) | (1 << 24),
  },
  {
    name: 'GICD_IIDR',
    offset: 0x0008,
    access: 'RO',
    about: 'identification',
    fields: { ProductID: [31, 24], Variant: [19, 16], Revision: [15, 12], Implementer: [11, 0] },
    read: () => implementer,
  },
  { name: 'GICD_TYPER2', offset: 0x000c, access: 'RO', about: 'what is implemented of GICv4.1: nothing' },
  { name: 'GICD_STATUSR', offset: 0x0010, access: 'RW', about: 'optional, not implemented: zero' },
  ...interruptRows({ prefix: 'GICD_', suffix: '', base: 0, words: 32 }),
  { name: 'GICD_ITARGETSR', offset: 0x800, words: 256, access: 'RW', about: 'legacy: zero' },
  { name: 'GICD_SGIR', offset: 0xf00, access: 'WO', about: 'legacy: does nothing' },
  { name: 'GICD_CPENDSGIR', offset: 0xf10, words: 4, access: 'RW', about: 'legacy: zero' },
  { name: 'GICD_SPENDSGIR', offset: 0xf20, words: 4, access: 'RW', about: 'legacy: zero' },
  routes,
  ...identification<Host>(0xffd0, 'GICD_PIDR', [0x44, 0x00, 0x00, 0x00], 4),
  ...identification<Host>(0xffe0, 'GICD_PIDR', [0x92, 0xb4, 0x3b, 0x00]),
  ...identification<Host>(0xfff0, 'GICD_CIDR', [0x0d, 0xf0, 0x05, 0xb1]),
];

/** The registers of the distributor. */
export const gicd: RegisterTable<Host> = registerTable(rows);

const none = new Uint32Array(0);

/** The distributor on the bus. A 64-bit write of GICD_IROUTER is one change: its halves do not route anything by themselves. */
export function distributor(gic: Host['gic'], update: () => void, trace: Trace): Mmio {
  let held = false;
  const host = {
    gic,
    cpu: -1,
    update() {
      if (!held) update();
    },
  };
  const block = gicd.mmio(host, none, trace);
  return {
    ...block,
    read64(offset, out, by) {
      out.lo = block.read(offset, 4, by);
      out.hi = block.read(offset + 4, 4, by);
    },
    write64(offset, lo, hi, by) {
      held = true;
      block.write(offset, 4, lo, by);
      held = false;
      block.write(offset + 4, 4, hi, by);
      update();
    },
  };
}
