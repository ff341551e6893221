// GICv2m: messages become edges on shared interrupts.

import { describe, expect, test } from 'vitest';

import { gicV2, gicV2m } from '@worldswitch/gic';
import type { GicPin, GicV2mPin } from '@worldswitch/gic';
import { bench, conformance, requester } from '@worldswitch/testkit';

const by = requester();

describe('the conformance kit', () => {
  const checks = conformance(gicV2m, { config: () => ({}), runs: 4 });
  for (const check of checks) test(check.name, check.run);
});

describe('a frame', () => {
  test("is QEMU's: 64 interrupts from ID 80 on", () => {
    const [frame] = gicV2m.create({}, bench()).mmio;
    expect(frame?.read(0x008, 4, by)).toBe((80 << 16) | 64);
  });

  test.each([
    [79, []],
    [80, ['0 wire msi0 1', '0 wire msi0 0']],
    [143, ['0 wire msi63 1', '0 wire msi63 0']],
    [144, []],
    [1023, []],
  ])('takes message %i', (message, events) => {
    const on = bench<GicV2mPin>();
    gicV2m.create({}, on).mmio[0]?.write(0x040, 4, message, by);
    expect(on.log).toEqual(events);
  });

  test('reads as zero where messages are written', () => {
    const [frame] = gicV2m.create({ firstSpi: 0, count: 1 }, bench()).mmio;
    frame?.write(0x040, 4, 32, by);
    expect(frame?.read(0x040, 4, by)).toBe(0);
  });

  test('makes an edge-triggered interrupt of a GICv2 pending', () => {
    const gic = gicV2.create({ cpus: 1 }, bench<GicPin>());
    const frame = gicV2m.create(
      {},
      {
        ...bench<GicV2mPin>(),
        line: (pin) => gic.inputs.spi(48 + Number(pin.slice(3))),
      },
    );
    const [gicd] = gic.mmio;
    gicd?.write(0xc00 + 4 * 5, 4, 2 << 2, by); // GICD_ICFGR5: 81 is edge-triggered
    frame.mmio[0]?.write(0x040, 4, 81, by);
    expect(gicd?.read(0x200 + 4 * 2, 4, by)).toBe(1 << 17);
  });

  test.each([
    [{ count: 0 }, /count/],
    [{ count: 128 }, /count/],
    [{ firstSpi: 980 }, /firstSpi/],
  ])('with %j is refused', (config, message) => {
    expect(() => gicV2m.create(config, bench())).toThrow(message);
  });

  test('has a node', () => {
    const node = gicV2m.treeNode?.({}, { bases: [0x802_0000], interrupt: () => [], fixedClock: () => '' });
    expect(node?.name).toBe('v2m@8020000');
    expect(node?.properties['compatible']).toBe('arm,gic-v2m-frame');
  });
});
