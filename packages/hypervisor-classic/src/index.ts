// @worldswitch/hypervisor-classic: a Type-1 hypervisor. The table of contents.

export { holeOf, holes } from './equivalence/holes.ts';
export type { Hole } from './equivalence/holes.ts';
export { observedGuest } from './equivalence/observed.ts';
export { HardwareAssisted } from './hardware-assisted/hypervisor.ts';
export type { HypervisorSetup, SchedulingTimes, VmSetup } from './host/setup.ts';
export type { TrapControls } from './hardware-assisted/traps.ts';
export { createHost, hypervisorMemory, restoreHost } from './host.ts';
export { describeRewritten, instructionName, rewriteKernel } from './impure/rewrite.ts';
export type { Rewriting, RewrittenKernel, Rewritten } from './impure/rewrite.ts';
export { IMPURE } from './impure/sensitive.ts';
export type { Impure, Sensitive } from './impure/sensitive.ts';
export type { Site } from './impure/sites.ts';
export { TrapAndEmulate } from './trap-and-emulate/hypervisor.ts';
export type { Host, HostDescription, TrapHostDescription, VmImages } from './host.ts';
