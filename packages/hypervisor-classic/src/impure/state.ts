// A rewritten kernel in a saved state, checked as hostile input.

import { bits, flag, list, nullable, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

import { STATE_BYTES } from '../binary-translation/state-page.ts';
import { registerPageShape } from '../binary-translation/virtual-registers.ts';
import type { RegisterPageState } from '../binary-translation/virtual-registers.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import { MOST_CALLS } from './rewrite.ts';

/** What is saved. */
export type RewrittenState = Readonly<{
  /** Fix-ups and page: physical address and size; nothing where all are traps. */
  places: readonly number[];
  initialised: boolean;
  /** Instructions that further traps stand for. */
  calls: readonly number[];
  /** Fix-ups that were made while it ran: the instruction's physical address, and what it was. */
  added: readonly number[];
  /** Virtual pages of fix-ups: address, halves, and the page's number. */
  pages: readonly number[];
  /** Vectors that were looked at. */
  vectors: readonly number[];
  registers: RegisterPageState | null;
}>;

const MAPPED = 2 ** 48;
const MOST = 1 << 18;

const shape = record<RewrittenState>({
  places: list(uint(MAPPED), 0, 4),
  initialised: flag,
  calls: list(bits(), 0, MOST_CALLS),
  added: list(uint(MAPPED), 0, MOST),
  pages: list(bits(), 0, MOST),
  vectors: list(uint(MAPPED), 0, MOST),
  registers: nullable(registerPageShape),
});

/** A rewritten kernel, where there is to be one. */
export function rewrittenShape({ impure, memory }: HypervisorSetup): Shape<RewrittenState | null> {
  const nullableShape = nullable(shape);
  return {
    check(from, path) {
      const state = nullableShape.check(from, path);
      if ((state === null) !== (impure === undefined))
        throw new StateError(path, 'must be there with a rewritten kernel, and only then');
      if (state === null) return null;
      const { places, registers, added, pages } = state;
      const inLine = impure?.method !== 'trap';
      if (places.length !== (inLine ? 4 : 0) || (registers !== null) !== inLine)
        throw new StateError(`${path}.places`, 'must be there with fix-ups, and only then');
      for (let i = 0; i < places.length; i += 2) {
        const [pa = 0, bytes = 0] = places.slice(i, i + 2);
        if (pa % 0x1000 !== 0 || pa < memory.base || pa + bytes > memory.base + memory.size)
          throw new StateError(`${path}.places`, "must be in the hypervisor's memory");
      }
      if (inLine && (places[1] !== impure?.arena.size || (places[3] ?? 0) < STATE_BYTES))
        throw new StateError(`${path}.places`, 'must have room for the fix-ups and the virtual registers');
      if (added.length % 2 !== 0 || added.some((n, i) => (i % 2 === 0 ? n % 4 !== 0 : n >= 2 ** 32)))
        throw new StateError(`${path}.added`, 'must be instructions and where they are');
      const last = (impure?.arena.size ?? 0) / 0x1000;
      if (
        pages.length % 3 !== 0 ||
        pages.some((n, i) => (i % 3 === 0 ? n % 0x1000 !== 0 : i % 3 === 2 && n >= last))
      )
        throw new StateError(`${path}.pages`, 'must be pages of fix-ups');
      return state;
    },
  };
}
