// What stands behind a disk device: sectors of 512 bytes. Back ends answer at once; a device may delay its completions.

import { bytes, list, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** Bytes of a sector. */
export const SECTOR = 512;
/** Bytes of a piece of a disk that is kept in memory. */
export const CLUSTER = 4096;
/** Clusters of the largest disk: 16 TiB. */
const MOST_CLUSTERS = 2 ** 32;

/** What of a disk is in a snapshot: clusters that differ from what the disk was when it was made. */
export type DiskState = Readonly<{
  clusters: readonly Readonly<{ index: number; bytes: Uint8Array }>[];
}>;

const clusters = list(
  record<DiskState['clusters'][number]>({ index: uint(MOST_CLUSTERS), bytes: bytes(CLUSTER) }),
  0,
  MOST_CLUSTERS,
);
/** How it is checked. */
export const diskShape: Shape<DiskState> = record<DiskState>({
  clusters: {
    check(from, path) {
      const all = clusters.check(from, path);
      const wrong = all.findIndex(({ index }, i) => index <= (all[i - 1]?.index ?? -1));
      if (wrong >= 0) throw new StateError(`${path}[${wrong}].index`, 'must be above the one before it');
      return all;
    },
  },
});

/** A disk. Every call is within its sectors, in whole sectors. */
export interface DiskBackend {
  /** Its size in sectors of 512 bytes. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Fills `into` from a sector on. False where the host could not: the guest sees an I/O error. */
  read(sector: number, into: Uint8Array): boolean;
  /** Stores `from` from a sector on. What it has returned of survives the end of the process. */
  write(sector: number, from: Uint8Array): boolean;
  /** Returns when what was written survives the end of the host. */
  flush(): boolean;
  /** What a snapshot must hold; absent where the disk is kept elsewhere, such as in a file. */
  save?(): DiskState;
  /** Becomes what was saved, all of which lies within it. */
  restore?(from: DiskState): void;
}
