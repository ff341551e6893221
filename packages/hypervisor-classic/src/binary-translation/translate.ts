// One translation unit: the guest's instructions from an address to the first branch that never falls through, within a page. What
// is innocuous stays as it is; what names the PC gets the guest's; sensitive instructions are done in line on the page of virtual
// registers or called out. (Adams and Agesen, ASPLOS 2006, section 3.)

import { decode, systemRegisterAt } from '@worldswitch/isa-core';
import type { Decoded } from '@worldswitch/isa-core';

import { Call, UnitWriter } from './draft.ts';
import type { Draft } from './draft.ts';
import { kindOf } from './kinds.ts';
import {
  branchIndirect,
  changeMask,
  invalidateLine,
  loadLiteral,
  readPage,
  unprivileged,
  writeMask,
  writePage,
} from './sequences.ts';
import { pageRegisters, StatePage } from './state-page.ts';

/** How a unit is translated. */
export interface TranslationOptions {
  /** Most instructions of a unit. */
  readonly most: number;
  /** Sensitive instructions in line; without, each is called out. */
  readonly inline: boolean;
  /** SP_EL0 is not the stack pointer: PSTATE.SP is 1. */
  readonly banked: boolean;
}

/** A page: an instruction fetch of one unit is translated once. */
const PAGE = 0x1000;
const PLAIN = new Set(['NZCV', 'FPCR', 'FPSR', 'DCZID_EL0']);
const inPage = new Map(pageRegisters.map((register) => [register.name, register]));
const CURRENT_EL = 4n;

interface Place {
  readonly to: UnitWriter;
  readonly pc: number;
  readonly word: number;
  readonly options: TranslationOptions;
  /** Conditional branches whose way out is written behind the unit. */
  readonly conditional: {
    readonly hole: number;
    readonly form: number;
    readonly target: number;
    readonly origin: number;
  }[];
}

const signedBits = (word: number, at: number, bits: number): number =>
  ((word >>> at) << (32 - bits)) >> (32 - bits);
const same = ({ to, word }: Place): void => {
  to.word(word);
};
const emulate = ({ to }: Place): void => {
  to.call(Call.EMULATE);
};

/** B, BL. */
function branch({ to, pc, word }: Place): void {
  if (word >>> 31 === 1) to.constant(30, BigInt(pc + 4));
  to.exit(pc + 4 * signedBits(word, 0, 26));
}

/** Goes on behind it, and by a way behind the unit where it is taken. */
function conditional({ to, pc, word, conditional: later }: Place): void {
  const bit = ((word >>> 25) & 0x3f) === 0x1b;
  const bits = bit ? 14 : 19;
  const form = (word & ~(((1 << bits) - 1) << 5)) >>> 0;
  later.push({ hole: to.hole(), form, target: pc + 4 * signedBits(word, 5, bits), origin: to.origin });
}

function address({ to, pc, word }: Place, page: boolean): void {
  const immediate = signedBits(word, 5, 19) * 4 + ((word >>> 29) & 3);
  const value = page ? Math.floor(pc / PAGE) * PAGE + immediate * PAGE : pc + immediate;
  if ((word & 31) === 31) to.add('nop');
  else to.constant(word & 31, BigInt(value));
}

const LITERALS: Readonly<Record<number, string>> = { 0: 'ldr w$', 1: 'ldr x$', 2: 'ldrsw x$' };
const VECTOR_LITERALS = 'sdq';

function literal({ to, pc, word }: Place): void {
  const at = BigInt(pc + 4 * signedBits(word, 5, 19));
  const [size, register] = [word >>> 30, word & 31];
  const vector = ((word >>> 26) & 1) !== 0;
  if (vector) loadLiteral(to, `ldr ${VECTOR_LITERALS[size] ?? 'q'}${String(register)}`, register, at);
  else loadLiteral(to, LITERALS[size] ?? '', register, at);
}

