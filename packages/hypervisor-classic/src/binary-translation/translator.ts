// A guest's kernel in the translation cache: every exit begins with the guest's own PC and registers, and ends with a place in the
// cache. Between the two the hypervisor knows nothing of translation.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { high, low, signed } from './address.ts';
import type { CacheWord, CodeCache, Unit } from './code-cache.ts';
import { Call, eachStart, UnitWriter } from './draft.ts';
import type { Draft } from './draft.ts';
import { Kinds } from './kinds.ts';
import { recover } from './precise.ts';
import { CONTEXTS } from './state-page.ts';
import { translate } from './translate.ts';
import { NO_PAGE } from './virtual-registers.ts';
import type { VirtualRegisterPage, VirtualRegisters } from './virtual-registers.ts';

/** Where the guest is. */
export interface GuestPc {
  readonly pc: Readonly<Word64>;
  setPc(lo: number, hi: number): void;
}

/** What translations may take for granted; where that changes, they are forgotten. */
export interface Assumptions {
  /** SP_EL0 is not the stack pointer. */
  readonly banked: boolean;
  /** No page of the lower half is the kernel's alone. */
  readonly lowerIsUsers: boolean;
}

/** What the translator asks of the hypervisor. */
export interface TranslationHost {
  /** The instruction at a guest's address, read as its kernel would fetch it; -1 where that faults. */
  fetch(port: CpuPort, pc: number): number;
  /** Number of the physical page that the last one came from. */
  readonly physical: number;
  /** All of them when absent. */
  readonly assumptions?: Assumptions;
  /** Something was translated. */
  added?(port: CpuPort): void;
}

/** How an exit from the cache goes on. */
export const Arrival = {
  /** It was no call of translated code: the exception is the guest's or the host's, at the guest's PC. */
  Other: 0,
  /** The guest goes on at its PC, and nothing else is to be done. */
  Continue: 1,
  /** `instruction` at the guest's PC is to be emulated. */
  Emulate: 2,
} as const;
/** One of them. */
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

const USUAL: Assumptions = { banked: true, lowerIsUsers: true };

/** Most instructions of a unit; a page's boundary is another. */
const MOST = 128;

/** What one vCPU does with the cache. */
export class Translator {
  /** The instruction to emulate. */
  instruction = 0;
  /** In-line emulation; off, to compare. */
  readonly inline: boolean;
  private readonly cache: CodeCache;
  private readonly page: VirtualRegisterPage;
  private readonly host: TranslationHost;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  /** The way out that was just taken, and the branch by register. */
  private exit: CacheWord | undefined;
  private indirect = false;
  /** Where the last exit came from. */
  last: CacheWord | undefined;
  private readonly kinds = new Kinds();
  private emptied = 0;

  constructor(cache: CodeCache, page: VirtualRegisterPage, host: TranslationHost, inline = true) {
    this.cache = cache;
    this.page = page;
    this.host = host;
    this.inline = inline;
    this.emptied = cache.counts.emptied;
  }

  /**
   * An exit of the guest's kernel: its registers and PC become what its own text says.
   *
   * @param call - the immediate of the SVC that was executed, or -1 for any other exception
   */
  arrive(port: CpuPort, cpu: VirtualRegisters, frame: GuestPc, call: number): Arrival {
    this.exit = this.last = undefined;
    this.indirect = false;
    if (!this.page.inUse) return Arrival.Other;
    const address = signed(frame.pc) - (call < 0 ? 0 : 4);
    const at = this.cache.at(address);
    // First of all: TPIDR_EL0, which keeps a register of a sequence, becomes the guest's own then.
    const pc = at && recover(port, this.cache, at, this.page, call >= 0);
    this.page.arrive(port, cpu);
    // Not in the cache: the guest has jumped out of it by what it wrote there itself.
    if (at === undefined || pc === undefined) return Arrival.Other;
    frame.setPc(low(pc), high(pc));
    this.last = at;
    if (call < 0) return Arrival.Other;
    this.instruction = at.unit.source[at.unit.origins[at.at] ?? 0] ?? 0;
    switch (call) {
      case Call.EXIT:
        this.exit = at;
        return Arrival.Continue;
      case Call.INDIRECT:
        this.branch(port, frame, pc);
        return Arrival.Continue;
      case Call.PENDING:
        return Arrival.Continue;
      default:
        return Arrival.Emulate;
    }
  }

  /** BR, BLR, RET whose target the table does not have. */
  private branch(port: CpuPort, frame: GuestPc, pc: number): void {
    port.readX((this.instruction >>> 5) & 31, this.word);
    frame.setPc(this.word.lo, this.word.hi);
    if (((this.instruction >>> 21) & 3) === 1) port.writeX(30, low(pc + 4), high(pc + 4));
    this.indirect = true;
  }

