// The engine: enters the loop, and does in TypeScript what the loop left for.

import type { Stop } from '@worldswitch/platform';

import { noMapping } from '../host.ts';
import type { FastMapping, InterpreterHost } from '../host.ts';
import type { EngineCount } from '../hot/counters.ts';
import { HotLayout } from '../hot/frame.ts';
import { Heat } from '../hot/heat.ts';
import { Tally } from '../hot/tally.ts';
import { THRESHOLD } from '../hot/tier.ts';
import { REACHED } from '../hot/worth.ts';
import { Layout } from '../isa.ts';
import { refillFor } from '../walks/for-host.ts';
import { hostFuses } from '../wasm/relaxed.ts';
import { buildInterpreter } from './build.ts';
import type { InterpreterCode, Shortfall } from './build.ts';
import { DEFAULT_PAGES, OWN_BYTES } from './bytes.ts';
import { engineCounters, interruptTo, reasonCounters, slowKind, stepCause } from './counters.ts';
import type { EngineCounter } from './counters.ts';
import { allCounts } from './counts.ts';
import { checkedEntries, FastTlb } from './fast-tlb.ts';
import type { Interpreter, InterpreterCounters, InterpreterOptions } from './options.ts';
import { Fixed, Reason } from './reasons.ts';
import { Sharing } from './sharing.ts';

/** Makes the interpreter of one CPU. */
export function createInterpreter(options: InterpreterOptions): Interpreter {
  return new WasmInterpreter(options);
}

class WasmInterpreter implements Interpreter {
  readonly name: string;
  readonly counters: InterpreterCounters = {
    entries: 0,
    decoded: 0,
    fetchMisses: 0,
    dataMisses: 0,
    steps: 0,
    compiled: 0,
    samples: 0,
    marks: 0,
    interrupts: 0,
  };
  private readonly tally = new Tally<EngineCounter>(engineCounters);
  /** By `Reason`. */
  private readonly left = new Float64Array(reasonCounters.length);
  readonly sharing: Sharing;
  private readonly host: InterpreterHost;
  private readonly words: Int32Array;
  private readonly tlb: FastTlb;
  private readonly tables: number;
  private made: InterpreterCode | undefined;
  private readonly fuses: boolean;
  private readonly tlbEntries: number;
  /** Made when the CPU first executes: one that is never started costs nothing. */
  private runLoop: (() => number) | undefined;
  /** Loops of seldom cases, by the numbers of their records. */
  private readonly supplements = new Map<number, () => number>();
  private readonly mapping: FastMapping = noMapping();
  private readonly heat = new Heat();
  /** What an instruction may cost, for a part of a slice of so many. */
  private readonly scale: number;
  private stopping = false;
  private executedAtMiss = -1;
  /** The decoded page of the instruction that the loop was left for, or 0. */
  private fetchedFrom = 0;
  private missesInPlace = 0;

  constructor(options: InterpreterOptions) {
    const { host, tables, with: other } = options;
    const { memory } = host;
    this.host = host;
    this.tables = tables;
    this.fuses = other instanceof WasmInterpreter ? other.fuses : hostFuses(memory);
    this.tlbEntries =
      other instanceof WasmInterpreter ? other.tlbEntries : checkedEntries(options.tlbEntries);
    this.words = new Int32Array(memory.buffer, host.base, Layout.size / 4);
    this.scale = host.slice.costs?.perCycle ?? 1;
    if (other instanceof WasmInterpreter) this.sharing = other.sharing;
    else {
      const count = options.pages ?? DEFAULT_PAGES;
      this.sharing = new Sharing(
        memory,
        tables + OWN_BYTES,
        count,
        this.code,
        options.hot ?? {},
        this.fuses,
        this.tlbEntries,
        host.slice.costs?.cases,
      );
    }
    this.name = this.sharing.tier.enabled ? 'jit' : 'interpreter';
    this.tlb = new FastTlb(memory, host.base, tables, this.tlbEntries);
    const { tlb, sharing } = this;
    sharing.join(tlb);
    host.listener = {
      dropped: (lo, hi) => {
        tlb.drop(lo, hi);
      },
      droppedAll: () => {
        tlb.dropAll();
      },
      stored: (at, bytes) => {
        this.tally.add('stores.complete');
        sharing.pages.invalidate(at, bytes);
      },
    };
  }

