// Register tables: dispatch at every width, cells, names, and what is derived from them.

import { describe, expect, test } from 'vitest';

import { identification, noTrace, referencePage, registerTable, RegisterTrace } from '@worldswitch/platform';
import type { Mmio, Register, Trace, Transaction } from '@worldswitch/platform';

interface Host {
  readonly seen: (readonly number[])[];
}

const rows: readonly Register<Host>[] = [
  {
    name: 'CTRL',
    offset: 0x0,
    access: 'RW',
    about: 'control',
    reset: 0x8000_0001,
    mask: 0xff0,
    fields: { EN: [4, 4], LVL: [11, 5] },
  },
  {
    name: 'DATA',
    offset: 0x4,
    words: 3,
    access: 'RW',
    about: 'data',
    read: (_, word) => -1 - word,
    write: (host, value, lanes, word) => void host.seen.push([value, lanes, word]),
  },
  {
    name: 'CLEAR',
    offset: 0x10,
    access: 'WO',
    about: 'clears',
    reset: 7,
    mask: 7,
    written: (host) => void host.seen.push([]),
  },
  { name: 'FIXED', offset: 0x14, access: 'RO', about: 'fixed', reset: 5, mask: 0xff },
  { name: 'NONE', offset: 0x18, access: 'RW', about: 'not modelled' },
  ...identification<Host>(0x20, 'ID', [0x11, 0x22], 4),
];
const table = registerTable(rows);
const by: Transaction = { requester: 2, streamId: -1, secure: false, privileged: true, fault: 0 };

function made(trace: Trace = noTrace): {
  readonly block: Mmio;
  readonly cells: Uint32Array;
  readonly host: Host;
} {
  const host: Host = { seen: [] };
  const cells = table.powerUp();
  return { host, cells, block: table.mmio(host, cells, trace) };
}

describe('cells', () => {
  test('start at reset and change where the mask says', () => {
    const { block } = made();
    expect(block.read(0, 4, by)).toBe(0x8000_0001);
    block.write(0, 4, 0xffff_ffff, by);
    expect(block.read(0, 4, by)).toBe(0x8000_0ff1);
    block.write(0, 4, 0, by);
    expect(block.read(0, 4, by)).toBe(0x8000_0001);
  });

  test('change in the bytes that an access covers', () => {
    const { block } = made();
    block.write(1, 1, 0xff, by);
    expect(block.read(0, 4, by)).toBe(0x8000_0f01);
    block.write(0, 2, 0x0080, by);
    expect(block.read(0, 4, by)).toBe(0x8000_0081);
  });

  test('read in part, and as zero beyond the word that an access starts in', () => {
    const { block } = made();
    expect([block.read(3, 1, by), block.read(2, 2, by), block.read(3, 4, by)]).toEqual([0x80, 0x8000, 0x80]);
  });

  test('that are read-only or write-only are so', () => {
    const { block, host } = made();
    block.write(0x14, 4, 0xff, by);
    expect(block.read(0x14, 4, by)).toBe(5);
    block.write(0x10, 4, 2, by);
    expect(block.read(0x10, 4, by)).toBe(0);
    expect(host.seen).toEqual([[]]);
  });

  test('are saved by name and restored', () => {
    const { block, cells } = made();
    block.write(0, 4, 0x550, by);
    const saved = table.save(cells);
    expect(saved).toEqual({ CTRL: 0x8000_0551, CLEAR: 7, FIXED: 5 });
    const other = made();
    table.restore(other.cells, table.shape.check(saved, ''));
    expect(other.block.read(0, 4, by)).toBe(0x8000_0551);
    table.reset(other.cells);
    expect(other.block.read(0, 4, by)).toBe(0x8000_0001);
  });

  test('restore no bits that a guest could not have set', () => {
    expect(() => table.shape.check({ CTRL: 2, CLEAR: 7, FIXED: 5 }, 'uart')).toThrow(
      'uart.CTRL must have no bits',
    );
  });
});

describe('handlers', () => {
  test('get values in place, the lanes, and the word', () => {
    const { block, host } = made();
    block.write(0x9, 1, 0xab, by);
    block.write(0xc, 4, 0xffff_ffff, by);
    expect(host.seen).toEqual([
      [0xab00, 0xff00, 1],
      [0xffff_ffff, 0xffff_ffff, 2],
    ]);
  });

  test('may return signed values: what a guest reads is unsigned and as wide as its access', () => {
    const { block } = made();
    expect([block.read(0x8, 4, by), block.read(0x8, 1, by)]).toEqual([0xffff_fffe, 0xfe]);
  });
});

test('what is not in the table reads as zero and is not written', () => {
  const { block } = made();
  for (const offset of [0x18, 0x1c, 0x28, 0xffc]) {
    block.write(offset, 4, 0xffff_ffff, by);
    expect(block.read(offset, 4, by)).toBe(0);
  }
});

test('accesses are traced, where the trace is on', () => {
  const events: number[][] = [];
  const all = RegisterTrace.Read | RegisterTrace.Write | RegisterTrace.Unmodelled;
  const { block } = made({ on: all, emit: (...event) => void events.push(event) });
  block.read(0x20, 4, by);
  block.write(0, 1, 1, by);
  block.read(0x100, 4, by);
  expect(events).toEqual([
    [RegisterTrace.Read, 0x20, 0x11, 2],
    [RegisterTrace.Write, 0, 1, 2],
    [RegisterTrace.Unmodelled, 0x100, 0, 2],
  ]);
});

test('offsets have names', () => {
  expect([0, 0xc, 0x24, 0x1c].map((offset) => table.nameAt(offset))).toEqual([
    'CTRL',
    'DATA[2]',
    'ID5',
    undefined,
  ]);
});

test('rows that overlap, and cells that are not there, are mistakes', () => {
  expect(() => registerTable<Host>([...rows, { name: 'X', offset: 0x8, access: 'RO', about: '' }])).toThrow(
    'X overlaps another register',
  );
  expect(() => table.cell('DATA')).toThrow('no cell DATA');
});

test('the reference page has a line for each register', () => {
  const page = referencePage('Sample', table.registers).split('\n');
  expect(page[0]).toBe('## Sample');
  expect(page).toContain('| 0x000 | CTRL | RW | control | EN 4, LVL 11:5 |');
  expect(page).toContain('| 0x004-0x00c | DATA | RW | data |  |');
});
