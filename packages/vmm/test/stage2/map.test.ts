// Stage 2 maps, as the walker of the MMU sees them in the fake's memory.

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { createControls, createWalker, Permission, createTranslation, createRequest } from '@worldswitch/mmu';
import type { Translation } from '@worldswitch/mmu';
import { ipa, pa, StateError } from '@worldswitch/platform';
import type { Ipa } from '@worldswitch/platform';

import { PAGE, PageAllocator, PhysicalMemory } from '../../src/memory/index.ts';
import { systemOperation } from '../../src/names.ts';
import { Stage2Map, stage2Shape } from '../../src/stage2/index.ts';
import { FakePort, RAM } from '../fake-port.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const memory = new PhysicalMemory();
let port: FakePort;
let pages: PageAllocator;
let map: Stage2Map;

beforeEach(() => {
  port = new FakePort();
  pages = new PageAllocator(RAM, 512);
  map = Stage2Map.create(port, memory, pages, { ipaBits: 40, paBits: 40, vmid: 7 });
});

/** What the walker makes of an IPA. */
function walk(at: number, of: Stage2Map = map): Translation | undefined {
  const controls = createControls({ paBits: 40 });
  controls.vtcr = of.vtcr[0];
  [controls.vttbrLo, controls.vttbrHi] = of.vttbr;
  controls.hcrLo = 1;
  const walker = createWalker(controls, {
    read64: (address, word) => memory.load(port, pa(address), 8, word),
  });
  const request = createRequest();
  request.vaLo = at >>> 0;
  request.vaHi = Math.floor(at / 2 ** 32);
  const answer = createTranslation();
  return walker.translate(request, answer) ? answer : undefined;
}

const writes = (at: number): boolean | undefined => {
  const found = walk(at);
  return found && (found.permissions & Permission.PrivilegedWrite) !== 0;
};

describe('mapping', () => {
  it('uses the largest blocks that both addresses allow', () => {
    map.map(port, ipa(GIB), pa(2 * GIB), GIB);
    map.map(port, ipa(4 * GIB + 2 * MIB), pa(4 * GIB + 4 * MIB), 4 * MIB);
    map.map(port, ipa(0x1000), pa(0x5000), 0x3000);
    expect(map.find(port, ipa(GIB + 0x1234))).toMatchObject({ pa: 2 * GIB + 0x1234, shift: 30 });
    expect(map.find(port, ipa(4 * GIB + 3 * MIB))).toMatchObject({ pa: 4 * GIB + 5 * MIB, shift: 21 });
    expect(map.find(port, ipa(0x3fff))).toMatchObject({ pa: 0x7fff, shift: 12 });
    expect(map.find(port, ipa(0x4000))).toBeUndefined();
    for (const at of [GIB + 0x1234, 4 * GIB + 3 * MIB, 0x3fff]) {
      expect(walk(at)?.pa).toBe(map.find(port, ipa(at))?.pa);
    }
    expect(walk(0x4000)).toBeUndefined();
  });

  it('is as small as was asked for', () => {
    map.map(port, ipa(GIB), pa(GIB), 2 * MIB, {}, 12);
    expect(map.find(port, ipa(GIB))?.shift).toBe(12);
    expect(walk(GIB + 0x1f_f008)?.pa).toBe(GIB + 0x1f_f008);
  });

  it('says rights and kinds of memory', () => {
    map.map(port, ipa(0), pa(0x0801_0000), PAGE, { memory: 'device' });
    map.map(port, ipa(PAGE), pa(GIB), PAGE, { write: false, execute: false });
    expect(map.find(port, ipa(0))).toMatchObject({ memory: 'device', write: true, execute: false });
    expect(map.find(port, ipa(PAGE))).toMatchObject({ memory: 'normal', write: false, execute: false });
    expect(writes(PAGE)).toBe(false);
    expect(writes(0)).toBe(true);
    expect((walk(0)?.permissions ?? 0) & Permission.PrivilegedExecute).toBe(0);
  });

  it('needs no invalidation where nothing was mapped', () => {
    port.done.length = 0;
    map.map(port, ipa(0), pa(GIB), 2 * MIB);
    expect(port.operations('TLBI IPAS2E1IS') + port.operations('TLBI VMALLS12E1IS')).toBe(0);
    expect(port.operations('DSB ISHST')).toBe(1);
  });
});

