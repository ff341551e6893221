// Runs victims and prints what became of them: the vector, and the syndrome registers as far as the architecture gives them a value.
#include "probe.h"

u8 stacks[2][4096] __attribute__((aligned(16)));

#define EC(esr) ((u32)(esr) >> 26)
#define EC_BRK 0x3c
#define END 0x7ff

void execute_in(const struct context *given) {
  struct context context = *given;
  if (!context.sp_el0) context.sp_el0 = (u64)stacks[0] + 2048;
  if (!context.sp_el1) context.sp_el1 = (u64)stacks[1] + 2048;
  write_register(far_el1, 0);
  write_register(esr_el1, 0);
  enter_victim(&context);
}

void execute(const char *victim, u32 spsr, u64 x0, u64 x1, u64 x2) {
  struct context context = {.x = {x0, x1, x2}, .pc = (u64)victim, .spsr = spsr};
  execute_in(&context);
}

int completed(void) {
  return EC(record.esr) == EC_BRK && (record.esr & 0xffff) == END;
}

u64 mixed(u64 sum, u64 value) {
  u64 x = (sum ^ value) * 0x9e3779b97f4a7c15ul;
  return x ^ x >> 29;
}

static void begin(const char *group, const char *name) {
  print("case %s/%s: ", group, name);
}

void say(const char *group, const char *name, const char *pattern, ...) {
  begin(group, name);
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  u64 a = __builtin_va_arg(arguments, u64), b = __builtin_va_arg(arguments, u64), c = __builtin_va_arg(arguments, u64);
  __builtin_va_end(arguments);
  print(pattern, a, b, c);
  print("\n");
}

static int has_far(u64 esr) {
  u32 class = EC(esr);
  return class == 0x20 || class == 0x21 || class == 0x22 || class == 0x24 || class == 0x25;
}

// The image's own addresses change with it.
static void print_address(const char *name, u64 value, u64 victim) {
  if (value - victim < 512) print(" %s=+0x%lx", name, value - victim);
  else if (value - (u64)vectors_second < 0x800) print(" %s=second+0x%lx", name, value - (u64)vectors_second);
  else if (value - (u64)stacks < sizeof(stacks)) print(" %s=stack+0x%lx", name, value - (u64)stacks);
  else print(" %s=0x%lx", name, value);
}

// Victims use x0 to x15 alone.
static u32 lost(void) {
  u32 count = 0;
  for (u64 n = 16; n < 31; n++) count += record.x[n] != ((0xa500 + n) << 48 | (0x5a00 + n));
  return count;
}

static void outcome(const char *victim, int with_x0) {
  if (completed()) print("completes SPSR=0x%lx", record.spsr);
  else {
    print("vector=0x%lx ESR=0x%lx", record.vector, record.esr);
    if (has_far(record.esr)) print_address("FAR", record.far, (u64)victim);
    print_address("ELR", record.elr, (u64)victim);
    print(" SPSR=0x%lx", record.spsr);
  }
  if (with_x0) print(" x0=0x%lx", record.x[0]);
  if (lost()) print(" lost=%u", lost());
  print("\n");
}

void say_outcome(const char *group, const char *name, const char *victim) {
  begin(group, name);
  outcome(victim, 1);
}

void say_state(const char *group, const char *name, const char *victim) {
  begin(group, name);
  outcome(victim, 0);
}

u64 change_sctlr(u64 set, u64 clear) {
  u64 before = read_register(sctlr_el1);
  restore_sctlr((before | set) & ~clear);
  return before;
}

void restore_sctlr(u64 value) {
  write_register(sctlr_el1, value);
  isb();
}
