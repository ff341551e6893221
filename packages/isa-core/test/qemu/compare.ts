// Batches of test cases on QEMU and on the reference engine, and what differs.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '@worldswitch/test-tools';

import { Layout } from '../../src/cpu/layout.ts';
import { batchSize, Block, placeOf, WINDOW, writeSlot } from './batch.ts';
import type { TestCase } from './generate.ts';
import { Signal } from './test-host.ts';

/** Every Armv8.0-A core that QEMU has agrees on what EL0 executes; this one also has CRC32 and the cryptographic instructions. */
const CPU = 'cortex-a57';

/** A case that differs. */
export interface Difference {
  readonly test: TestCase;
  /** What differs: `x3`, `v0`, `nzcv`, `signal` … with both values. */
  readonly what: readonly string[];
}

/** Translates the harness into a folder. */
export async function buildHarness(folder: string): Promise<string> {
  const here = (name: string): string => join(import.meta.dirname, name);
  const program = join(folder, 'harness');
  await run('aarch64-linux-gnu-gcc', ['-O1', '-static', '-o', program, here('harness.c'), here('harness.S')]);
  return program;
}

const SPECIAL = [
  ['nzcv', Layout.nzcv, Block.nzcv],
  ['fpcr', Layout.fpcr, Block.fpcr],
  ['fpsr', Layout.fpsr, Block.fpsr],
] as const;

/** Writes a state into a block, from the form in which the test host saves it. */
function writeState(file: DataView, block: number, state: Uint8Array): void {
  const bytes = new Uint8Array(file.buffer, file.byteOffset + block, Block.size);
  const words = new DataView(state.buffer, state.byteOffset, state.byteLength);
  bytes.set(state.subarray(Layout.x, Layout.x + 256), Block.x);
  bytes.set(state.subarray(Layout.v, Layout.v + 512), Block.v);
  bytes.set(state.subarray(Layout.cells, Layout.cells + WINDOW), Block.window);
  for (const [, from, to] of SPECIAL)
    file.setBigUint64(block + to, BigInt(words.getUint32(from, true)), true);
}

const hex = (n: bigint | number): string => `0x${n.toString(16)}`;

/** Every part of two blocks that differs. */
function differences(expected: DataView, got: DataView, block: number): string[] {
  const found: string[] = [];
  const compare = (name: string, offset: number): void => {
    const a = expected.getBigUint64(block + offset, true);
    const b = got.getBigUint64(block + offset, true);
    if (a !== b) found.push(`${name}: reference ${hex(a)}, QEMU ${hex(b)}`);
  };
  for (let i = 0; i < 32; i++) compare(i === 31 ? 'sp' : `x${String(i)}`, Block.x + 8 * i);
  for (const [name, , offset] of SPECIAL) compare(name, offset);
  compare('signal and taken', Block.signal);
  for (let i = 0; i < 64; i++)
    compare(`v${String(i >> 1)}${(i & 1) === 0 ? ' low' : ' high'}`, Block.v + 8 * i);
  for (let i = 0; i < WINDOW; i += 8) compare(`memory ${hex(i)}`, Block.window + i);
  return found;
}

/** Runs a batch on QEMU; `file` is where it lies meanwhile. */
export async function compareBatch(
  harness: string,
  file: string,
  tests: readonly TestCase[],
): Promise<Difference[]> {
  const input = Buffer.alloc(batchSize(tests.length));
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const expected = Buffer.alloc(input.length);
  const expectedView = new DataView(expected.buffer, expected.byteOffset, expected.byteLength);
  tests.forEach((test, i) => {
    const { block } = placeOf(i);
    writeSlot(view, i, tests.length, test.words);
    writeState(view, block, test.before);
    writeState(expectedView, block, test.after);
    expectedView.setUint32(block + Block.signal, test.signal, true);
    expectedView.setUint32(block + Block.taken, test.taken ? 1 : 0, true);
  });
  writeFileSync(file, input);
  await run('qemu-aarch64', ['-cpu', CPU, harness, file], { timeoutMs: 300_000 });
  const output = readFileSync(file);
  const outputView = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const found: Difference[] = [];
  tests.forEach((test, i) => {
    const { block } = placeOf(i);
    const same = (from: number, to: number): boolean =>
      output.compare(expected, block + from, block + to, block + from, block + to) === 0;
    if (same(0, Block.next) && same(Block.v, Block.v + 512) && same(Block.window, Block.size)) return;
    found.push({ test, what: differences(expectedView, outputView, block) });
  });
  return found;
}

/** One line or more for a person. */
export function describeDifference({ test, what }: Difference): string {
  const words = test.words.map((word) => word.toString(16).padStart(8, '0')).join(' ');
  const ended = test.signal === Signal.none ? '' : ` (signal ${String(test.signal)})`;
  return `${test.rows.join('; ')}: ${words}${ended}\n    ${what.slice(0, 6).join('\n    ')}`;
}
