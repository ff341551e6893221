// PL031: a clock of seconds with an alarm (DDI 0224). Its time is a recorded start plus virtual time, never the host's.

import {
  bits,
  deadline,
  flag,
  identification,
  record,
  registerTable,
  Reset,
  savedDeadline,
  stateCodec,
} from '@worldswitch/platform';
import type {
  CellState,
  Device,
  DeviceType,
  Placement,
  Register,
  Timer,
  TreeNode,
  Wiring,
} from '@worldswitch/platform';

/** A PL031's configuration. */
export interface Pl031Config {
  /** Seconds since 1970 at virtual time 0, below 2^32; recorded with the run. */
  readonly start: number;
}

/** A PL031's saved state. */
export type Pl031State = Readonly<{
  registers: CellState;
  /** Seconds that the counter is ahead of virtual time, modulo 2^32. */
  offset: number;
  /** RTCRIS. */
  raw: boolean;
  /** When the alarm is due. */
  alarm: number | null;
}>;

/** What the registers act on. */
interface Host {
  readonly cells: Uint32Array;
  readonly wiring: Wiring<'irq'>;
  readonly alarm: Timer;
  offset: number;
  raw: boolean;
}

const second = 1_000_000_000;

/** Seconds of virtual time, modulo 2^32. */
const elapsed = ({ wiring }: Host): number => Math.floor(wiring.clock.now / second) >>> 0;

/** RTCDR. */
const time = (host: Host): number => (elapsed(host) + host.offset) >>> 0;

function update(host: Host): void {
  host.wiring.line('irq').set(host.raw && (host.cells[imsc] ?? 0) !== 0);
}

/** Sets the alarm for when the counter next equals RTCMR: at once where it does now. */
function setAlarm(host: Host): void {
  const wait = ((host.cells[match] ?? 0) - time(host)) >>> 0;
  if (wait === 0) ring(host);
  else host.alarm.armAt((Math.floor(host.wiring.clock.now / second) + wait) * second);
}

function ring(host: Host): void {
  host.alarm.cancel();
  host.raw = true;
  update(host);
}

const rows: readonly Register<Host>[] = [
  { name: 'RTCDR', offset: 0x000, access: 'RO', about: 'seconds', read: time },
  {
    name: 'RTCMR',
    offset: 0x004,
    access: 'RW',
    about: 'seconds at which the alarm rings',
    reset: 0,
    mask: 0xffff_ffff,
    written: setAlarm,
  },
  {
    name: 'RTCLR',
    offset: 0x008,
    access: 'RW',
    about: 'sets the seconds',
    reset: 0,
    mask: 0xffff_ffff,
    written: (host) => {
      host.offset = ((host.cells[load] ?? 0) - elapsed(host)) >>> 0;
      setAlarm(host);
    },
  },
  {
    name: 'RTCCR',
    offset: 0x00c,
    access: 'RW',
    about: 'started: always, as if by firmware; nothing stops it',
    fields: { Start: [0, 0] },
    reset: 1,
  },
  {
    name: 'RTCIMSC',
    offset: 0x010,
    access: 'RW',
    about: 'lets the alarm interrupt',
    fields: { RTCIMSC: [0, 0] },
    reset: 0,
    mask: 1,
    written: update,
  },
  {
    name: 'RTCRIS',
    offset: 0x014,
    access: 'RO',
    about: 'the alarm has rung',
    fields: { RTCRIS: [0, 0] },
    read: (host) => Number(host.raw),
  },
  {
    name: 'RTCMIS',
    offset: 0x018,
    access: 'RO',
    about: 'the alarm interrupts',
    fields: { RTCMIS: [0, 0] },
    read: (host) => (host.raw ? (host.cells[imsc] ?? 0) : 0),
  },
  {
    name: 'RTCICR',
    offset: 0x01c,
    access: 'WO',
    about: 'clears the alarm',
    fields: { RTCICR: [0, 0] },
    write: (host, value) => {
      if ((value & 1) !== 0) host.raw = false;
      update(host);
    },
  },
  ...identification<Host>(0xfe0, 'RTCPeriphID', [0x31, 0x10, 0x04, 0x00]),
  ...identification<Host>(0xff0, 'RTCPCellID', [0x0d, 0xf0, 0x05, 0xb1]),
];

const registers = registerTable(rows);
const match = registers.cell('RTCMR');
const load = registers.cell('RTCLR');
const imsc = registers.cell('RTCIMSC');

/** Arm's PrimeCell real-time clock. */
export const pl031: DeviceType<Pl031Config, Pl031State, 'irq'> = {
  compatible: 'arm,pl031',
  regions: [{ name: 'RTC', size: 0x1000, widths: [4], registers: registers.registers }],
  pins: ['irq'],
  state: stateCodec(
    1,
    record<Pl031State>({ registers: registers.shape, offset: bits(), raw: flag, alarm: deadline }),
  ),
  create,
  treeNode,
};

function create({ start }: Pl031Config, wiring: Wiring<'irq'>, state?: Pl031State): Device<Pl031State> {
  if (!Number.isInteger(start) || start < 0 || start > 0xffff_ffff) {
    throw new RangeError(`pl031: start must be a number of seconds below 2^32, but is ${start}`);
  }
  const host: Host = {
    cells: registers.powerUp(),
    wiring,
    alarm: wiring.clock.timer(() => {
      ring(host);
    }),
    offset: start,
    raw: false,
  };
  if (state !== undefined) {
    registers.restore(host.cells, state.registers);
    host.offset = state.offset;
    host.raw = state.raw;
    update(host);
    if (state.alarm !== null) host.alarm.armAt(state.alarm);
  }
  return {
    mmio: [registers.mmio(host, host.cells, wiring.trace)],
    reset(phase) {
      if (phase === Reset.Enter) {
        registers.reset(host.cells);
        host.offset = start;
        host.raw = false;
        host.alarm.cancel();
      }
      if (phase === Reset.Hold) update(host);
    },
    save: () => ({
      registers: registers.save(host.cells),
      offset: host.offset,
      raw: host.raw,
      alarm: savedDeadline(host.alarm.deadline),
    }),
  };
}

/** The node as Linux's binding has it, `arm,pl031.yaml`. */
function treeNode(_config: Pl031Config, at: Placement<'irq'>): TreeNode {
  const base = at.bases[0] ?? 0;
  return {
    name: `pl031@${base.toString(16)}`,
    properties: {
      compatible: ['arm,pl031', 'arm,primecell'],
      reg: [{ u64: base }, { u64: 0x1000 }],
      interrupts: at.interrupt('irq'),
      clocks: [{ ref: at.fixedClock(24_000_000) }],
      'clock-names': ['apb_pclk'],
    },
  };
}
