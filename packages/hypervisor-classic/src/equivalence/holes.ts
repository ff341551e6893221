// Where trap-and-emulate cannot give what the bare machine gives, by theory: instructions that are sensitive and not privileged, so that no
// control of EL1 makes them trap at EL0 (Popek and Goldberg, CACM 1974, theorem 1; the table of A64's).

/** Why an instruction does something else where the guest's kernel runs at EL0, and what helps. */
export interface Hole {
  readonly name: string;
  /** Those that have it. */
  readonly instructions: string;
  /** Why no hypervisor at EL1 can see them, with the section of the architecture. */
  readonly reason: string;
  /** How binary translation does them. */
  readonly translated: string;
}

interface Kind extends Hole {
  readonly mask: number;
  readonly value: number;
}

const kinds: readonly Kind[] = [
  {
    name: 'unprivileged access',
    instructions: 'LDTR, LDTRB, LDTRH, LDTRSB, LDTRSH, LDTRSW, STTR, STTRB, STTRH',
    reason:
      "at EL1 they have EL0's permissions, so that a page of the kernel's alone is a fault (DDI 0487 C3.2.5); a kernel at EL0 executes " +
      'them as LDR and STR, which reach all of its pages: nothing traps, as no register of EL1 has a control of them',
    translated: 'the translator knows them by their encoding and calls them out or checks where they go',
    mask: 0x3f20_0c00,
    value: 0x3800_0800,
  },
  {
    name: 'exclusive store behind a trap',
    instructions:
      'STXR, STLXR, STXP, STLXP and their bytes and halfwords, with a privileged instruction between them and the load-exclusive',
    reason:
      'the privileged instruction between traps, and the return from the exception clears the exclusive monitor (DDI 0487 B2.10.5): the ' +
      'store fails each time, where natively it succeeds; that it will fail, or has failed, traps nowhere',
    translated: 'the privileged instruction is executed in line, without an exception',
    mask: 0x3f40_0000,
    value: 0x0800_0000,
  },
  {
    name: 'monitors for EL0',
    instructions: 'MRS of PMUSERENR_EL0',
    reason:
      'EL0 may read it whatever it says (DDI 0487 D17.5), so that a kernel at EL0 reads the hardware’s, which is zero: with any bit of it ' +
      'set EL0 would reach the hardware’s counters without a trap',
    translated: 'the kernel’s are called out; user code, which runs directly, reads zero',
    mask: 0xffff_ffe0,
    value: 0xd53b_9e00,
  },
];

/** All of them. */
export const holes: readonly Hole[] = kinds;

/** The one that an instruction of the guest's kernel may have fallen into under trap-and-emulate; undefined for all others. */
export function holeOf(word: number): Hole | undefined {
  const kind = kinds.find(({ mask, value }) => (word & mask) >>> 0 === value);
  // LDAR and STLR are among the encodings of exclusives: bit 23.
  return kind === kinds[1] && (word & 0x80_0000) !== 0 ? undefined : kind;
}
