// System registers as software in TypeScript reaches them: which accesses are nothing but a cell here and now.

import type { SystemRegister } from '@worldswitch/platform';

import type { Cpu } from '../cpu.ts';
import { Layout } from '../layout.ts';
import { checkedRegister } from '../sysregs/checked.ts';
import { ALL } from '../sysregs/entry.ts';
import type { SystemRegisterEntry } from '../sysregs/entry.ts';
import { systemRegisters } from '../sysregs/table.ts';
import { SCRATCH } from './places.ts';

/** The entry of a handle. Throws a RangeError for one that is none. */
export function entryOf(register: SystemRegister): SystemRegisterEntry {
  const entry = systemRegisters[register];
  if (entry === undefined) throw new RangeError(`there is no system register ${register}`);
  return entry;
}

/** How an access that may be nothing but one to the cell is decided. */
const Way = {
  /** By its handler. */
  Handler: 0,
  /** Nothing but 64 bits from a level on. */
  Cell: 1,
  /** The same where a bit of `Layout.accessTraps` is clear. */
  Checked: 2,
  /** Where no trap control applies. */
  Asked: 3,
  /** SP_EL0: where it is not the stack pointer. */
  Stack: 4,
  /** TTBRn_EL1: a write decides nothing but translation. */
  Tables: 5,
} as const;

/** What is known of accesses by their entry alone. */
interface Direct {
  readonly way: number;
  readonly level: number;
  /** EL2's own. */
  readonly el2: boolean;
  /** `Checked`: the bit. */
  readonly trap: number;
}
const byHandler: Direct = { way: Way.Handler, level: 4, el2: false, trap: 0 };

function directOf(entry: SystemRegisterEntry, write: boolean): Direct {
  const { name, kind, bank, present, id } = entry;
  const level = write ? entry.minWrite : entry.minRead;
  if (level > 3 || bank !== undefined || present !== undefined || name.startsWith('CNT')) return byHandler;
  const found = { level, el2: ((id >>> 11) & 7) === 4 && name !== 'SP_EL1', trap: 0 };
  if (kind === 'cell') return { ...found, way: Way.Cell };
  if (name === 'SP_EL0') return { ...found, way: Way.Stack };
  const checked = checkedRegister(id);
  const bit = (write ? checked?.write : checked?.read) ?? -1;
  if (bit >= 0) return { ...found, way: Way.Checked, trap: 1 << bit };
  if (write && (name === 'TTBR0_EL1' || name === 'TTBR1_EL1')) return { ...found, way: Way.Tables };
  const plain = write ? entry.write === undefined && entry.writable === ALL : entry.read === undefined;
  return plain ? { ...found, way: Way.Asked } : byHandler;
}

const reads = systemRegisters.map((entry) => directOf(entry, false));
const writes = systemRegisters.map((entry) => directOf(entry, true));
/** The halves of the bits that a write changes. */
const writable = Uint32Array.from(
  systemRegisters.flatMap((entry) => [
    Number(entry.writable & 0xffff_ffffn),
    Number((entry.writable >> 32n) & 0xffff_ffffn),
  ]),
);

/** No trap control of an entry applies, and no bank is behind it. */
function unhindered(cpu: Cpu, entry: SystemRegisterEntry, write: boolean): boolean {
  if (cpu.bankOf(entry.cell) !== undefined) return false;
  for (const control of entry.traps) if (control(cpu, write) !== undefined) return false;
  return true;
}

/** True where the access is to the cell and has no other effect, or one that `writeDirectly` has. */
export function directly(cpu: Cpu, entry: SystemRegisterEntry, write: boolean): boolean {
  const { way, level, el2, trap } = (write ? writes : reads)[entry.cell] ?? byHandler;
  const { state, features } = cpu;
  if (way === Way.Handler || state.el < level || (el2 && !features.el2)) return false;
  if (write && cpu.pmu.active) return false;
  switch (way) {
    case Way.Cell:
      return true;
    case Way.Checked:
      return (state.word(Layout.accessTraps) & trap) === 0;
    case Way.Stack:
      return state.spSel !== 0;
    default:
      return unhindered(cpu, entry, write);
  }
}

/** A write for which `directly` is true. */
export function writeDirectly(cpu: Cpu, { cell }: SystemRegisterEntry, lo: number, hi: number): void {
  const { u32 } = cpu.state;
  const at = (Layout.cells >> 2) + 2 * cell;
  const maskLo = writable[2 * cell] ?? 0;
  const maskHi = writable[2 * cell + 1] ?? 0;
  u32[at] = ((u32[at] ?? 0) & ~maskLo) | (lo & maskLo);
  u32[at + 1] = ((u32[at + 1] ?? 0) & ~maskHi) | (hi & maskHi);
  if (writes[cell]?.way === Way.Tables) cpu.tablesChanged();
}

/** The instruction word of MRS or MSR with the scratch register. */
export const registerWord = ({ id }: SystemRegisterEntry, read: boolean): number =>
  (0xd500_0000 | (read ? 1 << 21 : 0) | (id << 5) | SCRATCH) >>> 0;
