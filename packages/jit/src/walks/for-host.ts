// The function that deals with misses, for the CPU that a host is.

import type { InterpreterHost } from '../host.ts';
import { FastLayout } from '../interpreter/fast-layout.ts';
import type { Fragment } from '../wasm/code.ts';
import { refillFunction } from './refill.ts';

/**
 * Moves the CPU's TLB behind the fast ones and makes the function, where the CPU can say what that needs.
 *
 * @param tables - where the fast TLBs lie
 * @param tlbEntries - of each of them
 */
export function refillFor(host: InterpreterHost, tables: number, tlbEntries: number): Fragment | undefined {
  const walk = tables + FastLayout.bytes;
  const shape = host.walks?.place(walk);
  if (shape === undefined) return undefined;
  const costs = host.slice.costs !== undefined;
  return refillFunction({ base: host.base, fast: tables, walk, shape, tlbEntries, costs });
}
