// The image for EL3: what comes to it, what it can trap, how it enters the levels below, Secure and
// Non-secure (DDI 0487 D1.3, D1.4; SCR_EL3, CPTR_EL3, MDCR_EL3). One line for each case.
#include <kit.h>

u64 enter_below_el3(u64 pc, u64 spsr, u64 stack, u64 x0);
extern char back_from_below[];

#define VICTIM(name, text)                                                                         \
  asm(".pushsection .text.victims, \"ax\"\n\t.balign 16\n" #name ":\n\t" text "\n\tudf #0xfff\n\t.popsection"); \
  extern const u32 name[];
VICTIM(nothing, "nop")
VICTIM(svc_, "svc #1")
VICTIM(hvc_, "hvc #2")
VICTIM(smc_, "smc #3")
VICTIM(wfi_, "wfi")
VICTIM(wfe_, "sevl\n\twfe\n\twfe")
VICTIM(fp_, ".inst 0x1e622820") // FADD d0, d1, d2
VICTIM(cpacr_, "mrs x0, cpacr_el1")
VICTIM(cptr_, "mrs x0, cptr_el2")
VICTIM(pmu_, "mrs x0, pmccntr_el0")
VICTIM(debug_, "mrs x0, mdscr_el1")
VICTIM(osdlr_, "mrs x0, osdlr_el1")
VICTIM(scr_, "mrs x0, scr_el3")
VICTIM(hcr_, "mrs x0, hcr_el2")
VICTIM(ps_, "mrs x0, cntps_ctl_el1")
VICTIM(wait_, "nop\n\tnop\n\tnop")
VICTIM(load_, "ldr x1, [x0]")

#define NS 1ul
#define IRQ 2ul
#define FIQ 4ul
#define EA 8ul
#define SMD (1ul << 7)
#define HCE (1ul << 8)
#define RW (1ul << 10)
#define ST (1ul << 11)
#define TWI (1ul << 12)
#define TWE (1ul << 13)
#define TFP (1ul << 10)

static u64 seen, level, vector, esr, elr, spsr;

// The first exception is the result. From a lower level an FP instruction, which CPTR_EL3 traps, leads here.
static void record(struct frame *frame) {
  if (!seen) {
    seen = 1;
    level = frame->level, vector = frame->vector, esr = frame->esr, elr = frame->elr, spsr = frame->spsr;
  }
  if (frame->level < 3) {
    asm volatile(".inst 0x9e6703e0"); // FMOV d0, xzr
    return;
  }
  frame->elr = (u64)back_from_below;
  frame->spsr = 0x3cd;
}

enum pending { NO, AN_IRQ, AN_FIQ };
struct row {
  const char *name;
  const u32 *victim;
  u32 levels; // bit n: at ELn
  u64 scr_clear, scr_set, cptr, mdcr, hcr;
  enum pending pending;
};

static void raise(enum pending pending) {
  mmio32(GICD) = 3;
  u32 groups = mmio32(GICD + 0x80);
  mmio32(GICD + 0x80) = pending == AN_IRQ ? groups | 1u << 27 : groups & ~(1u << 27);
  mmio8(GICD + 0x400 + 27) = 0x40;
  mmio32(GICD + 0x100) = 1u << 27;
  mmio32(GICC + 4) = 0xff;
  mmio32(GICC) = 0xb; // both groups, group 0 as FIQ
  write_register(cntv_cval_el0, 0);
  write_register(cntv_ctl_el0, pending != NO);
  isb();
  for (volatile u32 i = 0; i < 50; i++) continue;
}

static void run(const struct row *row, u32 el, u64 ns, u64 sp) {
  struct cpu *self = cpu();
  self->synchronous = self->irq = self->fiq = self->serror = record;
  raise(row->pending);
  // while SCR_EL3.NS is 1: in Secure state there is no EL2 whose entries could be invalidated
  asm volatile("tlbi alle1\n\ttlbi alle2\n\tdsb sy\n\tisb" ::: "memory");
  write_register(scr_el3, ((0x30 | RW | HCE | ns) & ~row->scr_clear) | row->scr_set);
  write_register(cptr_el3, row->cptr | (el < 3 ? TFP : 0));
  write_register(mdcr_el3, row->mdcr);
  write_register(hcr_el2, HCR_RW | row->hcr);
  isb();
  seen = 0;
  u64 masks = row->pending ? 0 : 0x3c0;
  enter_below_el3((u64)row->victim, masks | el << 2 | (el ? sp : 0), 0x44000000, TEST_AREA);
  write_register(cntv_ctl_el0, 0);
  write_register(cptr_el3, 0);
  write_register(scr_el3, 0x30 | RW | HCE | NS);
  isb();
  print("case el3/%s/EL%u%s%s: EL=%lu vector=0x%lx", row->name, el, el == 3 ? "" : ns ? "-ns" : "-s", el && !sp ? "-sp0" : "", level, vector);
  if (vector & 0x180) print(" ESR=- ELR=- SPSR=0x%lx\n", spsr & 0xf000001f);
  else print(" ESR=0x%lx ELR=+0x%lx SPSR=0x%lx\n", esr, elr - (u64)row->victim, spsr);
}

#define BELOW 7
#define EVERY 15
static const struct row rows[] = {
    {"enter", nothing, EVERY, 0, 0, 0, 0, 0, NO},
    {"svc", svc_, EVERY, 0, 0, 0, 0, 0, NO},
    {"svc-tge", svc_, 1, 0, 0, 0, 0, HCR_TGE, NO},
    {"hvc", hvc_, BELOW, 0, 0, 0, 0, 0, NO},
    {"hvc-hce-off", hvc_, BELOW, HCE, 0, 0, 0, 0, NO},
    {"hvc-hcd", hvc_, BELOW, 0, 0, 0, 0, 1ul << 29, NO},
    {"smc", smc_, EVERY, 0, 0, 0, 0, 0, NO},
    {"smc-smd", smc_, EVERY, 0, SMD, 0, 0, 0, NO},
    {"smc-tsc", smc_, BELOW, 0, 0, 0, 0, 1ul << 19, NO},
    {"smc-smd-tsc", smc_, BELOW, 0, SMD, 0, 0, 1ul << 19, NO},
    {"wfi-twi", wfi_, BELOW, 0, TWI, 0, 0, 0, NO},
    {"wfi-twi-both", wfi_, BELOW, 0, TWI, 0, 0, 1ul << 13, NO},
    {"wfe-twe", wfe_, BELOW, 0, TWE, 0, 0, 0, NO},
    {"tfp", fp_, EVERY, 0, 0, TFP, 0, 0, NO},
    {"cpacr", cpacr_, 6, 0, 0, 0, 0, 0, NO},
    {"tcpac-cpacr", cpacr_, 6, 0, 0, 1ul << 31, 0, 0, NO},
    {"tcpac-cptr", cptr_, 4, 0, 0, 1ul << 31, 0, 0, NO},
    {"tpm", pmu_, 6, 0, 0, 0, 1 << 6, 0, NO},
    {"tda", debug_, 6, 0, 0, 0, 1 << 9, 0, NO},
    {"tdosa", osdlr_, 6, 0, 0, 0, 1 << 10, 0, NO},
    {"scr-below", scr_, BELOW, 0, 0, 0, 0, 0, NO},
    {"hcr-below", hcr_, BELOW, 0, 0, 0, 0, 0, NO},
    {"secure-timer", ps_, EVERY, 0, 0, 0, 0, 0, NO},
    {"secure-timer-st", ps_, EVERY, 0, ST, 0, 0, 0, NO},
    {"fault", load_, EVERY, 0, 0, 0, 0, 0, NO},
    {"fault-ea", load_, EVERY, 0, EA, 0, 0, 0, NO},
    {"irq", wait_, BELOW, 0, 0, 0, 0, 0, AN_IRQ},
    {"irq-to-el3", wait_, EVERY, 0, IRQ, 0, 0, 0, AN_IRQ},
    {"irq-imo", wait_, BELOW, 0, 0, 0, 0, HCR_IMO, AN_IRQ},
    {"irq-imo-and-el3", wait_, BELOW, 0, IRQ, 0, 0, HCR_IMO, AN_IRQ},
    {"fiq", wait_, BELOW, 0, 0, 0, 0, 0, AN_FIQ},
    {"fiq-to-el3", wait_, EVERY, 0, FIQ, 0, 0, 0, AN_FIQ},
    {"fiq-fmo", wait_, BELOW, 0, 0, 0, 0, HCR_FMO, AN_FIQ},
    {"fiq-fmo-and-el3", wait_, BELOW, 0, FIQ, 0, 0, HCR_FMO, AN_FIQ},
};

static void translation(void) {
  static const u64 places[] = {0x40200000, 0x44000000, TEST_AREA, 0x09000000};
  for (u32 i = 0; i < 4; i++) {
    register u64 x0 asm("x0") = places[i];
    asm volatile(".inst 0xd50e7800\n\tisb" ::"r"(x0) : "memory");
    u64 read = read_register(par_el1);
    x0 = places[i];
    asm volatile(".inst 0xd50e7820\n\tisb" ::"r"(x0) : "memory");
    u64 write = read_register(par_el1);
    print("case el3/at-s1e3/0x%lx: R=0x%lx W=0x%lx\n", places[i], read, write);
  }
  test_table[3] = 0x44000000 | NORMAL_PAGE;
  dsb();
  cpu()->synchronous = NULL;
  u64 mapped = syndrome_of((void)*(volatile u64 *)(TEST_AREA + 0x3000));
  test_table[3] = 0;
  asm volatile("dsb ishst\n\ttlbi alle3\n\tdsb sy\n\tisb" ::: "memory");
  u64 broken = syndrome_of((void)*(volatile u64 *)(TEST_AREA + 0x3000));
  print("case el3/tlbi-alle3: mapped=0x%lx broken=0x%lx\n", mapped, broken);
}

void image_main(void) {
  print("el3: entered at EL%u\n", entry_level);
  mmu_on(1);
  mmu_on(2);
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 el = 0; el <= 3; el++) {
      if (!(rows[i].levels & 1u << el)) continue;
      run(&rows[i], el, NS, 1);
      if (el == 0 || el == 1) run(&rows[i], el, 0, 1);
      if (i < 8 && el > 0 && el < 3) run(&rows[i], el, NS, 0);
    }
  }
  // no Secure EL2 in Armv8.0, and no AArch32 here: illegal returns
  static const struct row illegal = {"illegal-secure-el2", nothing, 0, 0, 0, 0, 0, 0, NO};
  run(&illegal, 2, 0, 1);
  translation();
  print("el3: end\n");
}
