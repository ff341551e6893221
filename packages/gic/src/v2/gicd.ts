// The distributor's registers, GICD_* (IHI 0048B 4.3).

import { identification, registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable, Transaction } from '@worldswitch/platform';

import { merge, nonSecure } from './host.ts';
import type { Host } from './host.ts';
import { bitmap, clearSgi, inGroup1, notSgis, pendingWord, raiseSgi } from './interrupts.ts';
import { implemented, slot } from './state.ts';
import type { Gic } from './state.ts';

/** Revision and implementer of a GIC-400's distributor. */
const distributorIdentification = 0x0200_143b;

/** Interrupts of a word that an access may see: with the Security Extensions, a Non-secure one sees Group 1 alone. */
function visible(gic: Gic, word: number, by: Transaction): number {
  const all = implemented(gic, word);
  return nonSecure(gic, by) ? all & bitmap(gic, gic.group, by.requester, word) : all;
}

/** Rows of a pair of set and clear registers over one bitmap. */
function setAndClear(
  kind: string,
  offset: number,
  about: string,
  of: (gic: Gic) => Uint32Array,
  read: (gic: Gic, cpu: number, word: number) => number,
  writable: (word: number) => number,
): readonly Register<Host>[] {
  const seen = ({ gic }: Host, word: number, by: Transaction): number =>
    read(gic, by.requester, word) & visible(gic, word, by);
  const change = (
    { gic, update }: Host,
    value: number,
    word: number,
    by: Transaction,
    set: boolean,
  ): void => {
    const at = slot(gic, by.requester, word);
    const bits = value & writable(word) & visible(gic, word, by);
    const words = of(gic);
    words[at] = set ? (words[at] ?? 0) | bits : (words[at] ?? 0) & ~bits;
    update();
  };
  return [
    {
      name: `GICD_IS${kind}R`,
      offset,
      words: 32,
      access: 'RW',
      about: `${about}; writing 1 sets`,
      read: seen,
      write: (host, value, _, word, by) => {
        change(host, value, word, by, true);
      },
    },
    {
      name: `GICD_IC${kind}R`,
      offset: offset + 0x80,
      words: 32,
      access: 'RW',
      about: `${about}; writing 1 clears`,
      read: seen,
      write: (host, value, _, word, by) => {
        change(host, value, word, by, false);
      },
    },
  ];
}

/** Four bytes of an array of bytes per interrupt, as a register; `word` counts registers. */
function readBytes(
  gic: Gic,
  from: Uint8Array,
  word: number,
  by: Transaction,
  shown: (byte: number) => number,
): number {
  const base = 32 * slot(gic, by.requester, word >>> 3) + 4 * (word & 7);
  const seen = visible(gic, word >>> 3, by) >>> (4 * (word & 7));
  let value = 0;
  for (let i = 3; i >= 0; i--) value = (value << 8) | ((seen >>> i) & 1 ? shown(from[base + i] ?? 0) : 0);
  return value;
}

/** Writes the covered bytes of a register over an array of bytes per interrupt. */
function writeBytes(
  gic: Gic,
  to: Uint8Array,
  value: number,
  lanes: number,
  word: number,
  by: Transaction,
  kept: (byte: number) => number,
): void {
  const base = 32 * slot(gic, by.requester, word >>> 3) + 4 * (word & 7);
  const seen = visible(gic, word >>> 3, by) >>> (4 * (word & 7));
  for (let i = 0; i < 4; i++) {
    if (((lanes >>> (8 * i)) & (seen >>> i) & 1) !== 0) to[base + i] = kept((value >>> (8 * i)) & 0xff);
  }
}

/** GICD_IPRIORITYR, whose Non-secure view has the lower half of the priorities, shifted up (IHI 0048B 3.7.2). */
const priorities: Register<Host> = {
  name: 'GICD_IPRIORITYR',
  offset: 0x400,
  words: 256,
  access: 'RW',
  about: 'priorities, a byte per interrupt',
  read: ({ gic }, word, by) => {
    const ns = nonSecure(gic, by);
    return readBytes(gic, gic.priority, word, by, (byte) => (ns ? (byte << 1) & 0xff : byte));
  },
  write: ({ gic, update }, value, lanes, word, by) => {
    const ns = nonSecure(gic, by);
    const bits = (0xff << (8 - gic.is.priorityBits)) & 0xff;
    writeBytes(gic, gic.priority, value, lanes, word, by, (byte) => (ns ? 0x80 | (byte >>> 1) : byte) & bits);
    update();
  },
};

