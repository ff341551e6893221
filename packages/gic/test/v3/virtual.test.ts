// The virtual CPU interface: list registers, ICV and ICH registers, maintenance (IHI 0069 6, 12.3, 12.4).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, poweredUp, running } from './rig.ts';
import type { Rig } from './rig.ts';

interface ListRegister {
  readonly id: number;
  readonly state?: 0 | 1 | 2 | 3;
  readonly priority?: number;
  /** 1 unless given. */
  readonly group?: 0 | 1;
  /** The physical interrupt behind it. */
  readonly hardware?: number;
  /** Maintenance when it ends. */
  readonly eoi?: boolean;
}

/** Writes a list register. */
function load(rig: Rig, n: number, lr: ListRegister): void {
  const { id, state = 1, priority = 0xa0, group = 1, hardware, eoi = false } = lr;
  const source = hardware === undefined ? (eoi ? 1 << 9 : 0) : hardware | (1 << 29);
  rig.msr(`ICH_LR${n}_EL2`, id, 0, source | (priority << 16) | (group << 28) | (state << 30));
}

/** A guest that has set its interface up, with list registers; `control` is ICV_CTLR_EL1. */
function guest(registers: readonly ListRegister[], control = 0): Rig {
  const rig = running({ cpus: 1, listRegisters: 4 });
  rig.msr('ICH_HCR', 1);
  rig.msr('ICV_PMR', 0xff);
  rig.msr('ICV_CTLR', control);
  rig.msr('ICV_IGRPEN0', 1);
  rig.msr('ICV_IGRPEN1', 1);
  registers.forEach((lr, i) => {
    load(rig, i, lr);
  });
  return rig;
}

const stateOf = (rig: Rig, i: number): number => rig.mrsHigh(`ICH_LR${i}_EL2`) >>> 30;

describe('list registers', () => {
  test('are as many as ICH_VTR_EL2 says, with five bits of priority and 16 of ID', () => {
    expect(poweredUp({ cpus: 1, listRegisters: 4 }).mrs('ICH_VTR')).toBe(0x9038_0003);
    expect(poweredUp({ cpus: 1, listRegisters: 16 }).mrs('ICH_VTR')).toBe(0x9038_000f);
  });

  test('keep what is defined', () => {
    const rig = poweredUp({ cpus: 1, listRegisters: 4 });
    rig.msr('ICH_LR3', 0xffff_ffff, 0, 0xffff_ffff);
    expect([rig.mrs('ICH_LR3'), rig.mrsHigh('ICH_LR3')]).toEqual([0xffff, 0xf0f8_1fff]);
    expect(rig.device.bank.registers).not.toContain('ICH_LR4_EL2');
  });

  test('are not there without virtualisation', () => {
    const { device } = poweredUp({ cpus: 1 });
    expect(device.bank.registers.filter((name) => /^IC[HV]/.test(name))).toEqual([]);
  });

  test('that are free show in ICH_ELRSR_EL2, those that ended with a notice in ICH_EISR_EL2', () => {
    const rig = guest([{ id: 40 }, { id: 41, state: 0, eoi: true }, { id: 42, state: 0, hardware: 42 }]);
    expect([rig.mrs('ICH_ELRSR'), rig.mrs('ICH_EISR')]).toEqual([0b1100, 0b0010]);
  });
});

