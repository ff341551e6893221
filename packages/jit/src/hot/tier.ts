// The hot tier of one machine: which regions there are, where they begin, and when they go.

import type { Costs } from '../emit/costs.ts';
import type { DecodedPages } from '../interpreter/pages.ts';
import { Fixed } from '../interpreter/reasons.ts';
import { encodeModule } from '../wasm/module.ts';
import { discover, loopHead } from './blocks.ts';
import type { Block, CodeSource, Discovered } from './blocks.ts';
import { codeSource } from './code-source.ts';
import type { PageSource } from './code-source.ts';
import { compilingCounters, Counting, emittedCounters } from './counters.ts';
import type { CompilingCounter } from './counters.ts';
import { countersAt, dispatcherModule, entryAt, heatAt, MAX_ENTRIES } from './dispatcher.ts';
import { gateType, regionType } from './frame.ts';
import { plan } from './layout.ts';
import type { Plan } from './layout.ts';
import type { Mark, Region, Span, Wish } from './region-record.ts';
import { RegionEmitter } from './region.ts';
import { Tally } from './tally.ts';
import { entryParameter } from './ways.ts';
import type { RegionPage } from './ways.ts';
import { STEPPED, Worth } from './worth.ts';

/** `HotOptions.threshold` unless given. */
export const THRESHOLD = 2000;
/** Most instructions where one region was asked for. */
const MAX_ROOTS = 40;

/** Stores beside code, of one instruction of a region, before the region is compiled anew to do them. */
const MIXED_STORES = 16;

/** Most wishes for a region that are not heard after the host did not compile one. */
const MOST_PAUSE = 4096;

/** How eagerly code is compiled. */
export interface HotOptions {
  /** False, or not given: nothing is compiled. */
  readonly enabled?: boolean;
  /** True: everything is compiled when it is first decoded. For tests. */
  readonly eager?: boolean;
  /**
   * How often compiled code comes to a PC without a region before that is compiled. Unless given, 2000 times and then again until
   * what compiling costs is lost: see `Worth`.
   */
  readonly threshold?: number;
  /** Regions that are kept at once, at most 16,000: 4000 unless given. */
  readonly regions?: number;
  /** Instructions of one region: 300 unless given. */
  readonly instructions?: number;
  /** How deep calls of compiled code nest before they become jumps: 96 unless given. */
  readonly depth?: number;
  /** False: one region never leads to the next by itself, all go through `enter`. For tests. */
  readonly chain?: boolean;
}

/** What the tier works on. */
export interface TierOptions extends HotOptions {
  readonly memory: WebAssembly.Memory;
  /** Byte offset of `DISPATCH_BYTES` bytes. */
  readonly offset: number;
  readonly pages: DecodedPages;
  /** Whether a case of the table has code. */
  readonly hasCode: (caseId: number) => boolean;
  /** What `hostFuses` says. */
  readonly fuses: boolean;
  /** Entries of each TLB that compiled code reads. */
  readonly tlbEntries: number;
  /** What instructions cost; 1 each unless given. */
  readonly costs?: Costs | undefined;
}

/** Counts. No state of the machine. */
export interface HotCounters {
  compiled: number;
  instructions: number;
  bytes: number;
  failed: number;
  irreducible: number;
  changed: number;
  dropped: number;
  evicted: number;
  refused: number;
}

function kindOf(wish: Wish): CompilingCounter {
  if (wish.reached === true) return 'wish.reached';
  if (wish.mixedStores === true) return 'wish.beside';
  return wish.lost === 0 ? 'wish.eager' : 'wish.sampled';
}

