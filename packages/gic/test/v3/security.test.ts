// Two Security states: views of the distributor, banked registers, three groups, EL3 (IHI 0069 4.6, 4.8.1, 12.2, 12.9).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, group, poweredUp, running, world } from './rig.ts';
import type { Rig } from './rig.ts';

const secure = true;
/** What a CPU says of itself. */
const [NonSecure, Secure, EL3, FIQ, IRQ] = [0, 1, 2, 4, 8];

/** Interrupt 40 is of Group 0, 41 of Secure Group 1, 42 of Non-secure Group 1. */
function twoWorlds(): Rig {
  const rig = running({ cpus: 1, security: true, interrupts: 64 });
  group(rig, 40, 0);
  group(rig, 41, '1S');
  enable(rig, 40, 0x20);
  enable(rig, 41, 0x40);
  enable(rig, 42, 0xa0);
  return rig;
}

describe('the Non-secure view of the distributor', () => {
  test('of GICD_CTLR has EnableGrp1A and ARE_NS', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    expect([rig.read('GICD_CTLR'), rig.read('GICD_CTLR', { secure })]).toEqual([0x10, 0x30]);
    rig.write('GICD_CTLR', 0xffff_ffff);
    expect([rig.read('GICD_CTLR'), rig.read('GICD_CTLR', { secure })]).toEqual([0x12, 0x32]);
    rig.write('GICD_CTLR', 0x5, { secure });
    expect([rig.read('GICD_CTLR'), rig.read('GICD_CTLR', { secure })]).toEqual([0x10, 0x35]);
  });

  test('has Group 1 alone', () => {
    const rig = twoWorlds();
    expect(rig.read('GICD_ISENABLER[1]')).toBe(1 << 10);
    expect(rig.read('GICD_ISENABLER[1]', { secure })).toBe(7 << 8);
    rig.write('GICD_ICENABLER[1]', 0xffff_ffff);
    expect(rig.read('GICD_ISENABLER[1]', { secure })).toBe(3 << 8);
    rig.write('GICD_IGROUPR[1]', 0xffff_ffff);
    rig.write('GICD_IGRPMODR[1]', 0);
    expect([rig.read('GICD_IGROUPR[1]'), rig.read('GICD_IGRPMODR[1]')]).toEqual([0, 0]);
    expect(rig.read('GICD_IGRPMODR[1]', { secure })).toBe(1 << 9);
    rig.write('GICD_IROUTER[80]', 7);
    rig.write('GICD_IROUTER[84]', 7);
    expect([rig.read('GICD_IROUTER[80]', { secure }), rig.read('GICD_IROUTER[84]', { secure })]).toEqual([
      0, 7,
    ]);
  });

  test('has the lower half of the priorities, shifted up', () => {
    const rig = twoWorlds();
    expect(rig.readByte('GICD_IPRIORITYR', 42)).toBe(0x40);
    rig.writeByte('GICD_IPRIORITYR', 42, 0x80);
    expect(rig.readByte('GICD_IPRIORITYR', 42, { secure })).toBe(0xc0);
    rig.writeByte('GICD_IPRIORITYR', 40, 0xff);
    expect([40, 41].map((id) => rig.readByte('GICD_IPRIORITYR', id, { secure }))).toEqual([0x20, 0x40]);
  });

  test('is wider where GICD_NSACR says so: to set pending, to clear it, to route', () => {
    const rig = twoWorlds();
    const open = (level: number): void => {
      rig.write('GICD_NSACR[2]', level << 16, { secure }); // of interrupt 40
    };
    rig.write('GICD_ISPENDR[1]', 1 << 8);
    expect(bitOf(rig, 'ISPENDR', 40, { secure })).toBe(0);
    open(1);
    rig.write('GICD_ISPENDR[1]', 1 << 8);
    rig.write('GICD_ICPENDR[1]', 1 << 8);
    expect(bitOf(rig, 'ISPENDR', 40, { secure })).toBe(1);
    open(2);
    rig.write('GICD_ICPENDR[1]', 1 << 8);
    rig.write('GICD_IROUTER[80]', 7);
    expect([bitOf(rig, 'ISPENDR', 40, { secure }), rig.read('GICD_IROUTER[80]', { secure })]).toEqual([0, 0]);
    rig.write('GICD_ISACTIVER[1]', 1 << 8, { secure });
    rig.write('GICD_ICACTIVER[1]', 1 << 8); // to be seen, not to be changed
    expect(bitOf(rig, 'ISACTIVER', 40)).toBe(1);
    open(3);
    rig.write('GICD_IROUTER[80]', 7);
    expect(rig.read('GICD_IROUTER[80]', { secure })).toBe(7);
    expect([rig.read('GICD_NSACR[2]'), rig.read('GICD_NSACR[2]', { secure })]).toEqual([0, 3 << 16]);
  });

  test('is no wider in a redistributor, where GICR_NSACR is about sending SGIs', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    rig.write('GICR_NSACR', 0xffff_ffff, { secure });
    rig.write('GICR_ISPENDR0', 0xffff_ffff);
    expect(rig.read('GICR_ISPENDR0', { secure })).toBe(0);
  });

  test('has no GICR_WAKER, and of GICR_CTLR DPG1NS alone', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    rig.write('GICR_WAKER', 0);
    rig.write('GICR_CTLR', 0xffff_ffff);
    expect([rig.read('GICR_WAKER'), rig.read('GICR_WAKER', { secure })]).toEqual([0, 6]);
    expect(rig.read('GICR_CTLR', { secure })).toBe(1 << 25);
  });

  test('is the Secure one once DS is set, for good', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    rig.write('GICD_CTLR', 0x47, { secure });
    expect([rig.read('GICD_CTLR'), rig.read('GICD_TYPER') & 0x400]).toEqual([0x53, 0]);
    rig.write('GICD_CTLR', 0, { secure });
    rig.write('GICD_IGROUPR[1]', 5);
    expect([rig.read('GICD_CTLR'), rig.read('GICD_IGROUPR[1]')]).toEqual([0x50, 5]);
  });
});

