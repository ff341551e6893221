// What the builder maps is what the walker finds, for both stages and all granules.

import { describe, expect, test } from 'vitest';

import {
  Access,
  createAllocator,
  createTables,
  describeAttributes,
  describeDescriptor,
  describeWalk,
  installStage1,
  MmuFault,
  Regime,
  vtcrFor,
} from '../src/index.ts';
import type { GranuleShift } from '../src/index.ts';
import { at, createRig, EVERYTHING, go, KERNEL_DATA, P, random, stage1, stage2 } from './rig.ts';

const USER_CODE = P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute;

/** What each page of a small address space should give: a physical page, or nothing. */
class Model {
  readonly pages = new Map<number, number>();
  private readonly page: number;
  constructor(page: number) {
    this.page = page;
  }
  map(va: number, pa: number, size: number): void {
    for (let i = 0; i < size; i += this.page) this.pages.set((va + i) / this.page, pa + i);
  }
  unmap(va: number, size: number): void {
    for (let i = 0; i < size; i += this.page) this.pages.delete((va + i) / this.page);
  }
  find(va: number): number | undefined {
    const base = this.pages.get(Math.floor(va / this.page));
    return base === undefined ? undefined : base + (va % this.page);
  }
}

describe('random maps and unmaps equal a plain list of pages', () => {
  for (const granule of [12, 14, 16] as const) {
    test.each(['stage 1, lower', 'stage 1, upper', 'stage 1, EL2', 'stage 2'])(
      `granule 2^${granule}, %s`,
      (where) => {
        const next = random(granule);
        const rig = createRig();
        const inputBits = 36;
        const upper = where === 'stage 1, upper';
        const regime = where === 'stage 1, EL2' ? Regime.EL2 : Regime.EL10;
        const tables =
          where === 'stage 2'
            ? stage2(rig, { granule, inputBits })
            : stage1(rig, { granule, inputBits, upper, regime });
        const page = 2 ** granule;
        const block = 2 ** (granule + granule - 3);
        const window = 2 ** inputBits - 3 * block;
        const base = upper ? window - 2 ** inputBits : window;
        const model = new Model(page);
        const within = (n: number): number => Math.floor(next() * n);
        const offset = (): number => (next() < 0.4 ? within(3) * block : within((3 * block) / page) * page);
        const permissions = where === 'stage 2' ? EVERYTHING : KERNEL_DATA;
        for (let step = 0; step < 40; step++) {
          const from = offset();
          const most = 3 * block - from;
          const size = Math.min(next() < 0.4 ? block * (1 + within(2)) : page * (1 + within(40)), most);
          if (next() < 0.65) {
            const pa = next() < 0.5 ? within(50) * block : within(2 ** 18) * page;
            const maxShift = next() < 0.2 ? granule : 52;
            tables.map({ va: base + from, pa, size, permissions, maxShift });
            model.map(from, pa, size);
          } else {
            tables.unmap(base + from, size);
            model.unmap(from, size);
          }
          for (let probe = 0; probe < 60; probe++) {
            const va = probe < 4 ? from + ([0, size - 1, size, -1][probe] ?? 0) : within(3 * block);
            if (va < 0 || va >= 3 * block) continue;
            const expected = model.find(va);
            expect(go(rig, base + va)).toBe(expected !== undefined);
            if (expected === undefined) expect(rig.out.fault).toBe(MmuFault.Translation);
            else expect(rig.out.pa).toBe(expected);
          }
        }
        let mapped = 0;
        tables.each((input, level, d) => {
          expect(d.lo & 1).toBe(1);
          expect(input).toBeGreaterThanOrEqual(window);
          mapped += 2 ** (granule + (granule - 3) * (3 - level));
        });
        expect(mapped).toBe(model.pages.size * page);
        // Nothing mapped: nothing held but the first table.
        tables.unmap(base, 3 * block);
        const root = Math.max(8 * 2 ** (inputBits - (granule + (granule - 3) * (3 - tables.start))), 64);
        expect(rig.allocator.used).toBe(root);
      },
    );
  }
});

