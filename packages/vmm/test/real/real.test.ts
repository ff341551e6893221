// The kit on the simulated CPU: what guests see, and how many exits it costs them.

import { describe, expect, it } from 'vitest';

import { systemRegister } from '../../src/index.ts';
import {
  burstGuest,
  identityGuest,
  nullGuest,
  physicalTimerGuest,
  pingPongGuest,
  RESULTS,
  switchGuest,
  timerGuest,
} from './guests.ts';
import { guestWord, rig } from './rig.ts';
import type { RigOptions } from './rig.ts';

function run(options: RigOptions, most = 3_000_000): ReturnType<typeof rig> & { readonly ends: string } {
  const made = rig(options);
  const ends = made.machine.run(most);
  if (ends === 'dead') throw new Error(made.machine.report());
  return { ...made, ends };
}

describe.each([2, 3] as const)('on a GICv%i', (gic) => {
  it('an interrupt of the virtual timer costs one exit, its acknowledgement and its end none', () => {
    const { ends, machine, rig: made } = run({ gic, guests: [{ text: timerGuest(gic, 25) }] });
    expect(ends).toBe('off');
    expect(guestWord(machine, RESULTS)).toBe(25);
    expect(made().exits.get('irq 27')).toBe(25);
    expect([...made().exits.keys()].filter((cause) => cause.startsWith('irq'))).toEqual(['irq 27']);
    expect(made().exits.get('mmio GICC')).toBe(undefined);
  });

  it('a vCPU that waits is woken by its timer, by way of the hypervisor\u2019s', () => {
    const { ends, machine, rig: made } = run({ gic, guests: [{ text: timerGuest(gic, 20, true) }] });
    expect(ends).toBe('off');
    expect(guestWord(machine, RESULTS)).toBe(20);
    expect(made().exits.get('wfi')).toBeGreaterThanOrEqual(19);
    expect(made().exits.get('irq while waiting')).toBeGreaterThanOrEqual(19);
    expect(made().exits.get('irq 27') ?? 0).toBeLessThanOrEqual(1);
  });

  it('the physical timer is emulated, on the same time', () => {
    const { ends, machine, rig: made } = run({ gic, guests: [{ text: physicalTimerGuest(gic, 10) }] });
    expect(ends).toBe('off');
    expect(guestWord(machine, RESULTS)).toBe(10);
    // CNTVCT_EL0 was read after CNTPCT_EL0, and no more than an exit later.
    expect(guestWord(machine, RESULTS + 8)).toBeLessThan(30);
    expect(made().exits.get('irq 26')).toBe(10);
    expect(made().exits.get('CNTP_CVAL_EL0')).toBe(1 + 2 * 10);
    // The guest moves its deadline before it ends the interrupt: no notice is needed.
    expect(made().exits.get('irq 25')).toBe(undefined);
  });

  it('a vCPU is told what it is', () => {
    const { ends, machine, rig: made } = run({ gic, guests: [{ text: identityGuest, vcpus: 2 }] });
    expect(ends).toBe('off');
    for (const vcpu of [0, 1]) {
      const [mpidr, features, part, version, other] = [0, 4, 8, 12, 16].map((at) =>
        guestWord(machine, RESULTS + 64 * vcpu + at),
      );
      expect([mpidr, version]).toEqual([(0x8000_0000 | vcpu) >>> 0, 0x1_0001]);
      expect(features).toBe(gic === 3 ? 0x0100_0011 : 0x11);
      expect(part).toBe(0x411f_d070);
      expect(other).toBe(0);
    }
    expect(made().exits.get('ID_AA64PFR0_EL1')).toBe(2);
  });

  it('more interrupts than list registers come by their priorities, all but the first four three at a time', () => {
    const count = 28;
    const { ends, machine, rig: made } = run({ gic, guests: [{ text: burstGuest(gic, count) }] });
    expect(ends).toBe('off');
    const seen = Array.from({ length: count }, (_, i) => guestWord(machine, RESULTS + 4 * i));
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => 32 + count - 1 - i));
    // The one that the guest is at has the fourth list register.
    expect(made().exits.get('irq 25')).toBe(Math.ceil((count - 4) / 3));
  });

  it('SGIs go between vCPUs on one CPU and on two', () => {
    for (const cpus of [1, 2]) {
      const {
        ends,
        machine,
        rig: made,
      } = run({ gic, cpus, guests: [{ text: pingPongGuest(gic, 30), vcpus: 2 }] });
      expect(ends).toBe('off');
      expect([guestWord(machine, RESULTS), guestWord(machine, RESULTS + 4)]).toEqual([30, 30]);
      expect(made().exits.get(gic === 2 ? 'mmio GICD' : 'ICC_SGI1R_EL1')).toBeGreaterThanOrEqual(60);
    }
  });
});

