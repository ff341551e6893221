// Memory: the check of the fast TLB, and the access itself. A miss leaves the loop with the address in `va`.

import type { Access, Imm, MemoryLayout } from '../isa.ts';
import type { OpName } from '../wasm/opcodes.ts';
import { intType } from './arm.ts';
import type { Arm, LoopPage, SharedLookup } from './arm.ts';
import { Tables } from './frame.ts';
import { immediate } from './integers.ts';
import type { Node } from './node.ts';

type AnyLayout = MemoryLayout<unknown>;

/** The interface's methods about memory, on nodes. */
export interface MemoryPart {
  load(va: Node, as: AnyLayout, how?: Access): Node;
  loadPair(va: Node, as: AnyLayout, how?: Access): readonly [Node, Node];
  store(va: Node, as: AnyLayout, value: Node, how?: Access): void;
  storePair(va: Node, as: AnyLayout, first: Node, second: Node, how?: Access): void;
  loadExclusive(va: Node, as: AnyLayout): Node;
  loadExclusivePair(va: Node, as: AnyLayout): readonly [Node, Node];
  storeExclusive(va: Node, as: AnyLayout, value: Node): Node;
  storeExclusivePair(va: Node, as: AnyLayout, first: Node, second: Node): Node;
  clearExclusive(): void;
  zeroBlock(va: Node): void;
  cacheOp(va: Node, as: 'read' | 'write' | 'fetch'): void;
  cacheTrapped(): Node;
  accessTrapped(group: Imm): Node;
}

const PAGE_MASK = ~0xfffn;
/** Bytes of an access, or several with one look into the TLB, for which a loop's kept page is used. */
const MOST_KEPT = 32;

/** Checks an access and leaves the memory offset of its first byte in a local. */
function translate(arm: Arm, va: Node, bytes: number, write: boolean, how: Access = {}): Node {
  const { code, frame } = arm;
  const shared = how.aligned === true || how.unprivileged === true ? undefined : arm.shared();
  if (shared !== undefined) return translateTogether(arm, va, write, shared);
  va.uses++;
  const host: Node = { type: 'i32', push: () => undefined, uses: 0, local: -1 };
  arm.check(() => {
    arm.push(va);
    code.set(frame.va);
    if (how.aligned === true && bytes > 1) {
      code.get(frame.va);
      code.i64(BigInt(bytes - 1));
      code.ops('i64_and', 'i64_eqz', 'i32_eqz');
      code.brSeldom(frame.step);
    }
    host.local = lookup(arm, bytes, write, how.unprivileged === true);
  });
  return host;
}

/** The same for an access that shares the look into the TLB. */
function translateTogether(arm: Arm, va: Node, write: boolean, shared: SharedLookup): Node {
  const { code, frame } = arm;
  const host: Node = {
    type: 'i32',
    push: () => undefined,
    uses: 0,
    local: shared.local,
    offset: -shared.low,
  };
  if (!shared.first) return host;
  va.uses++;
  arm.check(() => {
    arm.push(va);
    code.i64(BigInt(shared.low));
    code.op('i64_add');
    code.set(frame.va);
    const { missRead, missWrite } = frame;
    // What misses must be where the instruction itself begins: translations are entered in the order of accesses.
    if (shared.low !== 0) frame.missRead = frame.missWrite = frame.step;
    code.get(lookup(arm, shared.bytes, write, false));
    code.set(shared.local);
    frame.missRead = missRead;
    frame.missWrite = missWrite;
  });
  return host;
}

/** Looks `frame.va` up. One compare answers for permission, for the page of the last byte, and for presence. */
function lookup(arm: Arm, bytes: number, write: boolean, unprivileged: boolean): number {
  const kept = unprivileged ? undefined : arm.loopPage();
  if (kept?.place !== undefined) return lookupOnce(arm, bytes, write, kept.place);
  if (kept?.write === write && bytes <= MOST_KEPT) return lookupKept(arm, bytes, kept);
  return lookupNow(arm, bytes, write, unprivileged);
}

/** Looks `frame.va` up, which is the same each time, unless that was done before. */
function lookupOnce(arm: Arm, bytes: number, write: boolean, place: number): number {
  const { code } = arm;
  code.get(place);
  code.op('i32_eqz');
  code.seldom();
  code.if();
  code.get(lookupNow(arm, bytes, write, false));
  code.set(place);
  code.end();
  return place;
}

function lookupNow(arm: Arm, bytes: number, write: boolean, unprivileged: boolean): number {
  const { code } = arm;
  const host = code.freshLocal('i32');
  const entry = lookupEntry(arm, host, bytes, write, unprivileged);
  code.get(host);
  code.get(entry);
  code.memory('i32_load', Tables.addend, true);
  code.op('i32_add');
  code.set(host);
  return host;
}

