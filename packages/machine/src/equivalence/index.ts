// The same guest on two systems, compared by its architectural events.

export { EquivalenceCheck } from './check.ts';
export type { Culprit, Equivalence, EquivalenceDifference, EquivalenceOptions, Passed } from './check.ts';
export { compareGuests } from './locate.ts';
export type { GuestMaker } from './locate.ts';
export { EventRun } from './event-run.ts';
export type { NativePoint, Point, PointEnd } from './event-run.ts';
export type { GuestEvent, GuestEventKind, GuestProbe, GuestView, ObservedGuest } from './events.ts';
export type { GuestWindow, RewrittenWord } from './guest-memory.ts';
export {
  GuestPlace,
  guestRegister,
  guestRegisters,
  GuestState,
  guestSystemRegisters,
} from './guest-state.ts';
export type { GuestPlaces, RegisterDifference } from './guest-state.ts';
export { hardwareGuest, nativeGuest } from './observe-cpu.ts';
export type { VmPlace } from './observe-cpu.ts';
