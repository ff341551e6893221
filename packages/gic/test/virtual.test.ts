// The Virtualization Extensions: list registers, the virtual CPU interface, maintenance (IHI 0048B 5).

import { describe, expect, test } from 'vitest';

import { gicV2 } from '@worldswitch/gic';
import type { GicPin } from '@worldswitch/gic';
import type { Placement } from '@worldswitch/platform';

import { bitOf, enable, poweredUp, running } from './rig.ts';
import type { Rig } from './rig.ts';

interface ListRegister {
  readonly id: number;
  readonly state?: 0 | 1 | 2 | 3;
  readonly priority?: number;
  readonly group1?: boolean;
  /** The physical interrupt behind it. */
  readonly hardware?: number;
  /** Maintenance when it ends. */
  readonly eoi?: boolean;
  readonly cpu?: number;
}

/** GICH_LRn's encoding. */
const encode = ({
  id,
  state = 1,
  priority = 0xa0,
  group1 = false,
  hardware,
  eoi = false,
  cpu = 0,
}: ListRegister): number =>
  (id |
    (hardware !== undefined ? (hardware << 10) | (1 << 31) : (cpu << 10) | (eoi ? 1 << 19 : 0)) |
    ((priority >>> 3) << 23) |
    (state << 28) |
    (group1 ? 1 << 30 : 0)) >>>
  0;

/** A guest that has set its interface up, with list registers. */
function guest(registers: readonly ListRegister[], control = 1, config = { cpus: 1, listRegisters: 4 }): Rig {
  const rig = running(config);
  rig.write('GICH_HCR', 1);
  rig.write('GICV_PMR', 0xff);
  rig.write('GICV_CTLR', control);
  registers.forEach((lr, i) => {
    rig.write(`GICH_LR[${i}]`, encode(lr));
  });
  return rig;
}

const stateOf = (rig: Rig, i: number): number => (rig.read(`GICH_LR[${i}]`) >>> 28) & 3;

describe('list registers', () => {
  test('are as many as GICH_VTR says, with five bits of priority', () => {
    expect(poweredUp({ cpus: 1, listRegisters: 4 }).read('GICH_VTR')).toBe(0x9000_0003);
  });

  test('beyond those are zero', () => {
    const { read, write } = poweredUp({ cpus: 1, listRegisters: 4 });
    write('GICH_LR[3]', 0xffff_ffff);
    write('GICH_LR[4]', 0xffff_ffff);
    expect([read('GICH_LR[3]'), read('GICH_LR[4]')]).toEqual([0xff8f_ffff, 0]);
  });

  test('are not there without the Virtualization Extensions', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICH_HCR', 1);
    expect([read('GICH_HCR'), read('GICH_VTR'), read('GICV_IAR')]).toEqual([0, 0, 0]);
  });

  test('are banked by CPU', () => {
    const { read, write } = poweredUp({ cpus: 2, listRegisters: 4 });
    write('GICH_LR[0]', 5, { cpu: 1 });
    expect([read('GICH_LR[0]'), read('GICH_LR[0]', { cpu: 1 })]).toEqual([0, 5]);
  });

  test('that are free show in GICH_ELRSR, those that ended with a notice in GICH_EISR', () => {
    const rig = guest([{ id: 40 }, { id: 41, state: 0, eoi: true }, { id: 42, state: 0, hardware: 42 }]);
    expect([rig.read('GICH_ELRSR[0]'), rig.read('GICH_EISR[0]')]).toEqual([0b1100, 0b0010]);
  });
});

