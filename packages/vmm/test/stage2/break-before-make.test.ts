// Any order of changes: the map is what a model says, and no descriptor that a walker or TLB may hold is replaced without a break
// and its invalidation (DDI 0487 D8.14.1).

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ipa, pa } from '@worldswitch/platform';

import { PAGE, PageAllocator, PhysicalMemory } from '../../src/memory/index.ts';
import { systemOperation } from '../../src/names.ts';
import { Stage2Map } from '../../src/stage2/index.ts';
import { FakePort, RAM } from '../fake-port.ts';

const TABLES = 0x10_0000;
/** Rights and software's bit: what may change in place. */
const RIGHTS = (3n << 6n) | (1n << 54n) | (1n << 55n);
const BASE = 0x8000_0000;
/** The range under test: 4 MiB, from 2 MiB blocks and pages. */
const SPAN = 0x40_0000;

/** Watches every store to a table that walkers can reach. */
class Watch {
  readonly wrong: string[] = [];
  /** Descriptors that were taken out and not yet invalidated. */
  private readonly broken = new Set<number>();
  private readonly port: FakePort;
  private readonly root: () => number;

  constructor(port: FakePort, root: () => number) {
    this.port = port;
    this.root = root;
  }

  /** Tables that a walk can come to now. */
  private reachable(): Set<number> {
    const found = new Set<number>();
    const visit = (table: number, level: number, entries: number): void => {
      for (let i = 0; i < entries; i += 512) found.add(table + i * 8);
      for (let i = 0; level < 3 && i < entries; i++) {
        const d = this.port.peek64(table + i * 8);
        if ((d & 3n) === 3n) visit(Number(d & 0xffff_ffff_f000n), level + 1, 512);
      }
    };
    visit(this.root(), 1, 1024);
    return found;
  }

  store(at: number, value: bigint): void {
    if (!this.reachable().has(at - (at % PAGE))) return;
    const old = this.port.peek64(at);
    const [was, is] = [(old & 1n) !== 0n, (value & 1n) !== 0n];
    if (was && is && old !== value) {
      if (((old ^ value) & ~RIGHTS) !== 0n) this.wrong.push(`0x${at.toString(16)} is replaced`);
    }
    if (was && !is) this.broken.add(at);
    if (!was && is && this.broken.has(at)) this.wrong.push(`0x${at.toString(16)} is made before TLBI`);
  }

  invalidated(): void {
    this.broken.clear();
  }
}

interface Page {
  readonly pa: number;
  readonly write: boolean;
}

const change = fc.record({
  what: fc.constantFrom('map', 'unmap', 'protect', 'startLog', 'take', 'stopLog', 'written'),
  from: fc.integer({ min: 0, max: 1023 }),
  pages: fc.constantFrom(1, 1, 2, 7, 512, 600),
  to: fc.integer({ min: 0, max: 1023 }),
  aligned: fc.boolean(),
  write: fc.boolean(),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function run(changes: readonly Change[], drop?: string): string[] {
  const port = new FakePort({ bytes: 0x30_0000 });
  const pages = new PageAllocator(RAM + TABLES, 256);
  const map = Stage2Map.create(port, new PhysicalMemory(), pages, { ipaBits: 40, paBits: 40, vmid: 1 });
  const watch = new Watch(port, () => map.vttbr[0]);
  port.onAccess = (at, _width, write, value) => {
    if (write) watch.store(at, value);
  };
  const flushes = ['TLBI VMALLE1IS', 'TLBI VMALLS12E1IS']
    .filter((name) => name !== drop)
    .map(systemOperation);
  port.onOperate = (operation) => {
    if (flushes.includes(operation)) watch.invalidated();
  };
  const model = new Map<number, Page>();
  for (const c of changes) {
    const start = c.aligned ? c.from - (c.from % 512) : c.from;
    const count = Math.min(c.pages, SPAN / PAGE - start);
    const at = ipa(BASE + start * PAGE);
    const target = 0x1_0000_0000 + (c.aligned ? c.to - (c.to % 512) : c.to) * PAGE;
    const each = (what: (page: number, i: number) => void): void => {
      for (let i = 0; i < count; i++) what(start + i, i);
    };
    switch (c.what) {
      case 'map':
        map.map(port, at, pa(target), count * PAGE, { write: c.write });
        each((page, i) => model.set(page, { pa: target + i * PAGE, write: c.write }));
        break;
      case 'unmap':
        map.unmap(port, at, count * PAGE);
        each((page) => model.delete(page));
        break;
      case 'protect':
        map.protect(port, at, count * PAGE, { write: c.write });
        each((page) => {
          const old = model.get(page);
          if (old) model.set(page, { ...old, write: c.write });
        });
        break;
      case 'startLog':
        map.startLog(port);
        break;
      case 'take':
        map.takeLog(port);
        break;
      case 'stopLog':
        map.stopLog(port);
        break;
      case 'written':
        if (map.written(port, at) !== (model.get(start)?.write ?? false)) watch.wrong.push('written');
    }
  }
  for (let page = 0; page < SPAN / PAGE; page++) {
    const found = map.find(port, ipa(BASE + page * PAGE));
    const wanted = model.get(page);
    if (found?.pa !== wanted?.pa || found?.write !== wanted?.write) watch.wrong.push(`page ${page}`);
    if (!map.logging && found?.logged === true) watch.wrong.push(`page ${page} is logged`);
  }
  map.destroy(port);
  if (pages.used !== 0) watch.wrong.push(`${pages.used} bytes of tables are left`);
  return watch.wrong;
}

describe('changes in any order', () => {
  it('leave what was asked for, and break before they make', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        expect(run(changes)).toEqual([]);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('are caught where the invalidation is missing', () => {
    const map = { what: 'map', from: 0, pages: 512, to: 0, aligned: true, write: true } as const;
    const moved = { ...map, to: 512 };
    expect(run([map, moved])).toEqual([]);
    expect(run([map, moved], 'TLBI VMALLE1IS')).not.toEqual([]);
  });
});
