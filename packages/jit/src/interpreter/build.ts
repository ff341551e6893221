// The interpreter's module: all cases of the table as arms of a hot loop and, for the rare ones, of further loops. A driver goes
// from one to the other, so that no loop makes a call.

import { CaseEmitter, emitCase, emitPair } from '../emit/case.ts';
import type { CaseCode, Variant } from '../emit/case.ts';
import type { Costs } from '../emit/costs.ts';
import type { Frame } from '../emit/frame.ts';
import { enterType, GO_ON } from '../hot/dispatcher.ts';
import { cases } from '../isa.ts';
import type { Case } from '../isa.ts';
import { refillType } from '../walks/tlb-code.ts';
import { Code } from '../wasm/code.ts';
import type { Fragment, Piece } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import { createFrame, loopFunction } from './loop.ts';
import { pairsAmong } from './pairs.ts';
import { Fixed, Reason } from './reasons.ts';

/** Arms of one rare loop. */
const RARE_ARMS = 256;

/** One variant of a case with its number in records. */
export interface NumberedVariant extends Variant {
  readonly number: number;
}

/** What the decoder of pages needs of a case. */
export interface CaseRecord {
  readonly variants: readonly NumberedVariant[];
  readonly kinds: Readonly<Record<string, string>>;
}

/** A case that is left to the reference engine though it need not be. */
export interface Shortfall {
  readonly entry: Case;
  readonly why: string;
}

/** A case that is seldom used: its code is a module of its own, for its numbers only. */
export interface Supplement {
  /** Index of the case. */
  readonly caseId: number;
  /** The first number that it has. */
  readonly first: number;
  /** How many. */
  readonly count: number;
}

/** The interpreter, ready to be compiled. */
export interface InterpreterCode {
  /** Exports `run`: executes up to `remaining` instructions and returns a `Reason`. Imports `env.memory`. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** By the index of the case; undefined for those of the reference engine. A seldom case gets its numbers here. */
  recordOf(caseId: number): CaseRecord | undefined;
  /** The supplement that has a number: this interpreter's, whose `recordOf` gave it. */
  supplementWith(number: number): Supplement | undefined;
  /** The module of a supplement, which another interpreter may have numbered: exports and imports as the interpreter's. */
  moduleOf(supplement: Supplement): Uint8Array<ArrayBuffer>;
  /** Numbers of pairs by `first * 65536 + second`, the numbers of successive records. */
  readonly pairs: ReadonlyMap<number, number>;
  /** The first number that the module does not have: supplements have it and those after it. */
  readonly end: number;
  /** Grows as seldom cases are asked for. */
  readonly shortfalls: readonly Shortfall[];
  /** Arms of the hot loop and of all loops. */
  readonly arms: { readonly hot: number; readonly all: number };
}

/** Options of `buildInterpreter`. */
export interface BuildOptions {
  /** The cases; all of the table unless given. */
  readonly table?: readonly Case[];
  /** What `hostFuses` says; false unless given. */
  readonly fuses?: boolean;
  /** Entries of each TLB that the loop reads; all unless given. */
  readonly tlbEntries?: number | undefined;
  /** What instructions cost; unless given, each costs 1. */
  readonly costs?: Costs | undefined;
  /** The body of the function, of `refillType`, that deals with misses of the fast TLB; all are TypeScript's unless given. */
  readonly refill?: Fragment | undefined;
}

