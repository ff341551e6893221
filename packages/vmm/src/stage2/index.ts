// Stage 2: what a VM's physical addresses are.

export type { Stage2Attributes } from './descriptor.ts';
export { GuestDma } from './dma.ts';
export type { DmaMap } from './dma.ts';
export { dirtyPagesShape } from './dirty-pages.ts';
export type { DirtyPagesState } from './dirty-pages.ts';
export { paBitsOf } from './geometry.ts';
export { Stage2Map, stage2Shape } from './map.ts';
export type { Stage2Entry, Stage2Options, Stage2State } from './map.ts';
export { TableMemoryError } from './tables.ts';
