// The hypervisor's own memory: copies, pages, and the identity map as the walker reads it.

import { describe, expect, it } from 'vitest';

import {
  Access,
  createControls,
  createRequest,
  createTranslation,
  createWalker,
  describeAttributes,
  Permission,
  Regime,
} from '@worldswitch/mmu';
import { Fault, pa, StateError } from '@worldswitch/platform';

import {
  buildHostMap,
  PAGE,
  PageAllocator,
  pageAllocatorShape,
  PhysicalMemory,
  useHostMap,
} from '../../src/memory/index.ts';
import { FakePort, RAM } from '../fake-port.ts';

describe('physical memory', () => {
  it('copies byte arrays in and out at any address and size', () => {
    const port = new FakePort();
    const memory = new PhysicalMemory();
    const bytes = Uint8Array.from({ length: 41 }, (_, i) => 0x80 ^ (i * 7));
    for (const offset of [0, 1, 2, 3, 5, 7]) {
      for (const size of [0, 1, 2, 3, 7, 8, 9, 15, 16, 41]) {
        const part = bytes.subarray(0, size);
        port.memory.fill(0xee, 0, 64);
        expect(memory.writeFrom(port, pa(RAM + offset), part)).toBe(Fault.None);
        expect(port.memory.subarray(offset, offset + size)).toEqual(part);
        expect(port.memory[offset + size]).toBe(0xee);
        const back = new Uint8Array(size);
        expect(memory.readInto(port, pa(RAM + offset), back)).toBe(Fault.None);
        expect(back).toEqual(part);
      }
    }
  });

  it('says where nothing answers', () => {
    const port = new FakePort();
    const memory = new PhysicalMemory();
    expect(memory.zero(port, pa(RAM - 8), 16)).toBe(Fault.Decode);
    expect(memory.readInto(port, pa(0x1000), new Uint8Array(4))).toBe(Fault.Decode);
  });
});

describe('pages', () => {
  it('gives the lowest aligned pages, and again those that were released', () => {
    const pages = new PageAllocator(0x4000_1000, 32);
    expect(pages.allocate(PAGE)).toBe(0x4000_1000);
    expect(pages.allocate(4 * PAGE)).toBe(0x4000_4000);
    expect(pages.allocate(64)).toBe(0x4000_2000);
    expect(pages.used).toBe(6 * PAGE);
    pages.release(0x4000_1000, PAGE);
    expect(pages.allocate(PAGE)).toBe(0x4000_1000);
    expect(() => pages.allocate(64 * PAGE)).toThrow('no 262144 bytes are left');
    pages.release(0x4000_4000, 4 * PAGE);
    expect(() => {
      pages.release(0x4000_4000, PAGE);
    }).toThrow('released twice');
  });

  it('are as they were when restored', () => {
    const pages = new PageAllocator(RAM, 20);
    pages.allocate(PAGE);
    pages.allocate(8 * PAGE);
    const copy = new PageAllocator(RAM, 20, pageAllocatorShape.check(pages.save(), 'pages'));
    expect(copy.used).toBe(pages.used);
    for (let i = 0; i < 5; i++) expect(copy.allocate(PAGE)).toBe(pages.allocate(PAGE));
    const bad = { ...pages.save(), used: new Uint8Array(2) };
    expect(() => pageAllocatorShape.check(bad, 'pages')).toThrow(StateError);
    const outside = { ...pages.save(), used: Uint8Array.of(0, 0, 0xf0) };
    expect(() => pageAllocatorShape.check(outside, 'pages')).toThrow('behind the last page');
  });
});

describe('the host map', () => {
  it('is the identity, with memory, devices and code as they are', () => {
    const port = new FakePort();
    const memory = new PhysicalMemory();
    const allocator = new PageAllocator(RAM + 0x10_0000, 64);
    const map = buildHostMap(port, memory, allocator, [
      { base: 0x0800_0000, size: 0x20_0000, kind: 'device' },
      { base: RAM, size: 0x4000_0000, kind: 'memory' },
      { base: RAM + 0x5000, size: 0x1000, kind: 'memory', execute: true },
    ]);
    useHostMap(port, map);
    const controls = createControls({ paBits: 40 });
    const walker = createWalker(controls, {
      read64(at, word) {
        return memory.load(port, pa(at), 8, word);
      },
    });
    Object.assign(controls.el2, {
      sctlr: Number(port.get('SCTLR_EL2')),
      tcrLo: Number(port.get('TCR_EL2')),
      ttbr0Lo: Number(port.get('TTBR0_EL2') & 0xffff_ffffn),
      ttbr0Hi: Number(port.get('TTBR0_EL2') >> 32n),
      mairLo: Number(port.get('MAIR_EL2')),
    });
    const walk = (va: number, access: Access = Access.Read) => {
      const request = createRequest();
      Object.assign(request, { vaLo: va >>> 0, vaHi: Math.floor(va / 2 ** 32), regime: Regime.EL2, access });
      const answer = createTranslation();
      return walker.translate(request, answer) ? answer : undefined;
    };
    for (const va of [0x0801_0004, RAM, RAM + 0x3fff_f000]) expect(walk(va)?.pa).toBe(va);
    expect(describeAttributes(walk(0x0801_0000)?.attributes ?? -1)).toBe('Device-nGnRE');
    expect(describeAttributes(walk(RAM)?.attributes ?? -1)).toBe('Normal WB');
    expect(walk(RAM, Access.Execute)).toBeUndefined();
    expect((walk(RAM + 0x5000, Access.Execute)?.permissions ?? 0) & Permission.PrivilegedExecute).not.toBe(0);
    expect(walk(0x1000)).toBeUndefined();
    expect(walk(RAM + 0x4000_0000)).toBeUndefined();
    expect(port.operations('TLBI ALLE2')).toBe(1);
  });
});
