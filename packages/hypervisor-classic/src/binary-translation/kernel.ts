// A VM's kernel on one vCPU under binary translation, between the hypervisor's exits and the translator: the cache in the machine's memory, what
// makes it stale, and the instructions that translated code calls out (Adams and Agesen, ASPLOS 2006, section 3).

import { Fault, flag, list, nullable, record, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, Word64 } from '@worldswitch/platform';
import { systemOperation, systemRegister } from '@worldswitch/vmm';
import type { HostSpace } from '@worldswitch/vmm';

import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';
import { accessCalledOut, isPlainAccess } from './accesses.ts';
import type { AccessDone } from './accesses.ts';
import { high, LINE, low, signed } from './address.ts';
import { CodeCache } from './code-cache.ts';
import type { CacheCounts } from './code-cache.ts';
import { Contexts, contextsShape } from './contexts.ts';
import type { ContextsState } from './contexts.ts';
import { GuestText } from './guest-text.ts';
import { LowerHalf, lowerHalfShape } from './lower-half.ts';
import type { LowerHalfState } from './lower-half.ts';
import { address, cacheShape } from './saved-cache.ts';
import type { CacheState } from './saved-cache.ts';
import { Sites, sitesShape } from './sites.ts';
import type { SitesState } from './sites.ts';
import { StaleTranslations } from './stale-translations.ts';
import type { Owner, Running } from './stale-translations.ts';
import { CONTEXTS } from './state-page.ts';
import { Arrival, Translator } from './translator.ts';
import type { Assumptions } from './translator.ts';
import { NO_PAGE, registerPageShape, VirtualRegisterPage } from './virtual-registers.ts';
import type { RegisterPageState } from './virtual-registers.ts';

const IC_IVAU = systemOperation('IC IVAU');
const IC_IALLU = systemOperation('IC IALLU');
const DSB = systemOperation('DSB ISH');
const TTBR0_EL1 = systemRegister('TTBR0_EL1');
/** Log2 of the bytes of the hypervisor's part of the address space, less 32. */
const SLOT = 39 - 32;

/** Bit 55 of an address, in its upper half. */
const UPPER_HALF = 1 << 23;

/** TTBR0_EL1.BADDR. */
const lowerTable = (vcpu: VirtualCpu): number =>
  (vcpu.getHi(TTBR0_EL1) & 0xffff) * 2 ** 32 + ((vcpu.get(TTBR0_EL1) & ~1) >>> 0);

/** Where the cache and the page of virtual registers are. */
export interface TranslationPlaces {
  /** In the host's memory. */
  readonly cache: { readonly pa: number; readonly size: number };
  readonly state: { readonly pa: number; readonly size: number };
}

/** The hypervisor's address space, as far as translation goes. */
export type TranslationSpace = Pick<HostSpace, 'cacheAddress' | 'stateAddress' | 'offsetHi'>;

/** What is done about the translations of another vCPU. */
type Reach = (stale: StaleTranslations, owner: Owner) => void;

/** What is saved. */
export type TranslatedKernelState = Readonly<{
  cache: CacheState | null;
  /** Cache and page: physical address and size. */
  places: readonly number[];
  contexts: ContextsState;
  passedBy: boolean;
  due: boolean;
  /** PSTATE.SP is 1. */
  banked: boolean;
  lower: LowerHalfState;
  page: RegisterPageState;
  sites: SitesState;
}>;

const MAPPED = 2 ** 48;
/** How it is checked. */
export const translatedKernelShape: Shape<TranslatedKernelState> = record<TranslatedKernelState>({
  cache: nullable(cacheShape),
  places: list(uint(MAPPED), 4),
  contexts: contextsShape,
  passedBy: flag,
  due: flag,
  banked: flag,
  lower: lowerHalfShape,
  page: registerPageShape,
  sites: sitesShape,
});

/** What it is made with. */
export interface KernelOptions {
  readonly places: TranslationPlaces;
  /** The number of the vCPU in its VM. */
  readonly vcpu: number;
  /** Sensitive instructions are done in line. */
  readonly inline: boolean;
  /** The shadow is wrong where the guest has written a table, until it says so: TLB maintenance of what is not in it is nothing. */
  readonly lazy: boolean;
}

