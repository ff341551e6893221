// A saved TLB: its future is the same, and a state that is none is refused by its field.

import { describe, expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';

import { Regime, restoreTlb, saveTlb, Tlb, tlbCodec, tlbiOperation } from '../src/index.ts';
import type { TlbState } from '../src/index.ts';
import { ENTRIES, enter, HI, registers, xt } from './tlb-rig.ts';

describe('state', () => {
  const shape = { sets: 8, ways: 2 };

  function filled(): Tlb {
    const tlb = new Tlb(shape);
    for (const e of ENTRIES) enter(tlb, e);
    for (let i = 0; i < 9; i++) enter(tlb, { name: '', regime: Regime.EL10, va: i << 12, shift: 16 });
    tlb.drop(3);
    return tlb;
  }

  test('a restored TLB has the same future', () => {
    const one = filled();
    const two = restoreTlb(shape, saveTlb(one));
    expect(saveTlb(two)).toEqual(saveTlb(one));
    const events: unknown[][] = [[], []];
    [one, two].forEach((tlb, i) => {
      tlb.listener = { dropped: (...all) => events[i]?.push(all), droppedAll: () => events[i]?.push('all') };
      for (let k = 0; k < 40; k++)
        enter(tlb, { name: '', regime: Regime.EL10, va: (k * 7) << 12, shift: 21 });
      tlbiOperation('VAAE1')?.(tlb, registers(), ...xt(0x1000, HI, 0));
      tlbiOperation('IPAS2E1')?.(tlb, registers(), 1, 0);
    });
    expect(events[0]?.length).toBeGreaterThan(20);
    expect(events[1]).toEqual(events[0]);
    expect(saveTlb(two)).toEqual(saveTlb(one));
  });

  test('what is dropped leaves no trace in the state', () => {
    const tlb = new Tlb(shape);
    const empty = saveTlb(tlb);
    tlb.drop(enter(tlb, { name: '', regime: Regime.EL2, shift: 21 }));
    expect(saveTlb(tlb)).toEqual(empty);
  });

  /** Changes a saved state by writing little-endian values. */
  function spoil(field: keyof TlbState, write: (view: DataView, entry: number) => void): TlbState {
    const tlb = filled();
    const entry = tlb.tagLo.findIndex((tag) => tag !== 0);
    const state = saveTlb(tlb);
    const bytes = state[field];
    write(new DataView(bytes.buffer, bytes.byteOffset), entry);
    return state;
  }

  test.each<[string, keyof TlbState, (view: DataView, entry: number) => void]>([
    [
      'a tag with stray bits',
      'tagLo',
      (v, i) => {
        v.setInt32(i * 4, v.getInt32(i * 4, true) | 2, true);
      },
    ],
    [
      'a tag in the wrong set',
      'tagLo',
      (v, i) => {
        v.setInt32(i * 4, v.getInt32(i * 4, true) ^ 0x1000, true);
      },
    ],
    [
      'an unknown context',
      'tagContext',
      (v, i) => {
        v.setInt32(i * 4, -1, true);
      },
    ],
    [
      'an ASID of 17 bits',
      'tagAsid',
      (v, i) => {
        v.setInt32(i * 4, 0x10000, true);
      },
    ],
    [
      'an ASID below -1',
      'tagAsid',
      (v, i) => {
        v.setInt32(i * 4, -2, true);
      },
    ],
    [
      'an address that is no number',
      'pa',
      (v, i) => {
        v.setFloat64(i * 8, NaN, true);
      },
    ],
    [
      'an infinite address',
      'pa',
      (v, i) => {
        v.setFloat64(i * 8, Infinity, true);
      },
    ],
    [
      'a negative address',
      'ipa',
      (v, i) => {
        v.setFloat64(i * 8, -4096, true);
      },
    ],
    [
      'an address inside a page',
      'pa',
      (v, i) => {
        v.setFloat64(i * 8, 8, true);
      },
    ],
    [
      'an address beyond 2^52',
      'ipa',
      (v, i) => {
        v.setFloat64(i * 8, 2 ** 52, true);
      },
    ],
    [
      'unknown permissions',
      'permissions',
      (v, i) => {
        v.setUint8(i, 128);
      },
    ],
    [
      'a fifth shareability',
      'shareability',
      (v, i) => {
        v.setUint8(i, 4);
      },
    ],
    [
      'level 4',
      'level',
      (v, i) => {
        v.setUint8(i, 4);
      },
    ],
    [
      'an odd block',
      'stage1Shift',
      (v, i) => {
        v.setUint8(i, 13);
      },
    ],
    [
      'an odd stage 2 block',
      'stage2Shift',
      (v, i) => {
        v.setUint8(i, 200);
      },
    ],
    [
      'a third address space',
      'ns',
      (v, i) => {
        v.setUint8(i, 2);
      },
    ],
    [
      'a way that is none',
      'nextWay',
      (v) => {
        v.setUint8(0, 2);
      },
    ],
    [
      'fields of an invalid entry',
      'level',
      (v) => {
        v.setUint8(3, 1);
      },
    ],
  ])('%s is refused', (_name, field, write) => {
    const state = spoil(field, write);
    expect(() => tlbCodec(shape).parse(state, 1)).toThrow(StateError);
    expect(() => restoreTlb(shape, state)).toThrow(new RegExp(`^${field}`, 'u'));
  });

  test('two entries for one page are refused', () => {
    const tlb = new Tlb(shape);
    enter(tlb, { name: '', regime: Regime.EL2 });
    const i = enter(tlb, { name: '', regime: Regime.EL2, vaHi: 1 });
    tlb.tagHi[i] = HI;
    expect(() => restoreTlb(shape, saveTlb(tlb))).toThrow(/tagLo\[\d+\] must differ/u);
  });

  test('another shape, another version and garbage are refused', () => {
    const state = saveTlb(filled());
    expect(() => tlbCodec({ sets: 4, ways: 2 }).parse(state, 1)).toThrow(/tagLo must have 32 bytes/u);
    expect(() => tlbCodec(shape).parse(state, 2)).toThrow(StateError);
    for (const bad of [null, 1, 'x', [], {}, { ...state, more: 1 }]) {
      expect(() => tlbCodec(shape).parse(bad, 1)).toThrow(StateError);
    }
  });
});
