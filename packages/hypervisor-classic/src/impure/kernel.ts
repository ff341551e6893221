// One VM's kernel that was rewritten, while it runs: exits out of fix-ups and traps come back to the guest's own instruction, fix-ups are put
// where the guest's text needs them, and text that the guest changes is rewritten again. What is not rewritten is trapped and emulated.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemOperation } from '@worldswitch/vmm';
import type { HostSpace } from '@worldswitch/vmm';

import { high, low, signed } from '../binary-translation/address.ts';
import { Call } from '../binary-translation/draft.ts';
import { Phase } from '../binary-translation/phase.ts';
import { restore } from '../binary-translation/precise.ts';
import { Arrival } from '../binary-translation/translator.ts';
import { NO_PAGE, VirtualRegisterPage } from '../binary-translation/virtual-registers.ts';
import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { Arena, branch } from './arena.ts';
import type { FixUp } from './arena.ts';
import { MOST_CALLS, svc, wayOf } from './rewrite.ts';
import type { Rewriting, Rewritten } from './rewrite.ts';
import { sensitive } from './sensitive.ts';
import { BESIDE, isAmongCode } from './sites.ts';
import type { Reader } from './sites.ts';
import type { RewrittenState } from './state.ts';
import { codeBehindVectors } from './vectors.ts';

const IC_IVAU = systemOperation('IC IVAU');
const DSB = systemOperation('DSB ISH');
const VBAR = 'msr VBAR_EL1';
const PAGE = 0x1000;
/** What one IC IVAU may be about. */
const LINE = 64;
/** Virtual pages of fix-ups that are known, and vectors that were looked at. */
const [MOST_PAGES, MOST_VECTORS] = [4096, 1024];

/** Where fix-ups and the page of virtual registers are in the host's memory: undefined where all are traps. */
export interface RewritingPlaces {
  readonly cache: { readonly pa: number; readonly size: number };
  readonly state: { readonly pa: number; readonly size: number };
}

/** What has been done since the guest runs. */
export interface RewritingCounts {
  /** Instructions that were rewritten then, and pages of fix-ups that were put beside text. */
  added: number;
  placed: number;
}

/** A kernel that was rewritten. One vCPU. */
export class RewrittenKernelRun {
  readonly rewriting: Rewriting;
  readonly arena: Arena;
  readonly counts: RewritingCounts = { added: 0, placed: 0 };
  /** The instruction that is to be emulated. */
  instruction = 0;
  private readonly space: Pick<HostSpace, 'stateAddress' | 'offsetHi'>;
  private readonly places: RewritingPlaces | undefined;
  private readonly page: VirtualRegisterPage | undefined;
  private initialised: boolean;
  /** The instructions that traps stand for, by what their immediates are above the first. */
  private readonly calls: number[];
  /** Fix-ups that were made while it ran, in their order: for a saved state. */
  private readonly added: number[] = [];
  /** Virtual pages that fix-ups are in: their numbers in the arena, and where the guest's text is: virtual above physical. */
  private readonly pages = new Map<number, number>();
  /** Physical addresses of vectors whose code has been looked at. */
  private readonly vectors = new Set<number>();
  /** As it was asked for last. */
  private knownAt = -1;
  private readonly known = new Map<number, Pick<Rewritten, 'before' | 'after'>>();
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(
    rewriting: Rewriting,
    space: Pick<HostSpace, 'stateAddress' | 'offsetHi'>,
    places: RewritingPlaces | undefined,
    state?: RewrittenState,
  ) {
    this.rewriting = rewriting;
    this.space = space;
    this.places = places;
    const { base, size } = rewriting.arena;
    this.calls = [...rewriting.calls, ...(state?.calls ?? [])];
    this.arena = new Arena(base, size);
    for (const { at, word } of rewriting.fixUps) this.fixUpFor(at, word);
    this.initialised = state?.initialised ?? false;
    this.page = places && new VirtualRegisterPage(places.state.pa, state?.registers ?? undefined);
    for (let i = 0; i < (state?.added.length ?? 0); i += 2) {
      const [site = 0, word = 0] = state?.added.slice(i, i + 2) ?? [];
      if (this.fixUpFor(site, word)) this.added.push(site, word);
    }
    for (let i = 0; i < (state?.pages.length ?? 0); i += 3) {
      const [lo = 0, hi = 0, number = 0] = state?.pages.slice(i, i + 3) ?? [];
      this.pages.set(signed({ lo, hi }), number);
    }
    for (const at of state?.vectors ?? []) this.vectors.add(at);
  }

