// What each variant is: how often it traps for what, and that the count is not otherwise. `real` has a file of its own.

import { describe, expect, it } from 'vitest';

import { Access } from '@worldswitch/mmu';

import { GUEST_AT, GUEST_RAM, randomFrom, ShadowRig, xtOf } from './shadow-rig.ts';
import { KERNEL, MIB, REMAPPED, TEXT, host, kernel, linear, setPte } from './variants-rig.ts';

/** 512 stores and one TLBI, and the traps that they are; then what the pages are. */
function remap(variant: 'lazy' | 'traced', skipSync = false): { traps: number; seen: number[] } {
  const { rig, pte } = kernel({ variant });
  const read = (i: number): number =>
    rig.access(0x4000_0000n + BigInt(i * 4096), Access.Read, 'kernel').value;
  for (let i = 0; i < 512; i++) read(i);
  // The page of the table itself is in the shadow already.
  rig.access(linear(pte(0)), Access.Read, 'kernel');
  rig.access(linear(pte(0)), Access.Write, 'kernel');
  const before = rig.resolved + rig.shadow.counters.syncs;
  for (let i = 0; i < 512; i++) setPte(rig, pte(i), GUEST_RAM + 4 * MIB + i * 4096);
  if (!skipSync) rig.tlbi('VMALLE1IS');
  const traps = rig.resolved + rig.shadow.counters.syncs - before;
  return { traps, seen: Array.from({ length: 512 }, (_, i) => read(i)) };
}

describe('512 stores to a table and one TLBI', () => {
  it('are at most 2 traps when lazy', () => {
    const { traps, seen } = remap('lazy');
    expect(traps).toBeLessThanOrEqual(2);
    expect(seen).toEqual(REMAPPED);
  });

  it('are a trap for each store when traced', () => {
    const { traps, seen } = remap('traced');
    // And one for the TLBI.
    expect(traps).toBe(512 + 1);
    expect(seen).toEqual(REMAPPED);
  });

  it('leave what was there to be seen where lazy did not follow the TLBI', () => {
    expect(remap('lazy', true).seen).toEqual(
      Array.from({ length: 512 }, (_, i) => host(GUEST_RAM + i * 4096)),
    );
    // Traced needs no TLBI to know.
    expect(remap('traced', true).seen).toEqual(REMAPPED);
  });
});

describe('lazy', () => {
  it.each([
    ['VAE1', xtOf(0x4000_0000n, 1), true],
    ['VALE1IS', xtOf(0x4000_0000n, 1), true],
    ['VAE1', xtOf(0x4000_0000n, 2), true],
    ['VAAE1IS', xtOf(0x4000_0000n), true],
    ['VAE1IS', xtOf(0x4000_1000n, 1), false],
    ['ASIDE1IS', 1n << 48n, false],
    ['VMALLE1', 0n, true],
  ])('follows TLBI %s of 0x%x: %s', (name, xt, follows) => {
    const { rig, pte } = kernel({ variant: 'lazy' });
    const read = (): number => rig.access(0x4000_0000n, Access.Read, 'kernel').value;
    expect(read()).toBe(host(GUEST_RAM));
    setPte(rig, pte(0), GUEST_RAM + 4 * MIB);
    expect(read()).toBe(host(GUEST_RAM));
    rig.tlbi(name, xt);
    // The page is global: ASIDE1 leaves it, and any ASID names it.
    expect(read()).toBe(host(follows ? GUEST_RAM + 4 * MIB : GUEST_RAM));
  });

  it('knows an ASID that was never used before nothing of', () => {
    const rig = new ShadowRig();
    const tables = rig.tables();
    const map = (to: number): void => {
      tables.map({
        va: 0x1000,
        pa: GUEST_RAM + to,
        size: 4096,
        permissions: KERNEL,
        attributes: { global: false },
      });
    };
    const read = (asid: number): number => {
      rig.use(tables, tables, { asid });
      return rig.access(0x1000n, Access.Read, 'kernel').value;
    };
    map(0);
    expect(read(1)).toBe(GUEST_AT);
    map(0x2000);
    // The old translation may stay with the old ASID, but not with a new one.
    expect([read(1), read(2), read(1)]).toEqual([GUEST_AT, GUEST_AT + 0x2000, GUEST_AT]);
    rig.tlbi('ASIDE1', 1n << 48n);
    expect(read(1)).toBe(GUEST_AT + 0x2000);
  });
});