  counts(): readonly EngineCount[] {
    const { counters, left, tally, tlb, sharing } = this;
    return allCounts({ kept: counters, left, tally, tlb: tlb.tally, sharing });
  }

  countAll(): boolean {
    const { pages, tier } = this.sharing;
    this.tally.on = this.tlb.tally.on = pages.tally.on = true;
    return this.runLoop === undefined && tier.count();
  }

  private get code(): InterpreterCode {
    return (this.made ??= buildInterpreter(this.host.base, {
      fuses: this.fuses,
      tlbEntries: this.tlbEntries,
      costs: this.host.slice.costs?.cases,
      refill: refillFor(this.host, this.tables, this.tlbEntries),
    }));
  }
  get shortfalls(): readonly Shortfall[] {
    return this.code.shortfalls;
  }

  private instantiate(module: Uint8Array<ArrayBuffer>): () => number {
    const { memory } = this.host;
    this.tally.add('modules');
    this.tally.add('modules.bytes', module.length);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module), {
      env: { memory, enter: this.sharing.tier.enter },
    });
    return instance.exports['run'] as () => number;
  }

  /** The loop that has a record's number. */
  private loopWith(number: number): () => number {
    const known = this.supplements.get(number);
    if (known !== undefined) return known;
    const supplement = this.sharing.code.supplementWith(number);
    if (supplement === undefined) throw new RangeError(`no arm has the number ${number}`);
    const loop = this.instantiate(this.code.moduleOf(supplement));
    for (let i = 0; i < supplement.count; i++) this.supplements.set(supplement.first + i, loop);
    return loop;
  }

  get executed(): number {
    return this.host.slice.executed;
  }
  get spent(): number {
    return this.host.slice.spent;
  }

  private get remaining(): number {
    return this.host.slice.remaining;
  }
  private set remaining(value: number) {
    this.host.slice.remaining = value;
  }

  run(budget: number): Stop {
    const { host } = this;
    host.begin(budget);
    this.stopping = false;
    this.tally.add('slices');
    const why = this.slice();
    this.tally.add(`slices.${why}`);
    host.slice.repay();
    host.settle();
    return why;
  }

  private slice(): Stop {
    const { host } = this;
    while (this.remaining > 0) {
      if (host.waiting) return 'wait';
      if (host.untilEvent <= 0) {
        this.tally.add('events');
        host.settle();
      }
      if ((this.words[Layout.pendingPins >> 2] ?? 0) === 0 || !this.interrupted()) {
        if (host.mustStep) this.step('step.watchful');
        else if (host.atSoftware) this.step('step.fetch');
        else this.enterLoop();
      }
      if (this.wasStopped()) return 'stopped';
    }
    return 'budget';
  }

  /** Whether an interrupt that is pending was taken. */
  private interrupted(): boolean {
    const taken = this.host.pollInterrupts();
    if (taken) this.counters.interrupts++;
    if (this.tally.on) this.tally.add(taken ? interruptTo(this.words[Layout.el >> 2] ?? 0) : 'polls.masked');
    return taken;
  }

  /** Whether `stop` was called: by anything that TypeScript did in the meantime. */
  private wasStopped(): boolean {
    return this.stopping;
  }

  stop(): void {
    this.stopping = true;
  }

  invalidate(at: number, bytes: number): void {
    this.tally.add('stores.foreign', this.sharing.invalidate(at, bytes, this.host));
  }

  /** @param word - the instruction, where it was fetched already */
  private step(why: EngineCounter, word?: number): void {
    this.counters.steps++;
    if (this.tally.on) {
      this.tally.add(why);
      this.tally.add(slowKind(word));
    }
    this.host.step(word);
  }

  /** Runs the loop until it has something for TypeScript that may change interrupts or the context. */
  private enterLoop(): void {
    const { host } = this;
    for (;;) {
      this.tlb.select(host.context, host.unprivilegedContext);
      const all = this.remaining;
      const { executed } = this;
      const { untilEvent } = host;
      const part = Math.max(0, Math.min(all, this.heat.period * this.scale, untilEvent));
      this.remaining = part;
      this.counters.entries++;
      if (this.tally.on)
        this.tally.add(part === all ? 'cut.budget' : part === untilEvent ? 'cut.event' : 'cut.sample');
      const why = this.runLoops();
      const left = this.remaining;
      this.remaining = left + all - part;
      if (this.sharing.tier.enabled) this.observe(this.executed - executed);
      if (!this.serve(why)) return;
    }
  }

  /** Runs the loop that has the record at the PC, and those that it leads to, as long as nothing but the TLB changes. */
  private runLoops(): number {
    this.host.walks?.prepare();
    const why = this.runLoopsOn();
    const entered = this.host.walks?.takeCounts() ?? 0;
    this.counters.dataMisses += entered;
    this.tally.add('refills', entered);
    this.tlb.enteredInside(entered);
    return why;
  }

  private runLoopsOn(): number {
    const runLoop = (this.runLoop ??= this.instantiate(this.code.module));
    // Without costs it is not counted what the parts of a slice have executed.
    if (this.host.slice.costs === undefined) this.executedAtMiss = -1;
    let why = this.came(runLoop());
    for (;;) {
      if (why === Reason.Other) {
        const number = this.words[Layout.exitInfo >> 2] ?? 0;
        if (number >= this.code.end) this.tally.add('crossings.seldom');
        why = this.came(number < this.code.end ? runLoop() : this.loopWith(number)());
        continue;
      }
      if (why < Reason.MissRead || (why > Reason.MissUnprivilegedWrite && why < Reason.HotMissRead))
        return why;
      // What a walk costs is taken from the whole slice, not from this part.
      if (this.host.slice.costs !== undefined) return why;
      if (!this.refill(why)) {
        why = this.unfilled(why);
        if (why !== Reason.Budget) return why;
      }
      why = this.came(runLoop());
    }
  }

  /** WebAssembly came back. */
  private came(why: number): number {
    this.left[why] = (this.left[why] ?? 0) + 1;
    this.tally.add('crossings');
    return why;
  }

  /** What is to be done about a miss that `refill` could not help; `Reason.Budget` for nothing. */
  private unfilled(why: number): number {
    if (why < Reason.HotMissRead) return why;
    if (!this.tlb.hasFetch(this.pcLo, this.pcHi)) return Reason.MissRead;
    // What else is the matter is the interpreter's to find out.
    return this.atMark ? Reason.Hot : Reason.Budget;
  }

  /** True if the PC is where a region begins: the interpreter would enter it at once. */
  private get atMark(): boolean {
    const page = this.tlb.fetchPage(this.pcLo, this.pcHi);
    return page !== 0 && this.sharing.pages.numberAt(page + ((this.pcLo & 0xffc) << 2)) === Fixed.hot;
  }

  /** Tries to enter the page of an access that missed, after which the instruction can begin anew. */
  private refill(why: number): boolean {
    const { words, tlb } = this;
    const lo = words[Layout.exitVa >> 2] ?? 0;
    const hi = words[(Layout.exitVa >> 2) + 1] ?? 0;
    const hot = why >= Reason.HotMissRead;
    const write =
      why === Reason.MissWrite || why === Reason.HotMissWrite || why === Reason.MissUnprivilegedWrite;
    const unprivileged = why === Reason.MissUnprivilegedRead || why === Reason.MissUnprivilegedWrite;
    if (!hot) this.counters.dataMisses++;
    // An instruction whose accesses take each other's entries would miss for ever.
    const { executed } = this;
    this.missesInPlace = executed === this.executedAtMiss ? this.missesInPlace + 1 : 0;
    this.executedAtMiss = executed;
    // Before the translation, which may take the place of the fetch's in the TLB: then the next fetch must find that only after
    // this instruction.
    this.fetchedFrom = tlb.fetchPage(this.pcLo, this.pcHi);
    if (write && !unprivileged && !hot) this.storesBesideCode(lo, hi);
    this.tally.add('refills');
    if (this.missesInPlace > 4) return this.refused('refused.present');
    if (!this.enterData(lo, hi, write, unprivileged)) return false;
    // What is not helped here misses once more, in the interpreter.
    if (hot) this.counters.dataMisses++;
    return tlb.hasFetch(this.pcLo, this.pcHi);
  }

  /** Executes the instruction at the PC, which was found on the page `fetchedFrom`. */
  private stepFetched(why: number): false {
    const { pages } = this.sharing;
    const page = this.fetchedFrom;
    const word = page === 0 ? undefined : pages.wordAt(pages.hostOf(page) + (this.pcLo & 0xffc)) >>> 0;
    this.step(this.tally.on ? this.stepCause(why) : 'step.asked', word);
    return false;
  }

  /** The counter of an instruction that is stepped. */
  private stepCause(why: number): EngineCounter {
    if (why !== Reason.Step && !this.tlb.hasFetch(this.pcLo, this.pcHi)) return 'step.displaced';
    return stepCause(why);
  }

  /** A page is not entered. */
  private refused(why: EngineCounter): false {
    this.tally.add(why);
    return false;
  }

  /** True if the loop can go on at once. */
  private serve(why: number): boolean {
    switch (why) {
      case Reason.Decode:
        return this.decode();
      case Reason.Fetch:
        return this.remaining > 0 && this.fetchMiss();
      case Reason.MissRead:
      case Reason.MissWrite:
      case Reason.MissUnprivilegedRead:
      case Reason.MissUnprivilegedWrite:
        // With costs it was not tried yet.
        return (this.host.slice.costs !== undefined && this.refill(why)) || this.stepFetched(why);
      case Reason.HotMissRead:
      case Reason.HotMissWrite:
        if (this.refill(why)) return true;
        if (!this.tlb.hasFetch(this.pcLo, this.pcHi)) return this.stepFetched(why);
        return !this.atMark || this.passMark();
      case Reason.Step:
        this.fetchedFrom = this.tlb.fetchPage(this.pcLo, this.pcHi);
        return this.stepFetched(why);
      case Reason.Hot:
        return this.passMark();
      case Reason.Heat:
        this.sharing.tier.compile(this.pcLo, this.pcHi, this.tlb, {
          lost: THRESHOLD * REACHED,
          reached: true,
        });
        return true;
      case Reason.Budget:
        return this.remaining > 0 && this.host.untilEvent > 0;
      default:
        return false;
    }
  }

  /** Looks where time is spent, after some instructions were executed, and compiles there. */
  private observe(executed: number): void {
    const { words, heat } = this;
    const at = HotLayout.executed >> 2;
    const compiled = words[at] ?? 0;
    words[at] = 0;
    this.counters.compiled += compiled;
    if (!heat.due(executed, executed - compiled)) return;
    const page = this.tlb.fetchPage(this.pcLo, this.pcHi);
    if (page === 0) return;
    this.counters.samples++;
    const lost = heat.sample(page, this.pcLo, this.pcHi, this.sharing);
    if (lost > 0) this.sharing.tier.compile(this.pcLo, this.pcHi, this.tlb, { lost });
  }

  /** Executes the instruction at a mark whose region cannot be entered now. */
  private passMark(): boolean {
    const page = this.tlb.fetchPage(this.pcLo, this.pcHi);
    if (page === 0) throw new Error('a mark without a page');
    this.counters.marks++;
    let goesOn = true;
    this.sharing.tier.unmarked(page + ((this.pcLo & 0xffc) << 2), () => {
      goesOn = this.one();
    });
    return goesOn;
  }

  /** Runs the loop until one instruction is done, or TypeScript has done something that may change interrupts or the context. */
  private one(): boolean {
    for (;;) {
      const all = this.remaining;
      if (all <= 0 || this.host.untilEvent <= 0) return false;
      this.remaining = 1;
      const why = this.runLoops();
      const left = this.remaining;
      this.remaining = all - 1 + left;
      if (left <= 0) return why === Reason.Budget && this.host.untilEvent > 0;
      if (!this.serve(why)) return false;
    }
  }

  private get pcLo(): number {
    return this.words[Layout.pc >> 2] ?? 0;
  }
  private get pcHi(): number {
    return this.words[(Layout.pc >> 2) + 1] ?? 0;
  }

  private decode(): boolean {
    const { mapping } = this;
    this.counters.decoded++;
    if (!this.host.fillFetch(this.pcLo >>> 0, this.pcHi >>> 0, mapping)) {
      this.step('step.fetch');
      return false;
    }
    const { pages, tier } = this.sharing;
    pages.decode(mapping.host, this.pcLo & 0xfff);
    if (tier.eager) tier.compile(this.pcLo, this.pcHi, this.tlb, { lost: 0 });
    return true;
  }

  private fetchMiss(): boolean {
    const { mapping } = this;
    this.counters.fetchMisses++;
    if (!this.host.fillFetch(this.pcLo >>> 0, this.pcHi >>> 0, mapping)) {
      this.step('step.fetch');
      return false;
    }
    this.tlb.enterFetch(this.pcLo, this.pcHi, this.sharing.decodedPage(mapping.host));
    return true;
  }

  /** A store missed: compiled code may do it where it is beside the code of its page. */
  private storesBesideCode(lo: number, hi: number): void {
    const { pages, tier } = this.sharing;
    const lines = this.tlb.mixedLines(lo, hi);
    if (lines === 0 || pages.hasCode(lines, lo & 0xfff)) return;
    tier.storesBesideCode(this.pcLo, this.pcHi, this.tlb);
  }

  /** True if the page of an access is in the fast TLB now, and was not before. */
  private enterData(lo: number, hi: number, write: boolean, unprivileged: boolean): boolean {
    const { host, tlb, mapping } = this;
    if (tlb.hasData(lo, hi, write, unprivileged)) return this.refused('refused.present');
    if (write && !unprivileged && tlb.mixedLines(lo, hi) !== 0) return this.refused('refused.code');
    if (!host.fillData(lo >>> 0, hi >>> 0, write, unprivileged, mapping))
      return this.refused(`refused.${mapping.refusal}`);
    const { readable, writable } = mapping;
    if (!write) {
      if (!readable) return this.refused('refused.rights');
      // Where stores need no more preparation, the first one need not miss.
      const stores = writable && mapping.dirty && this.sharing.storesAllowed(mapping.host);
      tlb.enterData(lo, hi, true, stores, unprivileged, mapping.host);
      return true;
    }
    if (!writable) return this.refused('refused.rights');
    if (!this.sharing.allowStores(mapping.host)) {
      if (!readable || unprivileged) return this.refused('refused.code');
      host.markDirty(mapping.host);
      tlb.enterMixed(lo, hi, mapping.host, this.sharing.allowMixed(mapping.host));
      return false;
    }
    host.markDirty(mapping.host);
    tlb.enterData(lo, hi, readable, true, unprivileged, mapping.host);
    return true;
  }
}
