// The CPU interface's registers, GICC_* (IHI 0048B 4.4).

import { registerTable } from '@worldswitch/platform';
import type { Register, RegisterTable, Transaction } from '@worldswitch/platform';

import {
  acknowledgeInterrupt,
  Control,
  deactivateInterrupt,
  endInterrupt,
  highestPendingShown,
  runningPriority,
} from './cpu-interface.ts';
import type { View } from './cpu-interface.ts';
import { interfaceOf, merge, nonSecure } from './host.ts';
import type { Host } from './host.ts';
import { idlePriority, minimumBinaryPoint } from './priority.ts';
import type { Gic } from './state.ts';

/** Revision and implementer of a GIC-400. */
export const interfaceIdentification = 0x0202_143b;

/** Bits of GICC_CTLR in the Non-secure view, and where they are in the full one. */
const nonSecureControl: readonly (readonly [seen: number, kept: number])[] = [
  [0, 1],
  [5, 7],
  [6, 8],
  [9, 10],
];

function readControl(host: Host, _word: number, by: Transaction): number {
  const { control } = interfaceOf(host, by);
  if (!nonSecure(host.gic, by)) return control;
  return nonSecureControl.reduce((seen, [to, from]) => seen | (((control >>> from) & 1) << to), 0);
}

function writeControl(host: Host, value: number, lanes: number, word: number, by: Transaction): void {
  const cpu = interfaceOf(host, by);
  const merged = merge(readControl(host, word, by), value, lanes);
  if (!nonSecure(host.gic, by)) cpu.control = merged & (host.gic.is.security ? 0x7ff : 0x3ff);
  else {
    for (const [from, to] of nonSecureControl) {
      cpu.control = (cpu.control & ~(1 << to)) | (((merged >>> from) & 1) << to);
    }
  }
  host.update();
}

/** A priority as the Non-secure view shows it: the lower half of the range, shifted up; none of the upper half. */
const seenPriority = (priority: number): number => (priority < 0x80 ? 0 : (priority << 1) & 0xff);

const implementedPriority = (gic: Gic): number => (0xff << (8 - gic.is.priorityBits)) & 0xff;

function readMask(host: Host, _word: number, by: Transaction): number {
  const { priorityMask } = interfaceOf(host, by);
  return nonSecure(host.gic, by) ? seenPriority(priorityMask) : priorityMask;
}

function writeMask(host: Host, value: number, lanes: number, word: number, by: Transaction): void {
  const cpu = interfaceOf(host, by);
  const merged = merge(readMask(host, word, by), value, lanes) & 0xff;
  if (!nonSecure(host.gic, by)) cpu.priorityMask = merged & implementedPriority(host.gic);
  else if (cpu.priorityMask >= 0x80)
    cpu.priorityMask = (0x80 | (merged >>> 1)) & implementedPriority(host.gic);
  host.update();
}

function readBinaryPoint(host: Host, _word: number, by: Transaction): number {
  const cpu = interfaceOf(host, by);
  if (!nonSecure(host.gic, by)) return cpu.binaryPoint;
  return (cpu.control & Control.CBPR) !== 0 ? Math.min(cpu.binaryPoint + 1, 7) : cpu.aliasedBinaryPoint;
}

function writeBinaryPoint(host: Host, value: number, lanes: number, word: number, by: Transaction): void {
  const cpu = interfaceOf(host, by);
  const lowest = minimumBinaryPoint(host.gic.is.priorityBits);
  const merged = merge(readBinaryPoint(host, word, by), value, lanes) & 7;
  if (!nonSecure(host.gic, by)) cpu.binaryPoint = Math.max(merged, lowest);
  else if ((cpu.control & Control.CBPR) === 0) cpu.aliasedBinaryPoint = Math.max(merged, lowest + 1);
  host.update();
}

/** What GICC_IAR, GICC_HPPIR may acknowledge; writes to GICC_EOIR may end Group 1 also without AckCtl. */
function mainView(host: Host, by: Transaction): View {
  if (nonSecure(host.gic, by)) return { group0: false, group1: true };
  return { group0: true, group1: (interfaceOf(host, by).control & Control.AckCtl) !== 0 };
}

const everything: View = { group0: true, group1: true };
const group1Only: View = { group0: false, group1: true };

