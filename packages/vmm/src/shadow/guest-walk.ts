// The guest's own walk, in software: its registers, and its tables in its memory (DDI 0487 D8.2 to D8.4).

import { createControls, createRequest, createTranslation, createWalker, SCTLR } from '@worldswitch/mmu';
import type {
  Access,
  MmuFeatures,
  RegimeControls,
  Translation,
  TranslationControls,
  Walker,
} from '@worldswitch/mmu';
import type { CpuPort, Fault, Word64 } from '@worldswitch/platform';

import type { ShadowView } from './views.ts';

/** How a walk reaches the guest's tables. */
export interface GuestTables {
  /** Reads a descriptor of the guest's by its physical address. */
  loadDescriptor(port: CpuPort, ipa: number, out: Word64): Fault;
  /** Writes one back: an access flag or dirty state. */
  storeDescriptor(port: CpuPort, ipa: number, lo: number, hi: number): Fault;
}

/** A table that a walk went through. */
export interface WalkedTable {
  readonly level: number;
  /** Address of the descriptor. */
  readonly ipa: number;
}

/** Instructions of a walk in software. */
const WORK = 100;

/** Registers with everything zero. */
export const noTranslation = (): RegimeControls => createControls().el1;

/** Walks the guest's tables. */
export class GuestWalk {
  /** The answer of the last walk. */
  readonly out: Translation = createTranslation();
  /** The descriptors of the last walk, from the root. */
  readonly path: WalkedTable[] = [];
  readonly features: MmuFeatures;
  private readonly controls: TranslationControls;
  private readonly walker: Walker;
  private readonly request = createRequest();
  private port: CpuPort | undefined;

  /**
   * @param features - of the virtual CPU
   */
  constructor(tables: GuestTables, features: Partial<MmuFeatures>) {
    this.controls = createControls({ granule16k: false, ...features, el2: false });
    this.features = this.controls.features;
    const port = (): CpuPort => {
      if (this.port === undefined) throw new Error('a walk is made by a CPU');
      return this.port;
    };
    this.walker = createWalker(this.controls, {
      read64: (ipa, out) => tables.loadDescriptor(port(), ipa, out),
      write64: (ipa, lo, hi) => tables.storeDescriptor(port(), ipa, lo, hi),
    });
    this.walker.observer = {
      fetched: (_stage, level, ipa) => void this.path.push({ level, ipa }),
    };
  }

  /**
   * Walks, and checks the access at the virtual level that the view is of.
   *
   * @param update - set access flags and dirty state where the guest's CPU does
   */
  translate(
    port: CpuPort,
    registers: RegimeControls,
    view: ShadowView,
    va: Readonly<Word64>,
    access: Access,
    update: boolean,
    out: Translation = this.out,
  ): boolean {
    const { request } = this;
    Object.assign(this.controls.el1, registers);
    request.vaLo = va.lo;
    request.vaHi = va.hi;
    request.access = access;
    request.unprivileged = view === 'user';
    request.pan = view === 'kernel-pan';
    request.noUpdate = !update;
    this.path.length = 0;
    this.port = port;
    port.work(WORK);
    const good = this.walker.translate(request, out);
    this.port = undefined;
    return good;
  }
}

/** True where the guest's registers translate. */
export const translates = (registers: RegimeControls): boolean => (registers.sctlr & SCTLR.M) !== 0;

/** Log2 of the bytes of a page of one of the ranges. */
export function granuleOf(registers: RegimeControls, upper: boolean, features: MmuFeatures): 12 | 14 | 16 {
  const field = upper ? registers.tcrLo >>> 30 : (registers.tcrLo >>> 14) & 3;
  const [k64, k16] = upper ? [3, 1] : [1, 2];
  if (field === k64 && features.granule64k) return 16;
  if (field === k16 && features.granule16k) return 14;
  if (features.granule4k) return 12;
  return features.granule16k ? 14 : 16;
}

/** Log2 of the bytes that a descriptor maps, and how many descriptors a table has, at a level of one of the ranges. */
export function tableShape(
  registers: RegimeControls,
  upper: boolean,
  level: number,
  features: MmuFeatures,
): { readonly shift: number; readonly entries: number } {
  const granule = granuleOf(registers, upper, features);
  const shift = granule + (granule - 3) * (3 - level);
  const bits = 64 - ((upper ? registers.tcrLo >>> 16 : registers.tcrLo) & 63);
  return { shift, entries: 2 ** Math.min(granule - 3, Math.max(0, bits - shift)) };
}

/** True where hardware can walk the guest's own tables: they are of pages of 4 KiB, and the first is a whole page. */
export function isWalkable(registers: RegimeControls, upper: boolean, features: MmuFeatures): boolean {
  const bits = 64 - ((upper ? registers.tcrLo >>> 16 : registers.tcrLo) & 63);
  return translates(registers) && granuleOf(registers, upper, features) === 12 && (bits - 12) % 9 === 0;
}
