// What the register tables act on, and rows that the distributor and the redistributors have in common (IHI 0069 12.9, 12.11).

import type { Register, Transaction } from '@worldswitch/platform';

import { bitmap, openToNonSecure, pendingWord } from './interrupts.ts';
import { implemented, priorityBits, single, slot } from './state.ts';
import type { Gic } from './state.ts';

/** A GICv3 as its register handlers see it. */
export interface Host {
  readonly gic: Gic;
  /** The CPU of a redistributor's frames; -1 in the distributor, where no private interrupt is seen. */
  readonly cpu: number;
  /** Brings the outputs in line with the state. */
  readonly update: () => void;
}

/** True for an access that sees the Non-secure view (IHI 0069 4.6.1). */
export const nonSecure = (gic: Gic, by: Transaction): boolean => !single(gic) && !by.secure;

/** A register's new value where a write covers only `lanes`. */
export const merge = (old: number, value: number, lanes: number): number => ((old & ~lanes) | value) >>> 0;

/**
 * Interrupts of a word that an access may see: a Non-secure one Group 1, and what GICD_NSACR opens by at least `level`
 * (GICR_NSACR is about sending SGIs alone). The distributor has no private interrupts.
 */
export function visible({ gic, cpu }: Host, word: number, by: Transaction, level = 4): number {
  if (cpu < 0 && word === 0) return 0;
  const all = implemented(gic, word);
  if (!nonSecure(gic, by)) return all;
  return (
    all &
    (bitmap(gic, gic.group, cpu, word) | (level > 3 || cpu >= 0 ? 0 : openToNonSecure(gic, cpu, word, level)))
  );
}

/** Where a block has the rows: the distributor from 0, for all interrupts; a redistributor's SGI frame, for the private ones. */
interface Block {
  readonly prefix: 'GICD_' | 'GICR_';
  readonly suffix: '' | '0';
  readonly base: number;
  /** Words of a bitmap. */
  readonly words: number;
}

/** The levels of GICD_NSACR that open a register's bits; 4 is none. */
interface Levels {
  readonly read: number;
  readonly write: number;
}

/** Rows of a pair of set and clear registers over one bitmap. */
function setAndClear(
  block: Block,
  kind: string,
  offset: number,
  about: string,
  of: (gic: Gic) => Uint32Array,
  levels: readonly [set: Levels, clear: Levels],
  read: (gic: Gic, cpu: number, word: number) => number = (gic, cpu, word) => bitmap(gic, of(gic), cpu, word),
): readonly Register<Host>[] {
  const row = (letter: 'S' | 'C', at: number, level: Levels): Register<Host> => ({
    name: `${block.prefix}I${letter}${kind}R${block.suffix}`,
    offset: block.base + at,
    words: block.words,
    access: 'RW',
    about: `${about}; writing 1 ${letter === 'S' ? 'sets' : 'clears'}`,
    read: (host, word, by) => read(host.gic, host.cpu, word) & visible(host, word, by, level.read),
    write(host, value, _, word, by) {
      const bits = value & visible(host, word, by, level.write);
      if (bits === 0) return;
      const at = slot(host.gic, host.cpu, word);
      const words = of(host.gic);
      words[at] = letter === 'S' ? (words[at] ?? 0) | bits : (words[at] ?? 0) & ~bits;
      host.update();
    },
  });
  return [row('S', offset, levels[0]), row('C', offset + 0x80, levels[1])];
}

/** A bitmap that the Secure state alone accesses: groups. With one Security state IGRPMODR is reserved. */
function groups(
  block: Block,
  name: string,
  offset: number,
  about: string,
  of: (gic: Gic) => Uint32Array,
  reserved: (gic: Gic) => boolean,
): Register<Host> {
  const closed = ({ gic, cpu }: Host, word: number, by: Transaction): boolean =>
    nonSecure(gic, by) || reserved(gic) || (cpu < 0 && word === 0);
  return {
    name: `${block.prefix}${name}${block.suffix}`,
    offset: block.base + offset,
    words: block.words,
    access: 'RW',
    about,
    read: (host, word, by) => (closed(host, word, by) ? 0 : bitmap(host.gic, of(host.gic), host.cpu, word)),
    write(host, value, lanes, word, by) {
      if (closed(host, word, by)) return;
      const words = of(host.gic);
      const at = slot(host.gic, host.cpu, word);
      words[at] = merge(words[at] ?? 0, value, lanes) & implemented(host.gic, word);
      host.update();
    },
  };
}

