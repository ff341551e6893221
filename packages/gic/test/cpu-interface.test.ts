// The CPU interface (IHI 0048B 3.2, 3.3, 4.4).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, running } from './rig.ts';
import type { Rig } from './rig.ts';

/** Makes interrupts pending at priorities. */
function pend(rig: Rig, interrupts: Readonly<Record<number, number>>): void {
  for (const [id, priority] of Object.entries(interrupts)) {
    enable(rig, Number(id), priority);
    rig.wire(Number(id), true);
  }
}

describe('acknowledging', () => {
  test('takes the highest priority, and of equal ones the lowest ID', () => {
    const rig = running();
    pend(rig, { 40: 0xa0, 41: 0x80, 50: 0x80 });
    expect(rig.read('GICC_HPPIR')).toBe(41);
    expect(rig.read('GICC_IAR')).toBe(41);
    expect(rig.read('GICC_RPR')).toBe(0x80);
  });

  test('with nothing pending gives 1023', () => {
    const rig = running();
    expect([rig.read('GICC_IAR'), rig.read('GICC_HPPIR'), rig.read('GICC_RPR')]).toEqual([1023, 1023, 0xff]);
  });

  test.each([
    ['the distributor', 'GICD_CTLR'],
    ['the CPU interface', 'GICC_CTLR'],
  ])('gives nothing while %s is disabled', (_, register) => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.write(register, 0);
    expect(rig.pins()).toEqual([]);
    expect(rig.read('GICC_IAR')).toBe(1023);
    rig.write(register, 1);
    expect(rig.pins()).toEqual(['irq0']);
  });
});

describe('the priority mask', () => {
  test('lets higher priorities pass, and no equal one', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.write('GICC_PMR', 0xa0);
    expect(rig.pins()).toEqual([]);
    expect(rig.read('GICC_IAR')).toBe(1023);
    rig.write('GICC_PMR', 0xa8);
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('has the implemented bits', () => {
    const rig = running({ cpus: 1, priorityBits: 4 });
    expect(rig.read('GICC_PMR')).toBe(0xf0);
  });
});

describe('preemption', () => {
  test('is by a higher group priority alone', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    expect(rig.read('GICC_IAR')).toBe(40);
    pend(rig, { 41: 0xa0 });
    expect(rig.pins()).toEqual([]);
    pend(rig, { 42: 0x98 });
    expect(rig.pins()).toEqual(['irq0']);
    expect(rig.read('GICC_IAR')).toBe(42);
    expect(rig.read('GICC_RPR')).toBe(0x98);
  });

  test('ends in the reverse order', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.read('GICC_IAR');
    pend(rig, { 41: 0x40 });
    rig.read('GICC_IAR');
    rig.wire(41, false);
    rig.write('GICC_EOIR', 41);
    expect(rig.read('GICC_RPR')).toBe(0xa0);
    rig.wire(40, false);
    rig.write('GICC_EOIR', 40);
    expect(rig.read('GICC_RPR')).toBe(0xff);
  });

  test('ignores the bits below the binary point', () => {
    const rig = running();
    rig.write('GICC_BPR', 5); // group priority is bits 7:6
    pend(rig, { 40: 0xb8 });
    expect(rig.read('GICC_IAR')).toBe(40);
    expect(rig.read('GICC_RPR')).toBe(0x80);
    pend(rig, { 41: 0x80 });
    expect(rig.pins()).toEqual([]);
    pend(rig, { 42: 0x78 });
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('chooses by the whole priority between interrupts of one group priority', () => {
    const rig = running();
    rig.write('GICC_BPR', 5);
    pend(rig, { 40: 0xb8, 41: 0x88 });
    expect(rig.read('GICC_IAR')).toBe(41);
  });

  test('is by nothing where the binary point leaves no group priority', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.read('GICC_IAR');
    rig.write('GICC_BPR', 7);
    pend(rig, { 41: 0x00 });
    expect(rig.pins()).toEqual([]);
  });

  test.each([
    [4, 3],
    [5, 2],
    [8, 0],
  ])('with %i priority bits has a binary point of at least %i', (priorityBits, lowest) => {
    const rig = running({ cpus: 1, priorityBits });
    rig.write('GICC_BPR', 0);
    rig.write('GICC_ABPR', 0);
    expect([rig.read('GICC_BPR'), rig.read('GICC_ABPR')]).toEqual([lowest, lowest + 1]);
  });

  test('is shown by the active priorities, which software can save and restore', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.read('GICC_IAR');
    expect(rig.read('GICC_APR[0]')).toBe(2 ** (0xa0 >>> 3));
    rig.write('GICC_APR[0]', 0);
    expect(rig.read('GICC_RPR')).toBe(0xff);
    rig.write('GICC_APR[0]', 1 << 4);
    expect(rig.read('GICC_RPR')).toBe(0x20);
  });

  test('has 128 levels with eight priority bits', () => {
    const rig = running({ cpus: 1, priorityBits: 8 });
    pend(rig, { 40: 0xa3 });
    rig.read('GICC_IAR');
    expect(rig.read('GICC_RPR')).toBe(0xa2);
    expect(rig.read('GICC_APR[2]')).toBe(2 ** ((0xa2 >>> 1) - 64));
  });
});