/** A kernel that runs from a translation cache, on one vCPU. */
export class TranslatedKernel {
  private readonly space: TranslationSpace;
  private readonly places: TranslationPlaces;
  private readonly inline: boolean;
  private readonly index: number;
  private readonly lazy: boolean;
  /** Those of the VM's other vCPUs. */
  private siblings: readonly TranslatedKernel[] = [];
  private readonly sites: Sites;
  /** User code has run since the kernel did. */
  private away = true;
  private readonly page: VirtualRegisterPage;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly text = new GuestText();
  private readonly at: Word64 = { lo: 0, hi: 0 };
  /** What there is since the kernel first ran: it moves with the hypervisor's hole. */
  private running: Running | undefined;
  /** Whose exit it is that works on it. */
  private emulation: Owner | undefined;
  private readonly contexts: Contexts;
  /** What of them others make stale. */
  readonly stale: StaleTranslations;
  private passedBy: boolean;
  /** Another vCPU has said that addresses may be elsewhere. */
  private due: boolean;
  private banked: boolean;
  private readonly lower: LowerHalf;

  constructor(
    space: TranslationSpace,
    { places, vcpu, inline, lazy }: KernelOptions,
    state?: TranslatedKernelState,
  ) {
    this.space = space;
    this.places = places;
    this.index = vcpu;
    this.inline = inline;
    this.lazy = lazy;
    this.page = new VirtualRegisterPage(places.state.pa, state?.page, vcpu);
    this.contexts = new Contexts(state?.contexts);
    this.stale = new StaleTranslations(space, this.contexts, this.page);
    this.passedBy = state?.passedBy ?? false;
    this.due = state?.due ?? false;
    this.sites = new Sites(state?.sites);
    this.banked = state?.banked ?? true;
    this.lower = new LowerHalf(state?.lower);
    if (state?.cache) this.begin(address(state.cache.base), state.cache);
  }

  /** What the cache has done so far. */
  get counts(): Readonly<CacheCounts> | undefined {
    return this.running?.cache.counts;
  }

  /** The cache, once the kernel has run. */
  get cache(): CodeCache | undefined {
    return this.running?.cache;
  }

  /** The physical address of the page of virtual registers. */
  get pageAddress(): number {
    return this.places.state.pa;
  }

  /** The instruction that is to be emulated. */
  get instruction(): number {
    return this.running?.translator.instruction ?? 0;
  }

  /** The translator for a cache at an address. */
  private translatorAt(port: CpuPort, base: number): Translator {
    if (this.running?.base === base) return this.running.translator;
    this.page.initialise(port);
    return this.begin(base).translator;
  }

  private begin(base: number, state?: CacheState): Running {
    const { pa, size } = this.places.cache;
    if (state === undefined) this.sites.clear();
    const cache = new CodeCache(
      base,
      size,
      {
        write: (address, words) => {
          this.write(pa + (address - base), words);
        },
      },
      CONTEXTS,
    );
    // Before the translator, which looks whether the cache has been emptied since.
    if (state) cache.restore(state);
    const translator = new Translator(cache, this.page, this, this.inline);
    translator.select(this.contexts.current);
    const running = { base, cache, translator };
    this.running = this.stale.running = running;
    return running;
  }

  /** As plain data. */
  save(): TranslatedKernelState {
    const { places, contexts, running } = this;
    return {
      cache: running?.cache.save() ?? null,
      places: [places.cache.pa, places.cache.size, places.state.pa, places.state.size],
      contexts: contexts.save(),
      passedBy: this.passedBy,
      due: this.due,
      banked: this.banked,
      lower: this.lower.save(),
      page: this.page.save(),
      sites: this.sites.save(),
    };
  }

  /** Of the translator: what translations may take for granted. */
  get assumptions(): Assumptions {
    return { banked: this.banked, lowerIsUsers: this.lower.plain };
  }

  /** Of the translator: number of the physical page of the last instruction. */
  get physical(): number {
    return this.text.physical;
  }

  private get exit(): Owner {
    if (this.emulation === undefined) throw new Error('translated code changes in an exit only');
    return this.emulation;
  }

  /** Words of the cache, written and made seen by fetches at the hypervisor's own address of them. */
  private write(pa: number, words: readonly number[]): void {
    const { port } = this.exit;
    const { at } = this;
    const offset = this.space.offsetHi(port.index);
    const bytes = new Uint8Array(4 * words.length);
    const view = new Uint32Array(bytes.buffer);
    for (let i = 0; i < words.length; i++) view[i] = words[i] ?? 0;
    at.lo = low(pa);
    at.hi = high(pa);
    if (port.write(at, bytes) !== Fault.None) throw new Error('the translation cache is gone');
    // No line of it is across 4 GiB.
    const { lo, hi } = at;
    if (bytes.length > 2 * LINE) port.operate(IC_IALLU);
    else for (let i = 0; i < bytes.length; i += LINE) port.operate(IC_IVAU, lo + i, (hi + offset) >>> 0);
    port.operate(DSB);
  }

