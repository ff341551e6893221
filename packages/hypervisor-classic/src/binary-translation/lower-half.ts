// Where LDTR and STTR of the lower half may be executed as they are: at EL0, by the tables of the virtual EL1. That is right while no page that
// is the kernel's alone is mapped there, which is so for kernels that keep to the upper half (DDI 0487 D8.4.1, AP[1]).

import { flag, list, record, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** Tables that are remembered; with more of them none is looked at any more. */
const MOST = 16;
/** Times that translated code is thrown away for it. */
const MOST_CHANGES = 32;

/** What is saved. */
export type LowerHalfState = Readonly<{ tables: readonly number[]; changes: number; plain: boolean }>;

/** How it is checked. */
export const lowerHalfShape: Shape<LowerHalfState> = record<LowerHalfState>({
  tables: list(uint(2 ** 48), 0, MOST),
  changes: uint(MOST_CHANGES),
  plain: flag,
});

/** What is known of the tables of the lower half. */
export class LowerHalf {
  /** Translated code executes them as they are. */
  plain: boolean;
  private readonly tables: Set<number>;
  private changes: number;

  constructor(state?: LowerHalfState) {
    this.tables = new Set(state?.tables);
    this.changes = state?.changes ?? 0;
    this.plain = state?.plain ?? true;
  }

  /** As plain data. */
  save(): LowerHalfState {
    return { tables: [...this.tables], changes: this.changes, plain: this.plain };
  }

  /** Whether a table (TTBR0_EL1.BADDR) is known to map a page of the kernel's alone. */
  has(table: number): boolean {
    return this.changes === MOST_CHANGES || this.tables.size === MOST || this.tables.has(table);
  }

  /** A page of the kernel's alone is reached by a table from now on. */
  note(table: number): void {
    if (!this.has(table)) this.tables.add(table);
  }

  /** The guest goes on with a table: true where what was translated for others is not right for it. */
  enter(table: number): boolean {
    const plain = !this.has(table);
    if (plain === this.plain) return false;
    this.plain = plain;
    // A guest that goes to and fro has each of them called out.
    if (this.changes < MOST_CHANGES) this.changes++;
    return true;
  }
}
