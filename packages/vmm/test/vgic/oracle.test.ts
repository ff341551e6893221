// Random interrupts, accesses and turns: a guest of the virtual interrupt controller sees what one of the hardware model sees.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gicV2, gicV3 } from '@worldswitch/gic';
import type { GicV2, GicV3 } from '@worldswitch/gic';
import { alone, requester } from '@worldswitch/platform';

import { bench } from './bench.ts';
import type { Bench } from './bench.ts';

const vcpus = 2;
const none = 1023;
/** Shared interrupts from 32, those with even numbers edge-triggered; SGIs 1 and 2; PPI 20. */
const shared = 14;
const targetOf = (id: number): number => (id % 5 === 0 ? 1 : 0);

/** The hardware, behind the same operations as the bench. */
interface Hardware {
  wire(id: number, vcpu: number, level: boolean): void;
  signalled(vcpu: number): boolean;
  acknowledge(vcpu: number): number;
  end(vcpu: number, told: number): void;
  read(vcpu: number, offset: number): number;
  write(vcpu: number, offset: number, value: number, width?: 1 | 4): void;
  send(from: number, to: number, id: number): void;
}

function hardware(version: 2 | 3): Hardware {
  const levels = new Map<string, boolean>();
  const wiring = alone<string>((pin, level) => levels.set(pin, level));
  const gic: GicV2 | GicV3 =
    version === 2 ? gicV2.create({ cpus: vcpus }, wiring) : gicV3.create({ cpus: vcpus }, wiring);
  const by = [0, 1].map((index) => requester({ requester: index }));
  const of = (vcpu: number): (typeof by)[number] => by[vcpu] ?? requester();
  const block = (index: number): (typeof gic.mmio)[number] => {
    const found = gic.mmio[index];
    if (found === undefined) throw new Error('no block');
    return found;
  };
  const system = (vcpu: number, name: string, value?: number): number => {
    if (!('bank' in gic)) throw new Error('no bank');
    const out = { lo: 0, hi: 0 };
    const number = gic.bank.registers.indexOf(name);
    if (value === undefined) gic.bank.read(vcpu, number, out);
    else gic.bank.write(vcpu, number, value, 0);
    return out.lo;
  };
  const place = (vcpu: number, offset: number): [number, number] =>
    version === 3 && isPrivate(offset) ? [1, 0x2_0000 * vcpu + 0x1_0000 + offset] : [0, offset];
  const self: Hardware = {
    wire: (id, vcpu, level) => {
      (id < 32 ? gic.inputs.ppi(vcpu, id - 16) : gic.inputs.spi(id - 32)).set(level);
    },
    signalled: (vcpu) => levels.get(`irq${vcpu}`) ?? false,
    acknowledge: (vcpu) => (version === 2 ? block(1).read(0xc, 4, of(vcpu)) : system(vcpu, 'ICC_IAR1_EL1')),
    end(vcpu, told) {
      if (version === 2) block(1).write(0x10, 4, told, of(vcpu));
      else system(vcpu, 'ICC_EOIR1_EL1', told);
    },
    read(vcpu, offset) {
      const [index, at] = place(vcpu, offset);
      return block(index).read(at, 4, of(vcpu));
    },
    write(vcpu, offset, value, width = 4) {
      const [index, at] = place(vcpu, offset);
      block(index).write(at, width, value, of(vcpu));
    },
    send(from, to, id) {
      if (version === 2) self.write(from, 0xf00, (1 << (16 + to)) | id);
      else system(from, 'ICC_SGI1R_EL1', ((id << 24) | (1 << to)) >>> 0);
    },
  };
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    self.write(vcpu, 0, 3);
    if (version === 2) {
      block(1).write(0, 4, 7, of(vcpu));
      block(1).write(4, 4, 0xf8, of(vcpu));
    } else {
      system(vcpu, 'ICC_IGRPEN1_EL1', 1);
      system(vcpu, 'ICC_PMR_EL1', 0xf8);
    }
  }
  return self;
}

function isPrivate(offset: number): boolean {
  if (offset < 0x80 || offset >= 0xd00) return false;
  if (offset < 0x400) return (offset & 0x7f) < 4;
  if (offset < 0xc00) return (offset & 0x3ff) < 32;
  return offset < 0xc08;
}

/** The same writes on both: all interrupts with priorities of their own. */
function prepare(write: Hardware['write'], version: 2 | 3): void {
  const own = [1, 2, 20];
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    own.forEach((id, i) => {
      write(vcpu, 0x400 + id, [0x18, 0xd8, 0xe0][i] ?? 0, 1);
    });
    if (version === 3) write(vcpu, 0x80, 0xffff_ffff);
    write(vcpu, 0x100, 0x10_0006);
  }
  for (let id = 32; id < 32 + shared; id++) {
    write(0, 0x400 + id, 8 * (((id * 5) % 17) + 10), 1);
    if (version === 2) write(0, 0x800 + id, 1 << targetOf(id), 1);
    else write(0, 0x6000 + 8 * id, targetOf(id));
  }
  write(0, 0xc08, 0x2222_2222);
  if (version === 3) write(0, 0x84, 0xffff_ffff);
  write(0, 0x104, 2 ** shared - 1);
}