describe('the pins', () => {
  test.each([
    [40, 'Group 0', NonSecure, 'fiq0'],
    [40, 'Group 0', Secure, 'fiq0'],
    [40, 'Group 0', EL3, 'fiq0'],
    [41, 'Secure Group 1', NonSecure, 'fiq0'],
    [41, 'Secure Group 1', Secure, 'irq0'],
    [41, 'Secure Group 1', EL3 | Secure, 'fiq0'],
    [42, 'Non-secure Group 1', NonSecure, 'irq0'],
    [42, 'Non-secure Group 1', Secure, 'fiq0'],
    [42, 'Non-secure Group 1', EL3, 'fiq0'],
  ])('by %i, %s, in state %i are %s', (id, _, state, pin) => {
    const rig = twoWorlds();
    world(rig, state);
    rig.wire(id, true);
    expect(rig.pins()).toEqual([pin]);
  });

  test('change with the state of the CPU', () => {
    const rig = twoWorlds();
    rig.wire(42, true);
    world(rig, Secure);
    expect(rig.pins()).toEqual(['fiq0']);
    world(rig, NonSecure);
    expect(rig.pins()).toEqual(['irq0']);
  });
});

describe('acknowledging', () => {
  /** What the four registers say of a pending interrupt in a state. */
  function shown(id: number, state: number): readonly number[] {
    const rig = twoWorlds();
    world(rig, state);
    rig.wire(id, true);
    const pending = ['ICC_HPPIR0', 'ICC_HPPIR1'].map((name) => rig.mrs(name));
    return [...pending, rig.mrs('ICC_IAR0'), rig.mrs('ICC_IAR1')];
  }

  test.each([
    [40, NonSecure, [1023, 1023]],
    [40, Secure, [40, 1023]],
    [40, EL3, [40, 1023]],
    [41, NonSecure, [1023, 1023]],
    [41, Secure, [1023, 41]],
    [41, EL3, [1020, 41]],
    [42, NonSecure, [1023, 42]],
    [42, Secure, [1023, 1023]],
    [42, EL3, [1021, 42]],
  ])('interrupt %i in state %i: %j', (id, state, expected) => {
    // The second pair is of IAR0 and IAR1; where IAR0 has taken the interrupt, IAR1 has none.
    expect(shown(id, state)).toEqual([...expected, ...expected]);
  });

  test('keeps active priorities by group', () => {
    const rig = twoWorlds();
    rig.wire(42, true);
    rig.mrs('ICC_IAR1');
    expect(rig.mrs('ICC_AP1R0')).toBe(1 << 20);
    world(rig, Secure);
    expect(rig.mrs('ICC_AP1R0')).toBe(0);
    rig.wire(41, true);
    expect([rig.mrs('ICC_IAR1'), rig.mrs('ICC_AP1R0')]).toEqual([41, 1 << 8]);
  });
});

