// Test cases from the instruction table: for a case of a row random fields, for an access a base that points into the window, for a
// branch a target in the slot; and what the reference engine makes of it.

import { Layout } from '../../src/cpu/layout.ts';
import { systemRegisters } from '../../src/cpu/sysregs/table.ts';
import { referenceEvaluator } from '../../src/reference/index.ts';
import { cases, decode, encodeFields, parseEncoding } from '../../src/table/index.ts';
import type { Case, Decoded, Encoding } from '../../src/table/index.ts';
import { TAKEN } from './batch.ts';
import type { Place } from './batch.ts';
import type { Random } from './random.ts';
import { Signal, TestHost } from './test-host.ts';

/** Rows that a process cannot execute for itself, or that answer with what differs from machine to machine. */
export const EXCLUDED: ReadonlySet<string> = new Set(['SVC', 'HLT', 'WFE, WFI, SEV, SEVL', 'SYS']);
const isExcluded = ({ row, fields }: Decoded): boolean => {
  const { name } = row as { readonly name: string };
  if (EXCLUDED.has(name)) return true;
  const isMove = name === 'MRS' || /^M(?:RS|SR) \((?:plain |checked )?register/.test(name);
  // EL0's own registers say what the machine is; Linux lets a process read the ID registers; the harness uses TPIDR_EL0.
  return isMove && (fields['op1'] === 3 || fields['CRn'] === 0);
};

/** One test case, and what is left of it. */
export interface TestCase {
  readonly words: readonly number[];
  readonly rows: readonly string[];
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly signal: number;
  /** True if the branch under test was taken. */
  readonly taken: boolean;
}

const encodings = new Map<string, Encoding>();
const encodingOf = (text: string): Encoding => {
  let encoding = encodings.get(text);
  if (encoding === undefined) {
    encoding = parseEncoding(text);
    encodings.set(text, encoding);
  }
  return encoding;
};

/** All cases of the table, to go through in turn. */
export const tableCases: readonly Case[] = cases;

/** Makes test cases. Each goes on from the state that the one before left. */
export class Generator {
  private readonly host = new TestHost();
  private readonly evaluator = referenceEvaluator(this.host);
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
    const { state } = this.host;
    for (let i = 0; i < 31; i++) state.setX(i, random.integer());
    for (let i = 0; i < 32; i++) this.setV(i, random.vector());
    for (let i = 0; i < this.host.window.length; i++) this.host.window[i] = random.below(256);
  }

  /** A test of one case of the table at a place, or undefined where the random encoding is not that row's or leaves the slot. */
  make(tableCase: Case, place: Place): TestCase | undefined {
    this.shuffle(place);
    const decoded = this.anyOf(tableCase);
    if (decoded === undefined || isExcluded(decoded)) return undefined;
    if (tableCase.row.name.startsWith('BR'))
      this.host.state.setX(decoded.fields['Rn'] ?? 0, place.pc + BigInt(TAKEN));
    const aimed = this.aim(decoded, place, encodingOf(tableCase.row.encoding));
    return aimed === undefined ? undefined : this.run([aimed, ...this.second(aimed)], place);
  }

  /** A random encoding of a case. Rows that have few of the words that they match get several tries. */
  private anyOf({ row, split }: Case): Decoded | undefined {
    const encoding = encodingOf(row.encoding);
    for (let tries = 0; tries < 16; tries++) {
      const fields: Record<string, number> = {};
      for (const { name, width } of encoding.fields) fields[name] = this.random.word() & (2 ** width - 1);
      Object.assign(fields, this.anyRegister(row.name, fields), split);
      if (row.ends === 'block')
        for (const name of ['imm26', 'imm19', 'imm14']) if (name in fields) fields[name] = TAKEN / 4;
      const decoded = decode(encodeFields(encoding, fields));
      if (decoded?.row === row) return decoded;
    }
    return undefined;
  }

  /** A test of any word, decodable or not. One that accesses memory hardly ever hits the window, and is dropped. */
  makeAny(place: Place): TestCase | undefined {
    const word = this.anyWord();
    const decoded = decode(word);
    if (decoded !== undefined && isExcluded(decoded)) return undefined;
    this.shuffle(place);
    return this.run([word], place);
  }

  /** For MRS and MSR: a register that there is, of the row's kind where that is told; half of the time. */
  private anyRegister(
    row: string,
    fields: Readonly<Record<string, number>>,
  ): Readonly<Record<string, number>> {
    if (!('o0' in fields && 'CRn' in fields)) return {};
    const isPlain = row.endsWith('(plain register)');
    const isChecked = row.includes('(checked register');
    if (!isPlain && !isChecked && this.random.below(2) === 0) return {};
    const list = systemRegisters.filter(
      ({ kind, checked }) => (!isPlain || kind === 'cell') && (!isChecked || checked !== undefined),
    );
    const id = list[this.random.below(list.length)]?.id ?? 0;
    return { o0: (id >> 14) & 1, op1: (id >> 11) & 7, CRn: (id >> 7) & 15, CRm: (id >> 3) & 15, op2: id & 7 };
  }

  /** A random word, or one of the table with up to three of its bits flipped: most borders of the encoding space are near. */
  private anyWord(): number {
    const { random } = this;
    if (random.below(4) === 0) return random.word();
    const { row } = tableCases[random.below(tableCases.length)] ?? { row: undefined };
    const { mask, value } = encodingOf(
      (row as { readonly encoding: string } | undefined)?.encoding ?? 'word:32',
    );
    let word = value | (random.word() & ~mask);
    for (let flips = random.below(4); flips > 0; flips--) word ^= 1 << random.below(32);
    return word >>> 0;
  }

  private setV(n: number, value: bigint): void {
    const { u64 } = this.host.state;
    u64[Layout.v / 8 + 2 * n] = value & 0xffff_ffff_ffff_ffffn;
    u64[Layout.v / 8 + 2 * n + 1] = value >> 64n;
  }

  /** New values in some registers. */
  private shuffle(place: Place): void {
    const { host, random } = this;
    const { state } = host;
    host.windowAt = place.window;
    for (let i = 0; i < 6; i++) state.setX(random.below(31), random.integer());
    for (let i = 0; i < 6; i++) this.setV(random.below(32), random.vector());
    state.setX(31, place.window + 128n);
    for (let i = 0; i < 8; i++) host.window[random.below(host.window.length)] = random.below(256);
    state.nzcv = random.word();
    // RMode, FZ, DN and AHP; mostly none.
    const modes = random.below(2) === 0 ? 0 : random.word() & 0x07c0_0000;
    state.setWord(Layout.fpcr, modes);
    state.setWord(Layout.fpsr, random.below(4) === 0 ? 0x0800_009f : 0);
    state.setWord(Layout.exclusiveOpen, 0);
    state.pc = place.pc;
  }

  /** Lets an access go to the window: a dry run tells where it goes, the base or the literal's offset is moved. */
  private aim(decoded: Decoded, place: Place, encoding: Encoding): number | undefined {
    const { host, random } = this;
    const word = encodeFields(encoding, decoded.fields);
    const saved = host.save();
    host.accessed = undefined;
    host.signal = Signal.none;
    this.evaluator.step(decoded);
    const from = host.accessed as bigint | undefined;
    host.restore(saved);
    if (from === undefined) return word;
    const aligned =
      decoded.row.name.includes('XR') || decoded.row.name.includes('XP') || random.below(2) === 0;
    const target = place.window + 64n + BigInt(aligned ? 16 * random.below(8) : random.below(128));
    const { Rn, Rt, imm19 } = decoded.fields;
    // DC has its address in Xt.
    const base = Rn ?? (imm19 === undefined ? Rt : undefined);
    if (base !== undefined) {
      host.state.setX(base, host.state.x(base) + target - from);
      return word;
    }
    if (imm19 === undefined) return undefined;
    const distance = Number((target & ~3n) - from) / 4;
    return encodeFields(encoding, { ...decoded.fields, imm19: imm19 + distance });
  }

  /** The store that belongs to an exclusive load. */
  private second(word: number): readonly number[] {
    const isExclusiveLoad = (word & 0x3fc0_0000) >>> 0 === 0x0840_0000;
    if (!isExclusiveLoad || this.random.below(4) === 0) return [];
    const base = (word >>> 5) & 31;
    const isPair = (word & 0x0020_0000) !== 0;
    if (base === (word & 31) || (isPair && base === ((word >>> 10) & 31))) return [];
    const store =
      (word & ~0x0040_0000 & ~0x001f_001f) | (this.random.below(31) << 16) | this.random.below(31);
    return [store >>> 0];
  }

  private run(words: readonly number[], place: Place): TestCase | undefined {
    const { host } = this;
    const before = host.save();
    const rows = this.execute(words);
    const signal = host.signal;
    const { pc } = host.state;
    const taken = words.length === 1 && signal === Signal.none && pc === place.pc + BigInt(TAKEN);
    const straight = signal !== Signal.none || pc === place.pc + BigInt(4 * words.length);
    const after = host.save();
    if (host.strange || signal === Signal.SIGSEGV || !(taken || straight)) {
      host.restore(before);
      return undefined;
    }
    return { words, rows, before, after, signal, taken };
  }

  /** Executes words until one ends in a signal. The names of their rows. */
  private execute(words: readonly number[]): string[] {
    const { host } = this;
    const rows: string[] = [];
    host.signal = Signal.none;
    host.strange = false;
    for (const word of words) {
      if (host.signal !== Signal.none) break;
      const decoded = decode(word);
      const name: string = decoded === undefined ? 'UNDEFINED' : decoded.row.name;
      rows.push(name);
      if (decoded === undefined) host.signal = Signal.SIGILL;
      else this.evaluator.step(decoded);
    }
    return rows;
  }
}
