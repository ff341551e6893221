// Disks in memory: a copy-on-write layer over another disk, and a disk of bytes.

import { CLUSTER, SECTOR } from './disk.ts';
import type { DiskBackend } from './disk.ts';

/**
 * A disk that starts as another one, of which it changes nothing: what is written stays in memory, and is part of snapshots.
 *
 * @param readOnly - true for a disk that the guest may not write
 */
export function overlay(base: DiskBackend, readOnly = false): DiskBackend {
  const written = new Map<number, Uint8Array>();
  const size = base.sectors * SECTOR;

  /** A cluster's bytes as they were at the beginning. */
  const original = (index: number): Uint8Array | undefined => {
    const cluster = new Uint8Array(CLUSTER);
    const at = index * CLUSTER;
    const there = Math.min(CLUSTER, size - at);
    return base.read(at / SECTOR, cluster.subarray(0, there)) ? cluster : undefined;
  };
  const each = (
    sector: number,
    length: number,
    move: (index: number, from: number, done: number, count: number) => boolean,
  ): boolean => {
    for (let done = 0; done < length;) {
      const at = sector * SECTOR + done;
      const from = at % CLUSTER;
      const count = Math.min(CLUSTER - from, length - done);
      if (!move(Math.floor(at / CLUSTER), from, done, count)) return false;
      done += count;
    }
    return true;
  };
  return {
    sectors: base.sectors,
    readOnly,
    read: (sector, into) =>
      each(sector, into.length, (index, from, done, count) => {
        const cluster = written.get(index);
        if (cluster === undefined)
          return base.read(index * (CLUSTER / SECTOR) + from / SECTOR, into.subarray(done, done + count));
        into.set(cluster.subarray(from, from + count), done);
        return true;
      }),
    write: (sector, bytes) =>
      !readOnly &&
      each(sector, bytes.length, (index, from, done, count) => {
        const cluster = written.get(index) ?? original(index);
        if (cluster === undefined) return false;
        cluster.set(bytes.subarray(done, done + count), from);
        written.set(index, cluster);
        return true;
      }),
    flush: () => true,
    save: () => ({
      clusters: [...written]
        .sort(([a], [b]) => a - b)
        .map(([index, bytes]) => ({ index, bytes: bytes.slice() })),
    }),
    restore(from) {
      written.clear();
      for (const { index, bytes } of from.clusters) written.set(index, bytes.slice());
    },
  };
}

/**
 * A disk whose contents are bytes, which stay as they are.
 *
 * @param contents - padded with zeros to whole sectors
 */
export function memoryDisk(contents: Uint8Array, readOnly = false): DiskBackend {
  const sectors = Math.ceil(contents.length / SECTOR);
  return overlay(
    {
      sectors,
      readOnly: true,
      read(sector, into) {
        const part = contents.subarray(sector * SECTOR, sector * SECTOR + into.length);
        into.fill(0, part.length);
        into.set(part);
        return true;
      },
      write: () => false,
      flush: () => true,
    },
    readOnly,
  );
}