/** Compiled regions of one memory. */
export class HotTier {
  readonly counters: HotCounters = {
    compiled: 0,
    instructions: 0,
    bytes: 0,
    failed: 0,
    irreducible: 0,
    changed: 0,
    dropped: 0,
    evicted: 0,
    refused: 0,
  };
  readonly tally: Tally<CompilingCounter> = new Tally<CompilingCounter>(compilingCounters);
  readonly enabled: boolean;
  readonly eager: boolean;
  /** The import `enter` of an interpreter's module. */
  enter: (base: number) => number = () => 0;
  private gate: () => number = () => 0;
  private table: WebAssembly.Table = new WebAssembly.Table({ initial: 0, element: 'anyfunc' });
  private readonly options: TierOptions;
  private readonly words: Int32Array;
  private readonly limit: number;
  /** In the order of their making. */
  private readonly regions = new Set<Region>();
  private readonly marks = new Map<number, Mark>();
  private readonly byPage = new Map<number, Set<Region>>();
  private readonly freeEntries: number[] = [];
  private readonly freeElements: number[] = [];
  private emitter: RegionEmitter;
  private nextEntry = 1;
  private nextElement = 0;
  private readonly worth: Worth = new Worth();
  /** Wishes that are not heard, after the host did not compile one. */
  private pause = 0;
  /** Records where nothing could be compiled. */
  private readonly failed = new Set<number>();
  /** By record: how often the instruction stored beside code, and had to leave its region for that. */
  private readonly mixed = new Map<number, number>();

  constructor(options: TierOptions) {
    this.options = options;
    this.emitter = this.newEmitter(new Counting());
    this.enabled = options.enabled ?? false;
    this.eager = options.eager ?? false;
    this.limit = Math.min(options.regions ?? 4000, 16_000);
    const { memory, offset } = options;
    this.words = new Int32Array(memory.buffer);
    // No way in is number 0, and nobody's.
    this.words[entryAt(offset, 0) >> 2] = -1;
    this.dispatch(new Counting());
  }

  /** From now on compiled code counts what it does. False where there is compiled code already, which does not. */
  count(): boolean {
    this.tally.on = true;
    if (this.counters.compiled > 0) return false;
    const counting = new Counting(countersAt(this.options.offset));
    this.emitter = this.newEmitter(counting);
    this.dispatch(counting);
    return true;
  }

  private newEmitter(counting: Counting): RegionEmitter {
    const { fuses, tlbEntries, costs } = this.options;
    return new RegionEmitter(counting, fuses, tlbEntries, costs);
  }
  private readonly costOf = (block: Block): number => this.emitter.costOf(block);

  private dispatch(counting: Counting): void {
    const { memory, offset, threshold = THRESHOLD, depth, chain = true, tlbEntries, costs } = this.options;
    const module = new WebAssembly.Module(
      dispatcherModule(offset, { threshold, depth, chain, tlbEntries }, counting, costs),
    );
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.enter = exports['enter'] as (base: number) => number;
    this.gate = exports['gate'] as () => number;
    this.table = exports['table'] as WebAssembly.Table;
  }

  /** The counts of `tierCounters`, and of `emittedCounters`. */
  get counts(): { readonly tier: readonly number[]; readonly emitted: readonly number[] } {
    const { compiled, instructions, bytes, failed, irreducible, changed } = this.counters;
    const { dropped, evicted, refused } = this.counters;
    const now = [this.regions.size, this.marks.size, this.failed.size];
    const at = countersAt(this.options.offset) >> 2;
    return {
      tier: [compiled, instructions, bytes, failed, irreducible, changed, dropped, evicted, refused, ...now],
      emitted: emittedCounters.map((_, i) => (this.words[at + i] ?? 0) >>> 0),
    };
  }

  /** True if a region begins at a record. */
  isMarked(record: number): boolean {
    return this.options.pages.entryAt(record) !== 0;
  }

  /** True if an instruction of a decoded page, by its number there, is in some region. */
  covers(decoded: number, instruction: number): boolean {
    for (const region of this.byPage.get(decoded) ?? []) {
      const spans = region.spans.get(decoded) ?? [];
      if (spans.some((s) => !s.copied && instruction >= s.from && instruction <= s.to)) return true;
    }
    return false;
  }

  /** Puts the instruction at a mark back, as long as `run` lasts. */
  unmarked(record: number, run: () => void): void {
    const { pages } = this.options;
    const mark = this.marks.get(pages.entryAt(record));
    if (mark?.record !== record) {
      // Nobody's mark any more.
      if (pages.numberAt(record) === Fixed.hot) pages.setNumber(record, Fixed.decode);
      run();
      return;
    }
    pages.setNumber(record, pages.alone(mark.original));
    run();
    if (this.marks.get(mark.entry) !== mark) return;
    mark.original = pages.numberAt(record);
    pages.setNumber(record, Fixed.hot);
  }

