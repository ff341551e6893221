// What a hostile guest is beside: one whose memory at its end depends on its own instructions alone, whoever else is on the host and
// however long it takes; and one that is merely busy.
#include "fuzz.h"

#define AREA 0x100000ul // bytes
#define LOG (ARENA + 0x800000)
#define TIMES 0x47f00100ul // at the first round and after the last one: for who looks from outside
#define FILL(n) "fmov d" #n ", %0\n\t"
#define ADD(n) "fmov %0, d" #n "\n\tadd %1, %1, %0\n\tfmov d" #n ", %1\n\t"
#define ALL(x)                                                                                                                                       \
  x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15) x(16) x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24) x(25)   \
      x(26) x(27) x(28) x(29) x(30) x(31)

static u64 sum, rounds;

static void prepare(void) {
  mmio64(TIMES) = read_register(cntvct_el0);
  write_register(cpacr_el1, 3 << 20);
  isb();
  asm volatile(ALL(FILL)::"r"(0x0123456789abcdeful));
  write_register(tpidr_el1, 0x1111);
  write_register(tpidr_el0, 0x2222);
  write_register(tpidrro_el0, 0x3333);
  write_register(contextidr_el1, 0x4444);
  write_register(par_el1, 0x5001);
  write_register(afsr0_el1, 0);
  write_register(mdscr_el1, 0);
  write_register(cntv_cval_el0, 0x123456789ul);
  for (u32 i = 32; i < 96; i++) gic_priority(i, i << 3);
}

// Everything that a world switch, a controller or a device of another's could have changed.
static u64 privileged(void) {
  u64 all = read_register(tpidr_el1) + 3 * read_register(tpidr_el0) + 5 * read_register(tpidrro_el0) + 7 * read_register(contextidr_el1);
  all += 11 * read_register(par_el1) + 13 * read_register(cntv_cval_el0) + 17 * read_register(vbar_el1) + 19 * read_register(ttbr0_el1);
  all += 23 * read_register(tcr_el1) + 29 * read_register(sctlr_el1) + 31 * read_register(mair_el1) + 37 * read_register(mdscr_el1);
  all += 41 * read_register(id_aa64pfr0_el1) + 43 * read_register(mpidr_el1) + 47 * read_register(cntv_ctl_el0) + 53 * read_register(daif);
  for (u32 i = 32; i < 96; i += 32) all = all * 59 + mmio32(GICD + 0x400 + i) + mmio32(GICD + 0x100 + i / 8) + mmio32(GICD + 0x300 + i / 8);
  write_register(contextidr_el1, all & 0xffffffff);
  return all;
}

void fuzz_quiet(void) {
  if (!rounds) prepare();
  u64 place = rounds * 0x9e3779b97f4a7c15 + 1;
  for (u32 i = 0; i < 256; i++) {
    volatile u64 *at = (u64 *)(ARENA + (place >> 40 & (AREA - 8)));
    sum += *at ^ place;
    *at = sum;
    place = place * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
  }
  u64 scratch;
  asm volatile(ALL(ADD) : "=&r"(scratch), "+r"(sum));
  sum = sum * 61 + privileged();
  sum += (u64)psci(0xbf000000 + (u32)rounds, sum, 0, 0); // a call that nobody knows
  ((volatile u64 *)LOG)[rounds++ & 0xfffff] = sum;
  mmio64(TIMES + 8) = read_register(cntvct_el0);
}

void fuzz_busy(void) {
  for (u32 i = 0; i < 1000; i++) *(volatile u64 *)(ARENA + i * 8) = random64();
}