const registerName = (word: number): string =>
  systemRegisterAt(
    2 + ((word >>> 19) & 1),
    (word >>> 16) & 7,
    (word >>> 12) & 15,
    (word >>> 8) & 15,
    (word >>> 5) & 7,
  )?.name ?? '';

function readSystem(place: Place): void {
  const { to, word, options } = place;
  const name = registerName(word);
  const register = inPage.get(name);
  const target = word & 31;
  if (PLAIN.has(name)) same(place);
  else if (!options.inline && name !== 'TPIDR_EL0' && name !== 'TPIDRRO_EL0') emulate(place);
  else if (name === 'CurrentEL' && target !== 31) to.constant(target, CURRENT_EL);
  else if (name === 'DAIF') readPage(to, target, StatePage.DAIF, false);
  else if (register !== undefined && (name !== 'SP_EL0' || options.banked))
    readPage(to, target, register.offset, true);
  else emulate(place);
}

function writeSystem(place: Place): void {
  const { to, word, options } = place;
  const name = registerName(word);
  const register = inPage.get(name);
  if (PLAIN.has(name)) same(place);
  else if (!options.inline && name !== 'TPIDR_EL0') emulate(place);
  else if (name === 'DAIF') writeMask(to, word & 31);
  else if (register?.writable === true && (name !== 'SP_EL0' || options.banked))
    writePage(to, word & 31, register);
  else emulate(place);
}

function mask(place: Place): void {
  const { to, word, options } = place;
  if (options.inline) changeMask(to, (word >>> 8) & 15, ((word >>> 5) & 1) !== 0);
  else emulate(place);
}

/** Translates one instruction; true where nothing of the unit follows it. */
function one(place: Place, decoded: Decoded | undefined): boolean {
  const { to, pc, word } = place;
  const kind = kindOf(word, decoded);
  switch (kind) {
    case 'same':
      same(place);
      return false;
    case 'nothing':
      to.add('nop');
      return false;
    case 'address':
      address(place, word >>> 31 === 1);
      return false;
    case 'literal':
      literal(place);
      return false;
    case 'branch':
      branch(place);
      return true;
    case 'conditional':
      conditional(place);
      return false;
    case 'indirect':
      branchIndirect(to, (word >>> 5) & 31, ((word >>> 21) & 3) === 1 ? BigInt(pc + 4) : undefined);
      return true;
    case 'mrs':
      readSystem(place);
      return false;
    case 'msr':
      writeSystem(place);
      return false;
    case 'mask':
      mask(place);
      return false;
    case 'unprivileged':
      if (place.options.inline) unprivileged(to, word);
      else emulate(place);
      return false;
    case 'line':
      if (place.options.inline) invalidateLine(to, word);
      else emulate(place);
      return false;
    case 'emulate':
      emulate(place);
      return false;
  }
}

/**
 * Translates what is at an address.
 *
 * @param pc - the guest's address, signed
 * @param fetch - the guest's instruction at an address; undefined where the fetch faults
 * @returns undefined where there is no first instruction
 */
export function translate(
  pc: number,
  fetch: (pc: number) => number | undefined,
  options: TranslationOptions,
): Draft | undefined {
  const to = new UnitWriter(pc);
  const source: number[] = [];
  const later: Place['conditional'] = [];
  to.landing();
  let at = pc;
  let ended = false;
  while (!ended && source.length < options.most && Math.floor(at / PAGE) === Math.floor(pc / PAGE)) {
    const word = fetch(at);
    if (word === undefined) break;
    to.origin = source.length;
    source.push(word);
    ended = one({ to, pc: at, word, options, conditional: later }, decode(word));
    at += 4;
  }
  if (source.length === 0) return undefined;
  if (!ended) to.exit(at);
  for (const { hole, form, target, origin } of later) {
    to.land(hole, form);
    to.origin = origin;
    to.exit(target);
  }
  return to.finish(source);
}