describe('sizes', () => {
  test.each([
    [12, 30, 2 ** 30],
    [12, 21, 2 ** 21],
    [12, 12, 4096],
    [14, 25, 2 ** 25],
    [16, 29, 2 ** 29],
  ] as const)('granule 2^%i: the largest block that fits is 2^%i', (granule, shift, size) => {
    const rig = createRig();
    const tables = stage1(rig, { granule });
    tables.map({ va: 2 ** 40, pa: 2 ** 36, size, permissions: KERNEL_DATA });
    expect(go(rig, 2 ** 40 + size - 1)).toBe(true);
    expect(rig.out).toMatchObject({ stage1Shift: shift, pa: 2 ** 36 + size - 1 });
  });

  test('4 TiB blocks need FEAT_LPA', () => {
    for (const paBits of [48, 52]) {
      const rig = createRig({ paBits });
      const tables = stage1(rig, { granule: 16, largePhysical: true });
      tables.map({ va: 2 ** 42, pa: 2 ** 42, size: 2 ** 42, permissions: KERNEL_DATA });
      expect(go(rig, 2 ** 42 + 12345)).toBe(paBits === 52);
      if (paBits === 52) expect(rig.out).toMatchObject({ stage1Shift: 42, level: 1, pa: 2 ** 42 + 12345 });
      else expect(rig.out).toMatchObject({ fault: MmuFault.Translation, level: 1 });
    }
  });

  test('a block that is cut keeps permissions and attributes in its parts', () => {
    const rig = createRig();
    const tables = stage1(rig);
    const attributes = { index: 2, shareability: 2, global: false };
    tables.map({ va: 2 ** 30, pa: 0xc000_0000, size: 2 ** 30, permissions: USER_CODE, attributes });
    tables.unmap(2 ** 30 + 0x20_3000, 4096);
    expect(go(rig, 2 ** 30 + 0x20_3000)).toBe(false);
    rig.request.unprivileged = true;
    for (const [offset, level] of [
      [0x20_2fff, 3],
      [0x20_4000, 3],
      [0x1f_ffff, 2],
      [0x3fff_ffff, 2],
    ] as const) {
      expect(go(rig, 2 ** 30 + offset, Access.Execute)).toBe(true);
      expect(rig.out).toMatchObject({ pa: 0xc000_0000 + offset, level, global: false, attributes: 0x44 });
    }
  });
});

describe('what cannot be is refused', () => {
  const rig = createRig();
  const tables = stage1(rig, { inputBits: 39 });
  const good = { va: 0, pa: 0, size: 4096, permissions: KERNEL_DATA };
  test.each([
    [{ va: 1 }, /whole pages/u],
    [{ size: 0 }, /whole pages/u],
    [{ size: 4095 }, /whole pages/u],
    [{ pa: 12 }, /pa must be a multiple of 4096/u],
    [{ pa: -4096 }, /pa must be/u],
    [{ va: 2 ** 39 }, /more than 39 bits/u],
    [{ va: -(2 ** 39) - 4096 }, /more than 39 bits/u],
    [{ va: 2 ** 39 - 4096, size: 8192 }, /ends beyond/u],
    [{ permissions: 0 }, /privileged reads/u],
    [{ permissions: P.PrivilegedRead | P.UnprivilegedWrite }, /EL0 may write/u],
    [{ permissions: KERNEL_DATA | P.UnprivilegedRead }, /EL0 may write/u],
    [{ permissions: 63 }, /EL1 cannot execute/u],
  ])('%o', (change, message) => {
    expect(() => {
      tables.map({ ...good, ...change });
    }).toThrow(message);
  });

  test('EL2 has no permissions of EL0, stage 2 no different ones', () => {
    const el2 = stage1(createRig(), { regime: Regime.EL2 });
    expect(() => {
      el2.map({ ...good, permissions: USER_CODE });
    }).toThrow(/without EL0/u);
    const two = stage2(createRig());
    expect(() => {
      two.map({ ...good, permissions: P.PrivilegedRead });
    }).toThrow(/same data permissions/u);
    const execute = P.PrivilegedRead | P.UnprivilegedRead | P.PrivilegedExecute;
    expect(() => {
      two.map({ ...good, permissions: execute });
    }).toThrow(/FEAT_XNX/u);
    const xnx = createRig({ xnx: true });
    const three = stage2(xnx, { format: 'stage-2-xnx' });
    three.map({ ...good, permissions: execute });
    expect([go(xnx, 0, Access.Execute), go(xnx, 0, Access.Write)]).toEqual([true, false]);
  });

  test('geometry', () => {
    const options = { store: rig.memory, allocator: rig.allocator, format: 'two-ranges' } as const;
    expect(() => createTables({ ...options, inputBits: 12 })).toThrow(/cannot be looked up/u);
    expect(() => createTables({ ...options, inputBits: 57 })).toThrow(/cannot be looked up/u);
    expect(() => createTables({ ...options, inputBits: 48, startLevel: 1 })).toThrow(/cannot be looked up/u);
  });

  test('memory for tables that runs out', () => {
    const allocator = createAllocator(0x1000, 0x3000);
    const few = createTables({ store: rig.memory, allocator, format: 'one-range', inputBits: 39 });
    expect(() => {
      few.map(good);
    }).toThrow(/no 4096 bytes for a translation table are left below 0x3000/u);
  });
});

