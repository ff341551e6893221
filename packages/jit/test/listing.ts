// WebAssembly code as text, one instruction a line, for golden files.

import { Op } from '../src/wasm/opcodes.ts';

const names = new Map<number, string>(
  Object.entries(Op).map(([name, code]) => [code, name.replace('_', '.')]),
);
const types = new Map([
  [0x7f, 'i32'],
  [0x7e, 'i64'],
  [0x7d, 'f32'],
  [0x7c, 'f64'],
  [0x7b, 'v128'],
]);

/** Where branches of a piece go: its own depth is zero. */
export interface ListingOptions {
  /** Names of locals by index. */
  readonly locals: readonly string[];
  /** Names of the blocks around the piece, innermost first. */
  readonly around: readonly string[];
  /** Names of the functions that are called. */
  readonly functions?: readonly string[];
}

/** Lists a sequence of instructions. */
export function listing(bytes: Uint8Array, options: ListingOptions): string[] {
  const lines: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let depth = 0;
  const unsigned = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const signed = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Number(shift) + 7, value);
    }
  };
  const target = (): string => {
    const to = unsigned();
    return to < depth ? String(to) : (options.around[to - depth] ?? `outer ${String(to - depth)}`);
  };
  const immediates = (name: string): string => {
    if (name.startsWith('local.')) {
      const local = unsigned();
      return options.locals[local] ?? `$${String(local)}`;
    }
    if (name === 'br' || name === 'br.if') return target();
    if (name === 'br.table') {
      const count = unsigned() + 1;
      return Array.from({ length: count }, target).join(' ');
    }
    if (name === 'call' || name === 'return.call') {
      const to = unsigned();
      return options.functions?.[to] ?? String(to);
    }
    if (name === 'return.call_indirect') return `type ${String(unsigned())} table ${String(unsigned())}`;
    if (name === 'block' || name === 'loop' || name === 'if') return types.get(bytes[at++] ?? 0) ?? '';
    if (name === 'i32.const') return String(signed());
    if (name === 'i64.const') return `0x${BigInt.asUintN(64, signed()).toString(16)}`;
    if (name === 'f64.const') return String(view.getFloat64((at += 8) - 8, true));
    if (name === 'f32.const') return String(view.getFloat32((at += 4) - 4, true));
    if (name === 'v128.const' || name === 'i8x16.shuffle')
      return [...bytes.subarray(at, (at += 16))].join(' ');
    if (name.includes('_lane')) return String(bytes[at++]);
    if (!/\.(load|store)/.test(name)) return '';
    at++;
    return `+0x${unsigned().toString(16)}`;
  };
  while (at < bytes.length) {
    let code = bytes[at++] ?? 0;
    if (code === 0xfd) code = 0x100 | unsigned();
    else if (code === 0xfc) code = 0x1000 | unsigned();
    const name = names.get(code) ?? `0x${code.toString(16)}`;
    if (name === 'end' || name === 'else') depth--;
    const line = `${'  '.repeat(Math.max(depth, 0))}${name} ${immediates(name)}`;
    lines.push(line.trimEnd());
    if (name === 'block' || name === 'loop' || name === 'if' || name === 'else') depth++;
  }
  return lines;
}

/** Lists a function's body: its locals by type, then its code. */
export function bodyListing(body: Uint8Array, options: ListingOptions): string[] {
  let at = 0;
  const unsigned = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const runs = Array.from({ length: unsigned() }, () => {
    const count = unsigned();
    return `${String(count)} ${types.get(body[at++] ?? 0) ?? ''}`;
  });
  return [`locals: ${runs.join(', ')}`, ...listing(body.subarray(at, body.length - 1), options)];
}