  private fixUpFor(site: number, word: number): FixUp | undefined {
    const sequence = sensitive(word)?.sequence;
    return sequence && this.arena.add(site, word, sequence);
  }

  /** As plain data. */
  save(): RewrittenState {
    const { places } = this;
    return {
      places: places ? [places.cache.pa, places.cache.size, places.state.pa, places.state.size] : [],
      initialised: this.initialised,
      calls: this.calls.slice(this.rewriting.calls.length),
      added: [...this.added],
      pages: [...this.pages].flatMap(([va, number]) => [low(va), high(va), number]),
      vectors: [...this.vectors],
      registers: this.page?.save() ?? null,
    };
  }

  /** Words of the guest's text that are others now, by their places in its memory. */
  changed(ramBase: number): ReadonlyMap<number, Pick<Rewritten, 'before' | 'after'>> {
    const { rewriting, arena, known } = this;
    if (this.knownAt !== this.counts.added) {
      this.knownAt = this.counts.added;
      for (const one of rewriting.changes) known.set(one.at - ramBase, one);
      for (const { site, word, at } of arena.all())
        known.set(site - ramBase, { before: word, after: branch(site, arena.base + at) });
    }
    return known;
  }

  /** The page of virtual registers in the host's memory; undefined without. */
  get pageAddress(): number | undefined {
    return this.places?.state.pa;
  }

  /** The page has what is newest: the guest's kernel runs. */
  get inUse(): boolean {
    return this.page?.inUse ?? false;
  }

  /** The fix-up that a virtual address of the guest's kernel is in, which of its words, and where its instruction is. */
  find(pc: number): { readonly fixUp: FixUp; readonly word: number; readonly site: number } | undefined {
    const page = Math.floor(pc / PAGE) * PAGE;
    const number = this.pages.get(page);
    if (number === undefined || pc % 4 !== 0) return undefined;
    const place = number * PAGE + (pc - page);
    const found = this.arena.within(place);
    if (found === undefined) return undefined;
    return { ...found, site: found.fixUp.site + (pc - place - this.arena.base) };
  }

  /**
   * An exit of the guest's kernel: its PC and registers become what its own text says.
   *
   * @param call - the immediate of the SVC that was executed, or -1 for any other exception
   */
  arrive(e: Emulation, call: number): Arrival {
    const { port, vcpu, frame } = e;
    const pc = signed(frame.pc) - (call < 0 ? 0 : 4);
    const { page } = this;
    const found = this.pages.size === 0 ? undefined : this.find(pc);
    let phase: number = Phase.CLEAN;
    if (found && page?.inUse === true) {
      phase = found.fixUp.sequence.phases[found.word] ?? Phase.CLEAN;
      // First of all: TPIDR_EL0, which keeps a register of a sequence, becomes the guest's own then.
      restore(port, phase, page);
      if (found.word === found.fixUp.sequence.words.length) phase |= Phase.DONE;
    }
    if (page?.inUse === true) page.arrive(port, vcpu);
    if (found) {
      const at = found.site + ((phase & Phase.DONE) !== 0 ? 4 : 0);
      frame.setPc(low(at), high(at));
      this.instruction = found.fixUp.word;
      e.original = this.instruction;
      if (call < 0) return Arrival.Other;
      return call === Call.PENDING ? Arrival.Continue : Arrival.Emulate;
    }
    const word = this.calls[call - this.rewriting.firstCall];
    if (call < 0 || word === undefined || !this.isText(e, pc)) return Arrival.Other;
    frame.setPc(low(pc), high(pc));
    this.instruction = word;
    e.original = word;
    return Arrival.Emulate;
  }

  /** The guest's kernel goes on: the page of virtual registers has what the virtual CPU has. */
  depart({ port, vcpu }: Emulation, pending: boolean): void {
    const { page, space, places } = this;
    if (page === undefined || places === undefined) return;
    if (!this.initialised) {
      page.initialise(port);
      this.store(port, places.cache.pa, this.arena.bytes());
      this.initialised = true;
    }
    page.depart(port, vcpu, space.stateAddress(port.index), pending);
  }

