// @worldswitch/devices: the devices of an Arm board.

export type { CharacterBackend, CharacterSink } from './backend.ts';
export { pl011 } from './pl011/pl011.ts';
export type { ModemInputs, Pl011, Pl011Config, Pl011Type } from './pl011/pl011.ts';
export type { Pl011State } from './pl011/state.ts';
export { pl031 } from './pl031/pl031.ts';
export type { Pl031Config, Pl031State } from './pl031/pl031.ts';
export { genericTimer, timerInterrupts } from './timer/generic-timer.ts';
export type {
  CpuTimersState,
  GenericTimer,
  GenericTimerConfig,
  GenericTimerState,
  GenericTimerType,
  TimerPin,
} from './timer/generic-timer.ts';
