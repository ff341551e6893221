// The guest's own tables, maintained by the hypervisor: what hardware walks, what the guest reads, and when a table is none any more.

import { describe, expect, it } from 'vitest';

import { Access } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';

import { GUEST_AT, GUEST_RAM, ShadowRig } from './shadow-rig.ts';
import { KERNEL, MIB, P, REMAPPED, TEXT, host, kernel, linear, setPte } from './variants-rig.ts';

describe('real', () => {
  const word = { lo: 0, hi: 0 };
  /** What a page of the guest holds, as hardware walks it. */
  const walked = (rig: ShadowRig, at: number): bigint => rig.port.peek64(host(at));

  it('has hardware walk the guest’s own tables, which hold the host’s addresses where the guest reads its own', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    expect(rig.access(0x4000_5000n, Access.Read, 'kernel')).toEqual({
      kind: 'done',
      value: GUEST_AT + 0x5000,
    });
    const at = pte(5);
    // AP, AF, nG and attributes are the host's business; the address is the host's.
    const pa = BigInt(GUEST_AT + 0x5000);
    expect(walked(rig, at) & 0xffff_ffff_f001n).toBe(pa | 1n);
    expect(rig.access(linear(at), Access.Read, 'kernel')).toEqual({ kind: 'traced', value: at });
    rig.shadow.load(rig.linear, at, 8, word);
    expect(((word.hi & 0xffff) * 2 ** 32 + word.lo) & ~0xfff).toBe((GUEST_RAM + 0x5000) | 0);
    expect(rig.shadow.realTables).toBeGreaterThan(2);
  });

  it('traps for reads as for writes, each once', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    rig.access(0x4000_0000n, Access.Read, 'kernel');
    const { counters } = rig.shadow;
    for (let i = 0; i < 100; i++) {
      const write = i % 3 === 0;
      rig.access(linear(pte(i)), write ? Access.Write : Access.Read, 'kernel');
      if (write) rig.shadow.store(rig.linear, pte(i), 8, (GUEST_RAM + MIB + 0x703) >>> 0, 0x60_0000);
    }
    expect([counters.tracedReads, counters.tracedWrites]).toEqual([66, 34]);
    // The falsifier: traced, reads of tables are not seen.
    const traced = kernel({ variant: 'traced' });
    traced.rig.access(0x4000_0000n, Access.Read, 'kernel');
    for (let i = 0; i < 9; i++) traced.rig.access(linear(traced.pte(i)), Access.Read, 'kernel');
    expect(traced.rig.shadow.counters.tracedReads).toBe(0);
  });

  it('follows stores at once, to any level', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    const read = (i: number): unknown => rig.access(0x4000_0000n + BigInt(i * 4096), Access.Read, 'kernel');
    for (let i = 0; i < 512; i++) read(i);
    for (let i = 0; i < 512; i++) setPte(rig, pte(i), GUEST_RAM + 4 * MIB + i * 4096);
    const before = rig.resolved;
    for (let i = 0; i < 512; i++) expect(read(i)).toEqual({ kind: 'done', value: REMAPPED[i] });
    expect(rig.resolved).toBe(before);
  });

  it('gives a table that is none any more back as the guest wrote it', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    rig.access(0x4000_0000n, Access.Read, 'kernel');
    const level3 = Math.floor(pte(0) / 4096) * 4096;
    rig.shadow.load(rig.linear, level3, 8, word);
    const wrote = { ...word };
    let place = GUEST_RAM + 8 * MIB;
    for (; ; place += 8) {
      rig.peek(place, word);
      if (word.lo === (level3 | 3) >>> 0) break;
    }
    rig.shadow.store(rig.linear, place, 8, 0, 0);
    expect(rig.access(0x4000_0000n, Access.Read, 'kernel')).toEqual({ kind: 'fault', value: 0x06 });
    expect(rig.access(linear(level3), Access.Read, 'kernel')).toEqual({ kind: 'done', value: host(level3) });
    expect(walked(rig, level3)).toBe((BigInt(wrote.hi) << 32n) | BigInt(wrote.lo));
  });

  it('has a table of the hypervisor’s alone in the upper range while user code runs, and a root of its own in the lower', () => {
    const { rig } = kernel({ variant: 'real' });
    rig.access(linear(GUEST_RAM), Access.Read, 'kernel');
    rig.access(0x4000_0000n, Access.Read, 'kernel');
    const roots = (): bigint[] =>
      ['TTBR0_EL1', 'TTBR1_EL1'].map((name) => rig.register(name) & 0xffff_ffff_f000n);
    const ofKernel = roots();
    rig.shadow.enter(rig.linear, 0, 'user');
    const [lower = 0n, upper = 0n] = roots();
    expect(ofKernel).not.toContain(lower);
    expect(ofKernel).not.toContain(upper);
    const entries = Array.from({ length: 512 }, (_, i) => rig.port.peek64(Number(upper) + 8 * i));
    expect(entries.filter((entry) => entry !== 0n)).toHaveLength(1);
    // Kernel-only entries of TTBR0 are nothing to it.
    expect(rig.access(0x4000_0000n, Access.Read, 'user')).toEqual({ kind: 'fault', value: 0x0f });
  });

  /** The page of the table of level 3 that has an address, and the place of the descriptor that leads there. */
  function leading(rig: ShadowRig, tables: Tables, va: number): { page: number; place: number } {
    const page = Math.floor((tables.find(va)?.pa ?? 0) / 4096) * 4096;
    for (let place = GUEST_RAM + 8 * MIB; place < GUEST_RAM + 16 * MIB; place += 8) {
      rig.peek(place, word);
      if (word.lo === (page | 3) >>> 0 && word.hi === 0) return { page, place };
    }
    throw new Error('nothing leads there');
  }

  it.each([
    [16, 42],
    [12, 40],
  ] as const)('has tables of the hypervisor’s alone for pages of 2^%i bytes and %i bits', (granule, bits) => {
    const rig = new ShadowRig({ variant: 'real' });
    const tables = rig.tables(granule, bits);
    tables.map({ va: 0x1_0000, pa: GUEST_RAM, size: 0x1_0000, permissions: KERNEL });
    rig.use(tables);
    const read = (): unknown => rig.access(0x1_0000n, Access.Read, 'kernel');
    expect(read()).toEqual({ kind: 'done', value: GUEST_AT });
    expect(rig.shadow.realTables).toBe(0);
    // They follow stores at once all the same.
    rig.shadow.store(rig.linear, tables.find(0x1_0000)?.pa ?? 0, 8, 0, 0);
    expect(read()).toMatchObject({ kind: 'fault' });
  });

  it('has a table of its own where one of the guest’s leads to itself, or is led to twice', () => {
    const rig = new ShadowRig({ variant: 'real' });
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: KERNEL });
    const { page, place } = leading(rig, tables, 0x1000);
    const level2 = Math.floor(place / 4096) * 4096;
    rig.poke(level2 + 8 * 7, level2 | 3, 0);
    rig.poke(level2 + 8 * 5, page | 3, 0);
    rig.poke(level2 + 8 * 9, (GUEST_RAM | 0x703) >>> 0, 0);
    rig.use(tables);
    const read = (va: number): unknown => rig.access(BigInt(va), Access.Read, 'kernel');
    const done = { kind: 'done', value: GUEST_AT };
    expect(read(7 * 2 ** 21 + 9 * 4096)).toEqual(done);
    expect(read(0x1000)).toEqual(done);
    expect(read(5 * 2 ** 21 + 0x1000)).toEqual(done);
    expect(rig.shadow.realTables).toBe(3);
    // Through either place it is the same table.
    rig.shadow.store(rig.linear, page + 8, 8, 0, 0);
    for (const va of [0x1000, 5 * 2 ** 21 + 0x1000]) expect(read(va)).toEqual({ kind: 'fault', value: 7 });
  });

  it('lets the guest execute a page that is a table, which hardware walks no more', () => {
    const rig = new ShadowRig({ variant: 'real' });
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: KERNEL });
    tables.map({
      va: 0x40_0000,
      pa: GUEST_RAM + 8 * MIB,
      size: MIB,
      permissions: TEXT | P.PrivilegedWrite,
      maxShift: 12,
    });
    rig.use(tables);
    const { page } = leading(rig, tables, 0x1000);
    const at = BigInt(0x40_0000 + page - GUEST_RAM - 8 * MIB);
    const access = (va: bigint, how: Access): string => rig.access(va, how, 'kernel').kind;
    expect(access(0x1000n, Access.Read)).toBe('done');
    expect(access(0x4f_f000n, Access.Read)).toBe('done');
    expect(access(at, Access.Read)).toBe('traced');
    const before = rig.shadow.realTables;
    rig.peek(page + 8, word);
    const wrote = { ...word };
    expect(access(at, Access.Execute)).toBe('done');
    expect(rig.shadow.realTables).toBe(before - 1);
    expect(walked(rig, page + 8)).toBe((BigInt(wrote.hi) << 32n) | BigInt(wrote.lo));
    // It is read and executed as any page is, and its stores are seen.
    expect([access(at, Access.Read), access(0x1000n, Access.Read)]).toEqual(['done', 'done']);
    expect(access(at, Access.Write)).toBe('traced');
    rig.shadow.store(rig.linear, page + 8, 8, 0, 0);
    expect(access(0x1000n, Access.Read)).toBe('fault');
    expect(rig.shadow.realTables).toBe(before - 1);
  });

  it('has user code walk the guest’s own tables, and its kernel’s lower half a root beside', () => {
    const rig = new ShadowRig({ variant: 'real' });
    const tables = rig.tables();
    const permissions = KERNEL | P.UnprivilegedRead | P.UnprivilegedWrite | P.UnprivilegedExecute;
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions });
    rig.use(tables);
    const at = tables.find(0x1000)?.pa ?? 0;
    // What hardware's own descriptor says: EL0 executes it as user code, but not as the kernel.
    const executes = (): boolean => ((walked(rig, at) >> 54n) & 1n) === 0n;
    expect(rig.access(0x1000n, Access.Write, 'kernel').kind).toBe('done');
    expect(executes()).toBe(false);
    expect(rig.access(0x1000n, Access.Execute, 'user').kind).toBe('done');
    expect(executes()).toBe(true);
    const { realTables } = rig.shadow;
    expect(rig.access(0x1000n, Access.Execute, 'kernel').kind).toBe('fault');
    expect(rig.access(0x1000n, Access.Write, 'kernel').kind).toBe('done');
    expect([executes(), rig.shadow.realTables]).toEqual([true, realTables]);
  });

  it('has a device write what the guest wrote, and never what hardware walks', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    const read = (): unknown => rig.access(0x4000_0000n, Access.Read, 'kernel');
    expect(read()).toEqual({ kind: 'done', value: GUEST_AT });
    const at = pte(0);
    rig.shadow.written(rig.linear, at);
    // A page that is none of the guest's, as a device of its would write it.
    rig.poke(at, 0x703, 0);
    expect(read()).toEqual({ kind: 'mmio', value: 0 });
    expect(walked(rig, at)).toBe(0n);
  });

  it('does a load-exclusive and a store-exclusive to a table as a pair', () => {
    const { rig, pte } = kernel({ variant: 'real' });
    rig.access(0x4000_0000n, Access.Read, 'kernel');
    const { memory } = rig.shadow;
    const at = pte(0);
    const [first, second] = [word, { lo: 0, hi: 0 }];
    const load = (bytes: number): number => memory.loadExclusive(rig.linear, 0, at, bytes, first, second);
    const store = (bytes: number): number => memory.storeExclusive(rig.linear, 0, at, bytes, first, second);
    load(8);
    first.lo = (first.lo | 0x80) >>> 0;
    expect(store(8)).toBe(0);
    expect(rig.access(0x4000_0000n, Access.Write, 'kernel').kind).toBe('fault');
    // Another store between them, and it fails.
    load(8);
    memory.store(rig.linear, at, 8, 0, 0);
    expect([store(8), store(8)]).toEqual([1, -1]);
    // Two registers, of which another store changes the second.
    load(16);
    second.hi = 5;
    expect(store(16)).toBe(0);
    load(16);
    expect(second.hi).toBe(5);
    memory.store(rig.linear, at + 8, 8, 0, 0);
    expect(store(16)).toBe(1);
    load(16);
    memory.clearExclusive(0);
    expect(store(16)).toBe(-1);
    // The CPU's own pair would never succeed, as the load is seen, too: nothing is opened for it.
    expect(rig.shadow.openForExclusive(rig.linear, at)).toBe(false);
  });
});