describe('ending', () => {
  test("is of one's own group alone", () => {
    const rig = twoWorlds();
    world(rig, Secure);
    rig.wire(41, true);
    rig.mrs('ICC_IAR1');
    world(rig, NonSecure);
    rig.msr('ICC_EOIR1', 41);
    rig.msr('ICC_EOIR0', 41);
    expect([rig.mrs('ICC_RPR'), bitOf(rig, 'ISACTIVER', 41, { secure })]).toEqual([0x40, 1]);
    world(rig, Secure);
    rig.msr('ICC_EOIR1', 41);
    expect([rig.mrs('ICC_RPR'), bitOf(rig, 'ISACTIVER', 41, { secure })]).toEqual([0xff, 0]);
  });

  test('by EL3 is of any group, split by its own EOImode', () => {
    const rig = twoWorlds();
    rig.wire(42, true);
    rig.mrs('ICC_IAR1');
    world(rig, EL3);
    rig.msr('ICC_CTLR_EL3', 4);
    rig.msr('ICC_EOIR1', 42);
    expect([rig.mrs('ICC_RPR'), bitOf(rig, 'ISACTIVER', 42)]).toEqual([0xff, 1]);
    rig.msr('ICC_DIR', 42);
    expect(bitOf(rig, 'ISACTIVER', 42)).toBe(0);
  });

  test.each([
    ['Non-secure', NonSecure, 40, 1],
    ['Non-secure', NonSecure, 41, 1],
    ['Non-secure', NonSecure, 42, 0],
    ['Non-secure, IRQ to EL3', NonSecure | IRQ, 42, 1],
    ['Secure', Secure, 40, 0],
    ['Secure', Secure, 41, 0],
    ['Secure', Secure, 42, 0],
    ['Secure, FIQ to EL3', Secure | FIQ, 40, 1],
    ['Secure, FIQ to EL3', Secure | FIQ, 41, 0],
  ])('by ICC_DIR_EL1 from %s (%i) of %i leaves active %i', (_, state, id, left) => {
    const rig = twoWorlds();
    world(rig, EL3);
    rig.msr('ICC_CTLR_EL3', 0x18); // EOImode of both states
    rig.write('GICD_ISACTIVER[1]', 7 << 8, { secure });
    world(rig, state);
    rig.msr('ICC_DIR', id);
    expect(bitOf(rig, 'ISACTIVER', id, { secure })).toBe(left);
  });
});

