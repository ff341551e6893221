// A process's half of the address space: three levels of tables under TTBR0_EL1, copy-on-write, and
// pages that come into being when they are first touched (DDI 0487 D8.2, D8.3).
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

#define USER_PAGE                                                                                  \
  (PTE_VALID | PTE_PAGE | PTE_AF | PTE_NG | PTE_EL0 | PTE_INNER_SHAREABLE | ATTR_NORMAL | PTE_PXN)

static u64 *next_table(u64 entry) {
  return to_virtual(entry & PTE_ADDRESS);
}

// The level 3 entry for an address; NULL when a table is missing and is not wanted, or no page is left.
u64 *vm_entry(u64 *root, u64 address, int allocate) {
  u64 *table = root;
  for (int shift = 30; shift > 12; shift -= 9) {
    u64 *entry = &table[(address >> shift) & 511];
    if (*entry == 0) {
      u64 *page = allocate ? page_allocate() : NULL;
      if (page == NULL) return NULL;
      *entry = to_physical(page) | PTE_VALID | PTE_TABLE;
    }
    table = next_table(*entry);
  }
  return &table[(address >> 12) & 511];
}

u64 *vm_create(void) {
  return page_allocate();
}

// Releases a table of the given level with all that it leads to.
static void destroy(u64 *table, int level) {
  for (int i = 0; i < 512; i++) {
    if (table[i] == 0) continue;
    if (level < 3) destroy(next_table(table[i]), level + 1);
    else page_release(next_table(table[i]));
  }
  page_release(table);
}

void vm_destroy(u64 *root) {
  destroy(root, 1);
}

// The store of a descriptor must be seen by the walker before the mapping is used (D8.2.7).
static void set_entry(u64 *entry, u64 value) {
  *(volatile u64 *)entry = value;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}

void *vm_map_new(u64 *root, u64 address, int writable, int executable) {
  u64 *entry = vm_entry(root, address, 1);
  void *page = entry ? page_allocate() : NULL;
  if (page == NULL) return NULL;
  set_entry(entry, to_physical(page) | USER_PAGE | (writable ? 0 : PTE_READ_ONLY) | (executable ? 0 : PTE_UXN));
  return page;
}

void vm_flush_page(u64 address, u64 asid) {
  asm volatile("dsb ishst\n\ttlbi vae1, %0\n\tdsb ish\n\tisb" ::"r"(address >> 12 | asid << 48) : "memory");
}

void vm_flush_asid(u64 asid) {
  asm volatile("dsb ishst\n\ttlbi aside1, %0\n\tdsb ish\n\tisb" ::"r"(asid << 48) : "memory");
}

void vm_switch(u64 *root, u64 asid) {
  write_register(ttbr0_el1, to_physical(root) | asid << 48);
  isb();
}

// fork: both sides keep the same pages, read-only where they were writable. The caller flushes.
static int copy(u64 *to, u64 *from, int level) {
  for (int i = 0; i < 512; i++) {
    if (from[i] == 0) continue;
    if (level < 3) {
      u64 *table = page_allocate();
      if (table == NULL) return -1;
      to[i] = to_physical(table) | PTE_VALID | PTE_TABLE;
      if (copy(table, next_table(from[i]), level + 1) < 0) return -1;
    } else {
      if (!(from[i] & PTE_READ_ONLY)) from[i] |= PTE_READ_ONLY | PTE_COPY_ON_WRITE;
      page_share(next_table(from[i]));
      to[i] = from[i];
    }
  }
  return 0;
}

int vm_copy(u64 *to, u64 *from) {
  return copy(to, from, 1);
}

void vm_unmap_range(u64 *root, u64 from, u64 to, u64 asid) {
  for (u64 address = from; address < to; address += PAGE_SIZE) {
    u64 *entry = vm_entry(root, address, 0);
    if (entry == NULL || *entry == 0) continue;
    void *page = next_table(*entry);
    *entry = 0;
    vm_flush_page(address, asid);
    page_release(page);
  }
}

static int is_on_demand(struct process *p, u64 address) {
  return (address >= USER_STACK_LIMIT && address < USER_STACK_TOP) ||
         (address >= USER_HEAP && address < p->heap_end);
}

// The first store to a page shared by fork: the last owner takes it, any other gets a copy. A valid
// entry that changes its output address goes through an invalid one (break before make, D8.14.1).
static int copy_on_write(struct process *p, u64 address, u64 *entry) {
  void *shared = next_table(*entry);
  u64 attributes = *entry & ~(PTE_ADDRESS | PTE_READ_ONLY | PTE_COPY_ON_WRITE);
  if (page_references(shared) > 1) {
    void *page = page_allocate();
    if (page == NULL) return -1;
    memcpy(page, shared, PAGE_SIZE);
    *entry = 0;
    vm_flush_page(address, p->asid);
    set_entry(entry, to_physical(page) | attributes);
    page_release(shared);
    p->copies++;
  } else {
    set_entry(entry, to_physical(shared) | attributes);
    vm_flush_page(address, p->asid);
  }
  return 0;
}

// A stage-1 fault of the process: 0 when it was mended. `present` is a permission fault.
int vm_fault(struct process *p, u64 address, int write, int present) {
  if (present) {
    u64 *entry = address < USER_END ? vm_entry(p->root, address, 0) : NULL;
    if (!write || entry == NULL || !(*entry & PTE_COPY_ON_WRITE)) return -1;
    return copy_on_write(p, address & -PAGE_SIZE, entry);
  }
  if (!is_on_demand(p, address)) return -1;
  p->zero_fills++;
  return vm_map_new(p->root, address & -PAGE_SIZE, 1, 0) ? 0 : -1;
}
