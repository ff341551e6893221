// Where in its page each operation of software stands: what a higher level that intercepts it reads from ELR. And the register that it
// uses where that level looks at one.

/** The general register that an intercepted operation reads or writes. */
export const SCRATCH = 9;

/** Offsets of the operations' instructions; the one after each is where an operation that was emulated goes on. */
export const PC_OF = {
  mrs: 0xb00,
  msr: 0xb10,
  load: 0xb20,
  store: 0xb30,
  loadUnprivileged: 0xb40,
  storeUnprivileged: 0xb50,
  atomic: 0xb60,
  sys: 0xb70,
  call: 0xb80,
  vector: 0xb90,
} as const;
