// The physical CPU interface with one Security state (IHI 0069 4.1, 4.8, 12.2).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, group, poweredUp, running } from './rig.ts';
import type { Rig } from './rig.ts';

/** Makes interrupts pending at priorities. */
function pend(rig: Rig, interrupts: Readonly<Record<number, number>>): void {
  for (const [id, priority] of Object.entries(interrupts)) {
    enable(rig, Number(id), priority);
    rig.wire(Number(id), true);
  }
}

describe('identification', () => {
  test('ICC_CTLR_EL1 has five priority bits, 16 bits of ID and Aff3', () => {
    expect(poweredUp({ cpus: 1 }).mrs('ICC_CTLR_EL1')).toBe(0x8400);
  });

  test('ICC_SRE is fixed: system registers, no bypass; Enable of EL2 and EL3 can be cleared', () => {
    const rig = poweredUp({ cpus: 1 });
    expect(['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3'].map((name) => rig.mrs(name))).toEqual([7, 15, 15]);
    for (const name of ['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3']) rig.msr(name, 0);
    expect(['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3'].map((name) => rig.mrs(name))).toEqual([7, 7, 7]);
  });

  test('the bank says GICv3', () => {
    expect(poweredUp({ cpus: 1 }).device.bank.id).toEqual({ ID_AA64PFR0_EL1: { GIC: 1 } });
  });

  test('a CPU that is not there reads as zero', () => {
    const rig = poweredUp({ cpus: 1 });
    rig.msr('ICC_PMR', 0xff, 1);
    expect(rig.mrs('ICC_CTLR_EL1', 1)).toBe(0);
  });
});

describe('acknowledging', () => {
  test('takes the highest priority, and of equal ones the lowest ID', () => {
    const rig = running();
    pend(rig, { 40: 0xa0, 41: 0x80, 50: 0x80 });
    expect(rig.pins()).toEqual(['irq0']);
    expect(rig.mrs('ICC_HPPIR1')).toBe(41);
    expect(rig.mrs('ICC_IAR1')).toBe(41);
    expect(rig.mrs('ICC_RPR')).toBe(0x80);
    expect([bitOf(rig, 'ISACTIVER', 41), rig.pins()]).toEqual([1, []]);
  });

  test('with nothing pending gives 1023', () => {
    const rig = running();
    const shown = ['IAR0', 'IAR1', 'HPPIR0', 'HPPIR1'].map((name) => rig.mrs(`ICC_${name}`));
    expect(shown).toEqual([1023, 1023, 1023, 1023]);
    expect(rig.mrs('ICC_RPR')).toBe(0xff);
  });

  test('takes an edge away and leaves a level', () => {
    const rig = running();
    rig.write('GICD_ICFGR[2]', 2 << 16); // 40 is edge-triggered
    pend(rig, { 40: 0xa0, 41: 0xa0 });
    rig.wire(40, false);
    expect(rig.mrs('ICC_IAR1')).toBe(40);
    expect(bitOf(rig, 'ISPENDR', 40)).toBe(0);
    rig.msr('ICC_EOIR1', 40);
    expect(rig.mrs('ICC_IAR1')).toBe(41);
    expect(bitOf(rig, 'ISPENDR', 41)).toBe(1);
  });

  test.each([
    [
      'the distributor',
      (rig: Rig, on: number) => {
        rig.write('GICD_CTLR', on * 2);
      },
    ],
    [
      'the CPU interface',
      (rig: Rig, on: number) => {
        rig.msr('ICC_IGRPEN1_EL1', on);
      },
    ],
    [
      'the interrupt',
      (rig: Rig, on: number) => {
        rig.write(`GICD_I${on ? 'S' : 'C'}ENABLER[1]`, 1 << 8);
      },
    ],
    [
      'wakefulness',
      (rig: Rig, on: number) => {
        rig.write('GICR_WAKER', on ? 0 : 2);
      },
    ],
  ])('gives nothing without %s', (_, turn) => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    turn(rig, 0);
    expect([rig.pins(), rig.mrs('ICC_IAR1'), rig.mrs('ICC_HPPIR1')]).toEqual([[], 1023, 1023]);
    turn(rig, 1);
    expect(rig.pins()).toEqual(['irq0']);
  });
});