type Step = readonly [kind: number, vcpu: number, n: number, on: boolean];
const step = fc.tuple(fc.nat(11), fc.nat(vcpus - 1), fc.nat(shared), fc.boolean());

/** Runs steps on both, and throws where they differ. */
function compare(version: 2 | 3, lists: number, steps: readonly Step[], spoil?: (b: Bench) => void): number {
  const b = bench(version, vcpus, lists);
  const h = hardware(version);
  prepare((...at) => {
    b.write(...at);
  }, version);
  prepare((...at) => {
    h.write(...at);
  }, version);
  spoil?.(b);
  const taken: number[][] = [[], []];
  let delivered = 0;
  const settle = (exited: number): void => {
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      if (vcpu === exited || b.asked.includes(vcpu) || b.physical(vcpu, 25).pending) b.enter(vcpu);
    }
    b.asked.length = 0;
  };
  settle(0);
  for (const [kind, vcpu, n, on] of steps) {
    const id = n === shared ? 20 : 32 + n;
    const bit = 2 ** (id & 31);
    const word = 4 * (id >>> 5);
    let exited = vcpu;
    const stack = taken[vcpu] ?? [];
    if (kind < 4) {
      b.within(vcpu, () => {
        (id < 32 ? b.vgic.ppi(vcpu, id - 16) : b.vgic.spi(id - 32)).set(on);
      });
      h.wire(id, vcpu, on);
    } else if (kind < 6) {
      exited = -1; // no exit by itself
      const told = b.acknowledge(vcpu);
      expect(told).toBe(h.acknowledge(vcpu));
      if ((told & 0x3ff) !== none) {
        delivered++;
        stack.push(told);
      }
    } else if (kind < 8) {
      exited = -1;
      const told = stack.pop();
      if (told !== undefined) {
        b.end(vcpu, told);
        h.end(vcpu, told);
      }
    } else if (kind === 8) {
      b.send(vcpu, n & 1, 1 + (n & 2) / 2);
      h.send(vcpu, n & 1, 1 + (n & 2) / 2);
    } else if (kind === 9) {
      b.write(vcpu, (on ? 0x100 : 0x180) + word, bit);
      h.write(vcpu, (on ? 0x100 : 0x180) + word, bit);
    } else if (kind === 10) {
      b.write(vcpu, (on ? 0x200 : 0x280) + word, bit);
      h.write(vcpu, (on ? 0x200 : 0x280) + word, bit);
    } else {
      if (on) {
        b.unload(vcpu);
        b.load(vcpu);
      } else
        for (let each = 0; each < vcpus; each++)
          b.within(each, () => {
            b.vgic.maintain(b.ports[each] ?? never(), each);
          });
      for (const offset of [0x200, 0x204, 0x300, 0x304]) {
        if (!on) expect(b.read(vcpu, offset)).toBe(h.read(vcpu, offset));
      }
      for (let each = 0; each < vcpus; each++) b.enter(each);
    }
    settle(exited);
    for (let each = 0; each < vcpus; each++) expect(b.signalled(each)).toBe(h.signalled(each));
  }
  return delivered;
}

const never = (): never => {
  throw new Error('no port');
};

const runs = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 40 : 2000;

describe.each([2, 3] as const)('a virtual GICv%i', (version) => {
  it.each([1, 2, 4, 16])('with %i list registers delivers what the hardware does', (lists) => {
    let delivered = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        delivered += compare(version, lists, steps);
      }),
      { numRuns: runs, seed: 20260101 + lists },
    );
    expect(delivered).toBeGreaterThan(runs);
  });
});

describe('the comparison', () => {
  // Three edges at once, then taken and ended one after the other.
  const steps: Step[] = [0, 2, 4].flatMap((n): Step[] => [[0, 0, n, true]]);
  for (let i = 0; i < 3; i++) steps.push([4, 0, 0, true], [6, 0, 0, true]);

  it('passes where nothing is spoilt', () => {
    expect(compare(2, 1, steps)).toBe(3);
  });

  it('fails where a wire is cut', () => {
    const cut = (b: Bench): void => {
      b.vgic.spi = () => ({ level: false, set: () => undefined });
    };
    expect(() => compare(2, 1, steps, cut)).toThrow();
  });

  it('fails where maintenance interrupts are not heeded', () => {
    const deaf = (b: Bench): void => {
      b.physical = () => ({ active: false, pending: false });
    };
    expect(() => compare(2, 1, steps, deaf)).toThrow();
  });

  it('fails where vCPUs are not told that they have something new', () => {
    const far: Step[] = [[0, 0, 3, true]]; // by vCPU 0, for vCPU 1
    expect(compare(2, 1, far)).toBe(0);
    const silent = (b: Bench): void => {
      b.asked.push = () => 0;
    };
    expect(() => compare(2, 1, far, silent)).toThrow();
  });
});