describe('ending', () => {
  test('of an interrupt that is not implemented does nothing', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.read('GICC_IAR');
    rig.write('GICC_EOIR', 1023);
    expect(rig.read('GICC_RPR')).toBe(0xa0);
  });

  test('with EOImode drops the priority, and GICC_DIR deactivates', () => {
    const rig = running();
    rig.write('GICC_CTLR', 0x201);
    pend(rig, { 40: 0xa0, 41: 0xa0 });
    rig.read('GICC_IAR');
    rig.write('GICC_EOIR', 40);
    expect([rig.read('GICC_RPR'), bitOf(rig, 'GICD_ISACTIVER', 40)]).toEqual([0xff, 1]);
    expect(rig.read('GICC_HPPIR')).toBe(41);
    rig.write('GICC_DIR', 40);
    expect(bitOf(rig, 'GICD_ISACTIVER', 40)).toBe(0);
    expect(rig.read('GICC_HPPIR')).toBe(40);
  });

  test('with EOImode clear makes GICC_DIR do nothing', () => {
    const rig = running();
    pend(rig, { 40: 0xa0 });
    rig.read('GICC_IAR');
    rig.write('GICC_DIR', 40);
    expect(bitOf(rig, 'GICD_ISACTIVER', 40)).toBe(1);
  });
});

describe('groups', () => {
  /** Interrupt 40 in Group 1, both groups enabled; with more bits of GICC_CTLR. */
  function grouped(control = 0): Rig {
    const rig = running();
    rig.write('GICD_CTLR', 3);
    rig.write('GICC_CTLR', 3 | control);
    rig.write('GICD_IGROUPR[1]', 1 << 8);
    return rig;
  }

  test('1 is not acknowledged by GICC_IAR, which gives 1022, but by GICC_AIAR', () => {
    const rig = grouped();
    pend(rig, { 40: 0xa0 });
    expect([rig.read('GICC_IAR'), rig.read('GICC_HPPIR')]).toEqual([1022, 1022]);
    expect(rig.read('GICC_AHPPIR')).toBe(40);
    expect(rig.read('GICC_AIAR')).toBe(40);
    rig.wire(40, false);
    rig.write('GICC_AEOIR', 40);
    expect([rig.read('GICC_RPR'), bitOf(rig, 'GICD_ISACTIVER', 40)]).toEqual([0xff, 0]);
  });

  test('1 is acknowledged by GICC_IAR with AckCtl', () => {
    const rig = grouped(1 << 2);
    pend(rig, { 40: 0xa0 });
    expect(rig.read('GICC_IAR')).toBe(40);
  });

  test('0 is not acknowledged by GICC_AIAR', () => {
    const rig = grouped();
    pend(rig, { 41: 0xa0 });
    expect([rig.read('GICC_AIAR'), rig.read('GICC_AHPPIR')]).toEqual([1023, 1023]);
  });

  test('0 comes as FIQ with FIQEn, and 1 as IRQ', () => {
    const rig = grouped(1 << 3);
    pend(rig, { 40: 0xa0 });
    expect(rig.pins()).toEqual(['irq0']);
    pend(rig, { 41: 0x80 });
    expect(rig.pins()).toEqual(['fiq0']);
  });

  test('that are disabled hide no interrupt of the other', () => {
    const rig = grouped();
    pend(rig, { 40: 0xa0, 41: 0x80 });
    rig.write('GICC_CTLR', 2);
    expect(rig.read('GICC_AIAR')).toBe(40);
  });

  test('1 has a binary point of its own, unless CBPR shares the first', () => {
    const rig = grouped();
    rig.write('GICC_ABPR', 7); // group priority is bit 7
    pend(rig, { 40: 0xb8 });
    rig.read('GICC_AIAR');
    expect(rig.read('GICC_RPR')).toBe(0x80);
    const shared = grouped(1 << 4);
    shared.write('GICC_ABPR', 7);
    pend(shared, { 40: 0xb8 });
    shared.read('GICC_AIAR');
    expect(shared.read('GICC_RPR')).toBe(0xb8);
  });
});

