// Distributors by themselves: what a hypervisor has of them.

import { describe, expect, it } from 'vitest';

import { noTrace, requester, StateError } from '@worldswitch/platform';

import { distributorV2, distributorV3 } from '../src/index.ts';
import type { Distributor } from '../src/index.ts';

const by = requester();

function write(of: Distributor, offset: number, value: number, width: 1 | 4 = 4, block = 0): void {
  of.mmio[block]?.write(offset, width, value, by);
}

describe('a GICv2 distributor', () => {
  it('has its interrupts as bitmaps, and says when they change', () => {
    let changes = 0;
    const of = distributorV2({ cpus: 2, interrupts: 96 }, () => changes++, noTrace);
    write(of, 0, 1);
    write(of, 0x104, 2);
    write(of, 0x421, 0x80, 1);
    write(of, 0x821, 2, 1);
    expect(changes).toBe(4);
    expect([of.groups, of.words, of.slot(1, 0), of.slot(1, 1)]).toEqual([1, 3, 1, 2]);
    expect(of.enabled[of.slot(0, 1)]).toBe(2);
    expect(of.priority[32 * of.slot(0, 1) + 1]).toBe(0x80);
    expect([of.target(33), of.target(34)]).toEqual([1, -1]);
    of.drive(0, 33, true);
    expect(of.pending(0, 1)).toBe(2);
    expect(of.implemented(2)).toBe(0xffff_ffff);
    expect(of.implemented(3)).toBe(0);
    expect(of.isAwake(1)).toBe(true);
  });

  it('keeps who sent an SGI', () => {
    const of = distributorV2({ cpus: 2 }, () => undefined, noTrace);
    write(of, 0xf00, (2 << 16) | 3);
    expect(of.sgiSources?.[16 + 3]).toBe(1);
    expect(of.pending(1, 0)).toBe(8);
  });

  it('is saved with its virtual interfaces, and refused where it does not fit', () => {
    const of = distributorV2({ cpus: 1, listRegisters: 4 }, () => undefined, noTrace);
    write(of, 0x104, 2);
    const [own] = of.interfaces;
    if (own !== undefined) own.virtualControl = 1;
    const state = of.save();
    const again = distributorV2({ cpus: 1, listRegisters: 4 }, () => undefined, noTrace, state);
    expect(again.save()).toEqual(state);
    expect(() => distributorV2({ cpus: 2, listRegisters: 4 }, () => undefined, noTrace, state)).toThrow(
      StateError,
    );
  });
});

describe('a GICv3 distributor', () => {
  it('routes by affinity, and sends SGIs', () => {
    let changes = 0;
    const of = distributorV3({ cpus: 2 }, () => changes++, noTrace);
    write(of, 0, 2);
    write(of, 0x80, 8, 4, 1);
    write(of, 0x6000 + 8 * 33, 1);
    expect([of.groups, of.target(33), of.sgiSources]).toEqual([2, 1, undefined]);
    write(of, 0x6000 + 8 * 34, 0x8000_0000);
    expect(of.target(34)).toBe(0);
    write(of, 0x6000 + 8 * 35, 9);
    expect(of.target(35)).toBe(-1);
    write(of, 0x3_0080, 0xffff_ffff, 4, 1); // GICR_IGROUPR0 of CPU 1
    const before = changes;
    of.sendSgi(0, (3 << 24) | 2, 0, false);
    expect([of.pending(1, 0), of.pending(0, 0), changes]).toEqual([8, 0, before + 1]);
    of.sendSgi(0, (4 << 24) | 2, 0, true); // of Group 0, which it is not
    expect(of.pending(1, 0)).toBe(8);
    write(of, 0x2_0014, 2, 4, 1); // GICR_WAKER of CPU 1
    expect([of.isAwake(0), of.isAwake(1)]).toEqual([true, false]);
  });

  it('is saved, and restored with its routes', () => {
    const of = distributorV3({ cpus: 2, listRegisters: 4 }, () => undefined, noTrace);
    write(of, 0x6000 + 8 * 33, 1);
    const state = of.save();
    const again = distributorV3({ cpus: 2, listRegisters: 4 }, () => undefined, noTrace, state);
    expect([again.target(33), again.target(34)]).toEqual([1, 0]);
    expect(again.save()).toEqual(state);
    expect(() => distributorV3({ cpus: 2 }, () => undefined, noTrace, state)).toThrow(StateError);
  });
});
