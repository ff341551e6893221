// What the guest can never reach, whatever it maps; and that the hypervisor stays reachable for itself, with bounded memory.

import { describe, expect, it } from 'vitest';

import { Access, Permission } from '@worldswitch/mmu';
import type { CpuPort } from '@worldswitch/platform';

import { SHADOW_VARIANTS } from '../../src/shadow/index.ts';
import { RAM } from '../fake-port.ts';
import { GUEST_AT, GUEST_BYTES, GUEST_RAM, PAGE_AT, randomFrom, ShadowRig, xtOf } from './shadow-rig.ts';

const MIB = 2 ** 20;
const P = Permission;
const KERNEL = P.PrivilegedRead | P.PrivilegedWrite;
const USER = KERNEL | P.UnprivilegedRead | P.UnprivilegedWrite;
const HOLE = 0xffff_f000_0000_0000n;
const ACCESSES = [Access.Read, Access.Write, Access.Execute] as const;

describe.each(SHADOW_VARIANTS)('%s', (variant) => {
  const rigOf = (more = {}): ShadowRig => new ShadowRig({ variant, capacity: 8, ...more });

  it('keeps user code out of kernel memory', () => {
    const rig = rigOf();
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: KERNEL });
    tables.map({ va: 0x2000, pa: GUEST_RAM, size: 4096, permissions: USER });
    rig.use(tables);
    for (let i = 0; i < 3; i++) {
      // The kernel has just used it.
      expect(rig.access(0x1000n, Access.Write, 'kernel').kind).toBe('done');
      expect(rig.access(0x1000n, Access.Read, 'user')).toEqual({ kind: 'fault', value: 0x0f });
      expect(rig.access(0x1000n, Access.Write, 'user')).toEqual({ kind: 'fault', value: 0x0f });
      // PAN keeps the kernel out of user memory.
      expect(rig.access(0x2000n, Access.Write, 'user').kind).toBe('done');
      expect(rig.access(0x2000n, Access.Read, 'kernel').kind).toBe('done');
      expect(rig.access(0x2000n, Access.Read, 'kernel-pan')).toEqual({ kind: 'fault', value: 0x0f });
    }
  });

  it('would not, if roots of two levels had one ASID', () => {
    const rig = rigOf();
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: KERNEL });
    rig.use(tables);
    rig.access(0x1000n, Access.Read, 'kernel');
    const kernel = rig.register('TTBR0_EL1') >> 48n;
    rig.shadow.enter(rig.linear, 0, 'user');
    const own = rig.register('TTBR0_EL1');
    expect(own >> 48n).not.toBe(kernel);
    rig.port.put('TTBR0_EL1', (own & 0xffff_ffff_ffffn) | (kernel << 48n));
    expect(rig.port.lookUp(0x1000n, Access.Read, true)).toBeGreaterThan(0);
  });

  it('maps nothing that is not the guest’s', () => {
    const random = randomFrom(99);
    const rig = rigOf();
    const tables = rig.tables();
    const places: number[] = [];
    for (let i = 0; i < 60; i++) {
      const shift = [12, 12, 21, 30][random(4)] ?? 12;
      const va = random(64) * 2 ** shift + (shift === 12 ? 0 : 2 ** 36);
      // All around the hypervisor's memory, and the guest's.
      const pa = Math.floor((RAM + random(2 ** 21) * 1024) / 2 ** shift) * 2 ** shift;
      tables.map({ va, pa, size: 2 ** shift, permissions: USER });
      places.push(va, va + 2 ** shift - 4096);
    }
    rig.use(tables);
    for (let i = 0; i < 400; i++) {
      rig.pc += 4;
      const va = BigInt(places[random(places.length)] ?? 0);
      const { kind, value } = rig.access(va, ACCESSES[random(3)] ?? 0, random(2) === 0 ? 'user' : 'kernel');
      if (kind === 'done') expect(value >= GUEST_AT && value < GUEST_AT + GUEST_BYTES).toBe(true);
    }
  });

  it('hides the hypervisor’s hole, and moves it where the guest wants its addresses', () => {
    const rig = rigOf();
    const tables = rig.tables();
    const at = HOLE + BigInt(PAGE_AT);
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: USER });
    rig.use(tables);
    expect(rig.access(0x1000n, Access.Read, 'kernel').kind).toBe('done');
    expect(rig.register('VBAR_EL1')).toBe(at);
    expect(rig.port.lookUp(at, Access.Execute, false)).toBe(PAGE_AT);
    for (const access of ACCESSES) {
      // Nothing is there, as the guest sees it.
      expect(rig.access(at, access, 'kernel')).toEqual({ kind: 'fault', value: 0x04 });
      expect(rig.access(at, access, 'user')).toEqual({ kind: 'fault', value: 0x04 });
    }
    tables.map({ va: BigInt.asIntN(64, at), pa: GUEST_RAM + MIB, size: 4096, permissions: USER });
    rig.tlbi('VAAE1IS', xtOf(at));
    expect(rig.access(at, Access.Write, 'kernel')).toEqual({ kind: 'done', value: GUEST_AT + MIB });
    expect(rig.shadow.counters.holes).toBe(1);
    const vectors = rig.register('VBAR_EL1');
    expect(vectors).not.toBe(at);
    expect(rig.port.lookUp(vectors, Access.Execute, false)).toBe(PAGE_AT);
    // And the port's memory with it.
    expect(rig.linear.load({ lo: PAGE_AT, hi: 0 }, 8, { lo: 0, hi: 0 })).toBe(0);
    expect(rig.access(0x1000n, Access.Read, 'kernel').kind).toBe('done');
    expect(rig.access(at, Access.Read, 'user').kind).toBe('done');
  });

  it('is bounded in memory, whatever tables the guest makes', () => {
    const rig = rigOf({ quota: 40 });
    const tables = rig.tables();
    // Four tables for each page.
    const places = Array.from({ length: 60 }, (_, i) => i * 2 ** 39 + i * 2 ** 30 + i * 2 ** 21);
    for (const va of places) tables.map({ va, pa: GUEST_RAM + 4096, size: 4096, permissions: USER });
    rig.use(tables);
    for (let i = 0; i < 3; i++) {
      for (const va of places) {
        rig.pc += 4;
        expect(rig.access(BigInt(va), Access.Read, 'kernel').kind).toBe('done');
        expect(rig.shadow.tablePages).toBeLessThanOrEqual(40);
      }
    }
    expect(rig.shadow.counters.flushes).toBeGreaterThan(1);
    rig.shadow.destroy(rig.linear);
    expect(rig.shadow.tablePages).toBe(0);
  });

  it('goes round in ASIDs', () => {
    const rig = new ShadowRig({ variant, capacity: 8 }, { host: { asidBits: 3 } });
    const all = Array.from({ length: 6 }, (_, i) => {
      const tables = rig.tables();
      tables.map({ va: 0x1000, pa: GUEST_RAM + i * 4096, size: 4096, permissions: USER });
      return tables;
    });
    for (let i = 0; i < 200; i++) {
      const which = (i * 5 + Math.floor(i / 7)) % 6;
      const tables = all[which];
      if (tables === undefined) throw new Error('no tables');
      rig.pc += 4;
      rig.use(tables, tables, { asid: which });
      const view = Math.floor(i / 6) % 2 === 0 ? 'user' : 'kernel';
      expect(rig.access(0x1000n, Access.Read, view)).toEqual({
        kind: 'done',
        value: GUEST_AT + which * 4096,
      });
    }
    expect(rig.host.asids.rollovers).toBeGreaterThan(2);
  });

  it('maps memory as Device while the guest’s translation is off', () => {
    const rig = rigOf();
    Object.assign(rig.shadow.registers(0), { sctlr: 0x30d0_0800 });
    rig.shadow.changed(0);
    for (const view of ['user', 'kernel', 'kernel-pan'] as const) {
      const at = BigInt(GUEST_RAM + 0x1234);
      for (const access of ACCESSES) {
        expect(rig.access(at, access, view)).toEqual({ kind: 'done', value: GUEST_AT + 0x1234 });
      }
      expect(rig.access(0x900_0000n, Access.Read, view)).toEqual({ kind: 'mmio', value: 0x900_0000 });
      expect(rig.access(1n << 41n, Access.Read, view)).toEqual({ kind: 'fault', value: 0 });
      expect(rig.access(0xffff_8000_0000_0000n, Access.Read, view)).toEqual({ kind: 'fault', value: 0 });
    }
    // The index of Device-nGnRnE.
    expect(rig.port.tlb.attributes.includes(0)).toBe(true);
  });

  it('takes the top byte for nothing where the guest says so', () => {
    const rig = rigOf();
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: USER });
    rig.use(tables, tables, { tcrHi: 0x12 });
    expect(rig.access(0x5a00_0000_0000_1000n, Access.Read, 'user')).toEqual({ kind: 'fault', value: 4 });
    rig.use(tables, tables, { tcrHi: 0x32 });
    expect(rig.access(0x5a00_0000_0000_1000n, Access.Read, 'user').kind).toBe('done');
  });
});

