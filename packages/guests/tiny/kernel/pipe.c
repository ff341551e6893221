// Pipes: a page that is a ring. Readers sleep on it while it is empty, writers while it is full.
#include "kernel.h"
#include "memlayout.h"

#define RING 2048 // a power of two

struct pipe {
  u32 read_at, write_at; // free-running
  int readers, writers;
  char ring[RING];
};

int pipe_create(struct file **read_end, struct file **write_end) {
  struct pipe *pipe = page_allocate();
  struct file *r = file_allocate();
  if (r) r->kind = FILE_PIPE; // takes its place before the next one is looked for
  struct file *w = r ? file_allocate() : NULL;
  if (pipe == NULL || w == NULL) {
    if (pipe) page_release(pipe);
    if (r) r->kind = FILE_FREE;
    return -1;
  }
  w->kind = FILE_PIPE;
  r->pipe = w->pipe = pipe;
  r->readable = w->writable = 1;
  pipe->readers = pipe->writers = 1;
  *read_end = r;
  *write_end = w;
  return 0;
}

void pipe_close(struct pipe *pipe, int write_end) {
  if (write_end) pipe->writers = 0;
  else pipe->readers = 0;
  wake_up(pipe);
  if (pipe->readers == 0 && pipe->writers == 0) page_release(pipe);
}

static u64 least(u64 a, u64 b, u64 c) {
  u64 m = a < b ? a : b;
  return m < c ? m : c;
}

// What there is, up to `count`; 0 when it is empty and nobody can write any more.
s64 pipe_read(struct pipe *pipe, u64 user, u64 count) {
  while (pipe->read_at == pipe->write_at) {
    if (pipe->writers == 0) return 0;
    if (current->killed) return -1;
    sleep_on(pipe);
  }
  u64 done = 0;
  while (done < count && pipe->read_at != pipe->write_at) {
    u64 at = pipe->read_at % RING;
    u64 part = least(count - done, pipe->write_at - pipe->read_at, RING - at);
    if (copy_to_user(user + done, pipe->ring + at, part) < 0) return -1;
    pipe->read_at += (u32)part;
    done += part;
  }
  wake_up(pipe);
  return (s64)done;
}

// All of it, in as many rounds as that takes; -1 when nobody can read any more.
s64 pipe_write(struct pipe *pipe, u64 user, u64 count) {
  for (u64 done = 0; done < count;) {
    if (pipe->readers == 0 || current->killed) return -1;
    if (pipe->write_at - pipe->read_at == RING) {
      sleep_on(pipe);
      continue;
    }
    u64 at = pipe->write_at % RING;
    u64 part = least(count - done, RING - (pipe->write_at - pipe->read_at), RING - at);
    if (copy_from_user(pipe->ring + at, user + done, part) < 0) return -1;
    pipe->write_at += (u32)part;
    done += part;
    wake_up(pipe);
  }
  return (s64)count;
}
