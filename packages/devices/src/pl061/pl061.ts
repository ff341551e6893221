// PL061: eight general-purpose pins, each an input or an output, with interrupts of inputs (DDI 0190B).

import { bits, identification, record, registerTable, Reset, stateCodec } from '@worldswitch/platform';
import type {
  CellState,
  Device,
  DeviceType,
  InterruptLine,
  Placement,
  Register,
  TreeNode,
  Wiring,
} from '@worldswitch/platform';

/** A PL061's configuration. */
export interface Pl061Config {
  /** Takes the level at which the device drives a pin: `undefined` where the pin is an input, and at reset. */
  readonly drive?: (pin: number, level: boolean | undefined) => void;
}

/** A PL061's saved state. */
export type Pl061State = Readonly<{
  registers: CellState;
  /** Levels of what is connected to the pins. */
  inputs: number;
  /** Output levels: the last bits written to GPIODATA while their pins were outputs. */
  outputs: number;
  /** Edges that were seen and not cleared. */
  edges: number;
}>;

/** A pin's number, as the name of an input. */
export type Pl061Input = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7';

/** A PL061: what it has besides what all devices have. */
export interface Pl061 extends Device<Pl061State> {
  /** The wire from outside to a pin. A pin that is an output does not look at it. */
  input(pin: string): InterruptLine;
}

/** The PL061's type. */
export interface Pl061Type extends DeviceType<Pl061Config, Pl061State, 'irq'> {
  readonly inputs: readonly Pl061Input[];
  create(config: Pl061Config, wiring: Wiring<'irq'>, state?: Pl061State): Pl061;
}

const PINS = ['0', '1', '2', '3', '4', '5', '6', '7'] as const;

/** What the registers act on. */
interface Host {
  readonly cells: Uint32Array;
  readonly config: Pl061Config;
  readonly irq: InterruptLine;
  inputs: number;
  outputs: number;
  edges: number;
}

/** GPIODIR. */
const directions = ({ cells }: Host): number => cells[dir] ?? 0;

/** The levels of the pins themselves: GPIODATA under a mask of ones. */
function levels(host: Host): number {
  const out = directions(host);
  return (host.outputs & out) | (host.inputs & ~out);
}

/** GPIORIS: the level that GPIOIEV selects where GPIOIS says so, else edges. */
function raw(host: Host): number {
  const { cells } = host;
  const sensitive = cells[is] ?? 0;
  return (~(levels(host) ^ (cells[iev] ?? 0)) & sensitive) | (host.edges & ~sensitive);
}

const masked = (host: Host): number => raw(host) & (host.cells[ie] ?? 0);

function update(host: Host): void {
  host.irq.set(masked(host) !== 0);
}

/** The pins of `which` are driven in another way, or no longer. */
function driven(host: Host, which: number): void {
  const { drive } = host.config;
  if (drive === undefined) return;
  const out = directions(host);
  for (let pin = 0; pin < 8; pin++) {
    const bit = 1 << pin;
    if ((which & bit) !== 0) drive(pin, (out & bit) === 0 ? undefined : (host.outputs & bit) !== 0);
  }
}

/** A pin's outside has another level, which is an edge where the pin is an input. */
function inputChanged(host: Host, bit: number, level: boolean): void {
  host.inputs = level ? host.inputs | bit : host.inputs & ~bit;
  const { cells } = host;
  if ((directions(host) & bit) === 0) {
    const both = cells[ibe] ?? 0;
    const rising = ((cells[iev] ?? 0) & bit) !== 0;
    // A pin that interrupts by its level has no edges to remember.
    if (((cells[is] ?? 0) & bit) === 0 && ((both & bit) !== 0 || rising === level)) host.edges |= bit;
  }
  update(host);
}

/** GPIODATA: address bits 9:2 are the mask of the bits that an access concerns, and only outputs take what is written. */
function writeData(host: Host, value: number, mask: number): void {
  const before = host.outputs;
  const changes = mask & directions(host);
  host.outputs = (before & ~changes) | (value & changes);
  driven(host, before ^ host.outputs);
  update(host);
}

/** A register of one bit for each pin, which only holds what is written. */
const held = (name: string, offset: number, about: string): Register<Host> => ({
  name,
  offset,
  access: 'RW',
  about,
  fields: { [name.slice(4)]: [7, 0] },
  reset: 0,
  mask: 0xff,
  written: update,
});

