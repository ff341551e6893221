// @worldswitch/vmm: what hypervisors share. The table of contents.

export { Current } from './current.ts';
export { difference, Ledger } from './ledger/ledger.ts';
export type { CauseDifference, CauseTotal, ExitCosts, ExitRow } from './ledger/ledger.ts';
export { perfettoTrace } from './ledger/perfetto.ts';
export type { TraceEvent } from './ledger/perfetto.ts';
export { systemOperation, systemRegister } from './names.ts';
export { Scheduler, schedulerShape } from './schedule/scheduler.ts';
export type { SchedulerState, SchedulerTimes, Weight } from './schedule/scheduler.ts';
export { checkVms } from './vm/description.ts';
export type { CheckedVm, HostRoom, Technique, VmDescription } from './vm/description.ts';
