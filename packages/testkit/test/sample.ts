// A small device with everything that a device can have (registers, a timer, DMA, a wire, a back end), and its sick twins.

import {
  deadline,
  record,
  registerTable,
  Reset,
  savedDeadline,
  stateCodec,
  uint,
} from '@worldswitch/platform';
import type {
  CellState,
  Device,
  DeviceType,
  InterruptLine,
  Iova,
  Register,
  Timer,
  Wiring,
} from '@worldswitch/platform';

export type Bug =
  | 'throws at an offset'
  | 'gives a signed result'
  | 'gives more than the width'
  | 'counts in a global'
  | 'draws by chance'
  | 'reads the host clock'
  | 'forgets a field in save'
  | 'forgets the deadline'
  | 'derives the deadline anew'
  | 'moves its wire in Enter'
  | 'forgets a field in reset'
  | 'leaves its timer running at reset'
  | 'accepts any state'
  | 'accepts a state with a missing field'
  | 'throws a plain error at a bad state'
  | 'arms before it checks'
  | 'saves NaN'
  | 'changes when saved'
  | 'drives its wire when made'
  | 'behaves differently when traced'
  | 'keeps a secret';

export type SampleState = Readonly<{
  registers: CellState;
  received: number;
  history: readonly number[];
  expires: number | null;
}>;

export interface Sample extends Device<SampleState> {
  receive(byte: number): void;
}

export interface SampleConfig {
  write(byte: number): void;
}

interface Host {
  readonly cells: Uint32Array;
  readonly timer: Timer;
  readonly line: InterruptLine;
  readonly wiring: Wiring<'irq'>;
  readonly config: SampleConfig;
  readonly bug: Bug | undefined;
  history: number[];
  received: number;
  secret: number;
}

let global = 0;

const rows: readonly Register<Host>[] = [
  {
    name: 'CONTROL',
    offset: 0,
    access: 'RW',
    about: 'enables the interrupt',
    reset: 1,
    mask: 3,
    written: wire,
  },
  {
    name: 'DATA',
    offset: 4,
    access: 'RW',
    about: 'what was received; writes transmit',
    read: (host) => {
      if (host.bug === 'counts in a global') return global++;
      if (host.bug === 'draws by chance') return Math.floor(Math.random() * 4);
      if (host.bug === 'reads the host clock') return Date.now() & 0xff;
      if (host.bug === 'keeps a secret') return host.secret++;
      if (host.bug === 'behaves differently when traced') return host.wiring.trace.on === 0 ? 0 : 1;
      return host.received;
    },
    write: (host, value) => {
      host.config.write(value & 0xff);
      host.history = [...host.history.slice(-3), value & 0xff];
    },
  },
  {
    name: 'DELAY',
    offset: 8,
    access: 'RW',
    about: 'counts down in microseconds',
    reset: 0,
    mask: 0xffff_ffff,
    written: (host) => {
      host.timer.armAt(host.wiring.clock.now + 1 + 1000 * (host.cells[delay] ?? 0));
    },
  },
  {
    name: 'FETCH',
    offset: 12,
    access: 'WO',
    about: 'loads a word by DMA',
    write: (host, value) => {
      const out = { lo: 0, hi: 0 };
      host.wiring.dma.load((value & 0xfffc) as Iova, 4, out);
      host.received = out.lo & 0xff;
    },
  },
];

const table = registerTable<Host>(rows);
const control = table.cell('CONTROL');
const delay = table.cell('DELAY');

function wire(host: Host): void {
  host.line.set((host.cells[control] ?? 0) === 3);
}

const shape = record<SampleState>({
  registers: table.shape,
  received: uint(0xff),
  history: { check: (from, path) => historyShape(from, path) },
  expires: deadline,
});

function historyShape(from: unknown, path: string): readonly number[] {
  if (!Array.isArray(from) || from.length > 4) return uint().check(null, path) as never;
  return from.map((byte: unknown, i) => uint(0xff).check(byte as number, `${path}[${i}]`));
}

