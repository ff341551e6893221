// The generic timers of all CPUs: system registers as a bank, and their interrupt wires (DDI 0487 D11).

import {
  bits,
  deadline,
  list,
  record,
  Reset,
  savedDeadline,
  StateError,
  stateCodec,
  uint,
} from '@worldswitch/platform';
import type {
  Device,
  DeviceType,
  Placement,
  SystemRegisterBank,
  TreeNode,
  Wiring,
  Word64,
} from '@worldswitch/platform';

import { compareTimer } from './compare.ts';
import type { CompareTimer } from './compare.ts';
import { counter, split, subtract } from './counter.ts';
import type { Counter } from './counter.ts';
import { eventStreams } from './event-stream.ts';
import type { EventStreams } from './event-stream.ts';

/** The generic timers' configuration. */
export interface GenericTimerConfig {
  /** 1 to 8. */
  readonly cpus: number;
  /** Of the system counter, in hertz: 1 to 10^9. 62.5 MHz, 16 ns per tick, when absent. */
  readonly frequency?: number;
  /** The Virtualization Host Extensions' EL2 virtual timer, CNTHV. Off when absent. */
  readonly vhe?: boolean;
  /** Sends a CPU the event that it waits for, or that came before its controls changed. */
  readonly signalEvent?: (cpu: number) => void;
}

/** The timers of a CPU, in the order of their registers' names. */
const timers = ['cntp', 'cntv', 'cnthp', 'cntps', 'cnthv'] as const;
type TimerName = (typeof timers)[number];
const indices = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** A timer's wire: `cntv0` is CPU 0's virtual timer. Those of CPUs and timers that are not there are never driven. */
export type TimerPin = `${TimerName}${(typeof indices)[number]}`;

/** A 64-bit register in a state: high and low half. */
type Pair = readonly number[];

/** The generic timers' saved state. */
export type GenericTimerState = Readonly<{ cpu: readonly CpuTimersState[] }>;

/** The saved state of one CPU's timers. */
export type CpuTimersState = Readonly<{
  CNTFRQ_EL0: number;
  CNTKCTL_EL1: number;
  CNTHCTL_EL2: number;
  CNTVOFF_EL2: Pair;
  /** The event streams: the counter when they were last looked at, and when a CPU that waits is told. */
  events: Readonly<{ seen: number; deadline: number | null }>;
  timer: readonly Readonly<{ CVAL: Pair; CTL: number; deadline: number | null }>[];
}>;

/** The generic timers of all CPUs. */
export interface GenericTimer extends Device<GenericTimerState> {
  /** The system registers, for the CPUs. */
  readonly bank: SystemRegisterBank;
}

/** The generic timers' type: what they have besides what all devices have. */
export interface GenericTimerType extends DeviceType<GenericTimerConfig, GenericTimerState, TimerPin> {
  /** Makes them. */
  create(config: GenericTimerConfig, wiring: Wiring<TimerPin>, state?: GenericTimerState): GenericTimer;
}

const pair = list(bits(), 2);

const DEFAULT_FREQUENCY = 62_500_000;

/** EL0PCTEN, EL0VCTEN, EVNTEN, EVNTDIR, EVNTI, EL0VTEN, EL0PTEN. */
const kernelControlBits = 0x3ff;

/** The generic timers of all CPUs. They have no memory-mapped registers. */
export const genericTimer: GenericTimerType = {
  compatible: 'arm,armv8-timer',
  regions: [],
  pins: timers.flatMap((name) => indices.map((i): TimerPin => `${name}${i}`)),
  state: stateCodec(
    2,
    record<GenericTimerState>({
      cpu: list(
        record<CpuTimersState>({
          CNTFRQ_EL0: bits(),
          CNTKCTL_EL1: bits(kernelControlBits),
          CNTHCTL_EL2: bits(0xfff),
          CNTVOFF_EL2: pair,
          events: record({ seen: uint(), deadline }),
          timer: list(record({ CVAL: pair, CTL: bits(3), deadline }), 4, 5),
        }),
        1,
        8,
      ),
    }),
  ),
  create,
  treeNode,
};

/** The PPIs to which Arm's systems connect the timers, from 0: interrupt IDs less 16 (BSA 3.8). */
export const timerInterrupts: Readonly<Record<TimerName, number>> = {
  cntp: 14,
  cntv: 11,
  cnthp: 10,
  cntps: 13,
  cnthv: 12,
};

/** One CPU's registers. */
interface Cpu {
  frequency: number;
  kernelControl: number;
  hypervisorControl: number;
  readonly virtualOffset: Word64;
  readonly timers: readonly CompareTimer[];
  readonly events: EventStreams;
}

