// What makes translations stale: maintenance of TLBs and instruction caches, other tables, and text that has changed meanwhile. What was
// made of text that is elsewhere or another now is forgotten, page by page (DDI 0487 B2.4, D8.14).

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemOperation, systemRegister } from '@worldswitch/vmm';
import type { HostSpace } from '@worldswitch/vmm';

import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { high, low } from './address.ts';
import type { CodeCache, Unit } from './code-cache.ts';
import type { Contexts } from './contexts.ts';
import { CONTEXTS } from './state-page.ts';
import type { TextPage } from './text-pages.ts';
import type { Translator } from './translator.ts';
import type { VirtualRegisterPage } from './virtual-registers.ts';

const IC_IVAU = systemOperation('IC IVAU');
const TTBR1_EL1 = systemRegister('TTBR1_EL1');
const PAGE = 0x1000;

/** The address in the operand of TLBI, whose bits 43:0 are bits 55:12 of it. */
const pageOf = ({ lo, hi }: Readonly<Word64>): number => (((hi << 20) >> 20) * 2 ** 32 + lo) * PAGE;

/** Whose translations they are: a vCPU of a VM, looked at by a CPU. */
export type Owner = Pick<Emulation, 'port' | 'vcpu' | 'vm'>;

/** A cache at an address, and what fills it. */
export interface Running {
  readonly base: number;
  readonly cache: CodeCache;
  readonly translator: Translator;
}

/** The translations of one vCPU, as far as they may be stale. */
export class StaleTranslations {
  /** What there is since the kernel first ran. */
  running: Running | undefined;
  private readonly space: Pick<HostSpace, 'offsetHi'>;
  private readonly contexts: Contexts;
  private readonly page: VirtualRegisterPage;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly at: Word64 = { lo: 0, hi: 0 };
  /** A page of the guest's text. */
  private readonly text = new Uint8Array(PAGE);
  private readonly words = new DataView(this.text.buffer);

  constructor(space: Pick<HostSpace, 'offsetHi'>, contexts: Contexts, page: VirtualRegisterPage) {
    this.space = space;
    this.contexts = contexts;
    this.page = page;
  }

  /** TLB maintenance was done, by its name in the ledger; its operand is in a register. */
  invalidated(owner: Owner, cause: string, t: number): void {
    const { port } = owner;
    if (cause.startsWith('tlbi vmalle1') || cause.startsWith('tlbi aside1')) {
      this.moved(owner);
      this.running?.translator.moved(port);
      return;
    }
    port.readX(t, this.word);
    const { lo, hi } = this.word;
    this.pageMoved(owner, pageOf(this.word));
    // Of a last level: what it mapped was a block of 1 GiB at most.
    const last = cause.startsWith('tlbi vale1') || cause.startsWith('tlbi vaale1');
    this.running?.translator.moved(port, last ? { lo: lo >>> 0, hi: (hi & 0xfff) >>> 0 } : undefined);
  }

  /** After it, nothing is known of a page, where nothing was translated of it: neither here nor for others who were told. */
  unshadowed(
    { port }: Owner,
    cause: string,
    t: number,
    others: readonly { stale: StaleTranslations }[],
  ): void {
    // Of all ASIDs.
    if (!/^tlbi vaal?e1/.test(cause)) return;
    port.readX(t, this.word);
    const { lo, hi } = this.word;
    const pc = pageOf(this.word);
    if (this.hasText(pc) || others.some(({ stale }) => stale.hasText(pc))) return;
    this.page.unshadowed(port, lo >>> 0, (hi & 0xfff) >>> 0);
  }

  /** Something was translated of a page, in whatever context. */
  private hasText(pc: number): boolean {
    for (let context = 0; context < CONTEXTS; context++)
      if (this.running?.cache.pageAt(context, pc) !== undefined) return true;
    return false;
  }

  /** What translations took for granted is so no more. */
  forgetAll(port: CpuPort): void {
    const { running } = this;
    for (const { pc, context } of running?.cache.all() ?? [])
      running?.translator.forgetPage(port, pc, context);
  }