/** The sample, or one of its sick twins. */
export function sample(bug?: Bug): Omit<DeviceType<SampleConfig, SampleState, 'irq'>, 'create'> & {
  create(config: SampleConfig, wiring: Wiring<'irq'>, state?: SampleState): Sample;
} {
  const codec = stateCodec(1, shape);
  return {
    compatible: 'worldswitch,sample',
    regions: [{ name: 'registers', size: 0x100, widths: [1, 2, 4], registers: table.registers }],
    pins: ['irq'],
    state: {
      version: 1,
      parse(from, version) {
        if (bug === 'accepts any state' || bug === 'arms before it checks') return from as SampleState;
        if (bug === 'accepts a state with a missing field') {
          return codec.parse({ ...{ received: 0 }, ...(from as Partial<SampleState>) }, version);
        }
        if (bug === 'throws a plain error at a bad state') {
          try {
            return codec.parse(from, version);
          } catch {
            throw new Error('bad state');
          }
        }
        if (bug === 'saves NaN') return from as SampleState;
        return codec.parse(from, version);
      },
    },
    create: (config, wiring, state) => make(config, wiring, state, bug),
  };
}

function make(
  config: SampleConfig,
  wiring: Wiring<'irq'>,
  state: SampleState | undefined,
  bug: Bug | undefined,
): Sample {
  const host: Host = {
    cells: table.powerUp(),
    line: wiring.line('irq'),
    timer: wiring.clock.timer(() => {
      host.received = (host.received + 1) & 0xff;
      host.line.set(true);
    }),
    wiring,
    config,
    bug,
    history: [],
    received: 0,
    secret: 0,
  };
  if (bug === 'drives its wire when made') host.line.set(true);
  if (state !== undefined) restore(host, state);
  const mmio = table.mmio(host, host.cells, wiring.trace);
  return {
    mmio: [
      {
        read(offset, width, by) {
          if (bug === 'throws at an offset' && offset === 0x41) throw new Error('bad offset');
          const value = mmio.read(offset, width, by);
          if (bug === 'gives a signed result') return value | 0;
          return bug === 'gives more than the width' && width === 1 ? value + 256 : value;
        },
        write: (offset, width, value, by) => {
          mmio.write(offset, width, value, by);
        },
      },
    ],
    receive: (byte) => {
      host.received = byte & 0xff;
    },
    reset(phase) {
      if (phase === Reset.Enter) enter(host);
      if (phase === Reset.Hold) host.line.set(false);
    },
    save: () => save(host),
  };
}

function enter(host: Host): void {
  table.reset(host.cells);
  if (host.bug !== 'forgets a field in reset') host.received = 0;
  host.history = [];
  host.secret = 0;
  if (host.bug !== 'leaves its timer running at reset') host.timer.cancel();
  if (host.bug === 'moves its wire in Enter') host.line.set(false);
}

function save(host: Host): SampleState {
  if (host.bug === 'changes when saved') host.received = (host.received + 1) & 0xff;
  const state = {
    registers: table.save(host.cells),
    received: host.bug === 'saves NaN' ? NaN : host.received,
    history: [...host.history],
    expires: host.bug === 'forgets the deadline' ? null : savedDeadline(host.timer.deadline),
  };
  return host.bug === 'forgets a field in save' ? { ...state, received: 0 } : state;
}

function restore(host: Host, state: SampleState): void {
  if (host.bug === 'arms before it checks') {
    host.timer.armAt(host.wiring.clock.now + 5);
    shape.check(state, '');
  }
  table.restore(host.cells, state.registers);
  host.received = state.received;
  host.history = [...state.history];
  if (state.expires === null) return;
  const anew = host.wiring.clock.now + 1000 * (host.cells[delay] ?? 0);
  host.timer.armAt(host.bug === 'derives the deadline anew' ? anew : state.expires);
}