  /**
   * Compiles a region that begins at an address, if there is none yet and the code there allows it.
   *
   * @param at - the pages that the CPU has fetched from
   */
  compile(vaLo: number, vaHi: number, at: PageSource, wish: Wish): boolean {
    const decoded = at.fetchPage(vaLo, vaHi);
    if (decoded === 0 || !this.enabled) return false;
    this.tally.add(kindOf(wish));
    if (this.pause > 0) {
      this.pause--;
      return this.unheard('answer.paused');
    }
    const { pages, offset, threshold } = this.options;
    const root = (vaLo & 0xfff) >>> 2;
    const record = decoded + root * 16;
    if (pages.entryAt(record) !== 0 || this.failed.has(record)) return this.unheard('answer.known');
    const from = wish.reached === true ? this.jumpingTo(decoded, root) : undefined;
    const weighed = threshold === undefined && !this.eager;
    this.words[heatAt(offset, record) >> 2] = 0;
    if (weighed && !this.worth.lose(record, wish.lost)) return this.unheard('answer.early');
    const roots = from === undefined ? [root] : [...from.roots, ...this.reachedNear(from, root)];
    const found = new Map<number, number>([[0, decoded]]);
    const source = this.source(vaLo, vaHi, at, found);
    const { instructions = 300 } = this.options;
    const region = discover(source, roots, {
      instructions: from === undefined ? instructions : 2 * instructions,
      blocks: 80 + 2 * roots.length,
    });
    if (weighed && region !== undefined && !this.worth.pays(record, region.instructions))
      return this.unheard('answer.early');
    for (const r of roots) this.words[heatAt(offset, decoded + r * 16) >> 2] = 0;
    const planned = region && plan(region, this.eager, this.costOf);
    if (region === undefined || planned === undefined) {
      if (region === undefined) this.counters.failed++;
      else this.counters.irreducible++;
      if (this.failed.size > 4096) this.failed.clear();
      this.failed.add(record);
      return false;
    }
    if (from !== undefined) {
      this.tally.add('regions.grown');
      this.kill(from);
    }
    const mixedStores = wish.mixedStores === true || from?.mixedStores === true;
    if (!this.make(region, planned, found, roots, mixedStores)) return false;
    this.tally.add('answer.made');
    return true;
  }

  /** A wish has this answer. */
  private unheard(answer: CompilingCounter): false {
    this.tally.add(answer);
    return false;
  }

  /** The instruction at an address is about to store beside code, by the reference engine. */
  storesBesideCode(vaLo: number, vaHi: number, at: PageSource): void {
    const decoded = at.fetchPage(vaLo, vaHi);
    const instruction = (vaLo & 0xfff) >>> 2;
    const concerned = [...(this.byPage.get(decoded) ?? [])].filter(
      ({ mixedStores, spans }) =>
        !mixedStores && spans.get(decoded)?.some((s) => instruction >= s.from && instruction <= s.to),
    );
    if (concerned.length === 0 && (!this.enabled || this.covers(decoded, instruction))) return;
    const record = decoded + instruction * 16;
    const count = (this.mixed.get(record) ?? 0) + 1;
    if (this.mixed.size > 4096) this.mixed.clear();
    this.mixed.set(record, count);
    if (count < MIXED_STORES) return;
    this.mixed.delete(record);
    if (concerned.length === 0) {
      const { instructions = 300 } = this.options;
      const source = this.source(vaLo, vaHi, at, new Map<number, number>([[0, decoded]]));
      const head = loopHead(source, instruction, { instructions, blocks: 80 });
      const wish: Wish = { lost: MIXED_STORES * STEPPED, mixedStores: true };
      this.compile((vaLo & ~0xfff) | (head << 2), vaHi, at, wish);
    }
    for (const region of concerned) {
      const first = (vaLo & ~0xfff) >>> 0;
      const lo = first - (region.places.get(decoded) ?? 0) * 4096;
      const inside = lo >= 0 && lo < 2 ** 32 && at.fetchPage(lo | 0, vaHi) === region.page;
      if (inside) this.remake(region, lo | 0, vaHi, at);
    }
  }