/** What an access to GICC_EOIR and GICC_DIR may touch. */
const touchable = (host: Host, by: Transaction): View => (nonSecure(host.gic, by) ? group1Only : everything);

function splits(host: Host, by: Transaction): boolean {
  const bit = nonSecure(host.gic, by) ? Control.EOImodeNS : Control.EOImodeS;
  return (interfaceOf(host, by).control & bit) !== 0;
}

function take(host: Host, by: Transaction, view: View): number {
  const taken = acknowledgeInterrupt(host.gic, by.requester, interfaceOf(host, by), view);
  host.update();
  return taken;
}

function end(host: Host, by: Transaction, value: number, groups: View): void {
  endInterrupt(host.gic, by.requester, interfaceOf(host, by), value, groups, splits(host, by));
  host.update();
}

/** Words of the active priorities registers that exist: one per 32 preemption levels. */
const levelWords = (gic: Gic): number => Math.max(1, 2 ** (Math.min(gic.is.priorityBits, 7) - 5));
const levelBits = (gic: Gic): number => (gic.is.priorityBits === 4 ? 0xffff : 0xffff_ffff);

/** GICC_APRn: the Non-secure view has the lower priorities' half of Group 1's levels as its own (IHI 0048B 4.4.14). */
function readActive(host: Host, word: number, by: Transaction): number {
  const cpu = interfaceOf(host, by);
  if (!nonSecure(host.gic, by)) return cpu.activePriorities[word] ?? 0;
  const words = levelWords(host.gic);
  if (words === 1) return word === 0 ? (cpu.activePrioritiesNs[0] ?? 0) >>> 16 : 0;
  return word < words / 2 ? (cpu.activePrioritiesNs[word + words / 2] ?? 0) : 0;
}

function writeActive(host: Host, value: number, lanes: number, word: number, by: Transaction): void {
  const cpu = interfaceOf(host, by);
  const words = levelWords(host.gic);
  const merged = merge(readActive(host, word, by), value, lanes);
  if (!nonSecure(host.gic, by)) {
    if (word < words) cpu.activePriorities[word] = merged & levelBits(host.gic);
  } else if (words === 1) {
    if (word === 0) cpu.activePrioritiesNs[0] = ((cpu.activePrioritiesNs[0] ?? 0) & 0xffff) | (merged << 16);
  } else if (word < words / 2) cpu.activePrioritiesNs[word + words / 2] = merged;
  host.update();
}