/** Everything that the fake was asked to do to the descriptor at `place`, and TLB maintenance. */
function story(place: number): string[] {
  const tlbi = systemOperation('TLBI IPAS2E1IS');
  const all = systemOperation('TLBI VMALLE1IS');
  return port.done.flatMap((d) => {
    if (d.what === 'store' && d.at === place) return [(d.value & 1n) === 0n ? 'break' : 'make'];
    if (d.what === 'operate' && d.operation === tlbi) return [`ipa ${d.value.toString(16)}`];
    return d.what === 'operate' && d.operation === all ? ['all'] : [];
  });
}

describe('changing', () => {
  const root = (): number => map.vttbr[0];

  it('breaks before it makes when the output changes', () => {
    map.map(port, ipa(GIB), pa(GIB), GIB);
    port.done.length = 0;
    map.map(port, ipa(GIB), pa(2 * GIB), GIB);
    expect(story(root() + 8)).toEqual(['break', 'ipa 40000', 'all', 'make']);
  });

  it('breaks before it makes when a block is split', () => {
    map.map(port, ipa(GIB), pa(GIB), GIB);
    port.done.length = 0;
    map.unmap(port, ipa(GIB + 5 * MIB), PAGE);
    expect(story(root() + 8)).toEqual(['break', 'ipa 40500', 'all', 'make']);
    expect(walk(GIB + 5 * MIB)).toBeUndefined();
    expect(walk(GIB + 5 * MIB + PAGE)?.pa).toBe(GIB + 5 * MIB + PAGE);
    expect(walk(GIB + 5 * MIB - 1)?.pa).toBe(GIB + 5 * MIB - 1);
  });

  it('changes rights in place', () => {
    map.map(port, ipa(GIB), pa(GIB), GIB);
    port.done.length = 0;
    map.protect(port, ipa(GIB), GIB, { write: false });
    expect(story(root() + 8)).toEqual(['make', 'ipa 40000', 'all']);
    expect(writes(GIB)).toBe(false);
    map.protect(port, ipa(GIB), GIB, { write: true, execute: false });
    expect(writes(GIB)).toBe(true);
    expect(map.find(port, ipa(GIB))).toMatchObject({ write: true, execute: false });
  });

  it('invalidates for its own VMID, and leaves the register as it was', () => {
    map.map(port, ipa(GIB), pa(GIB), GIB);
    port.put('VTTBR_EL2', 0x0005_0000_1234_0000n);
    map.unmap(port, ipa(GIB), GIB);
    const [lo, hi] = map.vttbr;
    expect(port.written('VTTBR_EL2')).toEqual([(BigInt(hi) << 32n) | BigInt(lo), 0x0005_0000_1234_0000n]);
    expect(hi >>> 16).toBe(7);
  });

  it('gives tables back, and with many pages invalidates once', () => {
    const before = pages.used;
    map.map(port, ipa(GIB), pa(GIB), 4 * MIB, {}, 12);
    expect(pages.used).toBe(before + 3 * PAGE);
    map.unmap(port, ipa(GIB), 4 * MIB);
    expect(pages.used).toBe(before + PAGE);
    expect(port.operations('TLBI VMALLS12E1IS')).toBe(1);
    map.map(port, ipa(GIB), pa(GIB), GIB);
    expect(pages.used).toBe(before);
    map.destroy(port);
    expect(pages.used).toBe(0);
  });

  it('keeps what it can when memory for tables runs out', () => {
    const few = new PageAllocator(RAM + 0x20_0000, 3);
    const small = Stage2Map.create(port, memory, few, { ipaBits: 32, paBits: 40, vmid: 1, startLevel: 1 });
    small.map(port, ipa(GIB), pa(GIB), 2 * GIB);
    expect(() => {
      small.unmap(port, ipa(GIB), PAGE);
      small.unmap(port, ipa(2 * GIB), PAGE);
    }).toThrow('are left for tables');
    expect(walk(2 * GIB - PAGE, small)?.pa).toBe(2 * GIB - PAGE);
    expect(walk(2 * GIB, small)?.pa).toBe(2 * GIB);
  });

  it('refuses what is no range of pages', () => {
    expect(() => {
      map.map(port, ipa(1), pa(0), PAGE);
    }).toThrow(RangeError);
    expect(() => {
      map.map(port, ipa(2 ** 40 - PAGE), pa(0), 2 * PAGE);
    }).toThrow(RangeError);
    expect(() => Stage2Map.create(port, memory, pages, { ipaBits: 44, paBits: 40, vmid: 1 })).toThrow(
      'ipaBits',
    );
    expect(() =>
      Stage2Map.create(port, memory, pages, { ipaBits: 40, paBits: 40, vmid: 1, startLevel: 0 }),
    ).toThrow('startLevel');
  });
});

