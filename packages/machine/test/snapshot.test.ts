// Snapshots: a restored machine's future is the original's, on either engine, through a file; a hostile one gets a clear error.

import { describe, expect, test } from 'vitest';

import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { createMachine, decodeSnapshot, encodeSnapshot, restoreMachine, virt } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';
import { constant, guest, systemReset } from './rig.ts';

const config: MachineConfig = virt({ memory: '16M' });

/**
 * With the MMU on (an identity map by 1 GiB blocks), timer interrupts, stores all over memory, an exclusive pair that is open most
 * of the time, and the console: something that changes in each part.
 */
const BUSY = `
  adr x0, {vectors}
  msr VBAR_EL1, x0
  ${constant('x1', 0x4030_0000)}
  msr TTBR0_EL1, x1
  ${constant('x2', 0x401)} // a block of Device memory
  str x2, [x1]
  ${constant('x2', 0x4000_0705)} // and one of Normal memory
  str x2, [x1, #8]
  movz x2, #0xff00
  msr MAIR_EL1, x2
  ${constant('x2', 0x80_3519)} // T0SZ 25, inner shareable write-back, TTBR1 off
  msr TCR_EL1, x2
  isb
  mrs x2, SCTLR_EL1
  orr x2, x2, #1
  msr SCTLR_EL1, x2
  isb
  ${constant('x1', 0x0800_0000)}
  mov w2, #1
  str w2, [x1]
  movz w3, #0x800, lsl #16
  str w3, [x1, #0x100]
  ${constant('x10', 0x0801_0000)}
  mov w3, #0xf0
  str w3, [x10, #4]
  str w2, [x10]
  mov x0, #20
  msr CNTV_TVAL_EL0, x0
  mov x0, #1
  msr CNTV_CTL_EL0, x0
  msr DAIFClr, #2
  ${constant('x4', 0x4031_0000)}
  ${constant('x5', 0x0900_0000)}
loop:
  add x6, x6, #1
  ldxr x7, [x4]
  add x7, x7, x6
  nop
  nop
  stxr w8, x7, [x4]
  and x9, x6, #0x1f
  add x9, x4, x9, lsl #12
  str x6, [x9, #64]
  strb w6, [x5]
  b {loop}
  ${'nop\n'.repeat(512)}
vectors:`;

/** The vectors: at 0x280 (IRQ from the current level), acknowledge, set the timer anew, count. */
const VECTORS = `${'nop\n'.repeat(160)}
  ldr w11, [x10, #0xc]
  mov x12, #20
  msr CNTV_TVAL_EL0, x12
  str w11, [x10, #0x10]
  add x13, x13, #1
  eret`;

/** VBAR has 2 KiB alignment: the guest is moved until its vectors lie so. */
function busyGuest(): ReturnType<typeof guest> {
  const words = guest(BUSY).segments[0]?.bytes.length ?? 0;
  const padding = (2048 - (words % 2048)) / 4;
  return guest(`${'nop\n'.repeat(padding)}${BUSY}\n${VECTORS}`);
}

function busy(engine: 'jit' | 'reference'): Machine {
  const machine = createMachine({ ...config, engine });
  machine.load({ kernel: busyGuest() });
  return machine;
}

