// A VM's GICv3 without the hardware's virtual CPU interface: its registers are calls.

import { describe, expect, it } from 'vitest';

import { requester, StateError } from '@worldswitch/platform';
import type { Plain, Word64 } from '@worldswitch/platform';

import { EmulatedGicV3, emulatedGicV3Shape } from '../../src/index.ts';
import type { EmulatedGicV3State } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const IRQ = 0x80;
const GICR_FRAMES = 0x2_0000;
const SGIS = 0x1_0000;

function setup(state?: EmulatedGicV3State) {
  const asked: number[] = [];
  const gic = new EmulatedGicV3({ vcpus: 2 }, { attention: (vcpu) => asked.push(vcpu) }, state);
  const value: Word64 = { lo: 0, hi: 0 };
  const read = (name: string, vcpu = 0): number => {
    gic.read(vcpu, `ICC_${name}_EL1`, value);
    return value.lo;
  };
  const write = (name: string, lo: number, vcpu = 0): void => {
    gic.write(vcpu, `ICC_${name}_EL1`, lo, 0);
  };
  const gicd = (offset: number, data: number): void => {
    gic.blocks[0]?.mmio.write(offset, 4, data, requester());
  };
  const gicr = (vcpu: number, offset: number, data: number): void => {
    gic.blocks[1]?.mmio.write(vcpu * GICR_FRAMES + SGIS + offset, 4, data, requester());
  };
  if (state === undefined) {
    gicd(0, 2);
    for (const vcpu of [0, 1]) {
      gicr(vcpu, 0x80, 0xffff_ffff);
      gicr(vcpu, 0x100, (1 << 27) | 2);
      // Priorities 0x80 and 0x40.
      gicr(vcpu, 0x418, 0x8000_0000);
      gicr(vcpu, 0x400, 0x4000);
      write('PMR', 0xf8, vcpu);
      write('IGRPEN1', 1, vcpu);
    }
  }
  return { gic, asked, read, write, gicr };
}

describe('an emulated GICv3', () => {
  it('signals, is masked by priority, and is preempted by a higher one alone', () => {
    const { gic, asked, read, write } = setup();
    const port = new FakePort();
    gic.ppi(0, 11).set(true);
    expect([asked, gic.lines(0), gic.lines(1)]).toEqual([[0], IRQ, 0]);
    expect(gic.wakes(port, 0)).toBe(true);
    write('PMR', 0x80);
    expect([gic.lines(0), gic.wakes(port, 0), read('IAR1'), read('HPPIR1')]).toEqual([0, false, 1023, 27]);
    write('PMR', 0xf8);
    expect([gic.lines(0), read('IAR1'), read('RPR'), gic.lines(0)]).toEqual([IRQ, 27, 0x80, 0]);
    // SGI 1 to itself, above it.
    write('SGI1R', (1 << 24) | 1);
    expect([gic.lines(0), read('IAR1'), read('RPR'), read('AP1R0')]).toEqual([IRQ, 1, 0x40, 0x10100]);
    write('EOIR1', 1);
    expect(read('RPR')).toBe(0x80);
    // Still high: it comes anew when it ends.
    write('EOIR1', 27);
    expect([read('RPR'), gic.lines(0)]).toEqual([0xff, IRQ]);
  });

  it('deactivates by ICC_DIR_EL1 where EOImode splits the end', () => {
    const { gic, read, write } = setup();
    gic.ppi(0, 11).set(true);
    write('CTLR', 2);
    expect(read('IAR1')).toBe(27);
    write('EOIR1', 27);
    expect([read('RPR'), gic.lines(0)]).toEqual([0xff, 0]);
    write('DIR', 27);
    expect(gic.lines(0)).toBe(IRQ);
  });

  it('sends from one vCPU to another, and asks for that one', () => {
    const { gic, asked, read, write } = setup();
    write('SGI1R', (1 << 24) | 2);
    expect([asked, gic.lines(0), gic.lines(1), read('IAR1', 0), read('IAR1', 1)]).toEqual([
      [1],
      0,
      IRQ,
      1023,
      1,
    ]);
  });

  it('resets the CPU interface of one vCPU, and not its redistributor', () => {
    const { gic, read, write } = setup();
    gic.ppi(0, 11).set(true);
    gic.reset(0);
    expect([read('PMR', 0), read('IGRPEN1', 0), read('PMR', 1), gic.lines(0)]).toEqual([0, 0, 0xf8, 0]);
    write('PMR', 0xf8);
    write('IGRPEN1', 1);
    expect(gic.lines(0)).toBe(IRQ);
  });

  it('has no register beside those of EL1', () => {
    const { gic, read } = setup();
    gic.write(0, 'ICH_HCR_EL2', 1, 0);
    const value: Word64 = { lo: 5, hi: 5 };
    gic.read(0, 'ICH_HCR_EL2', value);
    expect([value, read('SRE')]).toEqual([{ lo: 0, hi: 0 }, 7]);
  });

  it('is saved, and refused when it does not fit', () => {
    const { gic, read } = setup();
    gic.ppi(0, 11).set(true);
    gic.ppi(1, 11).set(true);
    expect(read('IAR1')).toBe(27);
    const checked = (from: unknown): EmulatedGicV3State =>
      emulatedGicV3Shape.check(structuredClone(from) as Plain, '');
    const state = checked(gic.save());
    const again = setup(state);
    expect([again.read('RPR'), again.gic.lines(0), again.gic.lines(1)]).toEqual([0x80, 0, IRQ]);
    const [first, ...others] = state.gic.cpu;
    if (first === undefined) throw new Error('there is no CPU');
    const withCpu = (changed: object): unknown => ({
      gic: { ...state.gic, cpu: [{ ...first, ...changed }, ...others] },
    });
    // Of another number of vCPUs, at an EL3 that there is not, with list registers that there are not.
    expect(() => setup(checked({ gic: { ...state.gic, cpu: [first] } }))).toThrow(StateError);
    expect(() => setup(checked(withCpu({ world: 2 })))).toThrow('cpu[0].world');
    expect(() => setup(checked(withCpu({ listLow: [1] })))).toThrow('cpu[0].listLow');
    expect(() => checked(withCpu({ priorityMask: 1 }))).toThrow('priorityMask');
    expect(() => checked({ gic: { ...state.gic, control: 'on' } })).toThrow(StateError);
  });
});