describe('translated code', () => {
  const cache = { pa: RAM + 12 * MIB, size: 2 * MIB };
  const state = { pa: RAM + 14 * MIB, size: 3 * 4096 };
  const at = ({ lo, hi }: { lo: number; hi: number }): bigint => (BigInt(hi) << 32n) | BigInt(lo);

  it('is there for the guest’s kernel and not for its user code, and moves with the hole', () => {
    const rig = new ShadowRig({}, { host: { translated: [[{ cache, state }]] } });
    const tables = rig.tables();
    tables.map({ va: BigInt.asIntN(64, HOLE), pa: GUEST_RAM, size: 4096, permissions: USER });
    const ask = (view: 'user' | 'kernel' | 'kernel-pan', sctlr: number): boolean[] => {
      rig.use(tables, tables, { sctlr });
      rig.shadow.enter(rig.linear, 0, view);
      const [code, data] = [at(rig.host.cacheAddress(0)) + 0x1000n, at(rig.host.stateAddress(0))];
      return [code, data].flatMap((va) => ACCESSES.map((access) => rig.port.lookUp(va, access, true) >= 0));
    };
    for (const sctlr of [0x30d0_0805, 0x30d0_0800]) {
      for (let i = 0; i < 2; i++) {
        expect(ask('kernel', sctlr)).toEqual([true, false, true, true, true, false]);
        expect(ask('kernel-pan', sctlr)).toEqual([true, false, true, true, true, false]);
        expect(ask('user', sctlr)).toEqual([false, false, false, false, false, false]);
      }
    }
    rig.use(tables);
    rig.shadow.enter(rig.linear, 0, 'kernel');
    const before = at(rig.host.cacheAddress(0));
    expect(rig.port.lookUp(before, Access.Execute, true)).toBe(cache.pa);
    expect(rig.access(HOLE, Access.Read, 'kernel').kind).toBe('done');
    const after = at(rig.host.cacheAddress(0));
    expect(after).not.toBe(before);
    expect(rig.port.lookUp(after, Access.Execute, true)).toBe(cache.pa);
    expect(rig.port.lookUp(at(rig.host.stateAddress(0)) + 0x2000n, Access.Write, true)).toBe(
      state.pa + 0x2000,
    );
    // As the guest sees it nothing is there, though EL0 could: the hypervisor does not let addresses of its own be guest code.
    expect(rig.expected(before, Access.Read, 'user').kind).toBe('fault');
  });
});

