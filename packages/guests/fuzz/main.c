// A guest that does what no guest should: one of several kinds of random operation, as the command line
// says: `fuzz:MODE,SEED,COUNT`. The same seed does the same.
#include "fuzz.h"

static u64 state; // of all CPUs: that they race for it is as random
u64 pool;
u32 pool_left;
u64 random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 0x2545f4914f6cdd1d;
}

u64 hostile_value(void) {
  switch (below(8)) {
  case 0:
    return 0;
  case 1:
    return ~0ul;
  case 2:
    return 1ul << below(64);
  case 3:
    return below(64);
  case 4:
    return hostile_address();
  case 5:
    return ~(1ul << below(64));
  default:
    return random64();
  }
}

u64 hostile_address(void) {
  switch (below(12)) {
  case 0:
    return random64();
  case 1:
    return 0x08000000 + (random64() & 0x3ffffff);
  case 2:
    return 0x48000000 - below(64); // the end of 128 MiB
  case 3:
    return ~0ul - below(64);
  default:
    return ARENA + (random64() & (ARENA_SIZE - 1) & (one_in(4) ? ~0ul : ~15ul));
  }
}

u32 code_pages[CPUS][1024] IN_CODE;

void run_code(u32 instruction, u64 value) {
  u32 *at = code;
  ((volatile u32 *)at)[0] = instruction;
  ((volatile u32 *)at)[1] = 0xd65f03c0; // RET
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
  ((void (*)(u64))at)(value);
}

// Goes on after the instruction; where there is none, with the caller.
void skip(struct frame *frame) {
  u32 class = (u32)frame->esr >> 26;
  frame->elr = class == 0x20 || class == 0x21 || class == 0x22 ? frame->x[30] : frame->elr + 4;
}

// Acknowledges whatever it is, in whatever state the controller is.
void ignore_interrupt(struct frame *frame) {
  (void)frame;
  if (gic_version == 2) {
    u32 taken = mmio32(GICC + 0xc);
    mmio32(GICC + 0x10) = taken;
    mmio32(GICD + 0x180 + (taken / 32 & 31) * 4) = 1u << (taken % 32);
    if ((taken & 0x3ff) == 1022) mmio32(GICC + 0x24) = mmio32(GICC + 0x20);
  } else {
    write_register(ICC_EOIR1_EL1, read_register(ICC_IAR1_EL1));
    write_register(ICC_EOIR0_EL1, read_register(ICC_IAR0_EL1));
  }
  if (one_in(4)) frame->spsr |= 0x3c0; // a level that stays: not for ever
}

static const struct {
  const char *name;
  void (*operation)(void);
} modes[] = {{"mmio", fuzz_mmio},           {"virtio", fuzz_virtio}, {"gic", fuzz_gic},
             {"registers", fuzz_registers}, {"tables", fuzz_tables}, {"code", fuzz_code},
             {"outside", fuzz_outside},     {"calls", fuzz_calls},   {"tlb", fuzz_tlb},
             {"waits", fuzz_waits},         {"storm", fuzz_storm},   {"rewrite", fuzz_rewrite},
             {"loops", fuzz_loops},         {"roots", fuzz_roots},   {"hole", fuzz_hole},
             {"fill", fuzz_fill},           {"exclusive", fuzz_exclusive}, {"emulated", fuzz_emulated},
             {"sweep", fuzz_sweep},         {"jumps", fuzz_jumps},   {"patched", fuzz_patched},
             {"cached", fuzz_cached},       {"quiet", fuzz_quiet},         {"busy", fuzz_busy}};

static const char *number(const char *text, u64 *value) {
  for (*value = 0; *text >= '0' && *text <= '9'; text++) *value = *value * 10 + (u64)(*text - '0');
  return *text == ',' ? text + 1 : text;
}

// The device tree is not ours to trust: only its bytes are looked at.
static const char *command_line(void) {
  const char *tree = (const char *)device_tree;
  for (u64 i = 0; i < 0x10000; i++) {
    if (memcmp(tree + i, "fuzz:", 5) == 0) return tree + i + 5;
  }
  return NULL;
}

static u32 mode;
static u64 count;

static void work(u64 argument) {
  (void)argument;
  u32 number = cpu_number();
  struct cpu *self = cpu();
  gic_init_cpu();
  self->synchronous = skip;
  self->irq = self->fiq = self->serror = ignore_interrupt;
  for (u64 n = 1; n <= count; n++) {
    modes[mode].operation();
    OPERATIONS(number) = n;
  }
}

void image_main(void) {
  print("fuzz: entered at EL%u\n", entry_level);
  const char *line = device_tree ? command_line() : NULL;
  for (u32 i = 0; i < CPUS; i++) OPERATIONS(i) = MISTAKES(i) = 0;
  for (u32 i = 0; line && i < ARRAY_LENGTH(modes); i++) {
    u64 length = strlen(modes[i].name);
    if (memcmp(line, modes[i].name, length) != 0 || line[length] != ',') continue;
    number(number(line + length + 1, &state), &count);
    state = state * 0x9e3779b97f4a7c15 + 0x1234567;
    mode = i;
    gic_init();
    if (entry_level < 3) start_all(); // at EL3 there is no firmware to start them
    for (u32 other = 1; other < CPUS; other++) {
      if (arrivals[other].count) run_on(other, work, 0);
    }
    work(0);
  }
  mask_all();
  mmio32(0x09000030) = 0x301; // the PL011 may have been switched off
  print("fuzz: end, %lu operations\n", count);
}
