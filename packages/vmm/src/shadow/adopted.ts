// The guest's own table pages in the hardware's hands: their memory holds real descriptors, and what the guest wrote to them is kept in
// pages of the hypervisor's.

import { Fault, StateError } from '@worldswitch/platform';
import type { CpuPort, Pa } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { TableMemoryError } from '../stage2/tables.ts';
import type { GuestRam } from './guest-ram.ts';
import type { Half } from './half.ts';
import type { ShadowTables } from './tables.ts';

/** A table page of the guest. */
export interface Adopted {
  readonly half: Half;
  /** `Half.tableKey`: which of its tables it is. */
  readonly key: number;
  /** Where the hypervisor has what the guest wrote. */
  readonly side: number;
}

/** The table pages of a VM that hardware walks. */
export class AdoptedPages {
  private readonly ram: GuestRam;
  private readonly memory: PhysicalMemory;
  private readonly tables: ShadowTables;
  /** By the guest's address of the page. */
  private readonly pages = new Map<number, Adopted>();

  constructor(ram: GuestRam, memory: PhysicalMemory, tables: ShadowTables) {
    this.ram = ram;
    this.memory = memory;
    this.tables = tables;
  }

  /** How many there are. */
  get size(): number {
    return this.pages.size;
  }

  /** The page that an address is in. */
  find(ipa: number): Adopted | undefined {
    return this.pages.size === 0 ? undefined : this.pages.get(ipa - (ipa % PAGE));
  }

  /** The host's address of what the guest has at an address: for a table what the guest wrote there. -1 where there is no memory. */
  toHost(ipa: number): number {
    const found = this.find(ipa);
    return found === undefined ? this.ram.toHost(ipa) : found.side + (ipa % PAGE);
  }

  /**
   * Takes a page: it is an empty table now. Nobody of the guest may have it mapped, and no half may have it.
   *
   * @returns the host's address of the page, or -1 where it is none of the guest's memory
   */
  adopt(port: CpuPort, half: Half, key: number, page: number): number {
    const at = this.ram.toHost(page);
    if (at === -1) return -1;
    const side = this.tables.allocate(port);
    const fault = this.memory.copy(port, side as Pa, at as Pa, PAGE);
    if (fault !== Fault.None || this.memory.zero(port, at as Pa, PAGE) !== Fault.None) {
      throw new TableMemoryError(`no memory at 0x${at.toString(16)}`);
    }
    this.pages.set(page, { half, key, side });
    return at;
  }

  /** Gives a page back, with what the guest wrote. No TLB and no walk may know it as a table. */
  giveBack(port: CpuPort, page: number): void {
    const known = this.pages.get(page);
    if (known === undefined) return;
    const at = this.ram.toHost(page);
    if (this.memory.copy(port, at as Pa, known.side as Pa, PAGE) !== Fault.None) {
      throw new TableMemoryError(`no memory at 0x${at.toString(16)}`);
    }
    this.tables.release(known.side);
    this.pages.delete(page);
  }

  /** The pages that a half has. */
  of(half: Half): number[] {
    return [...this.pages].filter(([, adopted]) => adopted.half === half).map(([page]) => page);
  }

  /** Where the hypervisor has what the guest wrote: addresses of the host, by the host's address of each page. */
  sides(): ReadonlyMap<number, number> {
    return new Map([...this.pages].map(([page, { side }]) => [this.ram.toHost(page), side]));
  }

  /** Its state. */
  save(): number[] {
    return [...this.pages].flatMap(([page, { half, key, side }]) => [page, half.id, key, side]);
  }

  /** Restores it. */
  restore(all: readonly number[], halves: ReadonlyMap<number, Half>, allocator: PageAllocator): void {
    for (let i = 0; i < all.length; i += 4) {
      const [page = 0, id = 0, key = 0, side = 0] = all.slice(i, i + 4);
      const half = halves.get(id);
      const at = page % PAGE === 0 ? this.ram.toHost(page) : -1;
      if (
        at === -1 ||
        half?.borrowed.has(key) !== true ||
        half.tables.get(key) !== at ||
        side % PAGE !== 0 ||
        !allocator.owns(side, PAGE) ||
        this.pages.has(page)
      ) {
        throw new StateError('real', 'must be pages of the guest that are tables');
      }
      this.pages.set(page, { half, key, side });
      this.tables.used++;
    }
  }
}
