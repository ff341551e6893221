// What exceptions leave behind, from EL0 and from EL1, with both stack pointers, and from within other exceptions. DDI 0487 D1.3, D17.2.37.
#include "probe.h"

VICTIM(svc_, "svc #0x123")
VICTIM(brk_, "brk #0x123")
VICTIM(hvc_, "movz w0, #0x8400, lsl #16\nmovk w0, #0x7f\nhvc #0x123")
VICTIM(smc_, "smc #0x123")
VICTIM(undefined_, ".inst 0")
VICTIM(unallocated_, ".inst 0xd51fffff")
VICTIM(later_, ".inst 0xd500409f") // MSR PAN
VICTIM(el2_register, "mrs x0, hcr_el2")
VICTIM(el3_register, "mrs x0, scr_el3")
VICTIM(eret_, "eret")
VICTIM(tlbi_el2, "tlbi alle2")
VICTIM(tlbi_, "tlbi vmalle1")
VICTIM(load_, "ldr x0, [x1]")
VICTIM(load_second, "ldr x0, [x1]\nldr x0, [x2]")
VICTIM(store_, "str x0, [x1]")
VICTIM(pair_, "ldp x0, x3, [x1, #-8]")
VICTIM(pre_, "ldr x0, [x1, #8]!")
VICTIM(post_, "str x0, [x1], #16")
VICTIM(vector_, "ldr q0, [x1]")
VICTIM(exclusive_, "ldxr x0, [x1]")
VICTIM(byte_signed, "ldrsb w0, [x1]")
VICTIM(branch_, "br x1")
VICTIM(call_, "blr x1")
VICTIM(return_, "mov x30, x1\nret")
VICTIM(eret_to, "msr elr_el1, x1\nmsr spsr_el1, x2\neret")
VICTIM(stack_load, "ldr x0, [sp]")
VICTIM(stack_store, "stp x0, x1, [sp, #-16]!")
VICTIM(float_, "fmov d0, #1.0\nfmov x0, d0")
VICTIM(own_vectors, "msr vbar_el1, x1\nisb\nmov x3, #7\nsvc #0x55")
VICTIM(own_vectors_abort, "msr vbar_el1, x1\nisb\nldr x4, [x0]")
VICTIM(own_vectors_later, "msr vbar_el1, x1\nmsr vbar_el1, x2\nmsr vbar_el1, x1\nisb\nmov x3, #7\nudf #0")
VICTIM(syndrome_kept, "mrs x3, elr_el1\nmrs x4, spsr_el1\nmsr elr_el1, x1\nmsr spsr_el1, x2\nmrs x5, elr_el1\nmrs x6, spsr_el1\nsub x0, x5, x1\nsub x6, x6, x2\norr x0, x0, x6\nmsr elr_el1, x3\nmsr spsr_el1, x4")

struct row {
  const char *name, *victim;
  u64 x1, x2;
};
#define ABSENT_LOWER (LOWER_TEST + ABSENT * PAGE_SIZE + 0x40)
#define ABSENT_UPPER (UPPER_TEST + ABSENT * PAGE_SIZE + 0x40)
static const struct row rows[] = {
    {"svc", svc_, 0, 0},
    {"brk", brk_, 0, 0},
    {"hvc", hvc_, 0, 0},
    {"smc", smc_, 0, 0},
    {"udf", undefined_, 0, 0},
    {"unallocated", unallocated_, 0, 0},
    {"later-architecture", later_, 0, 0},
    {"mrs-hcr_el2", el2_register, 0, 0},
    {"mrs-scr_el3", el3_register, 0, 0},
    {"tlbi-alle2", tlbi_el2, 0, 0},
    {"tlbi-vmalle1", tlbi_, 0, 0},
    {"load-absent", load_, ABSENT_LOWER, 0},
    {"load-absent-upper", load_, ABSENT_UPPER, 0},
    {"load-no-table", load_, 3 * GIB + 0x123, 0},
    {"load-no-table-upper", load_, UPPER + 5 * GIB, 0},
    {"load-beyond", load_, 0x8000000000, 0},
    {"load-below-upper", load_, 0xffffff7ffffffff8, 0},
    {"load-no-canonical", load_, 0x1234000000000000, 0},
    {"load-second", load_second, LOWER_TEST, ABSENT_LOWER},
    {"store-absent", store_, ABSENT_LOWER, 0},
    {"store-absent-upper", store_, ABSENT_UPPER, 0},
    {"store-read-only", store_, LOWER_TEST + USER_RO * PAGE_SIZE, 0},
    {"store-read-only-upper", store_, UPPER_TEST + USER_RO * PAGE_SIZE + 8, 0},
    {"store-kernel-ro", store_, LOWER_TEST + KERNEL_RO * PAGE_SIZE, 0},
    {"load-no-access-flag", load_, LOWER_TEST + NO_ACCESS_FLAG * PAGE_SIZE, 0},
    {"store-no-access-flag-upper", store_, UPPER_TEST + NO_ACCESS_FLAG * PAGE_SIZE, 0},
    {"pair-across", pair_, ABSENT_LOWER & ~0xffful, 0},
    {"pre-index", pre_, ABSENT_LOWER, 0},
    {"post-index", post_, ABSENT_LOWER, 0},
    {"load-vector", vector_, ABSENT_UPPER, 0},
    {"load-signed-byte", byte_signed, ABSENT_LOWER + 3, 0},
    {"exclusive-unaligned", exclusive_, LOWER_TEST + 4, 0},
    {"load-device-unaligned", load_, LOWER_TEST + USER_DEVICE * PAGE_SIZE + 1, 0},
    {"branch-absent", branch_, ABSENT_LOWER, 0},
    {"branch-absent-upper", branch_, ABSENT_UPPER, 0},
    {"branch-data", branch_, LOWER_TEST + USER * PAGE_SIZE, 0},
    {"branch-device", branch_, LOWER_TEST + USER_DEVICE * PAGE_SIZE, 0},
    {"branch-unaligned", branch_, LOWER_TEST + USER * PAGE_SIZE + 2, 0},
    {"call-absent", call_, ABSENT_UPPER, 0},
    {"return-absent", return_, ABSENT_LOWER, 0},
    {"return-unaligned", return_, ABSENT_LOWER + 1, 0},
    {"branch-no-canonical", branch_, 0x0012340000000000, 0},
    {"float", float_, 0, 0},
};
#define ROWS(table) (sizeof(table) / sizeof(table[0]))