  /**
   * The guest's kernel goes on: its PC becomes a place in the cache. False where its instruction cannot be fetched: it goes on at its own
   * PC, where the hardware finds the same.
   */
  depart(
    port: CpuPort,
    cpu: VirtualRegisters,
    frame: GuestPc,
    state: Readonly<Word64>,
    pending: boolean,
  ): boolean {
    const pc = signed(frame.pc);
    const address = this.place(port, pc);
    if (address === undefined) return false;
    this.page.depart(port, cpu, state, pending);
    frame.setPc(low(address), high(address));
    return true;
  }

  private place(port: CpuPort, pc: number): number | undefined {
    const { exit } = this;
    const place = this.cache.place(pc) ?? this.make(port, pc);
    if (place === undefined) return undefined;
    if (
      exit?.unit.alive === true &&
      exit.unit.exits.some(({ at, target }) => at === exit.at && target === pc)
    )
      this.cache.chain(exit.unit, exit.at, pc);
    if (!this.indirect) return place;
    const landing = this.cache.landing(pc) ?? this.land(port, pc);
    this.page.enterTable(port, pc, landing);
    // Where there was no room for the landing, the rest is gone.
    return this.cache.place(pc) ?? this.make(port, pc);
  }

  /** A landing for branches by register to the midst of a unit. */
  private land(port: CpuPort, pc: number): number {
    const to = new UnitWriter(pc);
    to.landing();
    to.exit(pc);
    const unit = this.add(port, to.finish([this.host.fetch(port, pc)]));
    return unit.base;
  }

  private make(port: CpuPort, pc: number): number | undefined {
    if (pc % 4 !== 0) return undefined;
    const draft = translate(
      pc,
      (at) => {
        const word = this.host.fetch(port, at);
        return word < 0 ? undefined : word;
      },
      {
        most: MOST,
        inline: this.inline,
        ...(this.host.assumptions ?? USUAL),
        context: this.page.context,
        known: this.cache.knownIn(pc),
      },
      this.kinds,
    );
    if (draft === undefined) return undefined;
    const unit = this.add(port, draft);
    eachStart(unit, (origin, at, landing) => {
      if (landing && origin > 0) this.page.enterTable(port, unit.pc + 4 * origin, unit.base + 4 * at);
    });
    return this.cache.place(pc);
  }

  private add(port: CpuPort, draft: Draft): Unit {
    // The page may be elsewhere by now, and the guest did not say so.
    const { context } = this.page;
    const known = this.cache.pageAt(context, draft.pc);
    if (known && known.physical !== this.host.physical) this.forgetPage(port, draft.pc, context);
    const unit = this.cache.add(draft, this.host.physical);
    this.page.flushed(port, NO_PAGE, NO_PAGE);
    this.page.unshadowed(port, NO_PAGE, NO_PAGE);
    this.host.added?.(port);
    if (this.cache.counts.emptied !== this.emptied) {
      this.emptied = this.cache.counts.emptied;
      this.exit = undefined;
      this.emptyTables(port);
    }
    return unit;
  }

  /** The guest goes on in another context: what it is in is not of that. */
  select(context: number): void {
    this.exit = undefined;
    this.indirect = false;
    this.cache.select(context);
    this.page.select(context);
  }

  /** The text at an address of a context is elsewhere now. */
  forgetPage(port: CpuPort, pc: number, context: number): void {
    this.forgotten(port, this.cache.forgetPage(pc, context));
  }

  /**
   * Addresses may be elsewhere than they were.
   *
   * @param around - number of the virtual page whose GiB it is alone; without, all
   */
  moved(port: CpuPort, around?: Readonly<Word64>): void {
    if (around && !this.page.isFlushedNear(around)) return;
    this.page.flushed(port, NO_PAGE, NO_PAGE);
  }

  /**
   * The text in a physical page is another now.
   *
   * @param va - its virtual address
   */
  forgetPhysical(port: CpuPort, physical: number, va: Readonly<Word64>): void {
    this.page.unshadowed(port, NO_PAGE, NO_PAGE);
    this.page.flushed(port, ((va.lo >>> 12) | (va.hi << 20)) >>> 0, va.hi >>> 12);
    this.forgotten(port, this.cache.forgetPhysical(physical));
  }

  /** The same, but it was another vCPU that said so. */
  forgetText(port: CpuPort, physical: number): void {
    this.forgotten(port, this.cache.forgetPhysical(physical));
  }

  /** The guest's kernel does not go on at once: what the last exit was to be followed by is void. */
  left(): void {
    this.exit = this.last = undefined;
    this.indirect = false;
  }

  private forgotten(port: CpuPort, units: readonly Unit[]): void {
    for (const unit of units)
      eachStart(unit, (origin, _, landing) => {
        if (landing) this.page.leaveTable(port, unit.pc + 4 * origin, unit.context);
      });
  }

  private emptyTables(port: CpuPort): void {
    for (let context = 0; context < CONTEXTS; context++) this.page.emptyTable(port, context);
  }
}
