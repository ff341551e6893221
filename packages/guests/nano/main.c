// The nanobenchmarks: what Adams and Agesen measured of virtual machine monitors (ASPLOS 2006), in A64. Each operation is done
// some times to warm up, then COUNT times; whoever measures looks at the machine when the first line's end leaves the UART and when the
// next line begins: `nano: NAME COUNT` and `nano: end`. The kernel is in the upper half, the user's loops are in the lower one.
#include <arm.h>
#include <lib.h>
#include <memlayout.h>

#define WARM 64
#define COUNT 256
#define TABLE __attribute__((aligned(PAGE_SIZE), section(".bss.page")))

#define USER_PAGE 0x10000ul   // the loops
#define TOUCHED 0x200000ul    // pages that are given on first touch
#define UARTDR (*(volatile u32 *)to_virtual(UART_PHYSICAL))
#define RTCPERIPHID0 (to_virtual(UART_PHYSICAL + 0x10fe0)) // PL031 (DDI 0224 3.2): in the UART's block

static u64 user_l1[512] TABLE, user_l2[512] TABLE, user_l3[512] TABLE;
u64 touched_l3[512] TABLE, touched_page[512] TABLE;
extern char user_page[];
typedef void operation(u64 count, const volatile void *argument, u64 x2, u64 x3, u64 x4, u64 x5);
operation kernel_nothing, call_return, mask_unmask, device_read, descriptor_load, descriptor_store, descriptor_change;
void in_user(u64 count, u64 argument, u64 address);
extern char user_nothing[], system_call[], first_touch[], breakpoint[];

// The UART is as the loader left it, and is not asked whether it has room: each access to it is a character.
static void print(const char *text) {
  for (; *text; text++) UARTDR = (u8)*text;
}

static void map_user(void) {
  user_l1[0] = to_physical(user_l2) | PTE_VALID | PTE_TABLE;
  user_l2[0] = to_physical(user_l3) | PTE_VALID | PTE_TABLE;
  user_l2[TOUCHED / BLOCK_SIZE] = to_physical(touched_l3) | PTE_VALID | PTE_TABLE;
  user_l3[USER_PAGE / PAGE_SIZE] =
      to_physical(user_page) | PTE_VALID | PTE_PAGE | ATTR_NORMAL | PTE_EL0 | PTE_READ_ONLY | PTE_INNER_SHAREABLE | PTE_AF | PTE_NG | PTE_PXN;
  dsb();
  write_register(ttbr0_el1, to_physical(user_l1) | 1ul << 48);
  isb();
}

static void announce(const char *name) {
  print("nano: ");
  print(name);
  print(" 256\n");
}

static void kernel(const char *name, operation *loop, const volatile void *argument) {
  u64 value = touched_l3[0], page = TOUCHED;
  loop(WARM, argument, value, value ^ PTE_COPY_ON_WRITE, page, page / PAGE_SIZE);
  announce(name);
  loop(COUNT, argument, value, value ^ PTE_COPY_ON_WRITE, page, page / PAGE_SIZE);
  print("nano: end\n");
}

// What lies `step` bytes further is for the measured run.
static void user(const char *name, char *loop, u64 argument, u64 step) {
  u64 address = USER_PAGE + ((u64)loop & (PAGE_SIZE - 1));
  in_user(WARM, argument, address);
  announce(name);
  in_user(COUNT, argument + step, address);
  print("nano: end\n");
}

static void power_off(u64 level) {
  register u64 x0 asm("x0") = 0x84000008; // PSCI SYSTEM_OFF (DEN 0022D 5.9)
  if (level == 2) asm volatile("smc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
  else asm volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
}

// An exception that no operation takes.
void mistake(void) {
  print("nano: lost\n");
  for (;;) wfi();
}

void main(u64 tree, u64 level) {
  (void)tree;
  map_user();
  for (int i = 0; i < 2; i++) { // the second are right: what is around the loops is warm, too
    kernel("kernel-loop", kernel_nothing, NULL);
    user("user-loop", user_nothing, 0, 0);
  }
  user("syscall", system_call, 0, 0);
  kernel("in", device_read, RTCPERIPHID0);
  kernel("mask", mask_unmask, NULL);
  kernel("callret", call_return, NULL);
  user("pgfault", first_touch, TOUCHED, WARM * PAGE_SIZE);
  user("brk", breakpoint, 0, 0);
  kernel("ptemod", descriptor_store, touched_l3);
  kernel("pteread", descriptor_load, touched_l3);
  kernel("ptechange", descriptor_change, touched_l3);
  print("nano: done\n");
  power_off(level);
  mistake();
}
