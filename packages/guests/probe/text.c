// The guest's own text as data: what runs is what stands there, however often it ran and however it came there. DDI 0487 B2.4.4.
#include "probe.h"

extern char image_start[], text_end[];
IN_CODE static u32 code[1024];

VICTIM(busy_text, "mov x5, #4000\nmov x0, #0\n1: add x0, x0, x5\neor x0, x0, x0, lsr #3\nmrs x3, CurrentEL\nadd x0, x0, x3\nmrs x3, daif\nadd x0, x0, x3\nmsr daifset, #2\n"
                  "subs x5, x5, #1\nb.ne 1b")
VICTIM(read_itself, "adr x1, read_itself\nmov x5, #2000\nmov x0, #0\n1: ldr x3, [x1]\nldr x4, [x1, #8]\nadd x0, x0, x3\neor x0, x0, x4\nror x0, x0, #5\nsubs x5, x5, #1\nb.ne 1b")
VICTIM(read_literal, "mov x5, #1000\nmov x0, #0\n1: ldr x3, 2f\nadd x0, x0, x3\nldrsw x3, 2f\nsub x0, x0, x3\nldr w3, 2f\neor x0, x0, x3\nsubs x5, x5, #1\nb.ne 1b\nb 3f\n"
                     ".balign 8\n2: .quad 0x8123456789abcdef\n3: nop")
VICTIM(read_sensitive, "adr x1, 1f\n1: mrs x3, CurrentEL\nmsr daifset, #2\nmrs x3, sp_el0\nldr x0, [x1]\nldr x4, [x1, #8]\nadd x0, x0, x4")

static u64 text_sum(u64 from) {
  u64 sum = 0, end = from + ((u64)text_end - (u64)image_start);
  for (u64 at = from; at < end; at += 8) sum = mixed(sum, *(volatile u64 *)at);
  return sum;
}

static void synchronise(const volatile void *start, u64 bytes) {
  for (u64 at = (u64)start; at < (u64)start + bytes; at += 4) asm volatile("dc cvau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish" ::: "memory");
  for (u64 at = (u64)start; at < (u64)start + bytes; at += 4) asm volatile("ic ivau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

#define MOVZ_X0(n) (0xd2800000u | (n) << 5)
#define RET 0xd65f03c0u
#define BRK_END 0xd4200000u | 0x7ff << 5
#define BRANCH(words) (0x14000000u | ((words) & 0x3ffffff))
#define MRS_CURRENT_EL 0xd5384240u
#define MSR_DAIFSET_2 0xd50342dfu
#define MRS_DAIF 0xd53b4220u
#define NOP 0xd503201fu

static u64 run_code(u32 at, u32 spsr) {
  execute((const char *)&code[at], spsr, 0, 0, 0);
  return completed() ? record.x[0] : 0xe000000000000000 | record.esr;
}

// Written, synchronised, run, read; many times at the same place, and at the others of the page.
static void changed(void) {
  u64 sum = 0;
  for (u32 turn = 0; turn < 200; turn++) {
    u32 at = turn * 7 % 64 * 4;
    code[at] = MOVZ_X0(turn * 11 & 0xffff);
    code[at + 1] = turn & 1 ? MRS_CURRENT_EL : turn & 2 ? MSR_DAIFSET_2 : NOP;
    code[at + 2] = BRK_END;
    synchronise(&code[at], 12);
    sum = mixed(sum, run_code(at, EL1H));
    sum = mixed(sum, code[at] + (u64)code[at + 1]);
  }
  say1("text", "written-and-run", "0x%lx", sum);
  // One instruction of a loop that runs is exchanged, forth and back: a jump label.
  sum = 0;
  for (u32 turn = 0; turn < 40; turn++) {
    code[256] = MOVZ_X0(turn);
    code[257] = turn & 1 ? BRANCH(2) : NOP;
    code[258] = MRS_DAIF;
    code[259] = BRK_END;
    synchronise(&code[256], 16);
    for (u32 again = 0; again < 5; again++) sum = mixed(sum, run_code(256, EL1H));
  }
  say1("text", "jump-label", "0x%lx", sum);
}

// Text that is written by one address and run by another, the upper half's and the page of code that both halves have.
static void by_another_address(void) {
  u64 sum = 0;
  volatile u32 *words = (volatile u32 *)frames[CODE];
  for (u32 turn = 0; turn < 40; turn++) {
    words[0] = MOVZ_X0(turn + 100);
    words[1] = turn & 1 ? MRS_CURRENT_EL : NOP;
    words[2] = BRK_END;
    synchronise(words, 12);
    u64 upper = turn % 3 & 1;
    execute((const char *)page_address((u32)upper, CODE), EL1H, 0, 0, 0);
    sum = mixed(sum, record.x[0] + (record.elr - page_address((u32)upper, CODE)));
  }
  say1("text", "another-address", "0x%lx", sum);
}

// All words of the instruction set that EL1 has not are refused by both levels: a sample, with its syndromes in one sum.
static void refused(u32 spsr, const char *name) {
  static const u32 words[] = {0x00000000, 0x0000ffff, 0xd5380700u + 0xe0, 0xd53c1100, 0xd51c1100, 0xd53e1100, 0xd5087783, 0xd50c8700, 0xd50e8700, 0xd4000002 + 0x1000,
                              0xd4a00001, 0xd4a00002, 0xd4a00003, 0xd6bf03e0, 0xd69f0fff, 0xd69f0bff, 0xdac10000, 0xd503301f, 0xb8208000, 0x08a07c00, 0x1e63c000, 0xd5335000, 0x9ac03000, 0xce000000,
                              0x4e80a400, 0xd500401f, 0xd500405f + 0x20, 0xd503405f, 0xd503407f, 0xd518d0a0, 0xd53bd0c0, 0xd53b4280 + 0x20, 0xd53b42a0, 0xd53b42c0, 0xd53b42e0, 0xd53b2400};
  u64 sum = 0, count = 0;
  for (u32 i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    code[512] = words[i];
    code[513] = BRK_END;
    synchronise(&code[512], 8);
    execute((const char *)&code[512], spsr, 0, 0, 0);
    count += !completed();
    sum = mixed(sum, record.esr);
    sum = mixed(sum, record.elr - (u64)&code[512]);
    sum = mixed(sum, record.spsr);
  }
  say2("text", name, "%lu refused, 0x%lx", count, sum);
}

void text_probes(void) {
  u64 first = text_sum((u64)image_start);
  execute(busy_text, EL1H, 0, 0, 0);
  say_outcome("text", "busy", busy_text);
  execute(read_itself, EL1H, 0, 0, 0);
  u64 itself = record.x[0];
  execute(read_itself, EL0T, 0, 0, 0);
  say2("text", "read-by-itself", "0x%lx EL0 the same: %lu", itself, itself == record.x[0]);
  execute(read_literal, EL1H, 0, 0, 0);
  say_outcome("text", "literals", read_literal);
  execute(read_literal, EL0T, 0, 0, 0);
  say_outcome("text", "literals-EL0", read_literal);
  execute(read_sensitive, EL1H, 0, 0, 0);
  say_outcome("text", "sensitive-words", read_sensitive);
  execute(above(read_sensitive), EL1H, 0, 0, 0);
  say_outcome("text", "sensitive-words-upper", above(read_sensitive));
  changed();
  by_another_address();
  refused(EL1H, "refused-EL1");
  refused(EL0T, "refused-EL0");
  say2("text", "sum", "after all the same: %lu, by the upper half: %lu", text_sum((u64)image_start) == first, text_sum((u64)image_start + UPPER) == first);
}
