// A CPU's addresses: the TLB in front of the walker, and the aborts that they end in (DDI 0487 D8, D1.13).

import {
  Access,
  createRequest,
  createTranslation,
  currentAsid,
  faultStatusCode,
  hpfarFromFault,
  isDevice,
  MmuFault,
  permits,
  Regime,
  tlbContext,
} from '@worldswitch/mmu';
import type { Translation, TranslationRequest, Walker } from '@worldswitch/mmu';
import type { Word64 } from '@worldswitch/platform';

import type { Cpu } from './cpu.ts';
import { defaultTarget, enterException, TakenException, Vector } from './exceptions.ts';
import { DataIss, EC, instructionSyndrome, syndrome } from './syndrome.ts';

const LOW32 = 0xffff_ffffn;

/** The fault status of a synchronous external abort, and of an alignment fault. */
export const EXTERNAL_ABORT = 0x10;
/** The fault status of an alignment fault. */
export const ALIGNMENT = 0x21;

/** Translates for one CPU. */
export class Translator {
  readonly request: TranslationRequest = createRequest();
  readonly answer: Translation = createTranslation();
  readonly word: Word64 = { lo: 0, hi: 0 };
  readonly walker: Walker;
  private readonly cpu: Cpu;
  /** What the current level's entries in the TLB are tagged with. */
  context = 0;
  asid = 0;

  constructor(cpu: Cpu, walker: Walker) {
    this.cpu = cpu;
    this.walker = walker;
  }

  /** The regime of the current exception level. */
  get regime(): Regime {
    const { el } = this.cpu.state;
    return el === 2 ? Regime.EL2 : el === 3 ? Regime.EL3 : Regime.EL10;
  }

  /**
   * A number for everything that decides how this CPU's accesses translate now, with EL0's permissions or its own: 24 bits of
   * context, 17 of ASID, 3 of level and PAN.
   */
  contextKey(unprivileged: boolean): number {
    const { el, pan } = this.cpu.state;
    const level = el === 0 || (unprivileged && el === 1) ? 0 : el;
    return (this.context * 0x2_0000 + (this.asid & 0x1_ffff)) * 8 + level * 2 + pan;
  }

  /** Call when registers or the exception level have changed. */
  refresh(): void {
    this.context = tlbContext(this.cpu.controls, this.regime);
    this.asid = currentAsid(this.cpu.controls, this.regime);
  }

  /** Fills the request for the walker. */
  prepare(va: bigint, regime: Regime, access: Access, unprivileged: boolean): void {
    this.prepareHalves(Number(va & LOW32), Number(va >> 32n), regime, access, unprivileged);
  }

  private prepareHalves(
    vaLo: number,
    vaHi: number,
    regime: Regime,
    access: Access,
    unprivileged: boolean,
  ): void {
    const { request } = this;
    request.vaLo = vaLo;
    request.vaHi = vaHi;
    request.regime = regime;
    request.access = access;
    request.unprivileged = unprivileged;
    request.pan = this.cpu.state.pan !== 0;
    request.unaligned = false;
  }

  /**
   * The physical address of `va` in the current regime, or -1 with the fault in `answer`. On success `entry` is the TLB's.
   */
  translate(va: bigint, access: Access, unprivileged: boolean, unaligned: boolean): number {
    return this.translateHalves(Number(va & LOW32), Number(va >> 32n), access, unprivileged, unaligned);
  }

  /** The same for an address in two unsigned halves, without BigInt: engines fill their own tables with it. */
  translateHalves(
    vaLo: number,
    vaHi: number,
    access: Access,
    unprivileged: boolean,
    unaligned: boolean,
  ): number {
    const found = this.find(vaLo, vaHi, access, unprivileged, unaligned);
    return found >= 0 ? found : this.fill(vaLo, vaHi, access, unprivileged, unaligned);
  }

  /** The first half of it: the physical address if the TLB has it and allows the access, or -1, with `stale` set if not. */
  find(vaLo: number, vaHi: number, access: Access, unprivileged: boolean, unaligned = false): number {
    const { tlb } = this.cpu;
    const found = tlb.lookup(this.context, vaLo, vaHi, this.asid);
    this.stale = found >= 0;
    if (found < 0 || !this.allowed(found, access, unprivileged, unaligned)) return -1;
    this.entry = found;
    return (tlb.pa[found] ?? 0) + (vaLo & 0xfff);
  }
  /** After `find`: the TLB has an entry for the page, which does not allow the access. */
  stale = false;

  /**
   * The second half: walks the tables and enters what they say.
   *
   * @param noDevice - enters nothing that is Device memory: an access that is not aligned would fault
   */
  fill(
    vaLo: number,
    vaHi: number,
    access: Access,
    unprivileged: boolean,
    unaligned: boolean,
    noDevice = false,
  ): number {
    this.prepareHalves(vaLo, vaHi, this.regime, access, unprivileged);
    const { request, answer } = this;
    request.unaligned = unaligned;
    if (!this.walk(request, answer) || (noDevice && isDevice(answer.dataAttributes))) return -1;
    this.entry = this.cpu.tlb.fill(this.context, vaLo, vaHi, this.asid, answer);
    return answer.pa;
  }