describe('the priority mask', () => {
  test('lets higher priorities pass, and no equal one', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.msr('ICC_PMR', 0xa0);
    expect([rig.pins(), rig.mrs('ICC_IAR1'), rig.mrs('ICC_HPPIR1')]).toEqual([[], 1023, 40]);
    rig.msr('ICC_PMR', 0xa8);
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('has five bits', () => {
    const rig = poweredUp({ cpus: 1 });
    rig.msr('ICC_PMR', 0xff);
    expect(rig.mrs('ICC_PMR')).toBe(0xf8);
  });
});

describe('preemption', () => {
  test('is by a higher group priority alone, and ends in the reverse order', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    pend(rig, { 41: 0xa0 });
    expect(rig.pins()).toEqual([]);
    pend(rig, { 42: 0x98 });
    expect(rig.pins()).toEqual(['irq0']);
    expect([rig.mrs('ICC_IAR1'), rig.mrs('ICC_RPR')]).toEqual([42, 0x98]);
    rig.wire(42, false);
    rig.msr('ICC_EOIR1', 42);
    expect(rig.mrs('ICC_RPR')).toBe(0xa0);
    rig.wire(40, false);
    rig.msr('ICC_EOIR1', 40);
    expect(rig.mrs('ICC_RPR')).toBe(0xff);
  });

  test('ignores the bits below the binary point, which counts one more for Group 1', () => {
    const rig = running();
    rig.msr('ICC_BPR1', 6); // group priority is bits 7:6
    pend(rig, { 40: 0xb8 });
    rig.mrs('ICC_IAR1');
    expect(rig.mrs('ICC_RPR')).toBe(0x80);
    pend(rig, { 41: 0x80 });
    expect(rig.pins()).toEqual([]);
    pend(rig, { 42: 0x78 });
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('by the first binary point with CBPR, which ICC_BPR1_EL1 shows plus one and cannot change', () => {
    const rig = running();
    rig.msr('ICC_BPR0', 5);
    rig.msr('ICC_BPR1', 7);
    rig.msr('ICC_CTLR_EL1', 1);
    expect(rig.mrs('ICC_BPR1')).toBe(6);
    rig.msr('ICC_BPR1', 3);
    expect([rig.mrs('ICC_BPR0'), rig.mrs('ICC_BPR1')]).toEqual([5, 6]);
    pend(rig, { 40: 0xb8 });
    rig.mrs('ICC_IAR1');
    expect(rig.mrs('ICC_RPR')).toBe(0x80);
    rig.msr('ICC_CTLR_EL1', 0);
    expect(rig.mrs('ICC_BPR1')).toBe(7);
  });

  test('has binary points of at least 2 and 3', () => {
    const rig = running();
    rig.msr('ICC_BPR0', 0);
    rig.msr('ICC_BPR1', 0);
    expect([rig.mrs('ICC_BPR0'), rig.mrs('ICC_BPR1')]).toEqual([2, 3]);
  });

  test('is shown by the active priorities, by group, which software can save and restore', () => {
    const rig = running();
    group(rig, 41, 0);
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    pend(rig, { 41: 0x40 });
    rig.mrs('ICC_IAR0');
    expect([rig.mrs('ICC_AP0R0'), rig.mrs('ICC_AP1R0')]).toEqual([1 << 8, 1 << 20]);
    rig.msr('ICC_AP0R0', 0);
    expect(rig.mrs('ICC_RPR')).toBe(0xa0);
    rig.msr('ICC_AP1R0', 1 << 4);
    expect(rig.mrs('ICC_RPR')).toBe(0x20);
  });
});

describe('ending', () => {
  test('deactivates what was level-sensitive, and it comes again', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_EOIR1', 40);
    expect([bitOf(rig, 'ISACTIVER', 40), rig.pins()]).toEqual([0, ['irq0']]);
  });

  test.each([1020, 1021, 1022, 1023, 288, 0xff_ffff])('of %i does nothing', (id) => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_EOIR1', id);
    expect(rig.mrs('ICC_RPR')).toBe(0xa0);
  });

  test('through the register of the other group does nothing', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_EOIR0', 40);
    expect(rig.mrs('ICC_RPR')).toBe(0xa0);
  });

  test('with EOImode drops the priority, and ICC_DIR_EL1 deactivates', () => {
    const rig = running();
    rig.msr('ICC_CTLR_EL1', 2);
    pend(rig, { 40: 0xa0, 41: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_EOIR1', 40);
    expect([rig.mrs('ICC_RPR'), bitOf(rig, 'ISACTIVER', 40), rig.mrs('ICC_HPPIR1')]).toEqual([0xff, 1, 41]);
    rig.msr('ICC_DIR', 40);
    expect([bitOf(rig, 'ISACTIVER', 40), rig.mrs('ICC_HPPIR1')]).toEqual([0, 40]);
  });

  test('with EOImode clear makes ICC_DIR_EL1 do nothing', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_DIR', 40);
    expect(bitOf(rig, 'ISACTIVER', 40)).toBe(1);
  });

  test('on another CPU deactivates with ICC_DIR_EL1', () => {
    const rig = running({ cpus: 2 });
    rig.msr('ICC_CTLR_EL1', 2, 0);
    rig.msr('ICC_CTLR_EL1', 2, 1);
    pend(rig, { 40: 0xa0 });
    rig.mrs('ICC_IAR1');
    rig.msr('ICC_EOIR1', 40);
    rig.msr('ICC_DIR', 40, 1);
    expect(bitOf(rig, 'ISACTIVER', 40)).toBe(0);
  });
});

