// Priorities: group priority and subpriority, preemption levels and the active priorities registers (IHI 0048B 3.3, 4.4.14).

/** The running priority when nothing is active. */
export const idlePriority = 0xff;

/** The smallest GICC_BPR of Group 0: below it, implemented bits would all be group priority (IHI 0048B 3.3.3). */
export const minimumBinaryPoint = (priorityBits: number): number => Math.max(0, 7 - priorityBits);

/** The group priority field of Group 0 under a GICC_BPR; Group 1's own binary point counts one less. */
export const groupMask = (binaryPoint: number): number => (0xff << (binaryPoint + 1)) & 0xff;

/** Bits below the preemption levels: a level is a priority without them. At most 128 levels exist. */
export const levelShift = (priorityBits: number): number => 8 - Math.min(priorityBits, 7);

/** Sets the bit of a group priority. */
export function activate(levels: Uint32Array, shift: number, priority: number): void {
  const level = priority >>> shift;
  levels[level >>> 5] = (levels[level >>> 5] ?? 0) | (1 << (level & 31));
}

/** The lowest set bit of a word, 0 to 31; 32 for none. */
export const lowestBit = (word: number): number => (word === 0 ? 32 : 31 - Math.clz32(word & -word));

/** The highest active group priority, or 0x100 for none. */
export function highestActive(levels: Uint32Array, shift: number): number {
  for (let i = 0; i < levels.length; i++) {
    const word = levels[i] ?? 0;
    if (word !== 0) return (32 * i + lowestBit(word)) << shift;
  }
  return 0x100;
}

/** Clears the bit of the highest active group priority. */
export function dropHighest(levels: Uint32Array): void {
  for (let i = 0; i < levels.length; i++) {
    const word = levels[i] ?? 0;
    if (word !== 0) {
      levels[i] = word & (word - 1);
      return;
    }
  }
}
