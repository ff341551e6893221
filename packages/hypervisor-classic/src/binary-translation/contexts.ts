// The tables of the guest's upper half that translated code is remembered of: a kernel that keeps its own mappings from user code
// switches between two at each entry and exit, and what was translated by one is right when it comes back to it. What was
// invalidated meanwhile is looked at then (DDI 0487 D8.14: until an invalidation the CPU may keep what it knows).

import { bits, flag, list, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

import { address, halves } from './saved-cache.ts';
import { CONTEXTS } from './state-page.ts';

/** What is saved. */
export type ContextsState = Readonly<{
  /** Base of each table, halves. */
  tables: readonly number[];
  stale: readonly boolean[];
  current: number;
  next: number;
}>;

const shape = record<ContextsState>({
  tables: list(bits(), 2, 2 * CONTEXTS),
  stale: list(flag, 1, CONTEXTS),
  current: uint(CONTEXTS - 1),
  next: uint(CONTEXTS - 1),
});

/** How it is checked. */
export const contextsShape: Shape<ContextsState> = {
  check(from, path) {
    const state = shape.check(from, path);
    const { length } = state.stale;
    if (state.tables.length !== 2 * length)
      throw new StateError(`${path}.tables`, 'must be as many as are stale or not');
    if (state.current >= length) throw new StateError(`${path}.current`, 'must be one of the tables');
    return state;
  },
};

/** Contexts by the base of their table. */
export class Contexts {
  /** The guest's. */
  current = 0;
  private readonly tables: number[] = [0];
  private readonly stale: boolean[] = [false];
  /** The next to be given up where there is no room. */
  private next = 0;

  constructor(state?: ContextsState) {
    if (state === undefined) return;
    this.tables = state.stale.map((_, i) => address(state.tables.slice(2 * i, 2 * i + 2)));
    this.stale = [...state.stale];
    this.current = state.current;
    this.next = state.next;
  }

  /** As plain data. */
  save(): ContextsState {
    const { tables, stale, current, next } = this;
    return { tables: tables.flatMap(halves), stale: [...stale], current, next };
  }

  /**
   * The guest has another table.
   *
   * @returns false where it is the same
   */
  enter(table: number, giveUp: (context: number) => void): boolean {
    if (this.tables[this.current] === table) return false;
    const known = this.tables.indexOf(table);
    this.current = known < 0 ? this.room(giveUp) : known;
    this.tables[this.current] = table;
    return true;
  }

  private room(giveUp: (context: number) => void): number {
    const { tables } = this;
    if (tables.length < CONTEXTS) {
      this.stale.push(false);
      return tables.length;
    }
    if (this.next === this.current) this.next = (this.next + 1) % CONTEXTS;
    const context = this.next;
    this.next = (context + 1) % CONTEXTS;
    this.stale[context] = false;
    giveUp(context);
    return context;
  }

  /** All but the current one are to be looked at when the guest comes back to them. */
  invalidate(): void {
    this.stale.fill(true);
    this.stale[this.current] = false;
  }

  /** Whether the current one is to be looked at, once. */
  takeStale(): boolean {
    const was = this.stale[this.current] ?? false;
    this.stale[this.current] = false;
    return was;
  }
}
