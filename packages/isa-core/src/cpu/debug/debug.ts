// Self-hosted debug of one CPU: what is armed, the software step state machine, and the debug exceptions (DDI 0487 D2).
// Nothing is asked of it while nothing is armed.

import type { Cpu } from '../cpu.ts';
import { takeException, Vector } from '../exceptions.ts';
import { Layout } from '../layout.ts';
import { DAIF, SPSR_BIT } from '../state.ts';
import { DataIss, EC, syndrome } from '../syndrome.ts';
import { debugEnabledFrom, debugExceptionLevel, MDSCR, osLocked } from './enables.ts';
import {
  breakpointControl,
  breakpointMatches,
  BREAKPOINTS,
  breakpointType,
  breakpointValue,
  watchedRange,
  watchpointControl,
  watchpointMatches,
  WATCHPOINTS,
} from './match.ts';

/** IFSC and DFSC of a debug exception. */
const DEBUG_EVENT = 0x22;
const StepIss = { ISV: 1 << 24, EX: 1 << 6 } as const;
/** `Layout.stepped`: what the instruction before this one was. */
const Stepped = { no: 0, yes: 1, exclusive: 2 } as const;

/** Page numbers, of bits 48:12 of an address. */
interface Pages {
  readonly first: number;
  readonly last: number;
}

const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
const pageOf = (va: bigint): number => Number((va >> 12n) & 0x1f_ffff_ffffn);
const hits = (pages: readonly Pages[], page: number): boolean =>
  pages.some(({ first, last }) => page >= first && page <= last);

/** LDXR and its kin: exclusive loads. */
const loadsExclusive = (word: number): boolean => (word & 0x3fc0_0000) === 0x0840_0000;

/** The debug logic of one CPU. */
export class Debug {
  /** An instruction fetch must ask: a breakpoint is armed, or MDSCR_EL1.SS is set, and nothing is locked. */
  fetching = false;
  /** A data access must ask: a watchpoint is armed. */
  watching = false;
  /** Software step may act at this level as soon as PSTATE.D allows: every instruction is a step. */
  watchful = false;
  /** A breakpoint of contexts alone matches in this state, whatever the address. */
  everyFetch = false;
  /** COMMIRQ has another level: an input of the interrupt controller, PPI 22 by convention. */
  channelInterrupt: ((level: boolean) => void) | undefined;
  private readonly cpu: Cpu;
  private stepping = false;
  private breakpoints: readonly number[] = [];
  private watchpoints: readonly number[] = [];
  private contexts: readonly number[] = [];
  private fetchPages: readonly Pages[] = [];
  private dataPages: readonly Pages[] = [];
  private armed = '';

  constructor(cpu: Cpu) {
    this.cpu = cpu;
  }

  /** Debug registers have changed. */
  changed(): void {
    const { cpu } = this;
    const mdscr = osLocked(cpu) ? 0n : cpu.register('MDSCR_EL1');
    this.stepping = (mdscr & MDSCR.SS) !== 0n;
    const on = (mdscr & MDSCR.MDE) !== 0n;
    const enabled = (count: number, control: (cpu: Cpu, n: number) => number): readonly number[] =>
      on ? indices(count).filter((n) => (control(cpu, n) & 1) !== 0) : [];
    this.breakpoints = enabled(BREAKPOINTS, breakpointControl);
    this.watchpoints = enabled(WATCHPOINTS, watchpointControl);
    this.watching = this.watchpoints.length > 0;
    this.fetching = this.stepping || this.breakpoints.length > 0;
    this.findPages();
    this.channelChanged();
    const before = this.everyFetch;
    this.modeChanged();
    if (this.everyFetch !== before) cpu.listener?.contextChanged();
  }

  /** TXfull, RXfull or MDCCINT_EL1 has changed: COMMIRQ asks for a word, or says that one is there (DDI 0487 H4.4). */
  channelChanged(): void {
    const enabled = this.cpu.register('MDCCINT_EL1');
    const ready = this.cpu.register('MDSCR_EL1') ^ MDSCR.TXfull;
    this.channelInterrupt?.((enabled & ready & (MDSCR.TXfull | MDSCR.RXfull)) !== 0n);
  }

  /** What engines must not do by themselves. */
  private findPages(): void {
    const { cpu } = this;
    const typeOf = (n: number): ReturnType<typeof breakpointType> =>
      breakpointType(cpu, n, breakpointControl(cpu, n));
    this.contexts = this.breakpoints.filter((n) => typeOf(n)?.address === false);
    this.fetchPages = this.breakpoints
      .filter((n) => typeOf(n)?.address === true)
      .map((n) => pageOf(breakpointValue(cpu, n)))
      .map((page) => ({ first: page, last: page }));
    this.dataPages = this.watchpoints.flatMap((n) => {
      const range = watchedRange(cpu, n);
      return range === undefined ? [] : [{ first: pageOf(range[0]), last: pageOf(range[1]) }];
    });
    const armed = [
      ...this.fetchPages.map(({ first }) => `b${String(first)}`),
      ...this.dataPages.map(({ first, last }) => `w${String(first)}-${String(last)}`),
    ].join();
    if (armed === this.armed) return;
    this.armed = armed;
    cpu.listener?.droppedAll();
  }

