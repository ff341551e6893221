// WFE and WFI between CPUs (DDI 0487 D1.6): what wakes. A CPU that is not woken hangs the image.
#include "smp.h"

#define GROUP "event"

static volatile u64 ready, flag __attribute__((aligned(64))), woken;

static void empty_event_register(void) {
  asm volatile("sevl\n\twfe" ::: "memory");
}

static void wait_for_sev(u64 unused) {
  (void)unused;
  empty_event_register();
  ready = 1;
  while (!flag) wfe();
  woken++;
}

// The waiting CPU's monitor: the store that clears it is the event.
static void wait_for_store(u64 unused) {
  (void)unused;
  empty_event_register();
  ready = 1;
  asm volatile("1:\tldaxr x9, [%0]\n\tcbnz x9, 2f\n\twfe\n\tb 1b\n2:\tclrex" ::"r"(&flag) : "x9", "memory");
  woken++;
}

static void wait_for_interrupt(u64 unused) {
  (void)unused;
  gic_init_cpu();
  gic_enable(6);
  ready = 1;
  while (!(read_register(isr_el1) & 0x80)) asm volatile("wfi" ::: "memory");
  gic_end(gic_acknowledge());
  woken++;
}

static void begin(u32 number, job *job) {
  ready = flag = woken = 0;
  run_on(number, job, 0);
  while (!ready) yield();
  for (volatile u32 i = 0; i < 300; i++) continue; // it is asleep by now
}

static void all_begin(job *job) {
  flag = woken = 0;
  for (u32 i = 1; i < CPUS; i++) {
    ready = 0;
    run_on(i, job, 0);
    while (!ready) yield();
  }
  for (volatile u32 i = 0; i < 300; i++) continue;
}

static void all_end(const char *name) {
  for (u32 i = 1; i < CPUS; i++) wait_for(i);
  CASE(name, "all woken");
}

void event_cases(void) {
  begin(1, wait_for_sev);
  flag = 1;
  sev();
  wait_for(1);
  CASE("sev", "woken=%lu", woken);
  all_begin(wait_for_sev);
  flag = 1;
  sev();
  all_end("sev-all");
  begin(2, wait_for_store);
  flag = 1;
  wait_for(2);
  CASE("store", "woken=%lu", woken);
  begin(2, wait_for_store);
  store_release(&flag, 1);
  wait_for(2);
  CASE("store-release", "woken=%lu", woken);
  all_begin(wait_for_store);
  flag = 1;
  all_end("store-all");
  begin(3, wait_for_interrupt);
  gic_sgi(1 << 3, 6);
  wait_for(3);
  CASE("interrupt", "woken=%lu", woken);
}
