// Functions of a few instructions in, WebAssembly out: a change of the hot tier's shapes shows as a difference of these files.

import { describe, expect, it } from 'vitest';

import { discover } from '../src/hot/blocks.ts';
import type { HotFrame } from '../src/hot/frame.ts';
import { plan } from '../src/hot/layout.ts';
import { RegionEmitter } from '../src/hot/region.ts';
import { buildInterpreter } from '../src/interpreter/build.ts';
import { Op } from '../src/wasm/opcodes.ts';
import { bodyListing } from './listing.ts';
import { Program } from './programs/assembler.ts';

const regions: Readonly<Record<string, (p: Program) => void>> = {
  'a loop': (p) => {
    p.add('mov x1, xzr');
    const top = p.place();
    p.add('add x1, x1, x0', 'subs x0, x0, #1');
    p.to('b.ne', top);
    p.add('mov x0, x1', 'ret');
  },
  'flags over an edge': (p) => {
    const other = p.label();
    p.add('cmp x0, x1', 'ccmp w2, #3, #4, ge');
    p.to('cbz x3,', other);
    p.add('cset x4, hi', 'ret');
    p.place(other);
    p.add('adcs x4, x5, x6', 'mrs x7, nzcv', 'ret');
  },
  'accesses to memory': (p) => {
    p.add('ldr x2, [x0]', 'ldp x3, x4, [x0, #16]', 'str w2, [x1, #4]', 'stp x3, x4, [sp, #-16]!', 'ret');
  },
  'a recursion': (p) => {
    const f = p.place();
    const bottom = p.label();
    p.to('cbz x0,', bottom);
    p.add('sub x0, x0, #1', 'stp x29, x30, [sp, #-16]!');
    p.to('bl', f);
    p.add('ldp x29, x30, [sp], #16');
    p.place(bottom);
    p.add('ret');
  },
  'calls and jumps to addresses': (p) => {
    p.add('blr x8', 'add x0, x0, #1', 'br x9');
  },
  'loops in loops with an entry behind a stop': (p) => {
    const outer = p.place();
    p.add('mov x1, #8', 'svc #0');
    const inner = p.place();
    p.add('add x0, x0, x1', 'subs x1, x1, #1');
    p.to('b.ne', inner);
    p.add('sub x2, x2, #1');
    p.to('cbnz x2,', outer);
    p.add('ret');
  },
  'a loop through memory': (p) => {
    const top = p.place();
    p.add('ldrb w2, [x0], #1', 'strb w2, [x1, x3]', 'add x3, x3, #1');
    p.to('cbnz w2,', top);
    p.add('ret');
  },
  'a loop with odd addresses and one that does not change': (p) => {
    const top = p.place();
    p.add('ldr x2, [x0], #9', 'ldr x3, [x1, #8]', 'add x3, x3, x2', 'str x3, [x1, #8]', 'subs x4, x4, #1');
    p.to('b.ne', top);
    p.add('ret');
  },
  'a loop with stores beside code': (p) => {
    const top = p.place();
    p.add('strb w2, [x0], #1', 'str x3, [x1, #8]', 'subs x4, x4, #1');
    p.to('b.ne', top);
    p.add('ret');
  },
  'a loop with two entries': (p) => {
    const middle = p.label();
    p.to('cbz x3,', middle);
    const top = p.place();
    p.add('add x0, x0, x1');
    p.place(middle);
    p.add('subs x1, x1, #1');
    p.to('b.ne', top);
    p.add('ret');
  },
  'a function with a loop in the place of its call': (p) => {
    const f = p.label();
    p.to('bl', f);
    p.add('add x0, x0, #1', 'svc #0');
    p.place(f);
    const top = p.place();
    p.add('subs x1, x1, #1');
    p.to('b.ne', top);
    p.add('ret');
  },
  'double precision': (p) => {
    const top = p.place();
    p.add('ldr d1, [x0], #8', 'fmul d2, d1, d1', 'fadd d0, d0, d2', 'fcmp d0, d3');
    p.to('b.mi', top);
    p.add('ret');
  },
  'interrupts unmasked': (p) => {
    p.add('msr daifclr, #2', 'nop', 'msr daifset, #2', 'ret');
  },
};

/** The names of a frame's locals by number. */
function localsOf(frame: HotFrame): string[] {
  const names: string[] = [];
  for (const [name, value] of Object.entries(frame)) {
    if (typeof value === 'number' && !/^(poll|leave|step|miss|compute)/.test(name))
      names[value] ??= `$${name}`;
  }
  const { general, vector } = frame as unknown as Record<'general' | 'vector', (number | undefined)[]>;
  for (const [r, local] of general.entries())
    if (local !== undefined) names[local] = r === 31 ? '$sp' : `$x${String(r)}`;
  for (const [r, local] of vector.entries()) if (local !== undefined) names[local] = `$v${String(r)}`;
  return names;
}

describe('the code of regions', () => {
  const interpreter = buildInterpreter(0);
  const hasCode = (id: number): boolean => interpreter.recordOf(id) !== undefined;

  it.each(Object.entries(regions))('%s', async (name, write) => {
    const p = new Program();
    write(p);
    const words = p.words();
    const region = discover({ word: (i) => words[i], hasCode }, [0], { instructions: 100, blocks: 80 });
    const planned = region && plan(region);
    if (region === undefined || planned === undefined) throw new Error(`${name} makes no region`);
    const emitter = new RegionEmitter();
    const mixedStores = name.includes('beside code');
    const place = { element: 5, decoded: 0x10_0000, entries: 0x20_0000, mixedStores };
    const body = emitter.emit(region, planned, [{ page: 0, decoded: 0x10_0000 }], place);
    const { frame } = emitter as unknown as { frame: HotFrame };
    const lines = [
      ...p.text(),
      '',
      `entries: ${planned.entries.map((e) => String(e.instruction)).join(', ')}; ${String(body.bytes.length)} bytes`,
      '',
      ...bodyListing(body.bytes, {
        locals: localsOf(frame),
        around: ['function'],
        functions: ['$gate', '$region'],
      }),
      '',
    ];
    // What is said to be seldom taken is an `if` or a `br_if`, in the order of the code.
    const hinted = new Set(body.seldom.map((at) => body.bytes[at]));
    expect([...hinted].filter((op) => op !== Op.if && op !== Op.br_if)).toEqual([]);
    expect(body.seldom).toEqual([...body.seldom].sort((a, b) => a - b));
    expect(body.seldom.length).toBeGreaterThan(0);
    const file = `golden/region-${name.replace(/[^a-z0-9]+/g, '-')}.txt`;
    await expect(lines.join('\n')).toMatchFileSnapshot(file);
  });
});