  /** Compiles a region anew whose root page is at an address, with stores beside code. */
  private remake(old: Region, vaLo: number, vaHi: number, at: PageSource): void {
    const { instructions = 300 } = this.options;
    const { roots } = old;
    const found = new Map<number, number>([[0, old.page]]);
    const region = discover(this.source(vaLo, vaHi, at, found), roots, {
      instructions: roots.length === 1 ? instructions : 2 * instructions,
      blocks: 80 + 2 * roots.length,
    });
    const planned = region && plan(region, this.eager, this.costOf);
    if (region === undefined || planned === undefined) return;
    this.tally.add('regions.remade');
    this.kill(old);
    this.make(region, planned, found, roots, true);
  }

  /** The region that probably jumps to an instruction of its root page. */
  private jumpingTo(decoded: number, instruction: number): Region | undefined {
    let best: Region | undefined;
    let least = 512;
    for (const region of this.byPage.get(decoded) ?? []) {
      if (!region.jumps || region.page !== decoded || region.roots.length >= MAX_ROOTS) continue;
      for (const { from, to, copied } of region.spans.get(decoded) ?? []) {
        if (copied) continue;
        const distance = Math.min(Math.abs(instruction - from), Math.abs(instruction - to));
        if (distance < least) [best, least] = [region, distance];
      }
    }
    return best;
  }

  /** An instruction that compiled code came to, and others near it that it came to less often. */
  private reachedNear(region: Region, instruction: number): number[] {
    const { offset, pages, threshold = THRESHOLD } = this.options;
    const list = [instruction];
    for (let i = Math.max(0, instruction - 256); i < Math.min(1024, instruction + 256); i++) {
      const record = region.page + i * 16;
      const heat = this.words[heatAt(offset, record) >> 2] ?? 0;
      if (i === instruction || heat * 16 < threshold || pages.entryAt(record) !== 0) continue;
      if (region.roots.length + list.length < MAX_ROOTS) list.push(i);
    }
    return list;
  }

  private source(vaLo: number, vaHi: number, at: PageSource, found: Map<number, number>): CodeSource {
    return codeSource(this.options, this.words, { vaLo, vaHi, at, found });
  }

  private make(
    region: Discovered,
    planned: Plan,
    found: ReadonlyMap<number, number>,
    roots: readonly number[],
    mixedStores: boolean,
  ): boolean {
    const { offset, pages } = this.options;
    const spans = new Map<number, Span[]>();
    const used = new Map<number, number>();
    for (const b of region.blocks) {
      for (let at = b.start, end = b.start + b.code.length; at < end;) {
        const page = at >> 10;
        const last = Math.min(end - 1, (page << 10) + 1023);
        const decoded = found.get(page) ?? 0;
        used.set(page, decoded);
        const list = spans.get(decoded) ?? [];
        // Not everything that is compiled has been decoded.
        pages.cover(decoded, at & 1023, last & 1023);
        list.push({ from: at & 1023, to: last & 1023, copied: b.copied });
        spans.set(decoded, list);
        at = last + 1;
      }
    }
    const list: RegionPage[] = [...used].map(([page, decoded]) => ({ page, decoded }));
    if (this.regions.size >= this.limit) {
      this.tally.add('regions.full');
      this.evict();
    }
    const element = this.freeElements.pop() ?? this.nextElement++;
    const place = { element, decoded: found.get(0) ?? 0, entries: offset, mixedStores };
    const bytes = encodeModule(
      [{ name: 'region', type: regionType, body: this.emitter.emit(region, planned, list, place) }],
      {
        imports: [{ name: 'gate', type: gateType }],
      },
    );
    const code = this.instantiate(bytes);
    if (code === undefined) {
      this.freeElements.push(element);
      this.failed.add(place.decoded + ((roots[0] ?? 0) & 1023) * 16);
      return false;
    }
    this.table.set(element, code);
    const jumps = region.blocks.some((b) => b.flow.kind === 'jumpRegister');
    const places = new Map([...used].map(([page, decoded]) => [decoded, page] as const));
    const page = found.get(0) ?? 0;
    const made: Region = { element, marks: [], spans, page, roots, places, mixedStores, jumps };
    for (const [i, e] of planned.entries.entries()) {
      const decoded = used.get(e.instruction >> 10) ?? 0;
      const record = decoded + (e.instruction & 1023) * 16;
      if (e.inner || decoded === 0 || pages.entryAt(record) !== 0) continue;
      const entry = this.freeEntries.pop() ?? this.nextEntry++;
      if (entry >= MAX_ENTRIES) break;
      const to = entryAt(offset, entry) >> 2;
      this.words[to] = element;
      this.words[to + 1] = entryParameter(i, e.instruction >> 10);
      const mark: Mark = { entry, record, original: pages.numberAt(record), region: made };
      pages.setEntry(record, entry);
      pages.setNumber(record, Fixed.hot);
      this.marks.set(entry, mark);
      made.marks.push(mark);
    }
    this.regions.add(made);
    for (const decoded of spans.keys()) {
      const here = this.byPage.get(decoded) ?? new Set();
      here.add(made);
      this.byPage.set(decoded, here);
    }
    this.counters.compiled++;
    this.counters.instructions += region.instructions;
    this.counters.bytes += bytes.length;
    if (this.tally.on) this.describe(region, planned, used.size, jumps);
    return true;
  }

