// Table pages out of a range of memory: what table builders in loaders and tests use.

/** Hands out memory for tables. */
export interface TableAllocator {
  /** Memory of so many bytes, aligned to them; a power of two of at least 64. Throws a RangeError when there is none left. */
  allocate(bytes: number): number;
  /** Takes back what `allocate` gave. */
  release(pa: number, bytes: number): void;
  /** Bytes that are handed out. */
  readonly used: number;
}

/** An allocator of the addresses from `base` up to `end`: first what was released, else the next free address. */
export function createAllocator(base: number, end: number): TableAllocator {
  let next = base;
  let used = 0;
  const free = new Map<number, number[]>();
  return {
    get used() {
      return used;
    },
    allocate(bytes) {
      const again = free.get(bytes)?.pop();
      const at = again ?? Math.ceil(next / bytes) * bytes;
      if (again === undefined) {
        if (at + bytes > end) {
          throw new RangeError(
            `no ${bytes} bytes for a translation table are left below 0x${end.toString(16)}`,
          );
        }
        next = at + bytes;
      }
      used += bytes;
      return at;
    },
    release(pa, bytes) {
      const list = free.get(bytes);
      if (list === undefined) free.set(bytes, [pa]);
      else list.push(pa);
      used -= bytes;
    },
  };
}
