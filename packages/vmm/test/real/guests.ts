// Guests of the rig: assembly text. X20 counts what a guest has handled; results are at 0x4010_0000.

/** Where guests leave results. */
export const RESULTS = 0x4010_0000;

const vectors = `
  .balign 0x800
vectors:
  .space 0x280
  b handler
  .space 0x57c
`;

/** GICD, and the CPU interface, which the guest acknowledges and ends by. */
const start = (gic: 2 | 3): string => `
  mov x19, x0
  adr x1, vectors
  msr VBAR_EL1, x1
  mov x20, #0
  movz x21, #0x4010, lsl #16
  movz x10, #0x0800, lsl #16
  movz x11, #0x0801, lsl #16
  movz x12, #0x080a, lsl #16
  movz x13, #0x2, lsl #16
  madd x12, x13, x19, x12
  add x12, x12, #0x10, lsl #12
${
  gic === 2
    ? `
  mov w1, #1
  str w1, [x10]
  mov w1, #0xf8
  str w1, [x11, #4]
  mov w1, #1
  str w1, [x11]`
    : `
  mov w1, #2
  str w1, [x10]
  mov w1, #-1
  str w1, [x10, #0x84]
  str w1, [x12, #0x80]
  mov x1, #0xf8
  msr ICC_PMR_EL1, x1
  mov x1, #1
  msr ICC_IGRPEN1_EL1, x1`
}
`;

/** Enables private interrupt `id`. */
const enablePrivate = (gic: 2 | 3, id: number): string => `
  mov w1, #1
  lsl w1, w1, #${id}
  str w1, [${gic === 2 ? 'x10' : 'x12'}, #0x100]
`;

const acknowledge = (gic: 2 | 3): string => (gic === 2 ? '  ldr w2, [x11, #0xc]' : '  mrs x2, ICC_IAR1_EL1');
const end = (gic: 2 | 3): string => (gic === 2 ? '  str w2, [x11, #0x10]' : '  msr ICC_EOIR1_EL1, x2');

/** Takes `count` interrupts of the virtual timer in a busy loop, or (`wait`) in WFI. */
export const timerGuest = (gic: 2 | 3, count: number, wait = false, ticks = 200): string => `
${start(gic)}
${enablePrivate(gic, 27)}
  mov x1, #${ticks}
  msr CNTV_TVAL_EL0, x1
  mov x1, #1
  msr CNTV_CTL_EL0, x1
  msr DAIFClr, #2
again:
  ${wait ? 'wfi' : 'nop'}
  cmp x20, #${count}
  b.lo again
  msr CNTV_CTL_EL0, xzr
  str x20, [x21]
  hvc #0x11
${vectors}
handler:
${acknowledge(gic)}
  mov x1, #${ticks}
  msr CNTV_TVAL_EL0, x1
  add x20, x20, #1
${end(gic)}
  eret
`;

/** The same with the physical timer, which traps; it notes the counter's steps, and its own deadline by CNTP_CVAL_EL0. */
export const physicalTimerGuest = (gic: 2 | 3, count: number, ticks = 200): string => `
${start(gic)}
${enablePrivate(gic, 30)}
  mrs x1, CNTPCT_EL0
  add x1, x1, #${ticks}
  msr CNTP_CVAL_EL0, x1
  mov x1, #1
  msr CNTP_CTL_EL0, x1
  msr DAIFClr, #2
again:
  nop
  cmp x20, #${count}
  b.lo again
  msr CNTP_CTL_EL0, xzr
  mrs x1, CNTPCT_EL0
  mrs x2, CNTVCT_EL0
  sub x2, x2, x1
  stp x20, x2, [x21]
  hvc #0x11
${vectors}
handler:
${acknowledge(gic)}
  mrs x1, CNTP_CVAL_EL0
  add x1, x1, #${ticks}
  msr CNTP_CVAL_EL0, x1
  add x20, x20, #1
${end(gic)}
  eret
`;

/** Notes what the CPU says that it is, and what PSCI says. */
export const identityGuest = `
  movz x21, #0x4010, lsl #16
  mov x22, x0
  add x21, x21, x22, lsl #6
  mrs x1, MPIDR_EL1
  mrs x2, ID_AA64PFR0_EL1
  mrs x3, MIDR_EL1
  stp w1, w2, [x21]
  str w3, [x21, #8]
  movz x0, #0x8400, lsl #16
  hvc #0
  str w0, [x21, #12]
  movz x0, #0xc400, lsl #16
  movk x0, #4
  mov x1, #1
  hvc #0
  str w0, [x21, #16]
  movz x0, #0x8400, lsl #16
  movk x0, #2
  hvc #0
`;

/** Has \`count\` shared interrupts made pending at once, of priorities that rise with their numbers, and notes the order. */
export const burstGuest = (gic: 2 | 3, count: number): string => `
${start(gic)}
  mov x4, #0
set:
  add x5, x10, #0x420
  mov w6, #${count}
  sub w6, w6, w4
  lsl w6, w6, #3
  strb w6, [x5, x4]
${gic === 2 ? `  add x5, x10, #0x820\n  mov w6, #1\n  strb w6, [x5, x4]` : ''}
  add x4, x4, #1
  cmp x4, #${count}
  b.lo set
  mov w1, #0xaaaaaaaa
  str w1, [x10, #0xc08]
  str w1, [x10, #0xc0c]
  mov w1, #-1
  str w1, [x10, #0x104]
  mov x0, #${count}
  hvc #0x13
  msr DAIFClr, #2
again:
  cmp x20, #${count}
  b.lo again
  hvc #0x11
${vectors}
handler:
${acknowledge(gic)}
  str w2, [x21, x20, lsl #2]
  add x20, x20, #1
${end(gic)}
  eret
`;

/** vCPUs 0 and 1 send each other SGI 1 in turns, \`count\` each. */
export const pingPongGuest = (gic: 2 | 3, count: number): string => `
${start(gic)}
${enablePrivate(gic, 1)}
  eor x22, x19, #1
  mov w1, #1
  cbz x19, ready
  str w1, [x21, #0x40]
ready:
  hvc #0x12
  ldr w1, [x21, #0x40]
  cbz w1, ready
  msr DAIFClr, #2
  cbnz x19, again
  bl send
again:
  wfi
  cmp x20, #${count}
  b.lo again
  add x21, x21, x19, lsl #2
  str w20, [x21]
  hvc #0x11
send:
  mov x3, #1
${
  gic === 2
    ? `
  add x4, x22, #16
  lsl x3, x3, x4
  orr x3, x3, #1
  str w3, [x10, #0xf00]`
    : `
  lsl x3, x3, x22
  movz x4, #0x100, lsl #16
  orr x3, x3, x4
  msr ICC_SGI1R_EL1, x3`
}
  ret
${vectors}
handler:
${acknowledge(gic)}
  add x20, x20, #1
${end(gic)}
  mov x25, x30
  // The last of vCPU 1 is answered by nobody who still counts.
  bl send
  mov x30, x25
  eret
`;

/** Fills EL1 and FP registers with numbers of its own, gives the CPU to others, and checks that they are its own. */
export const switchGuest = (own: number, rounds: number, float: boolean): string => `
  mov x20, #${rounds}
  movz x21, #0x4010, lsl #16
  movz x22, #${own}
  mov x23, #0
  msr TPIDR_EL1, x22
  msr TPIDR_EL0, x22
  msr AFSR0_EL1, x22
  msr FAR_EL1, x22
  msr MAIR_EL1, x22
${float ? '  fmov d7, x22' : ''}
again:
  hvc #0x12
  mrs x1, TPIDR_EL1
  mrs x2, TPIDR_EL0
  mrs x3, AFSR0_EL1
  mrs x4, FAR_EL1
  mrs x5, MAIR_EL1
${float ? '  fmov x6, d7' : '  mov x6, x22'}
  cmp x1, x22
  ccmp x2, x22, #0, eq
  ccmp x3, x22, #0, eq
  ccmp x4, x22, #0, eq
  ccmp x5, x22, #0, eq
  ccmp x6, x22, #0, eq
  cinc x23, x23, eq
  sub x20, x20, #1
  cbnz x20, again
  str x23, [x21]
  hvc #0x11
`;

/** Calls the hypervisor \`count\` times for nothing. */
export const nullGuest = (count: number): string => `
  mov x20, #${count}
again:
  hvc #0x10
  sub x20, x20, #1
  cbnz x20, again
  hvc #0x11
`;