  /** Counts what a region is like. */
  private describe({ blocks }: Discovered, { headers }: Plan, pages: number, jumps: boolean): void {
    const { tally } = this;
    tally.add('regions.blocks', blocks.length);
    tally.add('regions.loops', headers.size);
    tally.add('regions.pages', pages);
    for (const b of blocks) if (b.copied) tally.add('regions.copied', b.code.length);
    if (jumps) tally.add('regions.jumps');
  }

  /** The function of a module; undefined where the host has no room for it, or for whatever reason does not want it. */
  private instantiate(bytes: Uint8Array<ArrayBuffer>): WebAssembly.ExportValue | undefined {
    const { memory } = this.options;
    try {
      const module = new WebAssembly.Module(bytes);
      const { exports } = new WebAssembly.Instance(module, { env: { memory, gate: this.gate } });
      return exports['region'];
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError || error instanceof RangeError)) throw error;
      this.counters.refused++;
      // Room for others; and what was not wanted is tried less and less often.
      for (let i = this.regions.size >> 2; i > 0; i--) this.evict();
      this.pause = Math.min(2 ** this.counters.refused, MOST_PAUSE);
      return undefined;
    }
  }

  /** Instructions of a decoded page change. */
  changed(decoded: number, from: number, bytes: number): void {
    this.failed.clear();
    const [first, last] = [from >>> 2, (from + bytes - 1) >>> 2];
    for (const region of this.byPage.get(decoded) ?? []) {
      const spans = region.spans.get(decoded) ?? [];
      if (!spans.some((s) => first <= s.to && last >= s.from)) continue;
      this.counters.changed++;
      this.kill(region);
    }
  }

  /** A decoded page goes. */
  dropped(decoded: number): void {
    this.failed.clear();
    for (const region of this.byPage.get(decoded) ?? []) {
      this.counters.dropped++;
      this.kill(region);
    }
  }

  private evict(): void {
    const [oldest] = this.regions;
    if (oldest === undefined) return;
    this.counters.evicted++;
    this.kill(oldest);
  }

  private kill(region: Region): void {
    const { pages } = this.options;
    for (const { record, entry, original } of region.marks) {
      if (pages.numberAt(record) === Fixed.hot) pages.setNumber(record, pages.alone(original));
      pages.setEntry(record, 0);
      this.marks.delete(entry);
      this.freeEntries.push(entry);
    }
    for (const decoded of region.spans.keys()) {
      const here = this.byPage.get(decoded);
      here?.delete(region);
      if (here?.size === 0) this.byPage.delete(decoded);
    }
    this.table.set(region.element, null);
    this.freeElements.push(region.element);
    this.regions.delete(region);
  }
}