  /** The guest may have changed any of its text: what is not as it was is forgotten. */
  compare(owner: Owner): void {
    const { running } = this;
    for (const page of running?.cache.all() ?? [])
      if (!this.isSame(owner, page)) running?.translator.forgetPage(owner.port, page.pc, page.context);
  }

  /** The text of a page is what it was when it was translated. */
  private isSame({ port, vm }: Owner, { physical, units }: TextPage<Unit>): boolean {
    const pa = vm.hostOf(physical * PAGE);
    if (pa < 0) return false;
    this.at.lo = low(pa);
    this.at.hi = high(pa);
    if (port.read(this.at, this.text) !== Fault.None) throw new Error('guest memory is gone');
    return units.every(({ pc, source }) => {
      const first = ((pc % PAGE) + PAGE) % PAGE;
      return source.every((word, i) => this.words.getUint32(first + 4 * i, true) === word);
    });
  }

  /** Every page of text may be elsewhere. */
  moved(owner: Owner): void {
    this.contexts.invalidate();
    this.verify(owner, 'all');
  }

  /** One page may be elsewhere. */
  private pageMoved(owner: Owner, pc: number): void {
    const { running, contexts } = this;
    if (running === undefined) return;
    for (let context = 0; context < CONTEXTS; context++) {
      const page = running.cache.pageAt(context, pc);
      if (page && (context !== contexts.current || !this.isWhereItWas(owner, page)))
        running.translator.forgetPage(owner.port, pc, context);
    }
  }

  /** TTBR1_EL1 was written: with the same table it is only another ASID. */
  upperChanged(owner: Owner): void {
    const { port, vcpu } = owner;
    const { running, contexts } = this;
    // Bit 0 is CnP.
    const table = (vcpu.getHi(TTBR1_EL1) & 0xffff) * 2 ** 32 + ((vcpu.get(TTBR1_EL1) & ~1) >>> 0);
    const isOther = contexts.enter(table, (context) => {
      for (const { pc } of running?.cache.pagesOf(context, 'all') ?? [])
        running?.translator.forgetPage(port, pc, context);
    });
    if (isOther) running?.translator.select(contexts.current);
    this.verify(owner, contexts.takeStale() ? 'all' : 'lower');
  }

  /** Forgets the pages of the guest's context whose text is elsewhere now. */
  verify(owner: Owner, which: 'lower' | 'all'): void {
    const { running, contexts } = this;
    for (const page of running?.cache.pagesOf(contexts.current, which) ?? [])
      if (!this.isWhereItWas(owner, page))
        running?.translator.forgetPage(owner.port, page.pc, contexts.current);
  }

  private isWhereItWas({ port, vcpu, vm }: Owner, { pc, physical }: TextPage<Unit>): boolean {
    const { at } = this;
    at.lo = low(pc);
    at.hi = high(pc);
    const answer = vm.memory.translate(port, vcpu, at, AccessKind.Fetch, true);
    return answer === Answer.Retry && Math.floor(vm.memory.ipa / PAGE) === physical;
  }

  /**
   * The guest may have changed the text at an address; its physical page counts, wherever it is mapped.
   *
   * @returns the number of that, or -1 where there is none
   */
  textChanged({ port, vcpu, vm }: Owner, va: Readonly<Word64>): number {
    if (vm.memory.translate(port, vcpu, va, AccessKind.Read, true) === Answer.Abort) return -1;
    const { ipa } = vm.memory;
    const physical = Math.floor(ipa / PAGE);
    this.running?.translator.forgetPhysical(port, physical, va);
    const pa = vm.hostOf(ipa);
    if (pa < 0) return physical;
    // User code fetches it itself.
    this.at.lo = low(pa);
    this.at.hi = high(pa);
    port.operate(IC_IVAU, this.at.lo, (this.at.hi + this.space.offsetHi(port.index)) >>> 0);
    return physical;
  }

  /** Anything may have happened that nobody has seen. */
  unseen(owner: Owner): void {
    this.compare(owner);
    this.moved(owner);
    this.upperChanged(owner);
    this.running?.translator.moved(owner.port);
  }
}