describe('what is left undone is missed', () => {
  const most = 60_000;

  it('without the HW bit the host\u2019s timer interrupt comes once', () => {
    const { ends, rig: made } = run({ without: 'link', guests: [{ text: timerGuest(2, 25) }] }, most);
    expect(ends).toBe('budget');
    expect(made().exits.get('irq 27')).toBe(1);
  });

  it('without maintenance no list register is filled again', () => {
    const { ends, machine } = run({ without: 'maintenance', guests: [{ text: burstGuest(2, 28) }] }, most);
    expect(ends).toBe('budget');
    // It comes when the fourth is taken, before that is noted, and again at once.
    expect([guestWord(machine, RESULTS + 8), guestWord(machine, RESULTS + 12)]).toEqual([57, 0]);
  });

  it('without a class of registers, or without the trap of FP, guests see each other\u2019s', () => {
    for (const without of ['exceptions', 'float'] as const) {
      const guests = [1, 2].map((n) => ({ text: switchGuest(0x1111 * n, 10, true) }));
      const { machine } = run({ without, guests }, most);
      expect(guestWord(machine, RESULTS)).toBeLessThan(10);
    }
  });
});

describe('without the virtual CPU interface', () => {
  it('each interrupt costs two exits more', () => {
    const { ends, machine, rig: made } = run({ emulated: true, guests: [{ text: timerGuest(2, 25) }] });
    expect(ends).toBe('off');
    expect(guestWord(machine, RESULTS)).toBe(25);
    expect(made().exits.get('irq 27')).toBe(25);
    // Two to switch it on, one to acknowledge and one to end each.
    expect(made().exits.get('mmio GICC')).toBe(2 + 2 * 25);
  });

  it('interrupts still come by their priorities, without maintenance', () => {
    const count = 28;
    const { machine, rig: made } = run({ emulated: true, guests: [{ text: burstGuest(2, count) }] });
    const seen = Array.from({ length: count }, (_, i) => guestWord(machine, RESULTS + 4 * i));
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => 32 + count - 1 - i));
    expect(made().exits.get('irq 25')).toBe(undefined);
  });
});

describe('the world switch', () => {
  it('is no part of a null hypercall: no EL1 register and no interrupt controller is touched', () => {
    const { ends, machine, rig: made } = run({ guests: [{ text: nullGuest(1000) }] });
    expect(ends).toBe('off');
    expect(made().exits.get('hvc 16')).toBe(1000);
    const counts = machine.board.software[0]?.counts;
    if (counts === undefined) throw new Error('no counts');
    const accesses = (name: string): number =>
      (counts.readsOf[systemRegister(name)] ?? 0) + (counts.writesOf[systemRegister(name)] ?? 0);
    // Put there when the vCPU came, saved when it left.
    for (const name of ['SCTLR_EL1', 'TTBR0_EL1', 'VBAR_EL1', 'SP_EL0', 'CNTV_CVAL_EL0']) {
      expect(accesses(name)).toBe(2);
    }
    expect(made().moved.switches).toBe(1);
    expect(counts.deviceLoads + counts.deviceStores).toBeLessThan(60);
  });

  it('keeps vCPUs apart, and moves FP only for those that use it', () => {
    const rounds = 40;
    const bytes = (float: readonly boolean[]): number => {
      const guests = float.map((uses, n) => ({ text: switchGuest(0x1111 * (n + 1), rounds, uses) }));
      const { ends, machine, rig: made } = run({ guests });
      expect(ends).toBe('off');
      float.forEach((_, n) => {
        expect(guestWord(machine, RESULTS, n)).toBe(rounds);
      });
      return made().moved.bytes;
    };
    const [nobody, one, both] = [bytes([false, false]), bytes([true, false]), bytes([true, true])];
    // With one user its registers stay on the CPU: they are saved each time, and put there once.
    expect(one - nobody).toBe(528 * (rounds + 1 + 1));
    expect(both - nobody).toBe(528 * 2 * (2 * (rounds + 1)));
  });
});
