// The operations, what Adams and Agesen published about theirs, and why ours differ where they do.
//
// K. Adams, O. Agesen: A Comparison of Software and Hardware Techniques for x86 Virtualization, ASPLOS 2006, section 6.3: a 3.8 GHz
// Pentium 4 with VT-x of the first generation, in cycles. Figures are those that its text gives; a word where it gives none.

/** The loops without an operation. */
export const loops = { kernel: 'kernel-loop', user: 'user-loop' } as const;

/** Cycles that were published: native, by binary translation, by VT-x. */
export type Published = readonly [native: string, software: string, hardware: string];

/** An operation. */
export interface NanoOperation {
  /** As the guest prints it. */
  readonly name: string;
  /** What it is. */
  readonly about: string;
  /** Which loop it is done in. */
  readonly from: keyof typeof loops;
  /** How often the loop does it in one turn; 1 when absent. */
  readonly each?: number;
  /** Their name for it, and their cycles. */
  readonly theirs?: string;
  readonly published?: Published;
  /** Why ours are in another order, or at other distances. */
  readonly why: string;
}

/** The rows of the table. */
export const operations: readonly NanoOperation[] = [
  {
    name: 'syscall',
    about: 'SVC from EL0, and ERET',
    from: 'user',
    theirs: 'syscall',
    published: ['n', 'n + 2000', 'n'],
    why: "The same order: the extensions let SVC go to the guest's kernel as VT-x lets SYSCALL. Translation adds the two changes of level, into the translated kernel and back; it is nearer to native than theirs, as an exception costs no more on Arm than a call of the kernel does. Trapping adds an exit for each register that the entry reads.",
  },
  {
    name: 'in',
    about: 'a load from a register of the PL031',
    from: 'kernel',
    theirs: 'in (port 80h)',
    published: ['3209', '~210', '15826'],
    why: 'Theirs was slow natively (a device behind two bridges) and quick when translated, as IN is known by its opcode and becomes a call of the device model. A64 has no IN: only the address makes a load one of a device, so translated code faults like any other and is as dear as by trapping. The extensions name register and width in the syndrome, so they need no fetch and no decoding of the instruction.',
  },
  {
    name: 'mask',
    about: 'MSR DAIFSet and MSR DAIFClr: interrupts off and on',
    from: 'kernel',
    theirs: 'cr8wr',
    published: ['~140', '35', 'n'],
    why: "The same as theirs for the extensions: PSTATE.I is the guest's own. Translation needs no exit, but is not quicker than native: MSR DAIF costs a few cycles where MOV to CR8 was serialising. Each traps at EL0, which is what trap-and-emulate pays for.",
  },
  {
    name: 'callret',
    about: 'BL and RET in the kernel',
    from: 'kernel',
    theirs: 'call/ret',
    published: ['11', '51', '11'],
    why: 'The same order and about the same distance: a return is an indirect branch, whose target is looked up among the translations. Trapping and the extensions execute both as they are.',
  },
  {
    name: 'pgfault',
    about: 'first touch at EL0, the kernel maps a page, return',
    from: 'user',
    theirs: 'pgfault',
    published: ['1093', '3927', '11242'],
    why: "Another order: theirs had no nested paging, so that VT-x left the guest for each fault. With stage 2 a fault is the guest's alone. Shadow tables add a hidden fault when lazy, and the trapped store of the descriptor when traced.",
  },
  {
    name: 'brk',
    about: 'BRK at EL0, which the kernel steps over',
    from: 'user',
    theirs: 'divzero',
    published: ['889', '3223', '1014'],
    why: "The same order; it is BRK, as A64 divides by zero without a fault. Against pgfault it shows what of that is the memory's.",
  },
  {
    name: 'ptemod',
    about: 'a store to a descriptor that is in use',
    from: 'kernel',
    each: 2,
    theirs: 'ptemod',
    published: ['1', '391', '12733'],
    why: 'Theirs traced with and without the extensions, which had no nested paging. Lazily, and with stage 2, a store is a store. Traced by us, it is an exit for trapping as for translation.',
  },
  {
    name: 'pteread',
    about: 'a load of a descriptor that is in use',
    from: 'kernel',
    why: "Not among theirs. Only where the guest's own pages hold real descriptors (real) is a load an exit: the guest is to see its own.",
  },
  {
    name: 'ptechange',
    about: 'a store to a descriptor with DSB, TLBI, DSB, ISB, and a load of the page',
    from: 'kernel',
    each: 2,
    why: 'Not among theirs: what lazy shadows defer. The architecture has a changed descriptor made known by TLBI, and there they pay, once for any number of stores.',
  },
];
