// Register tables: one description yields dispatch at any width, reset values, access modes, the snapshot's shape, names
// for traces, the fuzzer's grammar and the reference page.

import type { Width } from './address.ts';
import type { Mmio, Transaction } from './bus.ts';
import { bits, record } from './codec.ts';
import type { Shape } from './codec.ts';
import type { Trace } from './trace.ts';

/** Trace kinds that every register table reports: offset, value, requester. */
export const RegisterTrace = { Read: 1, Write: 2, Unmodelled: 4 } as const;

/** What a register is, without its behaviour: the grammar of fuzzers and reference pages. */
export interface RegisterInfo {
  /** The specification's name. */
  readonly name: string;
  /** In bytes, a multiple of 4. */
  readonly offset: number;
  /** Consecutive 32-bit words of this name; 1 when absent. */
  readonly words?: number;
  /** As the specification says it. */
  readonly access: 'RO' | 'WO' | 'RW';
  /** One line for the reference page. */
  readonly about: string;
  /** Every field: `[high bit, low bit]`. */
  readonly fields?: Readonly<Record<string, readonly [high: number, low: number]>>;
}

/**
 * One row of a register table. A row with `reset` has a cell, which is saved under its name. `read` and `write` replace what
 * the cell does; a row with neither cell nor handler reads as zero and ignores writes.
 */
export interface Register<Host> extends RegisterInfo {
  /** The cell's value after reset; it gives the row its cell. */
  readonly reset?: number;
  /** The cell's bits that a write changes; none when absent. The others keep their reset value. */
  readonly mask?: number;
  /** Called for a read of word `word` of the row. Returns all 32 bits, signed or unsigned. */
  read?(host: Host, word: number, by: Transaction): number;
  /**
   * Called for a write, instead of the change of the cell. `value` is in place within the 32 bits and zero outside `lanes`,
   * the bits that the access covers: all of them for a 32-bit access.
   */
  write?(host: Host, value: number, lanes: number, word: number, by: Transaction): void;
  /** Called after a write has changed the cell. */
  written?(host: Host): void;
}

/** A register block's table. */
export interface RegisterTable<Host> {
  /** The rows, for fuzzers and reference pages. */
  readonly registers: readonly RegisterInfo[];
  /** The index of a row's cell. */
  cell(name: string): number;
  /** Cells in their reset state. */
  powerUp(): Uint32Array;
  /** Puts cells back in their reset state. */
  reset(cells: Uint32Array): void;
  /** The cells by name. */
  save(cells: Uint32Array): CellState;
  /** Fills cells from a checked state. */
  restore(cells: Uint32Array, from: CellState): void;
  /** What `save` returns. */
  readonly shape: Shape<CellState>;
  /** The name at an offset, for traces: `GICD_ICFGR[2]`. */
  nameAt(offset: number): string | undefined;
  /** The block as the bus sees it. */
  mmio(host: Host, cells: Uint32Array, trace: Trace): Mmio;
}

/** Plain registers in a saved state. */
export type CellState = Readonly<Record<string, number>>;

/** Bits that an access of a width covers, before it is moved to its byte lanes. */
const covered = (width: Width): number => (width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff);

/** Makes the table. Rows must not overlap. */
export function registerTable<Host>(rows: readonly Register<Host>[]): RegisterTable<Host> {
  const cells = rows.filter((row) => row.reset !== undefined);
  const cellOf = rows.map((row) => cells.indexOf(row));
  const index = dispatch(rows);
  const find = (name: string): number => {
    const at = cells.findIndex((row) => row.name === name);
    if (at < 0) throw new RangeError(`no cell ${name}`);
    return at;
  };
  const reset = (into: Uint32Array): void => {
    cells.forEach((row, i) => (into[i] = row.reset ?? 0));
  };
  return {
    registers: rows,
    cell: find,
    powerUp() {
      const made = new Uint32Array(cells.length);
      reset(made);
      return made;
    },
    reset,
    save: (from) => Object.fromEntries(cells.map((row, i) => [row.name, from[i] ?? 0])),
    restore: (into, from) => {
      cells.forEach((row, i) => (into[i] = from[row.name] ?? 0));
    },
    shape: record<CellState>(
      Object.fromEntries(cells.map((row) => [row.name, bits((row.reset ?? 0) | (row.mask ?? 0))])),
    ),
    nameAt(offset) {
      const row = rows[(index[offset >>> 2] ?? 0) - 1];
      if (row === undefined) return undefined;
      return (row.words ?? 1) === 1 ? row.name : `${row.name}[${(offset - row.offset) >>> 2}]`;
    },
    mmio: (host, values, trace) => block(rows, cellOf, index, host, values, trace),
  };
}

