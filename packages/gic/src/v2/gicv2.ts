// The GICv2 as a device: four register blocks, wires in, and the pins of each CPU out (IHI 0048B).

import { Fault, Reset } from '@worldswitch/platform';
import type {
  Device,
  DeviceType,
  InterruptLine,
  Mmio,
  Placement,
  TreeNode,
  Wiring,
} from '@worldswitch/platform';

import { features, maintenanceInterrupt } from './config.ts';
import type { Features, GicV2Config } from './config.ts';
import { Control, signalled } from './cpu-interface.ts';
import { gicc } from './gicc.ts';
import { gicd } from './gicd.ts';
import { gich } from './gich.ts';
import { gicv } from './gicv.ts';
import type { Host } from './host.ts';
import { drive, inGroup1, isSet, spurious } from './interrupts.ts';
import { gicState, gicV2Codec, resetState, restoreState, saveState } from './state.ts';
import type { Gic, GicV2State } from './state.ts';
import { needsMaintenance, virtualPins } from './virtual.ts';

const indices = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const kinds = ['irq', 'fiq', 'virq', 'vfiq'] as const;

/** A CPU's interrupt pin: `irq0` is CPU 0's IRQ. Those of CPUs that the configuration has not are never driven. */
export type GicPin = `${(typeof kinds)[number]}${(typeof indices)[number]}`;

/** A GICv2. */
export interface GicV2 extends Device<GicV2State> {
  /** Where other devices' wires end. */
  readonly inputs: GicInputs;
}

/** The wires into a GIC, numbered as in a device tree. */
export interface GicInputs {
  /**
   * A shared peripheral interrupt.
   *
   * @param n - from 0: interrupt ID 32 + n
   * @throws RangeError where the GIC has no such interrupt
   */
  spi(n: number): InterruptLine;
  /**
   * A private peripheral interrupt of a CPU.
   *
   * @param cpu - its index
   * @param n - 0 to 15: interrupt ID 16 + n
   * @throws RangeError where there is none, or the GIC itself drives it (the maintenance interrupt, 9)
   */
  ppi(cpu: number, n: number): InterruptLine;
}

/** A GICv2's type: what its devices have besides what all devices have. */
export interface GicV2Type extends DeviceType<GicV2Config, GicV2State, GicPin> {
  /** Makes one. */
  create(config: GicV2Config, wiring: Wiring<GicPin>, state?: GicV2State): GicV2;
}

const blockSize = 0x1_0000;

/** A GICv2 as in a GIC-400: distributor, CPU interface, virtual interface control, virtual CPU interface. */
export const gicV2: GicV2Type = {
  compatible: 'arm,cortex-a15-gic',
  regions: [
    { name: 'GICD', size: blockSize, widths: [1, 4], registers: gicd.registers },
    { name: 'GICC', size: blockSize, widths: [4], registers: gicc.registers },
    { name: 'GICH', size: blockSize, widths: [4], registers: gich.registers },
    { name: 'GICV', size: blockSize, widths: [4], registers: gicv.registers },
  ],
  pins: kinds.flatMap((kind) => indices.map((i): GicPin => `${kind}${i}`)),
  state: gicV2Codec,
  create,
  treeNode,
};

function create(config: GicV2Config, wiring: Wiring<GicPin>, state?: GicV2State): GicV2 {
  const is = features(config);
  const gic = gicState(is);
  if (state !== undefined) restoreState(gic, state);
  const update = outputs(gic, wiring);
  const host: Host = { gic, update };
  const none = new Uint32Array(0);
  const forCpus = (block: Mmio): Mmio => onlyCpus(block, is.cpus);
  const virtual = is.listRegisters > 0;
  if (state !== undefined) update();
  return {
    mmio: [
      forCpus(gicd.mmio(host, none, wiring.trace)),
      forCpus(gicc.mmio(host, none, wiring.trace)),
      virtual ? forCpus(gich.mmio(host, none, wiring.trace)) : absent,
      virtual ? forCpus(gicv.mmio(host, none, wiring.trace)) : absent,
    ],
    inputs: inputsOf(gic, update),
    reset(phase) {
      if (phase === Reset.Enter) resetState(gic);
      if (phase === Reset.Hold) update();
    },
    save: () => saveState(gic),
  };
}