/** Priorities; the Non-secure view has the lower half of them, shifted up (IHI 0069 4.8.1). */
function priorities(block: Block): Register<Host> {
  return {
    name: `${block.prefix}IPRIORITYR`,
    offset: block.base + 0x400,
    words: 8 * block.words,
    access: 'RW',
    about: 'priorities, a byte per interrupt',
    read(host, word, by) {
      const { gic, cpu } = host;
      const base = 32 * slot(gic, cpu, word >>> 3) + 4 * (word & 7);
      const seen = visible(host, word >>> 3, by) >>> (4 * (word & 7));
      const shift = nonSecure(gic, by) ? 1 : 0;
      let value = 0;
      for (let i = 3; i >= 0; i--) {
        const byte = ((gic.priority[base + i] ?? 0) << shift) & 0xff;
        value = (value << 8) | ((seen >>> i) & 1 ? byte : 0);
      }
      return value;
    },
    write(host, value, lanes, word, by) {
      const { gic, cpu, update } = host;
      const base = 32 * slot(gic, cpu, word >>> 3) + 4 * (word & 7);
      const seen = visible(host, word >>> 3, by) >>> (4 * (word & 7));
      const ns = nonSecure(gic, by);
      for (let i = 0; i < 4; i++) {
        if (((lanes >>> (8 * i)) & (seen >>> i) & 1) === 0) continue;
        const byte = (value >>> (8 * i)) & 0xff;
        gic.priority[base + i] = (ns ? 0x80 | (byte >>> 1) : byte) & priorityBits;
      }
      update();
    },
  };
}

/** The upper bit of each pair says edge-triggered; `first` counts words of this register of all interrupts. */
function configuration(
  block: Block,
  name: string,
  offset: number,
  first: number,
  words: number,
): Register<Host> {
  return {
    name: `${block.prefix}${name}`,
    offset: block.base + offset,
    words,
    access: 'RW',
    about: 'edge-triggered or level-sensitive, two bits per interrupt; SGIs are edge-triggered',
    read(host, index, by) {
      const word = first + index;
      const { gic, cpu } = host;
      const half =
        (bitmap(gic, gic.edge, cpu, word >>> 1) & visible(host, word >>> 1, by)) >>> (16 * (word & 1));
      let value = 0;
      for (let i = 15; i >= 0; i--) value = (value << 2) | (((half >>> i) & 1) << 1);
      return value;
    },
    write(host, value, lanes, index, by) {
      const word = first + index;
      if (word === 0) return;
      const { gic, cpu, update } = host;
      const at = slot(gic, cpu, word >>> 1);
      const writable = visible(host, word >>> 1, by);
      for (let i = 0; i < 16; i++) {
        const bit = 1 << (16 * (word & 1) + i);
        if (((lanes >>> (2 * i + 1)) & 1) === 0 || (writable & bit) === 0) continue;
        const edge = ((value >>> (2 * i + 1)) & 1) !== 0;
        gic.edge[at] = edge ? (gic.edge[at] ?? 0) | bit : (gic.edge[at] ?? 0) & ~bit;
      }
      update();
    },
  };
}

/** NSACR, two bits per interrupt, for the Secure state alone; `words` of them hold SGIs and shared interrupts. */
function nonSecureAccess(block: Block, words: number): Register<Host> {
  const closed = ({ gic, cpu }: Host, word: number, by: Transaction): boolean =>
    single(gic) || nonSecure(gic, by) || (cpu < 0 && word < 2);
  const first = ({ gic, cpu }: Host, word: number): number =>
    32 * slot(gic, cpu, word >>> 1) + 16 * (word & 1);
  return {
    name: `${block.prefix}NSACR`,
    offset: block.base + 0xe00,
    words,
    access: 'RW',
    about: 'what the Non-secure state may do with Secure interrupts',
    read(host, word, by) {
      if (closed(host, word, by) || word >>> 1 >= host.gic.words) return 0;
      let value = 0;
      for (let i = 15; i >= 0; i--) {
        value = (value << 2) | (host.gic.nonSecureAccess[first(host, word) + i] ?? 0);
      }
      return value;
    },
    write(host, value, lanes, word, by) {
      if (closed(host, word, by) || word >>> 1 >= host.gic.words) return;
      const there = implemented(host.gic, word >>> 1) >>> (16 * (word & 1));
      for (let i = 0; i < 16; i++) {
        if (((lanes >>> (2 * i)) & (there >>> i) & 1) === 0) continue;
        host.gic.nonSecureAccess[first(host, word) + i] = (value >>> (2 * i)) & 3;
      }
    },
  };
}

/** The rows that both blocks have. */
export function interruptRows(block: Block): readonly Register<Host>[] {
  const shared = block.prefix === 'GICD_';
  const at = (read: number, write: number): Levels => ({ read, write });
  const closed = at(4, 4);
  return [
    groups(
      block,
      'IGROUPR',
      0x080,
      'Group 0 or 1',
      (gic) => gic.group,
      () => false,
    ),
    ...setAndClear(block, 'ENABLE', 0x100, 'enabled', (gic) => gic.enabled, [closed, closed]),
    ...setAndClear(block, 'PEND', 0x200, 'pending', (gic) => gic.latched, [at(1, 1), at(2, 2)], pendingWord),
    ...setAndClear(block, 'ACTIVE', 0x300, 'active', (gic) => gic.active, [at(2, 4), at(2, 4)]),
    priorities(block),
    ...(shared
      ? [configuration(block, 'ICFGR', 0xc00, 0, 64)]
      : [configuration(block, 'ICFGR0', 0xc00, 0, 1), configuration(block, 'ICFGR1', 0xc04, 1, 1)]),
    groups(block, 'IGRPMODR', 0xd00, 'Group 1 Secure', (gic) => gic.modifier, single),
    nonSecureAccess(block, shared ? 64 : 1),
  ];
}
