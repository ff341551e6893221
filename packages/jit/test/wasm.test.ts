// The encoder: what it writes is a valid module that computes what was asked.

import { describe, expect, it } from 'vitest';

import { Code } from '../src/wasm/code.ts';
import { encodeModule } from '../src/wasm/module.ts';
import { Op } from '../src/wasm/opcodes.ts';

const memory = new WebAssembly.Memory({ initial: 1 });

/** Runs a body that leaves an i32. */
function run(write: (code: Code) => void): number {
  const code = new Code();
  write(code);
  const module = new WebAssembly.Module(encodeModule([{ name: 'f', body: code.finish() }]));
  return (new WebAssembly.Instance(module, { env: { memory } }).exports['f'] as () => number)();
}

describe('constants', () => {
  it.each([0, 1, -1, 63, 64, -64, -65, 0x7fff_ffff, -0x8000_0000, 8191, 8192])('i32 %i', (n) => {
    expect(
      run((c) => {
        c.i32(n);
      }),
    ).toBe(n);
  });

  it.each([0n, -1n, 63n, 64n, 1n << 62n, -(1n << 63n), 0xffff_ffffn])('i64 %i', (n) => {
    expect(
      run((c) => {
        c.i64(n);
        c.i32(0);
        c.memory('i64_load', 0);
        c.op('i64_eq');
        new DataView(memory.buffer).setBigInt64(0, n, true);
      }),
    ).toBe(1);
  });
});

describe('control', () => {
  it('branches by tables, whose arms may be pieces written elsewhere', () => {
    const pick = (n: number): number =>
      run((code) => {
        const result = code.fixedLocal('i32');
        const out = code.block();
        const pieces = [10, 20, 30].map((value) =>
          code.piece(() => {
            code.i32(value);
            code.set(result);
            code.br(out);
          }),
        );
        const blocks = [code.block(), code.block(), code.block()].reverse();
        code.i32(n);
        code.brTable(blocks, out);
        for (const [i, piece] of pieces.entries()) {
          code.end();
          code.appendPiece(piece, 2 - i);
        }
        code.end();
        code.get(result);
      });
    expect([0, 1, 2, 3].map(pick)).toEqual([10, 20, 30, 0]);
  });

  it('shares locals that were released', () => {
    const code = new Code();
    const first = code.freshLocal('i64');
    code.releaseAll();
    expect(code.freshLocal('i64')).toBe(first);
    expect(code.freshLocal('i64')).not.toBe(first);
  });
});

describe('branches that are seldom taken', () => {
  const hints = (write: (code: Code) => void): number[][] => {
    const code = new Code();
    const out = code.block();
    write(code);
    code.br(out);
    code.end();
    code.i32(1);
    const module = new WebAssembly.Module(encodeModule([{ name: 'f', body: code.finish() }]));
    const sections = WebAssembly.Module.customSections(module, 'metadata.code.branch_hint');
    return sections.map((s) => [...new Uint8Array(s)]);
  };
  const branch = (code: Code): void => {
    code.i32(0);
    code.brSeldom(1);
  };

  it('are told to the host by their places in the body', () => {
    // One function, number 0; places count from the declarations of locals: none, `block`, `i32.const`.
    expect(hints(branch)).toEqual([[1, 0, 1, 5, 1, 0]]);
  });

  it('are found where they come to lie as parts of other code', () => {
    const other = new Code();
    other.block();
    branch(other);
    const part = other.fragment(2);
    expect(
      hints((code) => {
        code.i32(0);
        code.op('drop');
        code.appendFragment(part);
        branch(code);
      }),
    ).toEqual([[1, 0, 2, 8, 1, 0, 12, 1, 0]]);
  });

  it('need no section where there are none', () => {
    expect(hints(() => undefined)).toEqual([]);
  });
});

describe('operation codes', () => {
  it('are distinct', () => {
    const codes = Object.values(Op);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
