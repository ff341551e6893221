// What Linux does with a GICv3: the registers that its driver touches are modelled, and its sequence works.

import { expect, test } from 'vitest';

import { gicV3 } from '@worldswitch/gic';

import { poweredUp, running, route } from './rig.ts';

/** Every register that a Debian 6.1 kernel accessed on QEMU's virt board: first and last offset, and width. */
const touched: Readonly<
  Record<'GICD' | 'GICR', readonly (readonly [first: number, last: number, width: 1 | 4 | 8])[]>
> = {
  GICD: [
    [0x0000, 0x000c, 4],
    [0x0084, 0x009c, 4],
    [0x0104, 0x010c, 4],
    [0x0184, 0x019c, 4],
    [0x0384, 0x039c, 4],
    [0x0420, 0x04fc, 4],
    [0x0c08, 0x0c3c, 4],
    [0x6100, 0x67f8, 8],
    [0xffe8, 0xffe8, 4],
  ],
  GICR: [
    [0x0_0000, 0x0_0000, 4],
    [0x0_0008, 0x0_0008, 8],
    [0x0_0014, 0x0_0014, 4],
    [0x0_0070, 0x0_0078, 8], // those of LPIs, which are zero here
    [0x0_ffe8, 0x0_ffe8, 4],
    [0x1_0080, 0x1_0080, 4],
    [0x1_0100, 0x1_0100, 4],
    [0x1_0180, 0x1_0180, 4],
    [0x1_0380, 0x1_0380, 4],
    [0x1_0400, 0x1_041c, 4],
    [0x1_0c04, 0x1_0c04, 4],
  ],
};

/** The system registers that its driver and KVM's use. */
const registers = [
  'ICC_SRE_EL1 ICC_PMR_EL1 ICC_BPR1_EL1 ICC_CTLR_EL1 ICC_IGRPEN1_EL1 ICC_IAR1_EL1 ICC_EOIR1_EL1 ICC_DIR_EL1 ICC_SGI1R_EL1',
  'ICC_RPR_EL1 ICC_AP0R0_EL1 ICC_AP1R0_EL1 ICC_SRE_EL2 ICH_HCR_EL2 ICH_VTR_EL2 ICH_VMCR_EL2 ICH_MISR_EL2 ICH_EISR_EL2',
  'ICH_ELRSR_EL2 ICH_AP0R0_EL2 ICH_AP1R0_EL2 ICH_LR0_EL2 ICH_LR1_EL2 ICH_LR2_EL2 ICH_LR3_EL2',
].flatMap((line) => line.split(' '));

test('every register that it touches is in the table, at a width that the block takes', () => {
  for (const [name, ranges] of Object.entries(touched)) {
    const region = gicV3.regions.find((each) => each.name === name);
    const covered = new Set(
      region?.registers?.flatMap((row) =>
        Array.from({ length: row.words ?? 1 }, (_, i) => row.offset + 4 * i),
      ),
    );
    for (const [first, last, width] of ranges) {
      expect(region?.widths).toContain(width);
      for (let offset = first; offset <= last; offset += width) {
        expect(covered).toContain(offset);
        if (width === 8) expect(covered).toContain(offset + 4);
      }
    }
  }
});

test('every system register that it uses is in the bank', () => {
  const { device } = poweredUp({ cpus: 1, listRegisters: 4 });
  for (const name of registers) expect(device.bank.registers).toContain(name);
});