/** What stands behind a register. */
interface Handler {
  readonly name: string;
  read(cpu: Cpu, out: Word64): void;
  write(cpu: Cpu, lo: number, hi: number): void;
}

function create(
  config: GenericTimerConfig,
  wiring: Wiring<TimerPin>,
  state?: GenericTimerState,
): GenericTimer {
  const { cpus, frequency = DEFAULT_FREQUENCY, vhe = false } = config;
  requireWithin('cpus', cpus, 8);
  requireWithin('frequency', frequency, 1_000_000_000);
  const system = counter(frequency);
  const names = vhe ? timers : timers.slice(0, 4);
  const all = indices.slice(0, cpus).map((i) => makeCpu(wiring, system, names, i, config));
  if (state !== undefined) restore(all, state, names.length);
  const handlers = registersOf(wiring, system, names, vhe);
  return {
    mmio: [],
    bank: {
      registers: handlers.map(({ name }) => name),
      id: { ID_PFR1_EL1: { GenTimer: 1 }, ID_AA64MMFR0_EL1: { ECV: 0 } },
      read(cpu, register, out) {
        out.lo = out.hi = 0;
        const [of, handler] = [all[cpu], handlers[register]];
        if (of !== undefined && handler !== undefined) handler.read(of, out);
      },
      write(cpu, register, lo, hi) {
        const [of, handler] = [all[cpu], handlers[register]];
        if (of !== undefined && handler !== undefined) handler.write(of, lo, hi);
      },
      events: {
        take: (cpu) => all[cpu]?.events.take() ?? false,
        wait: (cpu) => all[cpu]?.events.wait(),
      },
    },
    reset(phase) {
      for (const cpu of all) {
        if (phase === Reset.Enter) clear(cpu, frequency);
        if (phase === Reset.Hold) for (const timer of cpu.timers) timer.update();
      }
    },
    save: () => ({ cpu: all.map(save) }),
  };
}

function requireWithin(field: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new RangeError(`timer: ${field} must be 1 to ${most}, but is ${value}`);
}

function makeCpu(
  wiring: Wiring<TimerPin>,
  system: Counter,
  names: readonly TimerName[],
  index: (typeof indices)[number],
  { signalEvent, frequency = DEFAULT_FREQUENCY }: GenericTimerConfig,
): Cpu {
  const none: Word64 = { lo: 0, hi: 0 };
  const virtualOffset: Word64 = { lo: 0, hi: 0 };
  const made = names.map((name) =>
    compareTimer(
      wiring.clock,
      system,
      name === 'cntv' ? virtualOffset : none,
      wiring.line(`${name}${index}`),
    ),
  );
  const controls = { frequency, kernelControl: 0, hypervisorControl: 0, virtualOffset, timers: made };
  const events = eventStreams(wiring.clock, system, controls, () => signalEvent?.(index));
  const cpu: Cpu = Object.assign(controls, { events });
  clear(cpu, frequency);
  return cpu;
}

/** Back to reset, where the architecture leaves most unknown. CNTHCTL_EL2 lets EL1 use the physical timer, as without EL2. */
function clear(cpu: Cpu, frequency: number): void {
  cpu.frequency = frequency;
  cpu.kernelControl = 0;
  cpu.hypervisorControl = 3;
  cpu.virtualOffset.lo = cpu.virtualOffset.hi = 0;
  for (const timer of cpu.timers) timer.clear();
  cpu.events.clear();
}

function save(cpu: Cpu): CpuTimersState {
  return {
    CNTFRQ_EL0: cpu.frequency,
    CNTKCTL_EL1: cpu.kernelControl,
    CNTHCTL_EL2: cpu.hypervisorControl,
    CNTVOFF_EL2: [cpu.virtualOffset.hi, cpu.virtualOffset.lo],
    events: { seen: cpu.events.seen, deadline: savedDeadline(cpu.events.timer.deadline) },
    timer: cpu.timers.map(({ cval, control, timer }) => ({
      CVAL: [cval.hi, cval.lo],
      CTL: control,
      deadline: savedDeadline(timer.deadline),
    })),
  };
}

function restore(all: readonly Cpu[], state: GenericTimerState, count: number): void {
  const requireLength = (field: string, given: number, wanted: number): void => {
    if (given !== wanted) throw new StateError(field, `must have ${wanted} elements here, but has ${given}`);
  };
  requireLength('cpu', state.cpu.length, all.length);
  state.cpu.forEach((from, i) => {
    requireLength(`cpu[${i}].timer`, from.timer.length, count);
  });
  const set = (to: Word64, [hi = 0, lo = 0]: Pair): void => {
    to.hi = hi;
    to.lo = lo;
  };
  all.forEach((cpu, i) => {
    const from = state.cpu[i];
    if (from === undefined) return;
    cpu.frequency = from.CNTFRQ_EL0;
    cpu.kernelControl = from.CNTKCTL_EL1;
    cpu.hypervisorControl = from.CNTHCTL_EL2;
    set(cpu.virtualOffset, from.CNTVOFF_EL2);
    cpu.events.restore(from.events.seen, from.events.deadline);
    cpu.timers.forEach((timer, k) => {
      const saved = from.timer[k];
      if (saved === undefined) return;
      set(timer.cval, saved.CVAL);
      timer.control = saved.CTL;
      timer.restore(saved.deadline);
    });
  });
}