/** Misses of an LRU cache of each capacity, by stack distances. */
function lruMisses(references: readonly number[], capacity: number): number {
  const stack: number[] = [];
  let misses = 0;
  for (const page of references) {
    const distance = stack.indexOf(page);
    if (distance < 0 || distance >= capacity) misses++;
    if (distance >= 0) stack.splice(distance, 1);
    stack.unshift(page);
  }
  return misses;
}

describe('bounded', () => {
  const CODE = 0;
  /** Executes instructions of one page that each load from a page; what a CPU does, it does again after a fault. */
  function run(rig: ShadowRig, loads: readonly (readonly number[])[]): void {
    for (const data of loads) {
      rig.pc = (rig.pc + 4) & 0xfff;
      const accesses = [[rig.pc, Access.Execute], ...data.map((at) => [at, Access.Read])] as const;
      for (let i = 0, tries = 0; i < accesses.length; i++) {
        const [at, access] = accesses[i] ?? [0, Access.Read];
        const before = rig.resolved;
        expect(rig.access(BigInt(at), access as Access, 'kernel').kind).toBe('done');
        if (rig.resolved === before) continue;
        expect(++tries).toBeLessThan(12);
        i = -1;
      }
    }
  }

  function bounded(capacity: number, open = 1): ShadowRig {
    const rig = new ShadowRig({ variant: 'bounded', capacity, open });
    const tables = rig.tables();
    tables.map({ va: 0, pa: GUEST_RAM, size: 4096, permissions: TEXT });
    tables.map({ va: 4096, pa: GUEST_RAM + 4096, size: 63 * 4096, permissions: KERNEL, maxShift: 12 });
    rig.use(tables);
    return rig;
  }

  /** Pages of data, none twice in a row. */
  function pages(count: number, seed: number): number[] {
    const random = randomFrom(seed);
    const out: number[] = [];
    while (out.length < count) {
      // Some are far more frequent than others.
      const page = 1 + Math.min(random(8), random(8), random(12));
      if (page !== out.at(-1)) out.push(page);
    }
    return out;
  }

  it('takes hidden faults exactly as LRU stack distances say, at every capacity', () => {
    const data = pages(400, 42);
    const references = [...data.flatMap((page) => [CODE, page]), CODE];
    const curve = Array.from({ length: 12 }, (_, i) => lruMisses(references, i + 1));
    const found = curve.map((_, i) => {
      const rig = bounded(i + 1);
      run(
        rig,
        data.map((page) => [page * 4096 + 8 * page]),
      );
      return rig.shadow.counters.hidden;
    });
    expect(found).toEqual(curve);
    // The curve is one, and not a line.
    expect(new Set(curve).size).toBeGreaterThan(6);
  });

  it('does not, where uses of open entries are not seen', () => {
    const data = pages(400, 42);
    const references = [...data.flatMap((page) => [CODE, page]), CODE];
    const rig = bounded(6, 5);
    run(
      rig,
      data.map((page) => [page * 4096]),
    );
    expect(rig.shadow.counters.hidden).not.toBe(lruMisses(references, 6));
    expect(rig.shadow.counters.touches).toBeLessThan(300);
  });

  it('ends an instruction that needs three pages with a capacity of one', () => {
    const rig = bounded(1);
    run(rig, [
      [0x1ffc, 0x2000],
      [0x3ffc, 0x4000],
      [0x2ffc, 0x3000],
    ]);
    expect(rig.shadow.leaves).toBeLessThanOrEqual(3);
  });

  it('never has more entries than its capacity, but for the instruction that runs', () => {
    for (const capacity of [1, 2, 5]) {
      const rig = bounded(capacity);
      for (const page of pages(100, 7)) {
        run(rig, [[page * 4096]]);
        expect(rig.shadow.leaves).toBeLessThanOrEqual(Math.max(capacity, 2));
      }
    }
  });
});

