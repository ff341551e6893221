// Memory of the reference engine: loads happen at once, stores when the instruction commits; the exclusive monitor.

import { Layout as Block } from '../cpu/layout.ts';
import type { Access, Builder } from '../semantics/builder.ts';
import type { AnyValue, Int, Layout } from '../semantics/values.ts';
import type { ReferenceHost } from './host.ts';
import { reverseBytes } from './integer.ts';
import type { Transaction } from './transaction.ts';
import { anyOf, big, bool, int32, intOf, vec, vecOf, wide } from './values.ts';

const PLAIN: Access = {};
const EXCLUSIVE: Access = { aligned: true };

/** A loaded element as a value. */
const toValue = <T extends AnyValue>(bits: bigint, as: Layout<T>): T => {
  if (as.as === 'vec') return anyOf(vecOf(bits));
  return anyOf(intOf(as.width, as.signed ? BigInt.asIntN(8 * as.bytes, bits) : bits));
};
/** The bits that a value leaves in memory. */
const fromValue = <T extends AnyValue>(value: T, as: Layout<T>): bigint =>
  BigInt.asUintN(8 * as.bytes, as.as === 'vec' ? vec(anyOf(value)) : wide<32>(anyOf(value)));

type MemoryPart = Pick<
  Builder,
  | 'load'
  | 'loadPair'
  | 'store'
  | 'storePair'
  | 'loadExclusive'
  | 'loadExclusivePair'
  | 'storeExclusive'
  | 'storeExclusivePair'
  | 'clearExclusive'
  | 'zeroBlock'
  | 'cacheOp'
  | 'cacheTrapped'
  | 'accessTrapped'
>;

/** The methods about memory. */
export const memoryPart = (host: ReferenceHost, effects: Transaction): MemoryPart => {
  const { state } = host;
  /** An element between memory order and register order. */
  const ordered = (bits: bigint, bytes: number): bigint =>
    state.word(Block.bigEndian) === 0 ? bits : reverseBytes(bits, bytes);
  const join = (first: bigint, second: bigint, bytes: number): bigint =>
    ordered(first, bytes) | (ordered(second, bytes) << BigInt(8 * bytes));
  const split = <T extends AnyValue>(both: bigint, as: Layout<T>): readonly [T, T] => [
    toValue(ordered(BigInt.asUintN(8 * as.bytes, both), as.bytes), as),
    toValue(ordered(both >> BigInt(8 * as.bytes), as.bytes), as),
  ];

  /** Loads and opens the monitor. */
  const openMonitor = (va: Int<64>, bytes: number): bigint => {
    const value = host.load(big(va), bytes, bytes, EXCLUSIVE);
    const offset = host.exclusiveAddress(big(va), bytes, false);
    effects.setMonitor({ open: offset >= 0, bytes, host: offset, value });
    return value;
  };
  /** AArch64.ExclusiveMonitorsPass(); aborts as the store would, whether or not the monitor passes. */
  const passMonitor = (va: Int<64>, bytes: number, value: bigint): Int<32> => {
    host.checkStore(big(va), bytes, bytes, EXCLUSIVE);
    const offset = host.exclusiveAddress(big(va), bytes, true);
    const at = Block.exclusiveValue >> 3;
    const expected = (state.u64[at] ?? 0n) | ((state.u64[at + 1] ?? 0n) << 64n);
    const passes =
      state.word(Block.exclusiveOpen) !== 0 &&
      offset >= 0 &&
      state.word(Block.exclusiveHost) === offset &&
      state.word(Block.exclusiveBytes) === bytes &&
      host.peek(offset, bytes) === expected;
    effects.setMonitor({ open: false, bytes: 0, host: 0, value: 0n });
    if (passes) effects.store(big(va), bytes, bytes, value, EXCLUSIVE);
    return int32(passes ? 0 : 1);
  };

  return {
    load: (va, as, how = PLAIN) =>
      toValue(ordered(host.load(big(va), as.bytes, as.bytes, how), as.bytes), as),
    loadPair: (va, as, how = PLAIN) => split(host.load(big(va), 2 * as.bytes, as.bytes, how), as),
    store: (va, as, value, how = PLAIN) => {
      effects.store(big(va), as.bytes, as.bytes, ordered(fromValue(value, as), as.bytes), how);
    },
    storePair: (va, as, first, second, how = PLAIN) => {
      const both = join(fromValue(first, as), fromValue(second, as), as.bytes);
      effects.store(big(va), 2 * as.bytes, as.bytes, both, how);
    },
    loadExclusive: (va, as) => toValue(ordered(openMonitor(va, as.bytes), as.bytes), as),
    loadExclusivePair: (va, as) => split(openMonitor(va, 2 * as.bytes), as),
    storeExclusive: (va, as, value) => passMonitor(va, as.bytes, ordered(fromValue(value, as), as.bytes)),
    storeExclusivePair: (va, as, first, second) =>
      passMonitor(va, 2 * as.bytes, join(fromValue(first, as), fromValue(second, as), as.bytes)),
    clearExclusive: () => {
      effects.setMonitor({ open: false, bytes: 0, host: 0, value: 0n });
    },
    zeroBlock: (va) => {
      effects.zeroBlock(big(va));
    },
    cacheTrapped: () => bool(state.word(Block.cacheTraps) !== 0),
    accessTrapped: (group) => bool(((state.word(Block.accessTraps) >>> group.value) & 1) !== 0),
    cacheOp: (va, as) => {
      host.cacheOp(big(va), as);
    },
  };
};
