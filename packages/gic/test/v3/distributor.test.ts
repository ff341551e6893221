// The distributor and the redistributors with one Security state (IHI 0069 12.9, 12.11).

import { describe, expect, test } from 'vitest';

import { gicV3 } from '@worldswitch/gic';
import type { GicV3Pin } from '@worldswitch/gic';
import { Fault } from '@worldswitch/platform';
import type { Placement } from '@worldswitch/platform';
import { requester } from '@worldswitch/testkit';

import { bitOf, enable, poweredUp, route, running } from './rig.ts';

describe('identification', () => {
  test.each([
    ['288 interrupts', { cpus: 1 }, 0x0148_0008],
    ['1020 interrupts', { cpus: 4, interrupts: 1020 }, 0x0148_001f],
    ['two Security states', { cpus: 1, interrupts: 32, security: true }, 0x0148_0400],
  ])('GICD_TYPER says %s', (_, config, value) => {
    expect(poweredUp(config).read('GICD_TYPER')).toBe(value);
  });

  test('says GICv3 where drivers look for it', () => {
    const { read } = poweredUp({ cpus: 1 });
    expect([read('GICD_PIDR2') >>> 4, read('GICR_PIDR2') >>> 4]).toEqual([3, 3]);
    expect([read('GICD_TYPER2'), read('GICD_STATUSR'), read('GICR_STATUSR')]).toEqual([0, 0, 0]);
    expect([0, 1, 2, 3].map((i) => read(`GICR_CIDR${i}`))).toEqual([0x0d, 0xf0, 0x05, 0xb1]);
  });

  test('GICR_TYPER has number, affinity, and marks the last', () => {
    const { read } = poweredUp({ cpus: 17 });
    const type = (cpu: number): readonly number[] => [0, 1].map((i) => read(`GICR_TYPER[${i}]`, { cpu }));
    expect([type(0), type(1), type(16)]).toEqual([
      [0x0020, 0],
      [0x0120, 1],
      [0x1030, 0x100],
    ]);
  });

  test.each([
    [{ cpus: 0 }, /cpus/],
    [{ cpus: 124 }, /cpus/],
    [{ cpus: 1, interrupts: 40 }, /interrupts/],
    [{ cpus: 1, listRegisters: 17 }, /listRegisters/],
    [{ cpus: 2, affinities: [0] }, /affinities/],
    [{ cpus: 2, affinities: [1, 1] }, /affinities/],
  ])('of %j is refused', (config, message) => {
    expect(() => poweredUp(config)).toThrow(message);
  });
});

