// System calls: the number is in x8, arguments from x0, the result goes to x0 (include/abi.h).
#include "arm.h"
#include "kernel.h"

typedef s64 (*handler)(u64, u64, u64);

static struct file *descriptor(u64 d) {
  return d < MAX_DESCRIPTORS ? current->files[d] : NULL;
}

static s64 sys_exit(u64 code, u64 b, u64 c) {
  (void)b, (void)c;
  struct exit_report report = {(s32)code, 0, 0, 0};
  process_exit(report);
}

static s64 sys_fork(u64 a, u64 b, u64 c) {
  (void)a, (void)b, (void)c;
  return process_fork();
}

static s64 sys_exec(u64 name, u64 arguments, u64 c) {
  (void)c;
  return exec_from_user(name, arguments);
}

static s64 sys_wait(u64 report, u64 b, u64 c) {
  (void)b, (void)c;
  return process_wait(report);
}

static s64 sys_getpid(u64 a, u64 b, u64 c) {
  (void)a, (void)b, (void)c;
  return current->pid;
}

static s64 sys_kill(u64 pid, u64 b, u64 c) {
  (void)b, (void)c;
  return process_kill((s32)pid);
}

static s64 sys_yield(u64 a, u64 b, u64 c) {
  (void)a, (void)b, (void)c;
  schedule();
  return 0;
}

static s64 sys_sbrk(u64 bytes, u64 b, u64 c) {
  (void)b, (void)c;
  return process_grow((s64)bytes);
}

static s64 sys_sleep(u64 microseconds, u64 b, u64 c) {
  (void)b, (void)c;
  return sleep_until(counter() + timer_from_microseconds(microseconds));
}

static s64 sys_open(u64 user_name, u64 b, u64 c) {
  (void)b, (void)c;
  char name[NAME_LENGTH];
  return copy_string_from_user(name, user_name, sizeof(name)) < 0 ? -1 : file_open(name);
}

static s64 sys_close(u64 d, u64 b, u64 c) {
  (void)b, (void)c;
  struct file *f = descriptor(d);
  if (f == NULL) return -1;
  current->files[d] = NULL;
  file_close(f);
  return 0;
}

static s64 sys_read(u64 d, u64 buffer, u64 count) {
  struct file *f = descriptor(d);
  return f ? file_read(f, buffer, count) : -1;
}

static s64 sys_write(u64 d, u64 buffer, u64 count) {
  struct file *f = descriptor(d);
  return f ? file_write(f, buffer, count) : -1;
}

static s64 sys_dup(u64 d, u64 b, u64 c) {
  (void)b, (void)c;
  struct file *f = descriptor(d);
  s64 copy = f ? file_install(f) : -1;
  if (copy >= 0) f->references++;
  return copy;
}

static s64 sys_pipe(u64 user, u64 b, u64 c) {
  (void)b, (void)c;
  struct file *r, *w;
  if (pipe_create(&r, &w) < 0) return -1;
  s32 ends[2] = {(s32)file_install(r), (s32)file_install(w)};
  if (ends[0] >= 0 && ends[1] >= 0 && copy_to_user(user, ends, sizeof(ends)) == 0) return 0;
  for (int i = 0; i < 2; i++) {
    if (ends[i] >= 0) current->files[ends[i]] = NULL;
  }
  file_close(r);
  file_close(w);
  return -1;
}

static s64 sys_listfile(u64 index, u64 user, u64 c) {
  (void)c;
  struct file_info info = {0};
  if (program_list(index, &info) < 0) return -1;
  return copy_to_user(user, &info, sizeof(info));
}

static s64 sys_listproc(u64 index, u64 user, u64 c) {
  (void)c;
  if (index >= PROCESS_COUNT) return -1;
  static const char *const states[] = {"unused", "runnable", "sleeping", "zombie"};
  struct process *p = &processes[index];
  struct process_info info = {0};
  copy_string(info.name, p->name, NAME_LENGTH);
  copy_string(info.state, p == current ? "running" : states[p->state], NAME_LENGTH);
  info.pid = p->state == UNUSED ? 0 : p->pid;
  info.parent = p->parent ? p->parent->pid : 0;
  info.switches = p->switches, info.preemptions = p->preemptions;
  info.zero_fills = p->zero_fills, info.copies = p->copies;
  return copy_to_user(user, &info, sizeof(info));
}

static s64 sys_sysinfo(u64 user, u64 b, u64 c) {
  (void)b, (void)c;
  struct system_info info = {entry_level, boot.memory_size, page_free_count(), timer_ticks, read_register(midr_el1)};
  return copy_to_user(user, &info, sizeof(info));
}

static s64 sys_poweroff(u64 a, u64 b, u64 c) {
  (void)a, (void)b, (void)c;
  power_off();
}

static s64 sys_kbench(u64 which, u64 iterations, u64 c) {
  (void)c;
  return kernel_benchmark(which, iterations);
}

static s64 sys_ktest(u64 which, u64 b, u64 c) {
  (void)b, (void)c;
  return kernel_check(which);
}

static const handler handlers[SYS_COUNT] = {
    [SYS_exit] = sys_exit,         [SYS_fork] = sys_fork,         [SYS_exec] = sys_exec,
    [SYS_wait] = sys_wait,         [SYS_getpid] = sys_getpid,     [SYS_kill] = sys_kill,
    [SYS_yield] = sys_yield,       [SYS_sbrk] = sys_sbrk,         [SYS_sleep] = sys_sleep,
    [SYS_open] = sys_open,         [SYS_close] = sys_close,       [SYS_read] = sys_read,
    [SYS_write] = sys_write,       [SYS_dup] = sys_dup,           [SYS_pipe] = sys_pipe,
    [SYS_listfile] = sys_listfile, [SYS_listproc] = sys_listproc, [SYS_sysinfo] = sys_sysinfo,
    [SYS_poweroff] = sys_poweroff, [SYS_kbench] = sys_kbench,     [SYS_ktest] = sys_ktest,
};

// exec() writes the whole frame, x0 and x1 included; its count is what x0 shall be.
void system_call(struct trap_frame *frame) {
  u64 number = frame->x[8];
  handler handle = number < SYS_COUNT ? handlers[number] : NULL;
  frame->x[0] = handle ? (u64)handle(frame->x[0], frame->x[1], frame->x[2]) : (u64)-1;
}
