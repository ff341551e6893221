// Where interrupts go, and when they are taken, from every exception level under every control (DDI 0487 D1.13, "Asynchronous
// exception types, routing, masking and priorities"; ISR_EL1).

import { describe, expect, test } from 'vitest';

import type { CpuPin } from '@worldswitch/platform';

import { RAM, VECTORS } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';
import { apply, trapMachine } from './rig.ts';

/** The interrupts: pin, virtual pin, offset of the vector, PSTATE mask, bits of SCR_EL3, HCR_EL2 (routing and virtual), ISR_EL1. */
const KINDS = [
  { pin: 'irq', virtual: 'virq', vector: 0x80, mask: 2, scr: 2n, hcr: 0x10n, raise: 0x80n, isr: 0x80n },
  { pin: 'fiq', virtual: 'vfiq', vector: 0x100, mask: 1, scr: 4n, hcr: 8n, raise: 0x40n, isr: 0x40n },
  {
    pin: 'serror',
    virtual: undefined,
    vector: 0x180,
    mask: 4,
    scr: 8n,
    hcr: 0x20n,
    raise: 0x100n,
    isr: 0x100n,
  },
] as const satisfies readonly { pin: CpuPin; virtual: CpuPin | undefined; [other: string]: unknown }[];

const RW = 0x8000_0000n;
const NS = 0x531n;

/**
 * Rows of the routing tables: Security state, SCR_EL3's bit, HCR_EL2.TGE and its bit; then for EL0 to EL3 the level that takes the
 * interrupt, `m` after it where PSTATE's mask matters, or `-` where it stays pending, or `.` where the combination cannot be.
 */
const ROUTES = [
  'ns 0 0 0: 1m 1m -  -',
  'ns 0 0 1: 2  2  2m -',
  'ns 0 1 0: 2  .  2m -',
  'ns 0 1 1: 2  .  2m -',
  'ns 1 0 0: 3  3  3  3m',
  'ns 1 0 1: 3  3  3  3m',
  'ns 1 1 0: 3  .  3  3m',
  's  0 0 0: 1m 1m .  -',
  's  0 0 1: 1m 1m .  -',
  's  0 1 1: 1m 1m .  -',
  's  1 0 0: 3  3  .  3m',
  's  1 0 1: 3  3  .  3m',
].map((line) => {
  const [state = '', scr, tge, hcr, ...targets] = line.replace(':', '').split(/\s+/);
  return { secure: state === 's', scr: scr === '1', tge: tge === '1', hcr: hcr === '1', targets, line };
});

/** Enters a level with all of PSTATE.DAIF but the given masks clear, and polls. The level that took an interrupt, or undefined. */
function poll(m: Machine, el: number, daif: number): number | undefined {
  m.enter(el);
  m.cpu.state.daif = daif;
  m.cpu.state.pc = BigInt(RAM);
  m.cpu.interruptsChanged();
  return m.cpu.poll() ? m.cpu.state.el : undefined;
}