describe('every shape', () => {
  it.each([
    [25, 2],
    [30, 2],
    [32, 2],
    [34, 2],
    [32, 1],
    [36, 1],
    [39, 1],
    [40, 1],
  ])('%i bits from level %i', (ipaBits, startLevel) => {
    const one = Stage2Map.create(port, memory, pages, { ipaBits, paBits: 40, vmid: 1, startLevel });
    const top = 2 ** ipaBits - PAGE;
    one.map(port, ipa(top), pa(0x1234_5000), PAGE);
    one.map(port, ipa(0), pa(0x6000), PAGE);
    expect(walk(top + 5, one)?.pa).toBe(0x1234_5005);
    expect(walk(5, one)?.pa).toBe(0x6005);
    expect(walk(2 ** ipaBits, one)).toBeUndefined();
    const wanted = Stage2Map.create(port, memory, pages, { ipaBits, paBits: 40, vmid: 1 });
    expect(wanted.startLevel).toBeGreaterThanOrEqual(startLevel);
  });
});

describe('the dirty log', () => {
  const base = GIB;
  beforeEach(() => {
    map.map(port, ipa(base), pa(base), 8 * MIB);
    map.map(port, ipa(base + 8 * MIB), pa(base + 8 * MIB), 2 * MIB, { write: false });
  });

  it('names exactly the pages that were written', () => {
    map.startLog(port);
    expect(writes(base)).toBe(false);
    expect(map.find(port, ipa(base))).toMatchObject({ write: true, logged: true });
    const at = base + 2 * MIB + 7 * PAGE;
    expect(map.written(port, ipa(at + 12))).toBe(true);
    expect(writes(at)).toBe(true);
    expect(writes(at + PAGE)).toBe(false);
    expect(writes(at - PAGE)).toBe(false);
    expect(map.find(port, ipa(base))?.shift).toBe(21);
    expect(map.translate(port, ipa(base + 5 * MIB), true)).toBe(base + 5 * MIB);
    expect(map.translate(port, ipa(base + 6 * MIB), false)).toBe(base + 6 * MIB);
    expect(map.takeLog(port)).toEqual([at, base + 5 * MIB]);
    expect(writes(at)).toBe(false);
    expect(map.find(port, ipa(base + 5 * MIB))?.shift).toBe(21);
    expect(map.takeLog(port)).toEqual([]);
    map.stopLog(port);
    expect(writes(at)).toBe(true);
    expect(writes(base + 7 * MIB)).toBe(true);
    expect(writes(base + 8 * MIB)).toBe(false);
  });

  it('is no right to write', () => {
    map.startLog(port);
    expect(map.written(port, ipa(base + 8 * MIB))).toBe(false);
    expect(map.written(port, ipa(base + 64 * MIB))).toBe(false);
    expect(map.translate(port, ipa(base + 8 * MIB), true)).toBe(-1);
    expect(map.takeLog(port)).toEqual([]);
  });

  it('covers what is mapped while it runs', () => {
    map.startLog(port);
    map.map(port, ipa(2 * GIB), pa(2 * GIB), GIB);
    expect(writes(2 * GIB)).toBe(false);
    expect(map.written(port, ipa(2 * GIB))).toBe(true);
    expect(map.takeLog(port)).toEqual([2 * GIB]);
  });

  it('agrees with a set for any order of writes and takings', () => {
    const step = fc.oneof(
      fc.record({ write: fc.integer({ min: 0, max: 2047 }), by: fc.constantFrom('cpu', 'dma') }),
      fc.constant('take' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        map.startLog(port);
        let expected = new Set<number>();
        for (const s of steps) {
          if (s === 'take') {
            expect(map.takeLog(port)).toEqual([...expected].sort((a, b) => a - b));
            expected = new Set();
          } else {
            const at = base + s.write * PAGE;
            // A CPU's write reaches the hypervisor only where the tables refuse it.
            if (s.by === 'dma') map.translate(port, at as Ipa, true);
            else if (writes(at) !== true) expect(map.written(port, at as Ipa)).toBe(true);
            expected.add(at);
          }
        }
        expect(map.takeLog(port)).toEqual([...expected].sort((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
  });
});

describe('the dirty log where no memory is left for tables', () => {
  const base = GIB;
  /** Leaves a number of pages free. */
  const leave = (free: number): void => {
    while (pages.used < 512 * PAGE) pages.allocate(PAGE);
    for (let i = 0; i < free; i++) pages.release(RAM + (511 - i) * PAGE, PAGE);
  };
  const blockOf = (at: number): number[] =>
    Array.from({ length: 512 }, (_, i) => at - (at % (2 * MIB)) + i * PAGE);

  it('names whole blocks, and says so', () => {
    map.map(port, ipa(base), pa(base), 8 * MIB);
    map.startLog(port);
    leave(1);
    expect(map.written(port, ipa(base + PAGE))).toBe(true);
    expect(map.logIsExact).toBe(true);
    const at = base + 4 * MIB + 3 * PAGE;
    expect(map.written(port, ipa(at))).toBe(true);
    expect(map.logIsExact).toBe(false);
    expect([writes(at), writes(at + MIB), writes(base + 6 * MIB)]).toEqual([true, true, false]);
    const saved = new Stage2Map(memory, pages, stage2Shape.check(map.save(), 'map'));
    expect(saved.logIsExact).toBe(false);
    expect(map.takeLog(port)).toEqual([base + PAGE, ...blockOf(at)]);
    expect(map.logIsExact).toBe(true);
    // Nothing that is written from now on is missed: all of it is read-only again, the block as a whole.
    expect([writes(base + PAGE), writes(at), writes(at + MIB)]).toEqual([false, false, false]);
    expect(map.find(port, ipa(at))?.shift).toBe(21);
    expect(map.written(port, ipa(at + PAGE))).toBe(true);
    expect(map.takeLog(port)).toEqual(blockOf(at));
  });

  it('splits as far as memory goes, and leaves nothing behind of what it could not finish', () => {
    map.map(port, ipa(2 * GIB), pa(2 * GIB), GIB);
    map.startLog(port);
    leave(1);
    const before = pages.used;
    expect(map.written(port, ipa(2 * GIB + 5 * MIB))).toBe(true);
    expect(map.logIsExact).toBe(false);
    expect(pages.used).toBe(before + PAGE);
    expect(map.takeLog(port)).toEqual(blockOf(2 * GIB + 5 * MIB));
    leave(0);
    expect(map.written(port, ipa(2 * GIB + 512 * MIB))).toBe(true);
    expect(pages.used).toBe(512 * PAGE);
  });

  it('is exact again when there is memory', () => {
    map.map(port, ipa(base), pa(base), 8 * MIB);
    map.startLog(port);
    leave(0);
    map.written(port, ipa(base));
    map.takeLog(port);
    leave(2);
    map.written(port, ipa(base + 7 * PAGE));
    expect([map.logIsExact, map.takeLog(port)]).toEqual([true, [base + 7 * PAGE]]);
  });
});

describe('state', () => {
  it('is restored with the tables that are in memory', () => {
    map.map(port, ipa(GIB), pa(GIB), 2 * MIB);
    map.startLog(port);
    map.written(port, ipa(GIB + PAGE));
    const copy = new Stage2Map(memory, pages, stage2Shape.check(map.save(), 'map'));
    expect(copy.save()).toEqual(map.save());
    expect(copy.find(port, ipa(GIB))).toEqual(map.find(port, ipa(GIB)));
    expect(copy.takeLog(port)).toEqual([GIB + PAGE]);
  });

  it('is refused where it cannot be', () => {
    const good = map.save();
    for (const bad of [
      { ...good, ipaBits: 12 },
      { ...good, start: 0 },
      { ...good, vmid: 256 },
      { ...good, dirty: [{ index: 1, pages: new Uint8Array(3) }] },
    ]) {
      expect(() => stage2Shape.check(bad, 'map')).toThrow(StateError);
    }
    expect(() => new Stage2Map(memory, pages, { ...good, root: RAM + 0x10_0000 })).toThrow(StateError);
    expect(() => new Stage2Map(memory, pages, { ...good, root: good.root + PAGE })).toThrow(StateError);
  });
});