describe('a restored machine', () => {
  test('the guest does what it should', () => {
    const machine = busy('jit');
    expect(machine.run(100_000)).toBe('budget');
    const { state } = machine.cpu;
    expect(state.x(6)).toBeGreaterThan(8000n);
    expect(state.x(13)).toBeGreaterThan(200n);
    expect(machine.cpu.register('SCTLR_EL1') & 1n).toBe(1n);
  });

  for (const [from, to] of [
    ['jit', 'jit'],
    ['jit', 'reference'],
    ['reference', 'jit'],
  ] as const) {
    test(`goes the way of the original, from ${from} to ${to}`, { timeout: 60_000 }, async () => {
      const original = busy(from);
      for (const instructions of [1, 1999, 5003]) {
        original.run(instructions);
        const file = await encodeSnapshot(original.save());
        const copy = restoreMachine({ ...config, engine: to }, await decodeSnapshot(file));
        expect(copy.hash()).toBe(original.hash());
        expect([copy.now, copy.instructions]).toEqual([original.now, original.instructions]);
        for (let i = 0; i < 5; i++) {
          const twin = restoreMachine({ ...config, engine: from }, original.save());
          twin.run(333);
          copy.run(333);
          original.run(333);
          expect(copy.hash()).toBe(original.hash());
          expect(twin.hash()).toBe(original.hash());
        }
      }
    });
  }

  test('saving changes nothing', () => {
    const [one, other] = [busy('jit'), busy('jit')];
    for (let i = 0; i < 10; i++) {
      one.save();
      one.run(777);
      other.run(777);
      expect(one.hash()).toBe(other.hash());
    }
    expect(one.save()).toEqual(other.save());
  });

  test('is reset to what was loaded', () => {
    const machine = createMachine(config);
    machine.load({
      kernel: guest(`adr x1, {n}\nldr w2, [x1]\nadd w3, w2, #7\nstr w3, [x1]\nnop\n${systemReset}\nn:\n0x0`),
    });
    machine.run(5);
    const copy = restoreMachine(config, machine.save());
    expect(copy.run(100)).toBe('reset');
    copy.run(4);
    expect([copy.cpu.state.x(2), copy.cpu.state.x(3)]).toEqual([0n, 7n]);
  });

  test('still has the input that no device has taken', () => {
    const machine = createMachine(config);
    machine.load({ kernel: guest(`loop:\nb {loop}`) });
    machine.type('serial', Uint8Array.of(1, 2, 3));
    machine.run(10);
    expect(restoreMachine(config, machine.save()).pendingInput).toBe(3);
  });

  test('needs the board that it was saved from', () => {
    const saved = busy('jit').save();
    expect(() => restoreMachine(virt({ memory: '8M' }), saved)).toThrow(/^board is another board/);
    expect(() => restoreMachine({ ...config, el2: true }, saved)).toThrow(StateError);
  });
});

/** Loads a hostile state: an error that names a field, or a machine that runs. */
function attempt(state: Plain, engine: 'jit' | 'reference' = 'reference'): string | undefined {
  try {
    restoreMachine({ ...config, engine }, state).run(200);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof StateError)) throw thrown;
    expect(thrown.message).not.toContain('\n');
    expect(thrown.message.startsWith(thrown.field)).toBe(true);
    return thrown.message;
  }
}

