// The body of one function: bytes, locals and structured control (WebAssembly Core 2.0, 5.4 and 5.5.13).

import { Op, Type } from './opcodes.ts';
import type { OpName, TypeName } from './opcodes.ts';

/** Where a branch goes: the nesting depth of a block or loop. */
export type Target = number;

/** Finished code. */
export interface Fragment {
  readonly bytes: Uint8Array;
  /** Where branches lie that are seldom taken. */
  readonly seldom: readonly number[];
}

/** Code that can be appended at any depth. */
export interface Piece extends Fragment {
  /** Where branches out of it have their depths, in two bytes each. */
  readonly fixups: readonly number[];
}

/** Log2 of an access's bytes, by the name's end; the alignment hint of loads and stores. */
function naturalAlign(op: OpName): number {
  if (op.includes('8')) return op.startsWith('v128') ? 4 : 0;
  if (op.includes('16')) return 1;
  if (op.includes('32_zero') || op.includes('load32') || op.includes('store32')) return 2;
  return op.startsWith('v128') || op.startsWith('i64') || op.startsWith('f64') ? 3 : 2;
}
const ALIGN: Partial<Record<OpName, number>> = {};

/** Writes one function's body. */
export class Code {
  private bytes = new Uint8Array(1 << 10);
  private length = 0;
  private depth = 0;
  private readonly locals: TypeName[];
  private readonly pools: Record<TypeName, number[]>;
  private outer = -1;
  private fixups: number[] = [];
  private seldomTaken: number[] = [];
  private readonly used: Record<TypeName, number> = { i32: 0, i64: 0, f32: 0, f64: 0, v128: 0 };

  /** Locals that are the function's parameters: the first ones. */
  private readonly parameters: number;

  /**
   * @param like - code whose locals this shares
   * @param parameters - types of the function's parameters
   */
  constructor(like?: Code, parameters: readonly TypeName[] = []) {
    this.parameters = like?.parameters ?? parameters.length;
    this.locals = like?.locals ?? [...parameters];
    this.pools = like?.pools ?? { i32: [], i64: [], f32: [], f64: [], v128: [] };
  }

  /** Forgets everything but the parameters. */
  reset(): void {
    this.length = this.depth = this.seldomTaken.length = 0;
    this.locals.length = this.parameters;
    for (const pool of Object.values(this.pools)) pool.length = 0;
    this.releaseAll();
  }

  /** Bytes written so far. */
  get position(): number {
    return this.length;
  }

  /** What was written from `start` on. */
  since(start: number): Uint8Array {
    return this.bytes.slice(start, this.length);
  }

  /** The same with what is known of its branches. */
  fragment(start: number): Fragment {
    return { bytes: this.since(start), seldom: this.seldomSince(start) };
  }

  private seldomSince(start: number): number[] {
    return this.seldomTaken.filter((at) => at >= start).map((at) => at - start);
  }

  /**
   * Writes a piece that can be appended at any depth inside the present one, and takes it back: branches out of the piece
   * have depths of two bytes, whose places it knows.
   */
  piece(write: () => void): Piece {
    const start = this.length;
    this.outer = this.depth;
    this.fixups = [];
    write();
    this.outer = -1;
    const piece = { ...this.fragment(start), fixups: this.fixups.map((at) => at - start) };
    this.length = start;
    this.seldomTaken = this.seldomTaken.filter((at) => at < start);
    return piece;
  }

  /** Appends a piece, `deeper` blocks further in than where it was written. */
  appendPiece(piece: Piece, deeper: number): void {
    const start = this.length;
    this.appendFragment(piece);
    for (const at of piece.fixups) {
      const low = (this.bytes[start + at] ?? 0) & 0x7f;
      const depth = low + ((this.bytes[start + at + 1] ?? 0) << 7) + deeper;
      this.bytes[start + at] = (depth & 0x7f) | 0x80;
      this.bytes[start + at + 1] = depth >>> 7;
    }
  }

  /** A local that keeps its meaning in the whole function. */
  fixedLocal(type: TypeName): number {
    return this.locals.push(type) - 1;
  }

  /** A local that nobody else uses until `releaseAll`. */
  freshLocal(type: TypeName): number {
    const pool = this.pools[type];
    const index = this.used[type]++;
    return pool[index] ?? (pool[index] = this.fixedLocal(type));
  }

  /** Gives all fresh locals back. */
  releaseAll(): void {
    const used = this.used;
    used.i32 = used.i64 = used.f32 = used.f64 = used.v128 = 0;
  }

  /** An instruction without immediates. */
  op(name: OpName): void {
    const code = Op[name];
    if (code < 0x100) {
      this.byte(code);
    } else if (code < 0x1000) {
      this.byte(0xfd);
      this.unsigned(code - 0x100);
    } else {
      this.byte(0xfc);
      this.unsigned(code & 0xff);
    }
  }

