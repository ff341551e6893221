// GICv2m: a frame to which devices write messages, each of which pulses a shared peripheral interrupt of the GIC
// (Arm Server Base System Architecture, appendix on GICv2m).

import { registerTable, Reset, stateCodec, record } from '@worldswitch/platform';
import type {
  Device,
  DeviceType,
  Placement,
  Register,
  StateCodec,
  TreeNode,
  Wiring,
} from '@worldswitch/platform';

/** A frame's configuration. */
export interface GicV2mConfig {
  /** The first of its shared interrupts, as device trees number them; 48 when absent, as on QEMU's `virt`. */
  readonly firstSpi?: number;
  /** How many, 1 to 127; 64 when absent. */
  readonly count?: number;
}

/** A message's interrupt: `msi0` pulses the first SPI of the frame. Those beyond the configuration's count are never driven. */
export type GicV2mPin = `msi${number}`;

/** A frame has no state: a message is gone when it has pulsed its wire. */
export type GicV2mState = Readonly<Record<string, never>>;

/** A GICv2m frame's type. */
export type GicV2mType = DeviceType<GicV2mConfig, GicV2mState, GicV2mPin>;

const frameSize = 0x1000;
const mostMessages = 127;

interface Range {
  readonly firstSpi: number;
  readonly count: number;
}

/** Fills in what is absent; throws a RangeError that names the field. */
function range({ firstSpi = 48, count = 64 }: GicV2mConfig): Range {
  const within = (field: string, value: number, low: number, high: number): void => {
    if (Number.isInteger(value) && value >= low && value <= high) return;
    throw new RangeError(`gic-v2m: ${field} must be ${low} to ${high}, but is ${value}`);
  };
  within('count', count, 1, mostMessages);
  within('firstSpi', firstSpi, 0, 988 - count);
  return { firstSpi, count };
}

interface Host extends Range {
  pulse(message: number): void;
}

const rows: readonly Register<Host>[] = [
  {
    name: 'MSI_TYPER',
    offset: 0x008,
    access: 'RO',
    about: 'the first interrupt ID and how many there are',
    fields: { BASE: [25, 16], NUM: [9, 0] },
    read: ({ firstSpi, count }) => ((firstSpi + 32) << 16) | count,
  },
  {
    name: 'MSI_SETSPI_NS',
    offset: 0x040,
    access: 'WO',
    about: 'a message: pulses the interrupt with this ID',
    fields: { SPI: [9, 0] },
    read: () => 0,
    write: (host, value) => {
      host.pulse((value & 0x3ff) - 32 - host.firstSpi);
    },
  },
  {
    name: 'MSI_IIDR',
    offset: 0xfcc,
    access: 'RO',
    about: 'identification',
    fields: { ProductID: [31, 20], ArchRev: [19, 16], Revision: [15, 12], Implementer: [11, 0] },
    read: () => 0x43b,
  },
];

const table = registerTable(rows);
const codec: StateCodec<GicV2mState> = stateCodec(1, record<GicV2mState>({}));

/** A GICv2m frame beside a GICv2. Its interrupts are edge-triggered: the GIC must be configured so. */
export const gicV2m: GicV2mType = {
  compatible: 'arm,gic-v2m-frame',
  regions: [{ name: 'MSI', size: frameSize, widths: [4], registers: table.registers }],
  pins: Array.from({ length: mostMessages }, (_, i): GicV2mPin => `msi${i}`),
  state: codec,
  create,
  treeNode,
};

function create(config: GicV2mConfig, wiring: Wiring<GicV2mPin>): Device<GicV2mState> {
  const is = range(config);
  const lines = Array.from({ length: is.count }, (_, i) => wiring.line(`msi${i}`));
  const host: Host = {
    ...is,
    pulse(message) {
      lines[message]?.set(true);
      lines[message]?.set(false);
    },
  };
  return {
    mmio: [table.mmio(host, new Uint32Array(0), wiring.trace)],
    reset(phase) {
      if (phase !== Reset.Hold) return;
      for (const line of lines) if (line.level) line.set(false);
    },
    save: () => ({}),
  };
}

/** A node of its own, or a child of the GIC's as on QEMU's `virt`: Linux takes either. The label is `v2m`. */
function treeNode(_: GicV2mConfig, at: Placement<GicV2mPin>): TreeNode {
  const [base] = at.bases;
  if (base === undefined) throw new RangeError('gic-v2m: a base address is needed');
  return {
    name: `v2m@${base.toString(16)}`,
    label: 'v2m',
    below: 'gic',
    properties: {
      compatible: gicV2m.compatible,
      'msi-controller': true,
      reg: [{ u64: base }, { u64: frameSize }],
    },
  };
}
