// The operations, what Adams and Agesen published about theirs, and why ours differ where they do.
//
// K. Adams, O. Agesen: A Comparison of Software and Hardware Techniques for x86 Virtualization, ASPLOS 2006, section 6: a Pentium 4 with
// VT-x of the first generation, in cycles. Figures are those that its text gives; where it only compares, what it says is written so.

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
    why: "The same order: the extensions let SVC go to the guest's kernel as VT-x lets SYSCALL. Translation adds two exits, into the translated kernel and back; they are cheaper than theirs, as the profile has 133 cycles for an exception and its return where a fault and its return alone cost that Pentium 4 889. Trapping adds an exit for each register that the kernel's entry reads.",
  },
  {
    name: 'in',
    about: 'a load from a register of the PL031',
    from: 'kernel',
    theirs: 'in (port 80h)',
    published: ['3209', '~210', '15826'],
    why: 'Another order: theirs is slow natively, a register outside of the processor, and quick when translated, as IN is known by its opcode and becomes a piece of the device model. A64 has no IN: only its address makes a load one of a device, so that translated code faults like any other, or calls the hypervisor where it has done so often: an exit all the same. The syndrome of EL2 spares fetching and decoding (40 instructions instead of 150), but each access first walks both stages in vain (eight descriptors instead of two) and more registers are read, so that in cycles nothing is left of it.',
  },
  {
    name: 'mask',
    about: 'MSR DAIFSet and MSR DAIFClr: interrupts off and on',
    from: 'kernel',
    theirs: 'cr8wr',
    published: ['~140', '35', 'n'],
    why: "For the extensions the same as theirs: PSTATE.I is the guest's own. Translation needs no exit, either, but is slower than native, where theirs was faster: MSR DAIFSet costs a few cycles, a MOV to CR8 a hundred and forty. Trapping pays for two exits.",
  },
  {
    name: 'callret',
    about: 'BL and RET in the kernel',
    from: 'kernel',
    theirs: 'call/ret',
    published: ['11', '51', '11'],
    why: 'The same order: a return is an indirect branch, whose target translated code looks up among the translations. Trapping and the extensions execute both as they are.',
  },
  {
    name: 'pgfault',
    about: 'first touch at EL0, the kernel maps a page, return',
    from: 'user',
    theirs: 'pgfault',
    published: ['1093', '3927', '11242'],
    why: "Another order: VT-x had no nested paging, so that each fault left the guest. With stage 2 a fault is the guest's alone, and what is left is that walks read descriptors of both stages. Shadow tables add a hidden fault when lazy, and the store of the descriptor when traced.",
  },
  {
    name: 'brk',
    about: 'BRK at EL0, which the kernel steps over',
    from: 'user',
    theirs: 'divzero',
    published: ['889', '3223', '1014'],
    why: "The same order. BRK stands for the division, as A64 divides by zero without a fault. Against pgfault it shows what of that is the memory's.",
  },
  {
    name: 'ptemod',
    about: 'a store to a descriptor that is in use',
    from: 'kernel',
    each: 2,
    theirs: 'ptemod',
    published: ['1', '391', '12733'],
    why: 'Another order: both of theirs traced, and VT-x had no nested paging. With stage 2, and lazily, a store is a store. Traced, it is an exit; their translator replaced stores that fault often by a program of its own in the cache (391); ours by a call of the hypervisor, which spares finding out what faulted.',
  },
  {
    name: 'pteread',
    about: 'a load of a descriptor that is in use',
    from: 'kernel',
    why: "Not among theirs. A load is an exit only where the guest's own pages hold the host's descriptors (real) and it is to read its own.",
  },
  {
    name: 'ptechange',
    about: 'a store to a descriptor with DSB, TLBI, DSB, ISB, and a load of the page',
    from: 'kernel',
    each: 2,
    why: 'Not among theirs: what lazy shadows put off. The architecture has a changed descriptor made known by TLBI, and there they pay, once for any number of stores, and again where each page is used next.',
  },
];
