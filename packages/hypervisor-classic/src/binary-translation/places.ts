// Where the translation cache and the virtual registers are in the host's memory.

import type { PageAllocator } from '@worldswitch/vmm';

import type { TranslationPlaces } from './kernel.ts';

const CACHE_BYTES = 4 * 1024 * 1024;
/** A power of two, as the allocator has it. */
const STATE_BYTES = 2 * 1024 * 1024;

/** What each translated vCPU takes of the hypervisor's memory. */
export const TRANSLATION_BYTES: number = CACHE_BYTES + STATE_BYTES;

/** Room for them. */
export const placesFor = (pages: PageAllocator): TranslationPlaces => ({
  cache: { pa: pages.allocate(CACHE_BYTES), size: CACHE_BYTES },
  state: { pa: pages.allocate(STATE_BYTES), size: STATE_BYTES },
});

/** As they were saved. */
export const savedPlaces = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]): TranslationPlaces => ({
  cache: { pa: a, size: b },
  state: { pa: c, size: d },
});
