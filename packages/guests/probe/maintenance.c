// Cache maintenance and DC ZVA: permission, faults, and what of the memory changes. DDI 0487 D7.5.9, C5.3.
#include "probe.h"

VICTIM(zva_, "dc zva, x1")
VICTIM(invalidate_page, "mov x3, #64\n1: dc cvau, x1\nadd x1, x1, #64\nsubs x3, x3, #1\nb.ne 1b\ndsb ish\nsub x1, x1, #4096\nmov x3, #64\n2: ic ivau, x1\nadd x1, x1, #64\n"
                        "subs x3, x3, #1\nb.ne 2b\ndsb ish\nisb\nmov x0, #77")
VICTIM(by_set, "dc isw, xzr\ndc csw, xzr\ndc cisw, xzr\nic iallu\nic ialluis\ndsb sy\nisb\nmov x0, #5")
VICTIM(cvau_, "dc cvau, x1")
VICTIM(cvac_, "dc cvac, x1")
VICTIM(civac_, "dc civac, x1")
VICTIM(ivau_, "ic ivau, x1")

static u64 zeros(enum page page) {
  u64 count = 0;
  for (u32 i = 0; i < 512; i++) count += ((volatile u64 *)frames[page])[i] == 0;
  return count;
}

static char name[48];
static const char *named(const char *a, const char *b, const char *c) {
  copy_string(name, a, 16);
  copy_string(name + strlen(name), "/", 2);
  copy_string(name + strlen(name), b, 16);
  copy_string(name + strlen(name), c, 8);
  return name;
}

void maintenance_probes(void) {
  for (u32 upper = 0; upper < 2; upper++)
    for (u32 page = USER; page <= NO_ACCESS_FLAG; page++)
      for (u32 kernel = 0; kernel < 2; kernel++) {
        fill_frames();
        execute(zva_, kernel ? EL1H : EL0T, 0, page_address(upper, page) + 0x6c, 0);
        say_state(kernel ? "zva-EL1" : "zva-EL0", named("zva", page_names[page], upper ? "-upper" : ""), zva_);
        say1(kernel ? "zva-EL1" : "zva-EL0", named("zeros", page_names[page], upper ? "-upper" : ""), "%lu", zeros(page));
      }
  // By EL1 as by an ordinary load: a page that is absent or has no access flag is a fault.
  static const struct {
    const char *name, *victim;
  } rows[] = {{"cvau", cvau_}, {"cvac", cvac_}, {"civac", civac_}, {"ivau", ivau_}};
  for (u32 i = 0; i < 4; i++)
    for (u32 page = USER; page <= KERNEL_RO; page++) {
      if (page != USER && page != KERNEL_RO) continue;
      execute(rows[i].victim, EL1H, 0, page_address(0, page), 0);
      say_state("cache-EL1", named(rows[i].name, page_names[page], ""), rows[i].victim);
    }
  execute(invalidate_page, EL1H, 0, page_address(0, USER), 0);
  say_outcome("cache", "by-line", invalidate_page);
  execute(invalidate_page, EL0T, 0, page_address(0, USER), 0);
  say_outcome("cache", "by-line-EL0", invalidate_page);
  execute(by_set, EL1H, 0, 0, 0);
  say_outcome("cache", "by-set", by_set);
}
