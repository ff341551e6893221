// Disks in memory and copy-on-write layers.

import { expect, test } from 'vitest';

import { memoryDisk, overlay } from '@worldswitch/devices';
import type { DiskBackend } from '@worldswitch/devices';
import { random } from '@worldswitch/testkit';

const contents = (sectors: number): Uint8Array =>
  Uint8Array.from({ length: sectors * 512 }, (_, i) => (i >>> 9) ^ i);
const read = (disk: DiskBackend, sector: number, count = 1): Uint8Array => {
  const bytes = new Uint8Array(count * 512);
  expect(disk.read(sector, bytes)).toBe(true);
  return bytes;
};

test('a disk of bytes has them, padded to whole sectors', () => {
  const disk = memoryDisk(Uint8Array.of(1, 2, 3));
  expect([disk.sectors, disk.readOnly]).toEqual([1, false]);
  expect([...read(disk, 0).subarray(0, 4)]).toEqual([1, 2, 3, 0]);
});

test('writing changes the disk and not the bytes that it was made of', () => {
  const bytes = contents(8);
  const disk = memoryDisk(bytes);
  expect(disk.write(3, new Uint8Array(512).fill(7))).toBe(true);
  expect(read(disk, 3)).toEqual(new Uint8Array(512).fill(7));
  expect(bytes).toEqual(contents(8));
});

test('a read-only disk is not written', () => {
  const disk = memoryDisk(contents(8), true);
  expect([disk.readOnly, disk.write(3, new Uint8Array(512))]).toEqual([true, false]);
  expect(read(disk, 3)).toEqual(contents(8).subarray(3 * 512, 4 * 512));
});

test('a layer leaves what is under it as it is', () => {
  const under = memoryDisk(contents(32));
  const layer = overlay(under);
  layer.write(7, new Uint8Array(1024).fill(9)); // across the edge of a cluster
  expect(read(layer, 6, 4)).toEqual(
    Uint8Array.from([
      ...contents(32).subarray(6 * 512, 7 * 512),
      ...new Uint8Array(1024).fill(9),
      ...contents(32).subarray(9 * 512, 10 * 512),
    ]),
  );
  expect(read(under, 0, 32)).toEqual(contents(32));
});

test('a layer over a disk that fails fails, and is not changed by a write that could not be done', () => {
  let failing = true;
  const under = memoryDisk(contents(8));
  const layer = overlay({ ...under, read: (sector, into) => !failing && under.read(sector, into) });
  expect(layer.read(0, new Uint8Array(512))).toBe(false);
  expect(layer.write(0, new Uint8Array(512))).toBe(false);
  failing = false;
  expect(read(layer, 0)).toEqual(contents(8).subarray(0, 512));
});

test('a disk of any size is what an array of bytes would be, through any reads and writes', () => {
  const draw = random(7);
  for (const sectors of [1, 7, 8, 9, 31, 64]) {
    const model = contents(sectors);
    const disk = memoryDisk(model.slice());
    for (let i = 0; i < 300; i++) {
      const sector = draw.below(sectors);
      const count = 1 + draw.below(sectors - sector);
      if (draw.below(2) === 0) {
        expect(read(disk, sector, count)).toEqual(model.subarray(sector * 512, (sector + count) * 512));
      } else {
        const bytes = new Uint8Array(count * 512).fill(draw.below(256));
        expect(disk.write(sector, bytes)).toBe(true);
        model.set(bytes, sector * 512);
      }
    }
  }
});

test('what was written is saved, and nothing else; another disk becomes what was saved', () => {
  const disk = memoryDisk(contents(64));
  expect(disk.save?.()).toEqual({ clusters: [] });
  disk.write(40, new Uint8Array(512).fill(1));
  disk.write(2, new Uint8Array(512).fill(2));
  const saved = disk.save?.() ?? { clusters: [] };
  expect(saved.clusters.map(({ index }) => index)).toEqual([0, 5]);
  const other = memoryDisk(contents(64));
  other.write(20, new Uint8Array(512).fill(3));
  other.restore?.(saved);
  expect(read(other, 0, 64)).toEqual(read(disk, 0, 64));
  disk.write(2, new Uint8Array(512).fill(4));
  expect(read(other, 2)).toEqual(new Uint8Array(512).fill(2));
});
