// Configurations: every mistake gives one line that names the field; the shipped JSON Schema is the code's.

import { describe, expect, test } from 'vitest';

import {
  checkConfig,
  ConfigurationError,
  configurationSchema,
  createMachine,
  defineMachine,
  virt,
} from '../src/index.ts';
import type { MachineConfig } from '../src/index.ts';

const serial = { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } };

/** The error of a configuration; building the board counts. */
function mistake(config: unknown): ConfigurationError {
  try {
    createMachine(config as MachineConfig);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return thrown;
    throw thrown;
  }
  throw new Error('nothing is wrong with it');
}

describe('mistakes', () => {
  test.each([
    ['an unknown CPU model', { cpu: 'cortex-m3' }, 'cpu', /cortex-a53.*cortex-a57.*cortex-a72/],
    ['too many CPUs', { cpus: 9 }, 'cpus', /1 to 8/],
    ['no CPU', { cpus: 0 }, 'cpus', /1 to 8/],
    ['no size', { memory: 'much' }, 'memory', /K, M or G/],
    ['too little memory', { memory: '64K' }, 'memory', /1M to 3G/],
    ['a fraction of memory', { memory: 1.5 }, 'memory', /number/],
    ['an unknown field', { memroy: '64M' }, 'memroy', /no such field/],
    ['an unknown field inside', { gic: { revision: 3 } }, 'gic.revision', /no such field/],
    ['an unknown mode', { engineOptions: { speed: 9 } }, 'engineOptions.speed', /no such field/],
    [
      'a size that no table has',
      { engineOptions: { tlb: 3 } },
      'engineOptions.tlb',
      /power of two from 2 to 4096/,
    ],
    [
      'a threshold below zero',
      { engineOptions: { threshold: -1 } },
      'engineOptions.threshold',
      /0 to 1000000/,
    ],
    [
      'a mode of another engine',
      { engine: 'reference', engineOptions: { tlb: 2 } },
      'engineOptions.tlb',
      /the engine reference has no such option/,
    ],
    [
      'compiling without a compiler',
      { engine: 'interpreter', engineOptions: { tlb: 2, nest: false } },
      'engineOptions.nest',
      /the engine interpreter has no such option/,
    ],
    ['an unknown GIC', { gic: { version: 4 } }, 'gic.version', /2 or 3/],
    ['an unknown device', { devices: [{ ...serial, type: 'pl999' }] }, 'devices[0].type', /pl011, .*pl031/],
    ['a device without a type', { devices: [{ name: 'a', at: 0 }] }, 'devices[0].type', /is missing/],
    ['no address', { devices: [{ ...serial, at: 'here' }] }, 'devices[0].at', /hexadecimal/],
    ['an address of nothing', { devices: [{ ...serial, at: '0x_' }] }, 'devices[0].at', /hexadecimal/],
    ['too many addresses', { devices: [{ ...serial, at: [1, 2] }] }, 'devices[0].at', /1 address/],
    [
      'a pin that is not there',
      { devices: [{ ...serial, interrupts: { irk: 1 } }] },
      'devices[0].interrupts',
      /irq/,
    ],
    ['a name twice', { devices: [serial, { ...serial, at: 0x0a00_0000 }] }, 'devices[1].name', /taken/],
    ['a name of a part', { devices: [{ ...serial, name: 'gic' }] }, 'devices[0].name', /taken/],
    [
      'an interrupt twice',
      { devices: [serial, { ...serial, name: 'other', at: 0x0a00_0000 }] },
      'devices[1].interrupts.irq',
      /SPI 1 is taken by serial/,
    ],
    [
      'an interrupt beyond the GIC',
      { devices: [{ ...serial, interrupts: { irq: 500 } }] },
      'serial',
      /500|288|256/,
    ],
    [
      'a device on another',
      { devices: [serial, { name: 'rtc', type: 'pl031', at: 0x0900_0800 }] },
      'rtc RTC',
      /overlaps/,
    ],
    ['a device in memory', { devices: [{ ...serial, at: 0x4000_1000 }] }, 'serial UART', /overlaps memory/],
    ['a GIC in memory', { gic: { distributor: 0x4000_0000 } }, 'gic GICD', /overlaps memory/],
    ['memory that is not aligned', { ramBase: 0x4000_0010 }, 'memory', /multiples of 4096/],
    ['a list', [], 'configuration', /record|object/],
    ['nothing', null, 'configuration', /record|object/],
  ])('%s', (_name, config, field, message) => {
    const found = mistake(config);
    expect(found.field).toBe(field);
    expect(found.message).toMatch(message);
    expect(found.message).not.toContain('\n');
  });

  test('more memory than there can be', () => {
    expect(mistake({ memory: '4G' }).field).toBe('memory');
  });
});

test('defaults', () => {
  expect(checkConfig({})).toMatchObject({
    cpu: 'cortex-a57',
    memory: 256 * 2 ** 20,
    el2: false,
    psci: true,
    devices: [],
  });
  expect(checkConfig(virt({ el2: true })).devices.map((d) => [d.name, d.bases])).toEqual([
    ['msi', [0x0802_0000]],
    ['serial', [0x0900_0000]],
    ['rtc', [0x0901_0000]],
    ['gpio', [0x0903_0000]],
    ['buttons', []],
  ]);
  // A GICv3 has no frame for messages.
  expect(checkConfig(virt({ gic: { version: 3 } })).devices.map((d) => d.name)).not.toContain('msi');
});

test('defineMachine checks at once', () => {
  expect(() => defineMachine({ memory: '7X' })).toThrow(ConfigurationError);
});

test('board.schema.json is what the code says (vitest -u writes it)', async () => {
  const text = `${JSON.stringify(configurationSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../board.schema.json');
});