describe('groups', () => {
  test('0 comes as FIQ and is acknowledged by ICC_IAR0_EL1 alone', () => {
    const rig = running();
    group(rig, 40, 0);
    pend(rig, { 40: 0xa0 });
    expect(rig.pins()).toEqual(['fiq0']);
    expect([rig.mrs('ICC_IAR1'), rig.mrs('ICC_HPPIR1'), rig.mrs('ICC_HPPIR0')]).toEqual([1023, 1023, 40]);
    expect(rig.mrs('ICC_IAR0')).toBe(40);
    rig.wire(40, false);
    rig.msr('ICC_EOIR0', 40);
    expect([rig.mrs('ICC_RPR'), bitOf(rig, 'ISACTIVER', 40)]).toEqual([0xff, 0]);
  });

  test('1 is not acknowledged by ICC_IAR0_EL1', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    expect([rig.mrs('ICC_IAR0'), rig.mrs('ICC_HPPIR0')]).toEqual([1023, 1023]);
  });

  test('that are disabled hide no interrupt of the other', () => {
    const rig = running();
    group(rig, 41, 0);
    pend(rig, { 40: 0xa0, 41: 0x80 });
    rig.msr('ICC_IGRPEN0', 0);
    expect(rig.mrs('ICC_IAR1')).toBe(40);
  });
});

describe('a reset of the CPU', () => {
  test('resets its interface, and not what the distributor and the redistributor have', () => {
    const rig = running({ cpus: 1, listRegisters: 4 });
    enable(rig, 40);
    rig.msr('ICH_LR0_EL2', 40, 0, 1 << 30);
    rig.device.resetCpu(0);
    expect(['ICC_PMR', 'ICC_IGRPEN1_EL1', 'ICH_LR0'].map((name) => rig.mrs(name))).toEqual([0, 0, 0]);
    expect([rig.read('GICR_WAKER'), bitOf(rig, 'ISENABLER', 40)]).toEqual([0, 1]);
  });
});
