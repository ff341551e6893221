// The self-test's parts. A check is a function that returns whether it holds.
#pragma once

#include "../user.h"

#define PAGE 4096

struct check {
  const char *name;
  int (*holds)(void);
};

// Each part's checks, ended by a null name.
extern const struct check process_checks[], memory_checks[], pipe_checks[], fp_checks[];
extern const struct check interrupt_checks[], kernel_checks[];

// faults.c: its table has other columns, so it runs itself.
void run_fault_checks(void);
void report_check(const char *name, int holds);

// main.c
struct exit_report in_child(void (*run)(void));
int ended_well(struct exit_report report);
u64 free_pages(void);
int self(struct process_info *info);
int registers_survive(void); // registers.S
