// Where in its page each operation of software stands: what a higher level that intercepts it reads from ELR. And the register that it
// uses where that level looks at one.

import type { PortKind } from '../slice.ts';

/** The general register that an intercepted operation reads or writes. */
export const SCRATCH = 9;

/** Offsets of the operations' instructions; the one after each is where an operation that was emulated goes on. */
export const PC_OF = {
  mrs: 0xb00,
  msr: 0xb10,
  load: 0xb20,
  store: 0xb30,
  loadUnprivileged: 0xb40,
  storeUnprivileged: 0xb50,
  atomic: 0xb60,
  sys: 0xb70,
  call: 0xb80,
  vector: 0xb90,
} as const;

const KINDS: ReadonlyMap<number, PortKind> = new Map([
  [PC_OF.mrs, 'system'],
  [PC_OF.msr, 'system'],
  [PC_OF.load, 'load'],
  [PC_OF.store, 'store'],
  [PC_OF.loadUnprivileged, 'load'],
  [PC_OF.storeUnprivileged, 'store'],
  [PC_OF.atomic, 'atomic'],
  [PC_OF.sys, 'maintenance'],
  [PC_OF.call, 'system'],
  [PC_OF.vector, 'vector'],
]);

/** What kind of instruction stands at such a place. */
export function kindAt(place: number): PortKind {
  return KINDS.get(place) ?? 'work';
}
