// Shadow page tables: memory of a guest whose kernel runs at EL0, on a CPU without a second stage.

export { HostSpace, hostSpaceShape } from './host-space.ts';
export type {
  GuestRoots,
  HostMemory,
  HostSpaceOptions,
  HostSpaceState,
  TranslatedCode,
} from './host-space.ts';
export { Asids, asidsShape } from './asids.ts';
export type { AsidsState } from './asids.ts';
export { LinearPort } from './linear-port.ts';
export { checkShadowChoice, SHADOW_CAPACITY, SHADOW_VARIANTS } from './options.ts';
export type { ShadowChoice, ShadowCounters, ShadowOptions, ShadowVariant } from './options.ts';
export type { RamRange } from './guest-ram.ts';
export { ShadowMmu } from './shadow.ts';
export type { Resolution } from './shadow.ts';
export { shadowPages } from './saved-shadow.ts';
export { shadowShape } from './state.ts';
export type { ShadowState } from './state.ts';
export type { ShadowView } from './views.ts';
