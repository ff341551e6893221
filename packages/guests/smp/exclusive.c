// Exclusive accesses between CPUs (DDI 0487 B2.12): what another CPU's store does to a monitor, and that
// nothing is lost when four CPUs count.
#include "smp.h"

#define GROUP "exclusive"
#define ROUNDS 2000

static volatile u64 place[8] __attribute__((aligned(64)));
static volatile u64 turn __attribute__((aligned(64)));

// What CPU 1 does when it is its turn, between CPU 0's LDXR and STXR.
enum act { STORE, SAME_VALUE, STORE_BYTE, STORE_PAIR, EXCLUSIVE, RELEASE, ZERO_LINE };

static void act(enum act what) {
  u64 other = 77;
  u32 failed;
  switch (what) {
  case STORE:
    place[0] = 77;
    break;
  case SAME_VALUE:
    place[0] = 5;
    break;
  case STORE_BYTE:
    ((volatile u8 *)place)[3] = 9;
    break;
  case STORE_PAIR:
    asm volatile("stp %0, %0, [%1]" ::"r"(other), "r"(place) : "memory");
    break;
  case EXCLUSIVE:
    do asm volatile("ldxr x9, [%1]\n\tstxr %w0, %2, [%1]" : "=&r"(failed) : "r"(place), "r"(other) : "x9", "memory");
    while (failed);
    break;
  case RELEASE:
    store_release(place, 77);
    break;
  case ZERO_LINE:
    asm volatile("dc zva, %0" ::"r"(place) : "memory");
    break;
  }
}

static void other(u64 what) {
  while (load_acquire(&turn) != 1) yield();
  act((enum act)what);
  asm volatile("dmb sy" ::: "memory");
  store_release(&turn, 2);
}

// LDXR; the other CPU acts; STXR: its status, and what is in memory.
static u32 between(enum act what) {
  u32 status;
  place[0] = 5;
  place[1] = 6;
  turn = 0;
  run_on(1, other, what);
  asm volatile("dmb sy\n\t"
               "ldxr x9, [%1]\n\t"
               "mov x10, #1\n\t"
               "stlr x10, [%2]\n"
               "1:\tldar x10, [%2]\n\t"
               "yield\n\t"
               "cmp x10, #2\n\t"
               "b.ne 1b\n\t"
               "mov x10, #123\n\t"
               "stxr %w0, x10, [%1]"
               : "=&r"(status)
               : "r"(place), "r"(&turn)
               : "x9", "x10", "cc", "memory");
  wait_for(1);
  return status;
}

static void monitor_cases(void) {
  static const struct {
    const char *name;
    enum act act;
  } rows[] = {{"store", STORE},         {"store-same-value", SAME_VALUE}, {"store-byte", STORE_BYTE}, {"store-pair", STORE_PAIR},
              {"exclusive", EXCLUSIVE}, {"store-release", RELEASE},       {"dc-zva", ZERO_LINE}};
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    u32 status = between(rows[i].act);
    print_case(GROUP, rows[i].name, "status=%u value=0x%lx", status, place[0]);
  }
}

// On one CPU: without a reservation, after CLREX, after an exception return.
static void alone_cases(void) {
  u32 status;
  place[0] = 5;
  asm volatile("clrex\n\tstxr %w0, %1, [%2]" : "=&r"(status) : "r"(1ul), "r"(place) : "memory");
  CASE("no-reservation", "status=%u value=%lu", status, place[0]);
  asm volatile("ldxr x9, [%2]\n\tclrex\n\tstxr %w0, %1, [%2]" : "=&r"(status) : "r"(1ul), "r"(place) : "x9", "memory");
  CASE("clrex", "status=%u value=%lu", status, place[0]);
  u32 tries = 0;
  do {
    asm volatile("ldxr x9, [%2]\n\tstxr %w0, %1, [%2]" : "=&r"(status) : "r"(1ul), "r"(place) : "x9", "memory");
  } while (status && ++tries < 1000);
  CASE("alone", "status=%u value=%lu", status, place[0]);
  asm volatile("ldxr x9, [%2]\n\tstxr %w0, %1, [%2]\n\tstxr %w0, %1, [%2]" : "=&r"(status) : "r"(1ul), "r"(place) : "x9", "memory");
  CASE("second-store", "status=%u", status);
}