describe('traced', () => {
  it('follows stores to tables above the last', () => {
    const { rig, tables } = kernel({ variant: 'traced' });
    expect(rig.access(0x4000_0000n, Access.Read, 'kernel').value).toBe(GUEST_AT);
    // The descriptor of level 2 goes: as the table below it was at the first free page, its pages are nowhere.
    const word = { lo: 0, hi: 0 };
    let at = 0;
    for (let place = GUEST_RAM + 8 * MIB; place < GUEST_RAM + 9 * MIB && at === 0; place += 8) {
      rig.peek(place, word);
      const table = Math.floor((tables.find(0x4000_0000)?.pa ?? 0) / 4096) * 4096;
      if (word.lo === (table | 3) >>> 0) at = place;
    }
    expect(rig.access(linear(at), Access.Write, 'kernel').kind).toBe('traced');
    rig.shadow.store(rig.linear, at, 8, 0, 0);
    expect(rig.access(0x4000_0000n, Access.Read, 'kernel')).toEqual({ kind: 'fault', value: 0x06 });
  });

  it('lets a page that holds no table any more be written', () => {
    const { rig, tables, pte } = kernel({ variant: 'traced' });
    rig.access(0x4000_0000n, Access.Read, 'kernel');
    const at = linear(pte(0));
    expect(rig.access(at, Access.Write, 'kernel').kind).toBe('traced');
    // A new table for the region, and the old one is free.
    const level2 = Math.floor(pte(0) / 4096) * 4096;
    let place = GUEST_RAM + 8 * MIB;
    const word = { lo: 0, hi: 0 };
    for (; ; place += 8) {
      rig.peek(place, word);
      if (word.lo === (level2 | 3) >>> 0) break;
    }
    rig.shadow.store(rig.linear, place, 8, 0, 0);
    expect(rig.access(at, Access.Write, 'kernel').kind).toBe('done');
    expect(tables.granule).toBe(12);
  });

  it('lets a store-exclusive through once, and sees what it stored at the next maintenance', () => {
    const { rig, pte } = kernel({ variant: 'traced' });
    const read = (): number => rig.access(0x4000_0000n, Access.Read, 'kernel').value;
    expect(read()).toBe(GUEST_AT);
    const at = pte(0);
    expect(rig.access(linear(at), Access.Write, 'kernel').kind).toBe('traced');
    rig.shadow.openForExclusive(rig.linear, at);
    expect(rig.access(linear(at), Access.Write, 'kernel')).toEqual({ kind: 'done', value: host(at) });
    rig.poke(at, (GUEST_RAM + 4 * MIB + 0x703) >>> 0, 0x60_0000);
    rig.tlbi('VAAE1IS', xtOf(0x4000_0000n));
    expect(read()).toBe(host(GUEST_RAM + 4 * MIB));
    expect(rig.access(linear(at), Access.Write, 'kernel').kind).toBe('traced');
  });

  it('does an atomic operation on a table and follows it', () => {
    const { rig, pte } = kernel({ variant: 'traced' });
    const write = (): string => rig.access(0x4000_0000n, Access.Write, 'kernel').kind;
    expect(write()).toBe('done');
    const old = { lo: 0, hi: 0 };
    // Read-only: AP[2].
    rig.shadow.atomic(rig.linear, 'set', pte(0), 8, { lo: 0x80, hi: 0 }, old);
    expect(write()).toBe('fault');
    rig.shadow.compareAndSwap(rig.linear, pte(0), 8, { lo: (old.lo | 0x80) >>> 0, hi: old.hi }, old);
    expect(write()).toBe('done');
  });
});
