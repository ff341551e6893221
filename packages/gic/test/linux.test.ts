// What Linux does with a GICv2: the registers that its driver touches are modelled, and its sequence works.

import { expect, test } from 'vitest';

import { gicV2 } from '@worldswitch/gic';

import { poweredUp } from './rig.ts';

/** Every register that a Debian 6.1 kernel accessed on QEMU's virt board, with EL1: first and last offset, and width. */
const touched: Readonly<
  Record<'GICD' | 'GICC', readonly (readonly [first: number, last: number, width: 1 | 4])[]>
> = {
  GICD: [
    [0x000, 0x004, 4],
    [0x100, 0x104, 4],
    [0x180, 0x1a0, 4],
    [0x380, 0x3a0, 4],
    [0x400, 0x51c, 4],
    [0x800, 0x91c, 4],
    [0x821, 0x827, 1],
    [0xc04, 0xc44, 4],
  ],
  GICC: [
    [0x00, 0x10, 4],
    [0xd0, 0xdc, 4],
    [0xfc, 0xfc, 4],
  ],
};

test('every register that it touches is in the table, at a width that the block takes', () => {
  for (const [name, ranges] of Object.entries(touched)) {
    const region = gicV2.regions.find((each) => each.name === name);
    const covered = new Set(
      region?.registers?.flatMap((row) =>
        Array.from({ length: row.words ?? 1 }, (_, i) => row.offset + 4 * i),
      ),
    );
    for (const [first, last, width] of ranges) {
      expect(region?.widths).toContain(width);
      for (let offset = first; offset <= last; offset += width)
        expect(covered).toContain(offset - (offset % 4));
    }
  }
});

test('its initialisation leaves a timer interrupt that comes, is taken and is ended', () => {
  const { read, write, writeByte, wire, pins } = poweredUp({ cpus: 1 });
  // Distributor: off, all shared interrupts level-sensitive, priority 0xa0, inactive, disabled; on.
  const words = (read('GICD_TYPER') & 0x1f) + 1;
  expect(words).toBe(9);
  write('GICD_CTLR', 0);
  for (let i = 2; i < 2 * words; i++) write(`GICD_ICFGR[${i}]`, 0);
  for (let i = 8; i < 8 * words; i++) write(`GICD_IPRIORITYR[${i}]`, 0xa0a0_a0a0);
  for (let i = 1; i < words; i++) {
    write(`GICD_ICACTIVER[${i}]`, 0xffff_ffff);
    write(`GICD_ICENABLER[${i}]`, 0xffff_ffff);
  }
  write('GICD_CTLR', 1);
  // CPU interface: private interrupts, active priorities cleared, mask, on with the bypass bits kept.
  write('GICD_ICACTIVER[0]', 0xffff_ffff);
  write('GICD_ICENABLER[0]', 0xffff_0000);
  write('GICD_ISENABLER[0]', 0x0000_ffff);
  for (let i = 0; i < 8; i++) write(`GICD_IPRIORITYR[${i}]`, 0xa0a0_a0a0);
  write('GICC_PMR', 0xf0);
  expect(read('GICC_IIDR') & 0xff_0fff).toBe(0x02_043b);
  for (let i = 0; i < 4; i++) write(`GICC_APR[${i}]`, 0);
  write('GICC_CTLR', (read('GICC_CTLR') & 0x1e0) | 1);
  // The virtual timer, PPI 27.
  write('GICD_ISENABLER[0]', 1 << 27);
  wire(27, true);
  expect(pins()).toEqual(['irq0']);
  expect(read('GICC_IAR')).toBe(27);
  wire(27, false);
  write('GICC_EOIR', 27);
  expect(read('GICC_IAR')).toBe(1023);
  // A serial port, SPI 1.
  writeByte(0x821, 1);
  write('GICD_ISENABLER[1]', 2);
  wire(33, true);
  expect(read('GICC_IAR')).toBe(33);
});
