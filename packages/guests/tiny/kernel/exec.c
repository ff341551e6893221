// exec: a static ELF64 program (gABI chapter 5) from the image into a fresh address space.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

struct elf_header {
  u8 ident[16];
  u16 type, machine;
  u32 version;
  u64 entry, program_offset, section_offset;
  u32 flags;
  u16 header_size, program_entry_size, program_count;
};

struct elf_segment {
  u32 type, flags;
  u64 offset, address, physical, file_size, memory_size, align;
};

#define PT_LOAD 1
#define PF_X 1
#define PF_W 2
#define EM_AARCH64 183

// The page's part of the segment is copied from the file; what is beyond it stays zero.
static int load_segment(u64 *root, const char *file, const struct elf_segment *s) {
  if (s->memory_size == 0) return 0;
  if (s->address < USER_TEXT || s->address + s->memory_size > USER_STACK_LIMIT) return -1;
  u64 end = s->address + s->memory_size, file_end = s->address + s->file_size;
  for (u64 address = s->address; address < end; address = (address & -PAGE_SIZE) + PAGE_SIZE) {
    char *page = vm_map_new(root, address & -PAGE_SIZE, s->flags & PF_W, s->flags & PF_X);
    if (page == NULL) return -1;
    if (address >= file_end) continue;
    u64 offset = address % PAGE_SIZE, room = PAGE_SIZE - offset;
    u64 count = file_end - address < room ? file_end - address : room;
    memcpy(page + offset, file + s->offset + (address - s->address), count);
  }
  return 0;
}

static s64 load(u64 *root, const struct program *program) {
  const struct elf_header *elf = (const struct elf_header *)program->start;
  if (program->end - program->start < (s64)sizeof(*elf)) return -1;
  if (memcmp(elf->ident, "\177ELF", 4) != 0 || elf->machine != EM_AARCH64) return -1;
  const struct elf_segment *segment = (const struct elf_segment *)(program->start + elf->program_offset);
  for (int i = 0; i < elf->program_count; i++) {
    if (segment[i].type == PT_LOAD && load_segment(root, program->start, &segment[i]) < 0) return -1;
  }
  return (s64)elf->entry;
}

// The stack's top page: the strings, above the vector that points at them. Returns the stack pointer.
static u64 push_arguments(u64 *root, char *const *arguments, int count) {
  char *page = vm_map_new(root, USER_STACK_TOP - PAGE_SIZE, 1, 0);
  u64 vector[MAX_ARGUMENTS + 1] = {0};
  if (page == NULL) return 0;
  u64 top = PAGE_SIZE;
  for (int i = 0; i < count; i++) {
    u64 size = strlen(arguments[i]) + 1;
    if (size + sizeof(vector) > top) return 0;
    top -= size;
    memcpy(page + top, arguments[i], size);
    vector[i] = USER_STACK_TOP - PAGE_SIZE + top;
  }
  top = (top - sizeof(vector)) & -16ul;
  memcpy(page + top, vector, sizeof(vector));
  return USER_STACK_TOP - PAGE_SIZE + top;
}

// Code was written through the data side (DDI 0487 B2.7.4).
static void synchronise_instructions(void) {
  asm volatile("dsb ish\n\tic iallu\n\tdsb ish\n\tisb" ::: "memory");
}

s64 exec(struct process *p, const char *name, char *const *arguments, int count) {
  const struct program *program = program_find(name);
  if (program == NULL) return -1;
  u64 *root = vm_create();
  if (root == NULL) return -1;
  s64 entry = load(root, program);
  u64 sp = entry < 0 ? 0 : push_arguments(root, arguments, count);
  if (sp == 0) {
    vm_destroy(root);
    return -1;
  }
  synchronise_instructions();
  u64 *old = p->root;
  p->root = root;
  if (p == current) vm_switch(empty_l1, 0);
  vm_flush_asid(p->asid);
  vm_destroy(old);
  if (p == current) vm_switch(root, p->asid);
  fp_forget(p);
  p->heap_end = USER_HEAP;
  copy_string(p->name, name, NAME_LENGTH);
  memset(p->frame, 0, sizeof(*p->frame));
  p->frame->elr = (u64)entry;
  p->frame->spsr = SPSR_EL0T;
  p->frame->sp_el0 = sp;
  p->frame->x[0] = (u64)count;
  p->frame->x[1] = sp;
  return count;
}

// The strings leave the old address space through one page of the kernel's.
s64 exec_from_user(u64 user_name, u64 user_arguments) {
  char name[NAME_LENGTH], *arguments[MAX_ARGUMENTS];
  if (copy_string_from_user(name, user_name, sizeof(name)) < 0) return -1;
  char *strings = page_allocate();
  if (strings == NULL) return -1;
  s64 result = -1;
  u64 used = 0;
  for (int i = 0; i < MAX_ARGUMENTS; i++) {
    u64 pointer;
    if (copy_from_user(&pointer, user_arguments + (u64)i * 8, 8) < 0) break;
    if (pointer == 0) {
      result = exec(current, name, arguments, i);
      break;
    }
    int length = copy_string_from_user(strings + used, pointer, PAGE_SIZE - used);
    if (length < 0) break;
    arguments[i] = strings + used;
    used += (u64)length + 1;
  }
  page_release(strings);
  return result;
}