const rows: readonly Register<Host>[] = [
  {
    name: 'GICC_CTLR',
    offset: 0x00,
    access: 'RW',
    about: 'enables groups; how to acknowledge and end',
    fields: {
      EnableGrp0: [0, 0],
      EnableGrp1: [1, 1],
      AckCtl: [2, 2],
      FIQEn: [3, 3],
      CBPR: [4, 4],
      FIQBypDisGrp0: [5, 5],
      IRQBypDisGrp0: [6, 6],
      FIQBypDisGrp1: [7, 7],
      IRQBypDisGrp1: [8, 8],
      EOImodeS: [9, 9],
      EOImodeNS: [10, 10],
    },
    read: readControl,
    write: writeControl,
  },
  {
    name: 'GICC_PMR',
    offset: 0x04,
    access: 'RW',
    about: 'only higher priorities are signalled',
    fields: { Priority: [7, 0] },
    read: readMask,
    write: writeMask,
  },
  {
    name: 'GICC_BPR',
    offset: 0x08,
    access: 'RW',
    about: 'where group priority ends',
    fields: { BinaryPoint: [2, 0] },
    read: readBinaryPoint,
    write: writeBinaryPoint,
  },
  {
    name: 'GICC_IAR',
    offset: 0x0c,
    access: 'RO',
    about: 'acknowledges',
    fields: { InterruptID: [9, 0], CPUID: [12, 10] },
    read: (host, _, by) => take(host, by, mainView(host, by)),
  },
  {
    name: 'GICC_EOIR',
    offset: 0x10,
    access: 'WO',
    about: 'ends an interrupt',
    fields: { EOIINTID: [9, 0], CPUID: [12, 10] },
    read: () => 0,
    write: (host, value, _lanes, _word, by) => {
      end(host, by, value, touchable(host, by));
    },
  },
  {
    name: 'GICC_RPR',
    offset: 0x14,
    access: 'RO',
    about: 'the running priority',
    fields: { Priority: [7, 0] },
    read: (host, _, by) => {
      const running = runningPriority(host.gic, interfaceOf(host, by));
      if (running > 0xff) return idlePriority;
      return nonSecure(host.gic, by) ? seenPriority(running) : running;
    },
  },
  {
    name: 'GICC_HPPIR',
    offset: 0x18,
    access: 'RO',
    about: 'the highest priority pending interrupt',
    fields: { PENDINTID: [9, 0], CPUID: [12, 10] },
    read: (host, _, by) => highestPendingShown(host.gic, by.requester, mainView(host, by)),
  },
  {
    name: 'GICC_ABPR',
    offset: 0x1c,
    access: 'RW',
    about: 'the binary point of Group 1',
    fields: { BinaryPoint: [2, 0] },
    read: (host, _, by) => (nonSecure(host.gic, by) ? 0 : interfaceOf(host, by).aliasedBinaryPoint),
    write: (host, value, lanes, _, by) => {
      if (nonSecure(host.gic, by)) return;
      const cpu = interfaceOf(host, by);
      const lowest = minimumBinaryPoint(host.gic.is.priorityBits) + 1;
      cpu.aliasedBinaryPoint = Math.max(merge(cpu.aliasedBinaryPoint, value, lanes) & 7, lowest);
      host.update();
    },
  },
  {
    name: 'GICC_AIAR',
    offset: 0x20,
    access: 'RO',
    about: 'acknowledges Group 1',
    fields: { InterruptID: [9, 0], CPUID: [12, 10] },
    read: (host, _, by) => (nonSecure(host.gic, by) ? 0 : take(host, by, group1Only)),
  },
  {
    name: 'GICC_AEOIR',
    offset: 0x24,
    access: 'WO',
    about: 'ends an interrupt of Group 1',
    fields: { InterruptID: [9, 0], CPUID: [12, 10] },
    read: () => 0,
    write: (host, value, _lanes, _word, by) => {
      if (!nonSecure(host.gic, by)) end(host, by, value, group1Only);
    },
  },
  {
    name: 'GICC_AHPPIR',
    offset: 0x28,
    access: 'RO',
    about: 'the highest priority pending interrupt, if of Group 1',
    fields: { PENDINTID: [9, 0], CPUID: [12, 10] },
    read: (host, _, by) =>
      nonSecure(host.gic, by) ? 0 : highestPendingShown(host.gic, by.requester, group1Only),
  },
  {
    name: 'GICC_APR',
    offset: 0xd0,
    words: 4,
    access: 'RW',
    about: 'active priorities',
    read: readActive,
    write: writeActive,
  },
  {
    name: 'GICC_NSAPR',
    offset: 0xe0,
    words: 4,
    access: 'RW',
    about: 'active priorities of Group 1, with the Security Extensions',
    read: (host, word, by) =>
      nonSecure(host.gic, by) ? 0 : (interfaceOf(host, by).activePrioritiesNs[word] ?? 0),
    write: (host, value, lanes, word, by) => {
      if (!host.gic.is.security || nonSecure(host.gic, by) || word >= levelWords(host.gic)) return;
      const levels = interfaceOf(host, by).activePrioritiesNs;
      levels[word] = merge(levels[word] ?? 0, value, lanes);
      host.update();
    },
  },
  {
    name: 'GICC_IIDR',
    offset: 0xfc,
    access: 'RO',
    about: 'identification of a GIC-400',
    fields: { ProductID: [31, 20], Architecture: [19, 16], Revision: [15, 12], Implementer: [11, 0] },
    read: () => interfaceIdentification,
  },
  {
    name: 'GICC_DIR',
    offset: 0x1000,
    access: 'WO',
    about: 'deactivates an interrupt, where EOImode splits that off',
    fields: { InterruptID: [9, 0], CPUID: [12, 10] },
    read: () => 0,
    write: (host, value, _lanes, _word, by) => {
      deactivateInterrupt(host.gic, by.requester, value, touchable(host, by), splits(host, by));
      host.update();
    },
  },
];

/** The registers of the CPU interface. */
export const gicc: RegisterTable<Host> = registerTable(rows);