test('its initialisation leaves interrupts that come, are taken and are ended on two CPUs', () => {
  const { read, write, mrs, msr, wire, pins } = poweredUp({ cpus: 2 });
  // Distributor: off; shared interrupts in Group 1, level-sensitive, priority 0xa0, inactive, disabled, to CPU 0; on.
  expect(read('GICD_PIDR2') & 0xf0).toBe(0x30);
  const words = (read('GICD_TYPER') & 0x1f) + 1;
  expect(words).toBe(9);
  write('GICD_CTLR', 0);
  for (let i = 1; i < words; i++) write(`GICD_IGROUPR[${i}]`, 0xffff_ffff);
  for (let i = 2; i < 2 * words; i++) write(`GICD_ICFGR[${i}]`, 0);
  for (let i = 8; i < 8 * words; i++) write(`GICD_IPRIORITYR[${i}]`, 0xa0a0_a0a0);
  for (let i = 1; i < words; i++) {
    write(`GICD_ICACTIVER[${i}]`, 0xffff_ffff);
    write(`GICD_ICENABLER[${i}]`, 0xffff_ffff);
  }
  write('GICD_CTLR', 0x13);
  expect(read('GICD_CTLR') & 0x8000_0000).toBe(0); // no write is pending
  for (let cpu = 0; cpu < 2; cpu++) {
    // The redistributor wakes; private interrupts; the CPU interface: EOImode 1, Group 1 on.
    write('GICR_WAKER', read('GICR_WAKER', { cpu }) & ~2, { cpu });
    expect(read('GICR_WAKER', { cpu }) & 4).toBe(0);
    write('GICR_IGROUPR0', 0xffff_ffff, { cpu });
    write('GICR_ICACTIVER0', 0xffff_ffff, { cpu });
    write('GICR_ICENABLER0', 0xffff_0000, { cpu });
    write('GICR_ISENABLER0', 0x0000_ffff, { cpu });
    for (let i = 0; i < 8; i++) write(`GICR_IPRIORITYR[${i}]`, 0xa0a0_a0a0, { cpu });
    expect(mrs('ICC_SRE_EL1', cpu) & 1).toBe(1);
    msr('ICC_PMR_EL1', 0xf0, cpu);
    msr('ICC_BPR1_EL1', 0, cpu);
    msr('ICC_CTLR_EL1', 2, cpu);
    msr('ICC_AP0R0_EL1', 0, cpu);
    msr('ICC_AP1R0_EL1', 0, cpu);
    msr('ICC_IGRPEN1_EL1', 1, cpu);
  }
  // The virtual timer of CPU 1, PPI 27.
  write('GICR_ISENABLER0', 1 << 27, { cpu: 1 });
  wire(27, true, 1);
  expect([pins(), mrs('ICC_IAR1_EL1', 1)]).toEqual([['irq1'], 27]);
  wire(27, false, 1);
  msr('ICC_EOIR1_EL1', 27, 1);
  msr('ICC_DIR_EL1', 27, 1);
  expect(mrs('ICC_IAR1_EL1', 1)).toBe(1023);
  // A serial port, SPI 1, and a reschedule from CPU 0 to CPU 1.
  write('GICD_ISENABLER[1]', 2);
  wire(33, true);
  msr('ICC_SGI1R_EL1', 2, 0);
  expect([pins(), mrs('ICC_IAR1_EL1'), mrs('ICC_IAR1_EL1', 1)]).toEqual([['irq0', 'irq1'], 33, 0]);
});

test("a guest's interrupt by KVM's way: the hypervisor takes it, lists it, and the guest ends it", () => {
  const rig = running({ cpus: 1, listRegisters: 4 });
  const { mrs, msr, mrsHigh, write, wire, pins } = rig;
  route(rig, 40, 0);
  msr('ICC_CTLR_EL1', 2);
  write('GICD_ISENABLER[1]', 1 << 8);
  wire(40, true);
  expect(mrs('ICC_IAR1_EL1')).toBe(40);
  msr('ICC_EOIR1_EL1', 40);
  msr('ICH_VMCR_EL2', 0xf04c_000a);
  msr('ICH_HCR_EL2', 1);
  msr('ICH_LR0_EL2', 40, 0, (1 << 30) | (1 << 29) | (1 << 28) | (0xa0 << 16) | 40);
  expect(pins()).toEqual(['virq0']);
  expect(mrs('ICV_IAR1_EL1')).toBe(40);
  wire(40, false);
  msr('ICV_EOIR1_EL1', 40);
  expect([mrs('ICH_ELRSR_EL2'), mrsHigh('ICH_LR0_EL2') >>> 30, rig.read('GICD_ISACTIVER[1]')]).toEqual([
    15, 0, 0,
  ]);
});