/** Rows of the FP and SIMD registers that are in the hot loop: what numbers need, and copies of memory. */
const HOT_FP =
  /^(Load|Floating-point|FMOV \((general|scalar)|FCVT$|FCVT<|FCVTZS\/FCVTZU \(scalar, integer|SCVTF\/UCVTF \(scalar, integer|MOVI)/;
/** Others that programs use: in the rare loops. */
const RARE_FP =
  /^(AES|SHA|PMULL|ZIP|XTN|NOT|SSHLL|TBL|FMOV|FCVTZ|SCVTF|DUP|INS|UMOV|EXT|SHRN|ADDP|Advanced SIMD (shift by immediate \([bhsd]\)|two-register miscellaneous \(integer|three same \((logical|integer)|across lanes \(int|(scalar )?three same \(floating|(scalar |vector )x indexed element \(floating|scalar pairwise))/;

/**
 * Cases that few programs use, of rows that all do: extensions of bytes and halves, but where a switch has a table of such;
 * roundings other than towards zero.
 */
function isUnusual({ row, split }: Case): boolean {
  if (row.name === 'ADD/SUB (extended register)') {
    const adds = split['sf'] === 1 && split['op'] === 0 && split['S'] === 0;
    return !adds && ![2, 3, 6].includes(split['option'] ?? 0);
  }
  if (row.name.startsWith('FCVT<')) return split['rmode'] !== 3;
  return row.name === 'Load/store register (unprivileged)';
}

type Place = 'hot' | 'rare' | 'seldom';
/**
 * Where a case's code goes. Code of seldom cases is made when one of their instructions is decoded. The hot loop is no larger than
 * it need be: V8 optimises all of it or nothing, at a cost of some hundred milliseconds.
 */
function placeOf(entry: Case): Place {
  const { row } = entry;
  if (row.gate === 'fp' && !HOT_FP.test(row.name)) return RARE_FP.test(row.name) ? 'rare' : 'seldom';
  return row.feature === undefined && !isUnusual(entry) ? 'hot' : 'rare';
}

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a?.length === b.length && a.every((byte, i) => byte === b[i]);

/** Equal arms are one arm. */
class Arms {
  readonly pieces: Piece[] = [];
  readonly frame: Frame;
  readonly emitter: CaseEmitter;
  /** Indices of pieces by a hash of their bytes. */
  private readonly known = new Map<number, readonly number[]>();

  constructor(emitter: CaseEmitter) {
    this.frame = emitter.arm.frame;
    this.emitter = emitter;
  }

  index(piece: Piece): number {
    const hash = piece.bytes.reduce((h, byte) => Math.imul(h ^ byte, 0x0100_0193), piece.bytes.length);
    const candidates = this.known.get(hash) ?? [];
    const found = candidates.find((i) => sameBytes(this.pieces[i]?.bytes, piece.bytes));
    if (found !== undefined) return found;
    this.known.set(hash, [...candidates, this.pieces.length]);
    return this.pieces.push(piece) - 1;
  }
}

/** Makes the interpreter of the CPU whose block lies at `base`. */
export function buildInterpreter(base: number, options: BuildOptions = {}): InterpreterCode {
  const { table = cases, fuses = false, tlbEntries, costs, refill } = options;
  const hot = new Arms(new CaseEmitter(createFrame(base, fuses, tlbEntries, costs)));
  const rare = new Arms(new CaseEmitter(createFrame(base, fuses, tlbEntries, costs)));
  const shortfalls: Shortfall[] = [];
  const emit = (entry: Case, arms: Arms): Numbered | undefined => {
    const code = emitCase(arms.emitter, entry);
    if ('variants' in code) return numbered(code, arms);
    if (code.why !== undefined) shortfalls.push({ entry, why: code.why });
    return undefined;
  };
  const made = table.map((entry) => {
    const place = placeOf(entry);
    return place === 'seldom' ? undefined : emit(entry, place === 'hot' ? hot : rare);
  });
  const pairs = emitPairs(hot, made);
  const rareFirst = Fixed.first + hot.pieces.length;
  const records = made.map((m) => m && recordFrom(m, m.arms === hot ? Fixed.first : rareFirst));
  const functions = [loopFunction(hot.frame, 0, hot.pieces)];
  for (let at = 0; at < rare.pieces.length; at += RARE_ARMS) {
    functions.push(loopFunction(rare.frame, rareFirst + at, rare.pieces.slice(at, at + RARE_ARMS)));
  }
  const end = rareFirst + rare.pieces.length;
  let next = end;
  const driver = driverFunction(hot.frame, functions.length, rareFirst, end, refill !== undefined);
  const seldom = new Map(table.flatMap((entry) => (placeOf(entry) === 'seldom' ? [[entry.id, entry]] : [])));
  const asked = new Set<number>();
  const supplements: Supplement[] = [];
  return {
    module: encodeModule(
      [
        ...functions.map((body) => ({ body })),
        { name: 'run', body: driver },
        ...(refill === undefined ? [] : [{ type: refillType, body: refill }]),
      ],
      { imports: [{ name: 'enter', type: enterType }] },
    ),
    recordOf(caseId) {
      const entry = seldom.get(caseId);
      if (entry === undefined || asked.has(caseId)) return records[caseId];
      asked.add(caseId);
      const arms = new Arms(rare.emitter);
      const code = emit(entry, arms);
      if (code === undefined) return undefined;
      const count = arms.pieces.length;
      supplements.push({ caseId, first: next, count });
      records[caseId] = recordFrom(code, next);
      next += count;
      return records[caseId];
    },
    supplementWith: (number) => supplements.find((s) => number >= s.first && number < s.first + s.count),
    moduleOf({ caseId, first }) {
      const arms = new Arms(rare.emitter);
      const entry = seldom.get(caseId);
      if (entry !== undefined) emit(entry, arms);
      return encodeModule([{ name: 'run', body: loopFunction(arms.frame, first, arms.pieces) }]);
    },
    pairs,
    end,
    shortfalls,
    arms: { hot: hot.pieces.length, all: hot.pieces.length + rare.pieces.length },
  };
}

/** Makes the arms of pairs. */
function emitPairs(hot: Arms, made: readonly (Numbered | undefined)[]): Map<number, number> {
  const numbers = new Map<number, number>();
  const variants = made.flatMap((m) => (m?.arms === hot ? m.variants : []));
  for (const [a, b] of pairsAmong(variants.map((v) => v.variant))) {
    const [first, second] = [variants[a], variants[b]];
    if (first === undefined || second === undefined) continue;
    const key = (Fixed.first + first.index) * 0x1_0000 + Fixed.first + second.index;
    if (numbers.has(key)) continue;
    numbers.set(key, Fixed.first + hot.index(emitPair(hot.emitter, first.variant, second.variant)));
  }
  return numbers;
}

/** A case with the indices of its arms. */
interface Numbered {
  readonly arms: Arms;
  readonly kinds: CaseRecord['kinds'];
  readonly variants: readonly { readonly variant: Variant; readonly index: number }[];
}

/** The record of a case whose function's arms have numbers from `first` on. */
function recordFrom(entry: Numbered, first: number): CaseRecord {
  return {
    kinds: entry.kinds,
    variants: entry.variants.map((v) => ({ ...v.variant, number: first + v.index })),
  };
}

/** The variants of a case with the indices of their arms. */
function numbered(code: Extract<CaseCode, { variants: unknown }>, arms: Arms): Numbered {
  return {
    arms,
    kinds: code.kinds,
    variants: code.variants.map((variant) => ({ variant, index: arms.index(variant.piece) })),
  };
}

/** Functions that the module imports come before its own: `enter` of compiled regions. */
const ENTER = 0;
const LOOPS = 1;

/**
 * Calls the loop that has the record's number, or compiled code, until one of them leaves for another reason or for another
 * module.
 */
function driverFunction(
  frame: Frame,
  loops: number,
  rareFirst: number,
  end: number,
  refills: boolean,
): Fragment {
  const code = new Code();
  const group = code.fixedLocal('i32');
  const why = code.fixedLocal('i32');
  const again = code.loop();
  const after = code.block();
  for (let i = 1; i < loops; i++) {
    code.get(group);
    code.i32(i);
    code.op('i32_eq');
    code.if();
    code.call(LOOPS + i);
    code.set(why);
    code.br(after);
    code.end();
  }
  code.call(LOOPS);
  code.set(why);
  code.end();
  enterRegions(code, frame.base, { why, group, again }, refills);
  if (refills) refillMisses(code, { why, group, again }, LOOPS + loops + 1);
  // Group 0 is the hot loop; numbers after the last group's belong to another module.
  const number = code.fixedLocal('i32');
  code.i32(0);
  code.memory('i32_load', frame.at('exitInfo'), true);
  code.tee(number);
  code.i32(end);
  code.op('i32_ge_u');
  code.get(why);
  code.i32(Reason.Other);
  code.ops('i32_ne', 'i32_or');
  code.if();
  code.get(why);
  code.op('return');
  code.end();
  code.get(number);
  code.i32(rareFirst);
  code.op('i32_sub');
  code.i32(RARE_ARMS);
  code.op('i32_div_u');
  code.i32(1);
  code.op('i32_add');
  code.i32(0);
  code.get(number);
  code.i32(rareFirst);
  code.op('i32_ge_u');
  code.op('select');
  code.set(group);
  code.br(again);
  code.end();
  code.op('unreachable');
  return code.finish();
}

/** Locals of the driver, and its loop. */
interface Driver {
  readonly why: number;
  readonly group: number;
  readonly again: number;
}

/** Misses of the fast TLB: where one is dealt with, the instruction begins anew in the first loop. */
function refillMisses(code: Code, driver: Driver, refill: number): void {
  const isFrom = (reason: number): void => {
    code.get(driver.why);
    code.i32(reason);
    code.op('i32_sub');
  };
  isFrom(Reason.MissRead);
  code.i32(Reason.MissUnprivilegedWrite - Reason.MissRead);
  code.op('i32_le_u');
  isFrom(Reason.HotMissRead);
  code.i32(Reason.HotMissWrite - Reason.HotMissRead);
  code.ops('i32_le_u', 'i32_or');
  code.if();
  code.get(driver.why);
  code.call(refill);
  code.if();
  code.i32(0);
  code.set(driver.group);
  code.br(driver.again);
  code.end();
  code.end();
}

/** Where the interpreter has come to a compiled region: runs that, and goes on in the first loop where that ends. */
function enterRegions(code: Code, base: number, driver: Driver, refills: boolean): void {
  code.get(driver.why);
  code.i32(Reason.Hot);
  code.op('i32_eq');
  code.if();
  code.i32(base);
  code.call(ENTER);
  code.tee(driver.why);
  code.i32(GO_ON);
  if (refills) {
    // What is no miss is returned later.
    code.op('i32_eq');
    code.if();
    code.i32(0);
    code.set(driver.group);
    code.br(driver.again);
    code.end();
    code.end();
    return;
  }
  code.op('i32_ne');
  code.if();
  code.get(driver.why);
  code.op('return');
  code.end();
  code.i32(0);
  code.set(driver.group);
  code.br(driver.again);
  code.end();
}