describe('the virtual CPU interface', () => {
  test('interrupts the virtual CPU, which acknowledges and ends with no help', () => {
    const rig = guest([{ id: 40 }]);
    expect(rig.pins()).toEqual(['virq0']);
    expect(rig.read('GICV_HPPIR')).toBe(40);
    expect(rig.read('GICV_IAR')).toBe(40);
    expect([rig.pins(), stateOf(rig, 0), rig.read('GICV_RPR')]).toEqual([[], 2, 0xa0]);
    rig.write('GICV_EOIR', 40);
    expect([stateOf(rig, 0), rig.read('GICV_RPR')]).toEqual([0, 0xff]);
  });

  test('is off without GICH_HCR.En', () => {
    const rig = guest([{ id: 40 }]);
    rig.write('GICH_HCR', 0);
    expect([rig.pins(), rig.read('GICV_IAR')]).toEqual([[], 1023]);
  });

  test('takes the highest priority, and of equal ones the first list register', () => {
    const rig = guest([{ id: 40 }, { id: 50, priority: 0x80 }, { id: 45, priority: 0x80 }]);
    expect(rig.read('GICV_IAR')).toBe(50);
  });

  test('masks and preempts like the physical one', () => {
    const rig = guest([{ id: 40, priority: 0xa0 }]);
    rig.write('GICV_PMR', 0xa0);
    expect(rig.pins()).toEqual([]);
    rig.write('GICV_PMR', 0xf8);
    rig.read('GICV_IAR');
    rig.write('GICH_LR[1]', encode({ id: 41, priority: 0xa0 }));
    expect(rig.pins()).toEqual([]);
    rig.write('GICH_LR[2]', encode({ id: 42, priority: 0x98 }));
    expect(rig.pins()).toEqual(['virq0']);
    expect(rig.read('GICV_IAR')).toBe(42);
    expect(rig.read('GICH_APR')).toBe((2 ** (0xa0 >>> 3) + 2 ** (0x98 >>> 3)) >>> 0);
  });

  test('shows the sender of an SGI', () => {
    const rig = guest([{ id: 5, cpu: 3 }]);
    expect(rig.read('GICV_IAR')).toBe((3 << 10) | 5);
  });

  test('comes as virtual FIQ for Group 0 with VFIQEn', () => {
    expect(guest([{ id: 40 }], 0x9).pins()).toEqual(['vfiq0']);
  });

  test('gives 1022 for Group 1 to GICV_IAR, unless AckCtl is set', () => {
    const rig = guest([{ id: 40, group1: true }], 3);
    expect([rig.read('GICV_IAR'), rig.read('GICV_AIAR')]).toEqual([1022, 40]);
    expect(guest([{ id: 40, group1: true }], 7).read('GICV_IAR')).toBe(40);
  });

  test('is pending again after the end where it was pending and active', () => {
    const rig = guest([{ id: 40 }]);
    rig.read('GICV_IAR');
    rig.write('GICH_LR[0]', encode({ id: 40, state: 3 }));
    expect(rig.pins()).toEqual([]);
    rig.write('GICV_EOIR', 40);
    expect([stateOf(rig, 0), rig.pins()]).toEqual([1, ['virq0']]);
  });

  test('is what GICH_VMCR says', () => {
    const rig = guest([], 0x21f);
    rig.write('GICV_BPR', 4);
    rig.write('GICV_ABPR', 5);
    rig.write('GICV_PMR', 0x70);
    expect(rig.read('GICH_VMCR')).toBe(((0x70 << 24) | (4 << 21) | (5 << 18) | 0x21f) >>> 0);
    rig.write('GICH_VMCR', (0x38 << 24) | (6 << 21) | (7 << 18) | 1);
    expect(['PMR', 'BPR', 'ABPR', 'CTLR'].map((name) => rig.read(`GICV_${name}`))).toEqual([0x38, 6, 7, 1]);
  });
});