  /** A table walk, and what it costs. */
  walk(request: TranslationRequest, answer: Translation): boolean {
    const { walker } = this;
    const { slice } = this.cpu;
    if (slice.costs === undefined) return walker.translate(request, answer);
    const { stage1References, stage2References } = walker.counters;
    const done = walker.translate(request, answer);
    const { tlbMiss, descriptor } = slice.costs;
    slice.charge(
      tlbMiss +
        (walker.counters.stage1References - stage1References) * (descriptor[1] ?? 0) +
        (walker.counters.stage2References - stage2References) * (descriptor[2] ?? 0),
    );
    return done;
  }

  /** Index in the TLB of the last successful translation. */
  entry = 0;

  private allowed(index: number, access: Access, unprivileged: boolean, unaligned: boolean): boolean {
    const { tlb } = this.cpu;
    if (unaligned && access !== Access.Execute && isDevice(tlb.attributes[index] ?? 0)) return false;
    return permits(tlb.permissions[index] ?? 0, access, unprivileged, this.cpu.state.pan !== 0);
  }

  /** True when the last successful translation is of Device memory. */
  get device(): boolean {
    return isDevice(this.cpu.tlb.attributes[this.entry] ?? 0);
  }

  /** True when the last successful translation is to the Non-secure physical address space. */
  get nonSecure(): boolean {
    return this.cpu.tlb.ns[this.entry] !== 0;
  }

  /** Takes the data abort that `answer` describes. */
  dataAbort(va: bigint, maintenance: boolean): void {
    this.dataAbortAt(Number(va & LOW32), Number(va >> 32n), maintenance);
  }

  /** The same with the address in halves. */
  dataAbortAt(vaLo: number, vaHi: number, maintenance: boolean): void {
    const { answer, cpu } = this;
    const stage2 = answer.stage === 2;
    let iss = faultStatusCode(answer);
    if (answer.write || maintenance) iss |= DataIss.WnR;
    if (maintenance) iss |= DataIss.CM;
    if (answer.s1ptw) iss |= DataIss.S1PTW;
    if (stage2 && !answer.s1ptw && !maintenance) iss |= instructionSyndrome(cpu.currentWord());
    this.abort(EC.DataAbort, iss, vaLo, vaHi, stage2);
  }

  /** Takes a data abort with a status that no walk gave: alignment, external. */
  plainDataAbort(va: bigint, status: number, write: boolean): void {
    const iss = status | (write ? DataIss.WnR : 0);
    this.abort(EC.DataAbort, iss, Number(va & LOW32), Number(va >> 32n), false);
  }

  /** Takes a synchronous external abort on a data access. */
  externalAbortAt(vaLo: number, vaHi: number, write: boolean): void {
    this.abort(EC.DataAbort, EXTERNAL_ABORT | (write ? DataIss.WnR : 0), vaLo, vaHi, false);
  }

  /** Takes the instruction abort that `answer` describes. */
  instructionAbort(va: bigint): void {
    const { answer } = this;
    const iss = faultStatusCode(answer) | (answer.s1ptw ? DataIss.S1PTW : 0);
    this.abort(EC.InstructionAbort, iss, Number(va & LOW32), Number(va >> 32n), answer.stage === 2);
  }

  /** Takes an instruction abort for a fetch that the bus refused. */
  fetchExternalAbort(va: bigint): void {
    this.abort(EC.InstructionAbort, EXTERNAL_ABORT, Number(va & LOW32), Number(va >> 32n), false);
  }

  /** An AT whose table walk aborted, or that faulted in stage 2 of the tables at EL1: a data abort with CM set. */
  raiseTableFault(va: bigint): void {
    this.answer.write = false;
    this.dataAbort(va, true);
    this.cpu.endInstruction();
  }

  private abort(ec: number, iss: number, vaLo: number, vaHi: number, stage2: boolean): void {
    const { cpu, word, answer } = this;
    const { state } = cpu;
    const external = (iss & 0x3c) === EXTERNAL_ABORT || (iss & 0x3c) === 0x14;
    let el = stage2 ? Math.max(2, state.el) : defaultTarget(cpu);
    if (external && cpu.features.el3 && (cpu.register('SCR_EL3') & 8n) !== 0n) el = 3;
    const esr = syndrome(state.el === el ? ec + 1 : ec, iss);
    const taken = new TakenException(el, Vector.Synchronous, esr, state.pcLo, state.pcHi);
    if (el === 2 && stage2 && answer.fault !== MmuFault.None) {
      hpfarFromFault(answer, word);
      taken.hpfar = (BigInt(word.hi) << 32n) | BigInt(word.lo);
    }
    enterException(cpu, taken.at(vaLo, vaHi));
  }
}
