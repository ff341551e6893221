// Physical pages: a free list over a mark that rises through memory never used yet, so that starting
// costs nothing and memory that nobody needs is never touched. Pages are counted, for copy-on-write.
#include "kernel.h"
#include "memlayout.h"

struct free_page {
  struct free_page *next;
};

static struct free_page *free_list;
static u64 fresh; // physical: the lowest page never handed out
static u64 limit;
static u64 free_count;
static u16 *references; // one for each page above FREE_MEMORY

void zero_page(void *page); // uaccess.S

static int in_initrd(u64 physical) {
  return physical + PAGE_SIZE > boot.initrd_start && physical < boot.initrd_end;
}

// How many of the allocator's pages the initrd takes.
static u64 initrd_pages(void) {
  u64 start = boot.initrd_start & -PAGE_SIZE, end = (boot.initrd_end + PAGE_SIZE - 1) & -PAGE_SIZE;
  if (start < fresh) start = fresh;
  if (end > limit) end = limit;
  return end > start ? (end - start) / PAGE_SIZE : 0;
}

static u16 *reference(void *page) {
  return &references[(to_physical(page) - FREE_MEMORY) / PAGE_SIZE];
}

void page_init(void) {
  limit = boot.memory_base + boot.memory_size;
  if (limit > RAM_LIMIT) limit = RAM_LIMIT;
  limit &= -BLOCK_SIZE; // whole blocks are mapped
  for (u64 block = FREE_MEMORY; block < limit; block += BLOCK_SIZE) map_ram_block(block);
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  references = to_virtual(FREE_MEMORY);
  u64 table = (limit - FREE_MEMORY) / PAGE_SIZE * sizeof(u16);
  fresh = (FREE_MEMORY + table + PAGE_SIZE - 1) & -PAGE_SIZE;
  free_count = (limit - fresh) / PAGE_SIZE - initrd_pages();
}

void *page_allocate(void) {
  void *page = free_list;
  if (page) {
    free_list = free_list->next;
  } else {
    while (fresh < limit && in_initrd(fresh)) fresh += PAGE_SIZE;
    if (fresh >= limit) return NULL;
    page = to_virtual(fresh);
    fresh += PAGE_SIZE;
  }
  zero_page(page);
  *reference(page) = 1;
  free_count--;
  return page;
}

void page_share(void *page) {
  ++*reference(page);
}

u32 page_references(void *page) {
  return *reference(page);
}

void page_release(void *page) {
  if (--*reference(page) > 0) return;
  struct free_page *freed = page;
  freed->next = free_list;
  free_list = freed;
  free_count++;
}

u64 page_free_count(void) {
  return free_count;
}