  /** Several of them. */
  ops(...names: readonly OpName[]): void {
    for (const name of names) this.op(name);
  }

  i32(value: number): void {
    this.byte(Op.i32_const);
    this.signed(value | 0);
  }

  i64(value: bigint): void {
    this.byte(Op.i64_const);
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  f32(value: number): void {
    this.byte(Op.f32_const);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    for (const b of bytes) this.byte(b);
  }

  f64(value: number): void {
    this.byte(Op.f64_const);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    for (const b of bytes) this.byte(b);
  }

  /** `v128.const`, or the indices of `i8x16.shuffle`: 16 bytes. */
  bytes16(name: 'v128_const' | 'i8x16_shuffle', bytes: readonly number[]): void {
    this.op(name);
    for (let i = 0; i < 16; i++) this.byte(bytes[i] ?? 0);
  }

  get(local: number): void {
    this.byte(Op.local_get);
    this.unsigned(local);
  }

  set(local: number): void {
    this.byte(Op.local_set);
    this.unsigned(local);
  }

  tee(local: number): void {
    this.byte(Op.local_tee);
    this.unsigned(local);
  }

  /** A load or a store with a constant offset. The alignment hint is 1 unless the access is known to be aligned. */
  memory(name: OpName, offset: number, aligned = false): void {
    this.op(name);
    this.byte(aligned ? (ALIGN[name] ??= naturalAlign(name)) : 0);
    this.unsigned(offset);
  }

  /** An instruction with a lane number. */
  lane(name: OpName, index: number): void {
    this.op(name);
    this.byte(index);
  }

  block(result?: TypeName): Target {
    return this.open('block', result);
  }

  loop(): Target {
    return this.open('loop');
  }

  if(result?: TypeName): Target {
    return this.open('if', result);
  }

  else(): void {
    this.byte(Op.else);
  }

  end(): void {
    this.depth--;
    this.byte(Op.end);
  }

  /**
   * The next `if` or `brIf` is seldom taken: the host may lay its code out by that (WebAssembly Branch Hinting). What is not taken
   * then costs least.
   */
  seldom(): void {
    this.seldomTaken.push(this.length);
  }

  br(to: Target): void {
    this.byte(Op.br);
    this.distance(to);
  }

  brIf(to: Target): void {
    this.byte(Op.br_if);
    this.distance(to);
  }

  /** The same for a branch that is seldom taken. */
  brSeldom(to: Target): void {
    this.seldom();
    this.brIf(to);
  }

  brTable(targets: readonly Target[], otherwise: Target): void {
    this.byte(Op.br_table);
    this.unsigned(targets.length);
    for (const to of targets) this.unsigned(this.depth - to);
    this.unsigned(this.depth - otherwise);
  }

  call(index: number): void {
    this.byte(Op.call);
    this.unsigned(index);
  }

  /** A call in place of the function's return. */
  returnCall(index: number): void {
    this.byte(Op.return_call);
    this.unsigned(index);
  }

  /** The same through the table, by a function type's number. */
  returnCallIndirect(type: number): void {
    this.byte(Op.return_call_indirect);
    this.unsigned(type);
    this.unsigned(0);
  }

  /** The finished body: declarations of locals, code, `end`. */
  finish(): Fragment {
    const head = new Code();
    const runs: [TypeName, number][] = [];
    for (const type of this.locals.slice(this.parameters)) {
      const last = runs.at(-1);
      if (last?.[0] === type) last[1]++;
      else runs.push([type, 1]);
    }
    head.unsigned(runs.length);
    for (const [type, count] of runs) {
      head.unsigned(count);
      head.byte(Type[type]);
    }
    head.appendFragment({ bytes: this.bytes.subarray(0, this.length), seldom: this.seldomTaken });
    head.byte(Op.end);
    return head.fragment(0);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** Copies finished code, or anything else. */
  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The same with what is known of its branches. */
  appendFragment({ bytes, seldom }: Fragment): void {
    for (const at of seldom) this.seldomTaken.push(this.length + at);
    this.append(bytes);
  }

  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  private distance(to: Target): void {
    const depth = this.depth - to;
    if (to > this.outer) {
      this.unsigned(depth);
      return;
    }
    this.fixups.push(this.length);
    this.byte((depth & 0x7f) | 0x80);
    this.byte(depth >>> 7);
  }

  private grow(by: number): void {
    const larger = new Uint8Array(this.bytes.length * 2 + by);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  private signed(value: number): void {
    let rest = value;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  private open(name: 'block' | 'loop' | 'if', result?: TypeName): Target {
    this.byte(Op[name]);
    this.byte(result === undefined ? 0x40 : Type[result]);
    return ++this.depth;
  }
}
