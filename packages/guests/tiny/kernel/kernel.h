// What the kernel's files offer each other, file by file.
#pragma once

#include <abi.h>
#include <lib.h>

// kernel.ld
extern char image_start[], text_end[], rodata_end[], image_end[];

// early.c
extern u64 kernel_l1[], empty_l1[];
void early_map(u64 device_tree);
void map_ram_block(u64 physical);

// fdt.c
struct boot_information {
  u64 memory_base, memory_size;
  u64 initrd_start, initrd_end; // 0, 0: none
  char bootargs[256];
  int psci_smc; // the conduit: SMC, else HVC
  int psci;     // there is a /psci node
};
extern struct boot_information boot;
int fdt_parse(u64 device_tree);

// printk.c
void printk(const char *pattern, ...);
__attribute__((noreturn)) void panic(const char *pattern, ...);

// uart.c: the PL011
void uart_init(void);
void uart_put(char c);
int uart_get(void); // -1: nothing has arrived
void uart_receive_interrupt(int on);

// console.c: the line discipline over the PL011
void console_interrupt(void);
s64 console_read(u64 user, u64 count);

// gic.c: the GICv2
#define INTERRUPT_TIMER 27
#define INTERRUPT_UART 33
#define INTERRUPT_NONE 1023
void gic_init(void);
void gic_enable(u32 interrupt);
u32 gic_acknowledge(void);
void gic_end(u32 interrupt);

// timer.c: the virtual timer
extern u64 timer_ticks;
extern volatile u64 timer_fired_at; // CNTVCT_EL0 at the latest timer interrupt
void timer_init(void);
void timer_start_quantum(void);
void timer_set(u64 deadline);
void timer_off(void);
void timer_interrupt(void);
u64 timer_from_microseconds(u64 microseconds);

// psci.c
__attribute__((noreturn)) void power_off(void);

// page.c: physical pages with reference counts
void page_init(void);
void *page_allocate(void); // zeroed, one reference; NULL when there are none
void page_share(void *page);
void page_release(void *page);
u32 page_references(void *page);
u64 page_free_count(void);

// vm.c: the user half of an address space
struct process;
u64 *vm_create(void);
void vm_destroy(u64 *root);
void *vm_map_new(u64 *root, u64 address, int writable, int executable);
int vm_copy(u64 *to, u64 *from);
void vm_unmap_range(u64 *root, u64 from, u64 to, u64 asid);
int vm_fault(struct process *p, u64 address, int write, int present);
u64 *vm_entry(u64 *root, u64 address, int allocate);
void vm_switch(u64 *root, u64 asid);
void vm_flush_page(u64 address, u64 asid);
void vm_flush_asid(u64 asid);

// uaccess.S, trap.c: kernel accesses that may fault; 0, or -1
int copy_from_user(void *to, u64 from, u64 count);
int copy_to_user(u64 to, const void *from, u64 count);
int probe_load(u64 address);
int probe_store(u64 address);
int probe_call(u64 address);
int copy_string_from_user(char *to, u64 from, u64 size);
extern u64 probe_esr, probe_far; // of the latest access that failed

// trap.c, vectors.S
struct trap_frame {
  u64 x[31];
  u64 sp_el0;
  u64 elr;
  u64 spsr;
};
void return_to_user(void);

// syscall.c
void system_call(struct trap_frame *frame);

// process.c, schedule.c, switch.S
enum process_state { UNUSED, RUNNABLE, SLEEPING, ZOMBIE };
#define PROCESS_COUNT 16
struct process {
  u64 fp[64]; // V0-V31
  u64 fpcr, fpsr;
  int fp_live; // its FP registers are in the CPU: CPACR_EL1 lets it use them
  int fp_used; // it has FP state at all
  enum process_state state;
  s32 pid;
  struct process *parent;
  u64 *root; // level 1 table
  u64 asid;
  u64 heap_end;
  char *kernel_stack;
  struct trap_frame *frame; // at the top of kernel_stack
  u64 saved_sp;
  const void *channel; // what it sleeps on
  u64 wake_at;         // CNTVCT_EL0 value, 0: none
  int killed;
  struct exit_report report;
  struct file *files[MAX_DESCRIPTORS];
  char name[NAME_LENGTH];
  u64 switches, preemptions, zero_fills, copies;
};
extern struct process processes[PROCESS_COUNT];
extern struct process *current;
struct process *process_create(void);
void process_start_init(void);
s64 process_fork(void);
s64 process_wait(u64 report);
s64 process_kill(s32 pid);
s64 process_grow(s64 bytes);
__attribute__((noreturn)) void process_exit(struct exit_report report);
void schedule(void);
void sleep_on(const void *channel);
void wake_up(const void *channel);
void wake_sleepers(u64 now);
s64 sleep_until(u64 deadline);
void switch_stacks(u64 *save, u64 load);

// exec.c
s64 exec(struct process *p, const char *name, char *const *arguments, int count);
s64 exec_from_user(u64 name, u64 arguments);

// fp.c, fp_registers.S
void fp_trap(void);
void fp_switch_out(struct process *p);
void fp_forget(struct process *p);

// programs.S
struct program {
  const char *name;
  const char *start, *end;
};
extern const struct program programs[];
const struct program *program_find(const char *name);
int program_list(u64 index, struct file_info *info);

// file.c, pipe.c
enum file_kind { FILE_FREE, FILE_CONSOLE, FILE_PROGRAM, FILE_PIPE };
struct file {
  enum file_kind kind;
  int references;
  int readable, writable;
  const char *data; // FILE_PROGRAM
  u64 offset, size;
  struct pipe *pipe;
};
struct file *file_console(void);
struct file *file_allocate(void);
void file_close(struct file *f);
s64 file_open(const char *name);
s64 file_install(struct file *f);
s64 file_read(struct file *f, u64 user, u64 count);
s64 file_write(struct file *f, u64 user, u64 count);
int pipe_create(struct file **read_end, struct file **write_end);
s64 pipe_read(struct pipe *pipe, u64 user, u64 count);
s64 pipe_write(struct pipe *pipe, u64 user, u64 count);
void pipe_close(struct pipe *pipe, int write_end);

// benchmark.c, check.c
s64 kernel_benchmark(u64 which, u64 iterations);
s64 kernel_check(u64 which);
extern u64 entry_level;
