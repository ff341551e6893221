// @worldswitch/devices: the devices of an Arm board.

export { genericTimer, timerInterrupts } from './timer/generic-timer.ts';
export type {
  CpuTimersState,
  GenericTimer,
  GenericTimerConfig,
  GenericTimerState,
  GenericTimerType,
  TimerPin,
} from './timer/generic-timer.ts';
