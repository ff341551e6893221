// System registers as software in TypeScript reaches them: which accesses are nothing but a cell here and now.

import type { SystemRegister } from '@worldswitch/platform';

import type { Cpu } from '../cpu.ts';
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

/** Registers whose value is the cell's wherever nothing traps, and those that a write only sets. */
const simple = systemRegisters.map((entry) => {
  const cell = entry.bank === undefined && entry.present === undefined && !entry.name.startsWith('CNT');
  return {
    read: cell && entry.read === undefined,
    write: cell && entry.write === undefined && entry.writable === ALL,
  };
});

/** True where the access is to the cell and has no other effect. */
export function directly(cpu: Cpu, entry: SystemRegisterEntry, write: boolean): boolean {
  const how = simple[entry.cell];
  if (how === undefined || !(write ? how.write : how.read)) return false;
  if (cpu.state.el < (write ? entry.minWrite : entry.minRead)) return false;
  if (!cpu.features.el2 || (write && cpu.pmu.active) || cpu.bankOf(entry.cell) !== undefined) return false;
  for (const control of entry.traps) if (control(cpu, write) !== undefined) return false;
  return true;
}

/** The instruction word of MRS or MSR with the scratch register. */
export const registerWord = ({ id }: SystemRegisterEntry, read: boolean): number =>
  (0xd500_0000 | (read ? 1 << 21 : 0) | (id << 5) | SCRATCH) >>> 0;