/** Looks `frame.va` up where a loop keeps a page, and only if it is another one in the TLB. */
function lookupKept(arm: Arm, bytes: number, kept: LoopPage): number {
  const { code, frame } = arm;
  const host = code.freshLocal('i32');
  // An address that is not aligned may be on two pages: it differs, unless most are not aligned.
  const aligned = (bytes & (bytes - 1)) === 0 && kept.steps.every((s) => s % bytes === 0);
  const other = aligned ? undefined : [code.block(), code.block()];
  code.get(frame.va);
  code.i64(PAGE_MASK | (aligned ? BigInt(bytes - 1) : 0n));
  code.op('i64_and');
  code.get(kept.page);
  code.op('i64_ne');
  if (other === undefined) {
    code.seldom();
    code.if();
  } else {
    const [done = 0, look = 0] = other;
    code.brSeldom(look);
    code.get(frame.va);
    code.op('i32_wrap_i64');
    code.i32(0xfff);
    code.op('i32_and');
    code.i32(0x1000 - bytes);
    code.op('i32_le_u');
    code.brIf(done);
    code.end();
  }
  const entry = lookupEntry(arm, host, bytes, kept.write, false, kept);
  code.get(frame.va);
  code.i64(PAGE_MASK);
  code.op('i64_and');
  code.set(kept.page);
  code.get(entry);
  code.memory('i32_load', Tables.addend, true);
  code.set(kept.addend);
  code.end();
  if (kept.lines !== undefined) missInLines(arm, kept.lines, bytes);
  code.get(frame.va);
  code.op('i32_wrap_i64');
  code.get(kept.addend);
  code.op('i32_add');
  code.set(host);
  return host;
}

/** Finds the entry of `frame.va` in the TLB, or misses. The local `host` gets the lower half of the address. */
function lookupEntry(
  arm: Arm,
  host: number,
  bytes: number,
  write: boolean,
  unprivileged: boolean,
  kept?: LoopPage,
): number {
  const { code, frame } = arm;
  const entry = code.freshLocal('i32');
  code.get(frame.va);
  code.op('i32_wrap_i64');
  code.tee(host);
  code.i32(7);
  code.op('i32_shr_u');
  code.i32((frame.tlbEntries - 1) * 32);
  code.op('i32_and');
  if (unprivileged) frame.loadWord('tlbUnprivileged');
  else code.get(frame.tlb);
  code.op('i32_add');
  code.tee(entry);
  code.memory('i64_load', write ? Tables.writeTag : Tables.readTag, true);
  code.get(frame.va);
  if (bytes > 1) {
    code.i64(BigInt(bytes - 1));
    code.op('i64_add');
  }
  code.i64(PAGE_MASK);
  code.ops('i64_and', 'i64_ne');
  if (write && !unprivileged && frame.mixedStores) storeBesideCode(arm, entry, bytes, kept?.lines);
  else if (unprivileged) code.brSeldom(write ? frame.missUnprivilegedWrite : frame.missUnprivilegedRead);
  else code.brSeldom(write ? frame.missWrite : frame.missRead);
  return entry;
}

/**
 * Misses if the flag on the stack is set, unless `frame.va` is beside the code of a page that may be written to and read.
 *
 * @param kept - a local for the page's lines with code, which are only looked at later; 0 where the flag is not set
 */
function storeBesideCode(arm: Arm, entry: number, bytes: number, kept: number | undefined): void {
  const { code, frame } = arm;
  const at = code.freshLocal('i32');
  if (kept !== undefined) {
    code.i64(0n);
    code.set(kept);
  }
  code.if();
  code.get(entry);
  code.memory('i64_load', Tables.readTag, true);
  code.get(frame.va);
  if (bytes > 1) {
    code.i64(BigInt(bytes - 1));
    code.op('i64_add');
  }
  code.i64(PAGE_MASK);
  code.ops('i64_and', 'i64_ne');
  code.brSeldom(frame.missWrite);
  code.get(entry);
  code.memory('i32_load', Tables.mixed, true);
  code.tee(at);
  code.op('i32_eqz');
  code.brSeldom(frame.missWrite);
  const lines = kept ?? code.freshLocal('i64');
  code.get(at);
  code.memory('i64_load', 0, true);
  code.set(lines);
  if (kept === undefined) missInLines(arm, lines, bytes);
  code.end();
}

