// Runs the kernels that the command line names: `bench:KERNEL,UNITS[,LAP[,1]]`, any number of them; all of them, one unit each,
// when it names none. Lines of the console mark where the work begins and ends:
//   begin KERNEL UNITS / lap KERNEL DONE / end KERNEL UNITS checksum=HEX ticks=CNTVCT
// With the 1 the CPU sleeps after each line until a character comes: whoever measures it from outside has time to look.
#include "bench.h"

static const struct kernel kernels[] = {
    {"alu", NULL, alu_unit, NULL},
    {"crc", crc_setup, crc_unit, NULL},
    {"sha256", NULL, sha256_unit, NULL},
    {"chase-s", chase_small_setup, chase_small_unit, NULL},
    {"chase-m", chase_medium_setup, chase_medium_unit, NULL},
    {"chase-l", chase_large_setup, chase_large_unit, NULL},
    {"mm", mm_setup, mm_unit, NULL},
    {"mmf", mm_setup, mmf_unit, NULL},
    {"fp", NULL, fp_unit, NULL},
    {"interp", interp_setup, interp_unit, NULL},
    {"memcpy", memcpy_setup, memcpy_unit, NULL},
    {"bytes", bytes_setup, bytes_unit, NULL},
    {"fib", NULL, fib_unit, NULL},
    {"simd", simd_setup, simd_unit, NULL},
    {"core", core_setup, core_unit, NULL},
    {"records", NULL, records_unit, NULL},
    {"aes", aes_setup, aes_unit, NULL},
    {"sha", NULL, sha_unit, NULL},
    {"breadth", breadth_setup, breadth_unit, NULL},
    {"shared", shared_setup, shared_unit, NULL},
    {"apart", apart_setup, shared_unit, NULL},
    {"unaligned", memcpy_setup, unaligned_unit, NULL},
    {"syscall", el0_setup, syscall_unit, exceptions_off},
    {"exception", exceptions_on, exception_unit, exceptions_off},
    {"tlb", tlb_setup, tlb_unit, NULL},
    {"remap", remap_setup, remap_unit, NULL},
};

#define LINE 512
static char line[LINE];

// The device tree is gone once the kernels use memory: the words are copied.
static void read_command_line(void) {
  const char *tree = (const char *)device_tree;
  line[0] = 0;
  for (u64 i = 0; tree && i < 0x10000; i++) {
    if (memcmp(tree + i, "bench:", 6) == 0) {
      copy_string(line, tree + i, LINE);
      return;
    }
  }
}

static const char *number(const char *text, u64 *value) {
  for (*value = 0; *text >= '0' && *text <= '9'; text++) *value = *value * 10 + (u64)(*text - '0');
  return text;
}

#define UART 0x09000000ul
#define UART_INTERRUPT 33

static void sleep_on(void) {
  gic_init();
  gic_init_cpu();
  gic_enable(UART_INTERRUPT);
  gic_target(UART_INTERRUPT, 0);
  mmio32(UART + 0x30) = 0x301; // UARTCR: UARTEN, TXE, RXE
  mmio32(UART + 0x38) = 0x50;  // UARTIMSC: RXIM, RTIM
}

// Interrupts stay masked: WFI ends all the same.
static void wait_for_character(void) {
  while (mmio32(UART + 0x18) & 1 << 4) asm volatile("wfi" ::: "memory"); // UARTFR.RXFE
  (void)mmio32(UART);
}

static u64 ticks(void) {
  isb();
  return read_register(cntvct_el0);
}

static void run_kernel(const struct kernel *kernel, u64 units, u64 lap, u64 wait) {
  if (kernel->setup) kernel->setup();
  if (wait) sleep_on();
  print("begin %s %lu\n", kernel->name, units);
  if (wait) wait_for_character();
  u64 start = ticks(), checksum = kernel->unit(), different = 0, next = lap;
  for (u64 done = 1; done < units; done++) {
    if (done == next) {
      print("lap %s %lu\n", kernel->name, done);
      if (wait) wait_for_character();
      next += lap;
    }
    different |= kernel->unit() ^ checksum;
  }
  u64 took = ticks() - start;
  if (different) print("end %s %lu unsteady\n", kernel->name, units);
  else print("end %s %lu checksum=%016lx ticks=%lu\n", kernel->name, units, checksum, took);
  if (wait) wait_for_character();
  if (kernel->finish) kernel->finish();
}

static const char *run_word(const char *word) {
  u64 units = 1, lap = 0, wait = 0, length = 0;
  while (word[length] > ' ' && word[length] != ',') length++;
  const char *rest = word + length;
  if (*rest == ',') rest = number(rest + 1, &units);
  if (*rest == ',') rest = number(rest + 1, &lap);
  if (*rest == ',') rest = number(rest + 1, &wait);
  for (u32 i = 0; i < ARRAY_LENGTH(kernels); i++) {
    if (strlen(kernels[i].name) != length || memcmp(kernels[i].name, word, length) != 0) continue;
    run_kernel(&kernels[i], units ? units : 1, lap, wait);
    return rest;
  }
  print("bench: no such kernel\n");
  return rest;
}

void image_main(void) {
  print("bench: entered at EL%u\n", entry_level);
  read_command_line();
  arena_init();
  if (!line[0]) {
    for (u32 i = 0; i < ARRAY_LENGTH(kernels); i++) run_kernel(&kernels[i], 1, 0, 0);
  }
  for (const char *word = line; *word;) {
    if (memcmp(word, "bench:", 6) == 0) word = run_word(word + 6);
    else word++;
  }
  print("bench: end\n");
}