describe('affinity routing', () => {
  test('is always on, with one Security state fixed', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    expect(read('GICD_CTLR')).toBe(0x50);
    write('GICD_CTLR', 0);
    expect(read('GICD_CTLR')).toBe(0x50);
    write('GICD_CTLR', 0x8000_00a7);
    expect(read('GICD_CTLR')).toBe(0x53);
  });

  test('leaves the legacy registers and the private interrupts out of the distributor', () => {
    const { read, write } = poweredUp({ cpus: 2 });
    const registers = ['ITARGETSR[8]', 'ISENABLER[0]', 'IPRIORITYR[0]', 'ICFGR[0]', 'ICFGR[1]', 'IGROUPR[0]'];
    for (const name of [...registers, 'SGIR', 'SPENDSGIR[0]', 'IROUTER[62]', 'NSACR[0]'])
      write(`GICD_${name}`, 0xffff_ffff);
    expect(registers.map((name) => read(`GICD_${name}`))).toEqual([0, 0, 0, 0, 0, 0]);
    expect([read('GICR_ISENABLER0'), read('GICR_ISPENDR0'), read('GICD_IROUTER[62]')]).toEqual([0, 0, 0]);
  });

  test('sends an interrupt to the CPU of its affinity', () => {
    const rig = running({ cpus: 2, affinities: [0x100, 0x0300_0002] });
    enable(rig, 40);
    rig.wire(40, true);
    expect(rig.pins()).toEqual([]); // there is no CPU 0.0.0.0
    route(rig, 40, 0x100);
    expect(rig.pins()).toEqual(['irq0']);
    rig.write('GICD_IROUTER[80]', 2);
    expect(rig.pins()).toEqual([]);
    rig.write('GICD_IROUTER[81]', 0xff03);
    expect(rig.pins()).toEqual(['irq1']);
    expect([rig.read('GICD_IROUTER[80]'), rig.read('GICD_IROUTER[81]')]).toEqual([2, 3]);
  });

  test('changes at once by a 64-bit write', () => {
    const rig = running({ cpus: 3, affinities: [0, 0x0300_0000, 0x0300_0001] });
    enable(rig, 40);
    route(rig, 40, 0);
    rig.wire(40, true);
    const before = rig.on.log.length;
    rig.device.mmio[0]?.write64?.(0x6000 + 8 * 40, 1, 3, requester());
    expect(rig.on.log.slice(before)).toEqual(['0 wire irq0 0', '0 wire irq2 1']);
    const out = { lo: 0, hi: 0 };
    rig.device.mmio[0]?.read64?.(0x6000 + 8 * 40, out, requester());
    expect(out).toEqual({ lo: 1, hi: 3 });
  });

  test('to any CPU chooses the first that can take the interrupt now', () => {
    const rig = running({ cpus: 3 });
    enable(rig, 40, 0xa0);
    route(rig, 40, 'any');
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['irq0']);
    rig.msr('ICC_PMR', 0x80, 0); // masked
    expect(rig.pins()).toEqual(['irq1']);
    rig.write('GICR_WAKER', 2, { cpu: 1 }); // asleep
    expect(rig.pins()).toEqual(['irq2']);
    rig.msr('ICC_IGRPEN1_EL1', 0, 2); // does not take the group
    expect(rig.pins()).toEqual([]);
    rig.msr('ICC_PMR', 0xf8, 0);
    expect(rig.mrs('ICC_IAR1', 0)).toBe(40);
  });

  test('to any CPU spares one that GICR_CTLR.DPG1NS excludes', () => {
    const rig = running({ cpus: 2 });
    enable(rig, 40);
    route(rig, 40, 'any');
    rig.write('GICR_CTLR', 0xffff_ffff);
    expect(rig.read('GICR_CTLR')).toBe(0x0700_0000);
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['irq1']);
    rig.write('GICR_CTLR', 1 << 24); // Group 0 alone
    expect(rig.pins()).toEqual(['irq0']);
  });
});

describe('interrupts', () => {
  test('are enabled and disabled by writing ones, SGIs too', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    for (const name of ['GICD_I?ENABLER[1]', 'GICR_I?ENABLER0', 'GICD_I?ACTIVER[1]', 'GICR_I?ACTIVER0']) {
      const [set, clear] = [name.replace('?', 'S'), name.replace('?', 'C')];
      write(set, 0xf0);
      write(set, 0x0f);
      write(clear, 0x18);
      expect([read(set), read(clear)]).toEqual([0xe7, 0xe7]);
    }
  });

  test('pend by level while the wire is high, and by edge until taken back', () => {
    const rig = poweredUp({ cpus: 1 });
    rig.write('GICD_ICFGR[2]', 2 << 16);
    rig.wire(40, true);
    rig.wire(41, true);
    expect(rig.read('GICD_ISPENDR[1]')).toBe(3 << 8);
    rig.write('GICD_ICPENDR[1]', 3 << 8);
    expect(rig.read('GICD_ISPENDR[1]')).toBe(2 << 8);
    rig.wire(41, false);
    expect(rig.read('GICD_ISPENDR[1]')).toBe(0);
    rig.write('GICD_ISPENDR[1]', 2 << 8);
    expect(rig.read('GICD_ICPENDR[1]')).toBe(2 << 8);
  });

  test('have five bits of priority, by byte or word', () => {
    const rig = poweredUp({ cpus: 1 });
    rig.writeByte('GICD_IPRIORITYR', 41, 0xff);
    rig.write('GICR_IPRIORITYR[7]', 0x1234_5678);
    expect([rig.read('GICD_IPRIORITYR[10]'), rig.readByte('GICR_IPRIORITYR', 29)]).toEqual([0xf800, 0x50]);
  });

  test('of SGIs are edge-triggered, of PPIs as configured', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICR_ICFGR0', 0);
    write('GICR_ICFGR1', 0xffff_ffff);
    expect([read('GICR_ICFGR0'), read('GICR_ICFGR1')]).toEqual([0xaaaa_aaaa, 0xaaaa_aaaa]);
  });

  test("of the private kind are each CPU's own", () => {
    const rig = running({ cpus: 2 });
    enable(rig, 27, 0x80, 1);
    rig.wire(27, true, 0);
    expect(rig.pins()).toEqual([]);
    rig.wire(27, true, 1);
    expect(rig.pins()).toEqual(['irq1']);
    expect(bitOf(rig, 'ISENABLER', 27, { cpu: 0 })).toBe(0);
  });

  test('have no Secure Group 1 with one Security state', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICD_IGRPMODR[1]', 0xffff_ffff);
    write('GICR_IGRPMODR0', 0xffff_ffff);
    write('GICD_NSACR[2]', 0xffff_ffff);
    const names = ['GICD_IGRPMODR[1]', 'GICR_IGRPMODR0', 'GICD_NSACR[2]'];
    expect(names.map((name) => read(name))).toEqual([0, 0, 0]);
  });

  test('beyond those implemented are zero', () => {
    const { read, write } = poweredUp({ cpus: 1, interrupts: 1020 });
    write('GICD_ISENABLER[31]', 0xffff_ffff);
    write('GICD_IROUTER[2040]', 0xff);
    expect([read('GICD_ISENABLER[31]'), read('GICD_IROUTER[2040]')]).toEqual([0x0fff_ffff, 0]);
  });
});

