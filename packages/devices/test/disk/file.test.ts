// Disks in raw image files: contents, and errors in one line.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { overlay } from '@worldswitch/devices';
import { fileDisk } from '@worldswitch/devices/node';

const folder = mkdtempSync(join(tmpdir(), 'worldswitch-disk-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
let count = 0;
const image = (bytes: Uint8Array): string => {
  const path = join(folder, `${count++}.img`);
  writeFileSync(path, bytes);
  return path;
};
const contents = (): Uint8Array => Uint8Array.from({ length: 16 * 512 }, (_, i) => (i >>> 9) ^ i);

test('reads and writes reach the file at once', () => {
  const path = image(contents());
  const disk = fileDisk(path);
  expect([disk.sectors, disk.readOnly]).toEqual([16, false]);
  const bytes = new Uint8Array(1024);
  expect(disk.read(3, bytes)).toBe(true);
  expect(bytes).toEqual(contents().subarray(3 * 512, 5 * 512));
  expect(disk.write(4, new Uint8Array(512).fill(0x5a))).toBe(true);
  expect(
    readFileSync(path)
      .subarray(4 * 512, 5 * 512)
      .every((byte) => byte === 0x5a),
  ).toBe(true);
  expect(disk.flush()).toBe(true);
  disk.close();
});

test('a read-only disk leaves its file alone', () => {
  const path = image(contents());
  const disk = fileDisk(path, { readOnly: true });
  expect([disk.readOnly, disk.write(0, new Uint8Array(512)), disk.flush()]).toEqual([true, false, true]);
  expect(Uint8Array.from(readFileSync(path))).toEqual(contents());
  disk.close();
});

test('a layer over a file leaves it alone', () => {
  const path = image(contents());
  const disk = fileDisk(path, { readOnly: true });
  const layer = overlay(disk);
  expect(layer.write(0, new Uint8Array(512))).toBe(true);
  expect(Uint8Array.from(readFileSync(path))).toEqual(contents());
  disk.close();
});

test('a closed disk answers with errors, and may be closed again', () => {
  const disk = fileDisk(image(contents()));
  disk.close();
  disk.close();
  expect([disk.read(0, new Uint8Array(512)), disk.write(0, new Uint8Array(512)), disk.flush()]).toEqual([
    false,
    false,
    false,
  ]);
});

test('a file that became shorter is an error of the reads beyond it', () => {
  const path = image(contents());
  const disk = fileDisk(path);
  writeFileSync(path, new Uint8Array(1024));
  expect([disk.read(0, new Uint8Array(1024)), disk.read(1, new Uint8Array(1024))]).toEqual([true, false]);
  disk.close();
});

test.each([
  ['missing', () => join(folder, 'none.img'), /none\.img: is not there/],
  ['a directory', () => folder, /is a directory|is not a file/],
  ['a device', () => '/dev/null', /\/dev\/null: is not a file/],
  [
    'a pipe to which nobody writes',
    () => {
      const path = join(folder, `${count++}.fifo`);
      execFileSync('mkfifo', [path]);
      return path;
    },
    /is not a file/,
  ],
  ['empty', () => image(new Uint8Array(0)), /is empty/],
  ['no whole sectors', () => image(new Uint8Array(700)), /has 700 bytes, which is not a multiple of 512/],
])('a file that is %s is refused in one line', (_, path, message) => {
  for (const readOnly of [true, false]) {
    const open = (): unknown => fileDisk(path(), { readOnly });
    expect(open).toThrow(message);
    expect(open).not.toThrow(/\n/);
  }
});

test.skipIf(process.getuid?.() === 0)('a file that may not be written says what to do', () => {
  const path = image(contents());
  chmodSync(path, 0o400);
  expect(() => fileDisk(path)).toThrow(/may not be written; give it readonly=on or snapshot=on/);
  fileDisk(path, { readOnly: true }).close();
});
