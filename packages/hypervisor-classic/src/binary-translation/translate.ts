// One translation unit: the guest's instructions from an address on, within a page, as far as control comes to them from it: by falling
// through, by its own branches or back from calls. What
// is innocuous stays as it is; what names the PC gets the guest's; sensitive instructions are done in line on the page of virtual
// registers or called out. (Adams and Agesen, ASPLOS 2006, section 3.)

import { systemRegisterAt } from '@worldswitch/isa-core';

import { Call, UnitWriter } from './draft.ts';
import type { Draft } from './draft.ts';
import { Kinds } from './kinds.ts';
import {
  branchIndirect,
  changeMask,
  invalidateEntry,
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
  /** No page of the lower half is the kernel's alone: LDTR and STTR are as they are there. */
  readonly lowerIsUsers: boolean;
  /** Whose table of indirect branches is looked at. */
  readonly context: number;
  /** What is at an address is translated already. */
  readonly known?: (pc: number) => boolean;
}

/** A page: an instruction fetch of one unit is translated once. */
const PAGE = 0x1000;
const PLAIN = new Set(['NZCV', 'FPCR', 'FPSR', 'DCZID_EL0']);
const inPage = new Map(pageRegisters.map((register) => [register.name, register]));
const CURRENT_EL = 4;

/** An instruction: one object goes through a unit. */
interface Place {
  readonly to: UnitWriter;
  pc: number;
  word: number;
  readonly options: TranslationOptions;
  /** Where branches of the unit go to. */
  readonly ahead: Set<number>;
}

/** What comes behind an instruction: the next one, its return, or nothing that this one comes to. */
type Flow = 'on' | 'call' | 'end';

const signedBits = (word: number, at: number, bits: number): number =>
  ((word >>> at) << (32 - bits)) >> (32 - bits);
const same = ({ to, word }: Place): void => {
  to.word(word);
};
const emulate = ({ to }: Place): void => {
  to.call(Call.EMULATE);
};

/** B, BL. */
function branch({ to, pc, word, ahead }: Place): Flow {
  const target = pc + 4 * signedBits(word, 0, 26);
  if (word >>> 31 === 1) {
    to.constant(30, pc + 4);
    to.exit(target);
    return 'call';
  }
  to.branch(0x1400_0000, target);
  ahead.add(target);
  return 'end';
}

/** Goes on behind it, and elsewhere where it is taken. */
function conditional({ to, pc, word, ahead }: Place): void {
  const bits = ((word >>> 25) & 0x3f) === 0x1b ? 14 : 19;
  const form = (word & ~(((1 << bits) - 1) << 5)) >>> 0;
  const target = pc + 4 * signedBits(word, 5, bits);
  to.branch(form, target);
  ahead.add(target);
}

function address({ to, pc, word }: Place, page: boolean): void {
  const immediate = signedBits(word, 5, 19) * 4 + ((word >>> 29) & 3);
  const value = page ? Math.floor(pc / PAGE) * PAGE + immediate * PAGE : pc + immediate;
  if ((word & 31) === 31) to.add('nop');
  else to.constant(word & 31, value);
}

const LITERALS: Readonly<Record<number, string>> = { 0: 'ldr w$', 1: 'ldr x$', 2: 'ldrsw x$' };
const VECTOR_LITERALS = 'sdq';

function literal({ to, pc, word }: Place): void {
  const at = pc + 4 * signedBits(word, 5, 19);
  const [size, register] = [word >>> 30, word & 31];
  const vector = ((word >>> 26) & 1) !== 0;
  if (vector) loadLiteral(to, `ldr ${VECTOR_LITERALS[size] ?? 'q'}${String(register)}`, register, at);
  else loadLiteral(to, LITERALS[size] ?? '', register, at);
}

/** The register of an MSR or MRS. */
export const registerName = (word: number): string =>
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

/** BR, BLR, RET. */
function indirect({ to, pc, word, options }: Place): Flow {
  const links = ((word >>> 21) & 3) === 1;
  branchIndirect(to, (word >>> 5) & 31, links ? pc + 4 : undefined, options.context);
  return links ? 'call' : 'end';
}

/** Translates one instruction. */
function one(place: Place, kinds: Kinds): Flow {
  const { to, word } = place;
  switch (kinds.of(word)) {
    case 'same':
      same(place);
      return 'on';
    case 'nothing':
      to.add('nop');
      return 'on';
    case 'address':
      address(place, word >>> 31 === 1);
      return 'on';
    case 'literal':
      literal(place);
      return 'on';
    case 'branch':
      return branch(place);
    case 'conditional':
      conditional(place);
      return 'on';
    case 'indirect':
      return indirect(place);
    case 'mrs':
      readSystem(place);
      return 'on';
    case 'msr':
      writeSystem(place);
      return 'on';
    case 'mask':
      mask(place);
      return 'on';
    case 'unprivileged':
      if (place.options.inline && place.options.lowerIsUsers) unprivileged(to, word);
      else emulate(place);
      return 'on';
    case 'line':
      if (place.options.inline) invalidateLine(to, word);
      else emulate(place);
      return 'on';
    case 'entry':
      if (place.options.inline) invalidateEntry(to, word);
      else emulate(place);
      return 'on';
    case 'emulate':
      emulate(place);
      return 'on';
    case 'last':
      emulate(place);
      return 'end';
  }
}

/** One instruction by itself: its sequence, with nothing before or behind it. */
export function alone(word: number): Draft {
  const to = new UnitWriter(0);
  const options = { most: 1, inline: true, banked: true, lowerIsUsers: true, context: 0 };
  one({ to, pc: 0, word, options, ahead: new Set() }, new Kinds());
  const { length } = to;
  const draft = to.finish([word]);
  return { ...draft, words: draft.words.slice(0, length) };
}

/**
 * Translates what is at an address.
 *
 * @param pc - the guest's address, signed
 * @param fetch - the guest's instruction at an address; undefined where the fetch faults
 * @param kinds - of the words that it has seen
 * @returns undefined where there is no first instruction
 */
export function translate(
  pc: number,
  fetch: (pc: number) => number | undefined,
  options: TranslationOptions,
  kinds: Kinds = new Kinds(),
): Draft | undefined {
  const to = new UnitWriter(pc);
  const source: number[] = [];
  const ahead = new Set<number>();
  const end = Math.min((Math.floor(pc / PAGE) + 1) * PAGE, pc + 4 * options.most);
  const place: Place = { to, pc, word: 0, options, ahead };
  let at = pc;
  let flow: Flow = 'call';
  while (at < end && (flow !== 'end' || ahead.has(at)) && (at === pc || options.known?.(at) !== true)) {
    const word = fetch(at);
    if (word === undefined) break;
    to.origin = source.length;
    source.push(word);
    if (flow === 'call') to.landing();
    place.pc = at;
    place.word = word;
    flow = one(place, kinds);
    at += 4;
  }
  if (source.length === 0) return undefined;
  if (flow === 'on') to.exit(at);
  return to.finish(source);
}
