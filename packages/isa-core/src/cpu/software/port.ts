// The CPU port: what software in TypeScript does, each operation the instruction that it stands for. Registers and operations are
// here, memory in `port-memory.ts`.

import type { CpuPort, SystemOperation, SystemRegister, Word64 } from '@worldswitch/platform';

import { handlers, readSystemRegister } from '../handlers.ts';
import { Layout } from '../layout.ts';
import { raise } from '../raise.ts';
import { describeSyndrome } from '../syndrome.ts';
import { registerByName } from '../sysregs/table.ts';
import { tlbMaintenance } from '../system-instructions.ts';
import { describeEntry } from './entries.ts';
import { SoftwareError } from './errors.ts';
import { operations } from './handles.ts';
import type { OperationEntry, OperationKind } from './handles.ts';
import { PC_OF, SCRATCH } from './places.ts';
import { MemoryPort } from './port-memory.ts';
import { directly, entryOf, registerWord, writeDirectly } from './registers.ts';

const LOW32 = 0xffff_ffffn;
const X = Layout.x >> 2;
const V = Layout.v >> 2;

/** What a call of a port began with, to be put back when it ends. */
export interface Began {
  readonly level: number;
  readonly lo: number;
  readonly hi: number;
  readonly entry: number;
}

const ELR: readonly number[] = [1, 2, 3].map((el) => registerByName(`ELR_EL${el}`).cell);

/** The port of one piece of software on one CPU. */
export class Port extends MemoryPort implements CpuPort {
  /** The offset at which the call began. */
  private entry = 0;

  // ---- calls