  /** The exception level, PSTATE, CONTEXTIDR_EL1, VTTBR_EL2 or what routes debug exceptions has changed. */
  modeChanged(): void {
    const { cpu } = this;
    if (!this.fetching) {
      this.watchful = this.everyFetch = false;
      return;
    }
    this.watchful = this.stepping && debugEnabledFrom(cpu, cpu.state.el, cpu.secure, false);
    this.everyFetch = this.contexts.some((n) => breakpointMatches(cpu, n, 0n));
  }

  /** CONTEXTIDR_EL1 was written. */
  contextIdChanged(): void {
    if (this.contexts.length === 0) return;
    this.modeChanged();
    this.cpu.listener?.contextChanged();
  }

  /** True if a fetch from a page must go by the complete path. The address is in two unsigned halves. */
  fetchesFrom(vaLo: number, vaHi: number): boolean {
    return this.everyFetch || hits(this.fetchPages, (vaHi & 0x1_ffff) * 0x10_0000 + (vaLo >>> 12));
  }
  /** True if a data access to a page must. */
  watches(vaLo: number, vaHi: number): boolean {
    return hits(this.dataPages, (vaHi & 0x1_ffff) * 0x10_0000 + (vaLo >>> 12));
  }

  /** AArch64.GenerateDebugExceptions(). */
  private get enabled(): boolean {
    const { state, secure } = this.cpu;
    return debugEnabledFrom(this.cpu, state.el, secure, (state.daif & DAIF.D) !== 0);
  }

  // ---- software step (D2.11)

  /** Before an instruction: true if it is one that is stepped (active-not-pending). */
  get steps(): boolean {
    return this.stepping && this.cpu.state.ss !== 0 && this.enabled;
  }
  /**
   * After an instruction, or the exception that it ended in.
   *
   * @param stepped - what `steps` was before it
   * @param word - the instruction, where it was executed
   */
  instructionEnded(stepped: boolean, word: number | undefined): void {
    const { state } = this.cpu;
    if (stepped) {
      state.ss = 0;
      const exclusive = word !== undefined && loadsExclusive(word);
      state.setWord(Layout.stepped, exclusive ? Stepped.exclusive : Stepped.yes);
    } else if (state.word(Layout.stepped) !== Stepped.no) state.setWord(Layout.stepped, Stepped.no);
  }
  /** SSAdvance(): SVC, HVC and SMC are stepped before their exception is taken. */
  advance(): void {
    if (this.stepping) this.cpu.state.ss = 0;
  }
  /** DebugExceptionReturnSS(): PSTATE.SS after an exception return to a level. */
  stateAfterReturn(spsr: number, to: number): number {
    if (!this.stepping || ((spsr >> SPSR_BIT.SS) & 1) === 0 || this.enabled) return 0;
    const secure = to === 3 || this.cpu.secureBelow3;
    return debugEnabledFrom(this.cpu, to, secure, ((spsr >> SPSR_BIT.D) & 1) !== 0) ? 1 : 0;
  }
  /** Takes the software step exception if it is pending: before all else of an instruction. */
  checkStep(): void {
    const { cpu } = this;
    if (!this.stepping || cpu.state.ss !== 0 || !this.enabled) return;
    const stepped = cpu.state.word(Layout.stepped);
    let iss = DEBUG_EVENT;
    if (stepped !== Stepped.no) iss |= StepIss.ISV;
    if (stepped === Stepped.exclusive) iss |= StepIss.EX;
    this.take(EC.SoftwareStep, iss);
  }

  // ---- breakpoints (D2.8) and watchpoints (D2.9)

  /** Takes the exception of a breakpoint on the instruction at the PC, which has been fetched. */
  checkBreakpoints(): void {
    const { cpu } = this;
    if (this.breakpoints.length === 0 || !this.enabled) return;
    const { pc } = cpu.state;
    if (this.breakpoints.some((n) => breakpointMatches(cpu, n, pc))) this.take(EC.Breakpoint, DEBUG_EVENT);
  }

  /**
   * Takes the exception of a watchpoint on an access that no fault prevents.
   *
   * @param unprivileged - with EL0's permissions
   * @param maintenance - by a cache maintenance instruction
   */
  checkAccess(va: bigint, bytes: number, write: boolean, unprivileged: boolean, maintenance: boolean): void {
    const { cpu } = this;
    if (!this.enabled) return;
    const el = unprivileged ? 0 : cpu.state.el;
    for (const n of this.watchpoints) {
      const at = watchpointMatches(cpu, n, va, bytes, write, el);
      if (at < 0) continue;
      const iss = DEBUG_EVENT | (write ? DataIss.WnR : 0) | (maintenance ? DataIss.CM : 0);
      this.take(EC.Watchpoint, iss, va + BigInt(at));
    }
  }

  private take(ec: number, iss: number, far?: bigint): never {
    const { cpu } = this;
    const el = debugExceptionLevel(cpu);
    takeException(cpu, {
      el,
      vector: Vector.Synchronous,
      esr: syndrome(cpu.state.el === el ? ec + 1 : ec, iss),
      pc: cpu.state.pc,
      ...(far !== undefined && { far: BigInt.asUintN(64, far) }),
    });
    return cpu.endInstruction();
  }
}