/** What stands where the Virtualization Extensions are not: zero. */
const absent: Mmio = { read: () => 0, write: () => undefined };

/** Registers are banked by CPU: whoever is none has no view of them. */
function onlyCpus(block: Mmio, cpus: number): Mmio {
  return {
    read(offset, width, by) {
      if (by.requester >= 0 && by.requester < cpus) return block.read(offset, width, by);
      by.fault = Fault.Slave;
      return 0;
    },
    write(offset, width, value, by) {
      if (by.requester >= 0 && by.requester < cpus) block.write(offset, width, value, by);
      else by.fault = Fault.Slave;
    },
  };
}

/** Drives a pin that changes. Most accesses change none. */
function put(pin: InterruptLine, level: boolean): void {
  if (pin.level !== level) pin.set(level);
}

/** The function that brings the CPUs' pins in line with the state. */
function outputs(gic: Gic, wiring: Wiring<GicPin>): () => void {
  const pins = gic.cpu.map((cpu, i) => {
    const line = (kind: (typeof kinds)[number]): InterruptLine => wiring.line(`${kind}${indices[i] ?? 0}`);
    return { cpu, irq: line('irq'), fiq: line('fiq'), virq: line('virq'), vfiq: line('vfiq') };
  });
  return () => {
    for (let i = 0; i < pins.length; i++) {
      const pin = pins[i];
      if (pin === undefined) continue;
      if (gic.is.listRegisters > 0) {
        drive(gic, i, maintenanceInterrupt, needsMaintenance(pin.cpu));
        const virtual = virtualPins(pin.cpu);
        put(pin.virq, virtual === 'virq');
        put(pin.vfiq, virtual === 'vfiq');
      }
      const id = signalled(gic, i);
      const fiq = id !== spurious && !inGroup1(gic, i, id) && (pin.cpu.control & Control.FIQEn) !== 0;
      put(pin.fiq, fiq);
      put(pin.irq, id !== spurious && !fiq);
    }
  };
}

function inputsOf(gic: Gic, update: () => void): GicInputs {
  const line = (cpu: number, id: number): InterruptLine => ({
    get level() {
      return isSet(gic, gic.level, cpu, id);
    },
    set(level) {
      if (isSet(gic, gic.level, cpu, id) === level) return;
      drive(gic, cpu, id, level);
      update();
    },
  });
  const require = (holds: boolean, what: string): void => {
    if (!holds) throw new RangeError(`gic: there is no ${what}`);
  };
  return {
    spi(n) {
      require(Number.isInteger(n) && n >= 0 && n + 32 < gic.is.interrupts, `SPI ${n}`);
      return line(0, n + 32);
    },
    ppi(cpu, n) {
      require(Number.isInteger(cpu) && cpu >= 0 && cpu < gic.is.cpus, `CPU ${cpu}`);
      require(Number.isInteger(n) && n >= 0 && n < 16, `PPI ${n}`);
      const own = gic.is.listRegisters > 0 && n + 16 === maintenanceInterrupt;
      require(!own, `free PPI ${n}: the maintenance interrupt is there`);
      return line(cpu, n + 16);
    },
  };
}

/** The node as Linux's binding has it, `arm,gic.yaml`; other nodes refer to it by the label `gic`. */
function treeNode(config: GicV2Config, at: Placement<GicPin>): TreeNode {
  const is: Features = features(config);
  const virtual = is.listRegisters > 0;
  const blocks = at.bases.slice(0, virtual ? 4 : 2);
  const distributor = blocks[0];
  if (distributor === undefined || blocks.length < (virtual ? 4 : 2)) {
    throw new RangeError(`gic: ${virtual ? 4 : 2} base addresses are needed, but there are ${blocks.length}`);
  }
  return {
    name: `interrupt-controller@${distributor.toString(16)}`,
    label: 'gic',
    properties: {
      compatible: gicV2.compatible,
      '#interrupt-cells': [3],
      'interrupt-controller': true,
      '#address-cells': [2],
      '#size-cells': [2],
      ranges: true,
      reg: blocks.flatMap((base) => [{ u64: base }, { u64: blockSize }]),
      // PPI 9, level-sensitive and active high.
      ...(virtual ? { interrupts: [1, maintenanceInterrupt - 16, 4] } : {}),
    },
  };
}
