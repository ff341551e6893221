// Open files: the console, the built-in programs and texts, the ends of pipes.
#include "kernel.h"
#include "memlayout.h"

#define FILE_COUNT 32
static struct file files[FILE_COUNT];

struct file *file_allocate(void) {
  for (struct file *f = files; f < files + FILE_COUNT; f++) {
    if (f->kind != FILE_FREE) continue;
    memset(f, 0, sizeof(*f));
    f->references = 1;
    return f;
  }
  return NULL;
}

struct file *file_console(void) {
  struct file *f = file_allocate();
  f->kind = FILE_CONSOLE;
  f->readable = f->writable = 1;
  return f;
}

void file_close(struct file *f) {
  if (--f->references > 0) return;
  if (f->kind == FILE_PIPE) pipe_close(f->pipe, f->writable);
  f->kind = FILE_FREE;
}

// The lowest free descriptor of the current process.
s64 file_install(struct file *f) {
  for (int i = 0; i < MAX_DESCRIPTORS; i++) {
    if (current->files[i]) continue;
    current->files[i] = f;
    return i;
  }
  return -1;
}

const struct program *program_find(const char *name) {
  for (const struct program *p = programs; p->name; p++) {
    if (strcmp(p->name, name) == 0) return p;
  }
  return NULL;
}

int program_list(u64 index, struct file_info *info) {
  for (const struct program *p = programs; p->name; p++) {
    if (index-- > 0) continue;
    copy_string(info->name, p->name, NAME_LENGTH);
    info->size = (u64)(p->end - p->start);
    return 0;
  }
  if (index > 0 || boot.initrd_end <= boot.initrd_start) return -1;
  copy_string(info->name, "initrd", NAME_LENGTH);
  info->size = boot.initrd_end - boot.initrd_start;
  return 0;
}

// A program's bytes, a text's, or, under the name "initrd", what the loader put into memory.
static int find_data(const char *name, struct file *f) {
  const struct program *program = program_find(name);
  if (program) {
    f->data = program->start;
    f->size = (u64)(program->end - program->start);
    return 0;
  }
  if (strcmp(name, "initrd") != 0 || boot.initrd_end <= boot.initrd_start) return -1;
  if (boot.initrd_start < RAM_BASE || boot.initrd_end > RAM_LIMIT) return -1;
  f->data = to_virtual(boot.initrd_start);
  f->size = boot.initrd_end - boot.initrd_start;
  return 0;
}

s64 file_open(const char *name) {
  struct file *f = file_allocate();
  if (f == NULL || find_data(name, f) < 0) return -1; // still FILE_FREE: nothing to undo
  s64 descriptor = file_install(f);
  if (descriptor < 0) return -1;
  f->kind = FILE_PROGRAM;
  f->readable = 1;
  return descriptor;
}

s64 file_read(struct file *f, u64 user, u64 count) {
  if (!f->readable) return -1;
  if (f->kind == FILE_CONSOLE) return console_read(user, count);
  if (f->kind == FILE_PIPE) return pipe_read(f->pipe, user, count);
  if (count > f->size - f->offset) count = f->size - f->offset;
  if (copy_to_user(user, f->data + f->offset, count) < 0) return -1;
  f->offset += count;
  return (s64)count;
}

s64 file_write(struct file *f, u64 user, u64 count) {
  if (!f->writable) return -1;
  if (f->kind == FILE_PIPE) return pipe_write(f->pipe, user, count);
  char chunk[64];
  for (u64 done = 0; done < count;) {
    u64 part = count - done < sizeof(chunk) ? count - done : sizeof(chunk);
    if (copy_from_user(chunk, user + done, part) < 0) return -1;
    for (u64 i = 0; i < part; i++) uart_put(chunk[i]);
    done += part;
  }
  return (s64)count;
}
