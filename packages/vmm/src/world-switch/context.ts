// A vCPU's registers while it is not on a CPU, and moving them there and back (DDI 0487 D1, D17).

import { bits, list, record } from '@worldswitch/platform';
import type { CpuPort, Shape, SystemRegister, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import { Classes, movedBy, registerClasses } from './classes.ts';
import type { ClassRegister, Moved } from './classes.ts';

/** A system register with its places: on the CPU and in a context. */
interface Row {
  readonly name: string;
  readonly read: SystemRegister;
  readonly write: SystemRegister;
  readonly clear: SystemRegister | undefined;
  readonly shift: number;
  readonly mask: number;
  readonly locked: boolean;
  /** Index of its lower half in `Context.system`. */
  readonly at: number;
}

function row(from: ClassRegister, index: number): Row {
  return {
    name: from.name,
    read: systemRegister(from.name),
    write: systemRegister(from.write ?? from.clear?.replace('CLR', 'SET') ?? from.name),
    clear: from.clear === undefined ? undefined : systemRegister(from.clear),
    shift: from.shift ?? 0,
    mask: from.mask ?? 0xffff_ffff,
    locked: from.locked === true,
    at: 2 * index,
  };
}

/** The classes that the world switch moves. */
const movable = registerClasses.filter(({ bit }) => bit !== 0);
const rows: readonly Row[] = movable.flatMap(({ registers }) => registers).map(row);
const rowsByClass: readonly { readonly bit: number; readonly rows: readonly Row[] }[] = movable.map(
  ({ bit, registers }) => ({ bit, rows: registers.map(({ name }) => rowOf(name)) }),
);

function rowOf(name: string): Row {
  const found = rows.find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`a context has no register ${name}`);
  return found;
}

/** A context's saved state. */
export type ContextState = Readonly<{
  general: readonly number[];
  system: readonly number[];
  vectors: readonly number[];
}>;

/** How a saved context is checked. */
export const contextShape: Shape<ContextState> = record<ContextState>({
  general: list(bits(), 62),
  system: list(bits(), 2 * rows.length),
  vectors: list(bits(), 128),
});

/** A vCPU's registers. What is on a CPU is stale here. */
export class Context {
  /** X0 to X30: lower and upper halves. */
  readonly general: Uint32Array = new Uint32Array(62);
  /** System registers. */
  readonly system: Uint32Array = new Uint32Array(2 * rows.length);
  /** V0 to V31, four words each. */
  readonly vectors: Uint32Array = new Uint32Array(128);

  /** Of zeros, or as it was saved; a saved one has been checked by `contextShape`. */
  constructor(state?: ContextState) {
    if (state === undefined) return;
    this.general.set(state.general);
    this.system.set(state.system);
    this.vectors.set(state.vectors);
  }

  /** A system register's value. Throws a RangeError for one that no class has. */
  get(name: string, out: Word64): void {
    const { at } = rowOf(name);
    out.lo = this.system[at] ?? 0;
    out.hi = this.system[at + 1] ?? 0;
  }

  /** Sets a system register, for the next restore. */
  set(name: string, lo: number, hi = 0): void {
    const { at } = rowOf(name);
    this.system[at] = lo;
    this.system[at + 1] = hi;
  }

  /** Sets a general register, for the next restore. */
  setX(n: number, lo: number, hi = 0): void {
    if (n >= 31) return;
    this.general[2 * n] = lo;
    this.general[2 * n + 1] = hi;
  }

  /** As plain data. */
  save(): ContextState {
    return {
      general: Array.from(this.general),
      system: Array.from(this.system),
      vectors: Array.from(this.vectors),
    };
  }
}

const OSLAR_EL1 = systemRegister('OSLAR_EL1');
const OSLSR_EL1 = systemRegister('OSLSR_EL1');
/** OSLSR_EL1.OSLK. */
const OSLK = 2;

/** Reads a register that is there only while the OS lock is set (DDI 0487 D17.3, OSECCR_EL1). */
function readLocked(port: CpuPort, register: SystemRegister, out: Word64): void {
  port.readSystem(OSLSR_EL1, out);
  const unlocked = (out.lo & OSLK) === 0;
  if (unlocked) port.writeSystem(OSLAR_EL1, 1, 0);
  port.readSystem(register, out);
  if (unlocked) port.writeSystem(OSLAR_EL1, 0, 0);
}

/** Copies classes of registers from the CPU to a context. */
export function saveClasses(port: CpuPort, context: Context, classes: number): Moved {
  const word: Word64 = { lo: 0, hi: 0 };
  if ((classes & Classes.General) !== 0) {
    for (let n = 0; n < 31; n++) {
      port.readX(n, word);
      context.general[2 * n] = word.lo;
      context.general[2 * n + 1] = word.hi;
    }
  }
  if ((classes & Classes.Float) !== 0) {
    for (let n = 0; n < 32; n++) port.readV(n, context.vectors.subarray(4 * n, 4 * n + 4));
  }
  for (const { bit, rows: own } of rowsByClass) {
    if ((classes & bit) === 0) continue;
    for (const each of own) {
      if (each.locked) readLocked(port, each.read, word);
      else port.readSystem(each.read, word);
      context.system[each.at] = word.lo;
      context.system[each.at + 1] = word.hi;
    }
  }
  port.work(movedBy(classes).registers);
  return movedBy(classes);
}

/** Copies classes of registers from a context to the CPU. */
export function restoreClasses(port: CpuPort, context: Context, classes: number): Moved {
  const { general, system, vectors } = context;
  if ((classes & Classes.General) !== 0) {
    for (let n = 0; n < 31; n++) port.writeX(n, general[2 * n] ?? 0, general[2 * n + 1] ?? 0);
  }
  if ((classes & Classes.Float) !== 0) {
    for (let n = 0; n < 32; n++) port.writeV(n, vectors.subarray(4 * n, 4 * n + 4));
  }
  for (const { bit, rows: own } of rowsByClass) {
    if ((classes & bit) === 0) continue;
    for (const each of own) {
      const lo = system[each.at] ?? 0;
      if (each.locked) port.writeSystem(OSLAR_EL1, 1, 0);
      if (each.clear !== undefined) port.writeSystem(each.clear, 0xffff_ffff, 0);
      if (each.shift === 0 && each.mask === 0xffff_ffff) {
        port.writeSystem(each.write, lo, system[each.at + 1] ?? 0);
      } else port.writeSystem(each.write, (lo >>> each.shift) & each.mask, 0);
    }
  }
  port.work(movedBy(classes).registers);
  return movedBy(classes);
}