describe('access flags and dirty state', () => {
  it('are the guest’s business on a CPU that does not keep them, and kept where it does', () => {
    for (const hafdbs of [0, 2] as const) {
      const rig = new ShadowRig({}, { features: { hafdbs } });
      const tables = rig.tables();
      const attributes = { accessed: false, extraHi: 1 << 19 };
      tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: P.PrivilegedRead, attributes });
      rig.use(tables, tables, { tcrHi: 0x192 });
      const read = (): string => rig.access(0x1000n, Access.Read, 'kernel').kind;
      const write = (): unknown => rig.access(0x1000n, Access.Write, 'kernel');
      const flags = (): number => (tables.find(0x1000)?.descriptor.lo ?? 0) & 0x480;
      if (hafdbs === 0) {
        expect(rig.access(0x1000n, Access.Read, 'kernel')).toEqual({ kind: 'fault', value: 0x0b });
        continue;
      }
      expect([flags(), read(), flags()]).toEqual([0x80, 'done', 0x480]);
      // Clean: the write is seen, and makes it dirty.
      expect(write()).toEqual({ kind: 'done', value: GUEST_AT });
      expect(flags()).toBe(0x400);
    }
  });
});

describe('a mistake that the tests would see', () => {
  it('maintenance that is not done leaves user code what it had', () => {
    const rig = new ShadowRig();
    const tables = rig.tables();
    tables.map({ va: 0x1000, pa: GUEST_RAM, size: 4096, permissions: USER });
    rig.use(tables);
    rig.access(0x1000n, Access.Read, 'user');
    tables.unmap(0x1000, 4096);
    rig.port.forgetful = true;
    rig.tlbi('VMALLE1IS');
    expect(rig.access(0x1000n, Access.Read, 'user').kind).toBe('done');
    rig.port.forgetful = false;
    const port: CpuPort = rig.linear;
    rig.shadow.destroy(port);
  });
});
