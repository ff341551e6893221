// The translation cache: units one behind the other, the branches between them, and what is known of each word. A full cache is
// emptied; what the guest has changed is forgotten page by page, and nobody branches there any more. A unit belongs to the context
// that it was made in, one of the guest's translation tables, and is found and branched to in that context alone.

import { LINE, toLine } from './address.ts';
import { Call, eachStart, isLanding } from './draft.ts';
import type { Draft, UnitExit } from './draft.ts';
import { Phase } from './phase.ts';
import { address, halves } from './saved-cache.ts';
import type { CacheState, UnitState } from './saved-cache.ts';
import { TextPages } from './text-pages.ts';
import type { TextPage } from './text-pages.ts';

/** A unit in the cache. */
export interface Unit extends Draft {
  /** Address of its first word, in the guest's address space. */
  readonly base: number;
  readonly context: number;
  /** Number of the physical page of its text. */
  readonly physical: number;
  /** Branches of others that come here. */
  readonly from: { readonly unit: Unit; readonly at: number }[];
  /** False when what it was made of is not what the guest has there any more; who is in it finds out. */
  alive: boolean;
}

/** A word of the cache. */
export interface CacheWord {
  readonly unit: Unit;
  /** Its number in the unit. */
  readonly at: number;
}

/** Where the cache's words go. */
export interface CacheMemory {
  /** Writes words at an address of the cache, and makes them seen by instruction fetches. */
  write(address: number, words: readonly number[]): void;
}

/** What happened so far. */
export interface CacheCounts {
  units: number;
  words: number;
  /** Instructions that they were made of. */
  instructions: number;
  chained: number;
  forgotten: number;
  emptied: number;
  /** Instructions that stood for themselves and are called out, as they faulted often. */
  calledOut: number;
}

const PAGE = 0x1000;
const B = 0x1400_0000;
const EXIT = (0xd400_0001 | (Call.EXIT << 5)) >>> 0;
const EMULATE = (0xd400_0001 | (Call.EMULATE << 5)) >>> 0;

/** The number of an instruction in its page. */
const indexOf = (pc: number): number => (pc - Math.floor(pc / PAGE) * PAGE) / 4;

/** A cache of translated code. */
export class CodeCache {
  readonly counts: CacheCounts = {
    units: 0,
    words: 0,
    instructions: 0,
    chained: 0,
    forgotten: 0,
    emptied: 0,
    calledOut: 0,
  };
  private readonly base: number;
  private readonly bytes: number;
  private readonly memory: CacheMemory;
  private next: number;
  /** In the order of their addresses, the forgotten ones too. */
  private units: Unit[] = [];
  /** By line of the cache: the number of the unit that it belongs to, plus one. */
  private readonly lines: Int32Array;
  private readonly contexts: number;
  private readonly pages: TextPages<Unit>;
  /** The one that the guest is in. */
  private context = 0;
  private readonly chains: boolean;

  /**
   * @param base - its first address
   * @param bytes - how large it is; a branch reaches over 128 MiB
   * @param contexts - how many contexts there are
   * @param chains - units branch to each other; off, to compare
   */
  constructor(base: number, bytes: number, memory: CacheMemory, contexts = 1, chains = true) {
    if (bytes < PAGE || bytes > 0x800_0000) throw new RangeError('a cache has 4 KiB to 128 MiB');
    this.base = this.next = base;
    this.bytes = bytes;
    this.memory = memory;
    this.lines = new Int32Array(bytes / LINE);
    this.contexts = contexts;
    this.chains = chains;
    this.pages = new TextPages(contexts);
  }

  /** The guest is in another context from now on. */
  select(context: number): void {
    this.context = context;
  }

  /** Takes in what `save` returned, checked. */
  restore(state: CacheState): void {
    this.next = address(state.next);
    this.counts.emptied = state.emptied;
    this.units = state.units.map(restored);
    state.units.forEach(({ from, alive }, i) => {
      const unit = this.units[i];
      if (unit === undefined) return;
      for (let at = 0; at < from.length; at += 2) {
        const other = this.units[from[at] ?? 0];
        if (other) unit.from.push({ unit: other, at: from[at + 1] ?? 0 });
      }
      this.locate(unit, i);
      if (alive) this.index(unit);
    });
  }