/** Misses where the bytes at `frame.va`, all on one page, touch one of its lines that are in a local. */
function missInLines(arm: Arm, lines: number, bytes: number): void {
  const { code, frame } = arm;
  // Shifts count modulo 64: the number of the line in its page.
  code.get(lines);
  code.get(frame.va);
  code.i64(6n);
  code.ops('i64_shr_u', 'i64_shr_u');
  if (bytes > 1 && bytes <= 64) {
    // Two lines at most.
    code.get(lines);
    code.get(frame.va);
    code.i64(BigInt(bytes - 1));
    code.op('i64_add');
    code.i64(6n);
    code.ops('i64_shr_u', 'i64_shr_u', 'i64_or');
  }
  if (bytes <= 64) code.i64(1n);
  else {
    code.i64(2n);
    code.get(frame.va);
    code.i64(63n);
    code.op('i64_and');
    code.i64(BigInt(bytes - 1));
    code.op('i64_add');
    code.i64(6n);
    code.ops('i64_shr_u', 'i64_shl');
    code.i64(1n);
    code.op('i64_sub');
  }
  code.ops('i64_and', 'i32_wrap_i64');
  code.brSeldom(frame.missWrite);
}

/** The load instruction of a layout; vectors of one and two bytes are loaded as integers. */
function loadOp(as: AnyLayout): OpName {
  if (as.as === 'vec') {
    const ops = {
      1: 'i32_load8_u',
      2: 'i32_load16_u',
      4: 'v128_load32_zero',
      8: 'v128_load64_zero',
      16: 'v128_load',
    } as const;
    return ops[as.bytes];
  }
  const type = intType(as.width);
  if (as.bytes * 8 === as.width) return `${type}_load`;
  return `${type}_load${String(as.bytes * 8)}_${as.signed ? 's' : 'u'}` as OpName;
}

/** A load from a checked address, done in the phase of checks. */
function loadAt(arm: Arm, host: Node, offset: number, as: AnyLayout): Node {
  const { code } = arm;
  const small = as.as === 'vec' && as.bytes < 4;
  const push = (): void => {
    if (small) code.bytes16('v128_const', []);
    code.get(host.local);
    code.memory(loadOp(as), offset + (host.offset ?? 0));
    if (small) code.lane('i32x4_replace_lane', 0);
  };
  const n: Node = { type: as.as === 'vec' ? 'v128' : intType(as.width), push, uses: 1, local: -1 };
  arm.check(() => {
    arm.force(n);
  });
  return n;
}

/** The part of a value that a store of a layout writes, and the store. */
function storeAt(arm: Arm, host: Node, at: number, as: AnyLayout, value: Node): void {
  const { code } = arm;
  const offset = at + (host.offset ?? 0);
  arm.store([value], () => {
    code.get(host.local);
    arm.push(value);
    const bits = as.bytes * 8;
    if (as.as === 'int') {
      const type = value.type as 'i32' | 'i64';
      code.memory(
        `${type}_store${(type === 'i64' ? 64 : 32) === bits ? '' : String(bits)}` as OpName,
        offset,
      );
    } else if (bits === 128) code.memory('v128_store', offset);
    else if (bits === 64) {
      code.lane('i64x2_extract_lane', 0);
      code.memory('i64_store', offset);
    } else {
      code.lane('i32x4_extract_lane', 0);
      code.memory(bits === 32 ? 'i32_store' : bits === 16 ? 'i32_store16' : 'i32_store8', offset);
    }
  });
}

/** Writes the monitor's state when the instruction commits. */
function setMonitor(
  arm: Arm,
  field: 'exclusiveOpen' | 'exclusiveBytes' | 'exclusiveHost' | 'exclusiveValue',
  value: Node,
): void {
  const { code, frame } = arm;
  arm.write(
    () => {
      frame.pushBase();
    },
    value,
    () => {
      code.memory(`${value.type}_store` as OpName, frame.at(field), true);
    },
  );
}

/** Opens the monitor on `bytes` bytes at a checked address. */
function openMonitor(arm: Arm, host: Node, bytes: number): void {
  const { code } = arm;
  const value: Node = {
    type: 'v128',
    push: () => {
      if (bytes < 4) code.bytes16('v128_const', []);
      code.get(host.local);
      code.memory(loadOp({ as: 'vec', bytes: bytes as 1, width: 64, signed: false }), 0);
      if (bytes < 4) code.lane('i32x4_replace_lane', 0);
    },
    uses: 0,
    local: -1,
  };
  setMonitor(arm, 'exclusiveOpen', arm.constant('i32', 1n));
  setMonitor(arm, 'exclusiveBytes', arm.constant('i32', BigInt(bytes)));
  setMonitor(arm, 'exclusiveHost', host);
  setMonitor(arm, 'exclusiveValue', value);
}

