// A VM's interrupt controller on the models of the board's GICv2 and GICv3.

import { describe, expect, it } from 'vitest';

import { StateError } from '@worldswitch/platform';

import { virtualGicV2Shape, virtualGicV3Shape } from '../../src/index.ts';
import { bench } from './bench.ts';
import type { Bench } from './bench.ts';

const none = 1023;
const idOf = (told: number): number => told & 0x3ff;

/** The guest takes and ends all that it is given, with whatever exits that needs; what it was given, in order. */
function drain(b: Bench, vcpu = 0, most = 100): number[] {
  const seen: number[] = [];
  for (let i = 0; i < most; i++) {
    b.enter(vcpu);
    if (!b.signalled(vcpu)) break;
    const told = b.acknowledge(vcpu);
    if (idOf(told) === none) break;
    seen.push(idOf(told));
    b.enter(vcpu);
    b.end(vcpu, told);
  }
  b.enter(vcpu);
  return seen;
}

describe.each([2, 3] as const)('a virtual GICv%i', (version) => {
  it('delivers an edge once, without any exit after its injection', () => {
    const b = bench(version);
    b.enable(40, 0x80, 0, true);
    b.enter(0);
    b.vgic.spi(8).set(true);
    expect(b.asked.at(-1)).toBe(0);
    b.enter(0);
    expect(b.signalled(0)).toBe(true);
    const told = b.acknowledge(0);
    expect(idOf(told)).toBe(40);
    b.end(0, told);
    expect(b.signalled(0)).toBe(false);
    expect(b.vgic.isDirty(0)).toBe(false);
    expect(b.physical(0, 25).pending).toBe(false);
    expect(drain(b)).toEqual([]);
    expect(b.maintained).toBe(0);
  });

  it('costs an entry nothing where nothing has changed', () => {
    const b = bench(version);
    b.enter(0);
    const before = b.accesses(0);
    for (let i = 0; i < 10; i++) b.enter(0);
    expect(b.accesses(0)).toBe(before);
  });

  it('delivers a level again as long as the wire is high', () => {
    const b = bench(version);
    b.enable(41, 0x80, 0);
    const wire = b.vgic.spi(9);
    wire.set(true);
    b.enter(0);
    let told = b.acknowledge(0);
    expect(idOf(told)).toBe(41);
    b.end(0, told);
    expect(b.enter(0)).toBe(true); // the notice of its end
    told = b.acknowledge(0);
    expect(idOf(told)).toBe(41);
    wire.set(false); // the guest quietens its device
    b.enter(0);
    b.end(0, told);
    expect(b.enter(0)).toBe(false); // and no notice is needed
    expect(b.signalled(0)).toBe(false);
    expect(b.maintained).toBe(1);
  });

  it('takes back a level that falls before the guest has taken it', () => {
    const b = bench(version);
    b.enable(41, 0x80, 0);
    b.vgic.spi(9).set(true);
    b.enter(0);
    expect(b.signalled(0)).toBe(true);
    b.vgic.spi(9).set(false);
    b.enter(0);
    expect(b.signalled(0)).toBe(false);
    expect(b.acknowledge(0)).toBe(none);
  });

  it('delivers a wire that rises again while its interrupt is active', () => {
    const b = bench(version);
    b.enable(41, 0x80, 0);
    const wire = b.vgic.spi(9);
    wire.set(true);
    b.enter(0);
    const told = b.acknowledge(0);
    wire.set(false);
    b.enter(0);
    wire.set(true);
    b.enter(0);
    b.end(0, told);
    expect(drain(b, 0, 1)).toEqual([41]);
  });

  it('keeps an edge that comes while its interrupt is active', () => {
    const b = bench(version);
    b.enable(40, 0x80, 0, true);
    const wire = b.vgic.spi(8);
    wire.set(true);
    b.enter(0);
    const told = b.acknowledge(0);
    wire.set(false);
    wire.set(true);
    b.enter(0);
    expect(b.signalled(0)).toBe(false);
    b.end(0, told);
    expect(b.signalled(0)).toBe(true);
    expect(drain(b)).toEqual([40]);
    expect(b.maintained).toBe(0);
  });

  it('delivers more interrupts than there are list registers, all of them, by priority', () => {
    const b = bench(version);
    const ids = Array.from({ length: 20 }, (_, i) => 32 + ((7 * i) % 20));
    const priority = (id: number): number => 8 * ((3 * (id - 32)) % 20) + 8;
    for (const id of ids) b.enable(id, priority(id), 0, true);
    for (const id of ids) b.vgic.spi(id - 32).set(true);
    b.enter(0);
    const seen: number[] = [];
    // The guest never leaves by itself: only maintenance interrupts let the hypervisor in.
    for (let i = 0; i < 100; i++) {
      if (b.physical(0, 25).pending) b.enter(0);
      const told = b.acknowledge(0);
      if (idOf(told) === none) break;
      seen.push(idOf(told));
      if (b.physical(0, 25).pending) b.enter(0);
      b.end(0, told);
    }
    expect(seen).toEqual([...ids].sort((a, c) => priority(a) - priority(c) || a - c));
    expect(b.maintained).toBeGreaterThanOrEqual(4);
    expect(b.maintained).toBeLessThan(10);
  });

  it('lets a more urgent interrupt in when all list registers are full', () => {
    const b = bench(version);
    for (let id = 40; id < 46; id++) b.enable(id, 0xa0, 0, true);
    b.enable(50, 0x20, 0, true);
    for (let id = 40; id < 46; id++) b.vgic.spi(id - 32).set(true);
    b.enter(0);
    b.vgic.spi(50 - 32).set(true);
    b.enter(0);
    expect(drain(b)).toEqual([50, 40, 41, 42, 43, 44, 45]);
  });

  it('preempts as deep as priorities go, and ends what has no list register', () => {
    const b = bench(version);
    const ids = [60, 61, 62, 63, 64, 65];
    ids.forEach((id, i) => {
      b.enable(id, 0xe0 - 0x20 * i, 0, true);
    });
    const taken: number[] = [];
    for (const id of ids) {
      b.vgic.spi(id - 32).set(true);
      b.enter(0);
      taken.push(b.acknowledge(0));
    }
    expect(taken.map(idOf)).toEqual(ids);
    b.enter(0);
    for (const told of taken.reverse()) {
      b.end(0, told);
      if (b.physical(0, 25).pending) b.enter(0);
    }
    b.write(0, 0x200, 0); // brings the state up to date
    expect([b.read(0, 0x304), b.read(0, 0x308)]).toEqual([0, 0]);
    b.vgic.spi(60 - 32).set(false);
    b.vgic.spi(60 - 32).set(true);
    expect(drain(b)).toEqual([60]);
  });

  it('delivers nothing that is disabled, of a group that is off, or masked', () => {
    const b = bench(version);
    b.enable(40, 0x80, 0, true);
    b.write(0, 0x184, 1 << 8);
    b.asked.length = 0;
    b.vgic.spi(8).set(true);
    expect(b.asked).toEqual([]);
    expect(drain(b)).toEqual([]);
    b.write(0, 0x104, 1 << 8);
    expect(b.asked).toEqual([0]);
    b.write(0, 0, 0);
    expect(drain(b)).toEqual([]);
    b.write(0, 0, 3);
    b.guestControl(0, 3, 0x80, false);
    expect(drain(b)).toEqual([]);
    expect(b.within(0, () => b.vgic.wakes(b.ports[0] ?? never(), 0))).toBe(false);
    b.guestControl(0, 3, 0xf8, false);
    expect(b.within(0, () => b.vgic.wakes(b.ports[0] ?? never(), 0))).toBe(true);
    expect(drain(b)).toEqual([40]);
    expect(b.within(0, () => b.vgic.wakes(b.ports[0] ?? never(), 0))).toBe(false);
  });

  it('shows the guest what is pending and active, in list registers or not', () => {
    const b = bench(version);
    b.enable(40, 0x80, 0, true);
    b.vgic.spi(8).set(true);
    expect(b.read(0, 0x204)).toBe(1 << 8);
    b.enter(0);
    expect(b.read(0, 0x204)).toBe(1 << 8);
    b.enter(0);
    const told = b.acknowledge(0);
    expect([b.read(0, 0x204), b.read(0, 0x304)]).toEqual([0, 1 << 8]);
    b.enter(0);
    b.end(0, told);
    expect([b.read(0, 0x204), b.read(0, 0x304)]).toEqual([0, 0]);
    // Cleared by the guest before it takes it.
    b.vgic.spi(8).set(false);
    b.vgic.spi(8).set(true);
    b.enter(0);
    b.write(0, 0x284, 1 << 8);
    expect(drain(b)).toEqual([]);
    // Made pending by the guest.
    b.write(0, 0x204, 1 << 8);
    expect(drain(b)).toEqual([40]);
  });

  it('sends SGIs between vCPUs, none lost while the last is pending or active', () => {
    const b = bench(version, 2);
    for (const vcpu of [0, 1]) b.enable(3, 0x80, vcpu);
    b.asked.length = 0;
    b.send(0, 1, 3);
    expect(b.asked).toEqual([1]);
    b.enter(1);
    const told = b.acknowledge(1);
    expect(idOf(told)).toBe(3);
    // Sent again while vCPU 1 is in its handler, and has not been on its hypervisor since.
    b.send(0, 1, 3);
    expect(b.asked).toEqual([1, 1]);
    b.enter(1);
    b.end(1, told);
    expect(drain(b, 1)).toEqual([3]);
    expect(drain(b, 0)).toEqual([]);
  });

  it('goes where the guest has it go, even when a list register of another vCPU has it', () => {
    const b = bench(version, 2);
    const retarget = (vcpu: number): void => {
      if (version === 2) b.write(0, 0x800 + 40, 1 << vcpu, 1);
      else b.write(0, 0x6000 + 8 * 40, vcpu);
    };
    const edge = (): void => {
      b.vgic.spi(8).set(false);
      b.vgic.spi(8).set(true);
    };
    b.enable(40, 0x80, 0, true);
    edge();
    expect([drain(b, 0), drain(b, 1)]).toEqual([[40], []]);
    retarget(1);
    edge();
    expect([drain(b, 0), drain(b, 1)]).toEqual([[], [40]]);
    edge();
    b.enter(1);
    expect(b.signalled(1)).toBe(true);
    b.asked.length = 0;
    retarget(0);
    expect(b.asked).toContain(1);
    b.enter(1);
    expect([drain(b, 1), drain(b, 0)]).toEqual([[], [40]]);
  });

  it('moves a vCPU to another CPU with all that it has in flight', () => {
    const b = bench(version, 2);
    b.enable(40, 0x80, 0, true);
    b.enable(41, 0x40, 0);
    b.vgic.spi(8).set(true);
    b.enter(0);
    const told = b.acknowledge(0);
    b.vgic.spi(9).set(true);
    b.enter(0);
    b.unload(1);
    b.unload(0);
    b.load(0, 1);
    b.enter(0);
    const urgent = b.acknowledge(0);
    expect(idOf(urgent)).toBe(41);
    b.vgic.spi(9).set(false);
    b.enter(0);
    b.end(0, urgent);
    b.end(0, told);
    expect(drain(b)).toEqual([]);
    b.vgic.spi(8).set(false);
    b.vgic.spi(8).set(true);
    expect(drain(b)).toEqual([40]);
  });

  it('deactivates the host interrupt behind one of its own', () => {
    const b = bench(version);
    b.vgic.link(0, 27, 27);
    b.enable(27, 0x80, 0);
    b.within(0, () => {
      b.vgic.raise(0, 27);
    });
    // The hypervisor has acknowledged it, and dropped its priority: it is active.
    const [port] = b.ports;
    if (port === undefined) throw new Error('no port');
    b.unload(0);
    expect(b.physical(0, 27).active).toBe(false);
    b.load(0);
    expect(b.physical(0, 27).active).toBe(true);
    b.enter(0);
    const told = b.acknowledge(0);
    expect(idOf(told)).toBe(27);
    expect(b.vgic.isRaised(0, 27)).toBe(true);
    expect(b.physical(0, 27).active).toBe(true);
    b.end(0, told);
    expect(b.physical(0, 27).active).toBe(false);
    expect(b.within(0, () => b.vgic.isRaised(0, 27))).toBe(false); // what the guest has just ended is seen
    expect(b.enter(0)).toBe(false);
  });

  it('takes a level-sensitive interrupt back when its wire is low, and lets the host interrupt come again', () => {
    const b = bench(version);
    let high = true;
    b.vgic.link(0, 27, 27, () => high);
    b.enable(27, 0x80, 0);
    const [port] = b.ports;
    if (port === undefined) throw new Error('no port');
    const follow = (): void => {
      b.within(0, () => {
        b.vgic.follow(port, 0);
      });
      b.enter(0);
    };
    const comes = (): void => {
      high = true;
      b.within(0, () => {
        b.vgic.raise(0, 27);
      });
      b.enter(0);
    };
    b.unload(0);
    b.within(0, () => {
      b.vgic.raise(0, 27);
    });
    b.load(0);
    b.enter(0);
    expect(b.signalled(0)).toBe(true);
    expect(b.vgic.mayWithdraw(0)).toBe(true);
    follow();
    expect(b.signalled(0)).toBe(true);
    high = false;
    follow();
    expect(b.signalled(0)).toBe(false);
    expect(b.vgic.mayWithdraw(0)).toBe(false);
    expect(b.physical(0, 27).active).toBe(false);
    // What the guest has acknowledged stays active, and the host's with it.
    comes();
    const told = b.acknowledge(0);
    expect(b.vgic.mayWithdraw(0)).toBe(true); // until an exit shows otherwise
    high = false;
    follow();
    expect(idOf(told)).toBe(27);
    expect(b.vgic.isRaised(0, 27)).toBe(true);
    b.end(0, told);
    expect(b.within(0, () => b.vgic.isRaised(0, 27))).toBe(false);
    // One that is ended while its wire is high comes by the host's alone.
    comes();
    b.end(0, b.acknowledge(0));
    follow();
    expect(b.signalled(0)).toBe(false);
    comes();
    expect(b.signalled(0)).toBe(true);
    // What the guest has made pending itself stays so.
    b.write(0, 0x200, 2 ** 27);
    high = false;
    follow();
    expect(b.signalled(0)).toBe(true);
  });

  it('frees the host interrupt when the guest itself clears its own', () => {
    const b = bench(version);
    b.vgic.link(0, 27, 27);
    b.enable(27, 0x80, 0);
    b.within(0, () => {
      b.vgic.raise(0, 27);
    });
    b.unload(0);
    b.load(0);
    b.enter(0);
    expect(b.physical(0, 27).active).toBe(true);
    b.write(0, 0x280, 2 ** 27);
    expect(b.physical(0, 27).active).toBe(false);
    expect(drain(b)).toEqual([]);
  });

  it('is saved with what is in list registers, and goes on as it was', () => {
    const run = (restore: boolean): number[] => {
      let b = bench(version);
      for (let id = 40; id < 50; id++) b.enable(id, 8 * (id - 30), 0, true);
      for (let id = 40; id < 50; id++) b.vgic.spi(id - 32).set(true);
      b.enter(0);
      const told = b.acknowledge(0);
      b.enter(0);
      b.end(0, told);
      if (restore) {
        b.unload(0);
        const shape = version === 2 ? virtualGicV2Shape : virtualGicV3Shape;
        const state = shape.check(structuredClone(b.save()), '');
        b = bench(version, 1, 4, state);
        b.load(0);
      }
      return [idOf(told), ...drain(b)];
    };
    expect(run(true)).toEqual(run(false));
  });

  it('refuses a damaged state', () => {
    const state = bench(version).save();
    const shape = version === 2 ? virtualGicV2Shape : virtualGicV3Shape;
    expect(() => bench(version, 2, 4, state)).toThrow(StateError);
    expect(() => bench(version, 1, 8, state)).toThrow(StateError);
    expect(() => shape.check({ ...state, flight: { ...state.flight, held: [] } }, '')).toThrow('flight.held');
    expect(() => shape.check({ ...state, distributor: null }, '')).toThrow(StateError);
    const owner = state.flight.owner.map(() => 9);
    expect(() => bench(version, 1, 4, { ...state, flight: { ...state.flight, owner } })).toThrow('owner');
  });
});

const never = (): never => {
  throw new Error('no port');
};

describe('a virtual GICv2', () => {
  it('tells who sent an SGI, and delivers one for each sender', () => {
    const b = bench(2, 3);
    b.enable(5, 0x80, 2);
    b.send(0, 2, 5);
    b.send(1, 2, 5);
    b.enter(2);
    const first = b.acknowledge(2);
    expect(first).toBe(5);
    b.end(2, first);
    expect(b.enter(2)).toBe(true);
    const second = b.acknowledge(2);
    expect(second).toBe(5 | (1 << 10));
    b.end(2, second);
    expect(drain(b, 2)).toEqual([]);
  });
});