  /** As plain data. */
  save(): CacheState {
    const numbers = new Map(this.units.map((unit, i) => [unit, i]));
    return {
      base: halves(this.base),
      next: halves(this.next),
      emptied: this.counts.emptied,
      units: this.units.map(
        ({ pc, base, alive, context, physical, source, words, origins, phases, exits, from }) => ({
          pc: halves(pc),
          base: halves(base),
          alive,
          context,
          physical,
          source: [...source],
          words: [...words],
          origins: [...origins],
          phases: [...phases],
          exits: exits.flatMap(({ at, target }) => [at, ...halves(target)]),
          from: from.flatMap(({ unit, at }) => [numbers.get(unit) ?? 0, at]),
        }),
      ),
    };
  }

  /** Where an instruction of this context is, for those who come with the guest's registers; undefined where it is not there. */
  place(pc: number): number | undefined {
    const place = this.placeOf(pc);
    return place === 0 ? undefined : this.base + 4 * (place >>> 1);
  }

  /** Says of addresses in the page of one whether they are there. */
  knownIn(pc: number): (pc: number) => boolean {
    const places = this.pages.at(this.context, pc)?.places;
    return (at) => places !== undefined && places[indexOf(at)] !== 0;
  }

  /** Where it is for branches by register, which come to a landing. */
  landing(pc: number): number | undefined {
    const place = this.placeOf(pc);
    if ((place & 1) !== 0) return this.base + 4 * ((place >>> 1) - 1);
    return this.pages.at(this.context, pc)?.landings.get(pc);
  }

  /** Word of the cache, and whether a landing is before it; 0 for none. */
  private placeOf(pc: number): number {
    return pc % 4 === 0 ? (this.pages.at(this.context, pc)?.places[indexOf(pc)] ?? 0) : 0;
  }

  /** The word at an address of the cache; undefined outside of all units. */
  at(address: number): CacheWord | undefined {
    if (address < this.base || address >= this.next) return undefined;
    const unit = this.units[(this.lines[Math.floor((address - this.base) / LINE)] ?? 0) - 1];
    if (unit === undefined || address % 4 !== 0) return undefined;
    const at = (address - unit.base) / 4;
    return at < unit.words.length ? { unit, at } : undefined;
  }

  /**
   * Takes in a unit of this context. The cache is emptied first where it is full.
   *
   * @param physical - number of the physical page of its text, the same for all units of a page
   */
  add(draft: Draft, physical: number): Unit {
    const bytes = toLine(draft.words.length * 4);
    if (this.next + bytes > this.base + this.bytes) this.clear();
    const { context } = this;
    const { pc, source, words, origins, phases, exits } = draft;
    const unit: Unit = {
      pc,
      source,
      words,
      origins,
      phases,
      exits,
      base: this.next,
      context,
      physical,
      from: [],
      alive: true,
    };
    this.next += bytes;
    this.locate(unit, this.units.push(unit) - 1);
    this.index(unit);
    this.memory.write(unit.base, this.linked(unit));
    this.counts.units++;
    this.counts.words += unit.words.length;
    this.counts.instructions += unit.source.length;
    return unit;
  }

  private locate(unit: Unit, number: number): void {
    const first = (unit.base - this.base) / LINE;
    this.lines.fill(number + 1, first, first + toLine(4 * unit.words.length) / LINE);
  }

  private index(unit: Unit): void {
    const { places, landings } = this.pages.add(unit);
    const first = (unit.base - this.base) / 4;
    const index = indexOf(unit.pc);
    if (isLanding(unit)) {
      landings.set(unit.pc, unit.base);
      return;
    }
    eachStart(unit, (origin, at, landing) => {
      const behind = Number(landing);
      // Who was first stays.
      if (places[index + origin] === 0) places[index + origin] = 2 * (first + at + behind) + behind;
      else if (landing) landings.set(unit.pc + 4 * origin, unit.base + 4 * at);
    });
  }