describe('the Non-secure view', () => {
  const secure = true;
  /** Interrupt 40 is Secure (Group 0), 41 Non-secure. */
  function twoWorlds(): Rig {
    const rig = running({ cpus: 1, security: true, interrupts: 64 });
    rig.write('GICD_CTLR', 3, { secure });
    rig.write('GICC_CTLR', 0xb, { secure }); // both groups, Group 0 as FIQ
    rig.write('GICD_IGROUPR[1]', 1 << 9, { secure });
    rig.write('GICD_IGROUPR[0]', 0xffff_0000, { secure });
    enable(rig, 40, 0x20);
    enable(rig, 41, 0xa0);
    return rig;
  }

  test('has no Secure interrupt', () => {
    const rig = twoWorlds();
    expect(rig.read('GICD_ISENABLER[1]')).toBe(1 << 9);
    expect(rig.read('GICD_ISENABLER[1]', { secure })).toBe(3 << 8);
    rig.write('GICD_ICENABLER[1]', 0xffff_ffff);
    expect(rig.read('GICD_ISENABLER[1]', { secure })).toBe(1 << 8);
    expect(rig.read('GICD_IGROUPR[1]')).toBe(0);
  });

  test('has the lower half of the priorities, shifted up', () => {
    const rig = twoWorlds();
    expect(rig.readByte(0x429)).toBe(0x40);
    rig.writeByte(0x429, 0x80);
    expect(rig.readByte(0x429, { secure })).toBe(0xc0);
    expect(rig.readByte(0x428)).toBe(0);
    rig.writeByte(0x428, 0xff);
    expect(rig.readByte(0x428, { secure })).toBe(0x20);
  });

  test('has a priority mask in that half', () => {
    const rig = twoWorlds();
    rig.write('GICC_PMR', 0x80);
    expect(rig.read('GICC_PMR', { secure })).toBe(0xc0);
    rig.write('GICC_PMR', 0x40, { secure });
    rig.write('GICC_PMR', 0xff);
    expect([rig.read('GICC_PMR', { secure }), rig.read('GICC_PMR')]).toEqual([0x40, 0]);
  });

  test('acknowledges Group 1 alone', () => {
    const rig = twoWorlds();
    rig.wire(41, true);
    expect(rig.pins()).toEqual(['irq0']);
    expect(rig.read('GICC_IAR', { secure })).toBe(1022);
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['fiq0']);
    expect(rig.read('GICC_IAR')).toBe(1023);
    expect(rig.read('GICC_IAR', { secure })).toBe(40);
  });

  test('ends Group 1 alone', () => {
    const rig = twoWorlds();
    rig.wire(40, true);
    rig.read('GICC_IAR', { secure });
    rig.write('GICC_EOIR', 40);
    expect(rig.read('GICC_RPR', { secure })).toBe(0x20);
    rig.write('GICC_EOIR', 40, { secure });
    expect(rig.read('GICC_RPR', { secure })).toBe(0xff);
  });

  test('shows a running priority of the Secure world as zero', () => {
    const rig = twoWorlds();
    rig.wire(41, true);
    rig.read('GICC_IAR');
    expect([rig.read('GICC_RPR'), rig.read('GICC_RPR', { secure })]).toEqual([0x40, 0xa0]);
    rig.wire(40, true);
    rig.read('GICC_IAR', { secure });
    expect(rig.read('GICC_RPR')).toBe(0);
  });

  test('keeps the active priorities of Group 1 apart', () => {
    const rig = twoWorlds();
    rig.wire(41, true);
    rig.read('GICC_IAR');
    const level = 2 ** (0xa0 >>> 3);
    expect(rig.read('GICC_NSAPR[0]', { secure })).toBe(level);
    expect(rig.read('GICC_APR[0]', { secure })).toBe(0);
    expect(rig.read('GICC_APR[0]')).toBe(level >>> 16);
  });

  test('has its own enable and EOImode in GICC_CTLR', () => {
    const rig = twoWorlds();
    expect(rig.read('GICC_CTLR')).toBe(1);
    rig.write('GICC_CTLR', 0x200);
    expect(rig.read('GICC_CTLR', { secure })).toBe(0x409);
  });

  test('has a binary point that is the aliased one, or with CBPR one more than the Secure one', () => {
    const rig = twoWorlds();
    rig.write('GICC_BPR', 5);
    expect([rig.read('GICC_BPR'), rig.read('GICC_ABPR', { secure })]).toEqual([5, 5]);
    rig.write('GICC_CTLR', 0x1b, { secure });
    rig.write('GICC_BPR', 7);
    expect([rig.read('GICC_BPR'), rig.read('GICC_BPR', { secure })]).toEqual([3, 2]);
  });

  test('sends SGIs of Group 1 alone, the Secure one either by NSATT', () => {
    const rig = twoWorlds();
    rig.write('GICD_IGROUPR[0]', 0xffff_0002, { secure }); // SGI 1
    rig.write('GICD_SGIR', 0x0001_0000);
    expect(rig.read('GICD_ISPENDR[0]', { secure })).toBe(0);
    rig.write('GICD_SGIR', 0x0001_0001);
    expect(rig.read('GICD_ISPENDR[0]', { secure })).toBe(2);
    rig.write('GICD_CPENDSGIR[0]', 0xffff_ffff, { secure });
    rig.write('GICD_SGIR', 0x0001_0001, { secure });
    expect(rig.read('GICD_ISPENDR[0]', { secure })).toBe(0);
    rig.write('GICD_SGIR', 0x0001_8001, { secure });
    expect(rig.read('GICD_ISPENDR[0]', { secure })).toBe(2);
  });
});