  /** A call begins at the CPU's level and PC. */
  begin(entry: number): Began {
    const { page, state } = this;
    const began: Began = { level: this.level, lo: page.lo, hi: page.hi, entry: this.entry };
    this.level = state.el;
    this.entry = entry;
    page.lo = (state.word(Layout.pc) & ~0xfff) >>> 0;
    page.hi = state.word(Layout.pc + 4);
    return began;
  }
  /** It ends: what it interrupted on this port goes on. */
  end(began: Began): void {
    this.level = began.level;
    this.entry = began.entry;
    this.page.lo = began.lo;
    this.page.hi = began.hi;
  }
  /** One line about what was thrown in a call. */
  failure(thrown: unknown): SoftwareError {
    if (thrown instanceof SoftwareError) return thrown;
    const { cpu, level, entry, attached } = this;
    const elr = level === 0 ? '' : `, ELR_EL${level} 0x${this.state.cell(ELR[level - 1] ?? 0).toString(16)}`;
    const message = (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(/\s*\n\s*/g, ' ');
    return new SoftwareError(
      attached.name,
      `failed in ${describeEntry(entry)} at EL${level} of CPU ${cpu.index}${elr}: ${message}`,
      thrown,
    );
  }

  // ---- registers

  readX(n: number, out: Word64): void {
    this.counts.generalReads++;
    this.retire(1, 'general');
    const at = X + 2 * checked(n);
    out.lo = n === 31 ? 0 : (this.state.u32[at] ?? 0);
    out.hi = n === 31 ? 0 : (this.state.u32[at + 1] ?? 0);
  }
  writeX(n: number, lo: number, hi: number): void {
    this.counts.generalWrites++;
    this.retire(1, 'general');
    if (checked(n) === 31) return;
    this.state.u32[X + 2 * n] = lo;
    this.state.u32[X + 2 * n + 1] = hi;
  }
  readSp(out: Word64): void {
    this.counts.generalReads++;
    this.retire(1, 'general');
    out.lo = this.state.u32[X + 62] ?? 0;
    out.hi = this.state.u32[X + 63] ?? 0;
  }
  writeSp(lo: number, hi: number): void {
    this.counts.generalWrites++;
    this.retire(1, 'general');
    this.state.u32[X + 62] = lo;
    this.state.u32[X + 63] = hi;
  }
  readV(n: number, out: Uint32Array): void {
    this.mayUseV();
    this.counts.vectorReads++;
    const at = V + 4 * checked(n);
    for (let i = 0; i < 4; i++) out[i] = this.state.u32[at + i] ?? 0;
  }
  writeV(n: number, value: Uint32Array): void {
    this.mayUseV();
    this.counts.vectorWrites++;
    const at = V + 4 * checked(n);
    for (let i = 0; i < 4; i++) this.state.u32[at + i] = value[i] ?? 0;
  }
  private mayUseV(): void {
    if (this.state.word(Layout.fpTrap) === 0) this.retire(1, 'vector');
    else {
      const trapped = (): void => {
        if (this.state.word(Layout.fpTrap) !== 0) this.cpu.raiseFpTrap();
      };
      if (this.perform('an access to a V register', PC_OF.vector, 0, trapped) === 'emulated')
        throw new Error('an access to a V register was skipped by the level that intercepted it');
    }
  }

  readSystem(register: SystemRegister, out: Word64): void {
    const entry = entryOf(register);
    const { cell } = entry;
    this.counts.systemReads++;
    this.counts.readsOf[cell] = (this.counts.readsOf[cell] ?? 0) + 1;
    if (directly(this.cpu, entry, false)) {
      this.retire(1, 'system');
      const at = (Layout.cells >> 2) + 2 * cell;
      out.lo = this.state.u32[at] ?? 0;
      out.hi = this.state.u32[at + 1] ?? 0;
      return;
    }
    let value = 0n;
    const how = this.perform(`MRS ${entry.name}`, PC_OF.mrs, registerWord(entry, true), () => {
      value = readSystemRegister(this.cpu, entry.id) ?? 0n;
    });
    if (how === 'emulated') this.takeScratch(out);
    else {
      out.lo = Number(value & LOW32);
      out.hi = Number(value >> 32n);
    }
  }
  writeSystem(register: SystemRegister, lo: number, hi: number): void {
    const entry = entryOf(register);
    const { cell } = entry;
    this.counts.systemWrites++;
    this.counts.writesOf[cell] = (this.counts.writesOf[cell] ?? 0) + 1;
    if (directly(this.cpu, entry, true)) {
      this.retire(1, 'system');
      writeDirectly(this.cpu, entry, lo, hi);
      return;
    }
    const value = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    this.perform(
      `MSR ${entry.name}`,
      PC_OF.msr,
      registerWord(entry, false),
      () => {
        handlers['msr']?.(this.cpu, [BigInt(entry.id), value]);
      },
      lo,
      hi,
    );
  }

  // ---- operations

  operate(operation: SystemOperation, lo = 0, hi = 0): void {
    const entry = operations[operation];
    if (entry === undefined) throw new RangeError(`there is no system operation ${operation}`);
    this.count(entry.kind);
    if (entry.kind === 'barrier') this.retire(1, 'barrier');
    else if (entry.kind === 'tlbi' && tlbMaintenance(this.cpu, entry.id, lo, hi))
      this.retire(1, 'maintenance');
    else {
      const call = entry.kind === 'hvc' || entry.kind === 'smc' || entry.kind === 'svc';
      const place = call ? PC_OF.call : PC_OF.sys;
      const run = (): void => {
        this.execute(entry, lo, hi);
      };
      this.perform(entry.name, place, SCRATCH, run, lo, hi, call);
    }
  }
  private execute({ kind, id }: OperationEntry, lo: number, hi: number): void {
    const { cpu } = this;
    switch (kind) {
      case 'hvc':
      case 'smc':
      case 'svc':
        raise(cpu, kind, lo & 0xffff);
        return;
      case 'sev':
        cpu.sendEvent();
        return;
      case 'sevl':
        cpu.event = true;
        return;
      case 'clrex':
        cpu.clearExclusive();
        return;
      case 'tlbi':
      case 'at':
      case 'cache':
      case 'barrier':
        handlers['sys']?.(cpu, [BigInt(id), (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)]);
    }
  }
  private count(kind: OperationKind): void {
    const { counts } = this;
    if (kind === 'tlbi') counts.tlbMaintenance++;
    else if (kind === 'at') counts.addressTranslations++;
    else if (kind === 'cache') counts.cacheMaintenance++;
    else if (kind === 'barrier') counts.barriers++;
    else if (kind === 'hvc' || kind === 'smc' || kind === 'svc') counts.environmentCalls++;
  }
  work(instructions: number): void {
    if (!(Number.isInteger(instructions) && instructions >= 0 && instructions <= 1 << 24))
      throw new RangeError(`work of ${instructions} instructions: it must be 0 to ${1 << 24}`);
    this.counts.work += instructions;
    this.retire(instructions, 'work');
  }

  /** An operation that is no access to memory: a mistake where its own level would take an exception. */
  private perform(
    what: string,
    place: number,
    word: number,
    run: () => void,
    lo = 0,
    hi = 0,
    call = false,
  ): 'done' | 'emulated' {
    const how = this.instruction(what, place, word, run, lo, hi, call);
    if (how !== 'fault') return how;
    const esr = this.unit.caught?.esr ?? 0;
    throw new Error(`${what} is not for EL${this.level}: ${describeSyndrome(esr)}`);
  }
}

/** The number of a register. */
function checked(n: number): number {
  if (!(Number.isInteger(n) && n >= 0 && n <= 31)) throw new RangeError(`there is no register ${n}`);
  return n;
}
