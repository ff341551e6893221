// What a program and the kernel agree on: system-call numbers (in x8, arguments from x0, result in
// x0, -1 for failure) and the structures that cross the boundary.
#pragma once

#define SYS_exit 1      // (code)
#define SYS_fork 2      // () -> pid, 0 in the child
#define SYS_exec 3      // (name, argv)
#define SYS_wait 4      // (struct exit_report *) -> pid
#define SYS_getpid 5    // () -> pid
#define SYS_kill 6      // (pid)
#define SYS_yield 7     // ()
#define SYS_sbrk 8      // (bytes) -> old end of the heap
#define SYS_sleep 9     // (microseconds)
#define SYS_open 10     // (name) -> descriptor, read only
#define SYS_close 11    // (descriptor)
#define SYS_read 12     // (descriptor, buffer, bytes) -> bytes, 0 at the end
#define SYS_write 13    // (descriptor, buffer, bytes) -> bytes
#define SYS_dup 14      // (descriptor) -> the lowest free descriptor
#define SYS_pipe 15     // (int[2]): read end, write end
#define SYS_listfile 16 // (index, struct file_info *)
#define SYS_listproc 17 // (index, struct process_info *)
#define SYS_sysinfo 18  // (struct system_info *)
#define SYS_poweroff 19 // ()
#define SYS_kbench 20   // (which, iterations) -> counter ticks
#define SYS_ktest 21    // (which) -> 1 when the check holds
#define SYS_COUNT 22

#define NAME_LENGTH 16
#define MAX_ARGUMENTS 16
#define MAX_DESCRIPTORS 8

#ifndef __ASSEMBLER__
#include <types.h>

// How a process ended: by exit(code), or killed. `esr` is 0 unless an exception killed it.
struct exit_report {
  s32 code;
  u32 esr;
  u64 far;
  u64 elr;
};

struct file_info {
  char name[NAME_LENGTH];
  u64 size;
};

struct process_info {
  char name[NAME_LENGTH];
  char state[NAME_LENGTH];
  s32 pid;
  s32 parent;
  u64 switches;    // times it was given the CPU
  u64 preemptions; // times the timer took it away
  u64 zero_fills;  // pages given on first touch
  u64 copies;      // pages copied on a write after fork
};

struct system_info {
  u64 entry_level; // exception level that the machine started the kernel at
  u64 memory;      // bytes
  u64 free_pages;
  u64 ticks; // timer interrupts so far
  u64 midr;
};
#endif

// SYS_kbench: what the kernel measures at EL1.
#define KBENCH_PTE_STORE 0
#define KBENCH_PTE_STORE_TLBI 1
#define KBENCH_IRQ_MASK_UNMASK 2
#define KBENCH_MMIO_GICD 3
#define KBENCH_MMIO_UART 4
#define KBENCH_TIMER_LATENCY 5

// SYS_ktest: what the kernel checks at EL1.
#define KTEST_TEXT_READ_ONLY 0
#define KTEST_RODATA_READ_ONLY 1
#define KTEST_DATA_NOT_EXECUTABLE 2
#define KTEST_USER_NOT_EXECUTABLE 3
#define KTEST_UNMAPPED_FAULTS 4
#define KTEST_ADDRESS_TRANSLATION 5
#define KTEST_IRQ_PENDS_WHILE_MASKED 6
#define KTEST_WFI_WAKES_MASKED 7