describe.each(['traced', 'real'] as const)('%s', (variant) => {
  /** A kernel, and tables of a process that has run; the kernel's view of its table of level 3. */
  function process(): { rig: ShadowRig; at: number; leave: () => void } {
    const { rig, tables } = kernel({ variant });
    const own = rig.tables();
    own.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: P.PrivilegedRead | P.UnprivilegedRead });
    rig.use(own, tables);
    expect(rig.access(0x1000n, Access.Read, 'user').kind).toBe('done');
    const leave = (): void => {
      rig.use(tables, tables);
    };
    return { rig, at: Math.floor((own.find(0x1000)?.pa ?? 0) / 4096) * 4096, leave };
  }
  const store = (rig: ShadowRig, at: number): string => {
    const { kind } = rig.access(linear(at), Access.Write, 'kernel');
    if (kind === 'traced') rig.shadow.store(rig.linear, at, 8, 0, 0);
    return kind;
  };

  it('takes tables for none any more that nobody runs with and that are written again and again', () => {
    const { rig, at, leave } = process();
    leave();
    const kinds = Array.from({ length: 40 }, (_, i) => store(rig, at + 8 * i));
    expect(kinds.lastIndexOf('traced')).toBe(16);
    expect(rig.shadow.counters.tracedWrites).toBe(17);
  });

  it('but not those of a virtual CPU', () => {
    const { rig, at } = process();
    for (let i = 0; i < 40; i++) expect(store(rig, at + 8 * i)).toBe('traced');
  });

  it('sees what a device writes to a table', () => {
    for (const told of [true, false]) {
      const { rig, pte } = kernel({ variant });
      rig.access(0x4000_0000n, Access.Read, 'kernel');
      if (told) rig.shadow.written(rig.linear, pte(0));
      rig.poke(pte(0), 0, 0);
      expect(rig.access(0x4000_0000n, Access.Read, 'kernel').kind).toBe(told ? 'fault' : 'done');
    }
  });
});