type Fields = Record<string, Plain>;
const isFields = (value: Plain | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Every path to a value, lists by their first elements. */
function* paths(value: Plain, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (isFields(value)) for (const [key, inner] of Object.entries(value)) yield* paths(inner, [...path, key]);
  else if (Array.isArray(value) && value.length > 0)
    yield* paths((value as Plain[])[0] ?? null, [...path, '0']);
}

function changed(value: Plain, [key, ...rest]: readonly string[], to: Plain | undefined): Plain {
  if (key === undefined) return to ?? null;
  if (Array.isArray(value)) return (value as Plain[]).map((v, i) => (i === 0 ? changed(v, rest, to) : v));
  const fields = { ...(value as Fields) };
  if (rest.length > 0) fields[key] = changed(fields[key] ?? null, rest, to);
  else if (to === undefined) Reflect.deleteProperty(fields, key);
  else fields[key] = to;
  return fields;
}

describe('hostile states', () => {
  const machine = busy('jit');
  machine.run(3000);
  machine.type('serial', Uint8Array.of(1));
  const saved = machine.save();

  test('the state itself is accepted', () => {
    expect(attempt(saved)).toBeUndefined();
  });

  test('each field missing, or of another kind', { timeout: 60_000 }, () => {
    let refused = 0;
    const all = [...paths(saved)].filter((path) => path[0] !== 'gic' || path.length < 4);
    for (const path of all) {
      const wire = path[0] === 'wires' && path.length === 2;
      for (const to of [undefined, 'seven', -1, NaN, { lo: 0 }, new Uint8Array(3)]) {
        const message = attempt(changed(saved, path, to));
        if (message !== undefined) refused++;
        else if (!wire && to !== -1 && path.length < 3)
          throw new Error(`${path.join('.')} may be ${JSON.stringify(to)}`);
      }
    }
    expect(refused).toBeGreaterThan(all.length * 3);
  });

  test('a field too many', () => {
    expect(attempt({ ...(saved as Fields), surplus: 1 })).toBe('surplus is not a known field');
  });

  test.each([
    ['an EL that the board does not have', 0x120, 2],
    ['an EL that no board has', 0x120, 77],
    ['PSTATE.SP', 0x124, 2],
    ['DAIF', 0x11c, 16],
  ])('%s', (_name, at, value) => {
    const block = (
      saved as { cpus: readonly [{ state: { block: Uint8Array } }] }
    ).cpus[0].state.block.slice();
    new DataView(block.buffer).setUint32(at, value, true);
    expect(attempt(changed(saved, ['cpus', '0', 'state', 'block'], block))).toMatch(/^cpus\[0\]\.block/);
  });

  test('bits of the CPU at random: a machine that runs, or an error', { timeout: 60_000 }, () => {
    const { block } = (saved as { cpus: readonly [{ state: { block: Uint8Array } }] }).cpus[0].state;
    let seed = 1;
    for (let i = 0; i < 60; i++) {
      const bytes = block.slice();
      for (let n = 0; n < 40; n++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        bytes[(seed >>> 8) % bytes.length] = seed >>> 24;
      }
      attempt(changed(saved, ['cpus', '0', 'state', 'block'], bytes), i < 5 ? 'jit' : 'reference');
    }
  });

  test('pages of memory that do not rise, or lie beyond', () => {
    const page = new Uint8Array(4096);
    for (const [pages, count] of [
      [[5, 5], 2],
      [[5, 4], 2],
      [[4096], 1],
    ] as const) {
      const ram = {
        pages: new Uint8Array(Uint32Array.from(pages).buffer),
        bytes: new Uint8Array(count * 4096),
      };
      expect(attempt(changed(saved, ['ram'], ram))).toMatch(/^ram\.pages/);
    }
    expect(attempt(changed(saved, ['ram', 'bytes'], page))).toMatch(/^ram\.bytes/);
  });
});

describe('hostile files', () => {
  const refused = async (file: Uint8Array): Promise<void> => {
    await expect(decodeSnapshot(file)).rejects.toThrow(StateError);
  };

  test('cut short, changed, empty, something else', async () => {
    const file = await encodeSnapshot({ a: Uint8Array.of(1, 2, 3), b: [1, null, 'x'] });
    expect(await decodeSnapshot(file)).toEqual({ a: Uint8Array.of(1, 2, 3), b: [1, null, 'x'] });
    for (let length = 0; length < file.length; length++) await refused(file.subarray(0, length));
    await refused(new TextEncoder().encode('#!/bin/sh'));
  });

  const packed = async (text: string): Promise<Uint8Array> => {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  test.each([
    ['another magic', 'worldswitch snapshot 9\n2\n{}'],
    ['a length that is none', 'worldswitch snapshot 1\nmany\n{}'],
    ['a length beyond the file', 'worldswitch snapshot 1\n999\n{}'],
    ['no JSON', 'worldswitch snapshot 1\n2\n{]'],
    ['bytes that are not there', 'worldswitch snapshot 1\n18\n{"$bytes":[0,9999]}'.replace('18', '19')],
    ['nested without end', `worldswitch snapshot 1\n200000\n${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('%s', async (_name, text) => {
    await refused(await packed(text));
  });
});
