// The device tree: what is written reads back, dtc agrees and warns of nothing, and a hostile blob gets one line.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { TreeNode } from '@worldswitch/platform';
import { requireTool, run, tempDir } from '@worldswitch/test-tools';

import { ConfigurationError, createMachine, deviceTree, flatten, unflatten, virt } from '../src/index.ts';
import type { MachineConfig } from '../src/index.ts';

const initrd = { start: 0x4800_0000, end: 0x4800_1234 };
const blobOf = (config: MachineConfig): Uint8Array =>
  deviceTree(createMachine(config).board, 'console=ttyAMA0 "quoted"', initrd);
const virtBlob = blobOf(virt({ memory: '64M' }));

const dtc = requireTool('dtc');

async function sourceOf(blob: Uint8Array): Promise<{ source: string; warnings: string }> {
  const file = join(tempDir(), 'board.dtb');
  writeFileSync(file, blob);
  const { stdout, stderr } = await run('dtc', ['-I', 'dtb', '-O', 'dts', '-s', file]);
  return { source: stdout, warnings: stderr };
}

const boards: readonly (readonly [string, MachineConfig])[] = [
  ['virt', virt({ memory: '64M' })],
  ['virt with EL2', virt({ memory: '64M', el2: true })],
  ['without firmware', { ...virt({ memory: '64M' }), psci: false }],
  ['without devices', { memory: '4M' }],
  [
    'two serial ports, one without an interrupt',
    {
      memory: '4M',
      devices: [
        { name: 'first', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } },
        { name: 'second', type: 'pl011', at: 0x0904_0000, config: { clock: 48_000_000 } },
      ],
    },
  ],
];

describe('the generated tree', () => {
  for (const [name, config] of boards) {
    dtc.test(`${name}: dtc reads it and warns of nothing`, async () => {
      const { source, warnings } = await sourceOf(blobOf(config));
      expect(warnings).toBe('');
      expect(source).toContain('interrupt-controller;');
    });
  }

  dtc.test('virt: what Linux looks for', async () => {
    const { source } = await sourceOf(virtBlob);
    for (const line of [
      'compatible = "linux,dummy-virt";',
      'bootargs = "console=ttyAMA0 \\"quoted\\"";',
      'stdout-path = "/pl011@9000000";',
      'linux,initrd-end = <0x00 0x48001234>;',
      'method = "hvc";',
      'reg = <0x00 0x40000000 0x00 0x4000000>;',
      'enable-method = "psci";',
      'compatible = "arm,cortex-a57";',
    ]) {
      expect(source).toContain(line);
    }
  });

  test("virt: the frame of messages stands below the interrupt controller, as QEMU's", () => {
    const root = unflatten(virtBlob, 'dtb');
    const find = (node: TreeNode | undefined, name: string): TreeNode | undefined =>
      node?.children?.find((child) => child.name === name);
    expect(find(root, 'v2m@8020000')).toBeUndefined();
    expect(find(find(root, 'interrupt-controller@8000000'), 'v2m@8020000')?.properties).toHaveProperty(
      'msi-controller',
    );
  });

  dtc.test('its binary is the one that dtc makes of its text', async () => {
    const { source } = await sourceOf(virtBlob);
    const again = await run('dtc', ['-I', 'dts', '-O', 'dtb', '-'], { input: source });
    const { source: twice } = await sourceOf(again.stdoutBytes);
    expect(twice).toBe(source);
  });

  test('a device without a wire has no interrupts property', () => {
    const [, config] = boards[4] ?? [];
    const root = unflatten(blobOf(config ?? {}), 'dtb');
    const interrupts = (name: string): unknown =>
      root.children?.find((n) => n.name === name)?.properties['interrupts'];
    expect(interrupts('pl011@9000000')).toBeInstanceOf(Uint8Array);
    expect(interrupts('pl011@9040000')).toBeUndefined();
  });
});

describe('writing and reading', () => {
  test('every kind of value', () => {
    const blob = flatten({
      name: '',
      properties: {
        flag: true,
        text: 'a',
        texts: ['b', 'cd'],
        cells: [1, { u64: 2 ** 33 + 5 }, { ref: 'it' }],
      },
      children: [{ name: 'node@0', label: 'it', properties: { bytes: Uint8Array.of(1, 2, 3) } }],
    });
    const root = unflatten(blob, 'dtb');
    expect(root.properties).toEqual({
      flag: true,
      text: Uint8Array.of(97, 0),
      texts: Uint8Array.of(98, 0, 99, 100, 0),
      cells: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 1),
    });
    expect(root.children).toEqual([
      {
        name: 'node@0',
        properties: { bytes: Uint8Array.of(1, 2, 3), phandle: Uint8Array.of(0, 0, 0, 1) },
        children: [],
      },
    ]);
  });

  test('what was read is written as it was', () => {
    const root = unflatten(virtBlob, 'dtb');
    expect(unflatten(flatten(root), 'dtb')).toEqual(root);
  });

  test('a reference to no label is refused', () => {
    expect(() => flatten({ name: '', properties: { a: [{ ref: 'nobody' }] } })).toThrow(/nobody/);
  });
});

/** Everything that reading does to a blob: a tree, or one line. */
function attempt(blob: Uint8Array): string | undefined {
  try {
    unflatten(blob, 'my.dtb');
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    expect(thrown.field).toBe('my.dtb');
    expect(thrown.message).not.toContain('\n');
    return thrown.message;
  }
}

describe('hostile blobs', () => {
  test('cut short anywhere', () => {
    for (let length = 0; length < virtBlob.length; length++) {
      expect(attempt(virtBlob.subarray(0, length)), `${length} bytes`).toBeDefined();
    }
    expect(attempt(virtBlob)).toBeUndefined();
  });

  test('any byte changed: a tree or one line, and never a crash', () => {
    let refused = 0;
    for (let at = 0; at < virtBlob.length; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        const blob = virtBlob.slice();
        blob[at] = value;
        if (attempt(blob) !== undefined) refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  test.each([
    ['no magic number', 0, 0, /magic/],
    ['a total beyond the file', 4, 0x0100_0000, /cut short/],
    ['a structure beyond the blob', 8, 0x00ff_0000, /outside/],
    ['strings beyond the blob', 12, 0x00ff_0000, /outside/],
    ['a version of the future', 24, 99, /version/],
  ])('%s', (_name, at, value, message) => {
    const blob = virtBlob.slice();
    new DataView(blob.buffer).setUint32(at, value);
    expect(attempt(blob)).toMatch(message);
  });

  test('nodes nested without end', () => {
    const tokens = 100_000;
    const blob = new Uint8Array(56 + 8 * tokens);
    blob.set(virtBlob.subarray(0, 40));
    const view = new DataView(blob.buffer);
    [0xd00dfeed, blob.length, 56, blob.length, 40, 17, 16, 0, 0, 8 * tokens].forEach((word, i) => {
      view.setUint32(4 * i, word);
    });
    for (let i = 0; i < tokens; i++) view.setUint32(56 + 8 * i, 1);
    expect(attempt(blob)).toMatch(/deep/);
  });
});