  /** Of the translator: the guest's instruction at an address, or -1. */
  fetch(port: CpuPort, pc: number): number {
    return this.text.fetch(port, this.exit, pc);
  }

  /**
   * An exit of the guest's kernel. True where nothing is left to do but to go on.
   *
   * @param call - the immediate of the SVC, or -1 for any other exception
   */
  arrive(emulation: Emulation, call: number): Arrival {
    this.emulation = emulation;
    this.text.begin();
    const { running } = this;
    this.away = false;
    this.sites.exited();
    if (running === undefined) return Arrival.Other;
    return running.translator.arrive(emulation.port, emulation.vcpu, emulation.frame, call);
  }

  /** The guest's kernel goes on. False where it goes on at its own PC, as its instruction cannot be fetched. */
  depart(emulation: Emulation, pending: boolean): boolean {
    const { port, vcpu, frame } = emulation;
    this.emulation = emulation;
    this.text.begin();
    const base = signed(this.space.cacheAddress(port.index, this.index));
    const state = this.space.stateAddress(port.index, this.index);
    const translator = this.translatorAt(port, base);
    if (this.passedBy) this.stale.unseen(emulation);
    else if (this.due) this.stale.moved(emulation);
    this.passedBy = this.due = false;
    if (this.away) this.page.unshadowed(port, NO_PAGE, NO_PAGE);
    this.away = true;
    const banked = vcpu.spSel === 1;
    if (this.lower.enter(lowerTable(vcpu)) || banked !== this.banked) this.stale.forgetAll(port);
    this.banked = banked;
    return translator.depart(port, vcpu, frame, state, pending);
  }

  /** The guest's PC is in the hypervisor's own part of the address space. */
  isOwn({ port, frame }: Emulation): boolean {
    const { hi } = frame.pc;
    return hi >>> SLOT === this.space.offsetHi(port.index) >>> SLOT;
  }

  /** The guest's kernel goes on where nothing is for it. */
  nowhere({ port, frame }: Emulation): void {
    frame.setPc(0, this.space.offsetHi(port.index));
  }

  /** The guest's kernel goes on from its own text, trap by trap, where it may change its text without a trap. */
  passBy(emulation: Emulation): void {
    this.left();
    if (this.passedBy) this.tellOthers(emulation, true);
    this.passedBy = true;
  }

  /** Its vCPU starts anew, with the registers of a reset. */
  restarted(): void {
    this.passedBy = true;
  }

  /** Something else goes on than the guest's kernel: user code, another vCPU, or nothing. */
  left(): void {
    this.away = true;
    this.running?.translator.left();
  }

  /** All of the VM's, this one among them. */
  join(all: readonly TranslatedKernel[]): void {
    this.siblings = all.filter((one) => one !== this);
  }

  /** Of the translator: what other vCPUs take for untranslated may be so no more. */
  added(port: CpuPort): void {
    for (const { page } of this.siblings) page.flushed(port, NO_PAGE, NO_PAGE);
    this.shadowed(port);
  }

  /** Something is in the shadow, or was translated, that other vCPUs may take to be unknown. Their own they see themselves. */
  shadowed(port: CpuPort): void {
    for (const { page } of this.siblings) page.unshadowed(port, NO_PAGE, NO_PAGE);
  }

  /** What this vCPU has done is so for the VM's others, too. */
  private reachOthers(by: Emulation, what: Reach): void {
    for (const other of this.siblings) other.reached(by, what);
  }

  /**
   * Another vCPU of the VM makes translations stale, in an exit of its own. This one may be in the midst of them: it is interrupted, and
   * out of them before its next instruction. Nobody else comes there, and their memory is used again only by itself.
   */
  private reached(by: Emulation, what: Reach): void {
    const { running, page } = this;
    const { port, vm } = by;
    const vcpu = vm.vcpus[this.index];
    if (running === undefined || vcpu === undefined) return;
    const owner = (this.emulation = { port, vm, vcpu });
    const { counts } = running.cache;
    const { forgotten } = counts;
    what(this.stale, owner);
    if (counts.forgotten !== forgotten && page.inUse) by.host.kick(vcpu);
  }