describe('the Non-secure view of priorities, where SCR_EL3.FIQ is set', () => {
  test('has a mask in the lower half', () => {
    const rig = twoWorlds();
    world(rig, NonSecure | FIQ);
    rig.msr('ICC_PMR', 0x80);
    expect(rig.mrs('ICC_PMR')).toBe(0x80);
    world(rig, EL3);
    expect(rig.mrs('ICC_PMR')).toBe(0xc0);
    rig.msr('ICC_PMR', 0x40);
    world(rig, NonSecure | FIQ);
    rig.msr('ICC_PMR', 0xff);
    expect(rig.mrs('ICC_PMR')).toBe(0);
    world(rig, NonSecure);
    expect(rig.mrs('ICC_PMR')).toBe(0x40);
  });

  test('has a running priority in the lower half, or zero', () => {
    const rig = twoWorlds();
    world(rig, NonSecure | FIQ);
    expect(rig.mrs('ICC_RPR')).toBe(0xff);
    rig.wire(42, true);
    rig.mrs('ICC_IAR1');
    expect(rig.mrs('ICC_RPR')).toBe(0x40);
    world(rig, Secure);
    rig.wire(41, true);
    rig.mrs('ICC_IAR1');
    world(rig, NonSecure | FIQ);
    expect(rig.mrs('ICC_RPR')).toBe(0);
  });
});

describe('banked registers', () => {
  test('ICC_IGRPEN1_EL1 are those of ICC_IGRPEN1_EL3', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    rig.msr('ICC_IGRPEN1_EL1', 1);
    expect(rig.mrs('ICC_IGRPEN1_EL3')).toBe(1);
    world(rig, Secure);
    expect(rig.mrs('ICC_IGRPEN1_EL1')).toBe(0);
    rig.msr('ICC_IGRPEN1_EL3', 2);
    expect(rig.mrs('ICC_IGRPEN1_EL1')).toBe(1);
  });

  test('ICC_CTLR_EL1 are those of ICC_CTLR_EL3, which alone writes CBPR', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    rig.msr('ICC_CTLR_EL1', 3);
    expect(rig.mrs('ICC_CTLR_EL1')).toBe(0x8402);
    world(rig, Secure);
    expect(rig.mrs('ICC_CTLR_EL1')).toBe(0x8400);
    expect(rig.mrs('ICC_CTLR_EL3')).toBe(0x8410);
    rig.msr('ICC_CTLR_EL3', 0x0b); // CBPR of both, EOImode of the Secure state
    expect(rig.mrs('ICC_CTLR_EL1')).toBe(0x8403);
    world(rig, NonSecure);
    expect(rig.mrs('ICC_CTLR_EL1')).toBe(0x8401);
  });

  test('ICC_BPR1_EL1 have minima of their own, and with CBPR the Secure one is ICC_BPR0_EL1', () => {
    const rig = poweredUp({ cpus: 1, security: true });
    const both = (): readonly number[] =>
      [NonSecure, Secure, EL3, EL3 | Secure].map((state) => {
        world(rig, state);
        return rig.mrs('ICC_BPR1');
      });
    expect(both()).toEqual([3, 2, 3, 2]);
    world(rig, Secure);
    rig.msr('ICC_BPR1', 6);
    expect(both()).toEqual([3, 6, 3, 6]);
    rig.msr('ICC_CTLR_EL3', 3);
    expect(both()).toEqual([3, 2, 3, 6]);
    world(rig, Secure);
    rig.msr('ICC_BPR1', 5);
    expect(both()).toEqual([6, 5, 3, 6]);
    expect(rig.mrs('ICC_BPR0')).toBe(5);
  });
});

test('with one Security state what the CPU says of itself changes nothing', () => {
  const rig = running({ cpus: 1 });
  world(rig, EL3 | Secure | FIQ);
  enable(rig, 42);
  rig.wire(42, true);
  expect([rig.mrs('ICC_PE_STATE'), rig.pins(), rig.mrs('ICC_PMR')]).toEqual([0, ['irq0'], 0xf8]);
});

test('a saved state of two Security states does not fit a GIC with one', () => {
  const { device } = poweredUp({ cpus: 1, security: true });
  expect(() => poweredUp({ cpus: 1 }, device.save())).toThrow(/control/);
});