/** GICD_ITARGETSR: of private interrupts the reader itself; with one CPU all zero (IHI 0048B 4.3.12). */
const targets: Register<Host> = {
  name: 'GICD_ITARGETSR',
  offset: 0x800,
  words: 256,
  access: 'RW',
  about: 'target CPUs, a byte per interrupt',
  read: ({ gic }, word, by) => {
    if (gic.is.cpus === 1) return 0;
    if (word < 8) return readBytes(gic, gic.targets, word, by, () => 1 << by.requester);
    return readBytes(gic, gic.targets, word, by, (byte) => byte);
  },
  write: ({ gic, update }, value, lanes, word, by) => {
    if (gic.is.cpus === 1 || word < 8) return;
    const cpus = 2 ** gic.is.cpus - 1;
    writeBytes(gic, gic.targets, value, lanes, word, by, (byte) => byte & cpus);
    update();
  },
};

/** GICD_ICFGR: the upper bit of each pair says edge-triggered; SGIs always are. */
const configuration: Register<Host> = {
  name: 'GICD_ICFGR',
  offset: 0xc00,
  words: 64,
  access: 'RW',
  about: 'edge-triggered or level-sensitive, two bits per interrupt',
  read: ({ gic }, word, by) => {
    const half =
      (bitmap(gic, gic.edge, by.requester, word >>> 1) & visible(gic, word >>> 1, by)) >>> (16 * (word & 1));
    let value = 0;
    for (let i = 15; i >= 0; i--) value = (value << 2) | (((half >>> i) & 1) << 1);
    return value;
  },
  write: ({ gic, update }, value, lanes, word, by) => {
    const at = slot(gic, by.requester, word >>> 1);
    const writable = visible(gic, word >>> 1, by) & notSgis(word >>> 1);
    for (let i = 0; i < 16; i++) {
      const bit = 1 << (16 * (word & 1) + i);
      if (((lanes >>> (2 * i + 1)) & 1) === 0 || (writable & bit) === 0) continue;
      const edge = ((value >>> (2 * i + 1)) & 1) !== 0;
      gic.edge[at] = edge ? (gic.edge[at] ?? 0) | bit : (gic.edge[at] ?? 0) & ~bit;
    }
    update();
  },
};

/** Writing GICD_SGIR: sends an SGI to the CPUs that the filter names (IHI 0048B 4.3.15). */
function sendSgi({ gic, update }: Host, value: number, by: Transaction): void {
  const self = 1 << by.requester;
  const filter = (value >>> 24) & 3;
  const named = filter === 0 ? (value >>> 16) & 0xff : filter === 1 ? 0xff & ~self : filter === 2 ? self : 0;
  const id = value & 0xf;
  const wantsGroup1 = nonSecure(gic, by) || (value & (1 << 15)) !== 0;
  for (let cpu = 0; cpu < gic.is.cpus; cpu++) {
    if (((named >>> cpu) & 1) === 0) continue;
    if (gic.is.security && inGroup1(gic, cpu, id) !== wantsGroup1) continue;
    raiseSgi(gic, cpu, id, self);
  }
  update();
}

/** Rows for the pending state of SGIs, a byte per SGI with a bit per sender. */
function sgiPending(name: string, offset: number, about: string, change: typeof raiseSgi): Register<Host> {
  const seen = (gic: Gic, id: number, by: Transaction): boolean =>
    !nonSecure(gic, by) || inGroup1(gic, by.requester, id);
  return {
    name,
    offset,
    words: 4,
    access: 'RW',
    about,
    read: ({ gic }, word, by) => {
      let value = 0;
      for (let id = 4 * word + 3; id >= 4 * word; id--) {
        value = (value << 8) | (seen(gic, id, by) ? (gic.sgiSources[16 * by.requester + id] ?? 0) : 0);
      }
      return value;
    },
    write: ({ gic, update }, value, _, word, by) => {
      const cpus = 2 ** gic.is.cpus - 1;
      for (let i = 0; i < 4; i++) {
        const sources = (value >>> (8 * i)) & cpus;
        if (sources !== 0 && seen(gic, 4 * word + i, by)) change(gic, by.requester, 4 * word + i, sources);
      }
      update();
    },
  };
}