const rows: readonly Register<Host>[] = [
  {
    name: 'GPIODATA',
    offset: 0x000,
    words: 256,
    access: 'RW',
    about:
      'levels of the pins whose bits in the address, 9:2, are set; the others read as zero and keep theirs',
    fields: { DATA: [7, 0] },
    read: (host, mask) => levels(host) & mask,
    write: (host, value, lanes, mask) => {
      writeData(host, value, mask & lanes);
    },
  },
  {
    ...held('GPIODIR', 0x400, 'pins that are outputs'),
    write: (host, value, lanes) => {
      const before = directions(host);
      host.cells[dir] = (before & ~lanes) | (value & lanes & 0xff);
      driven(host, before ^ directions(host));
      update(host);
    },
  },
  held('GPIOIS', 0x404, 'pins that interrupt by a level, not by an edge'),
  held('GPIOIBE', 0x408, 'of those that interrupt by an edge, the ones that do by both'),
  held('GPIOIEV', 0x40c, 'pins that interrupt by a rising edge or the high level, not by the others'),
  held('GPIOIE', 0x410, 'pins whose interrupts reach GPIOINTR'),
  {
    name: 'GPIORIS',
    offset: 0x414,
    access: 'RO',
    about: 'pins that have a reason to interrupt',
    fields: { RIS: [7, 0] },
    read: raw,
  },
  {
    name: 'GPIOMIS',
    offset: 0x418,
    access: 'RO',
    about: 'pins that interrupt',
    fields: { MIS: [7, 0] },
    read: masked,
  },
  {
    name: 'GPIOIC',
    offset: 0x41c,
    access: 'WO',
    about: 'clears edges',
    fields: { IC: [7, 0] },
    write: (host, value) => {
      host.edges &= ~value;
      update(host);
    },
  },
  held('GPIOAFSEL', 0x420, 'pins that other hardware drives: held, as there is none'),
  ...identification<Host>(0xfe0, 'GPIOPeriphID', [0x61, 0x10, 0x04, 0x00]),
  ...identification<Host>(0xff0, 'GPIOPCellID', [0x0d, 0xf0, 0x05, 0xb1]),
];

const registers = registerTable(rows);
const dir = registers.cell('GPIODIR');
const is = registers.cell('GPIOIS');
const ibe = registers.cell('GPIOIBE');
const iev = registers.cell('GPIOIEV');
const ie = registers.cell('GPIOIE');

/** Arm's PrimeCell general-purpose input and output. */
export const pl061: Pl061Type = {
  compatible: 'arm,pl061',
  regions: [{ name: 'GPIO', size: 0x1000, widths: [1, 2, 4], registers: registers.registers }],
  pins: ['irq'],
  inputs: PINS,
  state: stateCodec(
    1,
    record<Pl061State>({
      registers: registers.shape,
      inputs: bits(0xff),
      outputs: bits(0xff),
      edges: bits(0xff),
    }),
  ),
  create,
  treeNode,
};

function create(config: Pl061Config, wiring: Wiring<'irq'>, state?: Pl061State): Pl061 {
  const host: Host = {
    cells: registers.powerUp(),
    config,
    irq: wiring.line('irq'),
    inputs: state?.inputs ?? 0,
    outputs: state?.outputs ?? 0,
    edges: state?.edges ?? 0,
  };
  if (state !== undefined) {
    registers.restore(host.cells, state.registers);
    update(host);
  }
  const wires = PINS.map((_, pin): InterruptLine => {
    const bit = 1 << pin;
    return {
      get level() {
        return (host.inputs & bit) !== 0;
      },
      set(level) {
        if (level !== ((host.inputs & bit) !== 0)) inputChanged(host, bit, level);
      },
    };
  });
  // Outputs until a reset that has begun.
  let letGo = 0;
  return {
    mmio: [registers.mmio(host, host.cells, wiring.trace)],
    input: (pin) => {
      const wire = wires[PINS.findIndex((name) => name === pin)];
      if (wire === undefined) throw new RangeError(`pl061: there is no pin ${pin}`);
      return wire;
    },
    reset(phase) {
      if (phase === Reset.Enter) {
        letGo = directions(host);
        registers.reset(host.cells);
        host.outputs = host.edges = 0;
      }
      if (phase === Reset.Hold) {
        driven(host, letGo);
        letGo = 0;
        update(host);
      }
    },
    save: () => ({
      registers: registers.save(host.cells),
      inputs: host.inputs,
      outputs: host.outputs,
      edges: host.edges,
    }),
  };
}

/** The node as Linux's binding has it, `pl061-gpio.yaml`. */
function treeNode(_config: Pl061Config, at: Placement<'irq'>): TreeNode {
  const base = at.bases[0] ?? 0;
  return {
    name: `pl061@${base.toString(16)}`,
    ...(at.label !== undefined && { label: at.label }),
    properties: {
      compatible: ['arm,pl061', 'arm,primecell'],
      reg: [{ u64: base }, { u64: 0x1000 }],
      interrupts: at.interrupt('irq'),
      'gpio-controller': true,
      '#gpio-cells': [2],
      clocks: [{ ref: at.fixedClock(24_000_000) }],
      'clock-names': ['apb_pclk'],
    },
  };
}
