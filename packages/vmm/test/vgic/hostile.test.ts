// A guest that does anything with its interrupt controller: it is never the hypervisor that fails, and the state stays one that is
// accepted.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { requester } from '@worldswitch/platform';

import { virtualGicV2Shape, VirtualGicV3, virtualGicV3Shape } from '../../src/index.ts';
import { bench } from './bench.ts';

const runs = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 40 : 4000;

const access = fc.tuple(
  fc.nat(9),
  fc.nat(1),
  fc.oneof(fc.nat(0x400), fc.nat(0xfff), fc.nat(0x7_ffff)),
  fc.oneof(fc.constant(0xffff_ffff), fc.nat(0xff), fc.nat(0xffff_ffff)),
);

describe.each([2, 3] as const)('a virtual GICv%i', (version) => {
  it('stands whatever its guest does', () => {
    const shape = version === 2 ? virtualGicV2Shape : virtualGicV3Shape;
    fc.assert(
      fc.property(fc.array(access, { maxLength: 400, size: 'max' }), (accesses) => {
        const b = bench(version, 2, 2);
        b.vgic.link(0, 27, 27);
        const by = [0, 1].map((index) => requester({ requester: index }));
        for (const [kind, vcpu, n, value] of accesses) {
          const block = b.vgic.blocks[n % b.vgic.blocks.length];
          const self = by[vcpu];
          if (block === undefined || self === undefined) throw new Error('no block');
          const offset = n % block.size;
          b.within(vcpu, () => {
            if (kind < 3) block.mmio.write(offset & ~3, 4, value, self);
            else if (kind === 3) block.mmio.read(offset & ~3, 4, self);
            else if (kind === 4) block.mmio.write(offset, 1, value & 0xff, self);
            else if (kind === 5) {
              if (version === 3) block.mmio.write64?.(offset & ~7 & 0xffff, value, value, self);
              block.mmio.read64?.(offset & ~7 & 0xffff, { lo: 0, hi: 0 }, self);
            } else if (kind === 6) b.vgic.spi(n % 256).set((value & 1) !== 0);
            else if (kind === 7) b.vgic.raise(vcpu, 16 + (n % 16));
            else if (kind === 8 && b.vgic instanceof VirtualGicV3) {
              const [port] = b.ports;
              const name = ['ICC_SGI1R_EL1', 'ICC_SGI0R_EL1', 'ICC_ASGI1R_EL1', 'ICC_DIR_EL1'][n % 4] ?? '';
              if (port !== undefined) b.vgic.write(port, 0, name, value, n);
            }
          });
          if (kind === 9) {
            if ((n & 3) === 0) b.acknowledge(vcpu);
            else if ((n & 3) === 1) b.end(vcpu, value & 0x3ff);
            else if ((n & 3) === 2) b.guestControl(vcpu, value & 3, value & 0xf8, (value & 4) !== 0);
            else b.guestDeactivate(vcpu, value & 0x3ff);
          }
          b.enter(vcpu);
          if (b.physical(vcpu, 25).pending) b.enter(vcpu);
          if ((n & 63) === 5) {
            b.unload(vcpu);
            b.load(vcpu);
          }
        }
        const state = shape.check(structuredClone(b.save()), '');
        expect(bench(version, 2, 2, state).save()).toEqual(state);
      }),
      { numRuns: runs, seed: 7 },
    );
  });

  it('ends what its guest splits, in whatever order', () => {
    const b = bench(version);
    for (const [i, id] of [40, 41, 42].entries()) b.enable(id, 0x80 - 0x20 * i, 0, true);
    b.guestControl(0, 3, 0xf8, true);
    const taken: number[] = [];
    for (const id of [40, 41, 42]) {
      b.vgic.spi(id - 32).set(true);
      b.enter(0);
      const told = b.acknowledge(0);
      taken.push(told);
      b.end(0, told);
    }
    expect(taken.map((told) => told & 0x3ff)).toEqual([40, 41, 42]);
    expect(b.read(0, 0x304)).toBe(0b111 << 8);
    b.enter(0);
    b.guestDeactivate(0, 41);
    expect(b.read(0, 0x304)).toBe(0b101 << 8);
    b.enter(0);
    b.guestDeactivate(0, 40);
    b.guestDeactivate(0, 42);
    expect(b.read(0, 0x304)).toBe(0);
  });
});

it('a virtual GICv3 traps deactivation while it cannot tell what is deactivated', () => {
  const b = bench(3, 1, 1);
  const [port] = b.ports;
  if (port === undefined || !(b.vgic instanceof VirtualGicV3)) throw new Error('not there');
  const { vgic } = b;
  const traps = (): boolean => (port.get('ICH_HCR_EL2') & 0x4000n) !== 0n;
  for (const [i, id] of [40, 41].entries()) b.enable(id, 0x80 - 0x20 * i, 0, true);
  b.guestControl(0, 3, 0xf8, true);
  for (const id of [40, 41]) {
    vgic.spi(id - 32).set(true);
    b.enter(0);
    b.end(0, b.acknowledge(0));
  }
  b.within(0, () => {
    vgic.maintain(port, 0);
  });
  b.enter(0);
  expect(traps()).toBe(true);
  // Not the more urgent of the two.
  b.within(0, () => {
    vgic.write(port, 0, 'ICC_DIR_EL1', 40, 0);
  });
  b.enter(0);
  expect([traps(), b.read(0, 0x304)]).toEqual([false, 1 << 9]);
});
