// What a program has: system calls (syscalls.S), a printf, and a few helpers over fork and wait.
#pragma once

#include <abi.h>
#include <lib.h>

__attribute__((noreturn)) void exit(int code);
int fork(void);
int exec(const char *name, const char *const *arguments);
int wait(struct exit_report *report);
int getpid(void);
int kill(int pid);
int yield(void);
void *sbrk(s64 bytes); // (void *)-1: refused
int sleep(u64 microseconds);
int open(const char *name);
int close(int descriptor);
s64 read(int descriptor, void *buffer, u64 count);
s64 write(int descriptor, const void *buffer, u64 count);
int dup(int descriptor);
int pipe(int ends[2]);
int listfile(u64 index, struct file_info *info);
int listproc(u64 index, struct process_info *info);
int sysinfo(struct system_info *info);
int poweroff(void);
s64 kbench(u64 which, u64 iterations);
s64 ktest(u64 which);

// print.c
void printf(const char *pattern, ...);
void print_end(const char *name, const struct exit_report *report); // says so, if it was killed
const char *exception_class(u32 esr);

// run.c
struct exit_report wait_for(int pid);
u64 counter(void);           // CNTVCT_EL0
u64 counter_frequency(void); // CNTFRQ_EL0, in Hz
u64 parse_number(const char *text);
