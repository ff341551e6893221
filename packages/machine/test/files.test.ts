// Boot images and snapshots as files.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';
import { tempDir } from '@worldswitch/test-tools';

import { ConfigurationError, createMachine, restoreMachine, virt } from '../src/index.ts';
import { bootFiles, readSnapshot, writeSnapshot } from '../src/node/index.ts';

const folder = tempDir();
const path = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

const image = new Uint8Array(4096);
new DataView(image.buffer).setUint32(56, 0x644d_5241, true);
new DataView(image.buffer).setUint32(16, 4096, true);

test('a kernel, an initrd and a command line', async () => {
  const images = await bootFiles({
    kernel: path('Image', image),
    initrd: path('initrd', Uint8Array.of(1, 2)),
    append: 'quiet',
  });
  expect(images).toMatchObject({
    name: 'Image',
    append: 'quiet',
    initrd: Uint8Array.of(1, 2),
    tree: undefined,
  });
  expect(images.kernel?.entry).toBe(0x4020_0000);
});

test.each([
  [
    'a kernel that is not there',
    { kernel: join(folder, 'nothing') },
    /^kernel .*nothing: there is no such file$/,
  ],
  ['a folder', { kernel: folder }, /^kernel .*: it is a folder$/],
  ['a text', { kernel: path('text', new TextEncoder().encode('hello')) }, /^kernel .*text: is neither/],
  [
    'no initrd',
    { kernel: path('Image', image), initrd: join(folder, 'none') },
    /^initrd .*none: there is no such file$/,
  ],
])('%s', async (_name, files, message) => {
  const failed = await bootFiles(files).catch((thrown: unknown) => thrown);
  expect(failed).toBeInstanceOf(ConfigurationError);
  expect((failed as Error).message).toMatch(message);
});

test('a snapshot goes to a file and comes back', async () => {
  const config = virt({ memory: '8M' });
  const machine = createMachine(config);
  machine.board.ram.bytes.set([1, 2, 3], 0x5000);
  const file = join(folder, 'machine.snapshot');
  await writeSnapshot(file, machine.save());
  expect(restoreMachine(config, await readSnapshot(file)).hash()).toBe(machine.hash());
  await expect(readSnapshot(path('other', image))).rejects.toThrow(StateError);
  await expect(readSnapshot(join(folder, 'none'))).rejects.toThrow(ConfigurationError);
});