  /** Of the VM's others any page of text may be elsewhere, or another. */
  private tellOthers(by: Emulation, another: boolean): void {
    for (const other of this.siblings) other.told(by, another);
  }

  /** Another vCPU says so: each looks at its own, before its kernel goes on. If that runs it is interrupted for it. */
  private told({ port, vm, host }: Emulation, another: boolean): void {
    const { running, page } = this;
    const vcpu = vm.vcpus[this.index];
    if (running === undefined || vcpu === undefined) return;
    if (another) this.passedBy = true;
    else this.due = true;
    running.translator.moved(port);
    if (page.inUse) host.kick(vcpu);
  }

  /** The shadow has been filled for the guest's kernel at an address: its user may have nothing there. */
  filled(emulation: Emulation, va: Readonly<Word64>): void {
    const { port, vcpu, vm } = emulation;
    const table = lowerTable(vcpu);
    const known = this.lower.has(table) && this.siblings.every(({ lower }) => lower.has(table));
    if ((va.hi & UPPER_HALF) !== 0 || known) return;
    if (vm.memory.translate(port, vcpu, va, AccessKind.Read, false) !== Answer.Abort) return;
    this.lower.note(table);
    for (const other of this.siblings) other.noted(emulation, table);
  }

  /** Another vCPU has found that. This one may be in code that takes it for otherwise. */
  private noted({ vm, host }: Emulation, table: number): void {
    const vcpu = vm.vcpus[this.index];
    this.lower.note(table);
    if (vcpu && this.page.inUse && this.lower.plain && lowerTable(vcpu) === table) host.kick(vcpu);
  }

  /** What an emulated instruction may have made stale, by its name in the ledger. */
  followed(emulation: Emulation, cause: string, word: number): void {
    this.emulation = emulation;
    const { running } = this;
    const { port } = emulation;
    if (cause === 'hidden fault' || cause === 'mmio' || cause.startsWith('traced')) {
      if (cause === 'hidden fault') {
        this.page.unshadowed(port, NO_PAGE, NO_PAGE);
        this.shadowed(port);
      }
      this.faulted();
      return;
    }
    if (cause === 'ic ivau') {
      port.readX(word & 31, this.word);
      const physical = this.stale.textChanged(emulation, this.word);
      if (physical >= 0)
        this.reachOthers(emulation, ({ running: theirs }) => {
          theirs?.translator.forgetText(port, physical);
        });
      return;
    }
    if (cause.startsWith('tlbi ')) {
      this.sites.maintained();
      this.stale.invalidated(emulation, cause, word & 31);
      if (cause.startsWith('tlbi va'))
        this.reachOthers(emulation, (stale, owner) => {
          stale.invalidated(owner, cause, word & 31);
        });
      else this.tellOthers(emulation, false);
      if (this.lazy) this.stale.unshadowed(emulation, cause, word & 31, this.siblings);
      return;
    }
    if (cause.startsWith('ic iallu')) {
      this.stale.compare(emulation);
      this.tellOthers(emulation, true);
    } else if (cause === 'msr SCTLR_EL1' || cause === 'msr TCR_EL1') this.stale.moved(emulation);
    else if (cause === 'msr TTBR0_EL1') this.stale.verify(emulation, 'lower');
    else if (cause === 'msr TTBR1_EL1') this.stale.upperChanged(emulation);
    else return;
    running?.translator.moved(port);
  }

  /** The plain access that the last exit came from is called out when that happens often. */
  private faulted(): void {
    const { running, inline } = this;
    const last = running?.translator.last;
    if (running === undefined || last === undefined || !inline) return;
    const { cache } = running;
    if (isPlainAccess(last.unit.words[last.at] ?? 0) && this.sites.faulted(cache.numberOf(last)))
      cache.callOut(last, true);
  }

  /** A plain access was called out. Where the guest's tables refuse it, it is itself again, and faults. */
  access(emulation: Emulation): AccessDone | undefined {
    this.emulation = emulation;
    const { running } = this;
    const last = running?.translator.last;
    if (running === undefined || last === undefined) return undefined;
    const { cache } = running;
    const done = accessCalledOut(emulation, running.translator.instruction);
    const worth = done !== undefined && (done.device || done.traced || this.page.isUnshadowed(done));
    if (done === undefined || this.sites.called(cache.numberOf(last), done.page, worth))
      cache.callOut(last, false);
    return done;
  }
}
