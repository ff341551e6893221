// Preemption by real exceptions: handlers that nest. The trail is `<id` for an entry and `>id` for its end.
#include "interrupts.h"

#define GROUP "preemption"

static char trail[128];
static u32 length;
static u32 pend_inside[4]; // what the handler of SPI_A + n makes pending
static u32 inner_unmasked;

static void add(char mark, u32 id) {
  if (length + 4 > sizeof(trail)) return;
  trail[length++] = mark;
  trail[length++] = (char)('0' + id / 10);
  trail[length++] = (char)('0' + id % 10);
  trail[length] = 0;
}

static void take(struct frame *frame) {
  (void)frame;
  u32 taken = acknowledge(main_group);
  if (taken >= 1020) {
    add('!', 99);
    return;
  }
  add('<', taken);
  u32 next = pend_inside[taken - SPI_A];
  pend_inside[taken - SPI_A] = 0;
  if (inner_unmasked) unmask_irq();
  if (next) gic_set_pending(next);
  dsb();
  for (volatile u32 i = 0; i < 50; i++) continue;
  mask_irq();
  add('>', taken);
  end(main_group, taken);
}

static void try(const char *name, u32 unmasked, u32 a, u32 b, u32 c, u32 binary_point) {
  fresh();
  set_binary_point(main_group, binary_point);
  gic_priority(SPI_A, a);
  gic_priority(SPI_B, b);
  gic_priority(SPI_C, c);
  pend_inside[0] = SPI_B;
  pend_inside[1] = SPI_C;
  pend_inside[2] = 0;
  length = 0;
  trail[0] = 0;
  inner_unmasked = unmasked;
  cpu()->irq = take;
  unmask_irq();
  gic_set_pending(SPI_A);
  dsb();
  for (volatile u32 i = 0; i < 300; i++) continue;
  mask_irq();
  CASE(name, "%s RPR=0x%x", trail, running_priority());
}

void preemption_cases(void) {
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
  isb();
  try("masked", 0, 0xc0, 0x80, 0x40, 0);
  try("nested", 1, 0xc0, 0x80, 0x40, 0);
  try("equal", 1, 0x80, 0x80, 0x80, 0);
  try("lower", 1, 0x40, 0x80, 0xc0, 0);
  try("grouped", 1, 0x88, 0x80, 0x78, 4);
  try("middle", 1, 0x80, 0xc0, 0x40, 0);
  if (entry_level == 2) write_register(hcr_el2, HCR_RW);
}
