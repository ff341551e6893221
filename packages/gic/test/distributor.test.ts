// The distributor (IHI 0048B 3.2, 4.3).

import { describe, expect, test } from 'vitest';

import { bitOf, enable, poweredUp, running } from './rig.ts';

describe('identification', () => {
  test.each([
    ['one CPU and 288 interrupts', { cpus: 1 }, 8],
    ['eight CPUs and 1020 interrupts', { cpus: 8, interrupts: 1020 }, 0xff],
    ['the Security Extensions', { cpus: 1, interrupts: 32, security: true }, 0x400],
  ])('GICD_TYPER says %s', (_, config, value) => {
    expect(poweredUp(config).read('GICD_TYPER')).toBe(value);
  });

  test('says GICv2 where drivers look for it', () => {
    const { read } = poweredUp({ cpus: 1 });
    expect(read('GICD_PIDR2') >>> 4).toBe(2);
    expect(read('GICC_IIDR')).toBe(0x0202_143b);
    expect([0, 1, 2, 3].map((i) => read(`GICD_CIDR${i}`))).toEqual([0x0d, 0xf0, 0x05, 0xb1]);
  });
});

describe('enables', () => {
  test('are set and cleared by writing ones', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICD_ISENABLER[1]', 0xf0);
    write('GICD_ISENABLER[1]', 0x0f);
    write('GICD_ICENABLER[1]', 0x18);
    expect([read('GICD_ISENABLER[1]'), read('GICD_ICENABLER[1]')]).toEqual([0xe7, 0xe7]);
  });

  test('of SGIs are always set', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICD_ICENABLER[0]', 0xffff_ffff);
    expect(read('GICD_ISENABLER[0]')).toBe(0xffff);
  });

  test('of private interrupts are banked by CPU', () => {
    const { read, write } = poweredUp({ cpus: 2 });
    write('GICD_ISENABLER[0]', 0x0800_0000, { cpu: 1 });
    expect(read('GICD_ISENABLER[0]', { cpu: 0 })).toBe(0xffff);
    expect(read('GICD_ISENABLER[0]', { cpu: 1 })).toBe(0x0800_ffff);
  });

  test('of interrupts that are not implemented are zero', () => {
    const { read, write } = poweredUp({ cpus: 1, interrupts: 64 });
    write('GICD_ISENABLER[2]', 0xffff_ffff);
    expect(read('GICD_ISENABLER[2]')).toBe(0);
    const largest = poweredUp({ cpus: 1, interrupts: 1020 });
    largest.write('GICD_ISENABLER[31]', 0xffff_ffff);
    expect(largest.read('GICD_ISENABLER[31]')).toBe(0x0fff_ffff);
  });
});

describe('a level-sensitive interrupt', () => {
  test('is pending while its wire is high', () => {
    const rig = running();
    rig.wire(40, true);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(1);
    rig.write('GICD_ICPENDR[1]', 1 << 8);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(1);
    rig.wire(40, false);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(0);
  });

  test('that software made pending stays so until it is acknowledged', () => {
    const rig = running();
    enable(rig, 40);
    rig.write('GICD_ISPENDR[1]', 1 << 8);
    rig.wire(40, true);
    rig.wire(40, false);
    expect(rig.pins()).toEqual(['irq0']);
    expect(rig.read('GICC_IAR')).toBe(40);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(0);
  });

  test('is active and pending while its wire stays high, and comes again when it is ended', () => {
    const rig = running();
    enable(rig, 40);
    rig.wire(40, true);
    expect(rig.read('GICC_IAR')).toBe(40);
    expect(rig.pins()).toEqual([]);
    expect([bitOf(rig, 'GICD_ISACTIVER', 40), bitOf(rig, 'GICD_ISPENDR', 40)]).toEqual([1, 1]);
    rig.write('GICC_EOIR', 40);
    expect(rig.pins()).toEqual(['irq0']);
    rig.wire(40, false);
    expect(rig.pins()).toEqual([]);
  });
});

describe('an edge-triggered interrupt', () => {
  const edge = (): ReturnType<typeof running> => {
    const rig = running();
    enable(rig, 40);
    rig.write('GICD_ICFGR[2]', 2 << 16);
    return rig;
  };

  test('stays pending when its wire falls', () => {
    const rig = edge();
    rig.wire(40, true);
    rig.wire(40, false);
    expect(rig.read('GICC_IAR')).toBe(40);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(0);
  });

  test('does not come again while its wire stays high', () => {
    const rig = edge();
    rig.wire(40, true);
    rig.read('GICC_IAR');
    rig.write('GICC_EOIR', 40);
    expect(rig.pins()).toEqual([]);
  });

  test('that rises while active is pending again after the end', () => {
    const rig = edge();
    rig.wire(40, true);
    rig.read('GICC_IAR');
    rig.wire(40, false);
    rig.wire(40, true);
    expect(rig.pins()).toEqual([]);
    rig.write('GICC_EOIR', 40);
    expect(rig.read('GICC_IAR')).toBe(40);
  });

  test('can be taken back', () => {
    const rig = edge();
    rig.wire(40, true);
    rig.write('GICD_ICPENDR[1]', 1 << 8);
    expect(rig.pins()).toEqual([]);
  });
});

describe('configuration', () => {
  test('of SGIs is edge-triggered and read-only', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICD_ICFGR[0]', 0);
    expect(read('GICD_ICFGR[0]')).toBe(0xaaaa_aaaa);
  });

  test('keeps the upper bit of each pair', () => {
    const { read, write } = poweredUp({ cpus: 1 });
    write('GICD_ICFGR[3]', 0xffff_ffff);
    expect(read('GICD_ICFGR[3]')).toBe(0xaaaa_aaaa);
  });
});

