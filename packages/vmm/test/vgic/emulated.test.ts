// The interrupt controller without the hardware's virtual CPU interface.

import { describe, expect, it } from 'vitest';

import { requester, StateError } from '@worldswitch/platform';

import { Current, EmulatedGicV2, emulatedGicV2Shape } from '../../src/index.ts';
import type { EmulatedGicV2State } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const [VI, RW] = [0x80n, 0x8000_0000n];

function setup(state?: EmulatedGicV2State): {
  gic: EmulatedGicV2;
  port: FakePort;
  board: string[];
  asked: number[];
  within: <Result>(body: () => Result) => Result;
  gicd: (offset: number, value: number) => void;
  gicc: (offset: number, value?: number) => number;
} {
  const current = new Current();
  const port = new FakePort();
  port.put('HCR_EL2', RW);
  const [board, asked]: [string[], number[]] = [[], []];
  const host = {
    current,
    host: {
      activate: (_: unknown, id: number) => board.push(`activate ${id}`),
      deactivate: (_: unknown, id: number) => board.push(`deactivate ${id}`),
    },
    attention: (vcpu: number) => asked.push(vcpu),
  };
  const gic = new EmulatedGicV2(2, host, state);
  gic.link(0, 27, 27);
  const by = requester();
  const within = <Result>(body: () => Result): Result => current.during(port, body);
  const gicd = (offset: number, value: number): void => {
    within(() => gic.blocks[0]?.mmio.write(offset, 4, value, by));
  };
  const gicc = (offset: number, value?: number): number =>
    within(() => {
      if (value === undefined) return gic.blocks[1]?.mmio.read(offset, 4, by) ?? 0;
      gic.blocks[1]?.mmio.write(offset, 4, value, by);
      return 0;
    });
  if (state === undefined) {
    gicd(0, 1);
    gicd(0x100, 2 ** 27);
    gicc(4, 0xf8);
    gicc(0, 1);
  }
  return { gic, port, board, asked, within, gicd, gicc };
}

describe('an emulated GICv2', () => {
  it('drives HCR_EL2.VI, and nothing else of HCR_EL2', () => {
    const { gic, port, asked, within, gicc } = setup();
    const enter = (): bigint => {
      within(() => {
        gic.enter(port, 0);
      });
      return port.get('HCR_EL2');
    };
    expect(enter()).toBe(RW);
    within(() => {
      gic.raise(0, 27);
    });
    expect(asked).toEqual([0]);
    expect(gic.wakes(port, 0)).toBe(true);
    expect(enter()).toBe(RW | VI);
    expect(gicc(0xc)).toBe(27);
    expect(enter()).toBe(RW);
    within(() => gic.unload(port, 0));
    expect(port.get('HCR_EL2')).toBe(RW);
  });

  it('frees the host interrupt when the guest ends its own', () => {
    const { gic, port, board, within, gicc } = setup();
    within(() => {
      gic.raise(0, 27);
      gic.load(port, 0);
    });
    expect(board).toEqual(['activate 27']);
    const told = gicc(0xc);
    expect(gic.isRaised(0, 27)).toBe(true);
    gicc(0x10, told);
    expect(board).toEqual(['activate 27', 'deactivate 27']);
    expect(gic.isRaised(0, 27)).toBe(false);
    expect(gicc(0xc)).toBe(1023);
  });

  it('is saved, and refused when it does not fit', () => {
    const { gic, port, within } = setup();
    within(() => {
      gic.raise(0, 27);
    });
    const state = emulatedGicV2Shape.check(structuredClone(gic.save()), '');
    const again = setup(state);
    expect(again.gic.wakes(port, 0)).toBe(true);
    expect(again.gicc(0xc)).toBe(27);
    expect(() => setup({ ...state, raised: [0] })).toThrow(StateError);
    expect(() => emulatedGicV2Shape.check({ ...state, raised: [1] }, '')).toThrow('raised[0]');
  });
});
