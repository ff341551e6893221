// One range of one view of one set of the guest's tables, in shadow: its root, tables and leaves. The two halves of an address space
// are apart, so that all processes share the kernel's.

import type { RegimeControls } from '@worldswitch/mmu';

import type { TableUse } from './traces.ts';
import type { ShadowView } from './views.ts';

/** Bytes of pages and blocks. */
const SIZES = [0x1000, 0x20_0000, 0x4000_0000] as const;

/** A block or page of the shadow. */
export interface Leaf {
  readonly half: Half;
  /** Address in the half, a multiple of its size. */
  readonly offset: number;
  /** Log2 of its size: 12, 21 or 30. */
  readonly shift: number;
  /** The guest's physical address. */
  readonly ipa: number;
  /** Where its descriptor stands. */
  readonly place: number;
  /** The EL0 bits of `Permission` that it gives. */
  rights: number;
  /** True where the guest's entry is of one ASID. */
  readonly nonGlobal: boolean;
  /** False where its access flag is clear: it is there, but the next access is seen. */
  open: boolean;
}

/** Log2 of the bytes of a half. */
const HALF = 48;

/** A half of an address space. */
export class Half {
  readonly id: number;
  readonly key: string;
  readonly upper: boolean;
  readonly view: ShadowView;
  /** What the guest's registers were when it was made: all that it depends on is in its key. */
  readonly registers: Readonly<RegimeControls>;
  readonly root: number;
  /** Slot of the hypervisor's hole; -1 in the lower range. */
  readonly hole: number;
  /** Log2 of the bytes of the guest's pages. */
  readonly granule: number;
  /** True where hardware walks the guest's own tables, but for the root. */
  readonly real: boolean;
  /** Virtual ASIDs under which its leaves hold that are of an ASID. */
  readonly asids: Set<number> = new Set<number>();
  /** By their offset: blocks are found by that of their first byte. */
  readonly leaves: Map<number, Leaf> = new Map<number, Leaf>();
  /** Tables by `tableKey`. */
  readonly tables: Map<number, number> = new Map<number, number>();
  /** Those that are the guest's own, by their key. */
  readonly borrowed: Set<number> = new Set<number>();
  /** Guest blocks and pages of which only parts are leaves here: log2 of their size, by their first byte. */
  readonly splits: Map<number, number> = new Map<number, number>();
  private readonly splitSizes = new Set<number>();
  /** The guest's tables that its leaves come from, where they are traced: by level and first address. */
  readonly uses: Map<number, TableUse> = new Map<number, TableUse>();
  /** Leaves of one ASID. */
  nonGlobal = 0;
  /** True where another has taken its place. */
  retired = false;
  /** When it was entered last, on a clock of its VM. */
  lastUse = 0;
  /** Stores to its tables, while they were no virtual CPU's, since it was entered last. */
  strays = 0;

  constructor(
    made: Pick<Half, 'id' | 'key' | 'upper' | 'view' | 'registers' | 'root' | 'hole' | 'granule' | 'real'>,
  ) {
    ({ id: this.id, key: this.key, upper: this.upper, view: this.view } = made);
    ({ root: this.root, hole: this.hole, granule: this.granule, real: this.real } = made);
    this.registers = { ...made.registers };
  }

  /** True where registers have the same first table in its range. */
  hasTableOf(registers: RegimeControls): boolean {
    const own = this.registers;
    const [lo, hi] = this.upper
      ? [own.ttbr1Lo ^ registers.ttbr1Lo, own.ttbr1Hi ^ registers.ttbr1Hi]
      : [own.ttbr0Lo ^ registers.ttbr0Lo, own.ttbr0Hi ^ registers.ttbr0Hi];
    return (lo & ~1) === 0 && (hi & 0xffff) === 0;
  }

  /** The key of the table of a level (1 to 3) for an address. */
  tableKey(offset: number, level: number): number {
    const span = 2 ** (12 + 9 * (4 - level));
    return Math.floor(offset / span) * 4 + level;
  }

  /** The leaf that maps an address. */
  find(offset: number): Leaf | undefined {
    for (const size of SIZES) {
      // A remainder of numbers beyond 32 bits would take longer.
      const leaf = this.leaves.get(Math.floor(offset / size) * size);
      if (leaf !== undefined && offset < leaf.offset + 2 ** leaf.shift) return leaf;
    }
    return undefined;
  }

  /** The leaves that overlap a range. */
  *within(from: number, to: number): Iterable<Leaf> {
    if (to - from > 0x40_0000) {
      for (const leaf of [...this.leaves.values()]) {
        if (leaf.offset < to && leaf.offset + 2 ** leaf.shift > from) yield leaf;
      }
      return;
    }
    for (let at = from; at < to; at += 0x1000) {
      const leaf = this.find(at);
      if (leaf !== undefined) yield leaf;
    }
  }

  /** Says that a guest leaf of `2^shift` bytes is here in parts. */
  split(offset: number, shift: number): void {
    if (shift <= this.granule) return;
    const base = offset - (offset % 2 ** shift);
    if ((this.splits.get(base) ?? 0) < shift) this.splits.set(base, shift);
    this.splitSizes.add(shift);
  }

  /** The range that one entry of the guest's TLB may have around an address: what maintenance by address drops. */
  reach(offset: number): readonly [from: number, to: number] {
    let [from, size] = [offset - (offset % 2 ** this.granule), 2 ** this.granule];
    for (const shift of this.splitSizes) {
      const base = offset - (offset % 2 ** shift);
      if (this.splits.get(base) === shift && 2 ** shift > size) [from, size] = [base, 2 ** shift];
    }
    return [from, Math.min(from + size, 2 ** HALF)];
  }

  /** Forgets all leaves and what is known of them; tables are another matter. */
  forget(): void {
    this.leaves.clear();
    this.splits.clear();
    this.splitSizes.clear();
    this.uses.clear();
    this.nonGlobal = 0;
  }
}