/** AArch64.ExclusiveMonitorsPass() as a condition, in a local. The monitor is closed. */
function passMonitor(arm: Arm, host: Node, bytes: number): Node {
  const { code, frame } = arm;
  const passes: Node = { type: 'i32', push: () => undefined, uses: 2, local: -1 };
  arm.check(() => {
    frame.loadWord('exclusiveOpen');
    code.ops('i32_eqz', 'i32_eqz');
    frame.loadWord('exclusiveHost');
    code.get(host.local);
    code.ops('i32_eq', 'i32_and');
    frame.loadWord('exclusiveBytes');
    code.i32(bytes);
    code.ops('i32_eq', 'i32_and');
    for (let at = 0; at < bytes; at += 8) {
      const part = Math.min(bytes - at, 8);
      const op = part === 8 ? 'i64_load' : (`i64_load${String(part * 8)}_u` as OpName);
      code.get(host.local);
      code.memory(op, at, true);
      frame.pushBase();
      code.memory(op, frame.at('exclusiveValue') + at, true);
      code.ops('i64_eq', 'i32_and');
    }
    passes.local = code.freshLocal('i32');
    code.set(passes.local);
  });
  setMonitor(arm, 'exclusiveOpen', arm.constant('i32', 0n));
  return passes;
}

/** The methods. */
export function memoryPart(arm: Arm): MemoryPart {
  const { code } = arm;
  const exclusive: Access = { aligned: true };
  const storeExclusive = (va: Node, as: AnyLayout, values: readonly Node[]): Node => {
    const bytes = as.bytes * values.length;
    const host = translate(arm, va, bytes, true, exclusive);
    const passes = passMonitor(arm, host, bytes);
    // The store is made conditional by storing what is there when the monitor does not pass.
    const open = (): void => {
      code.get(passes.local);
      code.if();
    };
    arm.store([], open);
    for (const [i, value] of values.entries()) storeAt(arm, host, i * as.bytes, as, value);
    arm.store([], () => {
      code.end();
    });
    return arm.unary('i32_eqz', 'i32', passes);
  };
  return {
    load: (va, as, how) => loadAt(arm, translate(arm, va, as.bytes, false, how), 0, as),
    loadPair(va, as, how) {
      const host = translate(arm, va, 2 * as.bytes, false, how);
      return [loadAt(arm, host, 0, as), loadAt(arm, host, as.bytes, as)];
    },
    store: (va, as, value, how) => {
      storeAt(arm, translate(arm, va, as.bytes, true, how), 0, as, value);
    },
    storePair(va, as, first, second, how) {
      const host = translate(arm, va, 2 * as.bytes, true, how);
      storeAt(arm, host, 0, as, first);
      storeAt(arm, host, as.bytes, as, second);
    },
    loadExclusive(va, as) {
      const host = translate(arm, va, as.bytes, false, exclusive);
      openMonitor(arm, host, as.bytes);
      return loadAt(arm, host, 0, as);
    },
    loadExclusivePair(va, as) {
      const host = translate(arm, va, 2 * as.bytes, false, exclusive);
      openMonitor(arm, host, 2 * as.bytes);
      return [loadAt(arm, host, 0, as), loadAt(arm, host, as.bytes, as)];
    },
    storeExclusive: (va, as, value) => storeExclusive(va, as, [value]),
    storeExclusivePair: (va, as, first, second) => storeExclusive(va, as, [first, second]),
    clearExclusive: () => {
      setMonitor(arm, 'exclusiveOpen', arm.constant('i32', 0n));
    },
    zeroBlock(va) {
      const block = arm.integer('and', va, arm.constant('i64', ~63n));
      const host = translate(arm, block, 64, true);
      arm.store([], () => {
        for (let at = 0; at < 64; at += 16) {
          code.get(host.local);
          code.bytes16('v128_const', []);
          code.memory('v128_store', at, true);
        }
      });
    },
    cacheTrapped: () =>
      arm.node('i32', [], () => {
        arm.frame.loadWord('cacheTraps');
        code.ops('i32_eqz', 'i32_eqz');
      }),
    accessTrapped(group) {
      const words = arm.node('i32', [], () => {
        arm.frame.loadWord('accessTraps');
      });
      const one = arm.constant('i32', 1n);
      return arm.integer('and', arm.integer('shr_u', words, immediate(arm, 'i32', group)), one);
    },
    cacheOp(va, as) {
      // A machine with coherent caches has nothing to do but the translation.
      translate(arm, va, 1, as === 'write');
    },
  };
}