describe('the virtual CPU interface', () => {
  test('interrupts the virtual CPU, which acknowledges and ends with no help', () => {
    const rig = guest([{ id: 40 }]);
    expect([rig.pins(), rig.mrs('ICV_HPPIR1')]).toEqual([['virq0'], 40]);
    expect(rig.mrs('ICV_IAR1')).toBe(40);
    expect([rig.pins(), stateOf(rig, 0), rig.mrs('ICV_RPR')]).toEqual([[], 2, 0xa0]);
    rig.msr('ICV_EOIR1', 40);
    expect([stateOf(rig, 0), rig.mrs('ICV_RPR')]).toEqual([0, 0xff]);
  });

  test('is off without ICH_HCR_EL2.En', () => {
    const rig = guest([{ id: 40 }]);
    rig.msr('ICH_HCR', 0);
    expect([rig.pins(), rig.mrs('ICV_IAR1')]).toEqual([[], 1023]);
  });

  test('takes the highest priority, and of equal ones the first list register', () => {
    const rig = guest([{ id: 40 }, { id: 50, priority: 0x80 }, { id: 45, priority: 0x80 }]);
    expect(rig.mrs('ICV_IAR1')).toBe(50);
  });

  test('masks and preempts like the physical one', () => {
    const rig = guest([{ id: 40 }]);
    rig.msr('ICV_PMR', 0xa0);
    expect(rig.pins()).toEqual([]);
    rig.msr('ICV_PMR', 0xf8);
    rig.mrs('ICV_IAR1');
    load(rig, 1, { id: 41 });
    expect(rig.pins()).toEqual([]);
    load(rig, 2, { id: 42, priority: 0x98 });
    expect(rig.pins()).toEqual(['virq0']);
    expect(rig.mrs('ICV_IAR1')).toBe(42);
    expect(rig.mrs('ICH_AP1R0')).toBe((1 << 20) | (1 << 19));
    expect([rig.mrs('ICV_AP1R0'), rig.mrs('ICV_AP0R0')]).toEqual([(1 << 20) | (1 << 19), 0]);
  });

  test('has Group 0 as virtual FIQ and by registers of its own', () => {
    const rig = guest([{ id: 40, group: 0 }]);
    expect(rig.pins()).toEqual(['vfiq0']);
    expect([rig.mrs('ICV_IAR1'), rig.mrs('ICV_HPPIR1'), rig.mrs('ICV_HPPIR0')]).toEqual([1023, 1023, 40]);
    expect([rig.mrs('ICV_IAR0'), rig.mrs('ICH_AP0R0')]).toEqual([40, 1 << 20]);
    rig.msr('ICV_EOIR0', 40);
    expect(stateOf(rig, 0)).toBe(0);
  });

  test.each([0, 1] as const)('gives no interrupt of Group %i while that is disabled', (n) => {
    const rig = guest([{ id: 40, group: n }]);
    rig.msr(`ICV_IGRPEN${n}`, 0);
    expect([rig.pins(), rig.mrs(`ICV_HPPIR${n}`)]).toEqual([[], 1023]);
  });

  test('is pending again after the end where it was pending and active', () => {
    const rig = guest([{ id: 40, state: 3 }]);
    expect(rig.pins()).toEqual([]);
    rig.msr('ICH_AP1R0', 1 << 20);
    rig.msr('ICV_EOIR1', 40);
    expect([stateOf(rig, 0), rig.pins()]).toEqual([1, ['virq0']]);
  });

  test('does not give a special ID that a hypervisor put in a list register', () => {
    const rig = guest([{ id: 1022 }]);
    expect([rig.mrs('ICV_IAR1'), stateOf(rig, 0), rig.mrs('ICV_RPR')]).toEqual([1023, 0, 0xff]);
  });

  test('gives IDs beyond those of the distributor: virtual LPIs', () => {
    expect(guest([{ id: 8192 }]).mrs('ICV_IAR1')).toBe(8192);
  });

  test('ends virtual LPIs at once, whatever EOImode says, and counts none', () => {
    const rig = guest([{ id: 8192 }, { id: 8193 }], 2);
    rig.mrs('ICV_IAR1');
    rig.msr('ICV_DIR', 8192);
    expect(stateOf(rig, 0)).toBe(2);
    rig.msr('ICV_EOIR1', 8192);
    expect([stateOf(rig, 0), rig.mrs('ICV_RPR')]).toEqual([0, 0xff]);
    rig.msr('ICV_CTLR', 0);
    rig.mrs('ICV_IAR1');
    rig.msr('ICH_LR1', 0);
    rig.msr('ICV_EOIR1', 8193);
    expect([rig.mrs('ICH_HCR') >>> 27, rig.mrs('ICV_RPR')]).toEqual([0, 0xff]);
  });

  test('has the features of the physical one', () => {
    expect(guest([], 3).mrs('ICV_CTLR')).toBe(0x8403);
  });

  test('is what ICH_VMCR_EL2 says', () => {
    const rig = guest([], 3);
    rig.msr('ICV_CTLR', 2);
    rig.msr('ICV_BPR0', 4);
    rig.msr('ICV_BPR1', 5);
    rig.msr('ICV_PMR', 0x70);
    expect(rig.mrs('ICH_VMCR')).toBe((0x70 << 24) | (4 << 21) | (5 << 18) | 0x20b);
    rig.msr('ICH_VMCR', (0x38 << 24) | (6 << 21) | (7 << 18) | 0x10);
    const names = ['PMR', 'BPR0', 'BPR1', 'CTLR', 'IGRPEN0', 'IGRPEN1'];
    expect(names.map((name) => rig.mrs(`ICV_${name}`))).toEqual([0x38, 6, 7, 0x8401, 0, 0]);
    rig.msr('ICH_VMCR', 0);
    expect(rig.mrs('ICH_VMCR')).toBe((2 << 21) | (3 << 18) | 8);
  });

  test('groups by the first binary point with VCBPR', () => {
    const rig = guest([{ id: 40, priority: 0xb8 }], 1);
    rig.msr('ICV_BPR0', 5);
    expect(rig.mrs('ICV_BPR1')).toBe(6);
    rig.msr('ICV_BPR1', 3);
    expect(rig.mrs('ICV_BPR1')).toBe(6);
    rig.mrs('ICV_IAR1');
    expect(rig.mrs('ICV_RPR')).toBe(0x80);
    rig.msr('ICV_EOIR1', 40);
    expect(stateOf(rig, 0)).toBe(0);
  });
});