const rows: readonly Register<Host>[] = [
  {
    name: 'GICD_CTLR',
    offset: 0x000,
    access: 'RW',
    about: 'forwards groups to the CPU interfaces',
    fields: { EnableGrp0: [0, 0], EnableGrp1: [1, 1] },
    read: ({ gic }, _, by) => (nonSecure(gic, by) ? gic.distributorControl >>> 1 : gic.distributorControl),
    write: ({ gic, update }, value, lanes, _, by) => {
      if (nonSecure(gic, by)) {
        const merged = merge(gic.distributorControl >>> 1, value, lanes);
        gic.distributorControl = (gic.distributorControl & 1) | ((merged & 1) << 1);
      } else gic.distributorControl = merge(gic.distributorControl, value, lanes) & 3;
      update();
    },
  },
  {
    name: 'GICD_TYPER',
    offset: 0x004,
    access: 'RO',
    about: 'what is implemented',
    fields: { ITLinesNumber: [4, 0], CPUNumber: [7, 5], SecurityExtn: [10, 10], LSPI: [15, 11] },
    read: ({ gic }) => (gic.words - 1) | ((gic.is.cpus - 1) << 5) | (gic.is.security ? 1 << 10 : 0),
  },
  {
    name: 'GICD_IIDR',
    offset: 0x008,
    access: 'RO',
    about: 'identification of a GIC-400',
    fields: { ProductID: [31, 24], Variant: [19, 16], Revision: [15, 12], Implementer: [11, 0] },
    read: () => distributorIdentification,
  },
  {
    name: 'GICD_IGROUPR',
    offset: 0x080,
    words: 32,
    access: 'RW',
    about: 'Group 0 or 1',
    read: ({ gic }, word, by) => (nonSecure(gic, by) ? 0 : bitmap(gic, gic.group, by.requester, word)),
    write: ({ gic, update }, value, lanes, word, by) => {
      if (nonSecure(gic, by)) return;
      const at = slot(gic, by.requester, word);
      gic.group[at] = merge(gic.group[at] ?? 0, value, lanes) & implemented(gic, word);
      update();
    },
  },
  ...setAndClear(
    'ENABLE',
    0x100,
    'enabled; SGIs always are',
    (gic) => gic.enabled,
    (gic, cpu, word) => bitmap(gic, gic.enabled, cpu, word),
    notSgis,
  ),
  ...setAndClear('PEND', 0x200, 'pending', (gic) => gic.latched, pendingWord, notSgis),
  ...setAndClear(
    'ACTIVE',
    0x300,
    'active',
    (gic) => gic.active,
    (gic, cpu, word) => bitmap(gic, gic.active, cpu, word),
    () => 0xffff_ffff,
  ),
  priorities,
  targets,
  configuration,
  { name: 'GICD_NSACR', offset: 0xe00, words: 64, access: 'RW', about: 'optional, not implemented: zero' },
  {
    name: 'GICD_SGIR',
    offset: 0xf00,
    access: 'WO',
    about: 'sends an SGI',
    fields: { TargetListFilter: [25, 24], CPUTargetList: [23, 16], NSATT: [15, 15], SGIINTID: [3, 0] },
    read: () => 0,
    write: (host, value, _lanes, _word, by) => {
      sendSgi(host, value, by);
    },
  },
  sgiPending('GICD_CPENDSGIR', 0xf10, 'SGIs pending, by sender; writing 1 clears', clearSgi),
  sgiPending('GICD_SPENDSGIR', 0xf20, 'SGIs pending, by sender; writing 1 sets', raiseSgi),
  ...identification<Host>(0xfd0, 'GICD_PIDR', [0x04, 0x00, 0x00, 0x00], 4),
  ...identification<Host>(0xfe0, 'GICD_PIDR', [0x90, 0xb4, 0x2b, 0x00]),
  ...identification<Host>(0xff0, 'GICD_CIDR', [0x0d, 0xf0, 0x05, 0xb1]),
];

/** The registers of the distributor. */
export const gicd: RegisterTable<Host> = registerTable(rows);
