// @worldswitch/mmu: VMSAv8-64 (DDI 0487 D8). The table of contents:
//
// - `createControls` makes the plain record of registers and features that everything here reads (the CPU writes it);
// - `createWalker(controls, port)` gives `translate(request, translation)`: stage 1, stage 2, permissions, attributes;
//   `createRequest` and `createTranslation` make the two objects, once, to be used again for every call;
// - `faultStatusCode`, `hpfarFromFault`, `parFromResult` turn the answer into ESR, HPFAR_EL2 and PAR_EL1 contents;
// - `Tlb` holds translations: `lookup(tlbContext(controls, regime), vaLo, vaHi, currentAsid(controls, regime))` gives an
//   index into its typed arrays or -1; `fill` enters an answer; `permits` checks an access against permission bits;
//   `tlbiOperation(name)` gives what a TLBI instruction does; `saveTlb`, `tlbCodec` and `restoreTlb` are its state;
// - `createTables` builds tables in memory, `installStage1` and `installStage2` point the registers to them, and
//   `describeWalk` tells in words what a walk finds.
//
// A CPU's data access, on a miss of its own fast path, is:
//
//     let i = tlb.lookup(context, vaLo, vaHi, asid);
//     if (i < 0 || !permits(tlb.permissions[i], access, unprivileged, pan) || (unaligned && isDevice(tlb.attributes[i]))) {
//       if (!walker.translate(request, answer)) return abort(faultStatusCode(answer), answer.stage, answer.write, ...);
//       i = tlb.fill(context, vaLo, vaHi, asid, answer);
//     }
//     pa = tlb.pa[i] + (vaLo & 0xfff);
//
// An entry that refuses is walked again: the walk gives the exact fault, or finds that the tables now allow more.

export { createAllocator } from './allocator.ts';
export type { TableAllocator } from './allocator.ts';
export * from './attributes.ts';
export * from './controls.ts';
export * from './describe.ts';
export * from './descriptors.ts';
export * from './fault-status.ts';
export type { GranuleShift } from './granule.ts';
export { busPort } from './port.ts';
export type { WalkCounters, WalkObserver, WalkPort } from './port.ts';
export { Access, ALL_PERMISSIONS, Permission, permits, Regime } from './regime.ts';
export { simpleWalk } from './simple-walk.ts';
export type { SimpleRange, SimpleWalk } from './simple-walk.ts';
export { createSparseMemory } from './sparse-memory.ts';
export type { SparseMemory } from './sparse-memory.ts';
export { createTables } from './table-builder.ts';
export type { Mapping, TableOptions, Tables, TableStore } from './table-builder.ts';
export * from './table-registers.ts';
export { tlbLayout } from './tlb-layout.ts';
export type { TlbLayout, TlbPlace } from './tlb-layout.ts';
export { restoreTlb, saveTlb, tlbCodec } from './tlb-state.ts';
export type { TlbState } from './tlb-state.ts';
export { ANY_ASID, GLOBAL, Tlb, tlbContext, tlbScope } from './tlb.ts';
export type { TlbCounters, TlbListener, TlbShape } from './tlb.ts';
export * from './tlbi.ts';
export * from './translation.ts';
export { createWalker } from './walker.ts';
export type { Walker } from './walker.ts';