/** Per 32-bit word of the block, the row's number plus one; 0 where there is none. */
function dispatch(rows: readonly RegisterInfo[]): Uint16Array {
  const end = Math.max(0, ...rows.map((row) => (row.offset >>> 2) + (row.words ?? 1)));
  const index = new Uint16Array(end);
  rows.forEach((row, i) => {
    for (let word = 0; word < (row.words ?? 1); word++) {
      const at = (row.offset >>> 2) + word;
      if (index[at] !== 0) throw new RangeError(`${row.name} overlaps another register`);
      index[at] = i + 1;
    }
  });
  return index;
}

/**
 * Dispatch. An access narrower than a register sees its bytes of the 32; what an unaligned access covers beyond the word that
 * it starts in reads as zero and is not written.
 */
function block<Host>(
  rows: readonly Register<Host>[],
  cellOf: readonly number[],
  index: Uint16Array,
  host: Host,
  cells: Uint32Array,
  trace: Trace,
): Mmio {
  return {
    read(offset, width, by) {
      const number = index[offset >>> 2] ?? 0;
      const row = rows[number - 1];
      if (row === undefined) {
        if ((trace.on & RegisterTrace.Unmodelled) !== 0) {
          trace.emit(RegisterTrace.Unmodelled, offset, 0, by.requester);
        }
        return 0;
      }
      const word = (offset - row.offset) >>> 2;
      const cell = cellOf[number - 1] ?? -1;
      const whole =
        row.read !== undefined ? row.read(host, word, by) : row.access === 'WO' ? 0 : (cells[cell] ?? 0);
      const value = ((whole >>> ((offset & 3) << 3)) & covered(width)) >>> 0;
      if ((trace.on & RegisterTrace.Read) !== 0) trace.emit(RegisterTrace.Read, offset, value, by.requester);
      return value;
    },
    write(offset, width, value, by) {
      const number = index[offset >>> 2] ?? 0;
      const row = rows[number - 1];
      if (row === undefined) {
        if ((trace.on & RegisterTrace.Unmodelled) !== 0) {
          trace.emit(RegisterTrace.Unmodelled, offset, value, by.requester);
        }
        return;
      }
      if ((trace.on & RegisterTrace.Write) !== 0) {
        trace.emit(RegisterTrace.Write, offset, value, by.requester);
      }
      const shift = (offset & 3) << 3;
      const lanes = (covered(width) << shift) >>> 0;
      const placed = ((value << shift) & lanes) >>> 0;
      if (row.write !== undefined) {
        row.write(host, placed, lanes, (offset - row.offset) >>> 2, by);
        return;
      }
      const cell = cellOf[number - 1] ?? -1;
      if (cell < 0 || row.access === 'RO') return;
      const change = lanes & (row.mask ?? 0);
      cells[cell] = ((cells[cell] ?? 0) & ~change) | (placed & change);
      row.written?.(host);
    },
  };
}

/** Rows for identification registers: one byte each, four bytes apart, numbered from `first`. */
export function identification<Host>(
  offset: number,
  prefix: string,
  values: readonly number[],
  first = 0,
): readonly Register<Host>[] {
  return values.map((value, i) => ({
    name: `${prefix}${first + i}`,
    offset: offset + 4 * i,
    access: 'RO',
    about: `identification, 0x${value.toString(16).padStart(2, '0')}`,
    read: () => value,
  }));
}

/** The reference page of a block: a Markdown table. */
export function referencePage(title: string, registers: readonly RegisterInfo[]): string {
  const hex = (n: number): string => `0x${n.toString(16).padStart(3, '0')}`;
  const fieldsOf = (row: RegisterInfo): string =>
    Object.entries(row.fields ?? {})
      .map(([name, [high, low]]) => `${name} ${high === low ? high : `${high}:${low}`}`)
      .join(', ');
  const lines = registers.map((row) => {
    const last = row.offset + 4 * ((row.words ?? 1) - 1);
    const where = last === row.offset ? hex(last) : `${hex(row.offset)}-${hex(last)}`;
    return `| ${where} | ${row.name} | ${row.access} | ${row.about} | ${fieldsOf(row)} |`;
  });
  return [
    `## ${title}`,
    '',
    '| offset | name | access | what | fields |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
