// The pages of the guest's text that something in the translation cache was made of: where each is in its context, and where its text
// is in physical memory.

/** What was made of a page. */
export interface OfText {
  /** The guest's address. */
  readonly pc: number;
  readonly context: number;
  /** Number of the physical page. */
  readonly physical: number;
}

/** A page. */
export interface TextPage<Unit> {
  /** Its first address. */
  readonly pc: number;
  readonly context: number;
  readonly physical: number;
  readonly units: Unit[];
  /** By instruction: where in the cache it begins, as whoever keeps it has it; 0 for nowhere. */
  readonly places: Int32Array;
  /** By address: landings of branches by register that are elsewhere than before the place. */
  readonly landings: Map<number, number>;
}

const PAGE = 0x1000;
const pageOf = (pc: number): number => Math.floor(pc / PAGE);

/** All of them. */
export class TextPages<Unit extends OfText> {
  /** By context and half of the address space: few are in the lower half, which changes often. */
  private readonly lower: readonly Map<number, TextPage<Unit>>[];
  private readonly upper: readonly Map<number, TextPage<Unit>>[];
  private readonly byPhysical = new Map<number, Set<TextPage<Unit>>>();

  constructor(contexts: number) {
    this.lower = Array.from({ length: contexts }, () => new Map<number, TextPage<Unit>>());
    this.upper = Array.from({ length: contexts }, () => new Map<number, TextPage<Unit>>());
  }

  private half(context: number, pc: number): Map<number, TextPage<Unit>> | undefined {
    return (pc < 0 ? this.upper : this.lower)[context];
  }

  /** The page at an address. */
  at(context: number, pc: number): TextPage<Unit> | undefined {
    return this.half(context, pc)?.get(pageOf(pc));
  }

  /** Those of a context. */
  of(context: number, which: 'lower' | 'all'): TextPage<Unit>[] {
    const lower = [...(this.lower[context]?.values() ?? [])];
    return which === 'lower' ? lower : [...lower, ...(this.upper[context]?.values() ?? [])];
  }

  /** Those that map a physical page. */
  mapping(physical: number): TextPage<Unit>[] {
    return [...(this.byPhysical.get(physical) ?? [])];
  }

  /** Something was made of a page, which is returned. */
  add(unit: Unit): TextPage<Unit> {
    const { pc, context, physical } = unit;
    const page = this.at(context, pc);
    if (page) {
      page.units.push(unit);
      return page;
    }
    const added: TextPage<Unit> = {
      pc: pageOf(pc) * PAGE,
      context,
      physical,
      units: [unit],
      places: new Int32Array(PAGE / 4),
      landings: new Map(),
    };
    this.half(context, pc)?.set(pageOf(pc), added);
    const same = this.byPhysical.get(physical);
    if (same) same.add(added);
    else this.byPhysical.set(physical, new Set([added]));
    return added;
  }

  /** Nothing is left of it. */
  delete(page: TextPage<Unit>): void {
    this.half(page.context, page.pc)?.delete(pageOf(page.pc));
    const same = this.byPhysical.get(page.physical);
    same?.delete(page);
    if (same?.size === 0) this.byPhysical.delete(page.physical);
  }

  /** Nothing is left of any. */
  clear(): void {
    for (const pages of [...this.lower, ...this.upper]) pages.clear();
    this.byPhysical.clear();
  }
}
