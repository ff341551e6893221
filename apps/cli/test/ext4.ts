// A disk with an ext4 file system, made and checked by e2fsprogs: what goes in, and what a guest's commands have left in it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { run, tempDir } from '@worldswitch/test-tools';

/** An image with one file, `hello.txt`; its size as mke2fs reads it. */
export async function ext4(size = '16M'): Promise<string> {
  const folder = tempDir();
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'hello.txt'), 'hello from the host\n');
  const image = join(folder, 'disk.img');
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, size]);
  return image;
}

/** Sound to e2fsck, and with what the guest wrote in it. */
export async function expectSound(image: string): Promise<void> {
  const check = await run('e2fsck', ['-fn', image]);
  expect(check.stdout).toContain('Pass 5');
  const read = await run('debugfs', ['-R', 'cat /from-guest', image]);
  expect(read.stdout).toBe('written by the guest\n');
}
