// Runs a case and prints what became of it: the level that the exception was taken to, the vector, and
// the syndrome registers as far as the architecture gives them a value for that exception.
#include "arch.h"

struct record {
  u64 x0, vector, esr, far, elr, spsr;
};
struct record record;
struct context {
  u64 x0, x1, pc, spsr, sp;
};
void enter_el1(const struct context *context);
void enter_el2(const struct context *context);

#define VICTIM_STACK (7 * GIB + 7 * PAGE_SIZE + 0x800) // in read-write-3 of tables4k.c

#define EC(esr) ((u32)(esr) >> 26)
#define EC_HVC 0x16
#define EC_SMC 0x17
#define PRESET 0x5a5a000 // in the fault address registers, before: no case may show it

void runner_failed(void) {
  print("arch: the runner itself failed: vector 0x%lx ESR 0x%lx FAR 0x%lx ELR 0x%lx\n", record.vector, record.esr, record.far, record.elr);
  for (;;) asm volatile("wfi");
}

static u64 state(const struct test *test) {
  u64 mode = test->level << 2 | (test->level > 0 && !(test->flags & USE_SP_EL0));
  u64 masks = test->flags & UNMASKED ? 0 : 0x3c0;
  return mode | masks | (test->flags & ILLEGAL_STATE ? 1 << 20 : 0);
}

static void set_timer(int pending) {
  write_register(cntv_cval_el0, 0);
  write_register(cntv_ctl_el0, pending ? 1 : 0);
  isb();
  // its line reaches the CPU before the case begins, and is gone before the next one
  while (((read_register(isr_el1) >> 7) & 1) != (u64)pending) continue;
}

static void execute(const struct test *test) {
  struct context context = {test->x0, test->x1, (u64)test->victim, state(test), VICTIM_STACK};
  write_register(far_el1, PRESET);
  write_register(esr_el1, 0);
  if (entry_level == 2) {
    write_register(far_el2, PRESET);
    write_register(hpfar_el2, PRESET);
    write_register(esr_el2, 0);
    enter_el2(&context);
  } else {
    enter_el1(&context);
  }
}

// An exception that went to EL1 has called EL2 (enter.S): then EL1's registers tell. Returns the level.
static u32 find_level(void) {
  if (entry_level == 1) return 1;
  u32 class = EC(record.esr), number = record.esr & 0xffff;
  if ((class != EC_HVC && class != EC_SMC) || number < 0x100 || number > 0x10f) return 2;
  record.vector = (number - 0x100) * 0x80;
  record.esr = read_register(esr_el1);
  record.far = read_register(far_el1);
  record.elr = read_register(elr_el1);
  record.spsr = read_register(spsr_el1);
  return 1;
}

static int came_through(const struct test *test) {
  u64 end = (u64)test->victim + ((const u64 *)test->victim)[-1];
  return record.elr == end && (record.vector & 0x180) == 0 && EC(record.esr) == 0;
}

u64 probe(const struct test *test) {
  execute(test);
  find_level();
  return came_through(test) ? record.x0 : 0xf000 | (record.esr & 0x3f);
}

static int is_abort(u32 class) {
  return class == 0x20 || class == 0x21 || class == 0x24 || class == 0x25;
}

// DDI 0487, FAR_EL1: aborts (without FnV), PC alignment, watchpoints.
static int has_far(u64 esr) {
  u32 class = EC(esr);
  return class == 0x22 || class == 0x34 || class == 0x35 || (is_abort(class) && !(esr & 1 << 10));
}

// DDI 0487 J1.1, IPAValid(): stage 2 faults of translation, access flag and address size; and of
// permission, if they befell a stage 1 walk. Only these write HPFAR_EL2.
static int has_hpfar(u32 level, u64 esr) {
  u32 class = EC(esr);
  if (level != 2 || (class != 0x20 && class != 0x24)) return 0;
  u32 type = (esr >> 2) & 0xf, walk = (esr >> 7) & 1;
  return read_register(hpfar_el2) != PRESET && (type < 3 || (type == 3 && walk));
}

// The image's own addresses change with it: what is the victim's or the tables' root is printed as that.
static void print_far(int valid, u64 value, u64 victim) {
  if (!valid) print(" FAR=-");
  else if (value - victim < 256) print(" FAR=+0x%lx", value - victim);
  else print(" FAR=0x%lx", value);
}

static void print_hpfar(int valid, u64 victim) {
  u64 page = entry_level == 2 ? read_register(hpfar_el2) << 8 : 0;
  if (!valid) print(" HPFAR=-");
  else if (page == (victim & ~0xffful)) print(" HPFAR=victim");
  else if (page == (u64)root4k) print(" HPFAR=root");
  else print(" HPFAR=0x%lx", page >> 8);
}

static void print_exception(const struct test *test, u32 level) {
  int synchronous = (record.vector & 0x180) == 0;
  print("EL=%u vector=0x%lx", level, record.vector);
  if (synchronous) print(" EC=0x%02x ESR=0x%lx", EC(record.esr), record.esr);
  else print(" EC=- ESR=-");
  print_far(synchronous && has_far(record.esr), record.far, (u64)test->victim);
  print_hpfar(synchronous && has_hpfar(level, record.esr), (u64)test->victim);
  u64 offset = record.elr - (u64)test->victim;
  if (offset < 256) print(" ELR=+0x%lx", offset);
  else if (record.elr - test->x1 < 256) print(" ELR=x1+0x%lx", record.elr - test->x1);
  else print(" ELR=0x%lx", record.elr);
  print(" SPSR=0x%lx\n", record.spsr);
}

// PAR_EL1.NS is UNKNOWN in Non-secure state (DDI 0487, PAR_EL1).
static void print_par(u64 par) {
  if (par & 1) print("PAR=0x%lx FST=0x%02lx PTW=%lu S=%lu\n", par, (par >> 1) & 0x3f, (par >> 8) & 1, (par >> 9) & 1);
  else print("PAR=0x%lx\n", par & ~(1ul << 9));
}

void run(const struct test *test, const char *group, const char *a, const char *b, const char *c) {
  print("case %s/%s", group, a);
  if (b) print("/%s", b);
  if (c) print("/%s", c);
  print(": ");
  set_timer((test->flags & TIMER_PENDING) != 0);
  set_controls(test->changes);
  execute(test);
  u32 level = find_level();
  int through = came_through(test);
  set_controls(NULL);
  if (!through) print_exception(test, level);
  else if (test->flags & SHOW_PAR) print_par(record.x0);
  else if (test->flags & SHOW_X0) print("completes x0=0x%lx\n", record.x0);
  else print("completes\n");
}