describe('an interrupt with hardware behind it', () => {
  /** The guest gets physical interrupt 40 as 27, as a hypervisor hands over a timer. */
  function handedOver(control = 0): Rig {
    const rig = guest([], control);
    rig.msr('ICC_CTLR_EL1', 2); // the hypervisor's EOImode
    enable(rig, 40);
    rig.wire(40, true);
    expect(rig.mrs('ICC_IAR1')).toBe(40);
    rig.msr('ICC_EOIR1', 40);
    rig.wire(40, false);
    load(rig, 0, { id: 27, hardware: 40 });
    return rig;
  }

  test('is deactivated by the guest', () => {
    const rig = handedOver();
    expect(bitOf(rig, 'ISACTIVER', 40)).toBe(1);
    expect(rig.mrs('ICV_IAR1')).toBe(27);
    rig.msr('ICV_EOIR1', 27);
    expect([bitOf(rig, 'ISACTIVER', 40), stateOf(rig, 0)]).toEqual([0, 0]);
  });

  test('comes again only then', () => {
    const rig = handedOver();
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['virq0']);
    rig.mrs('ICV_IAR1');
    expect(rig.pins()).toEqual([]);
    rig.msr('ICV_EOIR1', 27);
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('is deactivated by ICV_DIR_EL1 where the guest splits that off', () => {
    const rig = handedOver(2);
    rig.mrs('ICV_IAR1');
    rig.msr('ICV_EOIR1', 27);
    expect([bitOf(rig, 'ISACTIVER', 40), rig.mrs('ICV_RPR')]).toEqual([1, 0xff]);
    rig.msr('ICV_DIR', 27);
    expect([bitOf(rig, 'ISACTIVER', 40), stateOf(rig, 0)]).toEqual([0, 0]);
  });

  test('that is none leaves the others alone', () => {
    const rig = guest([{ id: 27, hardware: 0x1fff }]);
    rig.mrs('ICV_IAR1');
    rig.msr('ICV_EOIR1', 27);
    expect(stateOf(rig, 0)).toBe(0);
  });
});

describe('ending what no list register holds', () => {
  /** One active interrupt that the hypervisor has spilled. */
  function spilled(control = 0): Rig {
    const rig = guest([{ id: 40 }], control);
    rig.mrs('ICV_IAR1');
    rig.msr('ICH_LR0', 0);
    return rig;
  }
  const count = (rig: Rig): number => rig.mrs('ICH_HCR') >>> 27;

  test('is counted', () => {
    const rig = spilled();
    rig.msr('ICV_EOIR1', 40);
    expect([count(rig), rig.mrs('ICV_RPR')]).toEqual([1, 0xff]);
  });

  test('is counted by ICV_DIR_EL1 alone with EOImode', () => {
    const rig = spilled(2);
    rig.msr('ICV_EOIR1', 40);
    expect([count(rig), rig.mrs('ICV_RPR')]).toEqual([0, 0xff]);
    rig.msr('ICV_DIR', 40);
    expect(count(rig)).toBe(1);
  });

  test('is not counted with nothing active, or for a special ID', () => {
    const rig = guest([{ id: 40 }]);
    rig.msr('ICV_EOIR1', 40);
    rig.mrs('ICV_IAR1');
    rig.msr('ICV_EOIR1', 1023);
    expect([count(rig), rig.mrs('ICV_RPR')]).toEqual([0, 0xa0]);
  });

  test('does not end an interrupt of another priority than the running one', () => {
    const rig = guest([{ id: 40 }]);
    rig.mrs('ICV_IAR1');
    load(rig, 1, { id: 41, priority: 0x40, state: 2 });
    rig.msr('ICV_EOIR1', 41);
    expect([stateOf(rig, 1), count(rig)]).toEqual([2, 0]);
  });
});

describe('the maintenance interrupt', () => {
  /** Whether PPI 25 pends, with ICH_MISR_EL2. */
  const maintenance = (rig: Rig): readonly [pending: number, why: number] => [
    bitOf(rig, 'ISPENDR', 25),
    rig.mrs('ICH_MISR'),
  ];

  test('comes as PPI 25 of the CPU', () => {
    const rig = guest([]);
    enable(rig, 25);
    rig.msr('ICH_HCR', 0b1001);
    expect([rig.pins(), rig.mrs('ICC_IAR1')]).toEqual([['irq0'], 25]);
  });

  test('comes of nothing while the interface is off', () => {
    const rig = guest([]);
    rig.msr('ICH_HCR', 0b1110);
    expect(maintenance(rig)).toEqual([0, 0b1010]);
  });

  test('EOI: a list register ended that asked for it', () => {
    const rig = guest([{ id: 40, eoi: true }]);
    rig.mrs('ICV_IAR1');
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.msr('ICV_EOIR1', 40);
    expect(maintenance(rig)).toEqual([1, 1]);
    rig.msr('ICH_LR0', 0);
    expect(maintenance(rig)).toEqual([0, 0]);
  });

  test('U: at most one list register is in use', () => {
    const rig = guest([{ id: 40 }, { id: 41 }]);
    rig.msr('ICH_HCR', 0b11);
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.mrs('ICV_IAR1');
    rig.msr('ICV_EOIR1', 40);
    expect(maintenance(rig)).toEqual([1, 0b10]);
  });

  test('LRENP: an interrupt ended that no list register held', () => {
    const rig = guest([]);
    rig.msr('ICH_HCR', 0b101);
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.msr('ICH_HCR', 0x0800_0005);
    expect(maintenance(rig)).toEqual([1, 0b100]);
  });

  test('NP: none is pending, and one that is active as well does not count', () => {
    const rig = guest([{ id: 40 }]);
    rig.msr('ICH_HCR', 0b1001);
    expect(maintenance(rig)).toEqual([0, 0]);
    load(rig, 0, { id: 40, state: 3 });
    expect(maintenance(rig)).toEqual([1, 0b1000]);
  });

  test.each([
    ['VGrp0E', 4, 'ICV_IGRPEN0', 1],
    ['VGrp0D', 5, 'ICV_IGRPEN0', 0],
    ['VGrp1E', 6, 'ICV_IGRPEN1', 1],
    ['VGrp1D', 7, 'ICV_IGRPEN1', 0],
  ])("%s: the guest changes a group's enable", (_, bit, register, to) => {
    const rig = guest([]);
    rig.msr(register, 1 - to);
    rig.msr('ICH_HCR', 1 | (1 << bit));
    expect(maintenance(rig)).toEqual([0, 0]);
    rig.msr(register, to);
    expect(maintenance(rig)).toEqual([1, 1 << bit]);
  });

  test("keeps the trap bits, which are the CPU's to act on", () => {
    const rig = guest([]);
    rig.msr('ICH_HCR', 0xffff_ffff);
    expect(rig.mrs('ICH_HCR')).toBe(0xf800_7cff);
  });
});