  private store(port: CpuPort, pa: number, bytes: Uint8Array): void {
    this.at.lo = low(pa);
    this.at.hi = high(pa);
    if (port.write(this.at, bytes) !== Fault.None) throw new Error('the room for fix-ups is gone');
    for (let at = pa - (pa % LINE); at < pa + bytes.length; at += LINE)
      port.operate(IC_IVAU, low(at), (high(at) + this.space.offsetHi(port.index)) >>> 0);
    port.operate(DSB);
  }

  /** True where a virtual address is in text that may be rewritten. */
  private isText(e: Emulation, pc: number): boolean {
    return this.isRewritable(this.translate(e, pc));
  }

  /** The guest's physical address of a virtual one that its kernel may execute, or -1. */
  private translate({ port, vcpu, vm }: Emulation, va: number): number {
    const { at } = this;
    at.lo = low(va);
    at.hi = high(va);
    const answer = vm.memory.translate(port, vcpu, at, AccessKind.Fetch, true);
    return answer === Answer.Retry ? vm.memory.ipa : -1;
  }

  /**
   * The guest's kernel fetches where it has nothing: a page of fix-ups is put there, where it is at the right distance from the text
   * that one of them is for. Undefined where it is the guest's own fault; a guest that has something there after all ends.
   */
  place(e: Emulation, far: Readonly<Word64>): 'placed' | 'refused' | undefined {
    if (this.places === undefined) return undefined;
    const va = signed(far);
    const page = Math.floor(va / PAGE) * PAGE;
    const known = this.pages.get(page);
    const count = Math.ceil(this.arena.used / PAGE);
    const candidates = [...(known === undefined ? [] : [known]), ...Array(count).keys()];
    const number = candidates.find((n) => this.isBeside(e, va, n));
    if (number === undefined) return undefined;
    if (this.translate(e, va) >= 0) {
      e.host.end(e.vm, 'it has code of its own where fix-ups are for its text');
      return 'refused';
    }
    this.makeRoom(e);
    this.pages.set(page, number);
    this.counts.placed++;
    const { shadow } = e.vm.memory;
    this.at.lo = low(page);
    this.at.hi = high(page);
    shadow.plant(e.port, e.vcpu.index, this.at, this.arena.base + number * PAGE);
    return 'placed';
  }

  /** A guest may have its text at any number of addresses: when too many are known, all are forgotten, and the pages there taken away. */
  private makeRoom({ port, vcpu, vm }: Emulation): void {
    if (this.pages.size < MOST_PAGES) return;
    this.pages.clear();
    vm.memory.shadow.maintain(port, vcpu.index, 'VMALLE1', 0, 0);
  }

  /** True where an address would be the beginning of a fix-up for text that is where it must be. */
  private isBeside(e: Emulation, va: number, number: number): boolean {
    const place = number * PAGE + (va - Math.floor(va / PAGE) * PAGE);
    const fixUp = this.arena.at(place);
    if (fixUp === undefined) return false;
    return this.translate(e, va - place - this.arena.base + fixUp.site) === fixUp.site;
  }

  /** What an emulated instruction may have changed, by its name in the ledger. */
  followed(e: Emulation, cause: string, word: number): void {
    const { port } = e;
    if (cause === 'ic ivau') this.lineChanged(e, word);
    else if (cause.startsWith('ic iallu')) {
      this.vectors.clear();
      for (const { at, size } of this.rewriting.ranges) this.rewriteAgain(e, at, size);
    } else if (cause === VBAR && this.rewriting.method === 'vectors') this.behindVectors(e);
    else if (/^(tlbi|msr (TTBR|TCR|SCTLR))/.test(cause)) this.page?.flushed(port, NO_PAGE, NO_PAGE);
  }

  /** IC IVAU. In other pages than those of the text it is done in line from now on, until addresses move. */
  private lineChanged(e: Emulation, word: number): void {
    const { port, vcpu, vm } = e;
    port.readX(word & 31, this.word);
    const { lo, hi } = this.word;
    if (vm.memory.translate(port, vcpu, this.word, AccessKind.Read, true) === Answer.Abort) return;
    const { ipa } = vm.memory;
    const page = ipa - (ipa % PAGE);
    if (this.rewriting.ranges.some(({ at, size }) => page < at + size && page + PAGE > at)) {
      this.vectors.clear();
      this.rewriteAgain(e, ipa - (ipa % LINE), LINE);
    } else this.page?.flushed(port, ((lo >>> 12) | (hi << 20)) >>> 0, hi >>> 12);
    // User code fetches it itself.
    const pa = vm.hostOf(ipa);
    if (pa >= 0) port.operate(IC_IVAU, low(pa), (high(pa) + this.space.offsetHi(port.index)) >>> 0);
  }