static const struct {
  const char *name;
  u32 spsr;
} modes[] = {{"exception-EL0", EL0T}, {"exception-EL1t", EL1T}, {"exception-EL1h", EL1H}};

static void kernel_row(const char *name, const char *victim, u64 x1, u64 x2) {
  execute(victim, EL1H, 0, x1, x2);
  say_outcome("exception", name, victim);
}

static void stacks_probes(void) {
  u64 sctlr = change_sctlr(1 << 3 | 1 << 4, 0);
  for (u32 i = 0; i < 3; i++) {
    const char *victims[2] = {stack_load, stack_store};
    for (u32 j = 0; j < 2; j++) {
      u64 odd = (u64)stacks[0] + 1032;
      struct context context = {.pc = (u64)victims[j], .spsr = modes[i].spsr, .sp_el0 = odd, .sp_el1 = odd};
      execute_in(&context);
      say_outcome(modes[i].name, j ? "sp-unaligned-store" : "sp-unaligned-load", victims[j]);
    }
  }
  restore_sctlr(sctlr);
  struct context context = {.pc = (u64)stack_load, .spsr = EL1H, .sp_el1 = ABSENT_LOWER};
  execute_in(&context);
  say_outcome("exception", "sp-absent-EL1h", stack_load);
}

// From EL1 to EL1 by ERET, to modes that are and are not; and what ELR_EL1 and SPSR_EL1 keep.
static void returns(void) {
  static const struct {
    const char *name;
    u32 spsr;
  } to[] = {{"EL0t", 0xf00003c0}, {"EL1t", 0xa00003c4}, {"EL1h", 0x500003c5}, {"EL2h", 0x3c9}, {"EL0h", 0x3c1}, {"A32", 0x3d0}, {"IL", 0x1003c5}};
  for (u32 i = 0; i < ROWS(to); i++) {
    execute(eret_to, EL1H, 0, (u64)brk_, to[i].spsr);
    say_state("return", to[i].name, brk_);
  }
  execute(eret_to, EL1H, 0, ABSENT_UPPER, 0x3c5);
  say_state("return", "absent", eret_to);
  execute(eret_to, EL1H, 0, (u64)brk_ + 2, 0x3c5);
  say_state("return", "unaligned", brk_);
  execute(eret_, EL0T, 0, 0, 0);
  say_state("return", "at-EL0", eret_);
}

// The victim takes its exception to vectors that take one at once: both are seen.
static void nested(const char *name, const char *victim, u32 spsr) {
  execute(victim, spsr, ABSENT_LOWER, (u64)vectors_second, (u64)vectors_probe);
  say_state("nested", name, victim);
  char first[32];
  copy_string(first, name, sizeof(first) - 6);
  copy_string(first + strlen(first), "-first", 7);
  say("nested", first, " ELR=+0x%lx ESR=0x%lx SPSR=0x%lx", record.x[9] - (u64)victim, record.x[10], record.x[11]);
}

void exception_probes(void) {
  for (u32 mode = 0; mode < 3; mode++)
    for (u32 i = 0; i < ROWS(rows); i++) {
      execute(rows[i].victim, modes[mode].spsr, 0x77, rows[i].x1, rows[i].x2);
      say_outcome(modes[mode].name, rows[i].name, rows[i].victim);
    }
  stacks_probes();
  returns();
  nested("svc", own_vectors, EL1H);
  nested("svc-EL1t", own_vectors, EL1T);
  nested("abort", own_vectors_abort, EL1H);
  nested("undefined", own_vectors_later, EL1H);
  kernel_row("elr-spsr-kept", syndrome_kept, 0x123456789abcdef0, 0x600003c4);
}
