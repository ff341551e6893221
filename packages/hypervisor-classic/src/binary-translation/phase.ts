// What holds before one word of translated code: where the guest's registers are meanwhile, and whether the instruction that the word
// stands for has had its effect. From it every exception in the cache is precise: the registers are put back, and the PC is the
// guest's instruction or the next.

/** In eight bits: the register that TPIDR_EL0 keeps, whether the page keeps X17 and X15, whether the effect is done. */
export const Phase = {
  /** All is as the guest has it. */
  CLEAN: 31,
  X17: 0x20,
  X15: 0x40,
  DONE: 0x80,
} as const;

/** The register whose value is in TPIDR_EL0; 31 for none. */
export const stashedIn = (phase: number): number => phase & 31;