describe('priorities', () => {
  test.each([
    [4, 0xf0],
    [5, 0xf8],
    [8, 0xff],
  ])('have %i bits when configured so', (priorityBits, mask) => {
    const { write, read } = poweredUp({ cpus: 1, priorityBits });
    write('GICD_IPRIORITYR[10]', 0xffff_ffff);
    expect(read('GICD_IPRIORITYR[10]')).toBe((mask * 0x0101_0101) >>> 0);
  });

  test('are accessible by byte', () => {
    const { read, readByte, writeByte } = poweredUp({ cpus: 1 });
    writeByte(0x429, 0xa0);
    expect(read('GICD_IPRIORITYR[10]')).toBe(0xa000);
    expect(readByte(0x429)).toBe(0xa0);
  });
});

describe('targets', () => {
  test('of private interrupts are the reader', () => {
    const { read } = poweredUp({ cpus: 4 });
    expect(read('GICD_ITARGETSR[0]', { cpu: 2 })).toBe(0x0404_0404);
  });

  test('are zero with one CPU, which gets all interrupts', () => {
    const rig = running();
    rig.write('GICD_ITARGETSR[10]', 0x0101_0101);
    expect(rig.read('GICD_ITARGETSR[10]')).toBe(0);
    enable(rig, 40);
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['irq0']);
  });

  test('name CPUs that exist', () => {
    const { read, write } = poweredUp({ cpus: 3 });
    write('GICD_ITARGETSR[10]', 0xffff_ffff);
    expect(read('GICD_ITARGETSR[10]')).toBe(0x0707_0707);
  });

  test('decide which CPUs are interrupted, of which one acknowledges', () => {
    const rig = running({ cpus: 3 });
    enable(rig, 40);
    rig.writeByte(0x828, 0b110);
    rig.wire(40, true);
    expect(rig.pins()).toEqual(['irq1', 'irq2']);
    expect(rig.read('GICC_IAR', { cpu: 2 })).toBe(40);
    expect(rig.pins()).toEqual([]);
    expect(rig.read('GICC_IAR', { cpu: 1 })).toBe(1023);
  });
});

describe('software-generated interrupts', () => {
  test.each([
    ['the CPUs of the list', 0x0005_0003, ['irq0', 'irq2']],
    ['all others', 0x0100_0003, ['irq0', 'irq2', 'irq3']],
    ['the sender', 0x0200_0003, ['irq1']],
  ])('go to %s', (_, value, pins) => {
    const rig = running({ cpus: 4 });
    rig.write('GICD_SGIR', value, { cpu: 1 });
    expect(rig.pins()).toEqual(pins);
  });

  test('show their sender, of several the lowest first', () => {
    const rig = running({ cpus: 4 });
    for (const cpu of [3, 1]) rig.write('GICD_SGIR', 0x0001_0005, { cpu });
    expect(rig.read('GICD_CPENDSGIR[1]')).toBe(0x0a00);
    expect(rig.read('GICC_IAR')).toBe((1 << 10) | 5);
    rig.write('GICC_EOIR', (1 << 10) | 5);
    expect(rig.read('GICC_IAR')).toBe((3 << 10) | 5);
    rig.write('GICC_EOIR', (3 << 10) | 5);
    expect(rig.read('GICC_IAR')).toBe(1023);
  });

  test('are not made pending by GICD_ISPENDR, but by GICD_SPENDSGIR for each sender', () => {
    const rig = running({ cpus: 2 });
    rig.write('GICD_ISPENDR[0]', 0xffff);
    expect(rig.read('GICD_ISPENDR[0]')).toBe(0);
    rig.write('GICD_SPENDSGIR[0]', 0x0200);
    expect(rig.read('GICD_ISPENDR[0]')).toBe(2);
    rig.write('GICD_CPENDSGIR[0]', 0x0200);
    expect(rig.read('GICD_ISPENDR[0]')).toBe(0);
  });
});

describe('wires', () => {
  test('that do not exist cannot be connected', () => {
    const { device } = poweredUp({ cpus: 2, interrupts: 64, listRegisters: 4 });
    expect(() => device.inputs.spi(32)).toThrow('gic: there is no SPI 32');
    expect(() => device.inputs.ppi(2, 0)).toThrow('gic: there is no CPU 2');
    expect(() => device.inputs.ppi(0, 9)).toThrow('the maintenance interrupt is there');
  });

  test('keep their level through reset', () => {
    const rig = running();
    rig.wire(40, true);
    for (const phase of [0, 1, 2] as const) rig.device.reset(phase);
    expect(bitOf(rig, 'GICD_ISPENDR', 40)).toBe(1);
    expect(rig.device.inputs.spi(8).level).toBe(true);
  });
});

test('an access by no CPU is refused, and changes nothing', () => {
  const rig = running();
  const by = { requester: -1, streamId: 0, secure: false, privileged: true, fault: 0 as 0 | 2 };
  rig.device.mmio[0]?.write(0x000, 4, 0, by);
  expect(by.fault).toBe(2);
  expect(rig.read('GICD_CTLR')).toBe(1);
});

test('a configuration that cannot be is refused by field', () => {
  expect(() => poweredUp({ cpus: 9 })).toThrow('gic: cpus must be 1 to 8, but is 9');
  expect(() => poweredUp({ cpus: 1, interrupts: 40 })).toThrow('gic: interrupts must be a multiple of 32');
  expect(() => poweredUp({ cpus: 1, priorityBits: 4, security: true })).toThrow(
    'gic: priorityBits must be 5 to 8',
  );
  expect(() => poweredUp({ cpus: 1, listRegisters: 65 })).toThrow('gic: listRegisters');
});
