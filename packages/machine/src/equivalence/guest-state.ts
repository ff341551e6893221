// What a guest can see of its CPU: registers by their architectural names, as two halves each. Which system holds them, and where,
// is the business of who fills this in.

import { hashWords } from '../hash.ts';

/** System registers of EL1 and EL0 that a guest's future depends on, and that no system may change behind its back. */
export const guestSystemRegisters: readonly string[] = [
  'SCTLR_EL1',
  'CPACR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'MAIR_EL1',
  'AMAIR_EL1',
  'CONTEXTIDR_EL1',
  'VBAR_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'PAR_EL1',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'CSSELR_EL1',
  'MDSCR_EL1',
  'CNTKCTL_EL1',
  'CNTV_CTL_EL0',
  'CNTV_CVAL_EL0',
];

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i}`);

/** All names, in the order of a state's values. V registers are two values each. */
export const guestRegisters: readonly string[] = [
  ...numbered('X', 31),
  'SP_EL0',
  'SP_EL1',
  'PC',
  'PSTATE',
  ...guestSystemRegisters,
  'FPCR',
  'FPSR',
  ...numbered('V', 32).flatMap((name) => [name, `${name}, upper half`]),
];

const places: ReadonlyMap<string, number> = new Map(guestRegisters.map((name, i) => [name, i]));

/** Where a register's value is. Throws a RangeError for a name that is none. */
export function guestRegister(name: string): number {
  const found = places.get(name);
  if (found === undefined) throw new RangeError(`${name} is no register of a guest's`);
  return found;
}

/** Where groups of registers begin. */
export interface GuestPlaces {
  readonly x: number;
  readonly sp0: number;
  readonly sp1: number;
  readonly pc: number;
  readonly pstate: number;
  /** The first of `guestSystemRegisters`. */
  readonly system: number;
  readonly fpcr: number;
  readonly fpsr: number;
  /** V0; each V register has two places. */
  readonly v: number;
}

/** Where groups of registers begin. */
export const GuestPlace: GuestPlaces = {
  x: 0,
  sp0: guestRegister('SP_EL0'),
  sp1: guestRegister('SP_EL1'),
  pc: guestRegister('PC'),
  pstate: guestRegister('PSTATE'),
  system: guestRegister('SCTLR_EL1'),
  fpcr: guestRegister('FPCR'),
  fpsr: guestRegister('FPSR'),
  v: guestRegister('V0'),
};

/** One difference of two states. */
export interface RegisterDifference {
  readonly register: string;
  readonly values: readonly [bigint, bigint];
}

/** The values of a guest's registers. */
export class GuestState {
  /** Low and high halves, in the order of `guestRegisters`. */
  readonly words: Uint32Array = new Uint32Array(2 * guestRegisters.length);

  /** Sets a value by its place. */
  set(place: number, lo: number, hi: number): void {
    this.words[2 * place] = lo;
    this.words[2 * place + 1] = hi;
  }
  /** Sets a value by its name. */
  setRegister(name: string, value: bigint): void {
    this.set(guestRegister(name), Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
  }
  /** A value by its place. */
  value(place: number): bigint {
    return (BigInt(this.words[2 * place + 1] ?? 0) << 32n) | BigInt(this.words[2 * place] ?? 0);
  }
  /** 64 bits over all of it. */
  hash(): readonly [number, number] {
    return hashWords(this.words, 0, this.words.length, 1);
  }
  /** Becomes another one's equal. */
  copy(from: GuestState): void {
    this.words.set(from.words);
  }
  /** Registers that differ. */
  differences(other: GuestState): readonly RegisterDifference[] {
    const found: RegisterDifference[] = [];
    guestRegisters.forEach((register, i) => {
      const [a, b] = [this.value(i), other.value(i)];
      if (a !== b) found.push({ register, values: [a, b] });
    });
    return found;
  }
}