describe.each(KINDS)('$pin', (kind) => {
  test.each(ROUTES)('$line', ({ secure, scr, tge, hcr, targets }) => {
    targets.forEach((target, el) => {
      if (target === '.') return;
      for (const masked of [false, true]) {
        const m = trapMachine();
        apply(m, {
          SCR_EL3: (secure ? NS & ~1n : NS) | (scr ? kind.scr : 0n),
          HCR_EL2: RW | (tge ? 0x800_0000n : 0n) | (hcr ? kind.hcr : 0n),
        });
        m.cpu.setPin(kind.pin, true);
        const stays = target === '-' || (masked && target.endsWith('m'));
        const expected = stays ? undefined : Number.parseInt(target, 10);
        expect(poll(m, el, masked ? 15 : 15 & ~kind.mask), `EL${String(el)}, masked: ${String(masked)}`).toBe(
          expected,
        );
        if (expected === undefined) continue;
        const group = el < expected ? 0x400 : el === 0 ? 0 : 0x200;
        expect(m.cpu.state.pc).toBe(BigInt(VECTORS + group + kind.vector));
        if (kind.pin === 'serror') expect(m.cpu.register(`ESR_EL${String(expected)}`) >> 25n).toBe(0x5fn);
      }
    });
  });

  test('the virtual one is taken at EL1 alone, where HCR_EL2 routes the physical one', () => {
    for (const el of [0, 1, 2, 3]) {
      for (const [hcr, state, taken] of [
        [kind.hcr, NS, el < 2],
        [0n, NS, false],
        [kind.hcr | 0x800_0000n, NS, false],
        [kind.hcr, NS & ~1n, false],
      ] as const) {
        if (el === 2 && state !== NS) continue;
        if (el === 1 && (hcr & 0x800_0000n) !== 0n) continue;
        for (const masked of [false, true]) {
          const m = trapMachine();
          apply(m, { SCR_EL3: state, HCR_EL2: RW | hcr | kind.raise });
          expect(poll(m, el, masked ? kind.mask : 0)).toBe(taken && !masked ? 1 : undefined);
          if (!taken || masked) continue;
          expect(m.cpu.state.pc).toBe(BigInt(VECTORS + (el === 0 ? 0x400 : 0x200) + kind.vector));
          // A virtual SError is pending once.
          const left = m.cpu.register('HCR_EL2') & kind.raise;
          expect(left).toBe(kind.pin === 'serror' ? 0n : kind.raise);
        }
      }
    }
  });

  test('ISR_EL1 shows the physical one, and at EL1 the virtual one in its place', () => {
    const m = trapMachine();
    const shown = (el: number): bigint => {
      m.enter(el);
      m.cpu.state.daif = 15;
      m.run('mrs x1, isr_el1');
      return m.x(1);
    };
    apply(m, { SCR_EL3: NS, HCR_EL2: RW });
    m.cpu.setPin(kind.pin, true);
    expect([1, 2, 3].map(shown)).toEqual([kind.isr, kind.isr, kind.isr]);
    apply(m, { HCR_EL2: RW | kind.hcr });
    expect([1, 2, 3].map(shown)).toEqual([0n, kind.isr, kind.isr]);
    m.cpu.setPin(kind.pin, false);
    apply(m, { HCR_EL2: RW | kind.hcr | kind.raise });
    expect([1, 2, 3].map(shown)).toEqual([kind.isr, 0n, 0n]);
    // Secure EL1 has no virtual interrupts.
    apply(m, { SCR_EL3: NS & ~1n });
    expect(shown(1)).toBe(0n);
  });
});

describe('virtual pins', () => {
  test.each([
    ['virq', 0x10n, 0x80],
    ['vfiq', 8n, 0x100],
  ] as const)('%s is taken like the bit of HCR_EL2', (pin, hcr, vector) => {
    const m = trapMachine();
    apply(m, { SCR_EL3: NS, HCR_EL2: RW | hcr });
    m.cpu.setPin(pin, true);
    expect(poll(m, 1, 15)).toBeUndefined();
    expect(poll(m, 2, 0)).toBeUndefined();
    expect(poll(m, 1, 0)).toBe(1);
    expect(m.cpu.state.pc).toBe(BigInt(VECTORS + 0x200 + vector));
    apply(m, { HCR_EL2: RW });
    expect(poll(m, 1, 0)).toBeUndefined();
  });
});

describe('priority', () => {
  test('SError, then FIQ, then IRQ; a physical one before a virtual one', () => {
    const m = trapMachine();
    apply(m, { SCR_EL3: NS, HCR_EL2: RW });
    const order: number[] = [];
    const pins = ['irq', 'fiq', 'serror'] as const;
    for (const pin of pins) m.cpu.setPin(pin, true);
    for (const pin of [...pins].reverse()) {
      expect(poll(m, 1, 0)).toBe(1);
      order.push(Number(m.cpu.state.pc) - VECTORS - 0x200);
      m.cpu.setPin(pin, false);
    }
    expect(order).toEqual([0x180, 0x100, 0x80]);
  });
});