  /** The words of a unit, with its ways out to what is there already. */
  private linked(unit: Unit): readonly number[] {
    if (!this.chains) return unit.words;
    const words = [...unit.words];
    for (const { at, target } of unit.exits) words[at] = this.link(unit, at, target) ?? EXIT;
    return words;
  }

  /** The branch from a word to an address of the guest. */
  private link(unit: Unit, at: number, target: number): number | undefined {
    const place = this.place(target);
    const to = place === undefined ? undefined : this.at(place)?.unit;
    if (place === undefined || to === undefined) return undefined;
    to.from.push({ unit, at });
    this.counts.chained++;
    return (B | (((place - unit.base - 4 * at) >> 2) & 0x3ff_ffff)) >>> 0;
  }

  /** The way out at a word goes straight to an address of the guest from now on, where that is there. */
  chain(unit: Unit, at: number, target: number): void {
    const word = this.chains ? this.link(unit, at, target) : undefined;
    if (word !== undefined) this.memory.write(unit.base + 4 * at, [word]);
  }

  /** The pages of a context with text that was translated. */
  pagesOf(context: number, half: 'lower' | 'all'): TextPage<Unit>[] {
    return this.pages.of(context, half);
  }

  /** The page at an address, in a context. */
  pageAt(context: number, pc: number): TextPage<Unit> | undefined {
    return this.pages.at(context, pc);
  }

  /** The guest's text at an address is elsewhere now. Returns what was forgotten. */
  forgetPage(pc: number, context: number = this.context): readonly Unit[] {
    const page = this.pages.at(context, pc);
    if (page === undefined) return [];
    this.pages.delete(page);
    for (const unit of page.units) unit.alive = false;
    for (const unit of page.units) this.forget(unit);
    return page.units;
  }

  /** The number of a word, among all of the cache. */
  numberOf({ unit, at }: CacheWord): number {
    return (unit.base - this.base) / 4 + at;
  }

  /** An instruction that stands for itself is called out from now on, or not any more. False where it is none. */
  callOut({ unit, at }: CacheWord, out: boolean): boolean {
    const word = unit.words[at] ?? 0;
    if (!unit.alive || word !== unit.source[unit.origins[at] ?? 0] || unit.phases[at] !== Phase.CLEAN)
      return false;
    this.memory.write(unit.base + 4 * at, [out ? EMULATE : word]);
    if (out) this.counts.calledOut++;
    return true;
  }

  /** All pages with text that was translated. */
  all(): TextPage<Unit>[] {
    return Array.from({ length: this.contexts }, (_, context) => this.pages.of(context, 'all')).flat();
  }

  /** The guest's text in a physical page is another, wherever it is mapped. Returns what was forgotten. */
  forgetPhysical(physical: number): readonly Unit[] {
    return this.pages.mapping(physical).flatMap(({ pc, context }) => this.forgetPage(pc, context));
  }

  private forget(unit: Unit): void {
    for (const { unit: from, at } of unit.from) if (from.alive) this.memory.write(from.base + 4 * at, [EXIT]);
    unit.from.length = 0;
    this.counts.forgotten++;
  }

  /** Empties it. Nobody may be in it. */
  clear(): void {
    for (const unit of this.units) unit.alive = false;
    this.units = [];
    this.pages.clear();
    this.lines.fill(0);
    this.next = this.base;
    this.counts.emptied++;
  }
}

/** A unit of a saved cache; what branches to it comes later. */
function restored(state: UnitState): Unit {
  const { pc, base, alive, context, physical, source, words, origins, phases, exits } = state;
  const ways: UnitExit[] = [];
  for (let i = 0; i < exits.length; i += 3)
    ways.push({ at: exits[i] ?? 0, target: address(exits.slice(i + 1, i + 3)) });
  return {
    pc: address(pc),
    base: address(base),
    alive,
    context,
    physical,
    source,
    words,
    origins,
    phases,
    exits: ways,
    from: [],
  };
}