  /** The guest may have changed text: what is sensitive in it now is rewritten, and fix-ups that were copied get their own. */
  private rewriteAgain(e: Emulation, from: number, size: number): void {
    const { ranges } = this.rewriting;
    for (const range of ranges) {
      const at = Math.max(from, range.at);
      const end = Math.min(from + size, range.at + range.size);
      if (end <= at) continue;
      const first = Math.max(at - BESIDE, range.at);
      const read = this.textFrom(e, first, Math.min(end + BESIDE, range.at + range.size));
      if (read) this.rewriteWithin(e, at, end, read);
    }
  }

  /** Words of the guest's memory as they are now. */
  private textFrom({ port, vm }: Emulation, from: number, end: number): Reader | undefined {
    const bytes = new Uint8Array(end - from);
    const pa = vm.hostOf(from);
    this.at.lo = low(pa);
    this.at.hi = high(pa);
    if (pa < 0 || port.read(this.at, bytes) !== Fault.None) return undefined;
    const view = new DataView(bytes.buffer);
    return (at) => (at >= from && at + 4 <= end ? view.getUint32(at - from, true) : undefined);
  }

  private rewriteWithin(e: Emulation, from: number, end: number, read: Reader): void {
    const { exact, method } = this.rewriting;
    for (let at = from; at < end; at += 4) {
      const word = read(at) ?? 0;
      const copied = this.arena.behind(at, word);
      if (copied === 'unclear')
        e.host.end(e.vm, 'it has copied a branch to a fix-up, and it cannot be said which');
      else if (copied !== undefined && copied.site !== at) this.rewriteSite(e, at, copied.word, word);
      const what = sensitive(word);
      if (what === undefined || (!exact && !isAmongCode(at, read))) continue;
      const way = wayOf(method, { what });
      if (way === 'fix-up') this.rewriteSite(e, at, word, word);
      else if (way === 'trap') this.write(e, at, this.trapFor(word));
    }
  }

  /** One instruction that the guest has now is done in line from now on. */
  private rewriteSite(e: Emulation, at: number, instruction: number, now: number): void {
    const { port } = e;
    const { places, arena } = this;
    if (places === undefined) return;
    const before = arena.of(at);
    let fixUp = before?.word === instruction ? before : undefined;
    if (fixUp === undefined) {
      fixUp = this.fixUpFor(at, instruction);
      // No room, or too far: it becomes a trap.
      if (fixUp !== undefined) {
        this.added.push(at, instruction);
        if (this.initialised) this.store(port, places.cache.pa + fixUp.at, wordBytes(fixUp.words));
      }
    }
    const word = fixUp ? branch(at, arena.base + fixUp.at) : this.trapFor(instruction);
    if (word !== now) this.write(e, at, word);
  }

  /** The trap that stands for an instruction; where there are too many, the instruction. */
  private trapFor(word: number): number {
    const { calls } = this;
    let number = calls.indexOf(word);
    if (number < 0) {
      if (calls.length >= MOST_CALLS) return word;
      number = calls.push(word) - 1;
    }
    return svc(this.rewriting.firstCall + number);
  }

  /** The guest's text. */
  private write({ port, vm }: Emulation, at: number, word: number): void {
    const pa = vm.hostOf(at);
    if (pa < 0) return;
    this.counts.added++;
    this.store(port, pa, wordBytes([word]));
  }

  /** The guest has other vectors: the code behind them is rewritten, once. */
  private behindVectors(e: Emulation): void {
    if (this.vectors.size >= MOST_VECTORS) this.vectors.clear();
    const found = codeBehindVectors(e, (va) => this.translate(e, va), this.vectors);
    for (const { at, word } of found)
      if (sensitive(word)?.sequence !== undefined && this.isRewritable(at))
        this.rewriteSite(e, at, word, word);
  }

  /** A physical address of the guest is in text that may be rewritten. */
  private isRewritable(ipa: number): boolean {
    return this.rewriting.ranges.some(({ at, size }) => ipa >= at && ipa < at + size);
  }
}

function wordBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  return bytes;
}
