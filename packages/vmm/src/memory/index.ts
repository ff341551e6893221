// Memory of the hypervisor itself.

export { buildHostMap, hostMapAt, useHostMap } from './host-map.ts';
export type { HostMap, HostRange } from './host-map.ts';
export { PAGE, PageAllocator, pageAllocatorShape } from './pages.ts';
export type { PageAllocatorState } from './pages.ts';
export { addressInto, PhysicalMemory } from './physical.ts';