static volatile u64 counters[16] __attribute__((aligned(64)));

#define COUNTER(name, load, store, register, add)                                                  \
  static void name(u64 unused) {                                                                   \
    (void)unused;                                                                                  \
    for (u32 i = 0; i < ROUNDS; i++)                                                               \
      asm volatile("1:\t" load " " register "9, [%0]\n\t"                                          \
                   "add " register "9, " register "9, #" add "\n\t" store                          \
                   " w10, " register "9, [%0]\n\tcbnz w10, 1b" ::"r"(counters)                     \
                   : "x9", "x10", "memory");                                                       \
  }
COUNTER(count_doublewords, "ldxr", "stxr", "x", "1")
COUNTER(count_words, "ldxr", "stxr", "w", "1")
COUNTER(count_halfwords, "ldxrh", "stxrh", "w", "1")
COUNTER(count_bytes, "ldxrb", "stxrb", "w", "1")
COUNTER(count_acquire, "ldaxr", "stlxr", "x", "3")

static void count_pairs(u64 unused) {
  (void)unused;
  for (u32 i = 0; i < ROUNDS; i++)
    asm volatile("1:\tldxp x9, x11, [%0]\n\tadd x9, x9, #1\n\tadd x11, x11, #1\n\t"
                 "stxp w10, x9, x11, [%0]\n\tcbnz w10, 1b" ::"r"(counters)
                 : "x9", "x10", "x11", "memory");
}

static void all_count(const char *name, job *job) {
  counters[0] = counters[1] = 0;
  for (u32 i = 1; i < CPUS; i++) run_on(i, job, 0);
  job(0);
  for (u32 i = 1; i < CPUS; i++) wait_for(i);
  CASE(name, "total=%lu second=%lu", counters[0], counters[1]);
}

// A ticket lock over two plain counters, and one that waits with WFE, as kernels have them.
static volatile u32 next_ticket, now_serving;
static volatile u64 plain[2];

static void take_tickets(u64 unused) {
  (void)unused;
  for (u32 i = 0; i < ROUNDS / 4; i++) {
    u32 ticket;
    asm volatile("1:\tldaxr %w0, [%1]\n\tadd w9, %w0, #1\n\tstxr w10, w9, [%1]\n\tcbnz w10, 1b"
                 : "=&r"(ticket)
                 : "r"(&next_ticket)
                 : "x9", "x10", "memory");
    asm volatile("sevl\n1:\twfe\n\tldaxr w9, [%0]\n\tcmp w9, %w1\n\tb.ne 1b" ::"r"(&now_serving), "r"(ticket) : "x9", "cc", "memory");
    plain[0]++;
    plain[1] += 2;
    asm volatile("stlr %w1, [%0]" ::"r"(&now_serving), "r"(ticket + 1) : "memory");
  }
}

static volatile u32 lock;
static void take_lock(u64 unused) {
  (void)unused;
  for (u32 i = 0; i < ROUNDS / 4; i++) {
    asm volatile("sevl\n1:\twfe\n2:\tldaxr w9, [%0]\n\tcbnz w9, 1b\n\tstxr w9, %w1, [%0]\n\tcbnz w9, 2b" ::"r"(&lock), "r"(1) : "x9", "memory");
    plain[0]++;
    plain[1] += 2;
    asm volatile("stlr wzr, [%0]" ::"r"(&lock) : "memory");
  }
}

static void all_lock(const char *name, job *job) {
  plain[0] = plain[1] = 0;
  for (u32 i = 1; i < CPUS; i++) run_on(i, job, 0);
  job(0);
  for (u32 i = 1; i < CPUS; i++) wait_for(i);
  CASE(name, "first=%lu second=%lu", plain[0], plain[1]);
}

void exclusive_cases(void) {
  monitor_cases();
  alone_cases();
  all_count("count-doublewords", count_doublewords);
  all_count("count-words", count_words);
  all_count("count-halfwords", count_halfwords);
  all_count("count-bytes", count_bytes);
  all_count("count-acquire", count_acquire);
  all_count("count-pairs", count_pairs);
  all_lock("ticket-lock", take_tickets);
  all_lock("wfe-lock", take_lock);
}