describe('a redistributor', () => {
  test('sleeps and wakes', () => {
    const { read, write } = poweredUp({ cpus: 2 });
    write('GICR_WAKER', 2, { cpu: 1 });
    expect([read('GICR_WAKER'), read('GICR_WAKER', { cpu: 1 })]).toEqual([0, 6]);
    write('GICR_WAKER', 4, { cpu: 1 });
    expect(read('GICR_WAKER', { cpu: 1 })).toBe(0);
  });

  test('powers up asleep where there is a Secure state to wake it, else awake', () => {
    const secure = true;
    expect(poweredUp({ cpus: 1, security: true }).read('GICR_WAKER', { secure })).toBe(6);
    expect(poweredUp({ cpus: 1 }).read('GICR_WAKER')).toBe(0);
  });

  test('beyond the last is not there', () => {
    const { device } = poweredUp({ cpus: 2 });
    const by = requester();
    device.mmio[1]?.read(0x4_0008, 4, by);
    expect(by.fault).toBe(Fault.Decode);
    const writer = requester();
    device.mmio[1]?.write(0x4_0014, 4, 0, writer);
    expect(writer.fault).toBe(Fault.Decode);
  });
});

describe('the device tree', () => {
  const place = (bases: readonly number[]): Placement<GicV3Pin> => ({
    bases,
    interrupt: () => [],
    fixedClock: () => '',
  });

  test("has QEMU's two blocks, and with list registers the maintenance interrupt", () => {
    const node = gicV3.treeNode?.({ cpus: 2, listRegisters: 4 }, place([0x800_0000, 0x80a_0000]));
    expect(node?.name).toBe('interrupt-controller@8000000');
    expect(node?.properties['compatible']).toBe('arm,gic-v3');
    expect(node?.properties['#redistributor-regions']).toEqual([1]);
    expect(node?.properties['reg']).toEqual(
      [0x800_0000, 0x1_0000, 0x80a_0000, 0xf6_0000].map((u64) => ({ u64 })),
    );
    expect(node?.properties['interrupts']).toEqual([1, 9, 4]);
  });

  test('has no maintenance interrupt without', () => {
    const node = gicV3.treeNode?.({ cpus: 1 }, place([0, 0x1_0000]));
    expect(node?.properties['interrupts']).toBeUndefined();
    expect(() => gicV3.treeNode?.({ cpus: 1 }, place([0]))).toThrow(/base/);
  });
});

describe('the wires', () => {
  test.each([
    ['SPI 256', (rig: ReturnType<typeof poweredUp>) => rig.device.inputs.spi(256)],
    ['PPI 16', (rig: ReturnType<typeof poweredUp>) => rig.device.inputs.ppi(0, 16)],
    ['CPU 1', (rig: ReturnType<typeof poweredUp>) => rig.device.inputs.ppi(1, 0)],
    ['free PPI 9', (rig: ReturnType<typeof poweredUp>) => rig.device.inputs.ppi(0, 9)],
  ])('have no %s', (what, ask) => {
    expect(() => ask(poweredUp({ cpus: 1, listRegisters: 4 }))).toThrow(what);
  });
});