/** All registers that the bank has. Who may access them is the CPU's table's business. */
function registersOf(
  { clock }: Wiring<TimerPin>,
  system: Counter,
  names: readonly TimerName[],
  vhe: boolean,
): readonly Handler[] {
  const hypervisorControlBits = vhe ? 0xfff : 0xff;
  return [
    {
      name: 'CNTPCT_EL0',
      read: (_, out) => {
        split(system.at(clock.now), out);
      },
      write: () => undefined,
    },
    {
      name: 'CNTVCT_EL0',
      read: (cpu, out) => {
        split(system.at(clock.now), out);
        subtract(out, cpu.virtualOffset, out);
      },
      write: () => undefined,
    },
    {
      name: 'CNTFRQ_EL0',
      read: (cpu, out) => void (out.lo = cpu.frequency),
      write: (cpu, lo) => void (cpu.frequency = lo),
    },
    {
      name: 'CNTKCTL_EL1',
      read: (cpu, out) => void (out.lo = cpu.kernelControl),
      write(cpu, lo) {
        cpu.events.changing();
        cpu.kernelControl = lo & kernelControlBits;
      },
    },
    {
      name: 'CNTHCTL_EL2',
      read: (cpu, out) => void (out.lo = cpu.hypervisorControl),
      write(cpu, lo) {
        cpu.events.changing();
        cpu.hypervisorControl = lo & hypervisorControlBits;
      },
    },
    {
      name: 'CNTVOFF_EL2',
      read: (cpu, out) => {
        out.lo = cpu.virtualOffset.lo;
        out.hi = cpu.virtualOffset.hi;
      },
      write: (cpu, lo, hi) => {
        cpu.events.changing();
        cpu.virtualOffset.lo = lo;
        cpu.virtualOffset.hi = hi;
        cpu.timers[timers.indexOf('cntv')]?.update();
      },
    },
    ...names.flatMap((name, index) => timerRegisters(name, index)),
  ];
}

/** The exception level in the names of a timer's registers. */
const levels: Readonly<Record<TimerName, string>> = {
  cntp: 'EL0',
  cntv: 'EL0',
  cnthp: 'EL2',
  cntps: 'EL1',
  cnthv: 'EL2',
};

/** CNTx_CTL, CNTx_CVAL and CNTx_TVAL of one timer. */
function timerRegisters(name: TimerName, index: number): readonly Handler[] {
  const register = (
    kind: string,
    read: (timer: CompareTimer, out: Word64) => void,
    write: (timer: CompareTimer, lo: number, hi: number) => void,
  ): Handler => ({
    name: `${name.toUpperCase()}_${kind}_${levels[name]}`,
    read: ({ timers: own }, out) => {
      const timer = own[index];
      if (timer !== undefined) read(timer, out);
    },
    write: ({ timers: own }, lo, hi) => {
      const timer = own[index];
      if (timer === undefined) return;
      write(timer, lo, hi);
      timer.update();
    },
  });
  return [
    register(
      'CTL',
      (timer, out) => void (out.lo = timer.readControl()),
      (timer, lo) => void (timer.control = lo & 3),
    ),
    register(
      'CVAL',
      (timer, out) => {
        out.lo = timer.cval.lo;
        out.hi = timer.cval.hi;
      },
      (timer, lo, hi) => {
        timer.cval.lo = lo;
        timer.cval.hi = hi;
      },
    ),
    register(
      'TVAL',
      (timer, out) => void (out.lo = timer.readValue()),
      (timer, lo) => {
        timer.writeValue(lo | 0);
      },
    ),
  ];
}

/** The node as Linux's binding has it: the secure, non-secure, virtual, EL2 and where there is one EL2 virtual timer. */
function treeNode(config: GenericTimerConfig, at: Placement<TimerPin>): TreeNode {
  const pins: readonly TimerPin[] = [
    'cntps0',
    'cntp0',
    'cntv0',
    'cnthp0',
    ...(config.vhe === true ? (['cnthv0'] as const) : []),
  ];
  return {
    name: 'timer',
    properties: {
      compatible: ['arm,armv8-timer', 'arm,armv7-timer'],
      'always-on': true,
      interrupts: pins.flatMap((pin) => at.interrupt(pin)),
    },
  };
}