test('find and edit', () => {
  const rig = createRig();
  const tables = stage1(rig);
  tables.map({ va: 0x20_0000, pa: 0x40_0000, size: 0x20_0000, permissions: KERNEL_DATA });
  expect(tables.find(0x20_1234)).toMatchObject({ level: 2 });
  expect(tables.find(0)).toBeUndefined();
  expect(tables.edit(0, { lo: 1, hi: 0 }, { lo: 0, hi: 0 })).toBe(false);
  expect(tables.edit(0x20_0000, { lo: 0, hi: 0 }, { lo: 1 << 10, hi: 0 })).toBe(true);
  expect(go(rig, 0x20_0000)).toBe(false);
  expect(rig.out.fault).toBe(MmuFault.AccessFlag);
});

test('a guest may keep its address as a bigint', () => {
  const rig = createRig();
  const tables = stage1(rig, { upper: true });
  tables.map({
    va: 0xffff_8000_1234_5000n,
    pa: 0x5000,
    size: 4096,
    permissions: KERNEL_DATA,
    attributes: { contiguous: true },
  });
  expect(go(rig, 0xffff_8000_1234_5678n)).toBe(true);
  expect(rig.out).toMatchObject({ pa: 0x5678, contiguous: true });
});

test('vtcrFor: sizes, start levels and granules', () => {
  const rig = createRig();
  const fields = (granule: GranuleShift, inputBits: number, startLevel: number): number => {
    const options = { store: rig.memory, allocator: rig.allocator, format: 'stage-2' } as const;
    return vtcrFor(createTables({ ...options, granule, inputBits, startLevel }), 44) & 0x7c0ff;
  };
  expect(fields(12, 40, 1)).toBe(24 | (1 << 6) | (4 << 16));
  expect(fields(12, 44, 0)).toBe(20 | (2 << 6) | (4 << 16));
  expect(fields(12, 32, 2)).toBe(32 | (4 << 16));
  expect(fields(14, 40, 2)).toBe(24 | (1 << 6) | (2 << 14) | (4 << 16));
  expect(fields(16, 40, 2)).toBe(24 | (1 << 6) | (1 << 14) | (4 << 16));
});

describe('in words', () => {
  test('a walk', () => {
    const rig = createRig();
    const tables = stage1(rig);
    tables.map({ va: 0x40_0000, pa: 0x8000, size: 4096, permissions: USER_CODE });
    installStage1(rig.controls, Regime.EL10, tables, false, 3);
    at(rig, 0x40_0010);
    expect(describeWalk(rig.controls, rig.memory, rig.request)).toEqual([
      'stage 1 level 0: [0x100000] = 00000000_00101003 table at 0x101000',
      'stage 1 level 1: [0x101000] = 00000000_00102003 table at 0x102000',
      'stage 1 level 2: [0x102010] = 00000000_00103003 table at 0x103000',
      'stage 1 level 3: [0x103000] = 00200000_000087c3 page at 0x8000',
      'PA 0x8010 r-- r-x Normal WB',
    ]);
    stage2(rig).map({ va: 0x10_0000, pa: 0x10_0000, size: 0x2000, permissions: EVERYTHING });
    expect(describeWalk(rig.controls, rig.memory, rig.request).at(-1)).toBe(
      'Translation fault, level 3, stage 2 at IPA 0x102010, on a stage 1 table walk',
    );
  });

  test('faults, descriptors and attributes', () => {
    const rig = createRig();
    stage1(rig);
    at(rig, 0);
    expect(describeWalk(rig.controls, rig.memory, rig.request).at(-1)).toBe(
      'Translation fault, level 0, stage 1',
    );
    rig.request.unaligned = true;
    rig.controls.el1.sctlr = 0;
    expect(describeWalk(rig.controls, rig.memory, rig.request)).toEqual(['Alignment fault, stage 1']);
    expect(describeDescriptor(3, 0x1001, 0)).toBe('reserved');
    expect(describeDescriptor(2, 0x8000_0001, 1)).toBe('block at 0x180000000, access flag clear');
    expect(describeDescriptor(2, 0, 0)).toBe('invalid');
    expect([0x04, 0x0c, 0xaa, 0x44, 0xf4].map(describeAttributes)).toEqual([
      'Device-nGnRE',
      'Device-GRE',
      'Normal WT',
      'Normal NC',
      'Normal outer WB, inner NC',
    ]);
  });
});
