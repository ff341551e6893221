// The life of a process: created, forked, killed, waited for.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

struct process processes[PROCESS_COUNT];
struct process *current;
static s32 last_pid;

// What switch_stacks() finds on a new process's stack: it "returns" to return_to_user.
struct switch_frame {
  u64 x29, x30, rest[10];
};

// An empty process that is not yet runnable; NULL when there is no slot or no memory.
struct process *process_create(void) {
  struct process *p = processes;
  while (p < processes + PROCESS_COUNT && p->state != UNUSED) p++;
  if (p == processes + PROCESS_COUNT) return NULL;
  memset(p, 0, sizeof(*p));
  p->kernel_stack = page_allocate();
  p->root = vm_create();
  if (p->kernel_stack == NULL || p->root == NULL) {
    if (p->kernel_stack) page_release(p->kernel_stack);
    if (p->root) page_release(p->root);
    return NULL;
  }
  p->asid = (u64)(p - processes) + 1;
  p->heap_end = USER_HEAP;
  p->frame = (struct trap_frame *)(p->kernel_stack + PAGE_SIZE) - 1;
  struct switch_frame *start = (struct switch_frame *)p->frame - 1;
  start->x30 = (u64)return_to_user;
  p->saved_sp = (u64)start;
  p->pid = ++last_pid;
  return p;
}

// Splits bootargs at the spaces, in place.
static int split(char *text, char **words, int most) {
  int count = 0;
  while (count < most) {
    while (*text == ' ') *text++ = 0;
    if (*text == 0) break;
    words[count++] = text;
    while (*text && *text != ' ') text++;
  }
  return count;
}

void process_start_init(void) {
  char *arguments[MAX_ARGUMENTS] = {"init"};
  int count = 1 + split(boot.bootargs, arguments + 1, MAX_ARGUMENTS - 1);
  struct process *p = process_create();
  if (p == NULL || exec(p, "init", arguments, count) < 0) panic("init does not start");
  for (int i = 0; i < 3; i++) p->files[i] = file_console();
  p->state = RUNNABLE;
}

s64 process_fork(void) {
  struct process *child = process_create();
  if (child == NULL) return -1;
  int failed = vm_copy(child->root, current->root);
  vm_flush_asid(current->asid); // its writable pages are read-only now
  if (failed < 0) {
    vm_destroy(child->root);
    page_release(child->kernel_stack);
    return -1;
  }
  fp_switch_out(current); // its FP registers to memory, to be copied
  memcpy(child->fp, current->fp, sizeof(child->fp));
  child->fpcr = current->fpcr, child->fpsr = current->fpsr, child->fp_used = current->fp_used;
  *child->frame = *current->frame;
  child->frame->x[0] = 0;
  child->heap_end = current->heap_end;
  child->parent = current;
  copy_string(child->name, current->name, NAME_LENGTH);
  for (int i = 0; i < MAX_DESCRIPTORS; i++) {
    child->files[i] = current->files[i];
    if (child->files[i]) child->files[i]->references++;
  }
  child->state = RUNNABLE;
  return child->pid;
}

static void leave_children_to_init(void) {
  struct process *init = &processes[0];
  for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
    if (p->state != UNUSED && p->parent == current) p->parent = init;
  }
  wake_up(init); // some of them may be dead already
}

// Gives back all but the kernel stack, which it stands on, and the slot, which holds its report.
void process_exit(struct exit_report report) {
  if (current->parent == NULL) panic("init ended: code %d, ESR 0x%x FAR 0x%lx ELR 0x%lx", report.code, report.esr, report.far, report.elr);
  for (int i = 0; i < MAX_DESCRIPTORS; i++) {
    if (current->files[i]) file_close(current->files[i]);
    current->files[i] = NULL;
  }
  leave_children_to_init();
  write_register(ttbr0_el1, to_physical(empty_l1));
  isb();
  vm_flush_asid(current->asid);
  vm_destroy(current->root);
  current->root = NULL;
  fp_forget(current);
  current->report = report;
  current->state = ZOMBIE;
  wake_up(current->parent);
  schedule();
  panic("a dead process runs");
}

// Blocks until a child has ended; -1 when there is none.
s64 process_wait(u64 report) {
  for (;;) {
    int children = 0;
    for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
      if (p->state == UNUSED || p->parent != current) continue;
      children++;
      if (p->state != ZOMBIE) continue;
      s32 pid = p->pid;
      page_release(p->kernel_stack);
      p->state = UNUSED;
      if (report && copy_to_user(report, &p->report, sizeof(p->report)) < 0) return -1;
      return pid;
    }
    if (children == 0 || current->killed) return -1;
    sleep_on(current);
  }
}

s64 process_kill(s32 pid) {
  for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
    if (p->state == UNUSED || p->state == ZOMBIE || p->pid != pid || p->parent == NULL) continue;
    p->killed = 1;
    if (p->state == SLEEPING) p->state = RUNNABLE;
    return 0;
  }
  return -1;
}

// sbrk: pages come on first touch, and go at once.
s64 process_grow(s64 bytes) {
  u64 old = current->heap_end, end = old + (u64)bytes;
  if (end < USER_HEAP || end > USER_END) return -1;
  u64 first = (end + PAGE_SIZE - 1) & -PAGE_SIZE;
  if (end < old) vm_unmap_range(current->root, first, old, current->asid);
  current->heap_end = end;
  return (s64)old;
}