describe('an interrupt with hardware behind it', () => {
  /** The guest gets physical interrupt 40 as 27, as a hypervisor hands over a timer. */
  function handedOver(control = 1): Rig {
    const rig = guest([], control);
    rig.write('GICC_CTLR', 0x201); // the hypervisor's EOImode
    enable(rig, 40);
    rig.wire(40, true);
    expect(rig.read('GICC_IAR')).toBe(40);
    rig.write('GICC_EOIR', 40);
    rig.wire(40, false);
    rig.write('GICH_LR[0]', encode({ id: 27, hardware: 40 }));
    return rig;
  }

  test('is deactivated by the guest', () => {
    const rig = handedOver();
    expect(bitOf(rig, 'GICD_ISACTIVER', 40)).toBe(1);
    expect(rig.read('GICV_IAR')).toBe(27);
    rig.write('GICV_EOIR', 27);
    expect([bitOf(rig, 'GICD_ISACTIVER', 40), stateOf(rig, 0)]).toEqual([0, 0]);
  });

  test('comes again only then', () => {
    const rig = handedOver();
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['virq0']);
    rig.read('GICV_IAR');
    expect(rig.pins()).toEqual([]);
    rig.write('GICV_EOIR', 27);
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('is deactivated by GICV_DIR where the guest splits that off', () => {
    const rig = handedOver(0x201);
    rig.read('GICV_IAR');
    rig.write('GICV_EOIR', 27);
    expect([bitOf(rig, 'GICD_ISACTIVER', 40), rig.read('GICV_RPR')]).toEqual([1, 0xff]);
    rig.write('GICV_DIR', 27);
    expect([bitOf(rig, 'GICD_ISACTIVER', 40), stateOf(rig, 0)]).toEqual([0, 0]);
  });
});

describe('ending what no list register holds', () => {
  test('is counted', () => {
    const rig = guest([{ id: 40 }]);
    rig.read('GICV_IAR');
    rig.write('GICH_LR[0]', 0); // the hypervisor has spilled it
    rig.write('GICV_EOIR', 40);
    expect(rig.read('GICH_HCR') >>> 27).toBe(1);
    expect(rig.read('GICV_RPR')).toBe(0xff);
  });

  test('is not counted with nothing active, or for a special ID', () => {
    const rig = guest([{ id: 40 }]);
    rig.write('GICV_EOIR', 40);
    rig.read('GICV_IAR');
    rig.write('GICV_EOIR', 1023);
    expect(rig.read('GICH_HCR') >>> 27).toBe(0);
  });
});

describe('the maintenance interrupt', () => {
  /** Whether PPI 25 pends, with GICH_MISR. */
  const maintenance = (rig: Rig): readonly [pending: number, why: number] => [
    bitOf(rig, 'GICD_ISPENDR', 25),
    rig.read('GICH_MISR'),
  ];

  test('comes as PPI 25 of the CPU', () => {
    const rig = guest([]);
    enable(rig, 25);
    rig.write('GICH_HCR', 0b1001);
    expect(rig.pins()).toEqual(['irq0']);
    expect(rig.read('GICC_IAR')).toBe(25);
  });

  test('comes of nothing while the interface is off', () => {
    const rig = guest([]);
    rig.write('GICH_HCR', 0b1110);
    expect(maintenance(rig)).toEqual([0, 0b1010]);
  });

  test('EOI: a list register ended that asked for it', () => {
    const rig = guest([{ id: 40, eoi: true }]);
    rig.read('GICV_IAR');
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.write('GICV_EOIR', 40);
    expect(maintenance(rig)).toEqual([1, 1]);
    rig.write('GICH_LR[0]', 0);
    expect(maintenance(rig)).toEqual([0, 0]);
  });

  test('U: at most one list register is in use', () => {
    const rig = guest([{ id: 40 }, { id: 41 }]);
    rig.write('GICH_HCR', 0b11);
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.read('GICV_IAR');
    rig.write('GICV_EOIR', 40);
    expect(maintenance(rig)).toEqual([1, 0b10]);
  });

  test('LRENP: an interrupt ended that no list register held', () => {
    const rig = guest([]);
    rig.write('GICH_HCR', 0b101);
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.write('GICH_HCR', 0x0800_0005);
    expect(maintenance(rig)).toEqual([1, 0b100]);
  });

  test('NP: none is pending', () => {
    const rig = guest([{ id: 40 }]);
    rig.write('GICH_HCR', 0b1001);
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.read('GICV_IAR');
    expect(maintenance(rig)).toEqual([1, 0b1000]);
  });

  test('NP: one that is active as well does not count as pending', () => {
    const rig = guest([{ id: 40, state: 3 }]);
    rig.write('GICH_HCR', 0b1001);
    expect(maintenance(rig)).toEqual([1, 0b1000]);
  });

  test.each([
    ['VGrp0E', 4, 1],
    ['VGrp0D', 5, 0],
    ['VGrp1E', 6, 2],
    ['VGrp1D', 7, 0],
  ])("%s: the guest changes a group's enable", (_, bit, control) => {
    const rig = guest([], control === 0 ? 3 : 0);
    rig.write('GICH_HCR', 1 | (1 << bit));
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.write('GICV_CTLR', control);
    expect(maintenance(rig)).toEqual([1, 1 << bit]);
  });
});

describe('the device tree', () => {
  const place = (bases: readonly number[]): Placement<GicPin> => ({
    bases,
    interrupt: () => [],
    fixedClock: () => '',
  });

  test('has two register blocks without virtualisation', () => {
    const node = gicV2.treeNode?.({ cpus: 1 }, place([0x800_0000, 0x801_0000]));
    expect(node?.name).toBe('interrupt-controller@8000000');
    expect(node?.properties['reg']).toEqual(
      [0x800_0000, 0x1_0000, 0x801_0000, 0x1_0000].map((u64) => ({ u64 })),
    );
    expect(node?.properties['interrupts']).toBeUndefined();
  });

  test('has four with it, and the maintenance interrupt', () => {
    const bases = [0x800_0000, 0x801_0000, 0x803_0000, 0x804_0000];
    const node = gicV2.treeNode?.({ cpus: 1, listRegisters: 4 }, place(bases));
    expect(node?.properties['reg']).toHaveLength(8);
    expect(node?.properties['interrupts']).toEqual([1, 9, 4]);
  });
});
