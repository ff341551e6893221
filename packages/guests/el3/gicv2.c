// GICv2 with the Security Extensions (IHI 0048B 3.7, 4.2.1): what Secure and Non-secure software sees of the distributor and the CPU
// interface, with an interrupt of either group pending. And the bits of SCR_EL3 that Armv8.0 reserves.
#include "el3.h"

VICTIM(view_load, "ldr w0, [x0]")
VICTIM(view_store, "mov w1, #0x50\n\tstr w1, [x0]\n\tldr w0, [x0]")

static const struct {
  const char *name;
  u64 address;
} views[] = {
    {"gicd_ctlr", GICD},
    {"gicd_typer-security", GICD + 4},
    {"gicd_igroupr0", GICD + 0x80},
    {"gicd_isenabler0", GICD + 0x100},
    {"gicd_ispendr0", GICD + 0x200},
    {"gicd_ipriorityr6", GICD + 0x418},
    {"gicd_itargetsr6", GICD + 0x818},
    {"gicc_ctlr", GICC},
    {"gicc_pmr", GICC + 4},
    {"gicc_bpr", GICC + 8},
    {"gicc_rpr", GICC + 0x14},
    {"gicc_hppir", GICC + 0x18},
    {"gicc_abpr", GICC + 0x1c},
    {"gicc_ahppir", GICC + 0x28},
};

static void view(u32 i, u32 p, enum pending pending) {
  char name[48];
  copy_string(name, views[i].name, sizeof(name));
  copy_string(name + strlen(name), pending == AN_FIQ ? "-group0" : "-group1", 8);
  struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = view_load, .x0 = views[i].address};
  given.pending = pending, given.flags = SHOW_X0;
  run(&given, "gicv2", name);
}

// A priority or mask that Non-secure software writes is in the lower half of the range.
static void write_priority(u32 p, enum pending pending) {
  static const struct {
    const char *name;
    u64 address;
  } rows[] = {{"write-pmr", GICC + 4}, {"write-ipriorityr6", GICD + 0x418}};
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    char name[48];
    copy_string(name, rows[i].name, sizeof(name));
    copy_string(name + strlen(name), pending == AN_FIQ ? "-group0" : "-group1", 8);
    struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = view_store, .x0 = rows[i].address};
    given.pending = pending, given.flags = SHOW_X0;
    run(&given, "gicv2", name);
    print("case gicv2/%s-seen-at-el3/EL%u%s: 0x%x\n", name, places[p].level, places[p].level == 3 ? "" : places[p].ns ? "-ns" : "-s",
          mmio32(rows[i].address));
  }
}

void gicv2_cases(void) {
  for (enum pending pending = AN_IRQ; pending <= AN_FIQ; pending++) {
    for (u32 p = 2; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      for (u32 i = 0; i < ARRAY_LENGTH(views); i++) view(i, p, pending);
      write_priority(p, pending);
    }
  }
}

// What later versions have is RES0: API and APK of pointer authentication, TERR, EEL2, ATA and the rest.
void reserved_cases(void) {
  u64 scr = read_register(scr_el3);
  write_register(scr_el3, scr | ~0x3fful << 14);
  isb();
  u64 reserved = read_register(scr_el3) & ~0x3ffful;
  write_register(scr_el3, scr);
  isb();
  print("case el3/scr-reserved: 0x%lx\n", reserved);
}
