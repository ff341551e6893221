// One VM's kernel under binary translation, between the hypervisor's exits and the translator: the cache in the machine's memory, what
// makes it stale, and the instructions that translated code calls out (Adams and Agesen, ASPLOS 2006, section 3).

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemOperation } from '@worldswitch/vmm';

import type { Emulation } from '../trap-and-emulate/emulation.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { high, low, signed } from './address.ts';
import { CodeCache } from './code-cache.ts';
import { Arrival, Translator } from './translator.ts';
import { VirtualRegisterPage } from './virtual-registers.ts';

const IC_IVAU = systemOperation('IC IVAU');
const DSB = systemOperation('DSB ISH');
const PAGE = 0x1000;

/** Where the cache and the page of virtual registers are. */
export interface TranslationPlaces {
  /** In the host's memory. */
  readonly cache: { readonly pa: number; readonly size: number };
  readonly state: { readonly pa: number };
  /** In the guest kernel's address space. */
  cacheAddress(): Readonly<Word64>;
  stateAddress(): Readonly<Word64>;
}

/** A kernel that runs from a translation cache. One vCPU. */
export class TranslatedKernel {
  readonly cache: CodeCache;
  readonly translator: Translator;
  private readonly places: TranslationPlaces;
  private readonly page: VirtualRegisterPage;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private emulation: Emulation | undefined;
  private initialised = false;
  /** The page that instructions were last fetched from, in this exit. */
  private fetched = Number.NaN;
  private fetchedPa = 0;

  constructor(places: TranslationPlaces, inline = true) {
    this.places = places;
    this.page = new VirtualRegisterPage(places.state.pa);
    const base = signed(places.cacheAddress());
    this.cache = new CodeCache(base, places.cache.size, {
      write: (address, words) => {
        this.write(places.cache.pa + (address - base), address, words);
      },
    });
    this.translator = new Translator(
      this.cache,
      this.page,
      { fetch: (port, pc) => this.fetch(port, pc) },
      inline,
    );
  }

  private get exit(): Emulation {
    if (this.emulation === undefined) throw new Error('translated code changes in an exit only');
    return this.emulation;
  }

  /** Words of the cache, by the hypervisor's own map, and seen by fetches at the guest's address of them. */
  private write(pa: number, address: number, words: readonly number[]): void {
    const { port } = this.exit;
    words.forEach((word, i) => {
      this.at.lo = low(pa + 4 * i);
      this.at.hi = high(pa + 4 * i);
      if (port.store(this.at, 4, word, 0) !== Fault.None) throw new Error('the translation cache is gone');
    });
    for (let i = 0; i < words.length; i += 16)
      port.operate(IC_IVAU, low(address + 4 * i), high(address + 4 * i));
    port.operate(IC_IVAU, low(address + 4 * (words.length - 1)), high(address + 4 * (words.length - 1)));
    port.operate(DSB);
  }

  private fetch(port: CpuPort, pc: number): number {
    const page = Math.floor(pc / PAGE) * PAGE;
    if (page !== this.fetched) {
      const { vm, vcpu } = this.exit;
      this.at.lo = low(page);
      this.at.hi = high(page);
      const answer = vm.memory.translate(port, vcpu, this.at, AccessKind.Fetch, true);
      // Instructions come from memory alone.
      if (answer !== Answer.Retry) return -1;
      this.fetched = page;
      this.fetchedPa = vm.hostOf(vm.memory.ipa);
    }
    const pa = this.fetchedPa + (pc - page);
    this.at.lo = low(pa);
    this.at.hi = high(pa);
    return port.load(this.at, 4, this.word) === Fault.None ? this.word.lo : -1;
  }

  /**
   * An exit of the guest's kernel. True where nothing is left to do but to go on.
   *
   * @param call - the immediate of the SVC, or -1 for any other exception
   */
  arrive(emulation: Emulation, call: number): Arrival {
    this.emulation = emulation;
    this.fetched = Number.NaN;
    return this.translator.arrive(emulation.port, emulation.vcpu, emulation.frame, call);
  }

  /** The guest's kernel goes on. False where it goes on at its own PC, as its instruction cannot be fetched. */
  depart(emulation: Emulation, pending: boolean): boolean {
    const { port, vcpu, frame } = emulation;
    this.emulation = emulation;
    this.fetched = Number.NaN;
    if (!this.initialised) {
      this.page.initialise(port);
      this.initialised = true;
    }
    return this.translator.depart(port, vcpu, frame, this.places.stateAddress(), pending);
  }

  /** IC IVAU: the guest may have changed the text at an address; its physical page counts, wherever it is mapped. */
  textChanged(emulation: Emulation, va: Readonly<Word64>): void {
    this.emulation = emulation;
    const { port, vcpu, vm } = emulation;
    const own = signed(va);
    this.translator.forgetPage(port, own);
    if (vm.memory.translate(port, vcpu, va, AccessKind.Read, true) === Answer.Abort) return;
    const page = Math.floor(vm.memory.ipa / PAGE);
    const at: Word64 = { lo: 0, hi: 0 };
    this.translator.forgetWhere(port, (pc) => {
      at.lo = low(pc);
      at.hi = high(pc);
      return (
        vm.memory.translate(port, vcpu, at, AccessKind.Fetch, true) !== Answer.Retry ||
        Math.floor(vm.memory.ipa / PAGE) === page
      );
    });
  }

  /** TLB maintenance of a page, or translation registers that have changed for one range or both. */
  pageMoved(emulation: Emulation, va: Readonly<Word64>): void {
    this.emulation = emulation;
    this.translator.forgetPage(emulation.port, signed(va));
  }
  rangeMoved(emulation: Emulation, which: 'lower' | 'all'): void {
    this.emulation = emulation;
    this.translator.forgetWhere(emulation.port, (page) => which === 'all' || page >= 0);
  }
}
